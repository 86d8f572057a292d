/* Ordinary differential equations y' = f(t, y), as the flows need them: fixed
 * and adaptive steps, states kept on a manifold, dense output, events. Knows
 * nothing of tokens.
 *
 * Output. Fixed steps keep the grid times[0] + k h; a time between two grid
 * points gets a shortened step of its own from the grid point before it, and
 * so do times inside a step that an event is looked for at: what is asked for
 * never changes the trajectory. The system's own MAP has no states between its
 * steps: the first grid time >= times[i] (to rounding) is what output gets,
 * with its own t. Adaptive Runge-Kutta methods end a step at an output time
 * when the next one lies at least four steps further (as cheap as the extra
 * stages of dense output); otherwise they use dense output, so that many times
 * cost no steps. (DOP853's errs by about 5 rtol, its steps by 1 or less.) CVODE
 * interpolates and ends a step at the last time only. Interpolated states are
 * projected.
 *
 * Jumps of the field at `stop` times: no step crosses one; before it the field
 * is asked at times < stop only, from it on at times >= stop. MAP takes the
 * field of the beginning of its step. */
#ifndef EG_FLOW_ODE_H
#define EG_FLOW_ODE_H

#include "engram/status.h"

/* Also the numbers of EG_FLOW_AUTHORS .. EG_FLOW_BDF. */
typedef enum egi_ode_method {
    EGI_ODE_MAP = 1,  /* the system's own step: egi_ode.step */
    EGI_ODE_EULER,    /* order 1 */
    EGI_ODE_LIE,      /* order 1: egi_ode.step */
    EGI_ODE_MIDPOINT, /* order 2: egi_ode.step */
    EGI_ODE_HEUN,     /* order 2 */
    EGI_ODE_RK4,      /* order 4 */
    EGI_ODE_DOPRI5,   /* 5(4), dense output of order 4 */
    EGI_ODE_DOP853,   /* 8(5,3), dense output of order 7 */
    EGI_ODE_ADAMS,    /* CVODE, Adams-Moulton, functional iteration; steps stay
                       * below the fastest time of decay, like those above */
    EGI_ODE_BDF       /* CVODE, BDF with matrix-free Newton and projection */
} egi_ode_method;

typedef struct egi_ode {
    eg_index size; /* of y */
    void (*rhs)(void *ctx, double t, const double *y, double *dy);
    /* y back onto the manifold, after every accepted step; NULL: none. */
    void (*project)(void *ctx, double *y);
    /* One step of length h in place, for the methods that are the system's;
     * leaves y on the manifold itself. */
    void (*step)(void *ctx, int method, double t, double h, double *y);
    /* dv = (df/dy) v at (t, y); NULL: differences. */
    void (*jvp)(void *ctx, double t, const double *y, const double *v,
                double *dv);
    /* Times the field jumps at (weights that change), ascending. */
    const double *stop;
    eg_index n_stops;
    void *ctx;
} egi_ode;

typedef struct egi_ode_opts {
    int method;
    double h, rtol, atol;
    /* Accepted and rejected; 0: 10 million. Where 100000 of them have come so
     * little forward that the rest would take a hundred times this number, it
     * is over at once. */
    int64_t max_steps;
    /* Looked at after every accepted step, and by bisection on the states
     * inside it: an integer that falls is located to 1e-12 of t (or of the
     * step, if larger) where it falls, t being the end at which it has. A
     * count that rises is followed in silence. NULL: none. */
    eg_index (*count)(void *ctx, const double *y);
    void (*fell)(void *ctx, double t, eg_index count);
    /* After every accepted step, its events and its outputs: may shrink the
     * system (size and y) and says so by true; the method then starts afresh.
     * NULL: none. */
    bool (*reduce)(void *ctx, double t, double *y, eg_index *size);
    /* false stops. Falls and outputs come in the order of their times. */
    bool (*output)(void *ctx, eg_index i, double t, const double *y);
    /* Asked before every step; true stops. NULL: never. */
    bool (*stop)(void *ctx);
    void *ctx;
} egi_ode_opts;

typedef struct egi_ode_stats {
    int64_t steps, rejected, evaluations;
    double t; /* of the state returned */
    bool stopped, step_too_small, out_of_steps;
} egi_ode_stats;

/* Workspace for systems up to egi_ode.size and one method. Copies both
 * structs; what they point to must outlive it. EG_EINVAL: step or tolerances
 * unusable, stop times not ascending. */
typedef struct egi_solver egi_solver;
eg_status egi_solver_new(egi_solver **out, const egi_ode *ode,
                         const egi_ode_opts *opts, eg_err *err);
void egi_solver_free(egi_solver *s);

/* From y at times[0] to times[n_times - 1], calling output at each time
 * (ascending, equal ones allowed); y is the last state on return, that at
 * stats->t, of the size that is left. stats may be NULL. Allocates nothing but
 * what CVODE does. EG_EINVAL: times, or a field or state that is not finite
 * (the sentence says at which t). */
eg_status egi_solver_run(egi_solver *s, double *y, const double *times,
                         eg_index n_times, egi_ode_stats *stats, eg_err *err);

#endif
