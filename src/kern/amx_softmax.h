/* Softmax of a block of scores for the AMX set, in pieces that are done between
 * tile products. Lanes are queries. */

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
