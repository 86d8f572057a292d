/* The statement energy_transformer: the energy of an Energy Transformer block
 * (Hoover et al. 2023), its gradient by hand, and descent along it. */
#include <math.h>
#include <string.h>

#include "base/sweep.h"
#include "energy/checks.h"
#include "engram/mem.h"
#include "memory/dense.h"

#define EG_FIELDS_OWNER eg_theory_energy_transformer
EG_FIELDS_TABLE(egi_energy_transformer_fields,
                EG_THEORY_ENERGY_TRANSFORMER_FIELDS)

#define DELTA 1e-5
enum { ORIGINAL, NEWER };
enum { DIRECTIONS = 20 };

typedef struct block {
    const eg_theory_energy_transformer *o;
    eg_index n, D, H, Y, K; /* tokens, width, heads, head width, memories */
    double beta, gain;
    double *WQ, *WK, *Xi;   /* [H, Y, D] each, [K, D] */
    double *bias;           /* [D], delta */
    double *x, *g, *grad;   /* [n, D] each */
    double *try, *dir;      /* [n, D] each */
    double *Q, *Kk, *P, *m; /* [n, Y] each, [n, n], [n, K] */
    double *back;           /* [n, Y] */
} block;

/* g = gain (x - mean) / sqrt(var + eps) + bias, one gain for all entries. */
static void norm_rows(const block *b, double *g, const double *x)
{
    for (eg_index i = 0; i < b->n; i++) {
        const double *row = x + i * b->D;
        double mean = 0, var = 0, r;

        for (eg_index k = 0; k < b->D; k++) mean += row[k] / (double)b->D;
        for (eg_index k = 0; k < b->D; k++)
            var += (row[k] - mean) * (row[k] - mean) / (double)b->D;
        r = b->gain / sqrt(var + b->o->eps);
        for (eg_index k = 0; k < b->D; k++)
            g[i * b->D + k] = r * (row[k] - mean) + b->bias[k];
    }
}

/* Row q of the scores of head h, beta Q_q . K_k, as softmax; its log sum exp.
 * The image model looks at all tokens, the paper leaves the own one out. */
static double pattern_row(const block *b, eg_index q)
{
    double *p = b->P + q * b->n;

    for (eg_index k = 0; k < b->n; k++)
        p[k] = b->o->own || k != q
                   ? b->beta * egi_dot(b->Q + q * b->Y, b->Kk + k * b->Y, b->Y)
                   : -HUGE_VAL;
    return egi_softmax(p, p, b->n);
}

/* E_att of head h at g; with add, its gradient is added to grad. */
static double attention(block *b, eg_index h, const double *g, double *grad,
                        bool add)
{
    const double *wq = b->WQ + h * b->Y * b->D, *wk = b->WK + h * b->Y * b->D;
    double E = 0;

    egi_mul_nt(b->Q, g, wq, b->n, b->Y, b->D);
    egi_mul_nt(b->Kk, g, wk, b->n, b->Y, b->D);
    for (eg_index q = 0; q < b->n; q++) E -= pattern_row(b, q) / b->beta;
    if (!add) return E;
    /* as a query: -W_Q^T sum_k P_qk K_k, attention with values W_Q^T K */
    egi_mul(b->back, b->P, b->Kk, b->n, b->Y, b->n);
    for (eg_index i = 0; i < b->n; i++)
        for (eg_index y = 0; y < b->Y; y++)
            egi_axpy(grad + i * b->D, -b->back[i * b->Y + y], wq + y * b->D,
                     b->D);
    /* as a key: -W_K^T sum_q P_qk Q_q */
    egi_mul_tn(b->back, b->P, b->Q, b->n, b->Y, b->n);
    for (eg_index i = 0; i < b->n && !b->o->queries_only; i++)
        for (eg_index y = 0; y < b->Y; y++)
            egi_axpy(grad + i * b->D, -b->back[i * b->Y + y], wk + y * b->D,
                     b->D);
    return E;
}

/* E(g) = E_att + E_mem, and its gradient over g (NULL: not wanted). */
static double energy(block *b, const double *g, double *grad)
{
    double E = 0;

    if (grad) memset(grad, 0, (size_t)(b->n * b->D) * sizeof *grad);
    for (eg_index h = 0; h < b->H; h++)
        E += attention(b, h, g, grad, grad != NULL);
    egi_mul_nt(b->m, g, b->Xi, b->n, b->K, b->D);
    for (eg_index i = 0; i < b->n; i++)
        for (eg_index k = 0; k < b->K; k++) {
            double a = b->m[i * b->K + k];

            if (a <= 0) continue;
            E -= a * a / 2;
            if (grad) egi_axpy(grad + i * b->D, -a, b->Xi + k * b->D, b->D);
        }
    return E;
}

/* The largest error of the gradient along random directions, over its length.
 */
