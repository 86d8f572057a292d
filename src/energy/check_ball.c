/* The statement energy_ball: integrals of exp(-dist) over a ball, by both
 * distances, with their bounds, and the radius at which a ball has volume 1. */
#include <math.h>

#include "base/sweep.h"
#include "energy/checks.h"
#include "energy/special.h"
#include "flow/special.h"

#define EG_FIELDS_OWNER eg_theory_energy_ball
EG_FIELDS_TABLE(egi_energy_ball_fields, EG_THEORY_ENERGY_BALL_FIELDS)

typedef struct shell {
    double n, power; /* dist = |y|^power */
    double top;      /* logarithm of the integrand where it is largest */
} shell;

/* y^(n-1) exp(-y^power) over its largest value */
static double at_radius(const void *ctx, double y)
{
    const shell *s = ctx;

    return exp((s->n - 1) * log(y) - pow(y, s->power) - s->top);
}

/* log of the integral by shells: the sphere's area times the above, of
 * which less than 1e-17 lies beyond 40 widths of its peak. */
static double by_shells(double n, double r, bool squared)
{
    shell s = {.n = n, .power = squared ? 2 : 1};
    double peak = squared ? sqrt((n - 1) / 2) : n - 1;
    double wide = 40 * (1 + (squared ? 0.5 : sqrt(n - 1)));
    double area = M_LN2 + n / 2 * log(M_PI) - egi_log_gamma(n / 2);

    if (peak > r) peak = r;
    if (peak > 0) s.top = (n - 1) * log(peak) - pow(peak, s.power);
    return area + s.top +
           log(egi_integral(at_radius, &s, egi_most(0, peak - wide),
                            egi_least(r, peak + wide), 400));
}

static void one_size(const eg_theory_energy_ball *o, int64_t at,
                     const eg_theory_out *out)
{
    double n = (double)at, r = o->radius > 0 ? o->radius : eg_ball_critical(n);
    double volume = eg_ball_log_volume(n, r), star = eg_ball_critical(n);
    double squared = eg_ball_log_mass(n, r, true) + log1p(o->impostor);
    double plain = eg_ball_log_mass(n, r, false) + log1p(o->impostor);
    double few = sqrt(M_PI * n);

    out->emit(out->ctx, at, "radius", r);
    out->emit(out->ctx, at, "r_star", star);
    out->emit(out->ctx, at, "r_one", eg_ball_unit(n));
    out->emit(out->ctx, at, "log_volume", volume);
    out->emit(out->ctx, at, "log_volume_star", eg_ball_log_volume(n, star));
    out->emit(out->ctx, at, "stirling", -log(M_PI * n) / 2);
    out->emit(out->ctx, at, "few", few);
    out->emit(out->ctx, at, "many", few * exp(star));
    out->emit(out->ctx, at, "log_squared", squared);
    out->emit(out->ctx, at, "log_plain", plain);
    out->emit(out->ctx, at, "squared", exp(squared));
    out->emit(out->ctx, at, "plain", exp(plain));
    out->emit(out->ctx, at, "room_squared",
              egi_least(volume - squared, squared - volume + r * r));
    out->emit(out->ctx, at, "room_plain",
              egi_least(volume - plain, plain - volume + r));
    out->emit(out->ctx, at, "shells",
              egi_most(fabs(squared - by_shells(n, r, true)),
                       fabs(plain - by_shells(n, r, false))));
}

eg_status egi_theory_energy_ball(const void *options, uint64_t seed,
                                 eg_pool *pool, const eg_theory_out *out,
                                 eg_err *err)
{
    const eg_theory_energy_ball *o = options;
    int64_t dims[EG_STRS_MAX];
    int n = 0;
    eg_status st = egi_list_ints(dims, &n, &o->dims, 1, 1000000, "dims", err);

    (void)seed;
    (void)pool;
    if (st == EG_OK && !(o->impostor > -1))
        st = EG_FAIL(err, EG_EINVAL, "impostor: expected more than -1");
    if (st != EG_OK) return st;
    for (int i = 0; i < n; i++) {
        if (!egi_progress(out, (double)i / n)) break;
        one_size(o, dims[i], out);
    }
    return EG_OK;
}
