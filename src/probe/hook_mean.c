/* The mean of a hook over positions and sequences, to hold it there. */
#include <string.h>

#include "engram/mem.h"
#include "engram/probe.h"

typedef struct summing {
    const char *hook;
    eg_index first, cols; /* of a row */
    double *part;         /* [count, cols] */
} summing;

static void on_sequence(void *ctx, int index, int worker, const eg_acts *acts)
{
    const summing *s = ctx;
    eg_view v;

    (void)worker;
    if (eg_acts_hook(acts, s->hook, &v))
        eg_hook_sum(s->part + index * s->cols, &v, acts->n_ctx, s->first,
                    s->cols);
}

eg_status eg_hook_mean(double *row, eg_eval *eval, const char *hook, int head,
                       eg_split split, uint64_t step, int count, int n_ctx,
                       eg_err *err)
{
    summing s = {.hook = hook, .cols = eg_eval_columns(eval, hook, head)};

    if (s.cols == 0)
        return EG_FAIL(err, EG_EINVAL, "%s: no such hook to average", hook);
    s.first = head < 0 ? 0 : head * s.cols;
    s.part = eg_calloc((size_t)(count * s.cols), sizeof *s.part);
    if (!s.part) return EG_FAIL(err, EG_ENOMEM, "the mean of %s", hook);
    eg_eval_run(eval, split, step, 0, count, on_sequence, &s);
    memset(row, 0, (size_t)s.cols * sizeof *row);
    for (int i = 0; i < count; i++) /* in their order */
        for (eg_index c = 0; c < s.cols; c++)
            row[c] += s.part[i * s.cols + c] / ((double)count * n_ctx);
    eg_free(s.part);
    return EG_OK;
}
