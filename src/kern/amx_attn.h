/* Causal attention of the AMX set, forward (amx_tile.h has the products).
 *
 * Lanes are queries, as in fast_attn.h: S^T = K Q^T for a block of query rows,
 * softmax down the columns, Z^T = V^T P^T. The tile unit works on its own once
 * it has its instructions, so that all else is cut into pieces which are done
 * between them: while block j's scores and block j - 2's values are summed,
 * softmax goes over block j - 1. The last block comes first: what is left
 * without company at the end is short. */

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

/* e^x for x <= 0, also a little above: 0 below e^-87, NaN stays NaN. As vexp,
 * but for instructions that go well between tile products. */
INLINE vec exp_below(vec x)
{
    const vec magic = vset(0x1.8p23f); /* its last bits are the integer */
    const vec hi = vset(0x1.62e4p-1f), lo = vset(0x1.7f7d1cp-20f);
    vec z = x * 0x1.715476p+0f + magic, k = z - magic;
    __mmask16 seen =
        _mm512_cmp_ps_mask((__m512)x, (__m512)vset(-87), _CMP_NLT_UQ);

    x -= k * hi;
    x -= k * lo;
    return (vec)_mm512_maskz_add_epi32(seen, (__m512i)vexp_rest(x),
                                       _mm512_slli_epi32((__m512i)z, 23));
}

/* Softmax of a block, in place, in pieces. While its scores come, the largest
 * of each lane; then exponentials, split for the values' product at once; then
 * the pattern. */
typedef enum phase { LARGEST, EXPONENTIALS, PATTERN, DONE } phase;

typedef struct softmax {
    vec top[2], sum[2];
    block b;
    float *p;      /* [keys][LANES] */
    float *factor; /* 1 / sum, for each lane */
    parts e;
    eg_index seen;  /* keys that every lane sees */
    eg_index ready; /* keys that have their scores */
    eg_index next;
    float scale;
    phase phase;
} softmax;

static void softmax_start(softmax *f, const block *b, float *p, float *factor,
                          parts e, float scale)
{
    *f = (softmax){.top = {vset(-INFINITY), vset(-INFINITY)},
                   .b = *b,
                   .p = p,
                   .factor = factor,
                   .e = e,
                   .seen = b->rows == LANES ? b->limit[0] : 0,
                   .scale = scale};
}

/* All ones for the lanes that see key s. */
INLINE ivec sees(const block *b, eg_index lane, eg_index s)
{
    ivec limit;
    memcpy(&limit, b->limit + lane, sizeof limit);
    return limit > (int32_t)s;
}

static bool largest_piece(softmax *f)
{
    const vec none = vset(-INFINITY);
    eg_index s = f->next, end = s + TILE < f->ready ? s + TILE : f->ready;
    vec t0 = f->top[0], t1 = f->top[1], u0 = t0, u1 = t1;

    if (f->phase != LARGEST || s >= f->ready) return false;
    f->next = end;
    if (end <= f->seen) {
        for (; s + 2 <= end; s += 2) {
            const float *x = f->p + s * LANES;
            t0 = vmax(f->scale * vload(x), t0);
            t1 = vmax(f->scale * vload(x + W), t1);
            u0 = vmax(f->scale * vload(x + LANES), u0);
            u1 = vmax(f->scale * vload(x + LANES + W), u1);
        }
    }
    for (; s < end; s++) {
        vec x = f->scale * vload(f->p + s * LANES);
        vec y = f->scale * vload(f->p + s * LANES + W);
        t0 = vmax(vsel(sees(&f->b, 0, s), x, none), t0);
        t1 = vmax(vsel(sees(&f->b, W, s), y, none), t1);
    }
    f->top[0] = vmax(t0, u0);
    f->top[1] = vmax(t1, u1);
    return true;
}

