/* engram bench flow: sums over tokens, verified, then timed. */
#include "engram/bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engram/mem.h"
#include "base/num.h"
#include "flow/ensemble.h"
#include "flow/sums.h"
#include "kern/timing.h"

enum { SAMPLES = 31, CHECKED = 16, SWARM_N = 32, SWARM_STEPS = 300 };

/* Something to time, and where it stands. */
typedef struct job {
    eg_bench_flow_row row;
    char shape[64];
    eg_pool *pool;
    const char *kern;
    double seconds;
} job;

static double process_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* once(ctx) makes `repeats` evaluations. */
static void time_job(job *j, void (*once)(void *ctx), void *ctx, double repeats)
{
    double core[SAMPLES], wall[SAMPLES], begin = eg_clock();
    int n = 0;

    if (j->seconds > 0) once(ctx); /* warm */
    do {
        double c = process_seconds(), w = eg_clock();

        once(ctx);
        core[n] = (process_seconds() - c) / repeats;
        wall[n] = (eg_clock() - w) / repeats;
        n++;
    } while (n < SAMPLES && j->seconds > 0 &&
             (n < 5 || eg_clock() - begin < j->seconds));
    j->row.core = egi_median(core, n);
    j->row.n = n;
    j->row.core_low = egi_quantile(core, n, 0.25);
    j->row.core_high = egi_quantile(core, n, 0.75);
    j->row.wall = egi_median(wall, n);
    j->row.threads = eg_pool_size(j->pool);
    j->row.shape = j->shape;
    j->row.kern = egi_particles_pick(j->kern)->name;
    j->row.verified = j->row.error <= j->row.bound;
}

/* Uniform tokens [n, d]. */
static void tokens(double *x, eg_index n, eg_index d)
{
    eg_flow_ensemble e = {.n = n, .d = d, .seed = 1};

    egi_ensemble_draw(x, &e, 0);
}

typedef struct field {
    egi_sums *sums;
    double *x, *S, *F;
    eg_index n, d;
    double beta;
} field;

static void evaluate(void *ctx)
{
    field *f = ctx;

    egi_sums_eval(f->sums, f->S, f->F, f->x, NULL, f->n);
}

/* The largest error of S and F of a few tokens, relative to the mass n,
 * against plain loops. */
static double field_error(field *f)
{
    double worst = 0;

    EG_ASSERT(f->d <= 3);
    evaluate(f);
    for (eg_index c = 0; c < CHECKED; c++) {
        eg_index i = f->n * c / CHECKED;
        double S = 0, F[3] = {0, 0, 0}, e2 = 0;

        for (eg_index j = 0; j < f->n; j++) {
            double dot = 0, w;

            for (eg_index k = 0; k < f->d; k++)
                dot += f->x[i * f->d + k] * f->x[j * f->d + k];
            w = exp(f->beta * (dot - 1));
            S += w;
            for (eg_index k = 0; k < f->d; k++) F[k] += w * f->x[j * f->d + k];
        }
        for (eg_index k = 0; k < f->d; k++)
            e2 += (F[k] - f->F[i * f->d + k]) * (F[k] - f->F[i * f->d + k]);
        worst = fmax(worst, fmax(fabs(S - f->S[i]), sqrt(e2)));
    }
    return worst / (double)f->n;
}

static eg_status run_field(job *j, int kind, eg_index n, eg_index d,
                           double beta, int precision, eg_err *err)
{
    field f = {.n = n, .d = d, .beta = beta};
    egi_sums_plan plan;
    eg_status st;

    EG_TRY(egi_sums_choose(&plan, kind, n, d, beta, EG_FLOW_SA, precision,
                           1e-13, err));
    plan.kern = j->kern;
    f.x = eg_calloc((size_t)(n * d), sizeof *f.x);
    f.S = eg_calloc((size_t)n, sizeof *f.S);
    f.F = eg_calloc((size_t)(n * d), sizeof *f.F);
    if (!f.x || !f.S || !f.F) {
        st =
            EG_FAIL(err, EG_ENOMEM, "bench flow: %td tokens: out of memory", n);
        goto done;
    }
    EG_TRY(egi_sums_new(&f.sums, &plan, n, d, beta, precision, j->pool, err));
    tokens(f.x, n, d);
    (void)egi_snprintf(j->shape, sizeof j->shape, "d %td n %td beta %g%s", d, n,
                       beta, plan.degree ? ", " : "");
    if (plan.degree) {
        size_t used = strlen(j->shape);
        (void)snprintf(j->shape + used, sizeof j->shape - used, "%s %td",
                       d == 2 ? "K" : "L", plan.degree);
    }
    j->row.error = field_error(&f);
    /* the plain sum of n terms it is compared with has its own rounding */
    j->row.bound = plan.error + 1e-16 * sqrt((double)n);
    j->row.pairs = kind == EG_FLOW_SUM_DIRECT ? (double)n * (double)n : 0;
    time_job(j, evaluate, &f, 1);
done:
    egi_sums_free(f.sums);
    eg_free(f.x);
    eg_free(f.S);
    eg_free(f.F);
    return st;
}

