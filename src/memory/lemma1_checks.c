/* Lemma 1: the gradient against differences, one step from zero, and the span
 * of the iterates. */
#include "memory/checks.h"
#include "memory/dense.h"
#include "memory/diffs.h"
#include "memory/lemma1.h"
#include "memory/sweep.h"

#include <math.h>
#include <string.h>

#define EG_FIELDS_OWNER eg_theory_lemma1_gradient
EG_FIELDS_TABLE(egi_lemma1_gradient_fields, EG_THEORY_LEMMA1_GRADIENT_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_theory_lemma1_step
EG_FIELDS_TABLE(egi_lemma1_step_fields, EG_THEORY_LEMMA1_STEP_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_theory_lemma1_span
EG_FIELDS_TABLE(egi_lemma1_span_fields, EG_THEORY_LEMMA1_SPAN_FIELDS)

/* Options and the law, behind every draw. */
typedef struct setting {
    const void *options;
    egi_pairs pairs;
} setting;

/* Runs one draw function over dims with the laws of `stats`. */
static eg_status run(const void *options, const eg_strs *dims,
                     const char *stats, int64_t draws, const char *const *names,
                     egi_draw_fn draw, uint64_t seed, eg_pool *pool,
                     const eg_theory_out *out, eg_err *err)
{
    eg_task *task = NULL;
    setting set = {.options = options};
    int64_t at[EG_STRS_MAX];
    egi_sweep s = {.at = at,
                   .draws = (int)draws,
                   .names = names,
                   .draw = draw,
                   .ctx = &set};
    eg_status st = EG_OK;

    EG_TRY(egi_list_ints(at, &s.n, dims, 1, 16384, "dims", err));
    EG_TRY(egi_law_task(&task, stats, err));
    set.pairs = (egi_pairs){eg_task_vocab(task), eg_task_unigram(task),
                            eg_task_bigram(task)};
    EG_TRY(egi_sweep_run(&s, seed, pool, out, err));
done:
    eg_task_free(task);
    return st;
}

typedef struct point {
    const egi_pairs *pairs;
    eg_index d;
    double *block; /* everything below lies in it */
    double *e, *u, *w, *grad, *v, *s, *g, *work;
} point;

/* E, U ~ N(0, 1/d) and room for the rest, in one block. */
static eg_status point_init(point *p, const egi_pairs *pairs, eg_index d,
                            eg_rng *rng, eg_err *err)
{
    eg_index v = pairs->v;
    double *block =
        eg_calloc((size_t)(3 * v * d + 3 * d * d + 2 * v * v), sizeof *block);
    double *next = block;

    if (!block) return EG_FAIL(err, EG_ENOMEM, "Lemma 1 at d = %td", d);
    *p = (point){.pairs = pairs,
                 .block = block,
                 .d = d,
                 .e = egi_take(&next, v * d),
                 .u = egi_take(&next, v * d),
                 .work = egi_take(&next, v * d),
                 .w = egi_take(&next, d * d),
                 .grad = egi_take(&next, d * d),
                 .v = egi_take(&next, d * d),
                 .s = egi_take(&next, v * v),
                 .g = egi_take(&next, v * v)};
    egi_fill_normal(p->e, v * d, 1 / sqrt((double)d), rng);
    egi_fill_normal(p->u, v * d, 1 / sqrt((double)d), rng);
    return EG_OK;
}

static double loss_at(void *ctx, const double *w)
{
    point *p = ctx;

    egi_pairs_scores(p->s, p->e, p->u, w, p->pairs->v, p->d, p->work);
    return egi_pairs_loss(p->pairs, p->s, p->g);
}

/* p(k|z) times 1 + a in g, which loss_at has left. */
static void change_law(point *p, double a)
{
    eg_index v = p->pairs->v;

    for (eg_index z = 0; z < v; z++)
        egi_axpy(p->g + z * v, -a * p->pairs->pi_u[z], p->pairs->pi_b + z * v,
                 v);
}

/* At a random W with scores of order 1. */
static eg_status gradient_draw(const void *ctx, int64_t at, eg_rng *rng,
                               double *value, eg_err *err)
{
    const setting *set = ctx;
    const eg_theory_lemma1_gradient *o = set->options;
    point p;
    eg_status st = point_init(&p, &set->pairs, (eg_index)at, rng, err);
    egi_diffs r;

    if (st != EG_OK) return st;
    egi_fill_normal(p.w, p.d * p.d, 1, rng);
    loss_at(&p, p.w);
    change_law(&p, o->impostor);
    egi_pairs_grad(p.grad, p.e, p.u, p.g, p.pairs->v, p.d, p.work);
    r = egi_diffs_check(loss_at, &p, p.w, p.grad, p.d * p.d, (int)o->directions,
                        o->delta, rng, p.v);
    value[0] = r.norm;
    value[1] = r.directions;
    value[2] = r.entries;
    value[3] = r.cosine;
    value[4] = r.curvature;
    eg_free(p.block);
    return EG_OK;
}

eg_status egi_theory_lemma1_gradient(const void *options, uint64_t seed,
                                     eg_pool *pool, const eg_theory_out *out,
                                     eg_err *err)
{
    static const char *const names[] = {"grad_norm",     "error_directions",
                                        "error_entries", "cosine",
                                        "convexity",     NULL};
    const eg_theory_lemma1_gradient *o = options;

    return run(o, &o->dims, o->stats, 1, names, gradient_draw, seed, pool, out,
               err);
}

static double correlation(const double *x, const double *y, eg_index n)
{
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;

    for (eg_index i = 0; i < n; i++) {
        mx += x[i] / (double)n;
        my += y[i] / (double)n;
    }
    for (eg_index i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    return xy / sqrt(xx * yy);
}

/* W_1 = -grad L(0); at W = 0 the scores are 0 and phat = 1/V. */
static eg_status step_draw(const void *ctx, int64_t at, eg_rng *rng,
                           double *value, eg_err *err)
{
    const setting *set = ctx;
    point p;
    eg_status st = point_init(&p, &set->pairs, (eg_index)at, rng, err);
    eg_index v = set->pairs.v;

    if (st != EG_OK) return st;
    egi_pairs_loss(p.pairs, p.s, p.g);
    egi_pairs_grad(p.w, p.e, p.u, p.g, v, p.d, p.work);
    egi_pairs_scores(p.s, p.e, p.u, p.w, v, p.d, p.work);
    /* W_1 and the target are both minus what is compared here */
    value[0] = correlation(p.s, p.g, v * v);
    eg_free(p.block);
    return EG_OK;
}

eg_status egi_theory_lemma1_step(const void *options, uint64_t seed,
                                 eg_pool *pool, const eg_theory_out *out,
                                 eg_err *err)
{
    static const char *const names[] = {"correlation", NULL};
    const eg_theory_lemma1_step *o = options;

    return run(o, &o->dims, o->stats, o->draws, names, step_draw, seed, pool,
               out, err);
}

/* |r - P_U r P_E| / |r| with orthonormal bases u, e [v, d] of the rows;
 * work [v, d], small [v, v], rest [d, d]. */
static double outside(const double *r, const double *u, const double *e,
                      eg_index v, eg_index d, double *work, double *small,
                      double *rest)
{
    egi_mul(work, u, r, v, d, d);
    egi_mul_nt(small, work, e, v, v, d);
    egi_mul(work, small, e, v, d, v);
    egi_mul_tn(rest, u, work, d, d, v);
    egi_axpy(rest, -1, r, d * d);
    return egi_norm(rest, d * d) / egi_norm(r, d * d);
}

static eg_status span_draw(const void *ctx, int64_t at, eg_rng *rng,
                           double *value, eg_err *err)
{
    const setting *set = ctx;
    const eg_theory_lemma1_span *o = set->options;
    eg_index d = (eg_index)at, v = set->pairs.v, n = d * d;
    double alpha = 1, *w0;
    point p;
    eg_status st = point_init(&p, &set->pairs, d, rng, err);

    if (st != EG_OK) return st;
    w0 = eg_calloc((size_t)n, sizeof *w0);
    if (!w0) {
        eg_free(p.block);
        return EG_FAIL(err, EG_ENOMEM, "Lemma 1 at d = %td", d);
    }
    egi_fill_normal(w0, n, sqrt((1 + o->impostor) / (double)d), rng);
    memcpy(p.w, w0, (size_t)n * sizeof *w0);
    egi_pairs_scores(p.s, p.e, p.u, w0, v, d, p.work);
    value[3] = sqrt((double)d) * egi_norm(p.s, v * v) / (double)v;
    for (int64_t k = 0; k < o->steps; k++) {
        loss_at(&p, p.w);
        egi_pairs_grad(p.grad, p.e, p.u, p.g, v, d, p.work);
        egi_axpy(p.grad, o->weight_decay, p.w, n);
        egi_axpy(p.w, -o->lr, p.grad, n);
        alpha *= 1 - o->lr * o->weight_decay;
    }
    egi_orthonormalise(p.e, v, d);
    egi_orthonormalise(p.u, v, d);
    value[1] = outside(p.w, p.u, p.e, v, d, p.work, p.s, p.grad);
    egi_axpy(p.w, -alpha, w0, n);
    value[0] = outside(p.w, p.u, p.e, v, d, p.work, p.s, p.grad);
    value[2] = egi_norm(p.w, n) / egi_norm(w0, n);
    eg_free(w0);
    eg_free(p.block);
    return EG_OK;
}

eg_status egi_theory_lemma1_span(const void *options, uint64_t seed,
                                 eg_pool *pool, const eg_theory_out *out,
                                 eg_err *err)
{
    static const char *const names[] = {"residual", "control", "moved",
                                        "w0_score", NULL};
    const eg_theory_lemma1_span *o = options;

    return run(o, &o->dims, o->stats, 1, names, span_draw, seed, pool, out,
               err);
}
