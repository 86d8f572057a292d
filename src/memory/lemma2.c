/* Lemma 2: one gradient step from zero on x = w_E(y) + p_t stores the token
 * and forgets the position.
 *
 * The step is W_1 = sum_k w_U(k) c_k^T with c_k = sum_j C[k, j] x_j over the
 * N token and T position vectors x_j, so the scores of all inputs follow from
 * dot products between embeddings: U U^T C (X X^T). */
#include "memory/checks.h"
#include "memory/dense.h"
#include "memory/sweep.h"

#include <math.h>

#define EG_FIELDS_OWNER eg_theory_lemma2
EG_FIELDS_TABLE(egi_lemma2_fields, EG_THEORY_LEMMA2_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_theory_lemma2_samples
EG_FIELDS_TABLE(egi_lemma2_samples_fields, EG_THEORY_LEMMA2_SAMPLES_FIELDS)

typedef struct memory {
    eg_index n, t, d;
    double *block;  /* everything below lies in it */
    double *x;      /* [n + t, d] tokens, then positions */
    double *u;      /* [n, d] */
    double *c;      /* [n, n + t] */
    double *ku;     /* [n, n] */
    double *kx;     /* [n + t, n + t] */
    double *scores; /* [n, n + t]: of each token and position alone */
    double *work;   /* [n, n + t] */
} memory;

static eg_status memory_init(memory *m, eg_index n, eg_index t, eg_index d,
                             eg_rng *rng, eg_err *err)
{
    eg_index all = n + t;
    double *block =
        eg_calloc((size_t)((all + n) * d + 3 * n * all + n * n + all * all),
                  sizeof *block);
    double *next = block;

    if (!block) return EG_FAIL(err, EG_ENOMEM, "Lemma 2 at d = %td", d);
    *m = (memory){.n = n,
                  .t = t,
                  .d = d,
                  .block = block,
                  .x = egi_take(&next, all * d),
                  .u = egi_take(&next, n * d),
                  .c = egi_take(&next, n * all),
                  .ku = egi_take(&next, n * n),
                  .kx = egi_take(&next, all * all),
                  .scores = egi_take(&next, n * all),
                  .work = egi_take(&next, n * all)};
    egi_fill_normal(m->x, all * d, 1 / sqrt((double)d), rng);
    egi_fill_normal(m->u, n * d, 1 / sqrt((double)d), rng);
    return EG_OK;
}

static void fill_scores(memory *m)
{
    eg_index all = m->n + m->t;

    egi_mul_nt(m->ku, m->u, m->u, m->n, m->n, m->d);
    egi_mul_nt(m->kx, m->x, m->x, all, all, m->d);
    egi_mul(m->work, m->ku, m->c, m->n, all, m->n);
    egi_mul(m->scores, m->work, m->kx, m->n, all, all);
}

typedef struct summary {
    double accuracy, signal, noise;
} summary;

/* Over all n t inputs. */
static summary summarise(const memory *m)
{
    eg_index all = m->n + m->t;
    double inputs = (double)(m->n * m->t), right = 0, signal = 0;
    double sum = 0, sq = 0, wrong = inputs * (double)(m->n - 1);

    for (eg_index y = 0; y < m->n; y++)
        for (eg_index t = 0; t < m->t; t++) {
            eg_index best = 0;
            double top = -(double)INFINITY;

            for (eg_index k = 0; k < m->n; k++) {
                const double *row = m->scores + k * all;
                double s = row[y] + row[m->n + t];

                if (s > top) {
                    top = s;
                    best = k;
                }
                if (k == y) {
                    signal += s;
                } else {
                    sum += s;
                    sq += s * s;
                }
            }
            right += best == y;
        }
    sum /= wrong;
    return (summary){right / inputs, signal / inputs,
                     sqrt(sq / wrong - sum * sum)};
}

/* C[k, j] = (1{k = j} - 1/N) / N on tokens; on positions the terms of all y
 * cancel exactly. Times N. */
static eg_status population_draw(const void *ctx, int64_t at, eg_rng *rng,
                                 double *value, eg_err *err)
{
    const eg_theory_lemma2 *o = ctx;
    eg_index n = (eg_index)o->d_vocab, t = (eg_index)o->n_ctx;
    double d = (double)at;
    memory m;
    eg_status st = memory_init(&m, n, t, (eg_index)at, rng, err);
    summary r;

    if (st != EG_OK) return st;
    for (eg_index k = 0; k < n; k++)
        for (eg_index j = 0; j < n; j++)
            m.c[k * (n + t) + j] =
                (1 + o->impostor) * ((k == j) - 1 / (double)n);
    fill_scores(&m);
    r = summarise(&m);
    value[0] = r.accuracy;
    value[1] = r.signal;
    value[2] = r.noise;
    value[3] = sqrt(3 / d + 2 * (double)n / (d * d));
    eg_free(m.block);
    return EG_OK;
}

eg_status egi_theory_lemma2(const void *options, uint64_t seed, eg_pool *pool,
                            const eg_theory_out *out, eg_err *err)
{
    static const char *const names[] = {"accuracy", "signal", "noise",
                                        "noise_formula", NULL};
    const eg_theory_lemma2 *o = options;
    int64_t at[EG_STRS_MAX];
    egi_sweep s = {.at = at,
                   .draws = (int)o->draws,
                   .names = names,
                   .draw = population_draw,
                   .ctx = o};
    eg_status st = egi_list_ints(at, &s.n, &o->dims, 1, 16384, "dims", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}

/* C[k, j] = mean over samples of (1{y = k} - 1/N) 1{j in x}. Times N. */
static eg_status samples_draw(const void *ctx, int64_t at, eg_rng *rng,
                              double *value, eg_err *err)
{
    const eg_theory_lemma2_samples *o = ctx;
    eg_index n = (eg_index)o->d_vocab, t = (eg_index)o->n_ctx;
    double one = (double)n / (double)at, rest = one / (double)n;
    memory m;
    eg_status st = memory_init(&m, n, t, (eg_index)o->d_model, rng, err);

    if (st != EG_OK) return st;
    for (int64_t i = 0; i < at; i++) {
        eg_index y = (eg_index)eg_rng_below(rng, (uint32_t)n);
        eg_index p = n + (eg_index)eg_rng_below(rng, (uint32_t)t);

        m.c[y * (n + t) + y] += one;
        m.c[y * (n + t) + p] += one;
        for (eg_index k = 0; k < n; k++) {
            m.c[k * (n + t) + y] -= rest;
            m.c[k * (n + t) + p] -= rest;
        }
    }
    fill_scores(&m);
    value[0] = summarise(&m).accuracy;
    eg_free(m.block);
    return EG_OK;
}

eg_status egi_theory_lemma2_samples(const void *options, uint64_t seed,
                                    eg_pool *pool, const eg_theory_out *out,
                                    eg_err *err)
{
    static const char *const names[] = {"accuracy", NULL};
    const eg_theory_lemma2_samples *o = options;
    int64_t at[EG_STRS_MAX];
    egi_sweep s = {.at = at,
                   .draws = (int)o->draws,
                   .names = names,
                   .draw = samples_draw,
                   .ctx = o};
    eg_status st =
        egi_list_ints(at, &s.n, &o->samples, 1, 100000000, "samples", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}
