/* The rows of a training run; see train_loop.h. */
#include "lab/train_loop.h"

#include <string.h>
#include "base/num.h"
#include "lab/lab_priv.h"
#include "lab/pending_row.h"

void egi_row_put(egi_loop *l, const char *name, double value)
{
    const eg_series *s = eg_metrics_find(&l->known, name);

    if (s) value = s->value[0];
    if (l->row.n == 0) l->over = 0;
    if (!eg_row_put(&l->row, name, value)) l->over++;
    egi_news_put(&l->news, l->cfg, name, value);
}

void egi_row_emit(void *ctx, const char *name, double value)
{
    egi_loop *l = ctx;

    if (!eg_probes_stopped(l->probes)) egi_row_put(l, name, value);
}

static void put_fleeting(void *ctx, const char *name, double value)
{
    egi_loop *l = ctx;
    int i = 0;

    while (i < l->row.n && strcmp(l->row.cell[i].name, name) != 0) i++;
    if (i == l->row.n) egi_row_put(l, name, value);
}

/* Measuring was given up behind the update: what nobody can measure later, and
 * what is known, goes with the checkpoint. */
static eg_status keep_row(egi_loop *l, int64_t step, eg_err *err)
{
    eg_probes_fleeting(l->probes, step, put_fleeting, l);
    return egi_row_keep(l->trainer, &l->row, err);
}

/* What a full row lacks is said once, and recorded. */
static void tell_over(egi_loop *l)
{
    char text[128];

    if (l->over > 0 && l->most_over == 0) {
        egi_snprintf(text, sizeof text,
                     "a row of metrics holds %d values: %d more are left out",
                     EG_ROW_CELLS, l->over);
        eg_run_log(l->run, "warning: %s", text);
        if (l->opts->note) l->opts->note(l->opts->ctx, text);
    }
    if (l->over > l->most_over) l->most_over = l->over;
}

eg_status egi_row_end(egi_loop *l, int64_t step, eg_err *err)
{
    eg_status st;

    eg_probes_after(l->probes, step, egi_row_emit, l);
    if (eg_probes_stopped(l->probes)) return keep_row(l, step, err);
    if (egi_early_counts(&l->early, l->probes, step))
        EG_TRY(egi_early_row(&l->early, &l->row, err));
    if (l->early.met) eg_probes_last(l->probes, step, egi_row_emit, l);
    if (eg_probes_stopped(l->probes)) return keep_row(l, step, err);
    tell_over(l);
    EG_TRY(eg_run_metrics(l->run, &l->row, err));
done:
    return st;
}

eg_status egi_row_measured(egi_loop *l, const eg_step_info *info, eg_err *err)
{
    if (info->n_loss > 0)
        egi_row_put(l, "loss", info->loss); /* of nothing: none */
    egi_row_put(l, "lr", info->lr);
    egi_row_put(l, EGI_LAST_BEFORE, info->grad_norm);
    return egi_row_end(l, info->step, err);
}

eg_status egi_row_timing(egi_loop *l, int64_t step, eg_err *err)
{
    double now = eg_clock();
    int64_t done = step + 1 - l->last_step;
    double rate = (double)(done * egi_loop_tokens(l)) / (now - l->last_row);

    eg_row_start(&l->timing, step);
    eg_row_put(&l->timing, "seconds", now - l->clock0);
    eg_row_put(&l->timing, "tokens_per_s", rate);
    eg_row_put(&l->timing, "memory_bytes", (double)eg_memory_peak());
    l->last_row = now;
    l->last_step = step + 1;
    return eg_run_timing(l->run, &l->timing, err);
}
