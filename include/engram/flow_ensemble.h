/* Ensembles of flows (flow.h): many small systems at once, lane by lane. */
#ifndef ENGRAM_FLOW_ENSEMBLE_H
#define ENGRAM_FLOW_ENSEMBLE_H

#include "engram/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Random matrices of an ensemble, drawn anew with every realisation. Scores
 * x_i' B x_j with B = W_1 W_2 / sqrt d (gaussian), (W + W') / sqrt 2 (goe), or
 * the same with the diagonal over 2 (wigner, as the original program once had
 * it); W of N(0, 1). Values: Id; W_3' W_3 / sqrt d; B / c and -B / c, c = sqrt
 * d, for goe sqrt(d + 1), for B = Id 1. */
enum {
    EG_FLOW_SCORES_IDENTITY,
    EG_FLOW_SCORES_GAUSSIAN,
    EG_FLOW_SCORES_GOE,
    EG_FLOW_SCORES_WIGNER
};
enum {
    EG_FLOW_VALUES_IDENTITY,
    EG_FLOW_VALUES_GRAM,
    EG_FLOW_VALUES_PLUS,
    EG_FLOW_VALUES_MINUS
};

/* SA or USA, uniform starts; Q = K = V = Id, lane by lane, or random matrices,
 * a realisation at a time; the one-stage scheme x <- N(x + h A) of the original
 * program, or another fixed-step method. */
typedef struct eg_flow_ensemble {
    int model;
    int scores, values;
    bool columns;   /* values V x_j; false: V' x_j, what the original program,
                       whose tokens are rows, computes */
    bool dimension; /* count Gram eigenvalues, O(n^3) a draw and time */
    int method;     /* EG_FLOW_AUTHORS, _EULER, _RK4 */
    eg_index n, d;
    double beta, h, delta;
    eg_index draws; /* realisations; draw r depends on (seed, r) only */
    uint64_t seed;
    const double *times; /* ascending; the state at the first step with
                            k h >= times[i] (to rounding) counts */
    eg_index n_times;
    const char *kern; /* set of kernels; NULL: "auto" */
} eg_flow_ensemble;
typedef struct eg_flow_census {
    /* Mean share of pairs above 1 - delta; NaN for n = 1, which has none. */
    double density;
    double density_sd;     /* over draws */
    double together;       /* share of draws with all pairs above */
    double components;     /* mean number */
    double dimension;      /* mean number of Gram eigenvalues > 1e-3, or 0 */
    double dimension_sd;   /* over draws */
    int64_t histogram[17]; /* draws with 1..16 components; [0]: more */
} eg_flow_census;
/* census [n_times]. progress may be NULL; false stops: EG_OK, and *done
 * draws counted. */
EG_API eg_status eg_flow_ensemble_run(eg_flow_census *census, eg_index *done,
                                      const eg_flow_ensemble *e, eg_pool *pool,
                                      bool (*progress)(void *ctx, double part),
                                      void *ctx, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
