/* The prequel in rescaled tokens (2305.05465): attention that turns Boolean,
 * hulls that shrink to polytopes, tokens on hyperplanes. */
#include "flow/checks.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "base/sort.h"

#define EG_FIELDS_OWNER eg_flow_theory_rescaled
EG_FIELDS_TABLE(egi_flow_rescaled_fields, EG_FLOW_THEORY_RESCALED_FIELDS)

typedef struct look {
    const eg_flow_theory_rescaled *o;
    const eg_theory_out *out;
    eg_flow *flow; /* for attention matrices */
    eg_index n, d, k;
    double *P;    /* [n, n] */
    double *left; /* [k, d] orthonormal basis of left eigenvectors */
    double *phi;  /* [n, k] */
    int *group;   /* [n] */
    bool *vertex; /* [n] */
    double hull;
    eg_status st;
    eg_err *err;
} look;

/* Rows of q orthonormal, by Gram and Schmidt, twice. */
static void orthonormalise(double *q, eg_index k, eg_index d)
{
    for (eg_index i = 0; i < k; i++) {
        double *a = q + i * d, length;

        for (int twice = 0; twice < 2; twice++)
            for (eg_index j = 0; j < i; j++) {
                double c = egi_dot(a, q + j * d, d);

                for (eg_index m = 0; m < d; m++) a[m] -= c * q[j * d + m];
            }
        length = sqrt(egi_dot(a, a, d));
        for (eg_index m = 0; m < d; m++) a[m] /= length;
    }
}

/* q [k, d] <- q (V + shift): subspace iteration to the k leading left
 * eigenvectors, those of largest real part where the shift is large; k = 1 is
 * then scaled to l.r = 1 for the unit right eigenvector r with r_0 > 0. */
static void left_eigenvectors(double *q, const double *V, eg_index k,
                              eg_index d, double *work)
{
    double shift = 0, *r = work, *next = work + d;

    for (eg_index i = 0; i < d * d; i++) shift += V[i] * V[i];
    shift = sqrt(shift);
    for (eg_index i = 0; i < k * d; i++)
        q[i] = cos(1 + 3.7 * (double)i); /* anything not special */
    for (eg_index m = 0; m < d; m++) r[m] = cos(2 + 2.3 * (double)m);
    orthonormalise(q, k, d);
    for (int round = 0; round < 4000; round++) {
        double length;

        for (eg_index i = 0; i < k; i++) {
            for (eg_index m = 0; m < d; m++) {
                next[m] = shift * q[i * d + m];
                for (eg_index j = 0; j < d; j++)
                    next[m] += q[i * d + j] * V[j * d + m];
            }
            memcpy(q + i * d, next, (size_t)d * sizeof *q);
        }
        orthonormalise(q, k, d);
        for (eg_index m = 0; m < d; m++)
            next[m] = shift * r[m] + egi_dot(V + m * d, r, d);
        length = copysign(sqrt(egi_dot(next, next, d)), next[0]);
        for (eg_index m = 0; m < d; m++) r[m] = next[m] / length;
    }
    if (k == 1) {
        double scale = egi_dot(q, r, d);

        for (eg_index m = 0; m < d; m++) q[m] /= scale;
    }
}

static void emit_attention(look *l, int64_t at)
{
    eg_index rank = 0;
    double worst = 0;

    for (eg_index i = 0; i < l->n * l->n; i++)
        worst = egi_most(worst, egi_least(l->P[i], 1 - l->P[i]));
    egi_emit(l->out, at, "boolean", worst);
    egi_emit(l->out, at, "entropy", eg_flow_row_entropy(l->P, l->n));
    l->st = eg_flow_numerical_rank(&rank, l->P, l->n, l->n, l->err);
    if (l->st == EG_OK) egi_emit(l->out, at, "rank", (double)rank);
}

/* How far tokens are from S = {|z|^2 = max_j <z, v_j>}. */
static double off_candidates(const double *z, eg_index n, eg_index d)
{
    double worst = 0;

    for (eg_index i = 0; i < n; i++) {
        const double *zi = z + i * d;
        double square = egi_dot(zi, zi, d), most = square;

        for (eg_index j = 0; j < n; j++)
            most = egi_most(most, egi_dot(zi, z + j * d, d));
        worst = egi_most(worst, (most - square) / square);
    }
    return worst;
}

/* k = 1: distances from the nearest of lowest, 0 and highest phi. */
static void emit_levels(look *l, int64_t at)
{
    double low = INFINITY, high = -(double)INFINITY;
    int below = 0;

    for (eg_index i = 0; i < l->n; i++) {
        low = egi_least(low, l->phi[i]);
        high = egi_most(high, l->phi[i]);
        below += l->phi[i] < 0;
    }
    for (eg_index i = 0; i < l->n; i++) {
        double v = l->phi[i];

        l->phi[i] = egi_least(fabs(v), egi_least(v - low, high - v));
    }
    egi_sort(l->phi, l->n);
    egi_emit(l->out, at, "low", low);
    egi_emit(l->out, at, "high", high);
    egi_emit(l->out, at, "n_low", below);
    egi_emit(l->out, at, "three", l->phi[l->n - 1]);
    egi_emit(l->out, at, "three_by_rank", l->phi[l->n / 2]);
}

