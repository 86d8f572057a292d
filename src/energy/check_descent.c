/* The statement energy_descent: gradients against differences, the bound that
 * an update minimises, and energies that never rise. */
#include <math.h>
#include <string.h>

#include "base/sweep.h"
#include "energy/checks.h"
#include "energy/energies.h"
#include "engram/mem.h"
#include "memory/dense.h"

#define EG_FIELDS_OWNER eg_theory_energy_descent
EG_FIELDS_TABLE(egi_energy_descent_fields, EG_THEORY_ENERGY_DESCENT_FIELDS)

#define DELTA 1e-5

typedef struct path {
    const eg_theory_energy_descent *o;
    eg_energy e;
    double *pattern, *x, *y, *g, *p,
        *work;                     /* [d, n], [n], [n], [n], [d], [d+n] */
    double *energy, *rise, *moved; /* [steps + 1] */
    double gradient, step, bound, touch;
} path;

static void draw(const path *s, double *x, eg_index n, double sd, eg_rng *rng)
{
    egi_fill_normal(x, n, sd, rng);
    if (eg_energy_signs(s->e.kind))
        for (eg_index i = 0; i < n; i++) x[i] = x[i] < 0 ? -1 : 1;
}

/* |difference - formula| over the gradient's length, along one direction. */
static void check_gradient(path *s, eg_rng *rng)
{
    eg_index n = s->e.n;
    double up, down, slope = 0, norm;

    eg_energy_gradient(s->g, &s->e, s->x, s->work);
    norm = egi_norm(s->g, n);
    egi_fill_normal(s->y, n, 1 / sqrt((double)n), rng);
    for (eg_index i = 0; i < n; i++) slope += s->g[i] * s->y[i];
    for (eg_index i = 0; i < n; i++) s->x[i] += DELTA * s->y[i];
    up = eg_energy_at(&s->e, s->x, s->work);
    for (eg_index i = 0; i < n; i++) s->x[i] -= 2 * DELTA * s->y[i];
    down = eg_energy_at(&s->e, s->x, s->work);
    for (eg_index i = 0; i < n; i++) s->x[i] += DELTA * s->y[i];
    slope *= 1 + s->o->impostor;
    s->gradient =
        egi_most(s->gradient, fabs((up - down) / (2 * DELTA) - slope) / norm);
}

/* Q(y) - E(y) for the bound Q that touches E at x0, which s->p describes. */
static double above(path *s, const double *x0, const double *y)
{
    const eg_energy *e = &s->e;
    eg_index n = e->n;
    double q = 0, wrong = 1 + s->o->impostor;

    if (e->kind == EG_ENERGY_DISTANCE) {
        for (eg_index i = 0; i < e->d; i++)
            if (s->p[i] > 0)
                q += wrong * s->p[i] *
                     (egi_square_distance(y, e->pattern + i * n, n) +
                      log(s->p[i]) / e->beta);
        return q - eg_energy_at(e, y, s->work);
    }
    /* mchn: -LSE is concave, below its tangent at x0 */
    q = eg_energy_at(e, x0, s->work) +
        (egi_dot(y, y, n) - egi_dot(x0, x0, n)) / 2;
    for (eg_index i = 0; i < e->d; i++)
        for (eg_index j = 0; j < n; j++)
            q -= wrong * s->p[i] * e->pattern[i * n + j] * (y[j] - x0[j]);
    return q - eg_energy_at(e, y, s->work);
}

static void check_bound(path *s, eg_rng *rng)
{
    const eg_energy *e = &s->e;
    eg_index n = e->n;
    double c = e->kind == EG_ENERGY_DISTANCE ? .5 : 1;

    for (eg_index i = 0; i < e->d; i++)
        s->p[i] =
            e->kind == EG_ENERGY_DISTANCE
                ? -e->beta * egi_square_distance(s->x, e->pattern + i * n, n)
                : e->beta * egi_dot(s->x, e->pattern + i * n, n);
    (void)egi_softmax(s->p, s->p, e->d);
    s->touch = egi_most(s->touch, fabs(above(s, s->x, s->x)));
    egi_fill_normal(s->y, n, s->o->spread, rng);
    s->bound = egi_least(s->bound, above(s, s->x, s->y));
    eg_energy_gradient(s->g, e, s->x, s->work);
    memcpy(s->y, s->x, (size_t)n * sizeof *s->y);
    (void)eg_energy_step(e, s->y, NULL, s->work);
    for (eg_index j = 0; j < n; j++)
        s->step = egi_most(s->step, fabs(s->y[j] - s->x[j] + c * s->g[j]));
}

