/* Power laws of an answer against a swept key. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "energy/power_fit.h"
#include "engram/mem.h"
#include "engram/rng.h"
#include "engram/text.h"
#include "lab/aggregate_priv.h"

/* The pairs of one law; the runs of a setting stand together. */
typedef struct pairs {
    double *x, *y;
    double *drawn_y;
    int *first, *count; /* of each setting */
    int n, n_settings;
} pairs;

static eg_status pairs_init(pairs *p, const eg_ensemble *x, eg_err *err)
{
    size_t runs = (size_t)x->n_runs, settings = (size_t)x->n_settings;

    *p = (pairs){.x = eg_calloc(3 * runs, sizeof *p->x),
                 .first = eg_calloc(2 * settings, sizeof *p->first)};
    if (!p->x || !p->first) return EG_FAIL(err, EG_ENOMEM, "power laws");
    p->y = p->x + runs;
    p->drawn_y = p->x + 2 * runs;
    p->count = p->first + settings;
    return EG_OK;
}

static void pairs_release(pairs *p)
{
    eg_free(p->x);
    eg_free(p->first);
}

/* Do two settings agree in all axes but one? */
static bool same_but(const eg_ensemble *x, int a, int b, int axis)
{
    for (int i = 0; i < x->n_axes; i++)
        if (i != axis && x->setting[a].at[i] != x->setting[b].at[i])
            return false;
    return true;
}

static eg_status make_label(eg_law *law, const eg_ensemble *x, int setting,
                            int axis, eg_err *err)
{
    const int *at = x->setting[setting].at;
    size_t size = 1, used = 0;

    for (int i = 0; i < x->n_axes; i++)
        size += strlen(x->axis[i].key) + strlen(x->axis[i].value[at[i]]) + 2;
    law->label = eg_calloc(size, 1);
    if (!law->label) return EG_FAIL(err, EG_ENOMEM, "the name of a law");
    for (int i = 0; i < x->n_axes; i++)
        if (i != axis)
            used += (size_t)snprintf(law->label + used, size - used, "%s%s=%s",
                                     used ? " " : "", x->axis[i].key,
                                     x->axis[i].value[at[i]]);
    return EG_OK;
}

/* The pairs of one setting; what is no positive number is told in law. */
static void add_setting(pairs *p, eg_law *law, const eg_ensemble *x,
                        const eg_answer *a, int setting, int axis)
{
    const eg_ensemble_setting *s = &x->setting[setting];
    int before = p->n;

    for (int r = 0; r < s->n_runs; r++) {
        double v = a->value[r];

        if (isnan(v)) {
            law->n_missing++;
            continue;
        }
        if (!isfinite(v))
            snprintf(law->why, sizeof law->why,
                     "an event that never happened has no place in a power "
                     "law");
        else if (v <= 0)
            snprintf(law->why, sizeof law->why,
                     "expected positive answers, found one that is not");
        p->x[p->n] = x->axis[axis].number[s->at[axis]];
        p->y[p->n++] = v;
    }
    if (p->n == before) return;
    p->first[p->n_settings] = before;
    p->count[p->n_settings++] = p->n - before;
}

/* Runs of every setting with replacement, the keys as they are. */
static void draw(pairs *p, uint64_t seed, int b)
{
    for (int s = 0; s < p->n_settings; s++) {
        eg_rng r =
            eg_rng_make(seed, EG_RNG_BOOTSTRAP, (uint64_t)b, (uint32_t)s + 1);
        uint32_t n = (uint32_t)p->count[s];

        for (int i = 0; i < p->count[s]; i++)
            p->drawn_y[p->first[s] + i] =
                p->y[p->first[s] + (int)eg_rng_below(&r, n)];
    }
}

/* A setting of one run has nothing to draw from: no interval then. */
static bool can_draw(const pairs *p)
{
    for (int s = 0; s < p->n_settings; s++)
        if (p->count[s] < 2) return false;
    return true;
}

