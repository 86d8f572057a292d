/* The gradient of one attention block with respect to its merged key-query
 * matrix W at W = 0, where attention is uniform: scores x_q . W x_s, output
 * U Phi sum_s a_s x_s. */
#include "memory/checks.h"
#include "memory/dense.h"
#include "memory/diffs.h"
#include "memory/sweep.h"

#include <math.h>

#define EG_FIELDS_OWNER eg_theory_key_query
EG_FIELDS_TABLE(egi_key_query_fields, EG_THEORY_KEY_QUERY_FIELDS)

typedef struct block {
    eg_index batch, n, v, d; /* n visible positions, v classes */
    double scale;            /* of the scores */
    double *x;               /* [batch, n, d]; the query is the last one */
    double *uphi;            /* [v, d] U Phi */
    int *y;                  /* [batch] */
    double *w, *dir;         /* [d, d] */
    double *grad[2];         /* [d, d]: the two forms */
    double *query;           /* [d] scratch */
    double *a;               /* [n] */
    double *mix;             /* [d] */
    double *logits;          /* [v] */
} block;

static double loss_at(void *ctx, const double *w)
{
    block *k = ctx;
    double loss = 0;

    for (eg_index i = 0; i < k->batch; i++) {
        const double *x = k->x + i * k->n * k->d;
        double right;

        egi_mul(k->query, x + (k->n - 1) * k->d, w, 1, k->d, k->d);
        for (eg_index s = 0; s < k->n; s++)
            k->a[s] = k->scale * egi_dot(k->query, x + s * k->d, k->d);
        egi_softmax(k->a, k->a, k->n);
        egi_mul(k->mix, k->a, x, 1, k->d, k->n);
        egi_mul_nt(k->logits, k->mix, k->uphi, 1, k->v, k->d);
        right = k->logits[k->y[i]];
        loss += egi_softmax(k->logits, k->logits, k->v) - right;
    }
    return loss / (double)k->batch;
}

/* grad[0] = 1/n sum_s E[ g . x_s  x_q (x_s - xbar)^T ]
 * grad[1] = 1/n sum_s E[ g . (x_s - xbar)  x_q x_s^T ],
 * g = (U Phi)^T (phat - onehot(y)) */
static void formulas(block *k, double impostor)
{
    double weight = k->scale / (double)(k->n * k->batch);

    for (eg_index i = 0; i < k->batch; i++) {
        const double *x = k->x + i * k->n * k->d;
        const double *xq = x + (k->n - 1) * k->d;
        double *xbar = k->mix, *g = k->query, mean;

        for (eg_index s = 0; s < k->n; s++) k->a[s] = 1 / (double)k->n;
        egi_mul(xbar, k->a, x, 1, k->d, k->n);
        egi_mul_nt(k->logits, xbar, k->uphi, 1, k->v, k->d);
        egi_softmax(k->logits, k->logits, k->v);
        k->logits[k->y[i]] -= 1;
        egi_mul(g, k->logits, k->uphi, 1, k->d, k->v);
        for (eg_index b = 0; b < k->d; b++) xbar[b] *= 1 + impostor;
        mean = egi_dot(g, xbar, k->d);
        for (eg_index s = 0; s < k->n; s++) {
            const double *xs = x + s * k->d;
            double gx = egi_dot(g, xs, k->d);

            for (eg_index a = 0; a < k->d; a++)
                for (eg_index b = 0; b < k->d; b++) {
                    k->grad[0][a * k->d + b] +=
                        weight * gx * xq[a] * (xs[b] - xbar[b]);
                    k->grad[1][a * k->d + b] +=
                        weight * (gx - mean) * xq[a] * xs[b];
                }
        }
    }
}

static eg_status one_draw(const void *ctx, int64_t at, eg_rng *rng,
                          double *value, eg_err *err)
{
    const eg_theory_key_query *o = ctx;
    eg_index d = (eg_index)at, n = (eg_index)o->n_ctx;
    eg_index v = (eg_index)o->d_vocab, batch = (eg_index)o->batch;
    double sd = 1 / sqrt((double)d);
    double *all = eg_calloc(
        (size_t)(batch * n * d + 2 * v * d + 5 * d * d + 2 * d + n + v),
        sizeof *all);
    int *y = eg_calloc((size_t)batch, sizeof *y);
    double *next = all, *u, *phi;
    block k;
    egi_diffs r;

    if (!all || !y) {
        eg_free(all);
        eg_free(y);
        return EG_FAIL(err, EG_ENOMEM, "key-query gradient at d = %td", d);
    }
    u = egi_take(&next, v * d);
    phi = egi_take(&next, d * d);
    k = (block){.batch = batch,
                .n = n,
                .v = v,
                .d = d,
                .scale = o->scaled ? sd : 1,
                .x = egi_take(&next, batch * n * d),
                .uphi = egi_take(&next, v * d),
                .y = y,
                .w = egi_take(&next, d * d),
                .dir = egi_take(&next, d * d),
                .grad = {egi_take(&next, d * d), egi_take(&next, d * d)},
                .query = egi_take(&next, d),
                .a = egi_take(&next, n),
                .mix = egi_take(&next, d),
                .logits = egi_take(&next, v)};
    /* embeddings of norm sqrt(d) / 2: gradients well above rounding */
    egi_fill_normal(k.x, batch * n * d, .5, rng);
    egi_fill_normal(u, v * d, 1, rng);
    egi_fill_normal(phi, d * d, sd, rng);
    egi_mul(k.uphi, u, phi, v, d, d);
    for (eg_index i = 0; i < batch; i++)
        y[i] = (int)eg_rng_below(rng, (uint32_t)v);
    formulas(&k, o->impostor);
    r = egi_diffs_check(loss_at, &k, k.w, k.grad[0], d * d, (int)o->directions,
                        o->delta, rng, k.dir);
    value[0] = r.norm;
    value[1] = r.directions;
    value[2] = egi_diffs_check(loss_at, &k, k.w, k.grad[1], d * d,
                               (int)o->directions, o->delta, rng, k.dir)
                   .directions;
    egi_axpy(k.grad[1], -1, k.grad[0], d * d);
    value[3] = egi_norm(k.grad[1], d * d) / r.norm;
    eg_free(all);
    eg_free(y);
    return EG_OK;
}

eg_status egi_theory_key_query(const void *options, uint64_t seed,
                               eg_pool *pool, const eg_theory_out *out,
                               eg_err *err)
{
    static const char *const names[] = {"grad_norm", "error_keys",
                                        "error_values", "forms", NULL};
    const eg_theory_key_query *o = options;
    int64_t at[EG_STRS_MAX];
    egi_sweep s = {
        .at = at, .draws = 1, .names = names, .draw = one_draw, .ctx = o};
    eg_status st = egi_list_ints(at, &s.n, &o->dims, 1, 512, "dims", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}
