/* Laying out the tasks of a step on threads; see engram/scaling.h. */
#include "engram/scaling.h"

#include <math.h>
#include <string.h>

#include "base/grow.h"
#include "engram/mem.h"

enum { FIRST = 1024 /* places of a list */ };

eg_status eg_schedule_task(eg_schedule *s, double seconds, eg_err *err)
{
    if (!egi_grow(&s->task, &s->room_tasks, s->n_tasks + 1, FIRST,
                  sizeof *s->task))
        return EG_FAIL(err, EG_ENOMEM, "tasks of a schedule");
    s->task[s->n_tasks++] = seconds;
    return EG_OK;
}

eg_status eg_schedule_phase(eg_schedule *s, double before, double bytes,
                            eg_err *err)
{
    const eg_phase *last = s->n_phases ? &s->phase[s->n_phases - 1] : NULL;
    int first = last ? last->first + last->n : 0;

    if (!egi_grow(&s->phase, &s->room_phases, s->n_phases + 1, FIRST,
                  sizeof *s->phase))
        return EG_FAIL(err, EG_ENOMEM, "phases of a schedule");
    s->phase[s->n_phases++] =
        (eg_phase){before, first, s->n_tasks - first, bytes};
    return EG_OK;
}

void eg_schedule_release(eg_schedule *s)
{
    eg_free(s->phase);
    eg_free(s->task);
    *s = (eg_schedule){0};
}

/* The least of a heap of n ends, heap[0], grows to x. */
static void replace_least(double *heap, int n, double x)
{
    int i = 0;

    for (;;) {
        int k = 2 * i + 1;

        if (k + 1 < n && heap[k + 1] < heap[k]) k++;
        if (k >= n || heap[k] >= x) break;
        heap[i] = heap[k];
        i = k;
    }
    heap[i] = x;
}

static double sum_of(const double *task, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) sum += task[i];
    return sum;
}

/* Each task to the thread that is free first. */
static double span_of(const double *task, int n, double *heap, int threads)
{
    double end = 0;

    memset(heap, 0, (size_t)threads * sizeof *heap);
    for (int i = 0; i < n; i++) {
        double done = heap[0] + task[i];

        end = fmax(end, done);
        replace_least(heap, threads, done);
    }
    return end;
}

static double phase_seconds(const eg_schedule *s, const eg_phase *p,
                            const eg_schedule_on *on, double *heap)
{
    const double *task = s->task + p->first;
    int threads = on->threads < p->n ? on->threads : p->n;
    double sum = sum_of(task, p->n), span, rate = 0;

    if (threads <= 1) return sum;
    span = span_of(task, p->n, heap, threads) + on->wake;
    if (on->bytes_per_s_one > 0) rate = threads * on->bytes_per_s_one;
    if (on->bytes_per_s > 0 && (rate == 0 || on->bytes_per_s < rate))
        rate = on->bytes_per_s;
    if (rate > 0 && p->bytes / rate > span)
        span = fmax(span, fmin(sum, p->bytes / rate));
    return span;
}

eg_status eg_schedule_seconds(double *out, const eg_schedule *s,
                              const eg_schedule_on *on, eg_err *err)
{
    double *heap;

    if (on->threads < 1)
        return EG_FAIL(err, EG_EINVAL, "threads: expected 1 or more, found %d",
                       on->threads);
    heap = eg_calloc((size_t)on->threads, sizeof *heap);
    if (!heap) return EG_FAIL(err, EG_ENOMEM, "%d threads", on->threads);
    *out = s->after;
    for (int i = 0; i < s->n_phases; i++)
        *out += s->phase[i].before + phase_seconds(s, &s->phase[i], on, heap);
    eg_free(heap);
    return EG_OK;
}
