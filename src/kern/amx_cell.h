/* Cells of the matrix products of the AMX set: 32 x 32 entries of C, two strips
 * of A by two of B, and what the vector unit does in the meantime. */

enum { SIDE = 2 * TILE };

/* C[rows, cols] (+)= alpha A B for a cell. */
typedef struct cell {
    float *c;
    eg_index ldc, rows, cols;
    float alpha;
    int acc;
} cell;

/* Runs of cache lines on their way into L2: strips of B, panels, or rows of a
 * transposed A. */
typedef struct coming {
    const float *line, *run;
    eg_index size;        /* from run to run */
    eg_index left, whole; /* lines of this run, of a run */
    eg_index runs, some;  /* runs left; lines a slot */
} coming;

/* Cells on their way past the caches. Tiles are stored to one of two buffers;
 * during the cell after the next the vector unit writes them to C. A buffer
 * just written is left alone: the load would wait for the tiles. */
typedef struct outbox {
    float sum[2][SIDE * SIDE] __attribute__((aligned(64)));
    int turn;       /* the next tiles go to this one */
    float *waiting; /* where the other one belongs in C, NULL: it is empty */
    const float *from;
    float *to; /* `rows` left */
    eg_index ldc, rows;
    float alpha;
} outbox;

/* What the vector unit does during the cells, a little in every slot: it splits
 * two pieces of B, and one of A in every `each` slots, which spreads it evenly;
 * in large products it also fetches what comes next of A, B and C, or writes a
 * cell past the caches. */
typedef struct meanwhile {
    outbox out;
    feed a, b;
    int each, slot;
    coming next_a, next_b;
    eg_index size; /* of a strip of B */
    float *row;    /* of C, `rows` left */
    eg_index ldc, rows;
    eg_index some; /* rows of C a slot */
} meanwhile;

static void split_some(void *arg)
{
    meanwhile *w = arg;

    if (feed_piece(&w->b)) feed_piece(&w->b);
    if (++w->slot < w->each) return;
    w->slot = 0;
    feed_piece(&w->a);
}

static void fetch_some(coming *f)
{
    if (f->runs == 0) return;
    for (eg_index i = 0; i < f->some; i++, f->line += LINE) {
        __builtin_prefetch(f->line, 0, 2);
    }
    f->left -= f->some;
    if (f->left > 0) return;
    f->line = f->run += f->size;
    f->left = f->whole;
    f->runs--;
}

static void fetch_and_split(void *arg)
{
    meanwhile *w = arg;

    fetch_some(&w->next_a);
    fetch_some(&w->next_b);
    for (eg_index i = 0; i < w->some && w->rows > 0; i++, w->rows--) {
        __builtin_prefetch(w->row, 1);
        __builtin_prefetch(w->row + LINE, 1);
        w->row += w->ldc;
    }
    split_some(arg);
}

static void out_begin(outbox *o, eg_index ldc, float alpha)
{
    o->turn = 0;
    o->waiting = NULL;
    o->ldc = ldc;
    o->rows = 0;
    o->alpha = alpha;
}

static void out_some(outbox *o, eg_index rows)
{
    for (; rows > 0 && o->rows > 0; rows--, o->rows--) {
        vstream(o->to, o->alpha * vload(o->from));
        vstream(o->to + W, o->alpha * vload(o->from + W));
        o->from += SIDE;
        o->to += o->ldc;
    }
}

/* The present buffer holds a cell for c; the other one goes out next. */
static void out_turn(outbox *o, float *c)
{
    o->turn ^= 1;
    o->from = o->sum[o->turn];
    o->to = o->waiting;
    o->rows = o->waiting ? SIDE : 0;
    o->waiting = c;
}

static void out_all(outbox *o)
{
    out_some(o, SIDE);
    out_turn(o, NULL);
    out_some(o, SIDE);
}

static void write_and_split(void *arg)
{
    meanwhile *w = arg;

    out_some(&w->out, w->some);
    fetch_some(&w->next_a);
    fetch_some(&w->next_b);
    split_some(arg);
}

/* What lies in C, where sums of one part go on: their order is that of bf16.h
 * wherever a block ends. */
