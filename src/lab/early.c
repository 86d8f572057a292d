/* See early.h. */
#include "lab/early.h"

#include <math.h>
#include <string.h>

#include "engram/text.h"
#include "base/num.h"
#include "lab/run_priv.h"

/* What says when to stop is there; nothing asks for it. */
static eg_status idle(const eg_train_opts *opts, eg_err *err)
{
    const char *key = opts->stop_metric[0]                           ? "metric"
                      : opts->stop_value < 0 || opts->stop_value > 0 ? "value"
                                                                     : NULL;

    if (!key) return EG_OK;
    return EG_FAIL(
        err, EG_EINVAL,
        "train.stop_%s: is set, but train.stop, which would read it, "
        "is none",
        key);
}

eg_status egi_early_init(egi_early *e, const eg_train_opts *opts, eg_err *err)
{
    *e = (egi_early){.opts = opts};
    if (opts->stop == EG_STOP_NONE) return idle(opts, err);
    if (opts->stop_metric[0]) return EG_OK;
    return EG_FAIL(err, EG_EINVAL,
                   "train.stop: expected a metric in train.stop_metric, found "
                   "none");
}

/* One more measurement of a metric that is to become lower (sign 1) or higher
 * (-1); one that is not finite is no better. */
static bool worn_out(egi_early *e, double v, double sign)
{
    bool first = e->n == 1 || !isfinite(e->best);

    if (isfinite(v) &&
        (first || sign * v < sign * e->best - e->opts->stop_min_delta)) {
        e->best = v;
        e->since = 0;
        return false;
    }
    return ++e->since >= e->opts->stop_patience;
}

static void look(egi_early *e, int64_t step, double v)
{
    const eg_train_opts *o = e->opts;
    bool met = false;

    if (e->met) return;
    if (!isfinite(v)) v = (double)NAN; /* as it reads back */
    if (e->n++ == 0) e->best = (double)NAN;
    if (o->stop == EG_STOP_BELOW) met = v < o->stop_value;
    if (o->stop == EG_STOP_ABOVE) met = v > o->stop_value;
    if (o->stop == EG_STOP_LOWEST) met = worn_out(e, v, 1);
    if (o->stop == EG_STOP_HIGHEST) met = worn_out(e, v, -1);
    e->met = met && step + 1 >= o->stop_at_least;
    e->step = step;
    e->value = v;
}

static eg_status unknown(const eg_row *row, const char *asked, eg_err *err)
{
    eg_nearest near = {.asked = asked};

    for (int i = 0; i < row->n; i++) eg_nearest_try(&near, row->cell[i].name);
    return EG_FAIL(err, EG_EINVAL,
                   "train.stop_metric: '%.*s' is not measured at the first "
                   "step%s%s%s",
                   eg_text_fit(asked, 80), asked,
                   near.best ? "; did you mean '" : "",
                   near.best ? near.best : "", near.best ? "'?" : "");
}

eg_status egi_early_row(egi_early *e, const eg_row *row, eg_err *err)
{
    const char *name = e->opts->stop_metric;

    if (e->opts->stop == EG_STOP_NONE) return EG_OK;
    for (int i = 0; i < row->n; i++)
        if (strcmp(row->cell[i].name, name) == 0) {
            look(e, row->step, row->cell[i].value);
            return EG_OK;
        }
    return row->step == 0 ? unknown(row, name, err) : EG_OK;
}

bool egi_early_counts(const egi_early *e, const eg_probes *probes, int64_t step)
{
    return eg_probes_due(probes, step, e->opts->steps);
}

eg_status egi_early_replay(egi_early *e, const eg_folder *run,
                           const eg_probes *probes, eg_err *err)
{
    const eg_series *s;
    eg_metrics m;
    eg_status st;

    if (e->opts->stop == EG_STOP_NONE) return EG_OK;
    st = egi_metrics_read_in(&m, run, false, NULL, err);
    if (st != EG_OK) return st;
    s = eg_metrics_find(&m, e->opts->stop_metric);
    for (int i = 0; s && i < s->n; i++)
        if (egi_early_counts(e, probes, (int64_t)s->step[i]))
            look(e, (int64_t)s->step[i], s->value[i]);
    eg_metrics_release(&m);
    return EG_OK;
}

void egi_early_say(const egi_early *e, char *buf, size_t size)
{
    const eg_train_opts *o = e->opts;
    const char *name = o->stop_metric;
    int n = egi_snprintf(
        buf, size, "stopped early after %lld steps: ", (long long)e->step + 1);

    buf += n;
    size -= (size_t)n;
    if (o->stop == EG_STOP_BELOW || o->stop == EG_STOP_ABOVE)
        egi_snprintf(buf, size, "%.*s is %.6g, %s %.6g", eg_text_fit(name, 80),
                     name, e->value,
                     o->stop == EG_STOP_BELOW ? "below" : "above",
                     o->stop_value);
    else
        egi_snprintf(buf, size,
                     "%.*s is %.6g, and was %.6g at its %s %lld measurements "
                     "before",
                     eg_text_fit(name, 80), name, e->value, e->best,
                     o->stop == EG_STOP_LOWEST ? "lowest" : "highest",
                     (long long)e->since);
}
