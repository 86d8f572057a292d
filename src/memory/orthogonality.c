/* Near-orthogonality of random vectors, and remapping by a random matrix. */
#include "memory/checks.h"
#include "memory/dense.h"
#include "memory/sweep.h"

#include <math.h>

#define EG_FIELDS_OWNER eg_theory_orthogonality
EG_FIELDS_TABLE(egi_orthogonality_fields, EG_THEORY_ORTHOGONALITY_FIELDS)

enum { DOT_STD, REMAP_STD, REMAP_NORM, NORM };
static const char *const names[] = {"dot_std", "remap_std", "remap_norm",
                                    "norm", NULL};

static double mean_norm(const double *w, eg_index n, eg_index d)
{
    double sum = 0;

    for (eg_index i = 0; i < n; i++) sum += egi_norm(w + i * d, d);
    return sum / (double)n;
}

/* Root mean square of the entries of g [n, n], the diagonal left out or in:
 * their mean is 0 in law. */
static double rms(const double *g, eg_index n, bool diagonal)
{
    double sum = 0;
    eg_index used = 0;

    for (eg_index i = 0; i < n; i++)
        for (eg_index j = 0; j < n; j++) {
            if (i == j && !diagonal) continue;
            sum += g[i * n + j] * g[i * n + j];
            used++;
        }
    return sqrt(sum / (double)used);
}

static eg_status one_draw(const void *ctx, int64_t at, eg_rng *rng,
                          double *value, eg_err *err)
{
    const eg_theory_orthogonality *o = ctx;
    eg_index n = (eg_index)o->d_vocab, d = (eg_index)at;
    double sd = 1 / sqrt((double)d);
    double *block =
        eg_calloc((size_t)(2 * n * d + d * d + n * n), sizeof *block);
    double *next = block, *w, *remapped, *w0, *g;

    if (!block) return EG_FAIL(err, EG_ENOMEM, "orthogonality at d = %td", d);
    w = egi_take(&next, n * d);
    remapped = egi_take(&next, n * d);
    w0 = egi_take(&next, d * d);
    g = egi_take(&next, n * n);
    egi_fill_normal(w, n * d, sd * sqrt(1 + o->impostor), rng);
    egi_fill_normal(w0, d * d, sd, rng);
    egi_mul_nt(remapped, w, w0, n, d, d); /* rows W_0 w_i */
    egi_mul_nt(g, w, w, n, n, d);
    value[DOT_STD] = rms(g, n, false) / sd;
    egi_mul_nt(g, w, remapped, n, n, d);
    value[REMAP_STD] = rms(g, n, true) / sd;
    value[REMAP_NORM] = mean_norm(remapped, n, d);
    value[NORM] = mean_norm(w, n, d);
    eg_free(block);
    return EG_OK;
}

eg_status egi_theory_orthogonality(const void *options, uint64_t seed,
                                   eg_pool *pool, const eg_theory_out *out,
                                   eg_err *err)
{
    const eg_theory_orthogonality *o = options;
    int64_t dims[EG_STRS_MAX];
    egi_sweep s = {.at = dims,
                   .draws = (int)o->draws,
                   .names = names,
                   .draw = one_draw,
                   .ctx = o};
    eg_status st = egi_list_ints(dims, &s.n, &o->dims, 1, 16384, "dims", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}
