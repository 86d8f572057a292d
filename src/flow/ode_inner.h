/* Inside of the solvers: one loop (ode.c), and methods that know how to take
 * a step and what the state inside the last one was. */
#ifndef EG_FLOW_ODE_INNER_H
#define EG_FLOW_ODE_INNER_H

#include "flow/ode.h"

typedef struct egi_method {
    bool inside; /* has states inside a step */
    bool grid;   /* keeps a grid: splits steps at stops itself */
    eg_status (*init)(egi_solver *s, eg_err *err);
    void (*release)(egi_solver *s);
    /* Afresh from (t, y); h = 0 asks for a first step as well. */
    eg_status (*begin)(egi_solver *s, eg_err *err);
    /* One accepted step, not beyond bound: sets t_old, t and y. */
    eg_status (*step)(egi_solver *s, eg_err *err);
    /* The state at a time in (t_old, t), on the manifold. */
    eg_status (*at)(egi_solver *s, double t, double *y, eg_err *err);
} egi_method;

extern const egi_method egi_method_map;   /* ode_fixed.c */
extern const egi_method egi_method_fixed; /* ode_fixed.c */
extern const egi_method egi_method_rk;    /* ode_rk.c */
extern const egi_method egi_method_cvode; /* cvode.c */

struct egi_solver {
    egi_ode ode;
    egi_ode_opts opts;
    const egi_method *method;
    void *own; /* of the method */
    double *block;
    double *y, *y_out, *y_probe; /* now; at an output; looked at for events */
    eg_index size;               /* what is left of ode.size */
    double t_old, t, h;
    double bound; /* steps end here: the next stop or the last time */
    bool drifted; /* off the manifold: start afresh from y */
    double limit; /* the field is asked at times up to this */
    eg_index next_stop;
    const double *times;
    eg_index n_times, next; /* times[next] is due */
    eg_index count;         /* at t_seen */
    double t_seen;
    egi_ode_stats stats;
};

/* The field, counted, on the right side of a jump. */
void egi_solver_field(egi_solver *s, double t, const double *y, double *dy);
/* The first stop after t (infinity: none); sets the limit to just before it. */
double egi_solver_stop(egi_solver *s, double t);
bool egi_all_finite(const double *x, eg_index n);
/* "the field is not finite at t = ..." */
eg_status egi_field_broken(double t, eg_err *err);

/* out = base + h sum_j c_j k_j; out may be base. */
void egi_combine(double *out, const double *base, double h, const double *c,
                 double *const *k, int n_k, eg_index size);

/* An embedded pair. */
typedef struct egi_pair {
    int stages; /* without the one at the end of the step */
    int all;    /* with those of dense output */
    int order;
    bool estimate_needs_end; /* the stage at the end is part of the estimate */
    double grow, shrink;     /* bounds of a change of the step */
    double expo, damp;       /* PI control: h (0.9 / err^expo) old^damp */
    const double *c;         /* [all] */
    const double *a;         /* [all, all]; row `stages` is b */
    /* Error of a step of length h, 1 being the tolerance; NaN stays NaN. */
    double (*error)(const egi_solver *s, double h, const double *y_new,
                    double *const *k);
    /* Dense output: with z = 1 - x, dy = y - y_old, e = k[stages],
     *     y(t_old + x h) = y_old + x (dy + z (h k_0 - dy
     *       + x (2 dy - h k_0 - h e + z (r_0 + x (r_1 + z (r_2 + x r_3)))))),
     *     r_i = h sum_j d_ij k_j. */
    int n_dense;     /* at most 4 */
    const double *d; /* [n_dense, all] */
} egi_pair;
extern const egi_pair egi_dopri5, egi_dop853;

/* sum_i ((sum_j c_j k_j)_i / (atol + rtol max(|y|, |y_new|)))^2. */
double egi_scaled_norm2(const egi_solver *s, const double *y_new,
                        const double *c, double *const *k, int n_k);

#endif
