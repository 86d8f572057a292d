/* What all statements of a theory share: lists of numbers, and the loop over a
 * sweep variable and independent draws. */
#ifndef EGI_BASE_SWEEP_H
#define EGI_BASE_SWEEP_H

#include <math.h>
#include "engram/rng.h"
#include "engram/theory.h"

#define EGI_SWEEP_MAX_VALUES 24

/* Whole numbers from lo to hi out of a list option; at least one. */
eg_status egi_list_ints(int64_t out[EG_STRS_MAX], int *n, const eg_strs *list,
                        int64_t lo, int64_t hi, const char *name, eg_err *err);
/* The same for numbers. */
eg_status egi_list_reals(double out[EG_STRS_MAX], int *n, const eg_strs *list,
                         double lo, double hi, const char *name, eg_err *err);

/* Fills value[] for one point of the sweep and one draw. Runs in any thread;
 * rng is the draw's own stream. */
typedef eg_status (*egi_draw_fn)(const void *ctx, int64_t at, eg_rng *rng,
                                 double *value, eg_err *err);

typedef struct egi_sweep {
    const int64_t *at; /* [n] */
    int n, draws;
    const char *const *names; /* NULL-terminated */
    egi_draw_fn draw;
    const void *ctx;
} egi_sweep;

/* For every point: all draws on the pool, then mean (and NAME_sd when there
 * is more than one draw) of every value. */
eg_status egi_sweep_run(const egi_sweep *s, uint64_t seed, eg_pool *pool,
                        const eg_theory_out *out, eg_err *err);

/* Mean and NAME_sd of every column of value [draws, EGI_SWEEP_MAX_VALUES]. */
void egi_sweep_emit(const double *value, int draws, int64_t at,
                    const char *const *names, const eg_theory_out *out);

/* Emits again what a stopped process of the same check emitted at `at`: true
 * when every one of names (NULL-terminated), with NAME_sd when sd, is on
 * record. A check that asks this point by point can be resumed. */
bool egi_recall(const eg_theory_out *out, int64_t at, const char *const *names,
                bool sd);

/* The same for checks that emit all numbers of a step in one go, whatever they
 * are called: true when there were some. */
bool egi_recall_step(const eg_theory_out *out, int64_t at);

/* False when the caller wants to stop. */
bool egi_progress(const eg_theory_out *out, double done);

/* The larger, the smaller of two numbers. Unlike fmax and fmin they keep a NaN:
 * a measurement that is none must show in the worst of many. */
static inline double egi_most(double a, double b)
{
    return isnan(a) || a > b ? a : b;
}

static inline double egi_least(double a, double b)
{
    return isnan(a) || a < b ? a : b;
}

/* One block of doubles cut into arrays: egi_take(&next, n). */
static inline double *egi_take(double **next, eg_index n)
{
    double *p = *next;

    *next += n;
    return p;
}

#endif