/* The exponentials of key s for one vector of lanes. */
INLINE vec exponential(const softmax *f, eg_index s, eg_index j, bool all)
{
    float *x = f->p + s * LANES + j * W;
    vec e;

    if (!all && s >= f->b.keys) return vset(0);
    e = exp_below(f->scale * vload(x) - f->top[j]);
    if (!all) e = vsel(sees(&f->b, j * W, s), e, vset(0));
    vstore(x, e);
    return e;
}

/* Keys s and s + 16: one row of the tiles of parts. */
INLINE void exponentials_row(softmax *f, eg_index s, bool all)
{
    float *to = f->e.p + s / STEP * STEP_FLOATS + s % STEP * W;

#pragma GCC unroll 2
    for (eg_index j = 0; j < 2; j++) {
        vec a = exponential(f, s, j, all), b = exponential(f, s + TILE, j, all);
        f->sum[j] += a + b;
        put_pairs(to + j * f->e.size, a, b);
    }
}

static void exponentials_piece(softmax *f)
{
    eg_index s = f->next / STEP * STEP + f->next % STEP / 2;

    if (s / STEP * STEP + STEP <= f->seen) {
        exponentials_row(f, s, true);
    } else {
        exponentials_row(f, s, false);
    }
    f->next += 2;
}

static void pattern_piece(softmax *f)
{
    eg_index end = f->next + TILE < f->b.keys ? f->next + TILE : f->b.keys;
    vec f0 = vload(f->factor), f1 = vload(f->factor + W);

    for (eg_index s = f->next; s < end; s++) {
        float *x = f->p + s * LANES;
        vstore(x, f0 * vload(x));
        vstore(x + W, f1 * vload(x + W));
    }
    f->next = end;
}

static void softmax_largest_done(softmax *f)
{
    f->phase = EXPONENTIALS;
    f->next = 0;
}

/* After the largest are known. */
static bool softmax_piece(softmax *f)
{
    if (f->phase == EXPONENTIALS) {
        exponentials_piece(f);
        if (f->next < round_up(f->b.keys, STEP)) return true;
        for (eg_index j = 0; j < 2; j++) {
            vec any = vsel(sees(&f->b, j * W, 0), f->sum[j], vset(1));
            vstore(f->factor + j * W, 1 / any);
        }
    } else if (f->phase == PATTERN) {
        pattern_piece(f);
        if (f->next < f->b.keys) return true;
    } else {
        return false;
    }
    f->next = 0;
    f->phase++;
    return true;
}

/* A head, and what it is split into. Blocks take turns in two buffers. */
typedef struct forward {
    softmax soft[2];
    softmax *scores, *before; /* the block at hand, and the one before it */
    feed k, q, v;
    outlet out;
    parts keys, values, queries[2], e[2];
    float *sums[2], *factor[2], *spare;
} forward;

static bool forward_piece(forward *f)
{
    return outlet_piece(&f->out) || largest_piece(f->scores) ||
           feed_piece(&f->k) || softmax_piece(f->before) || feed_piece(&f->q) ||
           feed_piece(&f->v);
}

static void forward_aside(void *arg)
{
    (void)forward_piece(arg);
}

static eg_index forward_work(eg_index dh, eg_index dv, eg_index max_limit)
{
    eg_index room = round_up(max_limit, STEP), values = round_up(dv, TILE);
    return room / TILE * strip_size(dh) + values / TILE * strip_size(room) +
           4 * strip_size(dh) + 4 * strip_size(room) +
           (2 * round_up(dv, SIDE) + SIDE + 2) * LANES + W;
}

