/* See bench_scaling.h. */
#include "bench_scaling.h"

#include <string.h>
#include "bench_verify.h"
#include "engram/mem.h"

enum { RECORDED = 5 };

/* ---- steps ----------------------------------------------------------------
 */

void scaling_crew_free(scaling_crew *c)
{
    for (int i = 0; i < c->n; i++) {
        if (c->trainer) eg_trainer_free(c->trainer[i]);
        if (c->own) eg_pool_free(c->own[i]);
    }
    eg_free(c->trainer);
    eg_free(c->own);
    *c = (scaling_crew){0};
}

eg_status scaling_crew_new(scaling_crew *c, const scaling_model *m,
                           eg_pool *pool, eg_err *err)
{
    eg_status st = EG_OK;

    *c = (scaling_crew){.n = m->runs ? m->runs : 1};
    c->trainer = eg_calloc((size_t)c->n, sizeof(eg_trainer *));
    c->own = eg_calloc((size_t)c->n, sizeof(eg_pool *));
    if (!c->trainer || !c->own) st = EG_FAIL(err, EG_ENOMEM, "%d runs", c->n);
    for (int i = 0; i < c->n && st == EG_OK; i++) {
        eg_train_spec spec = m->spec;

        spec.pool = pool;
        spec.seed = i + 1;
        if (m->runs) EG_TRY(eg_pool_new(&c->own[i], 1, err));
        if (m->runs) spec.pool = c->own[i];
        EG_TRY(eg_trainer_new(&c->trainer[i], &spec, err));
    }
done:
    if (st != EG_OK) scaling_crew_free(c);
    return st;
}

static void steps_task(void *ctx, int i, int worker)
{
    const scaling_crew *c = ctx;
    eg_step_info info;

    (void)worker;
    for (int64_t k = 0; k < c->steps; k++)
        eg_trainer_step(c->trainer[i], &info);
}

double scaling_crew_time(scaling_crew *c, eg_pool *pool)
{
    double start = eg_clock();

    if (c->n == 1)
        steps_task(c, 0, 0);
    else
        eg_pool_run(pool, c->n, steps_task, c);
    return eg_clock() - start;
}

/* ---- the schedule ---------------------------------------------------------
 */

/* Of many runs each is a task. */
static eg_status record(scaling_model *m, eg_err *err)
{
    eg_trainer *tr = NULL;
    eg_pool *one = NULL;
    eg_schedule step = {0};
    eg_train_spec spec = m->spec;
    double seconds = 0;
    eg_status st = eg_pool_new(&one, 1, err);

    if (st != EG_OK) return st;
    spec.pool = one;
    EG_TRY(eg_trainer_new(&tr, &spec, err));
    eg_trainer_look(tr, &(eg_step_info){0}); /* warm */
    EG_TRY(eg_schedule_record(&step, tr, one, RECORDED, err));
    if (m->runs == 0) {
        m->step = step;
        step = (eg_schedule){0};
        goto done;
    }
    EG_TRY(eg_schedule_seconds(&seconds, &step, &(eg_schedule_on){.threads = 1},
                               err));
    for (int i = 0; i < m->runs; i++)
        EG_TRY(eg_schedule_task(&m->step, seconds, err));
    EG_TRY(eg_schedule_phase(&m->step, 0, 0, err));
done:
    eg_schedule_release(&step);
    eg_trainer_free(tr);
    eg_pool_free(one);
    return st;
}

static eg_status verify(scaling_model *m, int threads, eg_err *err)
{
    cli_agreement agrees;
    eg_pool *pool = NULL;
    eg_status st = eg_pool_new(&pool, threads, err);

    if (st != EG_OK) return st;
    m->spec.pool = pool;
    EG_TRY(eg_train_plan_make(&m->plan, &m->spec, err));
    EG_TRY(cli_bench_verify(&agrees, &m->spec, err));
done:
    eg_pool_free(pool);
    m->spec.pool = NULL;
    return st;
}

eg_status scaling_model_open(scaling_model *m, eg_config *cfg,
                             const cli_bench_set *set, const char *kern,
                             int threads, eg_err *err)
{
    eg_status st;

    *m = (scaling_model){.name = set->name,
                         .runs = strcmp(set->bench, "small") == 0 ? SCALING_RUNS
                                                                  : 0};
    EG_TRY(cli_bench_config(cfg, set, err));
    m->spec = eg_config_train(cfg);
    m->spec.seed = 1;
    m->spec.kern = kern ? kern : "auto";
    m->spec.strict_freeze = false; /* its patterns are ours, for two blocks */
    EG_TRY(eg_task_new(&m->task, &cfg->task, 1, err));
    m->spec.task = m->task;
    m->tokens = (double)cfg->train.batch * eg_task_ctx(m->task) *
                (m->runs ? m->runs : 1);
    EG_TRY(verify(m, threads, err));
    EG_TRY(record(m, err));
done:
    return st;
}

void scaling_model_release(scaling_model *m)
{
    eg_schedule_release(&m->step);
    eg_task_free(m->task);
    *m = (scaling_model){0};
}
