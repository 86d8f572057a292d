/* The tasks of a training step, as a pool of one thread runs them. */
#include <stdlib.h>

#include "base/pool_priv.h"
#include "engram/mem.h"
#include "engram/scaling.h"
#include "kern/timing.h"

enum { WAKES = 1001, MOST_STEPS = 64 };

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

/* The same phases, and as many tasks in each? */
static bool is_like(const eg_schedule *a, const eg_schedule *b)
{
    if (a->n_phases != b->n_phases || a->n_tasks != b->n_tasks) return false;
    for (int i = 0; i < a->n_phases; i++)
        if (a->phase[i].n != b->phase[i].n) return false;
    return true;
}

/* A task that was held up in one of the steps would be a long chain on many
 * threads: each takes its median over the steps that are like `of`. */
static void take_medians(eg_schedule *out, const eg_schedule *all, int steps,
                         const eg_schedule *of)
{
    double t[MOST_STEPS];

    for (int i = 0; i < out->n_tasks; i++) {
        int n = 0;

        for (int k = 0; k < steps; k++)
            if (is_like(&all[k], of)) t[n++] = all[k].task[i];
        out->task[i] = egi_median(t, n);
    }
    for (int i = 0; i < out->n_phases; i++) {
        int n = 0;

        for (int k = 0; k < steps; k++)
            if (is_like(&all[k], of)) t[n++] = all[k].phase[i].before;
        out->phase[i].before = egi_median(t, n);
    }
}

/* A copy of the step of median length. */
static eg_status pick(eg_schedule *out, const eg_schedule *all, int steps,
                      eg_err *err)
{
    const eg_schedule *m = &all[steps / 2];
    eg_status st = EG_OK;

    for (int i = 0; i < m->n_phases; i++) {
        const eg_phase *p = &m->phase[i];

        for (int k = 0; k < p->n; k++)
            EG_TRY(eg_schedule_task(out, m->task[p->first + k], err));
        EG_TRY(eg_schedule_phase(out, p->before, p->bytes, err));
    }
    out->after = m->after;
    take_medians(out, all, steps, m);
done:
    if (st != EG_OK) eg_schedule_release(out);
    return st;
}

eg_status eg_schedule_record(eg_schedule *out, eg_trainer *tr, eg_pool *pool,
                             int steps, eg_err *err)
{
    eg_schedule *all;
    eg_status st = EG_OK;

    *out = (eg_schedule){0};
    if (steps < 1 || steps > MOST_STEPS || eg_pool_size(pool) != 1)
        return EG_FAIL(err, EG_EINVAL,
                       "a schedule: expected 1 to %d steps on one thread, "
                       "found %d on %d",
                       MOST_STEPS, steps, eg_pool_size(pool));
    all = eg_calloc((size_t)steps, sizeof *all);
    if (!all) return EG_FAIL(err, EG_ENOMEM, "schedules of %d steps", steps);
    for (int i = 0; i < steps && st == EG_OK; i++)
        st = record_step(&all[i], tr, pool, err);
    if (st == EG_OK) {
        qsort(all, (size_t)steps, sizeof *all, by_length);
        st = pick(out, all, steps, err);
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
