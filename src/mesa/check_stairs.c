/* Stairs of principal components: gradient descent on the population loss of
 * linear attention, exactly. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "base/sweep.h"
#include "memory/dense.h"
#include "mesa/checks.h"

#define EG_FIELDS_OWNER eg_theory_mesa_stairs
EG_FIELDS_TABLE(egi_mesa_stairs_fields, EG_THEORY_MESA_STAIRS_FIELDS)

enum { MAX_DIM = 6, MARKS = 2000, SEPARATE = 0 };
#define RATIO 1.02 /* of the times of two marks */

typedef struct law {
    const eg_theory_mesa_stairs *o;
    int dim;
    double l[MAX_DIM], trace;
    char name[2 * MAX_DIM + 4][24];
    const char *names[2 * MAX_DIM + 5]; /* drops, gap, final, plateau_m, ... */
} law;
enum { DROPS, GAP, FINAL, FIRST };

/* L_m. */
static double formula(const law *c, double pairs, int m)
{
    double sum = c->trace, n = pairs * (1 + c->o->impostor);

    for (int d = 0; d < m; d++)
        sum -= c->l[d] / (1 + (1 + c->trace / c->l[d]) / n);
    return sum;
}

/* L(U) and its gradient g = -2 C^2 + 2 M U C; all [dim, dim]. */
static double loss(const law *c, double pairs, const double *u, double *g)
{
    int n = c->dim;
    double sum = c->trace;

    for (int i = 0; i < n; i++) {
        double li = c->l[i], m = li * li + (li * li + li * c->trace) / pairs;

        for (int j = 0; j < n; j++) {
            double x = u[i * n + j], lj = c->l[j];

            sum += m * lj * x * x - (i == j ? 2 * li * li * x : 0);
            g[i * n + j] = 2 * m * lj * x - (i == j ? 2 * li * li : 0);
        }
    }
    return sum;
}

/* Parameters of a head: v, then k and q, or a matrix. */
static int head_size(const law *c)
{
    return 1 + (c->o->keys == SEPARATE ? 2 * c->dim : c->dim * c->dim);
}

static void product(const law *c, const double *w, double *u)
{
    int n = c->dim, size = head_size(c);

    memset(u, 0, (size_t)(n * n) * sizeof *u);
    for (int h = 0; h < c->o->heads; h++, w += size)
        for (int i = 0; i < n * n; i++)
            u[i] +=
                w[0] * (c->o->keys == SEPARATE ? w[1 + i / n] * w[1 + n + i % n]
                                               : w[1 + i]);
}

static void descend(const law *c, double *w, const double *g)
{
    int n = c->dim, size = head_size(c);
    double lr = c->o->lr;

    for (int h = 0; h < c->o->heads; h++, w += size) {
        double v = w[0], dv = 0, dk[MAX_DIM] = {0}, dq[MAX_DIM] = {0};

        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                double gij = g[i * n + j];

                if (c->o->keys != SEPARATE) {
                    dv += gij * w[1 + i * n + j];
                    w[1 + i * n + j] -= lr * v * gij;
                    continue;
                }
                dv += gij * w[1 + i] * w[1 + n + j];
                dk[i] += gij * v * w[1 + n + j];
                dq[j] += gij * v * w[1 + i];
            }
        w[0] -= lr * dv;
        for (int i = 0; i < n && c->o->keys == SEPARATE; i++) {
            w[1 + i] -= lr * dk[i];
            w[1 + n + i] -= lr * dq[i];
        }
    }
}

/* Losses at times that grow by RATIO; how many. */
static int curve(const law *c, double pairs, double *w, double *mark)
{
    double u[MAX_DIM * MAX_DIM], g[MAX_DIM * MAX_DIM], next = 50;
    int n = 0;

    for (int64_t t = 0; t < c->o->steps; t++) {
        double now;

        product(c, w, u);
        now = loss(c, pairs, u, g);
        if ((double)t >= next || t == c->o->steps - 1) {
            EG_ASSERT(n < MARKS);
            mark[n++] = now;
            next *= RATIO;
        }
        descend(c, w, g);
    }
    return n;
}

/* Falls that are fast, a tenth of the fastest, with a rest of a fiftieth of it
 * between. */