/* Groups of phi: tokens closer than join times the range are together. */
static int count_groups(look *l)
{
    double range = 0, reach;
    int groups = 0;

    for (eg_index i = 0; i < l->n; i++)
        for (eg_index j = 0; j < i; j++)
            range = egi_most(
                range, egi_dist2(l->phi + i * l->k, l->phi + j * l->k, l->k));
    reach = range * l->o->join * l->o->join;
    for (eg_index i = 0; i < l->n; i++) l->group[i] = (int)i;
    for (eg_index i = 0; i < l->n; i++)
        for (eg_index j = 0; j < l->n; j++) {
            int from = l->group[j], to = l->group[i];

            if (from == to ||
                egi_dist2(l->phi + i * l->k, l->phi + j * l->k, l->k) > reach)
                continue;
            for (eg_index m = 0; m < l->n; m++)
                if (l->group[m] == from) l->group[m] = to;
        }
    for (eg_index i = 0; i < l->n; i++) groups += l->group[i] == (int)i;
    return groups;
}

static void emit_hull(look *l, int64_t at, eg_index i, const double *z)
{
    double size = 0;
    int vertices = 0;

    if (l->d > 3) return;
    l->st = eg_flow_hull(&size, l->vertex, z, l->n, l->d, l->err);
    if (l->st != EG_OK) return;
    for (eg_index k = 0; k < l->n; k++) vertices += l->vertex[k];
    egi_emit(l->out, at, "hull", size);
    egi_emit(l->out, at, "vertices", vertices);
    if (i > 0) egi_emit(l->out, at, "shrunk", l->hull - size);
    l->hull = size;
}

static bool emit_state(void *ctx, eg_index i, double t, const double *z)
{
    look *l = ctx;
    int64_t at = egi_milli(t);
    double square = 0;

    emit_hull(l, at, i, z);
    if (l->st != EG_OK) return false;
    eg_flow_attention(l->flow, t, z, 0, l->P);
    emit_attention(l, at);
    if (l->st != EG_OK) return false;
    egi_emit(l->out, at, "candidates", off_candidates(z, l->n, l->d));
    for (eg_index a = 0; a < l->n; a++) {
        double last = z[a * l->d + l->d - 1];

        square += last * last / (double)l->n;
        for (eg_index k = 0; k < l->k; k++)
            l->phi[a * l->k + k] =
                egi_dot(l->left + k * l->d, z + a * l->d, l->d);
    }
    egi_emit(l->out, at, "coordinate", sqrt(square));
    egi_emit(l->out, at, "groups", count_groups(l));
    if (l->k == 1) emit_levels(l, at);
    return true;
}

static eg_status read_matrix(double *V, const eg_flow_theory_rescaled *o,
                             eg_index d, eg_err *err)
{
    double v[EG_STRS_MAX];
    int n = 0;
    eg_status st = EG_OK;

    for (eg_index i = 0; i < d; i++) V[i * d + i] = 1;
    if (o->V.n == 0) return EG_OK;
    st = egi_list_reals(v, &n, &o->V, -1e6, 1e6, "V", err);
    if (st == EG_OK && n != d * d)
        st = EG_FAIL(err, EG_EINVAL, "V: expected %td numbers, found %d", d * d,
                     n);
    if (st == EG_OK) memcpy(V, v, (size_t)(d * d) * sizeof *V);
    return st;
}

eg_status egi_flow_rescaled_run(const void *options, uint64_t seed,
                                eg_pool *pool, const eg_theory_out *out,
                                eg_err *err)
{
    const eg_flow_theory_rescaled *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    look l = {.o = o,
              .out = out,
              .d = d,
              .k = o->k < o->d ? (eg_index)o->k : d,
              .err = err};
    double *x = NULL, *block = NULL, *V = NULL;
    egi_clock c = {0};
    eg_status st = egi_clock_read(&c, &o->times, err);
    eg_flow_spec spec = {.d = d, .beta = 1, .space = EG_FLOW_RESCALED};
    eg_flow_solve how = {.method = EG_FLOW_DOP853,
                         .rtol = o->rtol,
                         .atol = o->rtol / 100,
                         .output = emit_state,
                         .ctx = &l};

    if (st != EG_OK) return st;
    if (o->x0.n > 0)
        EG_TRY(egi_tokens_read(&x, &n, &o->x0, d, "x0", err));
    else
        x = eg_calloc((size_t)(n * d), sizeof *x);
    l.n = spec.n = n;
    block =
        eg_calloc((size_t)(n * n + n * d + 3 * d * d + 2 * d), sizeof *block);
    l.group = eg_calloc((size_t)n, sizeof *l.group);
    l.vertex = eg_calloc((size_t)n, sizeof *l.vertex);
    if (!x || !block || !l.group || !l.vertex) {
        st = EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
        goto done;
    }
    for (eg_index i = 0; o->x0.n == 0 && i < n * d; i++)
        x[i] = o->side * (2 * eg_rng_uniform(&rng) - 1);
    l.P = block;
    l.phi = l.P + n * n;
    V = l.phi + n * d;
    l.left = V + d * d;
    EG_TRY(read_matrix(V, o, d, err));
    left_eigenvectors(l.left, V, l.k, d, l.left + d * d);
    spec.V = V;
    EG_TRY(eg_flow_new(&l.flow, &spec, NULL, err));
    st = egi_play(&spec, x, c.t, c.n, &how, pool, err);
    if (st == EG_OK) st = l.st;
done:
    eg_flow_free(l.flow);
    eg_free(x);
    eg_free(block);
    eg_free(l.group);
    eg_free(l.vertex);
    return st;
}
