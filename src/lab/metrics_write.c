/* Rows of metrics.jsonl and timing.jsonl: collected, appended, cut back. */
#include "lab/run_priv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
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
static eg_status append(FILE *f, const char *what, const eg_row *row,
                        eg_err *err)
{
    bool ok = fprintf(f, "{\"step\": %lld", (long long)row->step) > 0;

    for (int i = 0; i < row->n && ok; i++) {
        double v = row->cell[i].value;

        if (isfinite(v)) {
            char text[EGI_REAL_TEXT];

            egi_real_text(text, 6, v);
            ok = fprintf(f, ", \"%s\": %s", row->cell[i].name, text) > 0;
        } else {
            ok = fprintf(f, ", \"%s\": null", row->cell[i].name) > 0;
        }
    }
    ok = ok && fputs("}\n", f) >= 0 && fflush(f) == 0;
    if (!ok)
        return EG_FAIL(err, EG_EIO, "cannot write %s: %s", what,
                       strerror(errno));
    return EG_OK;
}

eg_status eg_run_metrics(eg_run *run, const eg_row *row, eg_err *err)
{
    return append(run->metrics, "metrics.jsonl", row, err);
}

eg_status eg_run_timing(eg_run *run, const eg_row *row, eg_err *err)
{
    return append(run->timing, "timing.jsonl", row, err);
}

size_t egi_metrics_keep(const char *text, size_t size, int64_t limit)
{
    size_t at = 0;

    while (at < size) {
        static const char head[] = "{\"step\": ";
        const char *end = memchr(text + at, '\n', size - at);

        if (!end || (size_t)(end - text) - at < sizeof head ||
            memcmp(text + at, head, sizeof head - 1) != 0)
            break;
        if (strtoll(text + at + sizeof head - 1, NULL, 10) >= limit) break;
        at = (size_t)(end - text) + 1;
    }
    return at;
}

static eg_status truncate_one(FILE **f, const eg_folder *in, const char *name,
                              int64_t step, eg_err *err)
{
    eg_status st = EG_OK;
    char *text = NULL;
    size_t size = 0;

    EG_TRY(eg_file_read_in(&text, &size, in, name, (size_t)1 << 34, err));
    EG_TRY(eg_file_write_in(in, name, text, egi_metrics_keep(text, size, step),
                            err));
    /* the rename left the open handle on the old file */
    fclose(*f);
    EG_TRY(eg_folder_stream(f, in, name, EG_APPEND, err));
done:
    eg_free(text);
    return st;
}

eg_status eg_run_truncate(eg_run *run, int64_t step, eg_err *err)
{
    const eg_folder *f = &run->folder;
    eg_status st;

    EG_TRY(truncate_one(&run->metrics, f, "metrics.jsonl", step, err));
    EG_TRY(truncate_one(&run->timing, f, "timing.jsonl", step, err));
done:
    return st;
}

eg_status eg_run_sync(eg_run *run, eg_err *err)
{
    if (fflush(run->metrics) != 0 || fsync(fileno(run->metrics)) != 0)
        return EG_FAIL(err, EG_EIO, "%s/metrics.jsonl: %s", run->dir,
                       strerror(errno));
    return EG_OK;
}
