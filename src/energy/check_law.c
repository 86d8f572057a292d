/* The statement energy_law: parameters N against tokens D*, fitted, and beside
 * it what the derivation of N = O(D^2) says when its own numbers are put in. */
#include <math.h>

#include "base/sweep.h"
#include "energy/checks.h"

#define EG_FIELDS_OWNER eg_theory_energy_law
EG_FIELDS_TABLE(egi_energy_law_fields, EG_THEORY_ENERGY_LAW_FIELDS)

typedef struct law {
    const eg_theory_energy_law *o;
    const eg_theory_out *out;
    double N[EG_STRS_MAX], D[EG_STRS_MAX], width[EG_STRS_MAX];
    int n, n_widths;
} law;

static eg_status read_options(law *l, eg_err *err)
{
    const eg_theory_energy_law *o = l->o;
    int n = 0;
    eg_status st;

    EG_TRY(egi_list_reals(l->N, &l->n, &o->parameters, 1e-300, 1e300,
                          "parameters", err));
    EG_TRY(egi_list_reals(l->D, &n, &o->tokens, 1e-300, 1e300, "tokens", err));
    if (n != l->n)
        return EG_FAIL(err, EG_EINVAL,
                       "tokens: expected %d numbers, one for each of "
                       "parameters, found %d",
                       l->n, n);
    EG_TRY(egi_list_reals(l->width, &l->n_widths, &o->widths, 1, 1e9, "widths",
                          err));
    if (l->n_widths < 2)
        st = EG_FAIL(err, EG_EINVAL, "widths: expected two at least");
done:
    return st;
}

/* The slope of log N over log D for models of these widths and a fixed depth,
 * and the largest change of D with depth, by the derivation. */
static eg_status derive(const law *l, eg_err *err)
{
    const eg_theory_energy_law *o = l->o;
    double N[EG_STRS_MAX], D[EG_STRS_MAX], T = (double)o->n_ctx;
    eg_power_fit fit;
    eg_status st;

    for (int i = 0; i < l->n_widths; i++) {
        double w = l->width[i];

        N[i] = o->expansion * (double)o->layers * w * w;
        D[i] = eg_edge_tokens(w, T);
        l->out->emit(l->out->ctx, i + 1, "edge", D[i]);
        l->out->emit(l->out->ctx, i + 1, "bracket",
                     eg_law_bracket(o->expansion, (double)o->layers, w, T));
        l->out->emit(l->out->ctx, i + 1, "edge_ratio", N[i] / (D[i] * D[i]));
    }
    EG_TRY(eg_power_fit_pairs(&fit, D, N, l->n_widths, o->confidence, err));
    l->out->emit(l->out->ctx, 0, "width_slope", fit.slope);
done:
    return st;
}

eg_status egi_theory_energy_law(const void *options, uint64_t seed,
                                eg_pool *pool, const eg_theory_out *out,
                                eg_err *err)
{
    law l = {.o = options, .out = out};
    eg_power_fit fit;
    eg_status st;

    (void)seed;
    (void)pool;
    EG_TRY(read_options(&l, err));
    EG_TRY(eg_power_fit_pairs(&fit, l.D, l.N, l.n, l.o->confidence, err));
    if (!egi_progress(out, 0)) return EG_OK;
    for (int i = 0; i < l.n; i++)
        out->emit(out->ctx, i + 1, "ratio", l.N[i] / (l.D[i] * l.D[i]));
    out->emit(out->ctx, 0, "slope", fit.slope);
    if (l.n > 2) {
        out->emit(out->ctx, 0, "slope_se", fit.se);
        out->emit(out->ctx, 0, "slope_low", fit.low);
        out->emit(out->ctx, 0, "slope_high", fit.high);
    }
    EG_TRY(derive(&l, err));
done:
    return st;
}
