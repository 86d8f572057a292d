/* How much the stream behind the first block moves with each input, by central
 * differences: the model's numbers may be float32, whose rounding the width of
 * the differences keeps below a part in ten thousand. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "probe/linear.h"
#include "probe/model.h"

#define WIDTH 0.01
#define STEP ((uint64_t)1 << 39)

static const char *const names[] = {
    "sensitivity.0", "sensitivity.1", "sensitivity.2",   "sensitivity.3",
    "sensitivity.4", "sensitivity.5", "sensitivity.rest"};
enum { LAGS = sizeof names / sizeof *names };

eg_status egi_sensitivity_init(egi_sensitivity *s, int count, const eg_model *m,
                               const eg_task *task, eg_err *err)
{
    eg_io io = eg_task_io(task);
    eg_index D = (eg_index)eg_model_options(m)->d_model;
    eg_status st = EG_OK;

    if (count == 0) return EG_OK;
    if (io.n_in == 0 || io.n_in != io.n_out)
        return EG_FAIL(err, EG_EINVAL,
                       "probe.sensitivity: of inputs that are states, "
                       "task.tokens: raw of a task of vectors");
    *s = (egi_sensitivity){
        .count = count, .T = io.n_ctx, .n_in = io.n_in, .D = D, .task = task};
    s->seq = eg_calloc(1, sizeof *s->seq);
    s->f = eg_calloc((size_t)io.n_ctx * (size_t)io.n_in * 2 * (size_t)D,
                     sizeof *s->f);
    if (!s->seq || !s->f)
        st = EG_FAIL(err, EG_ENOMEM, "probe.sensitivity");
    else
        st = eg_seq_new(s->seq, task, err);
    if (st != EG_OK) egi_sensitivity_release(s);
    return st;
}

void egi_sensitivity_release(egi_sensitivity *s)
{
    if (s->seq) eg_seq_release(s->seq);
    eg_free(s->seq);
    eg_free(s->f);
    *s = (egi_sensitivity){0};
}

/* Sequence 2 k + side: entry k of the inputs moved down or up. */
static void moved(const void *from, uint32_t index, eg_seq *out)
{
    const egi_sensitivity *s = from;
    size_t T = (size_t)s->T, n = T * (size_t)s->n_in;

    memcpy(out->targets, s->seq->targets, T * sizeof *out->targets);
    memcpy(out->labels, s->seq->labels, T * sizeof *out->labels);
    memcpy(out->inputs, s->seq->inputs, n * sizeof *out->inputs);
    memcpy(out->outputs, s->seq->outputs, n * sizeof *out->outputs);
    if (out->prompts)
        memcpy(out->prompts, s->seq->prompts, T * sizeof *out->prompts);
    out->inputs[index / 2] += index % 2 ? WIDTH : -WIDTH;
}

static void keep(void *ctx, int index, int worker, const eg_acts *acts)
{
    egi_sensitivity *s = ctx;
    eg_view v;

    (void)worker;
    if (!egi_stream(&v, acts, 1)) return;
    for (eg_index j = 0; j < s->D; j++)
        s->f[index * s->D + j] = eg_view_at(&v, (s->T - 1) * s->D + j);
}

/* Mean over columns of the length of their gradient by the input at t. */
static double at_position(const egi_sensitivity *s, eg_index t)
{
    double sum = 0;

    for (eg_index j = 0; j < s->D; j++) {
        double square = 0;

        for (eg_index i = 0; i < s->n_in; i++) {
            const double *f = s->f + (t * s->n_in + i) * 2 * s->D + j;
            double slope = (f[s->D] - f[0]) / (2 * WIDTH);

            square += slope * slope;
        }
        sum += sqrt(square) / (double)s->D;
    }
    return sum;
}

void egi_sensitivity_run(egi_sensitivity *s, eg_eval *eval, eg_probe_emit emit,
                         void *ctx)
{
    double sum[LAGS] = {0};

    for (int q = 0; q < s->count; q++) {
        eg_task_sequence(s->task, EG_PROBE, STEP, (uint32_t)q, s->seq);
        eg_eval_run_on(eval, moved, s, 2 * s->T * s->n_in, keep, s);
        if (eg_eval_stopped(eval)) return;
        for (int t = 0; t < s->T; t++) {
            int lag = s->T - 1 - t, k = lag < LAGS - 1 ? lag : LAGS - 1;
            int among = k == LAGS - 1 ? s->T - (LAGS - 1) : 1;

            sum[k] += at_position(s, t) / among / s->count;
        }
    }
    for (int k = 0; k < LAGS && s->count > 0; k++)
        if (k < s->T) emit(ctx, names[k], sum[k]);
}
