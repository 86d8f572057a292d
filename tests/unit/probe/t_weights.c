/* Maps and memories of the weight probes against the paper's formulas written
 * out as sums, and recalls of memories with known answers. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engram/rng.h"
#include "probe/weights.h"

enum { V = 41, T = 300, M = 24, HEADS = 3, D = 8, F = 50 };

typedef struct variant {
    const char *name;
    int heads, d_head;
    bool merged, value, output, tied;
    int ffn;
    int group; /* heads of queries a head of keys */
} variant;

static const variant variants[] = {
    {"birth", 1, M, true, true, true, false, EG_MLP_LINEAR, 1},
    {"full", HEADS, D, false, true, true, false, EG_MLP_RELU, 1},
    {"merged heads", HEADS, D, true, true, true, false, EG_MLP_GELU, 1},
    {"narrow", 1, 5, false, true, true, true, EG_MLP_LINEAR, 1},
    {"identity value", HEADS, D, false, false, true, false, EG_MLP_RELU, 1},
    {"identity output", HEADS, D, true, true, false, true, EG_MLP_NONE, 1},
    {"both identities", 1, M, true, false, false, false, EG_MLP_NONE, 1},
    {"grouped", 6, 4, false, true, true, false, EG_MLP_RELU, 3},
};
enum { N_VARIANTS = sizeof variants / sizeof variants[0] };

/* Everything the test allocates, freed at the end. */
static void *kept[256];
static int n_kept;

static double *normals(int rows, int cols, double std)
{
    eg_index n = (eg_index)rows * cols;
    static uint32_t stream;
    eg_rng r = eg_rng_make(7, EG_RNG_USER, 0, stream++);
    double *x = calloc((size_t)n, sizeof *x);

    assert_non_null(x);
    assert_true(n_kept < 256);
    kept[n_kept++] = x;
    for (eg_index i = 0; i < n; i++) x[i] = std * eg_rng_normal(&r);
    return x;
}

static void drop_all(void)
{
    while (n_kept > 0) free(kept[--n_kept]);
}

static egi_attn random_attn(const variant *v)
{
    int H = v->heads, W = v->d_head, kv = H / v->group;
    egi_attn at = {.n_heads = H, .group = v->group};

    if (v->merged) {
        at.W_QK = normals(H * M, M, .2);
    } else {
        at.W_Q = normals(H * M, W, .2);
        at.W_K = normals(kv * M, W, .2);
    }
    if (v->value) at.W_V = normals(kv * M, W, .2);
    if (v->output) at.W_O = normals(H * W, M, .2);
    return at;
}

static void random_weights(egi_weights *w, const variant *v, eg_pool *pool)
{
    *w = (egi_weights){.d_vocab = V,
                       .n_ctx = T,
                       .d_model = M,
                       .d_mlp = F,
                       .d_head = v->d_head,
                       .n_blocks = 2,
                       .pool = pool,
                       .kern = eg_kern_pick_f64("ref")};
    w->W_E = normals(V, M, 1);
    w->W_pos = normals(T, M, 1);
    w->W_U = v->tied ? w->W_E : normals(M, V, .3);
    w->u_rs = v->tied ? 1 : V;
    w->u_cs = v->tied ? M : 1;
    w->u_scale = v->tied ? 1. / M : 1;
    w->attn[0] = random_attn(v);
    w->attn[1] = random_attn(v);
    w->ffn.kind = v->ffn;
    w->ffn.W_F = normals(M, M, .2);
    w->ffn.W_in = normals(M, F, .2);
    w->ffn.W_out = normals(F, M, .2);
    assert_int_equal(egi_weights_workspace(w, NULL), EG_OK);
}

/* ------------------------------------------- formulas written out plainly --
 */

/* sum_h x^T W_QK[h] y, or sum_h (x W_Q[h]) . (y W_K[h]) */
static double score(const egi_weights *w, int block, const double *x,
                    const double *y)
{
    const egi_attn *at = &w->attn[block];
    double sum = 0;

    for (int h = 0; h < at->n_heads; h++) {
        for (int i = 0; at->W_QK && i < M; i++) {
            for (int j = 0; j < M; j++) {
                sum += x[i] * at->W_QK[(h * M + i) * M + j] * y[j];
            }
        }
        for (int d = 0; !at->W_QK && d < w->d_head; d++) {
            double q = 0, k = 0;
            for (int i = 0; i < M; i++) {
                q += x[i] * at->W_Q[(h * M + i) * w->d_head + d];
                k += y[i] * at->W_K[(h / at->group * M + i) * w->d_head + d];
            }
            sum += q * k;
        }
    }
    return sum;
}

