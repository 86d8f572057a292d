/* The statement mesa_cg: what conjugate gradients leave of MesaNet's system,
 * with and without a guard in the denominators. */
#include <math.h>
#include <string.h>

#include "base/sweep.h"
#include "engram/mem.h"
#include "mesa/checks.h"
#include "mesa/keys.h"

#define EG_FIELDS_OWNER eg_theory_mesa_cg
EG_FIELDS_TABLE(egi_mesa_cg_fields, EG_THEORY_MESA_CG_FIELDS)

enum { RESIDUAL, STOPPED };
static const char *const names[] = {"residual", "stopped", NULL};

static double dot(const double *x, const double *y, eg_index d)
{
    double sum = 0;

    for (eg_index i = 0; i < d; i++) sum += x[i] * y[i];
    return sum;
}

/* y = A x */
static void times(double *y, const double *a, const double *x, eg_index d)
{
    for (eg_index i = 0; i < d; i++) y[i] = dot(a + i * d, x, d);
}

/* Steps from x = 0; work [3, d]. How many were taken before the residual of the
 * recursion was 0 or a direction had no curvature. */
static int64_t iterate(double *x, const double *a, const double *q, eg_index d,
                       int64_t steps, double guard, double *work)
{
    double *r = work, *p = r + d, *y = p + d, rr = dot(q, q, d);

    memset(x, 0, (size_t)d * sizeof *x);
    memcpy(r, q, (size_t)d * sizeof *r);
    memcpy(p, q, (size_t)d * sizeof *p);
    for (int64_t n = 0; n < steps; n++) {
        double curve, by, next;

        times(y, a, p, d);
        curve = dot(p, y, d);
        if (!(rr > 0) || !(curve > 0)) return n;
        by = rr / (curve + guard);
        for (eg_index i = 0; i < d; i++) {
            x[i] += by * p[i];
            r[i] -= by * y[i];
        }
        next = dot(r, r, d);
        for (eg_index i = 0; i < d; i++)
            p[i] = r[i] + next / (rr + guard) * p[i];
        rr = next;
    }
    return steps;
}

static eg_status one_draw(const void *ctx, int64_t at, eg_rng *rng,
                          double *value, eg_err *err)
{
    const eg_theory_mesa_cg *o = ctx;
    eg_index d = (eg_index)o->dim;
    double *block = eg_calloc((size_t)(d * d + 6 * d), sizeof *block);
    double *next = block, *a, *k, *q, *x, *work, off = 0;

    if (!block) return EG_FAIL(err, EG_ENOMEM, "mesa_cg at d = %td", d);
    a = egi_take(&next, d * d);
    k = egi_take(&next, d);
    q = egi_take(&next, d);
    x = egi_take(&next, d);
    work = egi_take(&next, 3 * d);
    for (int64_t t = 0; t < o->tokens; t++) {
        egi_key_draw(k, d, (egi_keys)o->keys, rng);
        for (eg_index i = 0; i < d * d; i++) a[i] *= o->forget;
        egi_key_add(a, o->strength, k, d);
    }
    for (eg_index i = 0; i < d; i++) a[i * (d + 1)] += o->lambda;
    egi_key_draw(q, d, (egi_keys)o->keys, rng);
    value[STOPPED] = (double)iterate(x, a, q, d, at, o->guard, work);
    times(k, a, x, d);
    for (eg_index i = 0; i < d; i++) off += (q[i] - k[i]) * (q[i] - k[i]);
    value[RESIDUAL] = sqrt(off);
    eg_free(block);
    return EG_OK;
}

eg_status egi_theory_mesa_cg(const void *options, uint64_t seed, eg_pool *pool,
                             const eg_theory_out *out, eg_err *err)
{
    const eg_theory_mesa_cg *o = options;
    int64_t steps[EG_STRS_MAX];
    egi_sweep s = {.at = steps,
                   .draws = (int)o->draws,
                   .names = names,
                   .draw = one_draw,
                   .ctx = o};
    eg_status st = egi_list_ints(steps, &s.n, &o->steps, 0, 1000, "steps", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}
