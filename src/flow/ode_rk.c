/* Adaptive embedded Runge-Kutta pairs (Hairer, Norsett, Wanner, "Solving
 * Ordinary Differential Equations I", II.4-II.6): PI step control, starting
 * step, dense output, a projection after every accepted step. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "flow/ode_inner.h"

enum { MAX_STAGES = 16, BLOCK = 256 };

typedef struct rk {
    const egi_pair *pair;
    double *y_old, *y_new, *block;
    double *k[MAX_STAGES];
    double error_before; /* of the last accepted step */
    bool end_known;      /* k[stages] is the field at (t, y) */
    bool dense_known;    /* the stages of dense output are there */
} rk;

void egi_combine(double *out, const double *base, double h, const double *c,
                 double *const *k, int n_k, eg_index size)
{
    for (eg_index i0 = 0; i0 < size; i0 += BLOCK) {
        eg_index m = size - i0 < BLOCK ? size - i0 : BLOCK;
        double sum[BLOCK] = {0};
        for (int j = 0; j < n_k; j++) {
            if (c[j] == 0) continue;
            const double *kj = k[j] + i0;
            for (eg_index i = 0; i < m; i++) sum[i] += c[j] * kj[i];
        }
        for (eg_index i = 0; i < m; i++)
            out[i0 + i] = base[i0 + i] + h * sum[i];
    }
}

static double scale_of(const egi_solver *s, double a, double b)
{
    return s->opts.atol + s->opts.rtol * fmax(fabs(a), fabs(b));
}

double egi_scaled_norm2(const egi_solver *s, const double *y_new,
                        const double *c, double *const *k, int n_k)
{
    double norm2 = 0;

    for (eg_index i0 = 0; i0 < s->size; i0 += BLOCK) {
        eg_index m = s->size - i0 < BLOCK ? s->size - i0 : BLOCK;
        double sum[BLOCK] = {0};
        for (int j = 0; j < n_k; j++) {
            if (c[j] == 0) continue;
            const double *kj = k[j] + i0;
            for (eg_index i = 0; i < m; i++) sum[i] += c[j] * kj[i];
        }
        for (eg_index i = 0; i < m; i++) {
            if (sum[i] == 0) continue; /* also where the scale is 0 */
            double e = sum[i] / scale_of(s, s->y[i0 + i], y_new[i0 + i]);
            norm2 += e * e;
        }
    }
    return norm2;
}

/* The stages after the one at the end of a step take the place of stages 2 to
 * 5, which nothing after the step uses. */
static void place_stages(rk *r, eg_index n)
{
    const egi_pair *p = r->pair;

    for (int j = 0; j < p->stages; j++) r->k[j] = r->block + (j + 2) * n;
    r->k[p->stages] = r->block + (p->stages + 2) * n;
    for (int j = p->stages + 1; j < p->all; j++) r->k[j] = r->k[j - p->stages];
}

static eg_status rk_init(egi_solver *s, eg_err *err)
{
    eg_index n = s->ode.size;
    rk *r = eg_calloc(1, sizeof *r);

    s->own = r;
    if (!r) goto no_memory;
    r->pair = s->opts.method == EGI_ODE_DOPRI5 ? &egi_dopri5 : &egi_dop853;
    EG_ASSERT(r->pair->all <= MAX_STAGES);
    r->block =
        eg_calloc((size_t)n * (size_t)(r->pair->stages + 3), sizeof(double));
    if (!r->block) goto no_memory;
    r->y_old = r->block;
    r->y_new = r->block + n;
    place_stages(r, n);
    return EG_OK;
no_memory:
    return EG_FAIL(err, EG_ENOMEM, "no memory for stages of %td numbers", n);
}

static void rk_release(egi_solver *s)
{
    rk *r = s->own;

    if (r) eg_free(r->block);
    eg_free(r);
}

