/* What the numbers of several runs come to: mean, median and intervals by the
 * bootstrap. Runs whose event never happened are right-censored. */
#include "lab/aggregate_priv.h"

#include <math.h>
#include <stdlib.h>
#include "engram/mem.h"
#include "engram/rng.h"
#include "base/sort.h"

/* A run that has something to say, by time: a number, or how long it was
 * watched in vain. */
typedef struct item {
    double t;
    bool event;
} item;

typedef struct sample {
    item *item; /* [n], ascending, events first among equals */
    int n, n_never;
    int *count; /* [n]: how often each was drawn */
} sample;

static int by_time(const void *a, const void *b)
{
    const item *x = a, *y = b;

    if (x->t != y->t) return x->t < y->t ? -1 : 1;
    return (int)y->event - (int)x->event;
}

eg_status egi_bootstrap_check(eg_bootstrap *out, const eg_bootstrap *how,
                              int resamples, eg_err *err)
{
    *out = how ? *how : (eg_bootstrap){0};
    if (out->confidence == 0) out->confidence = 0.95;
    if (out->resamples == 0) out->resamples = resamples;
    if (!(out->confidence > 0 && out->confidence < 1))
        return EG_FAIL(err, EG_EINVAL,
                       "confidence: expected a number between 0 and 1, found "
                       "%g",
                       out->confidence);
    if (out->resamples < EG_RESAMPLES_MIN || out->resamples > EG_RESAMPLES_MAX)
        return EG_FAIL(err, EG_EINVAL, "resamples: expected %d to %d, found %d",
                       EG_RESAMPLES_MIN, EG_RESAMPLES_MAX, out->resamples);
    return EG_OK;
}

void egi_interval(double *low, double *high, double *v, int n,
                  double confidence)
{
    int k = (int)floor(n * (1 - confidence) / 2);

    egi_sort(v, n);
    *low = v[k];
    *high = v[n - 1 - k];
}

/* The same draws for whatever is asked of n runs. */
static void draw(sample *s, uint64_t seed, int b)
{
    eg_rng r = eg_rng_make(seed, EG_RNG_BOOTSTRAP, (uint64_t)b, 0);

    for (int i = 0; i < s->n; i++) s->count[i] = 0;
    for (int i = 0; i < s->n; i++) s->count[eg_rng_below(&r, (uint32_t)s->n)]++;
}

static void draw_each_once(sample *s)
{
    for (int i = 0; i < s->n; i++) s->count[i] = 1;
}

static double mean_of(const sample *s)
{
    double sum = 0;

    for (int i = 0; i < s->n; i++) sum += s->count[i] * s->item[i].t;
    return sum / s->n;
}

/* Kaplan and Meier: S falls by the share of those still watched whose event is
 * at t; the median is where S falls below a half. Where it rests on a half, the
 * middle of that stretch, as between the two middle ones of an even number. */
static double median_of(const sample *s)
{
    const double eps = 1e-9;
    double S = 1, half = HUGE_VAL;
    int at_risk = s->n;

    for (int i = 0; i < s->n;) {
        double t = s->item[i].t;
        int events = 0, leaving = 0;

        for (; i < s->n && s->item[i].t == t; i++) {
            leaving += s->count[i];
            if (s->item[i].event) events += s->count[i];
        }
        if (events > 0) {
            if (half < HUGE_VAL) return (half + t) / 2;
            S *= 1 - (double)events / at_risk;
            if (S < 0.5 - eps) return t;
            if (S < 0.5 + eps) half = t;
        }
        at_risk -= leaving;
    }
    return half;
}

static double sd_of(const sample *s, double mean)
{
    double squares = 0;

    for (int i = 0; i < s->n; i++)
        squares += (s->item[i].t - mean) * (s->item[i].t - mean);
    return s->n > 1 ? sqrt(squares / (s->n - 1)) : (double)NAN;
}

static void take(sample *s, eg_estimate *out, const double *value,
                 const double *until, int n)
{
    out->min = HUGE_VAL;
    out->max = -HUGE_VAL;
    for (int i = 0; i < n; i++) {
        double v = value[i];
        bool never = isinf(v) && v > 0;

        if (!never && !isfinite(v)) {
            out->n_missing++;
            continue;
        }
        out->min = fmin(out->min, v);
        out->max = fmax(out->max, v);
        if (never && until) v = until[i];
        s->n_never += never;
        s->item[s->n++] = (item){v, !never};
    }
    out->n_never = s->n_never;
    out->n = s->n - s->n_never;
    qsort(s->item, (size_t)s->n, sizeof *s->item, by_time);
}

static eg_status resample(eg_estimate *out, sample *s, const eg_bootstrap *how,
                          bool medians, eg_err *err)
{
    int B = how->resamples;
    double *v = eg_calloc(2 * (size_t)B, sizeof *v);

    if (!v) return EG_FAIL(err, EG_ENOMEM, "%d resamples", B);
    for (int b = 0; b < B; b++) {
        draw(s, how->seed, b);
        if (!s->n_never) v[b] = mean_of(s);
        if (medians) v[B + b] = median_of(s);
    }
    if (!s->n_never)
        egi_interval(&out->mean_low, &out->mean_high, v, B, how->confidence);
    if (medians)
        egi_interval(&out->median_low, &out->median_high, v + B, B,
                     how->confidence);
    eg_free(v);
    return EG_OK;
}

eg_status egi_estimate(eg_estimate *out, const double *value,
                       const double *until, int n, const eg_bootstrap *how,
                       bool medians, eg_err *err)
{
    const double none = (double)NAN;
    sample s = {.item = eg_calloc((size_t)n, sizeof *s.item),
                .count = eg_calloc((size_t)n, sizeof *s.count)};
    eg_status st = EG_OK;

    *out = (eg_estimate){.mean = none,
                         .mean_low = none,
                         .mean_high = none,
                         .median = none,
                         .median_low = none,
                         .median_high = none,
                         .sd = none};
    if (!s.item || !s.count) {
        st = EG_FAIL(err, EG_ENOMEM, "%d numbers", n);
        goto done;
    }
    take(&s, out, value, until, n);
    if (s.n == 0) out->min = out->max = none;
    if (s.n == 0) goto done;
    draw_each_once(&s);
    if (!s.n_never) out->mean = mean_of(&s);
    if (!s.n_never) out->sd = sd_of(&s, out->mean);
    out->median = median_of(&s);
    if (s.n > 1) st = resample(out, &s, how, medians, err);
done:
    eg_free(s.item);
    eg_free(s.count);
    return st;
}

eg_status eg_estimate_make(eg_estimate *out, const double *value,
                           const double *until, int n, const eg_bootstrap *how,
                           eg_err *err)
{
    eg_bootstrap b;
    eg_status st = egi_bootstrap_check(&b, how, EG_RESAMPLES, err);

    if (st != EG_OK) return st;
    return egi_estimate(out, value, until, n, &b, true, err);
}