static int count_drops(const double *mark, int n)
{
    double most = 0;
    int drops = 0;
    bool falling = false;

    for (int i = 1; i < n; i++) most = egi_most(most, mark[i - 1] - mark[i]);
    for (int i = 1; i < n; i++) {
        double fall = mark[i - 1] - mark[i];

        if (!falling && fall > most / 10) drops++;
        falling = fall > most / (falling ? 50 : 10);
    }
    return drops;
}

/* Where the loss rests longest between two losses, both left out. */
static double resting(const double *mark, int n, double high, double low)
{
    double least = HUGE_VAL, at = NAN;

    for (int i = 1; i < n; i++) {
        double fall = mark[i - 1] - mark[i];

        if (mark[i] >= high || mark[i] <= low || fall >= least) continue;
        least = fall;
        at = mark[i];
    }
    return at;
}

static eg_status one_draw(const void *ctx, int64_t at, eg_rng *rng,
                          double *value, eg_err *err)
{
    const law *c = ctx;
    double pairs = (double)at, gap = 0;
    eg_index size = (eg_index)c->o->heads * head_size(c);
    double *w = eg_calloc((size_t)(size + MARKS), sizeof *w), *mark;
    int n;

    if (!w) return EG_FAIL(err, EG_ENOMEM, "stairs of %d components", c->dim);
    mark = w + size;
    egi_fill_normal(w, size, c->o->init_std, rng);
    n = curve(c, pairs, w, mark);
    value[DROPS] = count_drops(mark, n);
    value[FINAL] = mark[n - 1];
    for (int m = 0; m < c->dim; m++) {
        double here = formula(c, pairs, m), below = formula(c, pairs, m + 1);
        double above = m > 0 ? formula(c, pairs, m - 1) : 2 * c->trace;
        double rest = resting(mark, n, (above + here) / 2, (here + below) / 2);

        value[FIRST + m] = rest;
        value[FIRST + c->dim + m] = here;
        if (m > 0) gap = egi_most(gap, fabs(rest - here) / here);
    }
    value[GAP] = gap;
    eg_free(w);
    return EG_OK;
}

static void name_values(law *c)
{
    int n = 0;

    (void)snprintf(c->name[n++], sizeof c->name[0], "drops");
    (void)snprintf(c->name[n++], sizeof c->name[0], "gap");
    (void)snprintf(c->name[n++], sizeof c->name[0], "final");
    for (int i = 0; i < 2 * c->dim; i++)
        (void)snprintf(c->name[n++], sizeof c->name[0], "%s_%d",
                       i < c->dim ? "plateau" : "formula", i % c->dim);
    for (int i = 0; i < n; i++) c->names[i] = c->name[i];
}

eg_status egi_theory_mesa_stairs(const void *options, uint64_t seed,
                                 eg_pool *pool, const eg_theory_out *out,
                                 eg_err *err)
{
    const eg_theory_mesa_stairs *o = options;
    double l[EG_STRS_MAX];
    int64_t pairs[EG_STRS_MAX];
    law c = {.o = o};
    egi_sweep s = {.at = pairs,
                   .draws = (int)o->draws,
                   .names = c.names,
                   .draw = one_draw,
                   .ctx = &c};
    eg_status st = EG_OK;

    EG_TRY(egi_list_reals(l, &c.dim, &o->eigenvalues, 1e-6, 1e6, "eigenvalues",
                          err));
    EG_TRY(egi_list_ints(pairs, &s.n, &o->pairs, 1, 1000000000, "pairs", err));
    if (c.dim > MAX_DIM)
        return EG_FAIL(err, EG_EINVAL, "eigenvalues: %d: expected at most %d",
                       c.dim, MAX_DIM);
    for (int i = 0; i < c.dim; i++) {
        if (i > 0 && !(l[i] < l[i - 1]))
            return EG_FAIL(err, EG_EINVAL, "eigenvalues: %g does not descend",
                           l[i]);
        c.l[i] = l[i];
        c.trace += l[i];
    }
    if (!(o->impostor > -1))
        return EG_FAIL(err, EG_EINVAL, "impostor: expected more than -1");
    name_values(&c);
    st = egi_sweep_run(&s, seed, pool, out, err);
done:
    return st;
}
