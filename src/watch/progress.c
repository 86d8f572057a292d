/* See progress.h. */
#include "watch/progress.h"

#include <math.h>
#include <string.h>
#include "engram/pool.h"

enum { BUCKETS = 512, AT_ONCE = 8 << 20 };

eg_status egi_progress_open(egi_progress *p, const char *dir, eg_err *err)
{
    eg_status st = EG_OK;

    *p = (egi_progress){.shown = -1, .step = (double)NAN};
    EG_TRY(eg_follow_open(&p->metrics, dir, EG_FOLLOW_METRICS, err));
    EG_TRY(eg_follow_open(&p->timing, dir, EG_FOLLOW_TIMING, err));
    EG_TRY(egi_curves_init(&p->past, BUCKETS, err));
done:
    if (st != EG_OK) egi_progress_close(p);
    return st;
}

void egi_progress_close(egi_progress *p)
{
    eg_follow_close(p->metrics);
    eg_follow_close(p->timing);
    egi_curves_release(&p->past);
    *p = (egi_progress){.shown = -1};
}

/* What is shown of a run: its loss, or the first thing that is no time. */
static void choose(egi_progress *p)
{
    int id = eg_follow_id(p->metrics, "loss");

    for (int i = 0; id < 0 && eg_follow_name(p->metrics, i); i++)
        if (strcmp(eg_follow_name(p->metrics, i), "t") != 0) id = i;
    p->shown = id;
}

static eg_status metrics_row(void *ctx, const eg_follow_row *row, eg_err *err)
{
    egi_progress *p = ctx;
    eg_follow_row one = {.step = row->step};
    int zero = 0;

    p->step = row->step;
    if (p->shown < 0) choose(p);
    for (int i = 0; i < row->n; i++) {
        if (row->id[i] != p->shown) continue;
        one.n = 1;
        one.id = &zero;
        one.value = &row->value[i];
    }
    return egi_curves_add(&p->past, row->step, &one, err);
}

static eg_status timing_row(void *ctx, const eg_follow_row *row, eg_err *err)
{
    egi_progress *p = ctx;
    int id = eg_follow_id(p->timing, "seconds");
    double s = (double)NAN;

    (void)err;
    for (int i = 0; i < row->n; i++)
        if (row->id[i] == id) s = row->value[i];
    if (!isfinite(s)) return EG_OK;
    /* a process that goes on with a run counts from 0 again */
    if (p->n_pace > 0 && (s <= p->pace_s[p->n_pace - 1] ||
                          row->step <= p->pace_step[p->n_pace - 1]))
        p->n_pace = 0;
    if (p->n_pace == EGI_PACE) {
        p->n_pace--;
        memmove(p->pace_s, p->pace_s + 1, sizeof p->pace_s - sizeof(double));
        memmove(p->pace_step, p->pace_step + 1,
                sizeof p->pace_step - sizeof(double));
    }
    p->pace_s[p->n_pace] = s;
    p->pace_step[p->n_pace++] = row->step;
    return EG_OK;
}

static void forget(egi_progress *p)
{
    egi_curves_clear(&p->past);
    p->shown = -1;
    p->step = (double)NAN;
}

eg_status egi_progress_look(egi_progress *p, bool *changed, eg_err *err)
{
    eg_follow_seen seen;
    eg_status st =
        eg_follow_look(p->metrics, AT_ONCE, metrics_row, p, &seen, err);

    if (st != EG_OK) return st;
    if (seen.anew) forget(p);
    if (seen.n_rows > 0) p->since = eg_clock();
    if (seen.n_rows > 0 || seen.anew) *changed = true;
    st = eg_follow_look(p->timing, AT_ONCE, timing_row, p, &seen, err);
    if (st == EG_OK && seen.anew) p->n_pace = 0;
    return st;
}

double egi_progress_pace(const egi_progress *p)
{
    int n = p->n_pace;
    double s = n > 0 ? p->pace_s[n - 1] : 0;

    if (n > 1)
        return (p->pace_step[n - 1] - p->pace_step[0]) / (s - p->pace_s[0]);
    return n == 1 && s > 0 && p->pace_step[0] == 0 ? 1 / s : (double)NAN;
}

const char *egi_progress_metric(const egi_progress *p)
{
    const char *name = eg_follow_name(p->metrics, p->shown);

    return name ? name : "";
}

int egi_progress_spark(const egi_progress *p, double *spark, int n)
{
    const egi_curve *u = p->past.n > 0 ? &p->past.curve[0] : NULL;
    int parts = u && u->n < n ? u->n : n;

    for (int i = 0; u && i < parts; i++) {
        int from = (int)((int64_t)i * u->n / parts);
        int to = (int)((int64_t)(i + 1) * u->n / parts);
        double sum = 0;
        int k = 0;

        for (int b = from; b < to; b++) {
            if (isnan(u->bucket[b].lo)) continue;
            sum += (u->bucket[b].lo + u->bucket[b].hi) / 2;
            k++;
        }
        spark[i] = k > 0 ? sum / k : (double)NAN;
    }
    return u ? parts : 0;
}
