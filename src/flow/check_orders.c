/* What fixed-step schemes cost in accuracy. */
#include "flow/checks.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_orders
EG_FIELDS_TABLE(egi_flow_orders_fields, EG_FLOW_THEORY_ORDERS_FIELDS)

static eg_status solve(double *all, const eg_flow_spec *spec, const double *x0,
                       double *x, const egi_clock *c, int method, double h,
                       eg_pool *pool, eg_err *err)
{
    egi_states s = {all, spec->n * spec->d};
    eg_flow_solve how = {.method = method,
                         .h = h,
                         .rtol = 1e-13,
                         .atol = 1e-15,
                         .output = egi_keep_state,
                         .ctx = &s};

    memcpy(x, x0, (size_t)s.size * sizeof *x);
    return egi_play(spec, x, c->t, c->n, &how, pool, err);
}

static double largest(const double *a, const double *b, eg_index n)
{
    double worst = 0;

    for (eg_index k = 0; k < n; k++) worst = egi_most(worst, fabs(a[k] - b[k]));
    return worst;
}

static eg_status start(double **x, eg_index *n, const eg_flow_theory_orders *o,
                       uint64_t seed, eg_err *err)
{
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    eg_index d = (eg_index)o->d;
    eg_status st;

    if (o->x0.n == 0) {
        *n = (eg_index)o->n;
        *x = eg_calloc((size_t)(*n * d), sizeof **x);
        if (!*x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", *n);
        egi_sphere_draw(*x, *n, d, &rng);
        return EG_OK;
    }
    st = egi_tokens_read(x, n, &o->x0, d, "x0", err);
    for (eg_index i = 0; i < *n && st == EG_OK; i++) {
        double r = sqrt(egi_dot(*x + i * d, *x + i * d, d));

        if (r < 1e-6) st = EG_FAIL(err, EG_EINVAL, "x0: token %td is 0", i);
        for (eg_index k = 0; k < d; k++) (*x)[i * d + k] /= r;
    }
    return st;
}

eg_status egi_flow_orders_run(const void *options, uint64_t seed, eg_pool *pool,
                              const eg_theory_out *out, eg_err *err)
{
    const eg_flow_theory_orders *o = options;
    double *x0 = NULL, *block = NULL, *exact, *whole, *half;
    eg_index n = 0, size = 0;
    egi_clock c = {0};
    eg_flow_spec spec = {.d = (eg_index)o->d, .beta = o->beta};
    eg_status st = egi_clock_read(&c, &o->times, err);

    if (st != EG_OK) return st;
    EG_TRY(start(&x0, &n, o, seed, err));
    spec.n = n;
    size = n * spec.d;
    block = eg_calloc((size_t)((3 * c.n + 1) * size), sizeof *block);
    if (!block) {
        st = EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
        goto done;
    }
    exact = block + size;
    whole = exact + c.n * size;
    half = whole + c.n * size;
    EG_TRY(solve(exact, &spec, x0, block, &c, EG_FLOW_DOP853, 0, pool, err));
    EG_TRY(solve(whole, &spec, x0, block, &c, o->method, o->h, pool, err));
    EG_TRY(solve(half, &spec, x0, block, &c, o->method, o->h / 2, pool, err));
    for (int i = 1; i < c.n; i++) {
        double a = largest(whole + i * size, exact + i * size, size);
        double b = largest(half + i * size, exact + i * size, size);

        egi_emit(out, egi_milli(c.t[i]), "error", a);
        egi_emit(out, egi_milli(c.t[i]), "half", b);
        egi_emit(out, egi_milli(c.t[i]), "order", log2(a / b));
    }
done:
    eg_free(x0);
    eg_free(block);
    return st;
}
