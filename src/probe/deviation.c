/* Metrics of a bfloat16 run beside those of float32 products. */
#include "probe/deviation.h"

#include <stdio.h>
#include <string.h>

#include "engram/mem.h"

enum { MOST = 4096 }; /* as a row of metrics holds */

#define PREFIX "deviation."

eg_status egi_deviation_init(egi_deviation *d, const eg_model *m,
                             const eg_task *task, eg_pool *pool,
                             const char *kern, bool predict, eg_err *err)
{
    eg_status st = EG_OK;

    d->most = MOST;
    d->name = eg_calloc(MOST, sizeof *d->name);
    d->value = eg_calloc(MOST, sizeof *d->value);
    if (!d->name || !d->value) {
        st = EG_FAIL(err, EG_ENOMEM, "deviations of %d metrics", (int)MOST);
        goto done;
    }
    EG_TRY(eg_eval_new(&d->eval, m, task, pool, kern, EG_EVAL_BASIC, err));
    if (predict)
        EG_TRY(
            eg_eval_new(&d->predict, m, task, pool, kern, EG_EVAL_PRED, err));
done:
    if (st != EG_OK) egi_deviation_release(d);
    return st;
}

void egi_deviation_release(egi_deviation *d)
{
    eg_eval_free(d->eval);
    eg_eval_free(d->predict);
    eg_free(d->name);
    eg_free(d->value);
    *d = (egi_deviation){.n = 0};
}

void egi_deviation_start(egi_deviation *d, eg_probe_emit emit, void *ctx)
{
    d->n = 0;
    d->emit = emit;
    d->ctx = ctx;
}

void egi_deviation_keep(void *ctx, const char *name, double value)
{
    egi_deviation *d = ctx;

    d->emit(d->ctx, name, value);
    if (d->n == d->most) return;
    (void)snprintf(d->name[d->n], EGI_NAME, "%s", name);
    d->value[d->n++] = value;
}

void egi_deviation_tell(void *ctx, const char *name, double value)
{
    egi_deviation *d = ctx;
    char text[sizeof PREFIX + EGI_NAME];

    for (int i = 0; i < d->n; i++) {
        if (strcmp(d->name[i], name) != 0) continue;
        (void)snprintf(text, sizeof text, PREFIX "%s", name);
        d->emit(d->ctx, text, d->value[i] - value);
        return;
    }
}
