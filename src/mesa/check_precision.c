/* The statement mesa_precision: MesaNet's state of keys in few digits. */
#include <math.h>
#include <string.h>

#include "base/sweep.h"
#include "engram/mem.h"
#include "mesa/checks.h"
#include "mesa/cholesky.h"
#include "mesa/keys.h"
#include "mesa/narrow.h"

#define EG_FIELDS_OWNER eg_theory_mesa_precision
EG_FIELDS_TABLE(egi_mesa_precision_fields, EG_THEORY_MESA_PRECISION_FIELDS)

/* In the order of egi_formats. */
static const char *const names[] = {"error_float32",      "solution_float32",
                                    "indefinite_float32", "error_bfloat16",
                                    "solution_bfloat16",  "indefinite_bfloat16",
                                    "error_float16",      "solution_float16",
                                    "indefinite_float16", NULL};

/* The largest |eigenvalue| of a symmetric matrix, by powers of its square: from
 * below, within a percent or so. v, w [d]. */
static double spectral(const double *a, eg_index d, double *v, double *w)
{
    double norm = 0;

    for (eg_index i = 0; i < d; i++) v[i] = 1 + 1e-3 * (double)(i % 7);
    for (int n = 0; n < 100; n++) {
        norm = 0;
        for (eg_index i = 0; i < d; i++) {
            w[i] = 0;
            for (eg_index j = 0; j < d; j++) w[i] += a[i * d + j] * v[j];
            norm += w[i] * w[i];
        }
        if (!(norm > 0) || !isfinite(norm)) return sqrt(norm);
        norm = sqrt(norm);
        for (eg_index i = 0; i < d; i++) v[i] = w[i] / norm;
    }
    return norm;
}

/* x of (h + lambda) x = q; false: not positive definite. l [d, d]. */
static bool solve(double *x, double *l, const double *h, const double *q,
                  eg_index d, double lambda)
{
    memcpy(l, h, (size_t)(d * d) * sizeof *l);
    for (eg_index i = 0; i < d; i++) l[i * (d + 1)] += lambda;
    if (!egi_cholesky(l, d)) return false;
    egi_cholesky_solve(x, l, q, d);
    return true;
}

typedef struct state {
    double *h, *part;            /* [d, d] in float64; of the chunk */
    double *narrow[EGI_FORMATS]; /* [d, d] */
    double *k, *x, *y, *l;       /* [d]; l [d, d] */
    eg_index d;
    double left; /* of the states since the last rounding */
} state;

/* The chunk's part goes into all states. */
static void fold(state *s)
{
    for (eg_index i = 0; i < s->d * s->d; i++) {
        s->h[i] = s->left * s->h[i] + s->part[i];
        for (int f = 0; f < EGI_FORMATS; f++)
            s->narrow[f][i] = egi_narrow(s->left * s->narrow[f][i] + s->part[i],
                                         &egi_formats[f]);
        s->part[i] = 0;
    }
    s->left = 1;
}

static void compare(const state *s, double lambda, double *value)
{
    double length = 0;

    solve(s->x, s->l, s->h, s->k, s->d, lambda);
    for (eg_index i = 0; i < s->d; i++) length += s->x[i] * s->x[i];
    for (int f = 0; f < EGI_FORMATS; f++) {
        double *to = value + (eg_index)3 * f, off = 0;
        bool positive = solve(s->y, s->l, s->narrow[f], s->k, s->d, lambda);

        for (eg_index i = 0; i < s->d; i++)
            off += (s->y[i] - s->x[i]) * (s->y[i] - s->x[i]);
        to[1] = positive ? sqrt(off / length) : 1;
        to[2] = positive ? 0 : 1;
        for (eg_index i = 0; i < s->d * s->d; i++)
            s->l[i] = s->narrow[f][i] - s->h[i];
        to[0] = spectral(s->l, s->d, s->y, s->part);
    }
}

/* A key into s->k; basis [d, rank] of the space it lies in, rank 0: all. z
 * [rank]. */
static void next_key(const state *s, const double *basis, eg_index rank,
                     double *z, egi_keys kind, eg_rng *rng)
{
    double sum = 0;

    egi_key_draw(rank > 0 ? z : s->k, rank > 0 ? rank : s->d, kind, rng);
    for (eg_index i = 0; rank > 0 && i < s->d; i++) {
        s->k[i] = 0;
        for (eg_index j = 0; j < rank; j++)
            s->k[i] += basis[i * rank + j] * z[j];
        sum += s->k[i] * s->k[i];
    }
    for (eg_index i = 0; rank > 0 && i < s->d; i++) s->k[i] /= sqrt(sum);
}

static eg_status one_draw(const void *ctx, int64_t at, eg_rng *rng,
                          double *value, eg_err *err)
{
    const eg_theory_mesa_precision *o = ctx;
    eg_index d = (eg_index)o->dim, all = d * d, rank = (eg_index)o->rank;
    double *block =
        eg_calloc((size_t)((EGI_FORMATS + 3) * all + 3 * d + (d + 1) * rank),
                  sizeof *block);
    double *next = block, *basis, *z;
    state s = {.d = d, .left = 1};

    if (!block) return EG_FAIL(err, EG_ENOMEM, "mesa_precision at d = %td", d);
    s.h = egi_take(&next, all);
    s.part = egi_take(&next, all);
    s.l = egi_take(&next, all);
    for (int f = 0; f < EGI_FORMATS; f++) s.narrow[f] = egi_take(&next, all);
    s.k = egi_take(&next, d);
    s.x = egi_take(&next, d);
    s.y = egi_take(&next, d);
    basis = egi_take(&next, d * rank);
    z = egi_take(&next, rank);
    for (eg_index i = 0; i < d * rank; i++) basis[i] = eg_rng_normal(rng);
    for (int64_t t = 1; t <= at; t++) {
        if (o->forget < 1) {
            for (eg_index i = 0; i < all; i++) s.part[i] *= o->forget;
            s.left *= o->forget;
        }
        next_key(&s, basis, rank, z, (egi_keys)o->keys, rng);
        egi_key_add(s.part, 1, s.k, d);
        if (t % o->chunk == 0 || t == at) fold(&s);
    }
    egi_key_draw(s.k, d, (egi_keys)o->keys, rng); /* asks */
    compare(&s, o->lambda, value);
    eg_free(block);
    return EG_OK;
}

eg_status egi_theory_mesa_precision(const void *options, uint64_t seed,
                                    eg_pool *pool, const eg_theory_out *out,
                                    eg_err *err)
{
    const eg_theory_mesa_precision *o = options;
    int64_t tokens[EG_STRS_MAX];
    egi_sweep s = {.at = tokens,
                   .draws = (int)o->draws,
                   .names = names,
                   .draw = one_draw,
                   .ctx = o};
    eg_status st =
        egi_list_ints(tokens, &s.n, &o->tokens, 1, 10000000, "tokens", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}
