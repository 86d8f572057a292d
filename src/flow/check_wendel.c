/* How often points of a sphere lie in an open hemisphere (Wendel). They do
 * not exactly when 0 is in their convex hull: the point of least norm of the
 * hull, by Wolfe's method, decides. */
#include "flow/checks.h"

#include <math.h>
#include <stdio.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_wendel
EG_FIELDS_TABLE(egi_flow_wendel_fields, EG_FLOW_THEORY_WENDEL_FIELDS)

enum { MOST_DIMS = 32, MOST_ACTIVE = MOST_DIMS + 2 };

/* Points in use and their weights; z = sum w x. */
typedef struct corral {
    const double *x; /* [n, d] */
    eg_index n, d;
    int size;
    eg_index point[MOST_ACTIVE];
    double w[MOST_ACTIVE], z[MOST_DIMS];
} corral;

/* Gauss with pivots; a [m, m + 1] is overwritten. False: singular. */
static bool solve(double a[][MOST_ACTIVE + 2], int m)
{
    for (int c = 0; c < m; c++) {
        int best = c;

        for (int r = c + 1; r < m; r++)
            if (fabs(a[r][c]) > fabs(a[best][c])) best = r;
        if (fabs(a[best][c]) < 1e-13) return false;
        for (int k = c; k <= m; k++) {
            double t = a[c][k];

            a[c][k] = a[best][k];
            a[best][k] = t;
        }
        for (int r = 0; r < m; r++) {
            double f = r == c ? 0 : a[r][c] / a[c][c];

            for (int k = c; k <= m && r != c; k++) a[r][k] -= f * a[c][k];
        }
    }
    for (int r = 0; r < m; r++) a[r][m] /= a[r][r];
    return true;
}

/* Weights of the point of least norm in the affine hull of the corral. */
static bool affine_weights(const corral *c, double *w)
{
    double a[MOST_ACTIVE + 1][MOST_ACTIVE + 2];
    int m = c->size;

    for (int i = 0; i < m; i++) {
        for (int j = 0; j < m; j++)
            a[i][j] = egi_dot(c->x + c->point[i] * c->d,
                              c->x + c->point[j] * c->d, c->d);
        a[i][m] = a[m][i] = 1;
        a[i][m + 1] = 0;
    }
    a[m][m] = 0;
    a[m][m + 1] = 1;
    if (!solve(a, m + 1)) return false;
    for (int i = 0; i < m; i++) w[i] = a[i][m + 1];
    return true;
}

static void place(corral *c)
{
    for (eg_index k = 0; k < c->d; k++) {
        c->z[k] = 0;
        for (int i = 0; i < c->size; i++)
            c->z[k] += c->w[i] * c->x[c->point[i] * c->d + k];
    }
}

/* Towards the affine point, dropping points whose weight would turn
 * negative. */
static bool settle(corral *c)
{
    for (;;) {
        double w[MOST_ACTIVE], step = 1;
        int kept = 0;

        if (!affine_weights(c, w)) return false;
        for (int i = 0; i < c->size; i++)
            if (w[i] <= 0) step = egi_least(step, c->w[i] / (c->w[i] - w[i]));
        for (int i = 0; i < c->size; i++) {
            double v = c->w[i] + step * (w[i] - c->w[i]);

            if (step < 1 && v < 1e-12) continue;
            c->point[kept] = c->point[i];
            c->w[kept++] = v;
        }
        c->size = kept;
        place(c);
        if (step == 1) return true;
    }
}

static bool in_hemisphere(const double *x, eg_index n, eg_index d)
{
    corral c = {.x = x, .n = n, .d = d, .size = 1, .w = {1}};

    place(&c);
    for (int round = 0; round < 1000; round++) {
        eg_index best = 0;
        double least = INFINITY, norm = egi_dot(c.z, c.z, d);

        if (norm < 1e-20) return false;
        for (eg_index i = 0; i < n; i++) {
            double v = egi_dot(x + i * d, c.z, d);

            if (v >= least) continue;
            least = v;
            best = i;
        }
        if (least > 0) return true; /* z itself is such a direction */
        c.point[c.size] = best;
        c.w[c.size++] = 0;
        if (!settle(&c)) return false; /* d + 1 points around 0 */
    }
    return false;
}

