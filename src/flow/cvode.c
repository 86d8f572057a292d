/* SUNDIALS CVODE behind the loop of ode.c: Adams-Moulton with functional
 * iteration, or BDF with Newton's method, matrix-free GMRES and a projection
 * inside every step (CVODE offers that for BDF only).
 *
 * CVODE runs one step at a time. What it returns and what it interpolates is
 * projected here. An Adams solution drifts off the manifold by its own errors,
 * and a field that looks at directions only then runs at the wrong speed; when
 * it is further off than DRIFT tolerances it starts afresh from its projection
 * (on a circle, t = 1000, rtol = 1e-12: 1.4e-5 wrong without, 4e-9 with, for
 * fewer steps; below 10 the restarts themselves cost).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sunlinsol/sunlinsol_spgmr.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>
#include <sunnonlinsol/sunnonlinsol_newton.h>

#include "engram/mem.h"
#include "flow/ode_inner.h"

enum { KRYLOV = 20, DRIFT = 10 };

typedef struct cvode {
    SUNContext context;
    void *mem;
    N_Vector y, view; /* s->y; whatever an interpolation goes to */
    SUNNonlinearSolver newton;
    SUNLinearSolver gmres;
    eg_index size;     /* it was built for */
    long int rejected; /* CVODE's count, already in our statistics */
    bool broken;       /* the field was not finite at a time ... */
    double broken_at;  /* ... not yet passed */
    char said[256];    /* by CVODE */
} cvode;

static int field(double t, N_Vector y, N_Vector dy, void *user)
{
    egi_solver *s = user;
    cvode *v = s->own;

    egi_solver_field(s, t, NV_DATA_S(y), NV_DATA_S(dy));
    if (egi_all_finite(NV_DATA_S(dy), s->size)) return 0;
    v->broken = true;
    v->broken_at = t;
    return 1; /* try a shorter step */
}

static int jacobian_times(N_Vector x, N_Vector out, double t, N_Vector y,
                          N_Vector fy, void *user, N_Vector tmp)
{
    egi_solver *s = user;

    (void)fy;
    (void)tmp;
    s->stats.evaluations++;
    s->ode.jvp(s->ode.ctx, fmin(t, s->limit), NV_DATA_S(y), NV_DATA_S(x),
               NV_DATA_S(out));
    return egi_all_finite(NV_DATA_S(out), s->size) ? 0 : 1;
}

static int correction(double t, N_Vector y, N_Vector corr, double eps,
                      N_Vector error, void *user)
{
    egi_solver *s = user;
    double *c = NV_DATA_S(corr);
    const double *at = NV_DATA_S(y);

    (void)t;
    (void)eps;
    (void)error;
    memcpy(c, at, (size_t)s->size * sizeof *c);
    s->ode.project(s->ode.ctx, c);
    for (eg_index i = 0; i < s->size; i++) c[i] -= at[i];
    return 0;
}

static void listen(int code, const char *module, const char *function,
                   char *msg, void *user)
{
    cvode *v = user;

    (void)code;
    (void)module;
    snprintf(v->said, sizeof v->said, "%s: %s", function, msg);
}

static eg_status cvode_init(egi_solver *s, eg_err *err)
{
    cvode *v = eg_calloc(1, sizeof *v);

    s->own = v;
    if (!v || SUNContext_Create(NULL, &v->context) != 0)
        return EG_FAIL(err, EG_ENOMEM, "no memory for CVODE");
    return EG_OK;
}

static void take_apart(cvode *v)
{
    if (v->mem) CVodeFree(&v->mem);
    if (v->newton) SUNNonlinSolFree(v->newton);
    if (v->gmres) SUNLinSolFree(v->gmres);
    if (v->view) N_VDestroy(v->view);
    if (v->y) N_VDestroy(v->y);
    v->newton = NULL;
    v->gmres = NULL;
    v->view = v->y = NULL;
    v->size = 0;
}

static void cvode_release(egi_solver *s)
{
    cvode *v = s->own;

    if (!v) return;
    take_apart(v);
    if (v->context) SUNContext_Free(&v->context);
    eg_free(v);
}

static int set_up_bdf(egi_solver *s)
{
    cvode *v = s->own;
    int krylov = s->size < KRYLOV ? (int)s->size : KRYLOV, flag;

    v->newton = SUNNonlinSol_Newton(v->y, v->context);
    v->gmres = SUNLinSol_SPGMR(v->y, SUN_PREC_NONE, krylov, v->context);
    if (!v->newton || !v->gmres) return CV_MEM_FAIL;
    flag = CVodeSetNonlinearSolver(v->mem, v->newton);
    if (flag == 0) flag = CVodeSetLinearSolver(v->mem, v->gmres, NULL);
    if (flag == 0 && s->ode.jvp)
        flag = CVodeSetJacTimes(v->mem, NULL, jacobian_times);
    if (flag == 0 && s->ode.project) {
        flag = CVodeSetProjFn(v->mem, correction);
        if (flag == 0) flag = CVodeSetProjErrEst(v->mem, SUNFALSE);
    }
    return flag;
}

static int set_up_adams(egi_solver *s)
{
    cvode *v = s->own;

    v->newton = SUNNonlinSol_FixedPoint(v->y, 0, v->context);
    if (!v->newton) return CV_MEM_FAIL;
    return CVodeSetNonlinearSolver(v->mem, v->newton);
}

