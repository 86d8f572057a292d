/* One-step schemes that are the system's own: the original program's layer
 * map, geodesic steps, and steps with noise. */
#include <math.h>
#include <string.h>

#include "engram/rng.h"
#include "flow/system.h"

/* x along the geodesic that leaves with velocity v, for time 1. */
static void follow(double *x, const double *v, eg_index d)
{
    double s = 0, c;

    for (eg_index k = 0; k < d; k++) s += v[k] * v[k];
    s = sqrt(s);
    if (s == 0) return;
    c = cos(s);
    s = sin(s) / s;
    for (eg_index k = 0; k < d; k++) x[k] = c * x[k] + s * v[k];
    egi_unit(x, x, d);
}

/* A stream for every step, counted from t = 0 in 1024ths of the nominal step:
 * a run continued gets the increments of an uninterrupted one. */
static uint64_t step_key(const eg_flow *f, double t)
{
    double ticks = nearbyint(t / f->nominal_step * 1024);

    return (uint64_t)(int64_t)fmod(ticks, 0x1p39) & 0xffffffffffu;
}

/* move += sqrt(2 kappa h) xi, tangent to u where tokens live on the sphere */
static void add_noise(double *move, const eg_flow *f, double t, double h,
                      eg_index token, const double *u, double *xi)
{
    eg_index d = f->spec.d;
    eg_rng rng =
        eg_rng_make(f->spec.seed, EG_RNG_FLOW, step_key(f, t), (uint32_t)token);
    double size = sqrt(2 * f->spec.noise * h);

    for (eg_index k = 0; k < d; k++) xi[k] = size * eg_rng_normal(&rng);
    if (egi_flow_on_sphere(f)) egi_project(xi, u, d);
    for (eg_index k = 0; k < d; k++) move[k] += xi[k];
}

static void noisy(eg_flow *f, double t, double h, double *move)
{
    eg_index d = f->spec.d;

    if (!(f->spec.noise > 0)) return;
    for (eg_index i = 0; i < f->n; i++)
        add_noise(move + i * d, f, t, h, i, f->u + i * d, f->scratch->vector);
}

/* The layer form: drives are not projected, the sum is normalised. */
static void layer_move(double *A, const eg_flow *f, double t, double h)
{
    eg_index d = f->spec.d;
    double s = 0, a = h;

    if (f->norm == EG_FLOW_PERI || f->norm == EG_FLOW_NGPT) {
        for (eg_index k = 0; k < d; k++) s += A[k] * A[k];
        s = sqrt(s);
        if (f->norm == EG_FLOW_NGPT) a *= f->spec.alpha;
        if (s > 0) a /= s;
    }
    if (f->norm == EG_FLOW_SQRT) a /= sqrt(t + 1);
    for (eg_index k = 0; k < d; k++) A[k] *= a;
}

/* Moves of one step of length h from x, for the schemes x <- x + move. */
static void straight_move(eg_flow *f, int method, double t, double h,
                          const double *x, double *move)
{
    eg_index d = f->spec.d;

    if (method == EG_FLOW_AUTHORS && f->spec.space == EG_FLOW_SPHERE) {
        eg_flow_drive(f, t, x, move);
        for (eg_index i = 0; i < f->n; i++) layer_move(move + i * d, f, t, h);
        return;
    }
    eg_flow_field(f, t, x, move);
    for (eg_index i = 0; i < f->n * d; i++) move[i] *= h;
}

static void lie(eg_flow *f, double t, double h, double *x)
{
    eg_index d = f->spec.d;
    double *v = f->stage;

    eg_flow_field(f, t, x, v);
    for (eg_index i = 0; i < f->n * d; i++) v[i] *= h;
    noisy(f, t, h, v);
    for (eg_index i = 0; i < f->n; i++) {
        if (egi_flow_on_sphere(f)) {
            follow(x + i * d, v + i * d, d);
        } else {
            for (eg_index k = i * d; k < (i + 1) * d; k++) x[k] += v[k];
        }
    }
}

/* Half a geodesic step, then a whole one along the velocity found there. */
static void midpoint(eg_flow *f, double t, double h, double *x)
{
    eg_index d = f->spec.d, nd = f->n * d;
    double *v = f->stage, *mid = f->stage + nd;

    memcpy(mid, x, (size_t)nd * sizeof *x);
    lie(f, t, h / 2, mid);
    eg_flow_field(f, t + h / 2, mid, v);
    for (eg_index i = 0; i < nd; i++) v[i] *= h;
    for (eg_index i = 0; i < f->n; i++) {
        if (egi_flow_on_sphere(f)) {
            egi_project(v + i * d, x + i * d, d);
            follow(x + i * d, v + i * d, d);
        } else {
            for (eg_index k = i * d; k < (i + 1) * d; k++) x[k] += v[k];
        }
    }
}

void egi_flow_step(eg_flow *f, int method, double t, double h, double *x)
{
    eg_index d = f->spec.d;
    double *move = f->stage;

    if (method == EG_FLOW_LIE) {
        lie(f, t, h, x);
        return;
    }
    if (method == EG_FLOW_MIDPOINT) {
        midpoint(f, t, h, x);
        return;
    }
    straight_move(f, method, t, h, x, move);
    noisy(f, t, h, move);
    for (eg_index i = 0; i < f->n; i++) {
        for (eg_index k = i * d; k < (i + 1) * d; k++) x[k] += move[k];
        if (egi_flow_on_sphere(f)) egi_unit(x + i * d, x + i * d, d);
    }
}
