/* Population gradient descent on the loss of Lemma 1.
 *
 * W only acts through the scores s = E W^T U^T, and a gradient step on W moves
 * them by -eta (E E^T) g (U U^T), g = dL/ds. So descent runs on the V x V
 * scores, exactly, whatever d is. */
#include "memory/checks.h"
#include "memory/dense.h"
#include "memory/lemma1.h"
#include "memory/sweep.h"

#include <math.h>
#include <stdio.h>

#define EG_FIELDS_OWNER eg_theory_lemma1_descent
EG_FIELDS_TABLE(egi_lemma1_descent_fields, EG_THEORY_LEMMA1_DESCENT_FIELDS)

typedef struct descent {
    const eg_theory_lemma1_descent *o;
    egi_pairs pairs;
    int64_t dims[EG_STRS_MAX], steps[EG_STRS_MAX];
    int n_dims, n_steps;
    uint64_t seed;
    double *kl;    /* [n_dims, draws, n_steps, 2] */
    eg_status *st; /* [n_dims, draws] */
} descent;

/* K_E, K_U of fresh embeddings. */
static eg_status draw_grams(double *ke, double *ku, eg_index v, eg_index d,
                            eg_rng *rng)
{
    double *x = eg_calloc((size_t)(v * d), sizeof *x);

    if (!x) return EG_ENOMEM;
    egi_fill_normal(x, v * d, 1 / sqrt((double)d), rng);
    egi_mul_nt(ke, x, x, v, v, d);
    egi_fill_normal(x, v * d, 1 / sqrt((double)d), rng);
    egi_mul_nt(ku, x, x, v, v, d);
    eg_free(x);
    return EG_OK;
}

static void descend(const descent *c, const double *ke, const double *ku,
                    double *s, double *g, double *work, double *kl)
{
    eg_index v = c->pairs.v, n = v * v;
    double keep = 1 - c->o->lr * c->o->weight_decay;
    int64_t done = 0;

    for (int k = 0; k < c->n_steps; k++, kl += 2) {
        for (; done < c->steps[k]; done++) {
            egi_pairs_loss(&c->pairs, s, g);
            egi_mul(work, ke, g, v, v, v);
            egi_mul(g, work, ku, v, v, v);
            for (eg_index i = 0; i < n; i++)
                s[i] = keep * s[i] - c->o->lr * g[i];
        }
        egi_pairs_kl(&c->pairs, s, &kl[0], &kl[1]);
    }
}

/* Tasks are ordered by draw, then width. */
static void run_draw(void *ctx, int task, int worker)
{
    descent *c = ctx;
    int draw = task / c->n_dims, i = task % c->n_dims;
    eg_index v = c->pairs.v, at = (eg_index)i * (eg_index)c->o->draws + draw;
    eg_rng rng = eg_rng_make(c->seed, EG_RNG_THEORY, (uint64_t)c->dims[i],
                             (uint32_t)draw);
    double *block = eg_calloc((size_t)(5 * v * v), sizeof *block);
    double *next = block;

    (void)worker;
    c->st[at] = EG_ENOMEM;
    if (block) {
        double *ke = egi_take(&next, v * v), *ku = egi_take(&next, v * v);
        double *s = egi_take(&next, v * v), *g = egi_take(&next, v * v);

        c->st[at] = draw_grams(ke, ku, v, (eg_index)c->dims[i], &rng);
        if (c->st[at] == EG_OK)
            descend(c, ke, ku, s, g, next, c->kl + at * c->n_steps * 2);
    }
    eg_free(block);
}

static void emit_one(const descent *c, int i, int k, int which,
                     const eg_theory_out *out)
{
    int draws = (int)c->o->draws;
    const double *x =
        c->kl + ((eg_index)i * draws * c->n_steps + k) * 2 + which;
    eg_index stride = (eg_index)c->n_steps * 2;
    double mean = 0, var = 0;
    char name[64];

    for (int j = 0; j < draws; j++) mean += x[j * stride] / draws;
    for (int j = 0; j < draws; j++)
        var += (x[j * stride] - mean) * (x[j * stride] - mean) /
               (draws > 1 ? draws - 1 : 1);
    (void)snprintf(name, sizeof name, "%s_d%lld", which ? "kl_uniform" : "kl",
                   (long long)c->dims[i]);
    out->emit(out->ctx, c->steps[k], name, mean);
    if (draws == 1) return;
    (void)snprintf(name, sizeof name, "%s_d%lld_sd",
                   which ? "kl_uniform" : "kl", (long long)c->dims[i]);
    out->emit(out->ctx, c->steps[k], name, sqrt(var));
}

static eg_status read_options(descent *c, eg_err *err)
{
    eg_status st = EG_OK;

    EG_TRY(
        egi_list_ints(c->dims, &c->n_dims, &c->o->dims, 1, 16384, "dims", err));
    EG_TRY(egi_list_ints(c->steps, &c->n_steps, &c->o->steps, 0, 10000000,
                         "steps", err));
    for (int k = 1; k < c->n_steps; k++)
        if (c->steps[k] <= c->steps[k - 1])
            return EG_FAIL(err, EG_EINVAL, "steps: %lld does not ascend",
                           (long long)c->steps[k]);
done:
    return st;
}

eg_status egi_theory_lemma1_descent(const void *options, uint64_t seed,
                                    eg_pool *pool, const eg_theory_out *out,
                                    eg_err *err)
{
    descent c = {.o = options, .seed = seed};
    eg_task *task = NULL;
    eg_status st = EG_OK;
    int n = 0;

    EG_TRY(read_options(&c, err));
    EG_TRY(egi_law_task(&task, c.o->stats, err));
    c.pairs = (egi_pairs){eg_task_vocab(task), eg_task_unigram(task),
                          eg_task_bigram(task)};
    n = c.n_dims * (int)c.o->draws;
    c.kl = eg_calloc((size_t)n * (size_t)c.n_steps * 2, sizeof *c.kl);
    c.st = eg_calloc((size_t)n, sizeof *c.st);
    if (!c.kl || !c.st) {
        st = EG_FAIL(err, EG_ENOMEM, "%d runs of gradient descent", n);
        goto done;
    }
    eg_pool_run(pool, n, run_draw, &c);
    for (int i = 0; i < n; i++)
        if (c.st[i] != EG_OK) {
            st = EG_FAIL(err, c.st[i], "gradient descent, run %d", i);
            goto done;
        }
    for (int i = 0; i < c.n_dims; i++)
        for (int k = 0; k < c.n_steps; k++)
            for (int which = 0; which < 2; which++)
                emit_one(&c, i, k, which, out);
    (void)egi_progress(out, 1);
done:
    eg_free(c.kl);
    eg_free(c.st);
    eg_task_free(task);
    return st;
}
