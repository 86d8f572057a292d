/* Regression in context: what a sequence of a task asks of who reads it.
 *
 * At position t the pairs (k_i, y_i), i <= t, have been seen, and from the
 * input q_t the target is to be told. Of observed states s_t:
 *
 *     k_t = s_{t-1} (s_0 = 0),  y_t = s_t,  q_t = s_t,  target_t = s_{t+1}
 *
 * so that the first pair is empty (with several lags k and q are [s_t, s_{t-1},
 * ...], and k_t = q_{t-1}) and the newest one, (s_{t-1}, s_t), ends with
 * the input itself. With features k_t = psi(s_{t-1}), q_t = psi(s_t), what the
 * law of the task makes of a state before W, of length 1, and y_t = s_t /
 * |s_t|.
 */
#ifndef EGI_MESA_CONTEXT_H
#define EGI_MESA_CONTEXT_H

#include "engram/mesa.h"
#include "engram/task.h"

typedef struct egi_icl {
    eg_index T, m, p; /* positions, entries of a key, of a target */
    double *k, *q;    /* [T, m] */
    double *y;        /* [T, p] */
    double *target;   /* [T, p] */
    double *truth;    /* [p, m] the system; NULL unless the source knows it */
    const double *systems; /* [n_systems, p, m] those of training; NULL: none */
    eg_index n_systems;
    double noise;
    eg_seq seq; /* what it was made of */
    double *block;
} egi_icl;

/* Where they come from: a task, and its twin without noise, which tells the
 * system. */
typedef struct egi_icl_source {
    eg_task *task, *twin; /* twin may be NULL */
    bool features;        /* regress on psi(s), of the nonlinear system */
} egi_icl_source;

/* The options that all statements share, and what else a source can be. */
typedef struct egi_icl_data {
    int64_t dim, n_ctx;
    double noise;
    int system;        /* as the option of mesa_solver says */
    int64_t hidden;    /* entries of a hidden state; 0: none */
    int64_t lags;      /* states in a key and in an input; 0: 1 */
    int64_t n_systems; /* of training; 0: each sequence has its own */
    bool features;     /* as above */
} egi_icl_data;
enum {
    EGI_ICL_ORTHOGONAL,
    EGI_ICL_CONTRACTING,
    EGI_ICL_FIXED,
    EGI_ICL_NONLINEAR
};

eg_status egi_icl_open(egi_icl_source *s, const egi_icl_data *data,
                       uint64_t seed, bool know_system, eg_err *err);
void egi_icl_close(egi_icl_source *s);

eg_status egi_icl_new(egi_icl *c, const egi_icl_source *s, eg_err *err);
void egi_icl_release(egi_icl *c);
/* Sequence `index` of (split, step). Allocates nothing. */
void egi_icl_make(egi_icl *c, const egi_icl_source *s, eg_split split,
                  uint64_t step, uint32_t index);

#endif
