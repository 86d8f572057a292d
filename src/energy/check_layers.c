/* The statement energy_layers: the loss of patterns that layers share, by
 * quadrature over the balls about them, and what section 5 makes of it. */
#include <math.h>
#include <string.h>

#include "base/sweep.h"
#include "energy/checks.h"
#include "energy/energies.h"
#include "engram/mem.h"
#include "flow/special.h"
#include "memory/dense.h"

#define EG_FIELDS_OWNER eg_theory_energy_layers
EG_FIELDS_TABLE(egi_energy_layers_fields, EG_THEORY_ENERGY_LAYERS_FIELDS)

enum { RADIAL = 32, AROUND = 64, POLAR = 24, MOST_LAYERS = 16 };
enum { PLAIN, PRINTED };
enum { ATTEMPTS = 100000, SAMPLES = 2000 };

typedef struct layers {
    const eg_theory_energy_layers *o;
    eg_energy layer[MOST_LAYERS];
    eg_index n, each;      /* dimensions, patterns of a layer */
    int l;                 /* layers */
    double *pattern;       /* [l each, n] */
    double *work;          /* [each] */
    double z[MOST_LAYERS]; /* integrals of exp(-g_t) */
    double glob, least;    /* integrals of exp(-E_glob), exp(-min g_t) */
    double volume;
    double c_low, c_high, room;
    bool second; /* the pass in which z is known */
} layers;

/* Energies of all layers at x: g_t, then E_t. */
static void energies(layers *s, const double *x, double *g, double *E)
{
    for (int t = 0; t < s->l; t++) {
        g[t] = eg_energy_at(&s->layer[t], x, s->work);
        E[t] = s->o->definition == PLAIN ? g[t] : exp(-g[t]) / s->z[t];
    }
}

/* E_glob of (7), and c of (10). */
static double global(const layers *s, const double *E, double *c)
{
    double low = E[0], sum = 0;

    EG_ASSERT(s->l >= 1);
    for (int t = 1; t < s->l; t++) low = egi_least(low, E[t]);
    for (int t = 0; t < s->l; t++) sum += exp(low - E[t]); /* one is 1 */
    *c = log((double)s->l) - log(sum);
    return low - log(sum);
}

static void at_point(layers *s, const double *x, double weight)
{
    double g[MOST_LAYERS] = {0}, E[MOST_LAYERS] = {0}, c, all, low, near;

    if (!s->second) {
        s->volume += weight;
        for (int t = 0; t < s->l; t++)
            s->z[t] += weight * exp(-eg_energy_at(&s->layer[t], x, s->work));
        return;
    }
    energies(s, x, g, E);
    all = global(s, E, &c);
    low = E[0];
    near = g[0];
    for (int t = 1; t < s->l; t++) {
        low = egi_least(low, E[t]);
        near = egi_least(near, g[t]);
    }
    s->glob += weight * exp(-all);
    s->least += weight * exp(-near);
    s->c_low = egi_least(s->c_low, c);
    s->c_high = egi_most(s->c_high, c);
    s->room =
        egi_least(s->room, egi_least(all - low + log((double)s->l), low - all));
}

/* Gauss-Legendre on [a, b]: all nodes and weights. */
static void nodes(double *x, double *w, int n, double a, double b)
{
    double half = (b - a) / 2, middle = (a + b) / 2;

    egi_legendre(n, x, w);
    for (int i = 0; i < n / 2; i++) {
        double u = x[i], v = w[i];

        x[i] = middle - half * u;
        x[n - 1 - i] = middle + half * u;
        w[i] = w[n - 1 - i] = half * v;
    }
}