/* y = what attending x alone adds to the residual stream. */
static void moved(const egi_weights *w, int block, double y[M], const double *x)
{
    const egi_attn *at = &w->attn[block];
    int W = w->d_head;

    for (int i = 0; i < M; i++) y[i] = 0;
    for (int h = 0; h < at->n_heads; h++) {
        for (int d = 0; d < W; d++) {
            double z = at->W_V ? 0 : x[h * W + d];
            for (int i = 0; at->W_V && i < M; i++) {
                z += x[i] * at->W_V[(h / at->group * M + i) * W + d];
            }
            for (int i = 0; at->W_O && i < M; i++) {
                y[i] += z * at->W_O[(h * W + d) * M + i];
            }
            if (!at->W_O) y[h * W + d] = z;
        }
    }
}

static void fed_forward(const egi_weights *w, double y[M], const double *x)
{
    double hidden[F];

    for (int j = 0; j < M; j++) {
        y[j] = 0;
        for (int i = 0; i < M; i++) y[j] += x[i] * w->ffn.W_F[i * M + j];
    }
    if (w->ffn.kind == EG_MLP_LINEAR) return;
    for (int f = 0; f < F; f++) {
        double a = 0;
        for (int i = 0; i < M; i++) a += x[i] * w->ffn.W_in[i * F + f];
        hidden[f] = a > 0 ? a : 0;
        if (w->ffn.kind == EG_MLP_GELU) {
            double c = sqrt(2 / acos(-1));
            hidden[f] = a / 2 * (1 + tanh(c * (a + .044715 * a * a * a)));
        }
    }
    for (int j = 0; j < M; j++) {
        y[j] = 0;
        for (int f = 0; f < F; f++) y[j] += hidden[f] * w->ffn.W_out[f * M + j];
    }
}

static double logit(const egi_weights *w, const double *x, eg_index v)
{
    double sum = 0;

    for (eg_index i = 0; i < M; i++) {
        sum += x[i] *
               (w->W_U == w->W_E ? w->W_E[v * M + i] / M : w->W_U[i * V + v]);
    }
    return sum;
}

static double plain_score(const egi_weights *w, egi_memory which, eg_index i,
                          eg_index j)
{
    double y[M];

    switch (which) {
    case EGI_MEM_O2:
        moved(w, 1, y, w->W_E + i * M);
        return logit(w, y, j);
    case EGI_MEM_K2:
        moved(w, 0, y, w->W_E + j * M);
        return score(w, 1, w->W_E + i * M, y);
    case EGI_MEM_K1:
        return score(w, 0, w->W_pos + i * M, w->W_pos + j * M);
    case EGI_MEM_F:
        fed_forward(w, y, w->W_E + i * M);
        return logit(w, y, j);
    }
    return NAN;
}

/* -------------------------------------------------------------------- tests --
 */

/* Every memory of every variant, entry by entry. */
static void memories_are_the_formulas(void **state)
{
    static float out[T * T];

    for (int k = 0; k < N_VARIANTS; k++) {
        egi_weights w;
        random_weights(&w, &variants[k], *state);
        for (egi_memory which = EGI_MEM_O2; which <= EGI_MEM_F; which++) {
            egi_scores s;
            bool has = egi_memory_scores(&s, &w, which);
            double worst = 0, size = 0;

            assert_int_equal(has,
                             which != EGI_MEM_F || w.ffn.kind != EG_MLP_NONE);
            if (!has) continue;
            assert_int_equal(s.n, which == EGI_MEM_K1 ? T : V);
            egi_scores_write(out, &w, &s, s.n, s.n);
            for (int i = 0; i < s.n; i += 1 + i % 7) {
                for (int j = 0; j < s.n; j += 1 + j % 5) {
                    double is = plain_score(&w, which, i, j);
                    worst = fmax(worst, fabs((double)out[i * s.n + j] - is));
                    size = fmax(size, fabs(is));
                }
            }
            printf("%-16s memory %d: |error| %.2e of %.2e\n", variants[k].name,
                   (int)which, worst, size);
            assert_true(size > .1);
            assert_true(worst <= 1.2e-7 * size);
        }
        egi_weights_release(&w);
        drop_all();
    }
}

