/* The prequel's scripts with random value matrices (2305.05465): ranks of
 * attention at d = 80, leaders in the plane, and 128 dimensions. */
#include "flow/checks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "flow/lapack.h"
#include "flow/matrices.h"

#define EG_FIELDS_OWNER eg_flow_theory_low_rank
EG_FIELDS_TABLE(egi_flow_low_rank_fields, EG_FLOW_THEORY_LOW_RANK_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_leaders
EG_FIELDS_TABLE(egi_flow_leaders_fields, EG_FLOW_THEORY_LEADERS_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_sparse_value
EG_FIELDS_TABLE(egi_flow_sparse_value_fields,
                EG_FLOW_THEORY_SPARSE_VALUE_FIELDS)

enum { BOUNDED = 10 }; /* coordinates below it have not grown */

static void draw_cube(double *x, eg_index count, double side, eg_rng *rng)
{
    for (eg_index i = 0; i < count; i++)
        x[i] = side * (2 * eg_rng_uniform(rng) - 1);
}

/* M M' of a uniform M in [-1, 1]. */
static void draw_gram(double *V, double *M, eg_index d, eg_rng *rng)
{
    draw_cube(M, d * d, 1, rng);
    for (eg_index i = 0; i < d; i++)
        for (eg_index j = 0; j < d; j++)
            V[i * d + j] = egi_dot(M + i * d, M + j * d, d);
}

/* P [n, n], rows softmax of <q_i, k_j>. */
static void attend(double *P, const double *q, const double *k, eg_index n,
                   eg_index d)
{
    for (eg_index i = 0; i < n; i++) {
        double *row = P + i * n, top = -(double)INFINITY, sum = 0;

        for (eg_index j = 0; j < n; j++) {
            row[j] = egi_dot(q + i * d, k + j * d, d);
            top = egi_most(top, row[j]);
        }
        for (eg_index j = 0; j < n; j++) sum += row[j] = exp(row[j] - top);
        for (eg_index j = 0; j < n; j++) row[j] /= sum;
    }
}

static bool in_range(const double *x, eg_index count)
{
    for (eg_index i = 0; i < count; i++)
        if (!(fabs(x[i]) < 1e150)) return false; /* so are inner products */
    return true;
}

/* ---- low rank ---- */

/* Eigenvalues of the symmetric V [d, d], ascending; V becomes its
 * eigenvectors, one a row. */
static eg_status eigen(double *lambda, double *V, eg_index d, eg_err *err)
{
    const egi_lapack *lapack;
    eg_status st = egi_lapack_enter(&lapack, err);
    int failed;

    if (st != EG_OK) return st;
    failed =
        lapack->dsyev(LAPACK_COL_MAJOR, 'V', 'L', (int)d, V, (int)d, lambda);
    egi_lapack_leave();
    return failed ? egi_lapack_fail(failed, "eigenvectors", d, d, err) : EG_OK;
}

eg_status egi_flow_low_rank_run(const void *options, uint64_t seed,
                                eg_pool *pool, const eg_theory_out *out,
                                eg_err *err)
{
    const eg_flow_theory_low_rank *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    double *next =
        eg_calloc((size_t)(2 * n * d + 2 * d * d + d + n * n), sizeof *next);
    double *block = next, *x, *y, *V, *M, *lambda, *P, z;
    eg_status st = EG_OK;

    (void)pool;
    if (!block) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    x = egi_take(&next, n * d);
    y = egi_take(&next, n * d);
    V = egi_take(&next, d * d);
    M = egi_take(&next, d * d);
    lambda = egi_take(&next, d);
    P = egi_take(&next, n * n);
    draw_gram(V, M, d, &rng);
    draw_cube(y, n * d, 1, &rng);
    EG_TRY(eigen(lambda, V, d, err));
    z = o->h * lambda[d - 1];
    egi_emit(out, 0, "stiffness", z);
    egi_emit(out, 0, "growth",
             (1 + z * (1 + z / 2 * (1 + z / 3 * (1 + z / 4)))) / exp(z));
    /* In the eigenbasis, where inner products are the same. */
    for (eg_index i = 0; i < n; i++)
        for (eg_index k = 0; k < d; k++)
            x[i * d + k] = egi_dot(V + k * d, y + i * d, d);
    for (int64_t step = 0; step < o->steps && in_range(x, n * d); step++) {
        eg_index rank = 0;

        attend(P, x, x, n, d);
        EG_TRY(eg_flow_numerical_rank(&rank, P, n, n, err));
        egi_emit(out, step, "rank", (double)rank);
        for (eg_index k = 0; k < d; k++) {
            double g;

            z = o->h * lambda[k];
            g = o->exact ? exp(z)
                         : 1 + z * (1 + z / 2 * (1 + z / 3 * (1 + z / 4)));
            for (eg_index i = 0; i < n; i++) x[i * d + k] *= g;
        }
    }
done:
    eg_free(block);
    return st;
}

/* ---- leaders ---- */

/* x <- x + h P x V', V symmetric; to [d] scratch of a token. */
static void euler(double *x, double *mean, const double *P, const double *V,
                  eg_index n, eg_index d, double h)
{
    for (eg_index i = 0; i < n; i++)
        for (eg_index k = 0; k < d; k++) {
            double s = 0;

            for (eg_index j = 0; j < n; j++) s += P[i * n + j] * x[j * d + k];
            mean[i * d + k] = s;
        }
    for (eg_index i = 0; i < n; i++)
        for (eg_index k = 0; k < d; k++)
            x[i * d + k] += h * egi_dot(V + k * d, mean + i * d, d);
}

eg_status egi_flow_leaders_run(const void *options, uint64_t seed,
                               eg_pool *pool, const eg_theory_out *out,
                               eg_err *err)
{
    const eg_flow_theory_leaders *o = options;
    eg_index n = (eg_index)o->n;
    double *next = eg_calloc((size_t)(6 * n + n * n + 12), sizeof *next);
    double *block = next, *x, *q, *mean, *P, *V, *A, *M;
    eg_status st = EG_OK;

    (void)pool;
    if (!block) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    x = egi_take(&next, 2 * n);
    q = egi_take(&next, 2 * n);
    mean = egi_take(&next, 2 * n);
    P = egi_take(&next, n * n);
    V = egi_take(&next, 4);
    A = egi_take(&next, 4);
    M = egi_take(&next, 4);
    for (int64_t draw = 0; draw < o->draws; draw++) {
        eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, (uint64_t)draw, 0);
        eg_index rank = 0, first = 0, most = 0;
        int64_t few = -1, steps = 0;

        draw_gram(V, M, 2, &rng);
        draw_gram(A, M, 2, &rng);
        draw_cube(x, 2 * n, 1, &rng);
        for (; steps < o->steps && in_range(x, 2 * n); steps++) {
            for (eg_index i = 0; i < n; i++)
                for (eg_index k = 0; k < 2; k++)
                    q[2 * i + k] = egi_dot(A + 2 * k, x + 2 * i, 2);
            attend(P, q, x, n, 2);
            EG_TRY(eg_flow_numerical_rank(&rank, P, n, n, err));
            if (steps == 0) first = rank;
            if (rank > most) most = rank;
            if (few < 0 && rank <= 3) few = steps;
            euler(x, mean, P, V, n, 2, o->h);
        }
        egi_emit(out, draw, "first", (double)first);
        egi_emit(out, draw, "most", (double)most);
        egi_emit(out, draw, "last", (double)rank);
        egi_emit(out, draw, "low", rank <= 3);
        egi_emit(out, draw, "few", few < 0 ? HUGE_VAL : (double)few * o->h);
        egi_emit(out, draw, "reached", (double)steps * o->h);
    }
done:
    eg_free(block);
    return st;
}

/* ---- 128 dimensions ---- */

/* The notebook's V: a sparse uniform matrix made symmetric, eigenvalues of
 * modulus below 1 drawn anew in [1, 2] with their sign. */
static eg_status draw_value(double *lambda, double *phi, eg_index d,
                            eg_rng *rng, eg_err *err)
{
    eg_status st;

    for (eg_index i = 0; i < d * d; i++) {
        bool there = eg_rng_uniform(rng) < 0.1;
        double v = eg_rng_uniform(rng);

        phi[i] = there ? v : 0;
    }
    for (eg_index i = 0; i < d; i++)
        for (eg_index j = 0; j <= i; j++) {
            double s = (phi[i * d + j] + phi[j * d + i]) / 2;

            phi[i * d + j] = phi[j * d + i] = s;
        }
    st = eigen(lambda, phi, d, err);
    for (eg_index k = 0; k < d && st == EG_OK; k++)
        if (fabs(lambda[k]) <= 1)
            lambda[k] = copysign(1 + eg_rng_uniform(rng), lambda[k]);
    return st;
}

typedef struct wide {
    const eg_flow_theory_sparse_value *o;
    eg_index n, d;
    double *lambda, *phi; /* [d], [d, d] eigenvectors as rows */
    double *B, *work;     /* [d, d] */
    double *z, *y, *P, *mean, *first;
    bool *group; /* [n] */
} wide;

/* Tokens that the scores see: exp(tD) z, or phi exp(tD) phi z with phi's
 * columns the eigenvectors and, at t = 0, all ones for the exponential. */
static void see(const wide *w, double t)
{
    eg_index n = w->n, d = w->d;

    if (w->o->program) {
        for (eg_index i = 0; i < d; i++)
            for (eg_index j = 0; j < d; j++)
                w->work[i * d + j] =
                    i == j ? exp(t * w->lambda[i]) : (t == 0 ? 1 : 0);
        /* phi' stands in w->phi: columns times M times columns */
        egi_mat_transpose(w->B, w->phi, d);
        egi_mat_mul(w->mean, w->work, w->B, d);
        egi_mat_mul_tn(w->work, w->phi, w->mean, d);
        for (eg_index i = 0; i < n; i++)
            egi_mat_apply(w->y + i * d, w->work, w->z + i * d, d, d);
        return;
    }
    for (eg_index i = 0; i < n; i++)
        for (eg_index k = 0; k < d; k++)
            w->y[i * d + k] = exp(t * w->lambda[k]) * w->z[i * d + k];
}

/* z_i <- z_i + h D sum_j P_ij (z_j - z_i) */
static void advance(const wide *w)
{
    eg_index n = w->n, d = w->d;

    for (eg_index i = 0; i < n; i++) {
        double *m = w->mean + i * d;

        for (eg_index k = 0; k < d; k++) m[k] = 0;
        for (eg_index j = 0; j < n; j++) {
            double p = w->P[i * n + j];

            if (p == 0) continue;
            for (eg_index k = 0; k < d; k++) m[k] += p * w->z[j * d + k];
        }
    }
    for (eg_index i = 0; i < n * d; i++)
        w->z[i] += w->o->h * w->lambda[i % d] * (w->mean[i] - w->z[i]);
}

/* Standard deviation of coordinate k over a group, and the tokens in it. */
static double deviation(const wide *w, eg_index k, bool group)
{
    double sum = 0, squares = 0, count = 0;

    for (eg_index i = 0; i < w->n; i++) {
        if (w->group[i] != group) continue;
        sum += w->z[i * w->d + k];
        count++;
    }
    if (count == 0) return 0;
    for (eg_index i = 0; i < w->n; i++)
        if (w->group[i] == group)
            squares += pow(w->z[i * w->d + k] - sum / count, 2);
    return sqrt(squares / count);
}

static void emit_wide(const wide *w, const eg_theory_out *out, int64_t at)
{
    eg_index n = w->n, d = w->d, lead = d - 1;
    double low = INFINITY, high = -(double)INFINITY, off = 0, spread = 0;
    double least = INFINITY, from_low = INFINITY, from_high = -(double)INFINITY;
    int below = 0, clustered = 0, positive = 0, wrong = 0;

    for (eg_index i = 0; i < n; i++) {
        double v = w->z[i * d + lead], v0 = w->first[i];

        low = egi_least(low, v);
        high = egi_most(high, v);
        from_low = egi_least(from_low, v0);
        from_high = egi_most(from_high, v0);
    }
    for (eg_index i = 0; i < n; i++) {
        double v = w->z[i * d + lead];

        w->group[i] = v < (low + high) / 2;
        below += w->group[i];
        off = egi_most(off, egi_least(fabs(v - from_low), fabs(v - from_high)));
    }
    for (eg_index k = 0; k < d; k++) {
        double top = 0;

        for (eg_index i = 0; i < n; i++)
            top = egi_most(top, fabs(w->z[i * d + k]));
        positive += w->lambda[k] > 0;
        clustered += top < BOUNDED;
        wrong += (top < BOUNDED) != (w->lambda[k] > 0);
        if (w->lambda[k] > 0)
            spread = egi_most(spread, egi_most(deviation(w, k, true),
                                               deviation(w, k, false)));
        else
            least = egi_least(least, top);
    }
    egi_emit(out, at, "low", low);
    egi_emit(out, at, "high", high);
    egi_emit(out, at, "n_low", low < high ? below : 0);
    egi_emit(out, at, "off", off);
    egi_emit(out, at, "positive", positive);
    egi_emit(out, at, "clustered", clustered);
    egi_emit(out, at, "wrong", wrong);
    egi_emit(out, at, "spread", spread);
    egi_emit(out, at, "grown", least);
}

eg_status egi_flow_sparse_value_run(const void *options, uint64_t seed,
                                    eg_pool *pool, const eg_theory_out *out,
                                    eg_err *err)
{
    const eg_flow_theory_sparse_value *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d, m = n > d ? n : d;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    wide w = {.o = o, .n = n, .d = d};
    double *next = eg_calloc(
        (size_t)(3 * d * d + d + 2 * n * d + m * d + n * n + n), sizeof *next);
    double *block = next;
    eg_status st;

    (void)pool;
    w.group = eg_calloc((size_t)n, sizeof *w.group);
    if (!block || !w.group) {
        st = EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
        goto done;
    }
    w.lambda = egi_take(&next, d);
    w.phi = egi_take(&next, d * d);
    w.B = egi_take(&next, d * d);
    w.work = egi_take(&next, d * d);
    w.z = egi_take(&next, n * d);
    w.y = egi_take(&next, n * d);
    w.mean = egi_take(&next, m * d);
    w.P = egi_take(&next, n * n);
    w.first = egi_take(&next, n);
    EG_TRY(draw_value(w.lambda, w.phi, d, &rng, err));
    egi_emit(out, 0, "leading", w.lambda[d - 1]);
    egi_emit(out, 0, "lowest", w.lambda[0]);
    draw_cube(w.y, n * d, 0.5, &rng);
    for (eg_index i = 0; i < n; i++)
        egi_mat_apply(w.z + i * d, w.phi, w.y + i * d, d, d);
    for (eg_index i = 0; i < n; i++) w.first[i] = w.z[i * d + d - 1];
    for (int64_t step = 0; step < o->steps; step++) {
        see(&w, (double)step * o->h);
        attend(w.P, w.y, w.y, n, d);
        advance(&w);
        if ((step + 1) % o->every == 0) emit_wide(&w, out, step + 1);
    }
done:
    eg_free(block);
    eg_free(w.group);
    return st;
}
