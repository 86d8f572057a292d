/* Problems with known solutions, and a run of a solver with everything it says
 * kept. Included by one test program each. */
#ifndef EG_TEST_ODE_H
#define EG_TEST_ODE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engram/mem.h"
#include "flow/ode.h"

static const char *const method_names[] = {
    "",    "map",    "euler",  "lie",   "midpoint", "heun",
    "rk4", "dopri5", "dop853", "adams", "bdf"};

enum { MAX_SIZE = 8 };

/* A problem: its equations and where it is at time t. */
typedef struct problem {
    egi_ode ode;
    double y0[MAX_SIZE];
    void (*exact)(double t, double *y);
    bool sphere; /* two points of the sphere in R^3 */
} problem;

/* ---- A run, and what it said. ---- */
enum { MAX_TIMES = 20001, MAX_FALLS = 64 };

typedef struct run {
    const problem *p;
    double worst; /* error of an output, largest over outputs */
    double off;   /* | |x| - 1 |, largest over outputs (sphere) */
    eg_index n_outputs;
    double t[MAX_TIMES]; /* of outputs */
    double last_said;    /* time of the last callback */
    bool in_order;
    int n_falls;
    double fall[MAX_FALLS];
    eg_index fallen_to[MAX_FALLS];
    eg_index stop_at; /* output that says stop; -1: none */
    double y[MAX_SIZE];
    egi_ode_stats stats;
    eg_err err;
} run;

static void said(run *r, double t)
{
    if (t < r->last_said) r->in_order = false;
    r->last_said = t;
}

static bool keep_output(void *ctx, eg_index i, double t, const double *y)
{
    run *r = ctx;
    double want[MAX_SIZE];

    assert_int_equal(i, r->n_outputs);
    r->t[r->n_outputs++] = t;
    said(r, t);
    if (r->p->exact) {
        r->p->exact(t, want);
        for (eg_index j = 0; j < r->p->ode.size; j++)
            r->worst = fmax(r->worst, fabs(y[j] - want[j]));
    }
    if (r->p->sphere)
        for (int p = 0; p < 2; p++, y += 3)
            r->off =
                fmax(r->off,
                     fabs(sqrt(y[0] * y[0] + y[1] * y[1] + y[2] * y[2]) - 1));
    return i != r->stop_at;
}

static void keep_fall(void *ctx, double t, eg_index count)
{
    run *r = ctx;

    said(r, t);
    assert_true(r->n_falls < MAX_FALLS);
    r->fall[r->n_falls] = t;
    r->fallen_to[r->n_falls++] = count;
}

/* Fills r (on the heap: it is large); it is the ctx of all callbacks. */
static eg_status run_problem(run *r, const problem *p, egi_ode_opts o,
                             const double *times, eg_index n_times)
{
    egi_solver *s;
    eg_index stop_at = r->stop_at;

    memset(r, 0, sizeof *r);
    r->stop_at = stop_at;
    r->p = p;
    r->last_said = -HUGE_VAL;
    r->in_order = true;
    memcpy(r->y, p->y0, sizeof r->y);
    o.output = keep_output;
    o.fell = keep_fall;
    o.ctx = r;
    eg_status st = egi_solver_new(&s, &p->ode, &o, &r->err);
    if (st != EG_OK) return st;
    st = egi_solver_run(s, r->y, times, n_times, &r->stats, &r->err);
    egi_solver_free(s);
    return st;
}

static run *run_new(void)
{
    run *r = calloc(1, sizeof *r);

    assert_non_null(r);
    r->stop_at = -1;
    return r;
}

#endif