static double plain_norm(const egi_solver *s, const double *x,
                         const double *minus)
{
    double norm2 = 0;

    for (eg_index i = 0; i < s->size; i++) {
        double e = minus ? x[i] - minus[i] : x[i];
        if (e == 0) continue;
        e /= scale_of(s, s->y[i], s->y[i]);
        norm2 += e * e;
    }
    return sqrt(norm2 / (double)s->size);
}

/* Hairer's rule: an explicit Euler step moves y by 1 % of itself at most; then
 * the second derivative says how large the leading error term would be. */
static double first_step(egi_solver *s)
{
    rk *r = s->own;
    double room = s->bound - s->t, one = 1;
    double d0 = plain_norm(s, s->y, NULL), d1 = plain_norm(s, r->k[0], NULL);
    double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;

    h0 = h0 > 0 ? fmin(h0, room) : fmin(1e-6, room);
    egi_combine(r->y_new, s->y, h0, &one, r->k, 1, s->size);
    egi_solver_field(s, s->t + h0, r->y_new, r->k[1]);
    double d2 = plain_norm(s, r->k[1], r->k[0]) / h0, d = fmax(d1, d2);
    double h1 = d <= 1e-15 ? fmax(1e-6, h0 * 1e-3)
                           : pow(0.01 / d, 1.0 / r->pair->order);
    double h = fmin(100 * h0, h1);
    return isfinite(h) ? h : h0;
}

static eg_status rk_begin(egi_solver *s, eg_err *err)
{
    rk *r = s->own;

    egi_solver_field(s, s->t, s->y, r->k[0]);
    if (!egi_all_finite(r->k[0], s->size)) return egi_field_broken(s->t, err);
    r->end_known = false;
    if (s->h > 0) return EG_OK;
    /* late times are rough */
    s->h = fmax(first_step(s), 100 * DBL_EPSILON * fabs(s->t));
    r->error_before = 1e-4;
    return EG_OK;
}

/* Where a step of length h should end: see the top of ode.h. Never leaves a
 * remainder much shorter than itself. */
static double end_of_step(const egi_solver *s, double h)
{
    double end = s->bound, due = s->times[s->next], after = HUGE_VAL;

    for (eg_index i = s->next; i < s->n_times; i++)
        if (s->times[i] > due) {
            after = s->times[i];
            break;
        }
    if (due < end && after - due >= 4 * h) end = due;
    double left = end - s->t;
    if (left <= 1.01 * h) return end;
    return s->t + (left < 2 * h ? left / 2 : h);
}

static bool differ(const double *a, const double *b, eg_index n)
{
    double most = 0;

    for (eg_index i = 0; i < n; i++)
        most = fmax(most, fabs(a[i] - b[i]) / (1 + fabs(a[i])));
    return most > 8 * DBL_EPSILON;
}

static const double *row(const egi_pair *p, eg_index j)
{
    return p->a + j * p->all;
}

/* Stages, the new state before projection, and the error; NaN: broken. */
static double try_step(egi_solver *s, double h)
{
    rk *r = s->own;
    const egi_pair *p = r->pair;

    for (int j = 1; j < p->stages; j++) {
        egi_combine(r->y_new, s->y, h, row(p, j), r->k, j, s->size);
        egi_solver_field(s, s->t + p->c[j] * h, r->y_new, r->k[j]);
    }
    egi_combine(r->y_new, s->y, h, row(p, p->stages), r->k, p->stages, s->size);
    if (p->estimate_needs_end)
        egi_solver_field(s, s->t + h, r->y_new, r->k[p->stages]);
    return p->error(s, h, r->y_new, r->k);
}

/* Projects the new state and takes the field there; false: not finite. */
static bool finish_step(egi_solver *s, double t_new)
{
    rk *r = s->own;
    double *end = r->k[r->pair->stages];
    bool moved = !r->pair->estimate_needs_end;

    if (s->ode.project) {
        if (!moved)
            memcpy(s->y_probe, r->y_new, (size_t)s->size * sizeof *s->y);
        s->ode.project(s->ode.ctx, r->y_new);
        moved = moved || differ(s->y_probe, r->y_new, s->size);
    }
    if (moved) egi_solver_field(s, t_new, r->y_new, end);
    return egi_all_finite(end, s->size) && egi_all_finite(r->y_new, s->size);
}

