/* Lemma 2's gradient formula at a random W, against central differences, with
 * inputs that are not functions of the label: x = w_E(y) + p_t + noise. */
#include "memory/checks.h"
#include "memory/dense.h"
#include "memory/diffs.h"
#include "memory/sweep.h"

#include <math.h>

#define EG_FIELDS_OWNER eg_theory_lemma2_gradient
EG_FIELDS_TABLE(egi_lemma2_gradient_fields, EG_THEORY_LEMMA2_GRADIENT_FIELDS)

typedef struct problem {
    eg_index n, t, d;
    double *x;            /* [n, t, d], label y = first index */
    double *u;            /* [n, d] */
    double *w, *grad, *v; /* [d, d] */
    double *phat;         /* [n, t, n] */
    double *wx;           /* [d] */
    double *mu, *mu_hat;  /* [n, d] */
} problem;

static double loss_at(void *ctx, const double *w)
{
    problem *p = ctx;
    double loss = 0;

    for (eg_index i = 0; i < p->n * p->t; i++) {
        double *row = p->phat + i * p->n, right;

        egi_mul_nt(p->wx, p->x + i * p->d, w, 1, p->d, p->d);
        egi_mul_nt(row, p->wx, p->u, 1, p->n, p->d);
        right = row[i / p->t];
        loss += egi_softmax(row, row, p->n) - right;
    }
    return loss / (double)(p->n * p->t);
}

/* sum_k p(y=k) w_U(k) (mu^_k - mu_k)^T, mu_k = E[x | y=k],
 * mu^_k = E[phat(k|x) x] / p(y=k), with p(y=k) = 1/n; phat from loss_at. */
static void formula(const problem *p, double impostor)
{
    double n_inputs = (double)(p->n * p->t);

    for (eg_index i = 0; i < p->n * p->t; i++) {
        const double *x = p->x + i * p->d;

        egi_axpy(p->mu + i / p->t * p->d, 1 / (double)p->t, x, p->d);
        for (eg_index k = 0; k < p->n; k++)
            egi_axpy(p->mu_hat + k * p->d,
                     p->phat[i * p->n + k] / n_inputs * (double)p->n, x, p->d);
    }
    for (eg_index k = 0; k < p->n; k++)
        for (eg_index a = 0; a < p->d; a++)
            for (eg_index b = 0; b < p->d; b++)
                p->grad[a * p->d + b] += p->u[k * p->d + a] / (double)p->n *
                                         (p->mu_hat[k * p->d + b] -
                                          (1 + impostor) * p->mu[k * p->d + b]);
}

static void draw_inputs(problem *p, eg_rng *rng)
{
    double sd = 1 / sqrt((double)p->d);

    /* noise everywhere, then w_E(y) in mu and p_t in mu_hat as scratch */
    egi_fill_normal(p->x, p->n * p->t * p->d, sd, rng);
    for (eg_index y = 0; y < p->n; y++) {
        egi_fill_normal(p->mu, p->d, sd, rng);
        for (eg_index t = 0; t < p->t; t++)
            egi_axpy(p->x + (y * p->t + t) * p->d, 1, p->mu, p->d);
    }
    for (eg_index t = 0; t < p->t; t++) {
        egi_fill_normal(p->mu, p->d, sd, rng);
        for (eg_index y = 0; y < p->n; y++)
            egi_axpy(p->x + (y * p->t + t) * p->d, 1, p->mu, p->d);
    }
    for (eg_index a = 0; a < p->d; a++) p->mu[a] = 0;
}

static eg_status one_draw(const void *ctx, int64_t at, eg_rng *rng,
                          double *value, eg_err *err)
{
    const eg_theory_lemma2_gradient *o = ctx;
    eg_index n = (eg_index)o->d_vocab, t = (eg_index)o->n_ctx;
    eg_index d = (eg_index)at;
    double *block =
        eg_calloc((size_t)(n * t * d + 3 * n * d + 3 * d * d + n * t * n + d),
                  sizeof *block);
    double *next = block;
    problem p;
    egi_diffs r;

    if (!block) return EG_FAIL(err, EG_ENOMEM, "Lemma 2 at d = %td", d);
    p = (problem){.n = n,
                  .t = t,
                  .d = d,
                  .x = egi_take(&next, n * t * d),
                  .u = egi_take(&next, n * d),
                  .mu = egi_take(&next, n * d),
                  .mu_hat = egi_take(&next, n * d),
                  .w = egi_take(&next, d * d),
                  .grad = egi_take(&next, d * d),
                  .v = egi_take(&next, d * d),
                  .phat = egi_take(&next, n * t * n),
                  .wx = egi_take(&next, d)};
    draw_inputs(&p, rng);
    egi_fill_normal(p.u, n * d, 1 / sqrt((double)d), rng);
    egi_fill_normal(p.w, d * d, 1, rng);
    loss_at(&p, p.w);
    formula(&p, o->impostor);
    r = egi_diffs_check(loss_at, &p, p.w, p.grad, d * d, (int)o->directions,
                        o->delta, rng, p.v);
    value[0] = r.norm;
    value[1] = r.directions;
    value[2] = r.cosine;
    eg_free(block);
    return EG_OK;
}

eg_status egi_theory_lemma2_gradient(const void *options, uint64_t seed,
                                     eg_pool *pool, const eg_theory_out *out,
                                     eg_err *err)
{
    static const char *const names[] = {"grad_norm", "error_directions",
                                        "cosine", NULL};
    const eg_theory_lemma2_gradient *o = options;
    int64_t at[EG_STRS_MAX];
    egi_sweep s = {
        .at = at, .draws = 1, .names = names, .draw = one_draw, .ctx = o};
    eg_status st = egi_list_ints(at, &s.n, &o->dims, 1, 512, "dims", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}
