/* What attention of the AMX set shares both ways: operands in parts, cells of
 * their products with work for the time in between, and sums on their way out
 * (amx_tile.h has the products). */

enum { SQUARE = SIDE * LANES }; /* sums of a cell */

/* Parts of an operand: its first strip, and entries from strip to strip. */
typedef struct parts {
    float *p;
    eg_index size;
} parts;

INLINE parts strips_from(parts a, eg_index n)
{
    return (parts){a.p + n / TILE * a.size, a.size};
}

/* Work for the time in between. */
typedef struct aside {
    void (*piece)(void *);
    void *arg;
} aside;

INLINE eg_index round_up(eg_index n, eg_index to)
{
    return (n + to - 1) / to * to;
}

/* The next n entries of the work space, on a cache line. */
static float *work_take(float **work, eg_index n)
{
    float *p = *work;
    *work += round_up(n, W);
    return p;
}

static float *aligned(float *work)
{
    return work + (-(uintptr_t)work / sizeof *work) % W;
}

static parts parts_take(float **work, eg_index n, eg_index K)
{
    parts a = {.size = strip_size(K)};
    a.p = work_take(work, round_up(n, TILE) / TILE * a.size);
    return a;
}

static void feed_start(feed *f, bool left, parts to, const float *x,
                       eg_index si, eg_index sk, eg_index n, eg_index K)
{
    f->size = to.size;
    f->left = left;
    feed_begin(f, to.p, x, si, sk, n, K);
}

INLINE void cell_of_sums(int mr, int nr, float *c, eg_index ldc, bool add,
                         parts a, parts b, eg_index steps, aside also)
{
    if (add) {
        tiles_load(mr, nr, c, ldc);
    } else {
        tiles_clear();
    }
    multiply(mr, nr, a.p, a.size, b.p, b.size, steps, also.piece, also.arg);
    tiles_store(mr, nr, c, ldc);
}

/* C (+)= A B for up to 32 rows and columns, whole tiles of them. */
static void cell_sums(eg_index rows, eg_index cols, float *c, eg_index ldc,
                      bool add, parts a, parts b, eg_index steps, aside also)
{
    if (rows > TILE && cols > TILE) {
        cell_of_sums(2, 2, c, ldc, add, a, b, steps, also);
    } else if (rows > TILE) {
        cell_of_sums(2, 1, c, ldc, add, a, b, steps, also);
    } else if (cols > TILE) {
        cell_of_sums(1, 2, c, ldc, add, a, b, steps, also);
    } else {
        cell_of_sums(1, 1, c, ldc, add, a, b, steps, also);
    }
}

/* Sums [cols][LANES] on their way out: y[lane, col] = factor[lane]
 * sum[col, lane], a tile at a time. */
typedef struct outlet {
    float *y;
    eg_index ld, rows, cols;
    const float *sum, *factor;
    eg_index next;
} outlet;

static bool outlet_piece(outlet *o)
{
    eg_index col = o->next / 2 * TILE, lane = o->next % 2 * TILE;
    eg_index rows = o->rows - lane, cols = o->cols - col;
    float *y = o->y + lane * o->ld + col;
    vec v[TILE], f;

    if (cols <= 0) return false;
    o->next += o->rows > TILE ? 1 : 2;
    f = vload(o->factor + lane);
#pragma GCC unroll 16
    for (int i = 0; i < TILE; i++) {
        v[i] = f * vload(o->sum + (col + i) * LANES + lane);
    }
    vtranspose(v);
    if (rows >= TILE && cols >= TILE) {
#pragma GCC unroll 16
        for (int i = 0; i < TILE; i++) vstore(y + i * o->ld, v[i]);
        return true;
    }
#pragma GCC unroll 16
    for (int i = 0; i < TILE; i++) {
        if (i >= rows) continue;
        if (cols >= W) {
            vstore(y + i * o->ld, v[i]);
        } else {
            vstore_n(y + i * o->ld, v[i], cols);
        }
    }
    return true;
}
