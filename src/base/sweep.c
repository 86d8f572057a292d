/* The loop over sweep points and draws. */
#include "base/sweep.h"

#include "engram/mem.h"
#include "base/num.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

eg_status egi_list_ints(int64_t out[EG_STRS_MAX], int *n, const eg_strs *list,
                        int64_t lo, int64_t hi, const char *name, eg_err *err)
{
    if (list->n < 1)
        return EG_FAIL(err, EG_EINVAL, "%s: expected a number at least", name);
    for (int i = 0; i < list->n; i++) {
        char *end = NULL;
        long long v = strtoll(list->item[i], &end, 10);

        if (end == list->item[i] || *end || v < lo || v > hi)
            return EG_FAIL(err, EG_EINVAL,
                           "%s: '%s': expected whole numbers from %lld to "
                           "%lld",
                           name, list->item[i], (long long)lo, (long long)hi);
        out[i] = v;
    }
    *n = list->n;
    return EG_OK;
}

eg_status egi_list_reals(double out[EG_STRS_MAX], int *n, const eg_strs *list,
                         double lo, double hi, const char *name, eg_err *err)
{
    if (list->n < 1)
        return EG_FAIL(err, EG_EINVAL, "%s: expected a number at least", name);
    for (int i = 0; i < list->n; i++) {
        char *end = NULL;

        out[i] = egi_strtod(list->item[i], &end);
        if (end == list->item[i] || *end || !(out[i] >= lo && out[i] <= hi))
            return EG_FAIL(err, EG_EINVAL,
                           "%s: '%s': expected numbers from %g to %g", name,
                           list->item[i], lo, hi);
    }
    *n = list->n;
    return EG_OK;
}

bool egi_progress(const eg_theory_out *out, double done)
{
    return !out->progress || out->progress(out->ctx, done);
}

static bool on_record(const eg_theory_out *out, int64_t at, const char *name,
                      const char *tail, bool emit)
{
    char full[96];
    double value;

    (void)snprintf(full, sizeof full, "%s%s", name, tail);
    if (!out->recall(out->ctx, at, full, &value)) return false;
    if (emit) out->emit(out->ctx, at, full, value);
    return true;
}

bool egi_recall(const eg_theory_out *out, int64_t at, const char *const *names,
                bool sd)
{
    if (!out->recall || !names[0]) return false;
    for (int emit = 0; emit <= 1; emit++) /* all of them, or none */
        for (int k = 0; names[k]; k++)
            if (!on_record(out, at, names[k], "", emit) ||
                (sd && !on_record(out, at, names[k], "_sd", emit)))
                return false;
    return true;
}

bool egi_recall_step(const eg_theory_out *out, int64_t at)
{
    return out->recall && out->recall(out->ctx, at, NULL, NULL);
}

typedef struct point {
    const egi_sweep *sweep;
    uint64_t seed;
    int i;         /* which point */
    double *value; /* [draws, EGI_SWEEP_MAX_VALUES] */
    eg_status *st; /* [draws] */
    eg_err *err;   /* [draws] */
} point;

static void run_draw(void *ctx, int draw, int worker)
{
    point *p = ctx;
    const egi_sweep *s = p->sweep;
    eg_rng rng = eg_rng_make(p->seed, EG_RNG_THEORY, (uint64_t)s->at[p->i],
                             (uint32_t)draw);

    (void)worker;
    p->st[draw] = s->draw(s->ctx, s->at[p->i], &rng,
                          p->value + (eg_index)draw * EGI_SWEEP_MAX_VALUES,
                          &p->err[draw]);
}

void egi_sweep_emit(const double *value, int draws, int64_t at,
                    const char *const *names, const eg_theory_out *out)
{
    for (int k = 0; names[k]; k++) {
        double mean = 0, var = 0;
        char name[80];

        for (eg_index i = 0; i < draws; i++)
            mean += value[i * EGI_SWEEP_MAX_VALUES + k] / draws;
        for (eg_index i = 0; i < draws; i++) {
            double e = value[i * EGI_SWEEP_MAX_VALUES + k] - mean;

            var += e * e / (draws > 1 ? draws - 1 : 1);
        }
        out->emit(out->ctx, at, names[k], mean);
        if (draws == 1) continue;
        (void)snprintf(name, sizeof name, "%s_sd", names[k]);
        out->emit(out->ctx, at, name, sqrt(var));
    }
}

eg_status egi_sweep_run(const egi_sweep *s, uint64_t seed, eg_pool *pool,
                        const eg_theory_out *out, eg_err *err)
{
    size_t n = (size_t)s->draws;
    point p = {s,
               seed,
               0,
               eg_calloc(n * EGI_SWEEP_MAX_VALUES, sizeof(double)),
               eg_calloc(n, sizeof(eg_status)),
               eg_calloc(n, sizeof(eg_err))};
    eg_status st = EG_OK;

    if (!p.value || !p.st || !p.err) {
        st = EG_FAIL(err, EG_ENOMEM, "%d draws", s->draws);
        goto done;
    }
    for (p.i = 0; p.i < s->n; p.i++) {
        if (egi_recall(out, s->at[p.i], s->names, s->draws > 1)) continue;
        if (!egi_progress(out, (double)p.i / s->n)) break;
        eg_pool_run(pool, s->draws, run_draw, &p);
        for (int i = 0; i < s->draws; i++) {
            if (p.st[i] == EG_OK) continue;
            st = p.st[i];
            if (err) *err = p.err[i];
            goto done;
        }
        egi_sweep_emit(p.value, s->draws, s->at[p.i], s->names, out);
    }
done:
    eg_free(p.value);
    eg_free(p.st);
    eg_free(p.err);
    return st;
}
