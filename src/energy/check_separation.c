/* The statements energy_separation, how far apart patterns must be so that all
 * are stored, and energy_sphere, the number that modern Hopfield networks hold
 * on a sphere. */
#include <math.h>
#include <string.h>

#include "base/sweep.h"
#include "energy/checks.h"
#include "energy/energies.h"
#include "energy/special.h"
#include "engram/mem.h"
#include "memory/dense.h"

#define EG_FIELDS_OWNER eg_theory_energy_separation
EG_FIELDS_TABLE(egi_energy_separation_fields,
                EG_THEORY_ENERGY_SEPARATION_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_theory_energy_sphere
EG_FIELDS_TABLE(egi_energy_sphere_fields, EG_THEORY_ENERGY_SPHERE_FIELDS)

enum { DOUBLINGS = 60, HALVINGS = 30, SETTLE = 20000 };

static double least_distance(const double *p, eg_index d, eg_index n,
                             double *most)
{
    double least = HUGE_VAL;

    *most = 0;
    for (eg_index i = 0; i < d; i++)
        for (eg_index j = 0; j < i; j++) {
            double far = egi_square_distance(p + i * n, p + j * n, n);

            least = egi_least(least, far);
            *most = egi_most(*most, far);
        }
    *most = sqrt(*most);
    return sqrt(least);
}

/* Does the iteration from each pattern stay within `within` of it? */
static bool all_stay(const eg_energy *e, double within, double *x, double *work)
{
    for (eg_index i = 0; i < e->d; i++) {
        const double *p = e->pattern + i * e->n;

        memcpy(x, p, (size_t)e->n * sizeof *x);
        for (int k = 0; k < SETTLE; k++) {
            double moved = eg_energy_step(e, x, NULL, work);

            if (egi_square_distance(x, p, e->n) > within * within) return false;
            if (moved < 1e-12) break;
        }
    }
    return true;
}

/* The same for patterns p = scale base, within a share of their distance. */
static eg_status stays(bool *stay, const eg_theory_energy_separation *o,
                       double *p, const double *base, eg_index d, eg_index n,
                       double scale, double *x, double *work, eg_err *err)
{
    eg_energy e;
    double most;
    eg_status st;

    for (eg_index i = 0; i < d * n; i++) p[i] = scale * base[i];
    st = eg_energy_init(&e, EG_ENERGY_DISTANCE, p, d, n, o->beta, 0, err);
    if (st == EG_OK)
        *stay =
            all_stay(&e, o->within * least_distance(p, d, n, &most), x, work);
    return st;
}

/* Patterns are drawn once, and scaled: by how much is found by bisection. */
static eg_status separate(const void *ctx, int64_t at, eg_rng *rng,
                          double *value, eg_err *err)
{
    const eg_theory_energy_separation *o = ctx;
    eg_index d = (eg_index)at, n = (eg_index)o->dim;
    double *block = eg_calloc((size_t)(2 * d * n + 2 * n + d), sizeof *block);
    double *next = block, *base, *p, *x, *work, gap, most, low = 0, high = 1;
    bool stay = false;
    eg_status st = EG_OK;

    if (!block)
        return EG_FAIL(err, EG_ENOMEM, "energy_separation at d = %td", d);
    base = egi_take(&next, d * n);
    p = egi_take(&next, d * n);
    x = egi_take(&next, n);
    work = egi_take(&next, d + n);
    egi_fill_normal(base, d * n, 1, rng);
    gap = least_distance(base, d, n, &most);
    for (int k = 0; k < DOUBLINGS; k++) {
        EG_TRY(stays(&stay, o, p, base, d, n, high / gap, x, work, err));
        if (stay) break;
        low = high;
        high *= 2;
    }
    for (int k = 0; k < HALVINGS; k++) {
        double mid = (low + high) / 2;

        EG_TRY(stays(&stay, o, p, base, d, n, mid / gap, x, work, err));
        if (stay)
            high = mid;
        else
            low = mid;
    }
    value[0] = high;                 /* the smallest distance of two */
    value[1] = high * sqrt(o->beta); /* which has no unit */
    value[2] =
        sqrt((log((double)(d - 1)) + log(most / gap / o->within)) / o->beta);
    value[3] = value[2] - high;
done:
    eg_free(block);
    return st;
}

eg_status egi_theory_energy_separation(const void *options, uint64_t seed,
                                       eg_pool *pool, const eg_theory_out *out,
                                       eg_err *err)
{
    static const char *const names[] = {"distance", "scaled", "enough", "room",
                                        NULL};
    const eg_theory_energy_separation *o = options;
    int64_t patterns[EG_STRS_MAX];
    egi_sweep s = {.at = patterns,
                   .draws = (int)o->draws,
                   .names = names,
                   .draw = separate,
                   .ctx = o};
    eg_status st =
        egi_list_ints(patterns, &s.n, &o->patterns, 2, 10000, "patterns", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}

/* ---- the sphere ---------------------------------------------------------- */

enum { A_LN_B, C, PATTERNS, STORED, ROOM, INSIDE };

/* Random patterns on the sphere of radius K sqrt(n - 1), as many as the theorem
 * says, at least two. */
static eg_status sphere(const void *ctx, int64_t at, eg_rng *rng, double *value,
                        eg_err *err)
{
    const eg_theory_energy_sphere *o = ctx;
    double K = o->radius, p = o->failure, n1 = (double)at - 1, b, a, top, d_max;
    eg_index n = (eg_index)at, d;
    double *block, *next, *pattern, *x, *work, M = K * sqrt(n1);
    eg_energy e;
    eg_status st = EG_OK;

    b = 2 * K * K * o->beta / 5;
    a = 2 / n1 * (1 + log(2 * o->beta * K * K * p * n1));
    value[A_LN_B] = a + log(b);
    value[C] = b / egi_lambert_of_log(value[A_LN_B]);
    d_max = sqrt(p) * pow(value[C], n1 / 4);
    value[PATTERNS] = d_max;
    d = (eg_index)egi_least(d_max, (double)o->most);
    if (d < 2) d = 2;
    block = eg_calloc((size_t)(d * n + 2 * n + d), sizeof *block);
    if (!block) return EG_FAIL(err, EG_ENOMEM, "energy_sphere at n = %td", n);
    next = block;
    pattern = egi_take(&next, d * n);
    x = egi_take(&next, n);
    work = egi_take(&next, d + n);
    for (eg_index i = 0; i < d; i++) {
        double norm;

        egi_fill_normal(x, n, 1, rng);
        norm = egi_norm(x, n);
        for (eg_index j = 0; j < n; j++) pattern[i * n + j] = M / norm * x[j];
    }
    EG_TRY(eg_energy_init(&e, EG_ENERGY_MCHN, pattern, d, n, o->beta, 0, err));
    value[STORED] = value[ROOM] = 0;
    value[ROOM] = value[INSIDE] = HUGE_VAL;
    for (eg_index i = 0; i < d; i++) {
        const double *own = pattern + i * n;
        double apart = HUGE_VAL, error, energy;

        for (eg_index j = 0; j < d; j++)
            if (j != i)
                apart = egi_least(apart, egi_dot(own, own, n) -
                                             egi_dot(own, pattern + j * n, n));
        memcpy(x, own, (size_t)n * sizeof *x);
        energy = eg_energy_at(&e, x, work);
        (void)eg_energy_step(&e, x, NULL, work);
        error = sqrt(egi_square_distance(x, own, n));
        top = 2 * M * (double)(d - 1) * exp(-o->beta * apart);
        value[ROOM] = egi_least(value[ROOM], top - error + 1e-12 * M);
        value[INSIDE] =
            egi_least(value[INSIDE], egi_least(energy, 2 * M * M - energy));
        for (int k = 0; k < SETTLE; k++)
            if (eg_energy_step(&e, x, NULL, work) < 1e-12) break;
        value[STORED] +=
            (sqrt(egi_square_distance(x, own, n)) < M / 10) / (double)d;
    }
done:
    eg_free(block);
    return st;
}

eg_status egi_theory_energy_sphere(const void *options, uint64_t seed,
                                   eg_pool *pool, const eg_theory_out *out,
                                   eg_err *err)
{
    static const char *const names[] = {
        "a_ln_b", "c", "patterns", "stored", "room", "inside", NULL};
    const eg_theory_energy_sphere *o = options;
    int64_t dims[EG_STRS_MAX];
    egi_sweep s = {.at = dims,
                   .draws = (int)o->draws,
                   .names = names,
                   .draw = sphere,
                   .ctx = o};
    eg_status st = egi_list_ints(dims, &s.n, &o->dims, 2, 4096, "dims", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}
