/* The tasks of a training step, as a pool of one thread runs them. */
#include <stdlib.h>

#include "base/pool_priv.h"
#include "engram/mem.h"
#include "engram/scaling.h"
#include "kern/timing.h"

enum { WAKES = 1001 };

typedef struct recorder {
    eg_schedule *s;
    double last; /* when the phase before ended */
    double open; /* when the first task of this one began */
    eg_status st;
    eg_err *err;
} recorder;

static void note(void *ctx, const egi_pool_event *e)
{
    recorder *r = ctx;

    if (r->st != EG_OK) return;
    if (e->task == 0) r->open = e->start;
    r->st = eg_schedule_task(r->s, e->end - e->start, r->err);
    if (r->st != EG_OK || e->task + 1 < e->n_tasks) return;
    r->st = eg_schedule_phase(r->s, r->open - r->last, e->bytes, r->err);
    r->last = e->end;
}

static eg_status record_step(eg_schedule *s, eg_trainer *tr, eg_pool *pool,
                             eg_err *err)
{
    recorder r = {.s = s, .last = eg_clock(), .st = EG_OK, .err = err};
    eg_step_info info;

    egi_pool_watch(pool, note, &r);
    eg_trainer_step(tr, &info);
    egi_pool_watch(pool, NULL, NULL);
    s->after = eg_clock() - r.last;
    if (r.st == EG_OK && !info.finite)
        return EG_FAIL(err, EG_EINVAL, "training diverged at step %lld",
                       (long long)info.step);
    return r.st;
}

static double length_of(const eg_schedule *s)
{
    double sum = s->after;

    for (int i = 0; i < s->n_phases; i++) sum += s->phase[i].before;
    for (int i = 0; i < s->n_tasks; i++) sum += s->task[i];
    return sum;
}

static int by_length(const void *a, const void *b)
{
    double x = length_of(a), y = length_of(b);

    return (x > y) - (x < y);
}

eg_status eg_schedule_record(eg_schedule *out, eg_trainer *tr, eg_pool *pool,
                             int steps, eg_err *err)
{
    eg_schedule *all;
    eg_status st = EG_OK;

    *out = (eg_schedule){0};
    if (steps < 1 || eg_pool_size(pool) != 1)
        return EG_FAIL(err, EG_EINVAL,
                       "a schedule: expected a step or more on one thread, "
                       "found %d on %d",
                       steps, eg_pool_size(pool));
    all = eg_calloc((size_t)steps, sizeof *all);
    if (!all) return EG_FAIL(err, EG_ENOMEM, "schedules of %d steps", steps);
    for (int i = 0; i < steps && st == EG_OK; i++)
        st = record_step(&all[i], tr, pool, err);
    if (st == EG_OK) {
        qsort(all, (size_t)steps, sizeof *all, by_length);
        *out = all[steps / 2];
        all[steps / 2] = (eg_schedule){0};
    }
    for (int i = 0; i < steps; i++) eg_schedule_release(&all[i]);
    eg_free(all);
    return st;
}

static void nothing(void *ctx, int task, int worker)
{
    (void)ctx;
    (void)task;
    (void)worker;
}

double eg_schedule_wake(eg_pool *pool)
{
    double t[WAKES];

    for (int i = 0; i < WAKES; i++) {
        double start = eg_clock();

        eg_pool_run(pool, eg_pool_size(pool), nothing, NULL);
        t[i] = eg_clock() - start;
    }
    return egi_median(t, WAKES);
}