static double gradient_error(block *b, eg_rng *rng)
{
    eg_index all = b->n * b->D;
    double worst = 0, norm;

    norm_rows(b, b->g, b->x);
    (void)energy(b, b->g, b->grad);
    norm = egi_norm(b->grad, all);
    for (int k = 0; k < DIRECTIONS; k++) {
        double up, down, slope;

        egi_fill_normal(b->dir, all, 1 / sqrt((double)all), rng);
        slope = egi_dot(b->grad, b->dir, all);
        memcpy(b->try, b->g, (size_t)all * sizeof *b->try);
        egi_axpy(b->try, DELTA, b->dir, all);
        up = energy(b, b->try, NULL);
        egi_axpy(b->try, -2 * DELTA, b->dir, all);
        down = energy(b, b->try, NULL);
        worst = egi_most(worst, fabs((up - down) / (2 * DELTA) - slope) / norm);
    }
    return worst;
}

/* The smallest v^T (dg/dx) v over random v, by differences: not negative, since
 * g is the gradient of a convex function of x. */
static double curvature(block *b, eg_rng *rng)
{
    eg_index all = b->n * b->D;
    double least = HUGE_VAL;

    for (int k = 0; k < DIRECTIONS; k++) {
        double sum = 0;

        egi_fill_normal(b->dir, all, 1 / sqrt((double)all), rng);
        memcpy(b->try, b->x, (size_t)all * sizeof *b->try);
        egi_axpy(b->try, DELTA, b->dir, all);
        norm_rows(b, b->grad, b->try);
        norm_rows(b, b->g, b->x);
        for (eg_index i = 0; i < all; i++)
            sum += b->dir[i] * (b->grad[i] - b->g[i]) / DELTA;
        least = egi_least(least, sum);
    }
    return least;
}

static void descend(block *b, const eg_theory_out *out)
{
    eg_index all = b->n * b->D;
    double before = 0;

    for (int64_t k = 0; k <= b->o->steps; k++) {
        double E;

        norm_rows(b, b->g, b->x);
        E = energy(b, b->g, b->grad);
        out->emit(out->ctx, k, "energy", E);
        if (k > 0) out->emit(out->ctx, k, "rise", E - before);
        before = E;
        egi_axpy(b->x, -b->o->alpha, b->grad, all);
    }
}

static void draw(block *b, eg_rng *rng)
{
    double attention_sd = b->o->init == ORIGINAL ? .002 : 1;
    double memory_sd = b->o->init == ORIGINAL ? .02 : 1;

    egi_fill_normal(b->WQ, b->H * b->Y * b->D, attention_sd, rng);
    egi_fill_normal(b->WK, b->H * b->Y * b->D, attention_sd, rng);
    egi_fill_normal(b->Xi, b->K * b->D, memory_sd, rng);
    egi_fill_normal(b->bias, b->D, b->o->bias, rng);
    egi_fill_normal(b->x, b->n * b->D, 1, rng);
}

eg_status egi_theory_energy_transformer(const void *options, uint64_t seed,
                                        eg_pool *pool, const eg_theory_out *out,
                                        eg_err *err)
{
    const eg_theory_energy_transformer *o = options;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    block b = {.o = o,
               .n = (eg_index)o->tokens,
               .D = (eg_index)o->width,
               .H = (eg_index)o->heads,
               .Y = (eg_index)o->head_width,
               .K = (eg_index)o->memories,
               .beta = 1 / sqrt((double)o->head_width),
               .gain = o->gain};
    eg_index all = b.n * b.D, w = b.H * b.Y * b.D;
    double *room, *next;

    (void)pool;
    if (!o->own && b.n < 2)
        return EG_FAIL(err, EG_EINVAL,
                       "tokens: expected two at least, since own is false");
    room = eg_calloc((size_t)(2 * w + b.K * b.D + b.D + 5 * all +
                              3 * b.n * b.Y + b.n * b.n + b.n * b.K),
                     sizeof *room);
    if (!room)
        return EG_FAIL(err, EG_ENOMEM, "energy_transformer: width %td", b.D);
    next = room;
    b.WQ = egi_take(&next, w);
    b.WK = egi_take(&next, w);
    b.Xi = egi_take(&next, b.K * b.D);
    b.bias = egi_take(&next, b.D);
    b.x = egi_take(&next, all);
    b.g = egi_take(&next, all);
    b.grad = egi_take(&next, all);
    b.try = egi_take(&next, all);
    b.dir = egi_take(&next, all);
    b.Q = egi_take(&next, b.n * b.Y);
    b.Kk = egi_take(&next, b.n * b.Y);
    b.back = egi_take(&next, b.n * b.Y);
    b.P = egi_take(&next, b.n * b.n);
    b.m = egi_take(&next, b.n * b.K);
    draw(&b, &rng);
    if (egi_progress(out, 0)) {
        out->emit(out->ctx, 0, "gradient", gradient_error(&b, &rng));
        out->emit(out->ctx, 0, "curvature", curvature(&b, &rng));
        descend(&b, out);
    }
    eg_free(room);
    return EG_OK;
}
