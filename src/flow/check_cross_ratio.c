/* Cross-ratios of distances, constants of motion at beta = 0. */
#include "flow/checks.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_cross_ratio
EG_FIELDS_TABLE(egi_flow_cross_ratio_fields, EG_FLOW_THEORY_CROSS_RATIO_FIELDS)

static double cross_ratio(const double *x, eg_index d, const eg_index *q)
{
    return sqrt(egi_dist2(x + q[0] * d, x + q[1] * d, d) *
                egi_dist2(x + q[2] * d, x + q[3] * d, d) /
                (egi_dist2(x + q[0] * d, x + q[2] * d, d) *
                 egi_dist2(x + q[1] * d, x + q[3] * d, d)));
}

/* Over all i, j, k, l that differ. */
static double largest_change(const double *x, const double *x0, eg_index n,
                             eg_index d)
{
    double worst = 0;

    for (eg_index s = 0; s < n * n * n * n; s++) {
        eg_index q[4] = {s % n, s / n % n, s / n / n % n, s / n / n / n};

        if (q[0] == q[1] || q[0] == q[2] || q[0] == q[3] || q[1] == q[2] ||
            q[1] == q[3] || q[2] == q[3])
            continue;
        worst = egi_most(
            worst, fabs(cross_ratio(x, d, q) / cross_ratio(x0, d, q) - 1));
    }
    return worst;
}

eg_status egi_flow_cross_ratio_run(const void *options, uint64_t seed,
                                   eg_pool *pool, const eg_theory_out *out,
                                   eg_err *err)
{
    const eg_flow_theory_cross_ratio *o = options;
    double times[2] = {0, o->t};
    int64_t dim[EG_STRS_MAX];
    int n_dims = 0;
    eg_status st = egi_list_ints(dim, &n_dims, &o->dims, 2, 1000, "dims", err);

    for (int i = 0; i < n_dims && st == EG_OK; i++) {
        eg_index n = (eg_index)o->n, d = (eg_index)dim[i];
        eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, (uint64_t)d, 0);
        double *x = eg_calloc((size_t)(2 * n * d), sizeof *x);
        eg_flow_spec spec = {.n = n, .d = d, .beta = o->beta};
        eg_flow_solve how = {
            .method = EG_FLOW_DOP853, .rtol = 1e-13, .atol = 1e-16};

        if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
        egi_sphere_draw(x, n, d, &rng);
        memcpy(x + n * d, x, (size_t)(n * d) * sizeof *x);
        st = egi_play(&spec, x, times, 2, &how, pool, err);
        if (st == EG_OK)
            egi_emit(out, d, "change", largest_change(x, x + n * d, n, d));
        eg_free(x);
    }
    return st;
}