static eg_status resample(eg_law *law, pairs *p, const eg_bootstrap *how,
                          eg_err *err)
{
    int B = how->resamples;
    double *v = eg_calloc(2 * (size_t)B, sizeof *v);
    eg_status st = EG_OK;

    if (!v) return EG_FAIL(err, EG_ENOMEM, "%d resamples", B);
    for (int b = 0; b < B && st == EG_OK; b++) {
        eg_power_fit line;

        draw(p, how->seed, b);
        st = egi_power_line(&line, p->x, p->drawn_y, p->n, err);
        if (st != EG_OK) break;
        v[b] = line.slope;
        v[B + b] = exp(line.intercept);
    }
    if (st == EG_OK) {
        egi_interval(&law->slope_low, &law->slope_high, v, B, how->confidence);
        egi_interval(&law->factor_low, &law->factor_high, v + B, B,
                     how->confidence);
    }
    eg_free(v);
    return st;
}

static eg_status fit(eg_law *law, pairs *p, const eg_bootstrap *how,
                     eg_err *err)
{
    const double none = (double)NAN;
    eg_err why = {0};

    law->n = p->n;
    law->slope_low = law->slope_high = none;
    law->factor = law->factor_low = law->factor_high = none;
    law->line = (eg_power_fit){.slope = none,
                               .intercept = none,
                               .se = none,
                               .low = none,
                               .high = none,
                               .residual = none};
    if (law->why[0]) return EG_OK;
    if (eg_power_fit_pairs(&law->line, p->x, p->y, p->n, how->confidence,
                           &why) != EG_OK) {
        eg_text_copy(law->why, sizeof law->why, why.msg);
        return EG_OK;
    }
    law->factor = exp(law->line.intercept);
    return can_draw(p) ? resample(law, p, how, err) : EG_OK;
}

static eg_status check_axis(const eg_ensemble *x, int axis, eg_err *err)
{
    const eg_ensemble_axis *a = &x->axis[axis];

    for (int i = 0; i < a->n; i++)
        if (!(a->number[i] > 0 && isfinite(a->number[i])))
            return EG_FAIL(err, EG_EINVAL,
                           "a power law against %s: expected positive numbers, "
                           "found %s",
                           a->key, a->value[i]);
    return EG_OK;
}

eg_status eg_laws_make(eg_law **laws, int *n, const eg_ensemble *x,
                       const eg_aggregate *a, int question, int axis,
                       const eg_bootstrap *how, eg_err *err)
{
    eg_law *law = eg_calloc((size_t)x->n_settings, sizeof *law);
    bool *done = eg_calloc((size_t)x->n_settings, sizeof *done);
    int count = 0;
    pairs p = {0};
    eg_bootstrap b;
    eg_status st = check_axis(x, axis, err);

    if (st == EG_OK) st = egi_bootstrap_check(&b, how, EG_RESAMPLES, err);
    if (st == EG_OK) st = pairs_init(&p, x, err);
    if (st == EG_OK && (!law || !done))
        st = EG_FAIL(err, EG_ENOMEM, "power laws");
    for (int s = 0; st == EG_OK && s < x->n_settings; s++) {
        if (done[s]) continue;
        p.n = p.n_settings = 0;
        for (int t = s; t < x->n_settings; t++) {
            if (!same_but(x, s, t, axis)) continue;
            done[t] = true;
            add_setting(&p, &law[count], x, eg_aggregate_at(a, question, t), t,
                        axis);
        }
        st = make_label(&law[count], x, s, axis, err);
        if (st == EG_OK) st = fit(&law[count], &p, &b, err);
        count++;
    }
    pairs_release(&p);
    eg_free(done);
    if (st != EG_OK) eg_laws_free(law, count);
    *laws = st == EG_OK ? law : NULL;
    *n = st == EG_OK ? count : 0;
    return st;
}

void eg_laws_free(eg_law *laws, int n)
{
    for (int i = 0; laws && i < n; i++) eg_free(laws[i].label);
    eg_free(laws);
}