/* Recalls counted by brute force on random matrices (which are near chance),
 * and on the same with a diagonal that decides half of the rows. */
static void recall_counts_rows(void **state)
{
    egi_weights w;

    random_weights(&w, &variants[0], *state);
    for (int boost = 0; boost < 2; boost++) {
        double *a = normals(T, M, 1), *b = normals(T, M, 1);
        egi_scores s = {a, b, T, 1, M, 1};
        int hits = 0;

        for (int i = boost ? T * M / 2 : T * M; i < T * M; i++) b[i] = 9 * a[i];
        for (int i = 0; i < T; i++) {
            int best = 0;
            double top = -INFINITY;
            for (int j = 0; j < T; j++) {
                double x = 0;
                for (int k = 0; k < M; k++) x += a[i * M + k] * b[j * M + k];
                if (x > top) best = j;
                top = fmax(x, top);
            }
            hits += best == i;
        }
        double got = egi_recall_diagonal(&w, &s);
        printf("recall %.4f, by brute force %d / %d\n", got, hits, T);
        assert_true(got == (double)hits / T);
        assert_true(boost ? hits > T / 3 : hits < T / 20);
    }
    egi_weights_release(&w);
    drop_all();
}

/* Of 9000 rows 1024 are asked, evenly spread, against every column: rows below
 * 4000 are right by their own column, the others find column 0. */
static void many_rows_are_sampled(void **state)
{
    enum { N = 9000, RIGHT = 4000, ASKED = 1024 };
    egi_weights w;
    int hits = 0;

    random_weights(&w, &variants[0], *state);
    double *a = normals(N, M, 1), *b = normals(N, M, 1);
    double *part = w.part; /* holds those of T rows */
    w.part = normals(ASKED / EGI_ROWS, 1, 0);
    for (int i = RIGHT; i < N; i++)
        for (int k = 0; k < M; k++) a[i * M + k] = 2 * a[k];
    for (int i = 0; i < RIGHT * M; i++) b[i] = 99 * a[i];
    for (int i = 0; i < ASKED; i++) {
        int own = i * N / ASKED, best = 0;
        const double *row = a + (eg_index)own * M;
        double top = -INFINITY;

        for (int j = 0; j < N; j++) {
            double x = 0;
            for (int k = 0; k < M; k++) x += row[k] * b[j * M + k];
            if (x > top) best = j;
            top = fmax(x, top);
        }
        hits += best == own;
    }
    egi_scores s = {a, b, N, 1, M, 1};
    double got = egi_recall_diagonal(&w, &s);
    printf("recall %.4f, by brute force %d / %d\n", got, hits, ASKED);
    assert_true(got == (double)hits / ASKED);
    assert_true(hits > ASKED / 3 && hits < ASKED / 2);
    w.part = part;
    egi_weights_release(&w);
    drop_all();
}

/* Unit vectors recall themselves. When column 5 repeats column 0, row 0 ties
 * and must take the lower; row 5 finds nothing but zeros. */
static void a_tie_goes_to_the_lower(void **state)
{
    egi_weights w;

    random_weights(&w, &variants[0], *state);
    double *unit = normals(M, M, 0), *twice = normals(M, M, 0);
    for (int i = 0; i < M; i++) unit[i * M + i] = twice[i * M + i] = 1;
    egi_scores s = {unit, unit, M, 1, M, 1};
    assert_true(egi_recall_diagonal(&w, &s) == 1);
    twice[5 * M + 5] = 0;
    twice[(eg_index)5 * M] = 1;
    s.b = twice;
    assert_true(egi_recall_diagonal(&w, &s) == 1. * (M - 1) / M);
    egi_weights_release(&w);
    drop_all();
}

/* All scores equal: one row is right, of as many as the probe has. */
static void probes_count_their_rows(void **state)
{
    egi_weights w;
    double value = -1;

    random_weights(&w, &variants[0], *state);
    w.attn[0].W_QK = w.attn[1].W_QK = normals(M, M, 0);
    assert_true(egi_recall_W_K1(&value, &w));
    assert_true(value == 1. / (T - 1));
    assert_true(egi_recall_W_K1_early(&value, &w));
    assert_true(value == 1. / 63);
    assert_true(egi_recall_W_K2(&value, &w));
    assert_true(value == 1. / V);
    egi_weights_release(&w);
    drop_all();
}