/* Every node of a ball about `centre`. */
static void over_ball(layers *s, const double *centre, double r)
{
    double y[RADIAL], v[RADIAL], u[POLAR], p[POLAR], x[3] = {0};
    int polar = s->n == 3 ? POLAR : 1, around = s->n == 1 ? 2 : AROUND;

    nodes(y, v, RADIAL, 0, r);
    u[0] = 0;
    p[0] = 1;
    if (s->n == 3) nodes(u, p, POLAR, -1, 1);
    for (int i = 0; i < RADIAL; i++)
        for (int j = 0; j < polar; j++)
            for (int k = 0; k < around; k++) {
                double angle = 2 * M_PI * (k + .5) / around;
                double flat = y[i] * sqrt(1 - u[j] * u[j]), weight = v[i];

                if (s->n == 1) {
                    x[0] = centre[0] + (k ? y[i] : -y[i]);
                } else {
                    x[0] = centre[0] + flat * cos(angle);
                    x[1] = centre[1] + flat * sin(angle);
                    weight *= 2 * M_PI / around * p[j] * y[i];
                }
                if (s->n == 3) {
                    x[2] = centre[2] + y[i] * u[j];
                    weight *= y[i];
                }
                at_point(s, x, weight);
            }
}

/* Patterns at least `spacing` apart, of layers that take turns. */
static eg_status place(layers *s, uint64_t seed, eg_err *err)
{
    const eg_theory_energy_layers *o = s->o;
    eg_index all = s->l * s->each, n = s->n, done = 0;
    double side = 3 * o->spacing * ceil(pow((double)all, 1 / (double)n));
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);

    for (int64_t k = 0; done < all && k < ATTEMPTS; k++) {
        double *x = s->pattern + done * n;
        bool free = true;

        for (eg_index j = 0; j < n; j++) x[j] = side * eg_rng_uniform(&rng);
        for (eg_index i = 0; i < done && free; i++)
            free = egi_square_distance(x, s->pattern + i * n, n) >=
                   o->spacing * o->spacing;
        if (free) done++;
    }
    if (done < all)
        return EG_FAIL(err, EG_EINVAL,
                       "spacing: no room for %td patterns; expected fewer",
                       all);
    if (o->copies)
        for (int t = 1; t < s->l; t++)
            memcpy(s->pattern + t * s->each * n, s->pattern,
                   (size_t)(s->each * n) * sizeof(double));
    return EG_OK;
}

static void integrate(layers *s, double r)
{
    eg_index balls = s->o->copies ? s->each : s->l * s->each;

    s->glob = s->least = s->volume = 0;
    s->c_low = s->room = HUGE_VAL;
    s->c_high = -HUGE_VAL;
    memset(s->z, 0, sizeof s->z);
    for (int pass = 0; pass < 2; pass++) {
        s->second = pass == 1;
        for (eg_index i = 0; i < balls; i++)
            over_ball(s, s->pattern + i * s->n, r);
    }
}

static void one_radius(layers *s, double r, const eg_theory_out *out)
{
    int64_t at = llround(1000 * r);
    eg_index all = s->l * s->each;
    double data = 0, own = 0, logs = 0, z = 0, loss;
    double g[MOST_LAYERS] = {0}, E[MOST_LAYERS] = {0};

    integrate(s, r);
    for (eg_index i = 0; i < all; i++) {
        double c;
        eg_index t = i / s->each;

        energies(s, s->pattern + i * s->n, g, E);
        data += global(s, E, &c) / (double)all;
        own += E[t] / (double)all;
        logs += log(s->z[t]) / (double)all;
    }
    for (int t = 0; t < s->l; t++) z += s->z[t] / s->l;
    loss = log(s->glob) + data;
    out->emit(out->ctx, at, "loss", loss);
    out->emit(out->ctx, at, "formula", logs + own);
    out->emit(out->ctx, at, "error", loss - logs - own);
    out->emit(out->ctx, at, "error_nearest", loss - log(s->least) - own);
    out->emit(out->ctx, at, "z", z);
    out->emit(out->ctx, at, "z_balls",
              (double)s->each * exp(eg_ball_log_mass((double)s->n, r, true)));
    out->emit(out->ctx, at, "volume", s->volume);
    out->emit(out->ctx, at, "c_low", s->c_low);
    out->emit(out->ctx, at, "c_high", s->c_high);
    out->emit(out->ctx, at, "room", s->room);
}