/* k[0] becomes the field at (t, y). */
static void use_end(rk *r)
{
    int last = r->pair->stages;
    double *first = r->k[0];

    if (!r->end_known) return;
    r->k[0] = r->k[last];
    r->k[last] = first;
    r->end_known = false;
}

static void accept(egi_solver *s, double t_new)
{
    rk *r = s->own;
    double *old = r->y_old;

    r->y_old = s->y;
    s->y = r->y_new;
    r->y_new = old;
    s->t_old = s->t;
    s->t = t_new;
    r->end_known = true;
    r->dense_known = false;
}

static eg_status rk_step(egi_solver *s, eg_err *err)
{
    rk *r = s->own;
    const egi_pair *p = r->pair;
    bool rejected = false, broken = false;

    use_end(r);
    for (;;) {
        if (s->t + 0.1 * s->h <= s->t) {
            if (broken) return egi_field_broken(s->t + s->h, err);
            s->stats.step_too_small = true;
            return EG_OK;
        }
        double t_new = end_of_step(s, s->h), h = t_new - s->t;
        double e = try_step(s, h);
        broken = !isfinite(e);
        if (e <= 1) {
            broken = !finish_step(s, t_new);
            if (!broken) {
                double change = pow(e, p->expo) / pow(r->error_before, p->damp);
                change = fmax(1 / p->grow, fmin(1 / p->shrink, change / 0.9));
                double next = h / change;
                r->error_before = fmax(e, 1e-4);
                if (rejected)
                    next = fmin(next, h);
                else if (h < s->h)
                    next = fmax(next, s->h); /* it was cut short only */
                s->h = next;
                accept(s, t_new);
                return EG_OK;
            }
        }
        s->stats.rejected++;
        rejected = true;
        s->h =
            broken ? 0.1 * h : h / fmin(1 / p->shrink, pow(e, p->expo) / 0.9);
    }
}

/* y(t_old + x h) = y_old + (what is returned) dy + h sum_j w_j k_j. */
static double dense_weights(const egi_pair *p, double x, double *w)
{
    double z = 1 - x, m = x * z, along = x - m + 2 * m * x;

    for (int j = 0; j < p->all; j++) w[j] = 0;
    w[0] = m - m * x;
    w[p->stages] = -m * x;
    m *= x;
    for (int i = 0; i < p->n_dense; i++) {
        m *= i % 2 ? x : z;
        for (int j = 0; j < p->all; j++) w[j] += m * p->d[i * p->all + j];
    }
    return along;
}

static eg_status rk_at(egi_solver *s, double t, double *y, eg_err *err)
{
    rk *r = s->own;
    const egi_pair *p = r->pair;
    double w[MAX_STAGES], h = s->t - s->t_old, x = (t - s->t_old) / h;

    (void)err;
    for (int j = p->stages + 1; j < p->all && !r->dense_known; j++) {
        egi_combine(y, r->y_old, h, row(p, j), r->k, j, s->size);
        egi_solver_field(s, s->t_old + p->c[j] * h, y, r->k[j]);
    }
    r->dense_known = true;
    double along = dense_weights(p, x, w);
    egi_combine(y, r->y_old, h, w, r->k, p->all, s->size);
    for (eg_index i = 0; i < s->size; i++)
        y[i] += along * (s->y[i] - r->y_old[i]);
    if (s->ode.project) s->ode.project(s->ode.ctx, y);
    return EG_OK;
}

const egi_method egi_method_rk = {.inside = true,
                                  .init = rk_init,
                                  .release = rk_release,
                                  .begin = rk_begin,
                                  .step = rk_step,
                                  .at = rk_at};