/* Wendel's probability. */
static double wendel(eg_index n, eg_index d)
{
    double sum = 0, choose = 1;

    for (eg_index k = 0; k < d && k < n; k++) {
        sum += choose;
        choose *= (double)(n - 1 - k) / (double)(k + 1);
    }
    return ldexp(sum, 1 - (int)n);
}

enum { DRAWS_A_TASK = 500 };

typedef struct work {
    uint64_t seed;
    eg_index n, d;
    int64_t draws;
    int64_t *count; /* [tasks] */
    double *x;      /* [tasks, n, d] */
} work;

static void count_some(void *ctx, int task, int worker)
{
    work *w = ctx;
    double *x = w->x + task * w->n * w->d;
    int64_t draws = w->draws - (int64_t)task * DRAWS_A_TASK;
    eg_rng rng = eg_rng_make(w->seed, EG_RNG_THEORY,
                             (uint64_t)(w->n * 64 + w->d), (uint32_t)task);

    (void)worker;
    if (draws > DRAWS_A_TASK) draws = DRAWS_A_TASK;
    w->count[task] = 0;
    for (int64_t r = 0; r < draws; r++) {
        egi_sphere_draw(x, w->n, w->d, &rng);
        w->count[task] += in_hemisphere(x, w->n, w->d);
    }
}

static eg_status one_pair(work *w, eg_pool *pool, const eg_theory_out *out,
                          eg_err *err)
{
    int tasks = (int)((w->draws + DRAWS_A_TASK - 1) / DRAWS_A_TASK);
    double share = 0, p = wendel(w->n, w->d);
    char name[32];

    w->count = eg_calloc((size_t)tasks, sizeof *w->count);
    w->x = eg_calloc((size_t)(tasks * w->n * w->d), sizeof *w->x);
    if (w->count && w->x) {
        eg_pool_run(pool, tasks, count_some, w);
        for (int i = 0; i < tasks; i++)
            share += (double)w->count[i] / (double)w->draws;
    }
    eg_free(w->x);
    if (!w->count || !w->x) {
        eg_free(w->count);
        return EG_FAIL(err, EG_ENOMEM, "%d tasks", tasks);
    }
    eg_free(w->count);
    (void)snprintf(name, sizeof name, "share_d%d", (int)w->d);
    egi_emit(out, w->n, name, share);
    (void)snprintf(name, sizeof name, "formula_d%d", (int)w->d);
    egi_emit(out, w->n, name, p);
    (void)snprintf(name, sizeof name, "sd_d%d", (int)w->d);
    egi_emit(out, w->n, name, sqrt(p * (1 - p) / (double)w->draws));
    return EG_OK;
}

eg_status egi_flow_wendel_run(const void *options, uint64_t seed, eg_pool *pool,
                              const eg_theory_out *out, eg_err *err)
{
    const eg_flow_theory_wendel *o = options;
    int64_t point[EG_STRS_MAX], dim[EG_STRS_MAX];
    int n_points = 0, n_dims = 0;
    eg_status st =
        egi_list_ints(point, &n_points, &o->points, 1, 1000, "points", err);

    if (st == EG_OK)
        st = egi_list_ints(dim, &n_dims, &o->dims, 2, MOST_DIMS, "dims", err);
    for (int i = 0; i < n_points; i++)
        for (int k = 0; k < n_dims && st == EG_OK; k++) {
            work w = {.seed = seed,
                      .n = (eg_index)point[i],
                      .d = (eg_index)dim[k],
                      .draws = o->draws};

            st = one_pair(&w, pool, out, err);
        }
    return st;
}