/* (6): of all y with |y - x|^2 <= delta none has a smaller g than x moved
 * straight towards the nearest pattern, by sqrt(delta) or as far as that is.
 * Returns the smallest g(y) - g(moved). */
static double straight(layers *s, uint64_t seed)
{
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 1, 0);
    eg_energy *e = &s->layer[0];
    double room = HUGE_VAL;
    eg_index n = s->n;

    for (int k = 0; k < SAMPLES; k++) {
        double x[3], y[3], u[3],
            delta = s->o->spacing * s->o->spacing * eg_rng_uniform(&rng);
        double far, by, moved;

        egi_fill_normal(x, n, 2 * s->o->spacing, &rng);
        for (eg_index j = 0; j < n; j++) x[j] += s->pattern[j];
        far = sqrt(eg_energy_at(e, x, s->work));
        memcpy(y, x, sizeof y);
        (void)eg_energy_step(e, y, NULL, s->work);
        by = egi_least(1, sqrt(delta) / far) * (1 + s->o->impostor);
        for (eg_index j = 0; j < n; j++) y[j] = x[j] + by * (y[j] - x[j]);
        moved = eg_energy_at(e, y, s->work);
        for (int m = 0; m < 50; m++) {
            double norm;

            egi_fill_normal(u, n, 1, &rng);
            norm = egi_norm(u, n);
            by = sqrt(delta) * eg_rng_uniform(&rng) / norm;
            for (eg_index j = 0; j < n; j++) y[j] = x[j] + by * u[j];
            room = egi_least(room, eg_energy_at(e, y, s->work) - moved);
        }
    }
    return room;
}

static eg_status work_through(layers *s, const double *radius, int n_radii,
                              uint64_t seed, const eg_theory_out *out,
                              eg_err *err)
{
    const eg_theory_energy_layers *o = s->o;
    eg_energy_kind kind =
        o->energy == 0 ? EG_ENERGY_NEAREST : EG_ENERGY_DISTANCE;
    eg_status st;

    EG_TRY(place(s, seed, err));
    for (int t = 0; t < s->l; t++)
        EG_TRY(eg_energy_init(&s->layer[t], kind,
                              s->pattern + t * s->each * s->n, s->each, s->n, 1,
                              0, err));
    for (int i = 0; i < n_radii; i++) {
        if (!egi_progress(out, (double)i / n_radii)) return EG_OK;
        one_radius(s, radius[i], out);
    }
    if (kind == EG_ENERGY_NEAREST)
        out->emit(out->ctx, 0, "straight", straight(s, seed));
done:
    return st;
}

eg_status egi_theory_energy_layers(const void *options, uint64_t seed,
                                   eg_pool *pool, const eg_theory_out *out,
                                   eg_err *err)
{
    const eg_theory_energy_layers *o = options;
    layers s = {.o = o,
                .n = (eg_index)o->dim,
                .each = (eg_index)o->each,
                .l = (int)o->layers};
    double radius[EG_STRS_MAX];
    int n_radii = 0;
    eg_status st;

    (void)pool;
    EG_TRY(egi_list_reals(radius, &n_radii, &o->radii, 1e-3, o->spacing / 2,
                          "radii, up to half the spacing", err));
    s.pattern = eg_calloc((size_t)(s.l * s.each * s.n), sizeof(double));
    s.work = eg_calloc((size_t)(s.each + s.n), sizeof(double));
    if (!s.pattern || !s.work) {
        st = EG_FAIL(err, EG_ENOMEM, "energy_layers: %d layers of %td patterns",
                     s.l, s.each);
        goto done;
    }
    st = work_through(&s, radius, n_radii, seed, out, err);
done:
    eg_free(s.pattern);
    eg_free(s.work);
    return st;
}
