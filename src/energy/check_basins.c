/* The statement energy_basins: definition 1, which patterns have a fixed point
 * of their own, and from how far one gets there. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/sweep.h"
#include "energy/checks.h"
#include "energy/energies.h"
#include "memory/dense.h"

#define EG_FIELDS_OWNER eg_theory_energy_basins
EG_FIELDS_TABLE(egi_energy_basins_fields, EG_THEORY_ENERGY_BASINS_FIELDS)

#define SAME 1e-6     /* two ends that are so near are one */
#define STILL 1e-13   /* an update that moves less has ended */
#define BISECTIONS 40 /* halvings of a radius */

typedef struct basins {
    const eg_theory_energy_basins *o;
    eg_energy e;
    double pattern[EG_STRS_MAX], end[EG_STRS_MAX];
    double work[2 * EG_STRS_MAX];
} basins;

static void settle(basins *b, double *x)
{
    for (int64_t k = 0; k < b->o->steps; k++)
        if (eg_energy_step(&b->e, x, NULL, b->work) < STILL) return;
}

static double apart(const basins *b, const double *x, const double *y)
{
    return sqrt(egi_square_distance(x, y, b->e.n));
}

/* Does the iteration from rho_i + r u end where that from rho_i does? */
static bool back(basins *b, eg_index i, const double *u, double r)
{
    eg_index n = b->e.n;
    double x[EG_STRS_MAX];

    memcpy(x, b->pattern + i * n, (size_t)n * sizeof *x);
    egi_axpy(x, r, u, n);
    settle(b, x);
    return apart(b, x, b->end + i * n) < SAME;
}

/* How far along u; no further than `most`. */
static double reach(basins *b, eg_index i, const double *u, double most)
{
    double low = 0, high = most;

    if (back(b, i, u, most)) return most;
    for (int k = 0; k < BISECTIONS; k++) {
        double mid = (low + high) / 2;

        if (back(b, i, u, mid))
            low = mid;
        else
            high = mid;
    }
    return low;
}

static double radius(basins *b, eg_index i, uint64_t seed)
{
    eg_index n = b->e.n;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, (uint32_t)i);
    double most = 0, u[EG_STRS_MAX];

    for (eg_index j = 0; j < b->e.d; j++)
        most = egi_most(most, apart(b, b->pattern + i * n, b->pattern + j * n));
    for (int64_t k = 0; k < b->o->rays; k++) {
        egi_fill_unit(u, n, &rng);
        most = reach(b, i, u, most);
    }
    return most;
}

static void one_pattern(basins *b, eg_index i, double nearest, uint64_t seed,
                        const eg_theory_out *out)
{
    eg_index n = b->e.n;
    bool stored = nearest > SAME;

    for (eg_index j = 0; j < n; j++) {
        char name[32];

        (void)snprintf(name, sizeof name, "end_%td", j + 1);
        out->emit(out->ctx, i + 1, name, b->end[i * n + j]);
    }
    out->emit(out->ctx, i + 1, "error",
              apart(b, b->end + i * n, b->pattern + i * n));
    if (isfinite(nearest)) out->emit(out->ctx, i + 1, "apart", nearest);
    out->emit(out->ctx, i + 1, "stored", stored);
    out->emit(out->ctx, i + 1, "radius", stored ? radius(b, i, seed) : 0);
}

eg_status egi_theory_energy_basins(const void *options, uint64_t seed,
                                   eg_pool *pool, const eg_theory_out *out,
                                   eg_err *err)
{
    const eg_theory_energy_basins *o = options;
    basins b = {.o = o};
    eg_index n = (eg_index)o->dim, d = 0;
    int stored = 0;
    eg_status st;

    (void)pool;
    EG_TRY(egi_list_vectors(b.pattern, &d, &o->patterns, n, "patterns", err));
    EG_TRY(eg_energy_init(&b.e, (eg_energy_kind)o->kind, b.pattern, d, n,
                          o->beta, 0, err));
    memcpy(b.end, b.pattern, sizeof b.end);
    for (eg_index i = 0; i < d; i++) settle(&b, b.end + i * n);
    for (eg_index i = 0; i < d; i++) {
        double nearest = HUGE_VAL;

        if (!egi_progress(out, (double)i / (double)d)) return EG_OK;
        for (eg_index j = 0; j < d; j++)
            if (j != i)
                nearest =
                    egi_least(nearest, apart(&b, b.end + i * n, b.end + j * n));
        stored += nearest > SAME;
        one_pattern(&b, i, nearest, seed, out);
    }
    out->emit(out->ctx, 0, "stored", stored);
done:
    return st;
}
