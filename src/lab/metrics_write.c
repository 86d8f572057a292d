/* Rows of metrics.jsonl and timing.jsonl: collected, appended, cut back. */
#include "lab/run_priv.h"

#include <math.h>
#include "engram/mem.h"
#include "base/num.h"

eg_status eg_row_init(eg_row *row, int cap, eg_err *err)
{
    *row = (eg_row){0};
    row->cell = eg_calloc((size_t)cap, sizeof *row->cell);
    if (!row->cell) return EG_FAIL(err, EG_ENOMEM, "metrics: out of memory");
    row->cap = cap;
    return EG_OK;
}

void eg_row_release(eg_row *row)
{
    eg_free(row->cell);
    *row = (eg_row){0};
}

void eg_row_start(eg_row *row, int64_t step)
{
    row->step = step;
    row->n = 0;
}

bool eg_row_put(eg_row *row, const char *name, double value)
{
    if (row->n >= row->cap) return false;
    snprintf(row->cell[row->n].name, sizeof row->cell[0].name, "%s", name);
    row->cell[row->n++].value = value;
    return true;
}

/* Names are ours (letters, digits, points): no escaping is needed. Values are
 * written to the last bit; JSON has no infinities, they become null. */
void egi_row_print(egi_buf *b, const eg_row *row)
{
    egi_buf_add(b, "{\"step\": %lld", (long long)row->step);
    for (int i = 0; i < row->n; i++) {
        double v = row->cell[i].value;
        char text[EGI_REAL_TEXT] = "null";

        if (isfinite(v)) egi_real_text(text, 6, v);
        egi_buf_add(b, ", \"%s\": %s", row->cell[i].name, text);
    }
    egi_buf_add(b, "}\n");
}

static eg_status append(egi_jsonl *j, const eg_row *row, eg_err *err)
{
    egi_row_print(&j->row, row);
    return egi_jsonl_put(j, err);
}

eg_status eg_run_metrics(eg_run *run, const eg_row *row, eg_err *err)
{
    return append(&run->metrics, row, err);
}

eg_status eg_run_timing(eg_run *run, const eg_row *row, eg_err *err)
{
    return append(&run->timing, row, err);
}

eg_status eg_run_keep(eg_run *run, eg_index rows, eg_err *err)
{
    const eg_folder *f = &run->folder;
    eg_status st;

    EG_TRY(egi_jsonl_keep(&run->metrics, f, run->origin, rows, err));
    EG_TRY(egi_jsonl_keep(&run->timing, f, run->origin, rows, err));
done:
    return st;
}

eg_status egi_run_sum_rows(eg_run *run, eg_err *err)
{
    const eg_folder *f = &run->folder;
    eg_index metrics = run->metrics.good, timing = run->timing.good;
    eg_status st;

    EG_TRY(egi_jsonl_keep(&run->metrics, f, run->origin, metrics, err));
    EG_TRY(egi_jsonl_keep(&run->timing, f, run->origin, timing, err));
done:
    return st;
}

eg_status eg_run_sync(eg_run *run, eg_err *err)
{
    eg_status st;

    EG_TRY(egi_jsonl_sync(&run->metrics, err));
    EG_TRY(egi_jsonl_sync(&run->timing, err));
done:
    return st;
}
