/* Where a metric of a run is read: at the end, at a step, at the best of
 * another metric, at an event. */
#include "lab/aggregate_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/num.h"
#include "engram/text.h"
#include "lab/claim_priv.h"

/* ---- words ----------------------------------------------------------------
 */

static eg_status bad_at(const char *text, eg_err *err)
{
    return EG_FAIL(err, EG_EINVAL,
                   "at: expected last, max, min, max:METRIC, min:METRIC, "
                   "step=N or first:METRIC>X (or >=, <, <=), found '%.*s'",
                   eg_text_fit(text, 60), text);
}

/* The n bytes of a metric's name. */
static bool take_name(eg_at *at, const char *s, size_t n)
{
    if (n == 0 || n >= sizeof at->metric) return false;
    memcpy(at->metric, s, n);
    at->metric[n] = '\0';
    return true;
}

/* METRIC>X behind "first:". */
static bool take_event(eg_at *at, const char *s)
{
    size_t n = strcspn(s, "<>=");
    egi_relation r;

    at->kind = EG_AT_FIRST;
    if (!take_name(at, s, n) || !s[n]) return false;
    if (egi_relation_parse(&r, s + n, NULL) != EG_OK) return false;
    if (r.op == EGI_EQ || r.op == EGI_BETWEEN) return false;
    at->level = r.a;
    at->below = r.op == EGI_LT || r.op == EGI_LE;
    at->or_equal = r.op == EGI_GE || r.op == EGI_LE;
    return true;
}

static bool take_best(eg_at *at, const char *s)
{
    at->kind = s[1] == 'a' ? EG_AT_MAX : EG_AT_MIN;
    return s[3] == '\0' || (s[3] == ':' && take_name(at, s + 4, strlen(s + 4)));
}

eg_status eg_at_parse(eg_at *at, const char *text, eg_err *err)
{
    eg_at new = {.kind = EG_AT_LAST};
    bool good = strcmp(text, "last") == 0;

    if (strncmp(text, "max", 3) == 0 || strncmp(text, "min", 3) == 0)
        good = take_best(&new, text);
    if (strncmp(text, "first:", 6) == 0) good = take_event(&new, text + 6);
    if (strncmp(text, "step=", 5) == 0) {
        new.kind = EG_AT_STEP;
        good = egi_number(text + 5, &new.level);
    }
    if (!good) return bad_at(text, err);
    *at = new;
    return EG_OK;
}

int eg_at_format(const eg_at *at, char *buf, size_t size)
{
    char level[EGI_REAL_TEXT];
    const char *colon = at->metric[0] ? ":" : "";

    egi_real_text(level, 6, at->level);
    switch (at->kind) {
    case EG_AT_MAX:
        return snprintf(buf, size, "max%s%s", colon, at->metric);
    case EG_AT_MIN:
        return snprintf(buf, size, "min%s%s", colon, at->metric);
    case EG_AT_STEP:
        return snprintf(buf, size, "step=%s", level);
    case EG_AT_FIRST:
        return snprintf(buf, size, "first:%s%s%s%s", at->metric,
                        at->below ? "<" : ">", at->or_equal ? "=" : "", level);
    default:
        return snprintf(buf, size, "last");
    }
}

/* ---- answers --------------------------------------------------------------
 */

bool egi_question_of_step(const eg_question *ask)
{
    return strcmp(ask->metric, EG_METRIC_STEP) == 0;
}

const char *egi_question_looks_at(const eg_question *ask)
{
    return ask->at.metric[0] ? ask->at.metric : ask->metric;
}

eg_status egi_question_check(const eg_question *ask, eg_err *err)
{
    const char *seen = egi_question_looks_at(ask);

    if (ask->metric[0] == '\0')
        return EG_FAIL(err, EG_EINVAL, "a question without a metric");
    if (strcmp(seen, EG_METRIC_STEP) != 0 || ask->at.kind == EG_AT_LAST)
        return EG_OK;
    return EG_FAIL(err, EG_EINVAL,
                   "the metric '%s' is the step itself: of what? Say "
                   "max:METRIC, min:METRIC or first:METRIC>X",
                   EG_METRIC_STEP);
}

static double value_at(const eg_series *s, double step)
{
    for (int i = 0; s && i < s->n; i++)
        if (s->step[i] == step && isfinite(s->value[i])) return s->value[i];
    return (double)NAN;
}

/* Of the series that goes on for longest, NaN: there is none. */
static double last_step(const eg_metrics *m)
{
    double last = (double)NAN;

    for (int i = 0; i < m->n; i++)
        if (m->series[i].n > 0)
            last = fmax(last, m->series[i].step[m->series[i].n - 1]);
    return last;
}

static bool happens(const eg_at *at, double v)
{
    if (v == at->level) return at->or_equal;
    return at->below ? v < at->level : v > at->level;
}

/* The step, NaN where there is none. */
static double find_step(const eg_at *at, const eg_series *s)
{
    int best = -1;

    for (int i = 0; i < s->n; i++) {
        double v = s->value[i];

        if (!isfinite(v)) continue;
        if (at->kind == EG_AT_FIRST && happens(at, v)) return s->step[i];
        if (best < 0 ||
            (at->kind == EG_AT_MAX ? v > s->value[best] : v < s->value[best]))
            best = i;
    }
    return at->kind == EG_AT_FIRST || best < 0 ? (double)NAN : s->step[best];
}

double eg_question_answer(const eg_question *ask, const eg_metrics *m,
                          double *until)
{
    const eg_series *read = eg_metrics_find(m, ask->metric);
    const eg_series *seen = eg_metrics_find(m, egi_question_looks_at(ask));
    bool of_step = egi_question_of_step(ask);
    double step;

    if (until) *until = last_step(m);
    if (ask->at.kind == EG_AT_LAST) {
        if (of_step) return last_step(m);
        return read && read->n ? read->value[read->n - 1] : (double)NAN;
    }
    if (ask->at.kind == EG_AT_STEP) return value_at(read, ask->at.level);
    if (!seen || seen->n == 0) return (double)NAN;
    if (until) *until = seen->step[seen->n - 1];
    step = find_step(&ask->at, seen);
    if (!of_step) return value_at(read, step);
    return isnan(step) && ask->at.kind == EG_AT_FIRST ? HUGE_VAL : step;
}