static int build(egi_solver *s)
{
    cvode *v = s->own;
    bool bdf = s->opts.method == EGI_ODE_BDF;
    int flag;

    take_apart(v);
    v->y = N_VMake_Serial(s->size, s->y, v->context);
    v->view = N_VMake_Serial(s->size, s->y_out, v->context);
    v->mem = CVodeCreate(bdf ? CV_BDF : CV_ADAMS, v->context);
    if (!v->y || !v->view || !v->mem) return CV_MEM_FAIL;
    flag = CVodeSetErrHandlerFn(v->mem, listen, v);
    if (flag == 0) flag = CVodeInit(v->mem, field, s->t, v->y);
    if (flag == 0) flag = CVodeSetUserData(v->mem, s);
    if (flag == 0) flag = CVodeSStolerances(v->mem, s->opts.rtol, s->opts.atol);
    if (flag == 0) flag = CVodeSetMaxHnilWarns(v->mem, -1);
    if (flag == 0) flag = bdf ? set_up_bdf(s) : set_up_adams(s);
    if (flag == 0) v->size = s->size;
    return flag;
}

/* What a failure means: an outcome, or a sentence. */
static eg_status explain(egi_solver *s, int flag, eg_err *err)
{
    cvode *v = s->own;

    switch (flag) {
    case CV_MEM_FAIL:
    case CV_MEM_NULL:
        return EG_FAIL(err, EG_ENOMEM, "no memory for CVODE with %td numbers",
                       s->size);
    case CV_TOO_MUCH_ACC:
        return EG_FAIL(err, EG_EINVAL,
                       "CVODE: tolerances rtol = %g, atol = %g are beyond "
                       "float64 at t = %.17g",
                       s->opts.rtol, s->opts.atol, s->t);
    case CV_ERR_FAILURE:
    case CV_CONV_FAILURE:
    case CV_FIRST_RHSFUNC_ERR:
    case CV_REPTD_RHSFUNC_ERR:
    case CV_UNREC_RHSFUNC_ERR:
        if (v->broken) return egi_field_broken(v->broken_at, err);
        s->stats.step_too_small = true;
        return EG_OK;
    default:
        return EG_FAIL(err, EG_EINVAL, "CVODE at t = %.17g: %s (%d)", s->t,
                       v->said, flag);
    }
}

static eg_status cvode_begin(egi_solver *s, eg_err *err)
{
    cvode *v = s->own;
    int flag = 0;

    v->said[0] = 0;
    v->broken = false;
    v->rejected = 0;
    s->h = 1; /* CVODE keeps the real one */
    if (v->mem && v->size == s->size)
        flag = CVodeReInit(v->mem, s->t, v->y);
    else
        flag = build(s);
    if (flag == 0) flag = CVodeSetStopTime(v->mem, s->bound);
    return flag == 0 ? EG_OK : explain(s, flag, err);
}

static void count_rejected(egi_solver *s)
{
    cvode *v = s->own;
    long int errors = 0, diverged = 0;

    CVodeGetNumErrTestFails(v->mem, &errors);
    CVodeGetNumNonlinSolvConvFails(v->mem, &diverged);
    s->stats.rejected += errors + diverged - v->rejected;
    v->rejected = errors + diverged;
}

/* Projects the state a step ended with; true: it was too far off. */
static bool pull_back(egi_solver *s)
{
    double off2 = 0;

    if (!s->ode.project) return false;
    memcpy(s->y_probe, s->y, (size_t)s->size * sizeof *s->y);
    s->ode.project(s->ode.ctx, s->y);
    if (s->opts.method == EGI_ODE_BDF) return false;
    for (eg_index i = 0; i < s->size; i++) {
        double e = s->y_probe[i] - s->y[i];
        if (e == 0) continue;
        e /= s->opts.atol + s->opts.rtol * fabs(s->y[i]);
        off2 += e * e;
    }
    return off2 > (double)s->size * DRIFT * DRIFT;
}

static eg_status cvode_step(egi_solver *s, eg_err *err)
{
    cvode *v = s->own;
    double t = s->t;

    int flag = CVode(v->mem, s->bound, v->y, &t, CV_ONE_STEP);
    count_rejected(s);
    if (flag == CV_TOO_CLOSE)
        t = s->bound; /* a step of rounding */
    else if (flag < 0)
        return explain(s, flag, err);
    if (!(t > s->t)) return explain(s, CV_ERR_FAILURE, err);
    s->t_old = s->t;
    s->t = t;
    if (t >= v->broken_at) v->broken = false;
    s->drifted = pull_back(s);
    return EG_OK;
}

static eg_status cvode_at(egi_solver *s, double t, double *y, eg_err *err)
{
    cvode *v = s->own;

    NV_DATA_S(v->view) = y;
    int flag = CVodeGetDky(v->mem, t, 0, v->view);
    if (flag < 0) return explain(s, flag, err);
    if (s->ode.project) s->ode.project(s->ode.ctx, y);
    return EG_OK;
}

const egi_method egi_method_cvode = {.inside = true,
                                     .init = cvode_init,
                                     .release = cvode_release,
                                     .begin = cvode_begin,
                                     .step = cvode_step,
                                     .at = cvode_at};