static void forward_start(forward *f, eg_index dh, eg_index dv,
                          eg_index max_limit, float *work)
{
    eg_index room = round_up(max_limit, STEP);

    *f = (forward){.scores = &f->soft[0], .before = &f->soft[1]};
    work = aligned(work);
    f->keys = parts_take(&work, room, dh);
    f->values = parts_take(&work, dv, room);
    f->spare = work_take(&work, SQUARE);
    for (int i = 0; i < 2; i++) {
        f->soft[i].phase = DONE;
        f->queries[i] = parts_take(&work, LANES, dh);
        f->e[i] = parts_take(&work, LANES, room);
        f->sums[i] = work_take(&work, round_up(dv, SIDE) * LANES);
        f->factor[i] = work_take(&work, LANES);
    }
}

static void queries_start(forward *f, int turn_, const float *q, eg_index ldq,
                          eg_index r, eg_index rows, eg_index dh)
{
    feed_start(&f->q, false, f->queries[turn_], q + r * ldq, ldq, 1,
               rows - r < LANES ? rows - r : LANES, dh);
}

/* S^T of a block, into the place of its pattern. */
static void forward_scores(forward *f, parts queries, eg_index dh)
{
    aside also = {forward_aside, f};
    softmax *soft = f->scores;
    eg_index keys = soft->b.keys;

    for (eg_index s = 0; s < keys; s += SIDE) {
        eg_index n = keys - s < SIDE ? keys - s : SIDE;
        float *x = soft->p + s * LANES, *to = n % TILE ? f->spare : x;

        feed_until(&f->k, s + n);
        cell_sums(n, soft->b.rows, to, LANES, false, strips_from(f->keys, s),
                  queries, steps_of(dh), also);
        if (to != x) memcpy(x, to, (size_t)(n * LANES) * sizeof *x);
        soft->ready = s + n;
    }
}

/* Z of a block from its exponentials. */
static void forward_values(forward *f, int now, float *z, eg_index ldz,
                           eg_index dv)
{
    aside also = {forward_aside, f};
    const block *b = &f->soft[now].b;

    for (eg_index n = 0; n < dv; n += SIDE) {
        cell_sums(dv - n, b->rows, f->sums[now] + n * LANES, LANES, false,
                  strips_from(f->values, n), f->e[now], steps_of(b->keys),
                  also);
    }
    while (outlet_piece(&f->out)) {
    }
    f->out = (outlet){z, ldz, b->rows, dv, f->sums[now], f->factor[now], 0};
}

static void tiles_attn(float *z, eg_index ldz, float *p, const float *q,
                       eg_index ldq, const int32_t *limit, const float *k,
                       eg_index ldk, const float *v, eg_index ldv,
                       eg_index rows, eg_index dh, eg_index dv, float scale,
                       float *work)
{
    eg_index blocks = (rows + LANES - 1) / LANES, r = blocks * LANES;
    eg_index keys = rows ? limit[rows - 1] : 0;
    forward f;

    forward_start(&f, dh, dv, keys, work);
    feed_start(&f.k, true, f.keys, k, ldk, 1, keys, dh);
    feed_start(&f.v, true, f.values, v, 1, ldv, dv, keys);
    p += fast_attn_size(limit, rows);
    tiles_on();
    for (eg_index j = 0; j < blocks + 2; j++) {
        int now = (int)(j & 1);

        r -= LANES; /* of block j */
        f.scores = &f.soft[now];
        f.before = &f.soft[!now];
        if (j == 0) queries_start(&f, now, q, ldq, r, rows, dh);
        feed_until(&f.q, LANES);
        if (j + 1 < blocks) {
            queries_start(&f, !now, q, ldq, r - LANES, rows, dh);
        }
        if (j >= 2) {
            eg_index done = r + LANES + LANES;
            forward_values(&f, now, z + done * ldz, ldz, dv);
        }
        if (j < blocks) {
            block b = block_at(limit, r, rows);
            p -= b.keys * LANES;
            softmax_start(f.scores, &b, p, f.factor[now], f.e[now], scale);
            forward_scores(&f, f.queries[now], dh);
        }
        while (forward_piece(&f)) {
        }
        if (j < blocks) softmax_largest_done(f.scores);
    }
    tiles_off();
}
