/* Realisations of an ensemble with random score and value matrices, one after
 * the other: each is a small flow of its own. */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/rng.h"
#include "flow/ensemble.h"
#include "flow/matrices.h"

static void draw_normal(double *W, const eg_flow_ensemble *e, eg_index draw,
                        uint32_t which)
{
    eg_rng r = eg_rng_make(e->seed, EG_RNG_INIT, (uint64_t)draw, which);

    for (eg_index i = 0; i < e->d * e->d; i++) W[i] = eg_rng_normal(&r);
}

/* (W + W') / sqrt 2; diagonal 2 W_ii over `diagonal`. */
static void symmetrise(double *W, eg_index d, double diagonal)
{
    for (eg_index i = 0; i < d; i++) {
        for (eg_index j = 0; j < i; j++) {
            double s = (W[i * d + j] + W[j * d + i]) / sqrt(2);

            W[i * d + j] = s;
            W[j * d + i] = s;
        }
        W[i * d + i] *= 2 / diagonal;
    }
}

static void draw_scores(double *B, double *work, double *other,
                        const eg_flow_ensemble *e, eg_index draw)
{
    eg_index d = e->d;

    memset(B, 0, (size_t)(d * d) * sizeof *B);
    switch (e->scores) {
    case EG_FLOW_SCORES_GAUSSIAN:
        draw_normal(work, e, draw, 0);
        draw_normal(other, e, draw, 1);
        egi_mat_mul(B, work, other, d);
        for (eg_index i = 0; i < d * d; i++) B[i] /= sqrt((double)d);
        break;
    case EG_FLOW_SCORES_GOE:
    case EG_FLOW_SCORES_WIGNER:
        draw_normal(B, e, draw, 0);
        symmetrise(B, d, e->scores == EG_FLOW_SCORES_GOE ? sqrt(2) : 2);
        break;
    default:
        for (eg_index i = 0; i < d; i++) B[i * d + i] = 1;
    }
}

void egi_ensemble_matrices(double *B, double *V, double *work,
                           const eg_flow_ensemble *e, eg_index draw)
{
    eg_index d = e->d;
    double c = sqrt((double)d + (e->scores == EG_FLOW_SCORES_GOE));

    if (e->scores == EG_FLOW_SCORES_IDENTITY) c = 1;
    draw_scores(B, work, V, e, draw); /* V is free until now */
    memset(V, 0, (size_t)(d * d) * sizeof *V);
    switch (e->values) {
    case EG_FLOW_VALUES_GRAM:
        draw_normal(work, e, draw, 2);
        egi_mat_mul_tn(V, work, work, d);
        for (eg_index i = 0; i < d * d; i++) V[i] /= sqrt((double)d);
        break;
    case EG_FLOW_VALUES_PLUS:
    case EG_FLOW_VALUES_MINUS:
        if (e->values == EG_FLOW_VALUES_MINUS) c = -c;
        for (eg_index i = 0; i < d * d; i++) V[i] = B[i] / c;
        break;
    default:
        for (eg_index i = 0; i < d; i++) V[i * d + i] = 1;
    }
}

double egi_ensemble_steps(const eg_flow_ensemble *e, eg_index i)
{
    return fmax(0, ceil(e->times[i] / e->h * (1 - 1e-12) - 1e-12));
}

eg_status egi_ensemble_play(const eg_flow_ensemble *e, eg_index draw, double *x,
                            bool (*look)(void *ctx, eg_index i, double t,
                                         const double *x),
                            void *ctx, eg_err *err)
{
    eg_index dd = e->d * e->d, late = e->times[0] > 0;
    double *B = eg_calloc((size_t)(3 * dd + e->n_times + 1), sizeof *B);
    double *V = B ? B + dd : NULL, *work = B ? V + dd : NULL;
    double *times = B ? work + dd : NULL;
    eg_flow_spec spec = {.n = e->n,
                         .d = e->d,
                         .beta = e->beta,
                         .model = e->model,
                         .K = B,
                         .V = V};
    eg_flow_solve how = {
        .method = e->method, .h = e->h, .output = look, .ctx = ctx};
    eg_flow_stats stats = {0};
    eg_flow *f = NULL;
    eg_status st;

    if (!B)
        return EG_FAIL(err, EG_ENOMEM, "ensemble: matrices for d = %td", e->d);
    egi_ensemble_matrices(B, V, work, e, draw);
    if (!e->columns) {
        egi_mat_transpose(work, V, e->d);
        spec.V = work;
    }
    for (eg_index i = 0; i < e->n_times; i++)
        times[late + i] = egi_ensemble_steps(e, i) * e->h;
    EG_TRY(eg_flow_new(&f, &spec, NULL, err));
    st = eg_flow_run(f, x, times, e->n_times + late, &how, &stats, err);
done:
    eg_flow_free(f);
    eg_free(B);
    return st;
}