typedef struct cell {
    eg_flow_ensemble e;
    eg_pool *pool;
    eg_flow_census census;
    eg_status st;
} cell;

static void run_cell(void *ctx)
{
    cell *c = ctx;
    eg_index done;

    c->st = eg_flow_ensemble_run(&c->census, &done, &c->e, c->pool, NULL, NULL,
                                 NULL);
}

/* Drives of one group of systems against the reference kernel. */
static eg_status cell_error(double *error, const eg_flow_ensemble *e,
                            eg_err *err)
{
    const egi_particles *set[] = {egi_particles_pick(e->kern),
                                  &egi_particles_ref};
    enum { LANES = EGI_SWARM_LANES };
    eg_index size = e->n * e->d, rows = e->n * LANES;
    double *x =
        eg_calloc((size_t)(size + 3 * size * LANES + 6 * rows), sizeof *x);
    double *one, *A, *Z, *work;

    if (!x) return EG_FAIL(err, EG_ENOMEM, "bench flow: out of memory");
    A = x + size * LANES;
    Z = A + 2 * size * LANES;
    work = Z + 2 * rows;
    one = work + 4 * rows;
    for (int lane = 0; lane < LANES; lane++) {
        egi_ensemble_draw(one, e, lane);
        for (eg_index i = 0; i < size; i++) x[i * LANES + lane] = one[i];
    }
    for (int k = 0; k < 2; k++)
        set[k]->swarm(A + k * size * LANES, Z + k * rows, x, e->n, e->d,
                      e->beta, work);
    *error = 0;
    for (eg_index i = 0; i < size * LANES; i++)
        *error = fmax(*error, fabs(A[i] - A[size * LANES + i]));
    for (eg_index i = 0; i < rows; i++)
        *error = fmax(*error, fabs(Z[i] - Z[rows + i]));
    *error /= (double)e->n;
    eg_free(x);
    return EG_OK;
}

static eg_status run_ensemble(job *j, eg_index draws, eg_err *err)
{
    const double h = 0.1, end = SWARM_STEPS * h;
    cell c = {.pool = j->pool,
              .e = {.n = SWARM_N,
                    .d = 2,
                    .beta = 4,
                    .h = h,
                    .method = EG_FLOW_AUTHORS,
                    .delta = 1e-3,
                    .draws = draws,
                    .seed = 1,
                    .times = &end,
                    .n_times = 1,
                    .kern = j->kern}};
    eg_status st = cell_error(&j->row.error, &c.e, err);

    if (st != EG_OK) return st;
    (void)snprintf(j->shape, sizeof j->shape, "d 2 n %d beta 4, %td draws",
                   SWARM_N, draws);
    j->row.bound = 1e-14;
    j->row.pairs = (double)draws * SWARM_N * SWARM_N;
    time_job(j, run_cell, &c, SWARM_STEPS);
    return c.st == EG_OK ? EG_OK
                         : EG_FAIL(err, c.st, "bench flow: out of memory");
}

eg_status eg_bench_flow(eg_pool *pool, const char *kern, double seconds,
                        bool small,
                        void (*fn)(void *ctx, const eg_bench_flow_row *row),
                        void *ctx, eg_err *err)
{
    static const struct {
        const char *what;
        int kind;
        int precision;
        eg_index n, d;
        double beta;
    } way[] = {
        {"direct float32", EG_FLOW_SUM_DIRECT, 1, 10000, 3, 4},
        {"direct float64", EG_FLOW_SUM_DIRECT, 0, 10000, 3, 4},
        {"fourier", EG_FLOW_SUM_FOURIER, 0, 1000000, 2, 9},
        {"harmonics", EG_FLOW_SUM_HARMONICS, 0, 1000000, 3, 9},
    };
    eg_status st = eg_kern_check(kern, err);

    for (int i = 0; i < 5 && st == EG_OK; i++) {
        job j = {.pool = pool, .kern = kern, .seconds = seconds};

        if (i < 4) {
            j.row.what = way[i].what;
            st = run_field(&j, way[i].kind, way[i].n / (small ? 100 : 1),
                           way[i].d, way[i].beta, way[i].precision, err);
        } else {
            j.row.what = "ensemble step";
            st = run_ensemble(&j, small ? 16 : 256, err);
        }
        if (st == EG_OK) fn(ctx, &j.row);
    }
    return st;
}
