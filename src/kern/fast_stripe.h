/* Large products, whose operands leave the L2 cache. A is copied block by block
 * into stripes of MR rows ([k][MR]), so that neither its storage form nor its
 * row stride matters; while a panel of B is in use, the next one is fetched
 * into L2; a result that no cache could hold is written past the caches.
 *
 * A block of A: STRIPES stripes of up to STRIPE_K values of k (256 KiB of
 * floats, twice that of doubles), on the stack. Stripes begin a cache line
 * further apart than their size, or all of them would fall into the same sets
 * of L1. */
enum { STRIPES = (64 + MR - 1) / MR, STRIPE_ROWS = STRIPES * MR };
enum { UNROLL = 4, LINE = 64 / sizeof(real), STRIPE_GAP = LINE };
#define STREAM_BYTES ((eg_index)8 << 20) /* four times the L2 cache */

/* Panels of B: of columns n.. at packed + n * K. Where raw is given, they are
 * packed as they are needed. */
typedef struct right_panels {
    const real *packed;
    real *work;      /* packed, to be written */
    const real *raw; /* B(k, n) = raw[k*rs + n*cs]; NULL: all is packed */
    eg_index rs, cs;
} right_panels;

/* What a tile does with C. STREAM: write past the caches. */
typedef enum c_mode { WRITE, ADD, STREAM } c_mode;

/* Lines fetched into L2, one each UNROLL steps of k. */
typedef struct fetching {
    const real *p;
    eg_index step;
} fetching;

INLINE void vstream(real *p, vec v)
{
#if VEC_BYTES >= 32
    MM(stream)(p, (mm)v);
#else
    vstore(p, v);
#endif
}

/* Streamed results become visible to other threads in order. */
static void stream_end(void)
{
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

INLINE void stripe_step(vec sum[MR][2], const real *a, const real *b)
{
    vec b0 = vload(b), b1 = vload(b + W);

#pragma GCC unroll 8
    for (int m = 0; m < MR; m++) {
        vec f = vset(a[m]);
        sum[m][0] += f * b0;
        sum[m][1] += f * b1;
    }
}

/* C[MR, NR] (+)= alpha A B for a stripe of A and a panel of B. Not inlined: in
 * the loop over tiles gcc would keep the addresses of C in vector registers. */
__attribute__((noinline)) static void stripe_tile(real *c, eg_index ldc,
                                                  const real *a, const real *b,
                                                  eg_index K, real alpha,
                                                  c_mode mode, fetching f)
{
    vec sum[MR][2];
    const real *old = c;
    eg_index k = 0;

    for (int m = 0; m < MR && mode != STREAM; m++, old += ldc) {
        for (int j = 0; j < NR; j += LINE) __builtin_prefetch(old + j);
    }
#pragma GCC unroll 8
    for (int m = 0; m < MR; m++) {
        sum[m][0] = vset(0);
        sum[m][1] = vset(0);
    }
#pragma GCC unroll 1
    for (; k + UNROLL <= K; k += UNROLL, f.p += f.step) {
        __builtin_prefetch(f.p, 0, 2);
#pragma GCC unroll 4
        for (int i = 0; i < UNROLL; i++, a += MR, b += NR) {
            stripe_step(sum, a, b);
        }
    }
#pragma GCC unroll 1
    for (; k < K; k++, a += MR, b += NR) stripe_step(sum, a, b);
#pragma GCC unroll 8
    for (int m = 0; m < MR; m++, c += ldc) {
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            vec v = alpha * sum[m][j];
            real *p = c + j * W;
            if (mode == STREAM)
                vstream(p, v);
            else
                vstore(p, mode == ADD ? v + vload(p) : v);
        }
    }
}

/* A stripe from rows of A: `rows` of them real, the rest zero. */
static void stripe_rows(real *s, const real *a, eg_index rs, eg_index K,
                        eg_index rows)
{
    enum { TURNED_ROWS = MR < W ? MR : W }; /* rows turned at a time */

    for (eg_index m = 0; m < MR; m += TURNED_ROWS, s += TURNED_ROWS) {
        for (eg_index k = 0; k < K; k += W) {
            eg_index left = K - k < W ? K - k : W;
            vec v[W];

#pragma GCC unroll 16
            for (int j = 0; j < W; j++) {
                v[j] = vset(0);
                if (j < TURNED_ROWS && m + j < rows) {
                    const real *p = a + (m + j) * rs + k;
                    v[j] = left == W ? vload(p) : vload_n(p, left);
                }
            }
            vtranspose(v);
            for (int j = 0; j < left; j++) {
                eg_index n = MR - m < TURNED_ROWS ? MR - m : TURNED_ROWS;
                memcpy(s + (k + j) * MR, &v[j], (size_t)n * sizeof *s);
            }
        }
    }
}