/* Fixed triggers: recall among them only, the others may do what they like. */
static void fixed_triggers_compete_alone(void **state)
{
    static int32_t triggers[5] = {1, 3, 4, 17, 40};
    int all_hits = 0;

    for (int draw = 0; draw < 8; draw++) {
        egi_weights w;
        double value = -1;
        int hits = 0;

        random_weights(&w, &variants[1], *state);
        w.triggers = triggers;
        w.n_triggers = 5;
        assert_true(egi_recall_W_K2(&value, &w));
        for (int i = 0; i < 5; i++) {
            int best = 0;
            for (int j = 1; j < 5; j++) {
                if (plain_score(&w, EGI_MEM_K2, triggers[i], triggers[j]) >
                    plain_score(&w, EGI_MEM_K2, triggers[i], triggers[best])) {
                    best = j;
                }
            }
            hits += best == i;
        }
        printf("recall_W_K2 %.2f, by brute force %d / 5\n", value, hits);
        assert_true(value == hits / 5.);
        all_hits += hits;
        w.triggers = NULL;
        egi_weights_release(&w);
        drop_all();
    }
    assert_true(all_hits > 0); /* else the comparison said nothing */
}

/* No table of positions, no second block, no feed-forward: no probe. */
static void absent_memories(void **state)
{
    egi_weights w;
    double value = -1;

    random_weights(&w, &variants[6], *state);
    w.W_pos = NULL;
    assert_false(egi_recall_W_K1(&value, &w));
    assert_false(egi_recall_W_K1_early(&value, &w));
    assert_false(egi_kl_W_F(&value, &w));
    w.n_blocks = 1;
    assert_false(egi_recall_W_O2(&value, &w));
    assert_false(egi_recall_W_K2(&value, &w));
    assert_true(value == -1);
    egi_weights_release(&w);
    drop_all();
}

/* KL by its definition, with and without tokens left out. */
static void kl_is_the_definition(void **state)
{
    static int32_t triggers[2] = {1, 40};
    egi_weights w;

    random_weights(&w, &variants[1], *state);
    double *law = normals(V, V, 1);
    for (int z = 0; z < V; z++) {
        double sum = 0;
        for (int v = 0; v < V; v++) sum += fmax(law[z * V + v], 0);
        for (int v = 0; v < V; v++) {
            law[z * V + v] = fmax(law[z * V + v], 0) / sum;
        }
    }
    w.bigram = law;
    w.triggers = triggers;
    for (w.n_triggers = 0; w.n_triggers <= 2; w.n_triggers += 2) {
        double expected = 0, value = -1;
        for (int z = 0; z < V; z++) {
            double sum = 0;
            if (w.n_triggers && (z == 1 || z == 40)) continue;
            for (int v = 0; v < V; v++) {
                sum += exp(plain_score(&w, EGI_MEM_F, z, v));
            }
            for (int v = 0; v < V; v++) {
                double p = law[z * V + v];
                double q = exp(plain_score(&w, EGI_MEM_F, z, v)) / sum;
                if (p > 0) expected += p * log(p / q) / (V - w.n_triggers);
            }
        }
        assert_true(egi_kl_W_F(&value, &w));
        printf("kl_W_F %.12f, expected %.12f\n", value, expected);
        assert_true(fabs(value - expected) < 1e-12);
    }
    w.triggers = NULL;
    egi_weights_release(&w);
    drop_all();
}

static int make_pool(void **state)
{
    eg_pool *pool = NULL;

    if (eg_pool_new(&pool, 2, NULL) != EG_OK) return -1;
    *state = pool;
    return 0;
}

static int free_pool(void **state)
{
    eg_pool_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memories_are_the_formulas),
        cmocka_unit_test(recall_counts_rows),
        cmocka_unit_test(many_rows_are_sampled),
        cmocka_unit_test(a_tie_goes_to_the_lower),
        cmocka_unit_test(probes_count_their_rows),
        cmocka_unit_test(fixed_triggers_compete_alone),
        cmocka_unit_test(absent_memories),
        cmocka_unit_test(kl_is_the_definition),
    };

    return cmocka_run_group_tests(tests, make_pool, free_pool);
}
