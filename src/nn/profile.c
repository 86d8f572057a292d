/* Where the time of a step goes: engram/program.h. */
#include "nn/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/program.h"
#include "nn/trainer.h"

static const char *const beside[] = {
#define WHAT(name, what) what,
    EGI_BESIDE(WHAT)
#undef WHAT
};

/* Tick i of all threads; what one leads counts for all: once a step, and the
 * ops of sequences too where a team shares each. */
static egi_tick sum_of(const eg_trainer *tr, int i, int threads)
{
    egi_tick sum = tr->vt->ticks(tr->engine, -1)[i];
    int each = tr->program.team ? threads : 1;

    sum.seconds *= threads;
    for (int k = 0; tr->vt->ticks(tr->engine, k); k++) {
        const egi_tick *t = &tr->vt->ticks(tr->engine, k)[i];

        sum.seconds += each * t->seconds;
        sum.rows += t->rows;
        sum.pairs += t->pairs;
        sum.calls += t->calls;
    }
    return sum;
}

static void fill(eg_op_time *row, const egi_program *p, int i, egi_tick t)
{
    int k = i / 2;
    egi_amount a = {t.rows, t.pairs, 1};

    row->calls = t.calls;
    row->seconds = t.seconds;
    row->op = k < p->n_ops ? k : -1;
    if (row->op < 0) {
        row->what = beside[i - 2 * p->n_ops];
        return;
    }
    row->backward = i % 2 == 1;
    row->what = egi_op_info(p->op[k].kind)->name;
    row->madds = egi_op_madds(p, k, a, row->backward, NULL);
    (void)snprintf(row->name, sizeof row->name, "%s",
                   p->value[p->op[k].out[0]].name);
}

static int slowest_first(const void *a, const void *b)
{
    double x = ((const eg_op_time *)a)->seconds;
    double y = ((const eg_op_time *)b)->seconds;

    return (x < y) - (x > y);
}

eg_status eg_trainer_times(eg_op_times *out, const eg_trainer *tr, eg_err *err)
{
    int n = egi_ticks(tr->program.n_ops);

    *out = (eg_op_times){.threads = eg_pool_size(tr->spec.pool),
                         .ranks = tr->spec.ranks ? tr->spec.ranks->size : 1,
                         .steps = tr->gradients,
                         .kern = tr->spec.kern};
    if (!tr->vt->ticks(tr->engine, -1))
        return EG_FAIL(err, EG_EINVAL,
                       "train.profile: expected true for a profile, found "
                       "false");
    out->row = eg_calloc((size_t)n, sizeof *out->row);
    if (!out->row) return EG_FAIL(err, EG_ENOMEM, "a profile of %d rows", n);
    for (int i = 0; i < n; i++) {
        egi_tick t = sum_of(tr, i, out->threads);

        if (t.calls > 0) fill(&out->row[out->n++], &tr->program, i, t);
    }
    out->seconds = tr->busy * out->threads;
    qsort(out->row, (size_t)out->n, sizeof *out->row, slowest_first);
    return EG_OK;
}

void eg_trainer_times_begin(eg_trainer *tr)
{
    size_t n = (size_t)egi_ticks(tr->program.n_ops);

    tr->busy = 0;
    tr->gradients = 0;
    for (int i = -1; tr->vt->ticks(tr->engine, i); i++)
        memset(tr->vt->ticks(tr->engine, i), 0, n * sizeof(egi_tick));
}

void eg_op_times_release(eg_op_times *p)
{
    eg_free(p->row);
    *p = (eg_op_times){0};
}