/* All stripes of a block from a transposed A, one row of it at a time. */
static void stripe_columns(real *s, eg_index size, const real *a, eg_index cs,
                           eg_index M, eg_index K)
{
    eg_index whole = M / MR * MR;

    for (eg_index k = 0; k < K; k++, a += cs) {
        real *p = s + k * MR;
        for (eg_index m = 0; m < M; m += LINE) {
            __builtin_prefetch(a + COPY_AHEAD * cs + m);
        }
        for (eg_index m = 0; m < whole; m += MR, p += size) {
            memcpy(p, a + m, MR * sizeof *p);
        }
        for (eg_index m = 0; m < MR && whole < M; m++) {
            p[m] = whole + m < M ? a[whole + m] : 0;
        }
    }
}

static void stripe_block(real *s, eg_index size, const real *a, eg_index rs,
                         eg_index cs, eg_index M, eg_index K)
{
    if (rs == 1) {
        stripe_columns(s, size, a, cs, M, K);
        return;
    }
    for (eg_index m = 0; m < M; m += MR, s += size) {
        stripe_rows(s, a + m * rs, rs, K, M - m < MR ? M - m : MR);
    }
}

/* What is still to be fetched of a panel of B: runs of lines `step` apart, each
 * a line further on than the one before. */
typedef struct upcoming {
    const real *p, *first;
    eg_index step, left, run, runs;
} upcoming;

enum { PANEL_LINES = (NR + LINE - 1) / LINE }; /* of a row */

static upcoming upcoming_of(const real *p, eg_index step, eg_index run,
                            eg_index runs)
{
    return (upcoming){p, p, step, run, run, runs - 1};
}

static upcoming upcoming_raw(const right_panels *b, eg_index n, eg_index k,
                             eg_index K)
{
    const real *p = b->raw + n * b->cs + k * b->rs;

    if (b->cs == 1) return upcoming_of(p, b->rs, K, PANEL_LINES);
    return upcoming_of(p, LINE, b->cs == K ? K * NR / LINE : 0, 1);
}

/* The next n lines. */
static fetching take(upcoming *a, eg_index n)
{
    fetching f = {a->p, a->left > 0 ? a->step : 0};

    a->p += n * a->step;
    a->left -= n;
    if (a->left <= 0 && a->runs > 0) {
        a->p = a->first += LINE;
        a->left = a->run;
        a->runs--;
    }
    return f;
}

/* C[M, cols] (+)= alpha A B, cols <= NR: a block of A, a panel of B. */
static void stripe_panel(real *c, eg_index ldc, const real *s, eg_index size,
                         const real *b, eg_index M, eg_index cols, eg_index K,
                         real alpha, c_mode mode, upcoming next)
{
    for (; M > 0; M -= MR, c += MR * ldc, s += size) {
        eg_index rows = M < MR ? M : MR;
        if (rows == MR && cols == NR) {
            stripe_tile(c, ldc, s, b, K, alpha, mode, take(&next, K / UNROLL));
        } else {
            tiles[rows - 1][1][0][cols > W](c, ldc, s, MR, b, NR, cols, K,
                                            alpha, mode == ADD);
        }
    }
}

/* All of C. Blocks: k in steps of kc, rows in steps of mc, then the panels. */
static void stripe_product(real *c, eg_index ldc, const real *a, eg_index rs,
                           eg_index cs, const right_panels *b, eg_index M,
                           eg_index N, eg_index K, real alpha, int acc)
{
    real s[STRIPES * (MR * STRIPE_K + STRIPE_GAP)] __attribute__((aligned(64)));
    eg_index kc = block_size(K, STRIPE_K, 1);
    eg_index mc = block_size(M, STRIPE_ROWS, MR), k = 0;
    int once = b->raw && M <= mc; /* a panel is used for one block only */
    c_mode mode = WRITE;

    if (acc) {
        mode = ADD;
    } else if (kc == K && M * N * (eg_index)sizeof *c >= STREAM_BYTES &&
               ((uintptr_t)c | ((uintptr_t)ldc * sizeof *c)) % 64 == 0) {
        mode = STREAM;
    }
    do {
        eg_index kn = K - k < kc ? K - k : kc, size = kn * MR + STRIPE_GAP;
        for (eg_index m = 0; m < M; m += mc) {
            eg_index rows = M - m < mc ? M - m : mc;
            stripe_block(s, size, a + m * rs + k * cs, rs, cs, rows, kn);
            for (eg_index n = 0; n < N; n += NR) {
                eg_index cols = N - n < NR ? N - n : NR;
                eg_index at = once ? 0 : n * K + k * NR;
                int last = n + NR >= N;
                upcoming next;

                if (b->raw && m == 0) {
                    pack_panel(b->work + at, b->raw + n * b->cs + k * b->rs,
                               b->rs, b->cs, kn, cols);
                }
                if (b->raw && m == 0 && !last) {
                    next = upcoming_raw(b, n + NR, k, kn);
                } else {
                    next =
                        upcoming_of(b->packed + (last ? k * NR : at + NR * K),
                                    LINE, kn * NR / LINE, 1);
                }
                stripe_panel(c + m * ldc + n, ldc, s, size, b->packed + at,
                             rows, cols, kn, alpha, mode, next);
            }
        }
        mode = ADD;
        k += kc;
    } while (k < K);
    stream_end();
}
