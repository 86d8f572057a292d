/* The way sums over tokens are formed. */
#include "flow/choose.h"

#include <math.h>
#include <stdio.h>

#include "engram/mem.h"
#include "base/num.h"

static const double safe_negative = 40; /* exp(-2 beta) in float32 */

/* Why the sums of sums.h cannot serve; NULL where they can. They take scores
 * that are multiples of <x,y>, of unit vectors, over all tokens. */
static const char *obstacle(const eg_flow *f)
{
    const eg_flow_spec *s = &f->spec;
    double beta = s->beta * f->head[0].b;

    if (s->space != EG_FLOW_SPHERE) return "tokens are not on the sphere";
    if (s->causal) return "the sums are causal";
    if (s->n_heads > 1) return "there are several heads";
    if (s->n_intervals > 1) return "matrices change";
    if (f->head[0].B) return "scores are general";
    if (s->model == EG_FLOW_SA && beta < -safe_negative)
        return "sums of exponentials would vanish at this beta < 0";
    for (eg_index i = 0; s->mass && i < s->n; i++)
        if (s->mass[i] == 0) return "some masses are 0";
    return NULL;
}

/* Rounding of rows_sum relative to the largest weight: partial sums of a tile
 * over lanes, tiles one after another, scores off by u times their size. */
static double rows_error(const eg_flow *f)
{
    double n = (double)f->spec.n, beta = fabs(f->spec.beta);

    return 0x1p-53 * (8 + n / EGI_TILE + 2 * beta);
}

static eg_status choose_rows(eg_flow *f, const char *why, eg_err *err)
{
    const eg_flow_spec *s = &f->spec;

    if (s->sum == EG_FLOW_SUM_FOURIER || s->sum == EG_FLOW_SUM_HARMONICS)
        return EG_FAIL(err, EG_EINVAL,
                       "sum: expected auto or direct: a series does not serve, "
                       "since %s",
                       why);
    if (s->precision != 0)
        return EG_FAIL(err, EG_EINVAL, "precision: expected float64, since %s",
                       why);
    (void)egi_snprintf(
        f->why, sizeof f->why,
        "direct sums row by row in float64 (%s), the largest score "
        "subtracted: rounding below %.1e of the largest weight",
        why, rows_error(f));
    return EG_OK;
}

eg_status egi_choose(eg_flow *f, eg_err *err)
{
    eg_status st = EG_OK;
    const eg_flow_spec *s = &f->spec;
    double beta = s->beta * f->head[0].b;
    const char *why = obstacle(f);
    egi_sums_plan plan;

    if (why) return choose_rows(f, why, err);
    EG_TRY(egi_sums_choose(&plan, s->sum, s->n, s->d, beta, s->model,
                           s->precision, s->sum_tol, err));
    plan.kern = s->kern;
    EG_TRY(egi_sums_new(&f->sums, &plan, s->n, s->d, beta, s->precision,
                        f->pool, err));
    f->single = s->precision != 0 && plan.kind == EG_FLOW_SUM_DIRECT;
    f->S = eg_calloc((size_t)s->n, sizeof *f->S);
    if (!f->S) return EG_FAIL(err, EG_ENOMEM, "sums over %td tokens", s->n);
    (void)snprintf(f->why, sizeof f->why, "%s", plan.why);
done:
    return st;
}

double egi_sums_factor(const eg_flow *f, eg_index i)
{
    double size = fabs(f->spec.beta * f->head[0].b);

    switch (f->spec.model) {
    case EG_FLOW_USA:
        return exp(size) / f->total_mass;
    case EG_FLOW_USA_SHIFTED:
        return exp(size - f->spec.beta) / f->total_mass;
    default:
        return 1 / f->S[i];
    }
}