static void get_cell(const cell *o, float *sum)
{
    for (eg_index m = 0; m < o->rows; m++) {
        const float *c = o->c + m * o->ldc;
        vstore(sum + m * SIDE, load_some(c, o->cols));
        vstore(sum + m * SIDE + W, load_some(c + W, o->cols - W));
    }
}

/* The sums through a buffer, where C needs more than a copy. */
static void put_cell(const cell *o, const float *sum, bool add)
{
    for (eg_index m = 0; m < o->rows; m++) {
        for (eg_index n = 0; n < o->cols; n += W) {
            eg_index left = o->cols - n < W ? o->cols - n : W;
            float *c = o->c + m * o->ldc + n;
            vec a = vset(o->alpha), s = vload(sum + m * SIDE + n);
            vec v = add ? vfma(a, s, load_some(c, left)) : a * s;
            if (left == W) {
                vstore(c, v);
            } else {
                vstore_n(c, v, left);
            }
        }
    }
}

/* How the sums of a cell get to C: SMALL as they are, LARGE with fetching, PAST
 * the caches, through the outbox. */
typedef enum cell_mode { SMALL, LARGE, PAST } cell_mode;

/* sa, sb: how far the two strips of A, of B, are apart. */
INLINE void cell_of(int mr, int nr, cell_mode mode, const cell *o,
                    const float *a, eg_index sa, const float *b, eg_index steps,
                    meanwhile *w)
{
    const eg_index height = (eg_index)mr * TILE, width = (eg_index)nr * TILE;
    bool full = o->rows == height && o->cols == width;
    bool plain = o->alpha >= 1 && o->alpha <= 1, whole = full && plain;
    bool goes_on = PARTS == 1 && plain && o->acc && !whole;
    float sum[SIDE * SIDE] __attribute__((aligned(64)));

    if (whole && o->acc) {
        tiles_load(mr, nr, o->c, o->ldc);
    } else if (goes_on) {
        get_cell(o, sum);
        tiles_load(mr, nr, sum, SIDE);
    } else {
        tiles_clear();
    }
    multiply(mr, nr, a, sa, b, w->size, steps,
             mode == PAST    ? write_and_split
             : mode == LARGE ? fetch_and_split
                             : split_some,
             w);
    if (mode == PAST && mr > 1 && nr > 1 && full) {
        out_some(&w->out, SIDE);
        tiles_store(mr, nr, w->out.sum[w->out.turn], SIDE);
        out_turn(&w->out, o->c);
    } else if (whole) {
        tiles_store(mr, nr, o->c, o->ldc);
    } else {
        tiles_store(mr, nr, sum, SIDE);
        put_cell(o, sum, o->acc && !goes_on);
    }
}

INLINE void cell_product(cell_mode mode, const cell *o, const float *a,
                         eg_index sa, const float *b, eg_index steps,
                         meanwhile *w)
{
    if (o->rows > TILE && o->cols > TILE) {
        cell_of(2, 2, mode, o, a, sa, b, steps, w);
    } else if (o->rows > TILE) {
        cell_of(2, 1, mode, o, a, sa, b, steps, w);
    } else if (o->cols > TILE) {
        cell_of(1, 2, mode, o, a, sa, b, steps, w);
    } else {
        cell_of(1, 1, mode, o, a, sa, b, steps, w);
    }
}

typedef void cell_fn(const cell *o, const float *a, eg_index sa, const float *b,
                     eg_index steps, meanwhile *w);

static void small_cell(const cell *o, const float *a, eg_index sa,
                       const float *b, eg_index steps, meanwhile *w)
{
    cell_product(SMALL, o, a, sa, b, steps, w);
}

static void large_cell(const cell *o, const float *a, eg_index sa,
                       const float *b, eg_index steps, meanwhile *w)
{
    cell_product(LARGE, o, a, sa, b, steps, w);
}

static void past_cell(const cell *o, const float *a, eg_index sa,
                      const float *b, eg_index steps, meanwhile *w)
{
    cell_product(PAST, o, a, sa, b, steps, w);
}

/* By mode. */
static cell_fn *const cell_fns[] = {small_cell, large_cell, past_cell};
