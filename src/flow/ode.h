/* Ordinary differential equations y' = f(t, y), as the flows need them: fixed
 * and adaptive steps, states kept on a manifold, dense output, events. Knows
 * nothing of tokens. */
#ifndef EG_FLOW_ODE_H
#define EG_FLOW_ODE_H

#include "engram/status.h"

/* Also the numbers of EG_FLOW_EULER .. EG_FLOW_BDF. */
typedef enum egi_ode_method {
    EGI_ODE_MAP = 1,  /* the system's own step: egi_ode.step */
    EGI_ODE_EULER,    /* order 1 */
    EGI_ODE_LIE,      /* order 1: egi_ode.step */
    EGI_ODE_MIDPOINT, /* order 2: egi_ode.step */
    EGI_ODE_HEUN,     /* order 2 */
    EGI_ODE_RK4,      /* order 4 */
    EGI_ODE_DOPRI5,   /* 5(4), dense output of order 4 */
    EGI_ODE_DOP853,   /* 8(5,3), dense output of order 7 */
    EGI_ODE_ADAMS,    /* CVODE, Adams-Moulton, functional iteration */
    EGI_ODE_BDF       /* CVODE, BDF with matrix-free Newton and projection */
} egi_ode_method;

typedef struct egi_ode {
    eg_index size; /* of y */
    void (*rhs)(void *ctx, double t, const double *y, double *dy);
    /* y back onto the manifold, after every accepted step; NULL: none. */
    void (*project)(void *ctx, double *y);
    /* One step of length h in place, for the methods that are the system's. */
    void (*step)(void *ctx, int method, double t, double h, double *y);
    /* dv = (df/dy) v at (t, y); NULL: differences. */
    void (*jvp)(void *ctx, double t, const double *y, const double *v,
                double *dv);
    /* Times the field jumps at (weights that change): no step crosses them. */
    const double *stop;
    eg_index n_stops;
    void *ctx;
} egi_ode;

typedef struct egi_ode_opts {
    int method;
    double h, rtol, atol;
    int64_t max_steps;
    /* Looked at after every accepted step, and by bisection on the dense
     * output inside it: an integer that only falls is located to 1e-12 relative
     * in t where it falls. NULL: none. */
    eg_index (*count)(void *ctx, const double *y);
    void (*fell)(void *ctx, double t, eg_index count);
    /* After every accepted step: may shrink the system (size and y) and says
     * so by true; the method then starts afresh. NULL: none. */
    bool (*reduce)(void *ctx, double t, double *y, eg_index *size);
    bool (*output)(void *ctx, eg_index i, double t, const double *y);
    void *ctx;
} egi_ode_opts;

typedef struct egi_ode_stats {
    int64_t steps, rejected, evaluations;
    double t;
    bool stopped, step_too_small;
} egi_ode_stats;

/* Workspace for systems up to egi_ode.size and one method. */
typedef struct egi_solver egi_solver;
eg_status egi_solver_new(egi_solver **out, const egi_ode *ode,
                         const egi_ode_opts *opts, eg_err *err);
void egi_solver_free(egi_solver *s);

/* From y at times[0] to times[n_times - 1], calling output at each time; y is
 * the last state on return. Allocates nothing but what CVODE does. */
eg_status egi_solver_run(egi_solver *s, double *y, const double *times,
                         eg_index n_times, egi_ode_stats *stats, eg_err *err);

#endif
