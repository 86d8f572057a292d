/* Phase diagrams: ensembles of small systems at many temperatures
 * (2312.10794, Figures 3 to 5). */
#include "flow/checks.h"
#include "base/num.h"
#include "flow/special.h"

#include <math.h>
#include <stdio.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_phase
EG_FIELDS_TABLE(egi_flow_phase_fields, EG_FLOW_THEORY_PHASE_FIELDS)

static void emit_census(const eg_flow_census *c, double t, eg_index done,
                        bool dimension, int64_t at, const eg_theory_out *out)
{
    const struct {
        const char *name;
        double value;
    } number[] = {
        {"density_%g", c->density},       {"density_%g_sd", c->density_sd},
        {"components_%g", c->components}, {"together_%g", c->together},
        {"dimension_%g", c->dimension},   {"dimension_%g_sd", c->dimension_sd}};
    size_t n = sizeof number / sizeof *number - (dimension ? 0 : 2);
    char name[48];

    for (size_t i = 0; i < n; i++) {
        char time[24];
        const char *rest = number[i].name;
        int used = 0;

        /* The time in the place of %g. */
        (void)egi_snprintf(time, sizeof time, "%g", t);
        while (rest[used] != '%') used++;
        (void)snprintf(name, sizeof name, "%.*s%s%s", used, rest, time,
                       rest + used + 2);
        egi_emit(out, at, name, number[i].value);
    }
    for (int k = 1; k <= 4; k++) {
        (void)egi_snprintf(name, sizeof name, "clusters_%d_%g", k, t);
        egi_emit(out, at, name, (double)c->histogram[k] / (double)done);
    }
}

/* When equiangular tokens from an orthogonal start have met. */
static double boundary(const eg_flow_theory_phase *o, double beta)
{
    bool shifted = o->model == EG_FLOW_USA_SHIFTED;
    double t = egi_scalar_time(shifted ? EG_FLOW_USA : o->model, (double)o->n,
                               beta, o->delta);

    return shifted ? t * exp(beta) : t;
}

eg_status egi_flow_phase_run(const void *options, uint64_t seed, eg_pool *pool,
                             const eg_theory_out *out, eg_err *err)
{
    const eg_flow_theory_phase *o = options;
    eg_flow_census census[EG_STRS_MAX];
    double beta[EG_STRS_MAX], times[EG_STRS_MAX];
    int n_betas = 0, n_times = 0;
    eg_status st =
        egi_list_reals(beta, &n_betas, &o->betas, 0, 1000, "betas", err);

    if (st == EG_OK)
        st = egi_list_reals(times, &n_times, &o->times, 0, 1e6, "times", err);
    for (int i = 0; i < n_betas && st == EG_OK; i++) {
        eg_flow_ensemble e = {.model = o->model,
                              .n = (eg_index)o->n,
                              .d = (eg_index)o->d,
                              /* the same, without numbers so small that a
                               * processor takes a hundred times as long */
                              .beta = beta[i] < 1e-30 ? 0 : beta[i],
                              .h = o->h,
                              .method = o->method,
                              .delta = o->delta,
                              .draws = (eg_index)o->draws,
                              .seed = seed,
                              .scores = o->scores,
                              .values = o->values,
                              .columns = o->convention == 1,
                              .dimension = o->dimension,
                              .times = times,
                              .n_times = n_times};
        eg_index done = 0;

        if (egi_recall_step(out, egi_milli(beta[i]))) continue;
        if (!egi_progress(out, (double)i / n_betas)) break;
        st = eg_flow_ensemble_run(census, &done, &e, pool, NULL, NULL, err);
        for (int k = 0; k < n_times && st == EG_OK; k++)
            emit_census(&census[k], times[k], done, o->dimension,
                        egi_milli(beta[i]), out);
        if (st == EG_OK && beta[i] <= 300 && o->scores == 0 && o->values == 0)
            egi_emit(out, egi_milli(beta[i]), "boundary", boundary(o, beta[i]));
    }
    return st;
}
