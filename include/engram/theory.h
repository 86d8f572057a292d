/* Statements of a theory that a program can check.
 *
 * Every check is a row of a table: a name, its options as a field table, and a
 * function that hands named numbers to a callback. float64 throughout; the
 * numbers depend on options and seed only, never on the number of threads. */
#ifndef ENGRAM_THEORY_H
#define ENGRAM_THEORY_H

#include "engram/fields.h"
#include "engram/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One number of a check: step is its sweep variable (eg_theory.step says
 * which). A quantity averaged over `draws` comes with NAME_sd beside it, the
 * standard deviation of one draw. Called from the thread that runs the check,
 * in a fixed order. */
typedef void (*eg_emit_fn)(void *ctx, int64_t step, const char *name,
                           double value);

typedef struct eg_theory_out {
    eg_emit_fn emit;
    /* Fraction done; false asks to stop early: the check returns EG_OK after
     * the numbers it has emitted. May be NULL. */
    bool (*progress)(void *ctx, double done);
    void *ctx;
    /* A number that an earlier, stopped process of the same check emitted;
     * false: not on record. A check may emit it again instead of computing it.
     * With name NULL (and value NULL) all numbers of the step are emitted
     * again, for checks that emit every step in one go, without asking progress
     * between. NULL: nothing is on record. */
    bool (*recall)(void *ctx, int64_t step, const char *name, double *value);
} eg_theory_out;

typedef struct eg_theory {
    const char *name;
    const char *help;
    const char *step;       /* what the sweep variable counts */
    const eg_field *fields; /* of its options struct */
    size_t options_size;
    eg_status (*run)(const void *options, uint64_t seed, eg_pool *pool,
                     const eg_theory_out *out, eg_err *err);
} eg_theory;

/* The row of that name in a table whose last row has a NULL name, or NULL. */
EG_API const eg_theory *eg_theory_in(const eg_theory *table, const char *name);

#ifdef __cplusplus
}
#endif
#endif
