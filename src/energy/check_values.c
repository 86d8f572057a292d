/* The statement energy_values: energies of given patterns at points or on a
 * grid, as in Figure 1. */
#include <math.h>
#include <stdio.h>

#include "base/sweep.h"
#include "energy/checks.h"
#include "engram/mem.h"
#include "memory/dense.h"

#define EG_FIELDS_OWNER eg_theory_energy_values
EG_FIELDS_TABLE(egi_energy_values_fields, EG_THEORY_ENERGY_VALUES_FIELDS)

typedef struct values {
    const eg_theory_energy_values *o;
    const eg_theory_out *out;
    eg_energy e;
    double pattern[EG_STRS_MAX], point[EG_STRS_MAX], beta[EG_STRS_MAX];
    eg_index n_points; /* listed; 0: the grid */
    int n_betas;
} values;

static void emit(const values *v, int64_t at, const char *what, int b, double y)
{
    char name[EG_STRS_LEN + 16];

    (void)snprintf(name, sizeof name, "%s_%s", what, v->o->betas.item[b]);
    v->out->emit(v->out->ctx, at, name, y);
}

static void at_point(values *v, int64_t at, const double *x)
{
    double work[EG_STRS_MAX];
    eg_energy *e = &v->e;

    for (int b = 0; b < v->n_betas; b++) { /* as Figure 1's panels a to d */
        double M, bowl;

        e->beta = v->beta[b] * (1 + v->o->impostor);
        e->kind = EG_ENERGY_MCHN;
        M = eg_energy_at(e, x, work);
        bowl =
            egi_dot(x, x, e->n) / 2 + log((double)e->d) / e->beta + e->xi2 / 2;
        emit(v, at, "attract", b, M - bowl);
        emit(v, at, "bowl", b, bowl);
        emit(v, at, "M", b, M);
        e->kind = EG_ENERGY_DISTANCE;
        emit(v, at, "E", b, eg_energy_at(e, x, work));
    }
    e->kind = EG_ENERGY_NEAREST;
    e->beta = 1;
    v->out->emit(v->out->ctx, at, "g", eg_energy_at(e, x, work));
}

static void on_grid(values *v)
{
    const eg_theory_energy_values *o = v->o;
    eg_index dim = v->e.n, side = (eg_index)o->side, all = 1;
    double x[EG_STRS_MAX], by = (o->to - o->from) / (double)(side - 1);

    for (eg_index k = 0; k < dim; k++) all *= side;
    for (eg_index i = 0; i < all; i++) {
        eg_index rest = i;

        if (i % 1024 == 0 && !egi_progress(v->out, (double)i / (double)all))
            return;
        for (eg_index k = dim - 1; k >= 0; k--) {
            x[k] = o->from + (double)(rest % side) * by;
            rest /= side;
        }
        if (dim == 2) { /* where a report draws a surface */
            v->out->emit(v->out->ctx, i + 1, "x", x[0]);
            v->out->emit(v->out->ctx, i + 1, "y", x[1]);
        }
        at_point(v, dim == 1 ? llround(1000 * x[0]) : i + 1, x);
    }
}

static eg_status read_options(values *v, eg_err *err)
{
    const eg_theory_energy_values *o = v->o;
    eg_index d = 0, dim = (eg_index)o->dim;
    double all = pow((double)o->side, (double)dim);
    eg_status st;

    EG_TRY(
        egi_list_vectors(v->pattern, &d, &o->patterns, dim, "patterns", err));
    if (o->points.n > 0)
        EG_TRY(egi_list_vectors(v->point, &v->n_points, &o->points, dim,
                                "points", err));
    EG_TRY(egi_list_reals(v->beta, &v->n_betas, &o->betas, 1e-9, 1e9, "betas",
                          err));
    if (!(o->impostor > -1))
        return EG_FAIL(err, EG_EINVAL, "impostor: expected more than -1");
    if (o->points.n == 0 && !(o->to > o->from))
        return EG_FAIL(err, EG_EINVAL, "to: %g: expected more than from, %g",
                       o->to, o->from);
    if (o->points.n == 0 && all > 1e6)
        return EG_FAIL(err, EG_EINVAL,
                       "side: %lld in %td dimensions are %.3g points: "
                       "expected a million at most",
                       (long long)o->side, dim, all);
    st =
        eg_energy_init(&v->e, EG_ENERGY_NEAREST, v->pattern, d, dim, 1, 0, err);
done:
    return st;
}

eg_status egi_theory_energy_values(const void *options, uint64_t seed,
                                   eg_pool *pool, const eg_theory_out *out,
                                   eg_err *err)
{
    values v = {.o = options, .out = out};
    eg_status st = read_options(&v, err);

    (void)seed;
    (void)pool;
    if (st != EG_OK) return st;
    if (!egi_progress(out, 0)) return EG_OK;
    if (v.n_points == 0) on_grid(&v);
    for (eg_index i = 0; i < v.n_points; i++)
        at_point(&v, i + 1, v.point + i * v.e.n);
    return EG_OK;
}