static void walk(path *s)
{
    eg_index n = s->e.n;
    double before = eg_energy_at(&s->e, s->x, s->work);

    s->energy[0] += before / (double)s->o->starts;
    for (int64_t k = 1; k <= s->o->steps; k++) {
        double after, most = 0;

        memcpy(s->y, s->x, (size_t)n * sizeof *s->y);
        most = eg_energy_step(&s->e, s->x, NULL, s->work);
        for (eg_index j = 0; j < n; j++)
            s->x[j] += s->o->impostor * (s->x[j] - s->y[j]);
        after = eg_energy_at(&s->e, s->x, s->work);
        s->energy[k] += after / (double)s->o->starts;
        s->rise[k] = egi_most(s->rise[k], after - before);
        s->moved[k] = egi_most(s->moved[k], most);
        before = after;
    }
}

static eg_status all_starts(path *s, uint64_t seed, const eg_theory_out *out,
                            eg_err *err)
{
    const eg_theory_energy_descent *o = s->o;
    eg_energy_kind kind = (eg_energy_kind)o->kind;
    eg_index d = (eg_index)o->patterns, n = (eg_index)o->dim;
    eg_status st = EG_OK;

    for (int64_t i = 0; i < o->starts; i++) {
        eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, (uint32_t)i);

        if (!egi_progress(out, (double)i / (double)o->starts)) return EG_OK;
        s->e.kind = kind;
        draw(s, s->pattern, d * n, 1, &rng);
        draw(s, s->x, n, o->spread, &rng);
        EG_TRY(eg_energy_init(&s->e, kind, s->pattern, d, n, o->beta,
                              (int)o->power, err));
        if (kind != EG_ENERGY_NEAREST) check_gradient(s, &rng);
        if (kind == EG_ENERGY_DISTANCE || kind == EG_ENERGY_MCHN)
            check_bound(s, &rng);
        walk(s);
    }
    if (kind != EG_ENERGY_NEAREST)
        out->emit(out->ctx, 0, "gradient", s->gradient);
    if (kind == EG_ENERGY_DISTANCE || kind == EG_ENERGY_MCHN) {
        out->emit(out->ctx, 0, "update", s->step);
        out->emit(out->ctx, 0, "bound", s->bound);
        out->emit(out->ctx, 0, "touch", s->touch);
    }
    for (int64_t k = 0; k <= o->steps; k++) {
        out->emit(out->ctx, k, "energy", s->energy[k]);
        if (k > 0) out->emit(out->ctx, k, "rise", s->rise[k]);
        if (k > 0) out->emit(out->ctx, k, "moved", s->moved[k]);
    }
done:
    return st;
}

eg_status egi_theory_energy_descent(const void *options, uint64_t seed,
                                    eg_pool *pool, const eg_theory_out *out,
                                    eg_err *err)
{
    const eg_theory_energy_descent *o = options;
    eg_index d = (eg_index)o->patterns, n = (eg_index)o->dim;
    eg_index rows = (eg_index)o->steps + 1;
    double *block = NULL, *next;
    path s = {.o = o, .bound = HUGE_VAL};
    eg_status st = EG_OK;

    (void)pool;
    block =
        eg_calloc((size_t)(d * n + 4 * n + 2 * d + 3 * rows), sizeof *block);
    if (!block)
        return EG_FAIL(err, EG_ENOMEM, "energy_descent: %td patterns of %td", d,
                       n);
    next = block;
    s.pattern = egi_take(&next, d * n);
    s.x = egi_take(&next, n);
    s.y = egi_take(&next, n);
    s.g = egi_take(&next, n);
    s.p = egi_take(&next, d);
    s.work = egi_take(&next, d + n);
    s.energy = egi_take(&next, rows);
    s.rise = egi_take(&next, rows);
    s.moved = egi_take(&next, rows);
    for (eg_index k = 0; k < rows; k++) s.rise[k] = -HUGE_VAL;
    st = all_starts(&s, seed, out, err);
    eg_free(block);
    return st;
}
