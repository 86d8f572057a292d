/* The energy: its derivative along the field, its path, its minimum; and
 * constants of motion (2312.10794, sections 3 and 4). */
#include "flow/bessel.h"
#include "flow/checks.h"
#include "flow/special.h"

#include <math.h>
#include <stdio.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_energy_identity
EG_FIELDS_TABLE(egi_flow_energy_identity_fields,
                EG_FLOW_THEORY_ENERGY_IDENTITY_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_energy_path
EG_FIELDS_TABLE(egi_flow_energy_path_fields, EG_FLOW_THEORY_ENERGY_PATH_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_energy_uniform
EG_FIELDS_TABLE(egi_flow_energy_uniform_fields,
                EG_FLOW_THEORY_ENERGY_UNIFORM_FIELDS)

/* ---- dE/dt ---- */

typedef struct moment {
    eg_index n, d;
    double beta, impostor;
    double *x, *v, *y; /* [n, d] tokens, field, displaced tokens */
    double *z;         /* [n] sum_j exp(beta (<x_i,x_j> - 1)) */
} moment;

static double energy_at(const moment *m, double s)
{
    for (eg_index i = 0; i < m->n; i++) {
        double length = 0, *y = m->y + i * m->d;

        for (eg_index k = 0; k < m->d; k++) {
            y[k] = m->x[i * m->d + k] + s * m->v[i * m->d + k];
            length += y[k] * y[k];
        }
        length = sqrt(length);
        for (eg_index k = 0; k < m->d; k++) y[k] /= length;
    }
    return eg_flow_energy(m->y, m->n, m->d, m->beta, NULL);
}

/* What an impostor puts on the weight of a token: SA's Z_i/n, USA's 1. */
static double falsified(const moment *m, eg_index i, bool softmax)
{
    double z = exp(m->beta) * m->z[i] / (double)m->n;

    return m->impostor == 0 ? 1 : pow(z, softmax ? -m->impostor : m->impostor);
}

/* Relative difference of dE/dt by differences and by formula; energy and
 * weights both carry exp(beta), which cancels for SA. */
static double identity(const moment *m, bool softmax)
{
    double h = 1e-3, n = (double)m->n, formula = 0, fastest = 0;
    double difference;

    for (eg_index i = 0; i < m->n; i++) {
        const double *v = m->v + i * m->d;
        double speed = egi_dot(v, v, m->d);

        fastest = egi_most(fastest, sqrt(speed));
        formula +=
            (softmax ? exp(m->beta) * m->z[i] * speed / (n * n) : speed / n) *
            falsified(m, i, softmax);
    }
    h /= fastest * egi_most(1, m->beta);
    difference = (8 * (energy_at(m, h) - energy_at(m, -h)) -
                  (energy_at(m, 2 * h) - energy_at(m, -2 * h))) /
                 (12 * h);
    return fabs(difference / formula - 1);
}

/* |sum_i c_i x_i ^ v_i| over sum_i c_i |v_i|; c = Z of SA, 1 of USA. */
static double wedge(const moment *m, bool softmax)
{
    double total = 0, scale = 0;

    for (eg_index i = 0; i < m->n; i++) {
        const double *v = m->v + i * m->d;

        scale += (softmax ? m->z[i] : 1) * sqrt(egi_dot(v, v, m->d));
    }
    for (eg_index a = 0; a < m->d; a++)
        for (eg_index b = a + 1; b < m->d; b++) {
            double sum = 0;

            for (eg_index i = 0; i < m->n; i++) {
                const double *x = m->x + i * m->d, *v = m->v + i * m->d;

                sum += (softmax ? m->z[i] : 1) * (x[a] * v[b] - x[b] * v[a]) *
                       falsified(m, i, softmax);
            }
            total += sum * sum;
        }
    return sqrt(total) / scale;
}

static void partition(const moment *m)
{
    for (eg_index i = 0; i < m->n; i++) {
        m->z[i] = 0;
        for (eg_index j = 0; j < m->n; j++)
            m->z[i] += exp(-m->beta / 2 *
                           egi_dist2(m->x + i * m->d, m->x + j * m->d, m->d));
    }
}

typedef struct residuals {
    double sa, usa, wedge_sa, wedge_usa;
} residuals;

static eg_status identity_draw(residuals *w, moment *m, eg_pool *pool,
                               eg_err *err)
{
    eg_flow *f = NULL;
    eg_flow_spec spec = {
        .n = m->n, .d = m->d, .beta = m->beta, .model = EG_FLOW_SA};
    eg_status st = eg_flow_new(&f, &spec, pool, err);

    if (st != EG_OK) return st;
    partition(m);
    eg_flow_field(f, 0, m->x, m->v);
    eg_flow_free(f);
    w->sa = egi_most(w->sa, identity(m, true));
    w->wedge_sa = egi_most(w->wedge_sa, wedge(m, true));
    spec.model = EG_FLOW_USA;
    st = eg_flow_new(&f, &spec, pool, err);
    if (st != EG_OK) return st;
    eg_flow_field(f, 0, m->x, m->v);
    eg_flow_free(f);
    w->usa = egi_most(w->usa, identity(m, false));
    w->wedge_usa = egi_most(w->wedge_usa, wedge(m, false));
    return EG_OK;
}

eg_status egi_flow_energy_identity_run(const void *options, uint64_t seed,
                                       eg_pool *pool, const eg_theory_out *out,
                                       eg_err *err)
{
    const eg_flow_theory_energy_identity *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d;
    double beta[EG_STRS_MAX];
    double *block = eg_calloc((size_t)(3 * n * d + n), sizeof *block);
    moment m = {n,
                d,
                0,
                o->impostor,
                block,
                egi_part(block, n * d),
                egi_part(block, 2 * n * d),
                egi_part(block, 3 * n * d)};
    int n_betas = 0;
    eg_status st;

    if (!block) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    EG_TRY(egi_list_reals(beta, &n_betas, &o->betas, 1e-6, 300, "betas", err));
    for (int i = 0; i < n_betas; i++) {
        int64_t at = egi_milli(beta[i]);
        residuals w = {0};

        m.beta = beta[i];
        for (int64_t r = 0; r < o->draws; r++) {
            eg_rng rng =
                eg_rng_make(seed, EG_RNG_THEORY, (uint64_t)at, (uint32_t)r);

            egi_sphere_draw(m.x, n, d, &rng);
            EG_TRY(identity_draw(&w, &m, pool, err));
        }
        egi_emit(out, at, "SA", w.sa);
        egi_emit(out, at, "USA", w.usa);
        egi_emit(out, at, "wedge_SA", w.wedge_sa);
        egi_emit(out, at, "wedge_USA", w.wedge_usa);
    }
done:
    eg_free(block);
    return st;
}

/* ---- E of the uniform measure ---- */

typedef struct zonal {
    double beta, power;
} zonal;

/* In t = cos u: exp(beta (cos u - 1)) sin^(d-2) u du. */
static double density(const void *ctx, double u)
{
    const zonal *z = ctx;

    return exp(z->beta * (cos(u) - 1)) * pow(sin(u), z->power);
}

static double uniform_by_quadrature(double beta, double d)
{
    zonal with = {beta, d - 2}, without = {0, d - 2};

    return exp(beta) * egi_integral(density, &with, 0, M_PI, 64) /
           egi_integral(density, &without, 0, M_PI, 64) / (2 * beta);
}

/* Energies of n random tokens without the n equal terms i = j. */
static void sample(double *mean, double *sd, eg_index n, eg_index d,
                   double beta, int64_t draws, uint64_t seed, double *x)
{
    double sum = 0, squares = 0, count = (double)draws, m = (double)n;

    for (int64_t r = 0; r < draws; r++) {
        eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, (uint64_t)d, (uint32_t)r);
        double e;

        egi_sphere_draw(x, n, d, &rng);
        e = (eg_flow_energy(x, n, d, beta, NULL) * m - exp(beta) / (2 * beta)) /
            (m - 1);
        sum += e;
        squares += e * e;
    }
    *mean = sum / count;
    *sd = sqrt(egi_most(0, squares / count - *mean * *mean) * count /
               (count - 1));
}

eg_status egi_flow_energy_uniform_run(const void *options, uint64_t seed,
                                      eg_pool *pool, const eg_theory_out *out,
                                      eg_err *err)
{
    const eg_flow_theory_energy_uniform *o = options;
    double beta[EG_STRS_MAX], *x = NULL;
    int64_t dim[EG_STRS_MAX];
    int n_betas = 0, n_dims = 0;
    eg_status st =
        egi_list_reals(beta, &n_betas, &o->betas, 1e-3, 300, "betas", err);

    (void)pool;
    if (st == EG_OK)
        st = egi_list_ints(dim, &n_dims, &o->dims, 2, 1000, "dims", err);
    for (int k = 0; k < n_dims && st == EG_OK; k++) {
        x = eg_calloc((size_t)(o->n * dim[k]), sizeof *x);
        if (!x) return EG_FAIL(err, EG_ENOMEM, "%d tokens", (int)o->n);
        for (int i = 0; i < n_betas; i++) {
            double a, energy, mean, sd;
            char name[48];

            egi_bessel_zonal(&a, 1, (eg_index)dim[k], beta[i]);
            energy = a * exp(beta[i]) / (2 * beta[i]);
            sample(&mean, &sd, (eg_index)o->n, (eg_index)dim[k], beta[i],
                   o->draws, seed, x);
            (void)snprintf(name, sizeof name, "energy_d%d", (int)dim[k]);
            egi_emit(out, egi_milli(beta[i]), name, energy);
            (void)snprintf(name, sizeof name, "quadrature_d%d", (int)dim[k]);
            egi_emit(out, egi_milli(beta[i]), name,
                     fabs(uniform_by_quadrature(beta[i] * (1 + o->impostor),
                                                (double)dim[k]) /
                              energy -
                          1));
            (void)snprintf(name, sizeof name, "sample_d%d", (int)dim[k]);
            egi_emit(out, egi_milli(beta[i]), name, mean / energy);
            (void)snprintf(name, sizeof name, "sample_d%d_sd", (int)dim[k]);
            egi_emit(out, egi_milli(beta[i]), name, sd / energy);
        }
        eg_free(x);
    }
    return st;
}

/* ---- E along a run ---- */

typedef struct path {
    const eg_theory_out *out;
    eg_index n, d;
    double beta, before;
    const double *kernel; /* [d, d], NULL: Id */
    double *y;            /* [d] */
} path;

static bool emit_energy(void *ctx, eg_index i, double t, const double *x)
{
    path *p = ctx;
    double sum = 0, n = (double)p->n;

    for (eg_index a = 0; a < p->n; a++) {
        const double *xa = x + a * p->d;

        for (eg_index k = 0; p->kernel && k < p->d; k++)
            p->y[k] = egi_dot(p->kernel + k * p->d, xa, p->d);
        for (eg_index b = 0; b < p->n; b++)
            sum += exp(p->beta *
                       egi_dot(p->kernel ? p->y : xa, x + b * p->d, p->d));
    }
    sum /= 2 * p->beta * n * n;
    egi_emit(p->out, egi_milli(t), "energy", sum);
    if (i > 0) egi_emit(p->out, egi_milli(t), "increment", sum - p->before);
    p->before = sum;
    return true;
}

/* Q'K and V of the option; kernel NULL stays the identity. */
static void draw_matrices(double *kernel, double *value, int matrix, eg_index d,
                          eg_rng *rng)
{
    double scale = 1 / sqrt((double)d);
    bool symmetric = matrix == 2 || matrix == 3;

    for (eg_index i = 0; i < d; i++)
        for (eg_index j = 0; j <= i; j++) {
            double g = eg_rng_normal(rng) * scale * (i == j ? M_SQRT2 : 1);

            kernel[i * d + j] = kernel[j * d + i] = symmetric ? g : i == j;
        }
    for (eg_index i = 0; i < d * d; i++)
        value[i] = matrix == 4                  ? eg_rng_normal(rng)
                   : matrix == 1 || matrix == 3 ? -kernel[i]
                                                : kernel[i];
}

eg_status egi_flow_energy_path_run(const void *options, uint64_t seed,
                                   eg_pool *pool, const eg_theory_out *out,
                                   eg_err *err)
{
    const eg_flow_theory_energy_path *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    double *block = eg_calloc((size_t)(n * d + 2 * d * d + d), sizeof *block);
    double *kernel = egi_part(block, n * d), *value = egi_part(kernel, d * d);
    path p = {out, n, d, o->beta, 0, kernel, egi_part(value, d * d)};
    eg_flow_spec spec = {.n = n,
                         .d = d,
                         .beta = o->beta,
                         .model = o->model,
                         .Q = kernel,
                         .V = value};
    eg_flow_solve how = {.method = EG_FLOW_DOP853,
                         .rtol = 1e-12,
                         .atol = 1e-14,
                         .output = emit_energy,
                         .ctx = &p};
    egi_clock c = {0};
    eg_status st;

    if (!block) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    EG_TRY(egi_clock_read(&c, &o->times, err));
    egi_sphere_draw(block, n, d, &rng);
    draw_matrices(kernel, value, o->matrix, d, &rng);
    st = egi_play(&spec, block, c.t, c.n, &how, pool, err);
done:
    eg_free(block);
    return st;
}
