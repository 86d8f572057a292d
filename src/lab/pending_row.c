/* See pending_row.h. */
#include "lab/pending_row.h"

#include <string.h>

#include "engram/mem.h"
#include "lab/run_priv.h"

int egi_row_waits(const eg_trainer *tr)
{
    return eg_trainer_memo(tr) != NULL;
}

eg_status egi_row_keep(eg_trainer *tr, const eg_row *row, eg_err *err)
{
    egi_buf b = {0};
    char *text = NULL;
    eg_status st;

    egi_row_print(&b, row);
    EG_TRY(egi_buf_take(&b, &text, err));
    st = eg_trainer_remember(tr, text, err);
done:
    eg_free(text);
    return st;
}

eg_status egi_row_recall(eg_metrics *known, const eg_trainer *tr, eg_err *err)
{
    const char *text = eg_trainer_memo(tr);
    double step = (double)(eg_trainer_step_index(tr) - 1);
    eg_status st =
        eg_metrics_parse(known, text, strlen(text), "the checkpoint", err);

    if (st != EG_OK) return st;
    for (int i = 0; i < known->n; i++)
        if (known->series[i].n != 1 || known->series[i].step[0] != step)
            st = EG_FAIL(err, EG_EFORMAT,
                         "the checkpoint: expected a row of step %g, found "
                         "'%.60s'",
                         step, text);
    if (st != EG_OK) eg_metrics_release(known);
    return st;
}
