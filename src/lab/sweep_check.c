/* A sweep before it runs: can every point run, and what will it take? */
#include "lab/sweep_priv.h"

#include <math.h>
#include <string.h>
#include "engram/kern.h"
#include "engram/mem.h"
#include "kern/timing.h"
#include "lab/config_priv.h"
#include "lab/flow_priv.h"
#include "lab/lab_priv.h"
#include "lab/run_priv.h"

/* What all points together may allocate to be looked at wholly: of models
 * beyond that, weights are made for the first point alone. */
#define MOST_BYTES ((int64_t)8 << 30)
#define MEASURE_SECONDS 0.5
/* What the process takes beside the trainer's tables. */
#define BESIDE ((int64_t)8 << 20)

typedef struct checker {
    eg_sweep_plan *plan;
    const char *kern;
    bool measure;
    eg_pool *pool;
    eg_config *cfg;
    int64_t made; /* bytes of what was built so far */
} checker;

/* ---- training -------------------------------------------------------------
 */

/* Steps for half a second, the first of them not counted where there is another
 * one: by processor time, so that what else the machine does now has no say. */
static void measure(checker *c, eg_trainer *tr, double step_work)
{
    eg_step_info info;
    double until = eg_clock() + MEASURE_SECONDS, start = egi_cpu_seconds(), now;
    int n = 1;

    eg_trainer_step(tr, &info);
    now = egi_cpu_seconds();
    if (eg_clock() < until && info.finite) {
        start = now;
        n = 0;
    }
    while (eg_clock() < until && info.finite) {
        eg_trainer_step(tr, &info);
        now = egi_cpu_seconds();
        n++;
    }
    if (n > 0 && now > start) c->plan->rate = step_work * n / (now - start);
    c->measure = false;
}

static eg_status build(checker *c, const eg_train_spec *spec,
                       const eg_task *task, double step_work, eg_err *err)
{
    eg_trainer *tr = NULL;
    eg_probes *probes = NULL;
    eg_status st;

    EG_TRY(eg_trainer_new(&tr, spec, err));
    EG_TRY(eg_probes_new(&probes, &c->cfg->probe, tr, task, c->pool, spec->kern,
                         err));
    if (c->measure && isnan(c->plan->rate)) measure(c, tr, step_work);
done:
    eg_probes_free(probes);
    eg_trainer_free(tr);
    return st;
}

static eg_status check_train(checker *c, double *work, eg_err *err)
{
    eg_task *task = NULL;
    eg_train_plan plan;
    eg_train_spec spec = eg_config_train(c->cfg);
    int64_t bytes;
    double step;
    eg_status st;

    EG_TRY(eg_config_task(&task, c->cfg, err));
    spec.pool = c->pool;
    spec.kern = c->kern;
    spec.task = task;
    EG_TRY(eg_train_plan_make(&plan, &spec, err));
    spec.kern = plan.kern;
    step = (plan.flops_per_token - plan.looked_up_per_token) *
           (double)(c->cfg->train.batch * eg_task_ctx(task));
    bytes = plan.total + plan.eval;
    c->made += bytes;
    if (c->plan->bytes < bytes + BESIDE) c->plan->bytes = bytes + BESIDE;
    if (c->plan->most < step) c->plan->most = step;
    *work = step * (double)c->cfg->train.steps;
    if (c->made <= MOST_BYTES || c->made == bytes)
        EG_TRY(build(c, &spec, task, step, err));
done:
    eg_task_free(task);
    return st;
}

/* ---- the other kinds -------------------------------------------------------
 */

static eg_status check_theory(const checker *c, eg_err *err)
{
    if (eg_theory_find(c->cfg->run.theory)) return EG_OK;
    return EG_FAIL(err, EG_EINVAL,
                   "run.theory: no statement '%.64s'; `engram list theories` "
                   "shows them",
                   c->cfg->run.theory);
}

/* What is in the files that a flow takes in is looked at when it runs. */
static eg_status check_flow(const checker *c, eg_err *err)
{
    const eg_folder nowhere = {.fd = -1};
    egi_inputs in = {0};
    eg_flow_setup *setup = NULL;
    eg_flow *flow = NULL;
    eg_status st;

    EG_TRY(egi_inputs_take(&in, c->cfg, err));
    if (in.n > 0) goto done;
    EG_TRY(eg_flow_setup_new(&setup, &c->cfg->flow, (uint64_t)c->cfg->run.seed,
                             &nowhere, err));
    setup->spec.kern = c->kern;
    EG_TRY(eg_flow_new(&flow, &setup->spec, c->pool, err));
done:
    eg_flow_free(flow);
    eg_flow_setup_free(setup);
    egi_inputs_release(&in);
    return st;
}

static eg_status check_one(checker *c, double *work, eg_err *err)
{
    eg_status st = egi_run_check_name("runs", c->cfg->run.name, err);

    *work = (double)NAN;
    if (st != EG_OK) return st;
    if (c->cfg->run.kind == EG_RUN_TRAIN) return check_train(c, work, err);
    if (c->cfg->run.kind == EG_RUN_FLOW) return check_flow(c, err);
    return check_theory(c, err);
}

/* ---- all points -------------------------------------------------------------
 */

typedef struct reporter {
    eg_faulty_fn faulty;
    void *ctx;
} reporter;

/* Point i and those of its other seeds. */
static eg_status check_seeds(checker *c, const eg_config *base,
                             const eg_grid *g, int i, int n_seeds,
                             const reporter *to, eg_err *err)
{
    char label[256];
    double work = (double)NAN;
    eg_err why = {0};
    eg_status st;

    *c->cfg = *base;
    st = eg_grid_set(g, i, c->cfg, label, sizeof label, &why);
    if (st == EG_OK) st = check_one(c, &work, &why);
    c->plan->work += work * n_seeds;
    if (st == EG_OK) return EG_OK;
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s: %s", label, why.msg);
    for (int k = 0; k < n_seeds; k++) {
        *c->cfg = *base;
        (void)eg_grid_set(g, i + k, c->cfg, label, sizeof label, NULL);
        c->plan->n_faulty++;
        if (to->faulty) to->faulty(to->ctx, label, why.msg);
    }
    return EG_OK;
}

eg_status eg_sweep_check(eg_sweep_plan *plan, const eg_config *base,
                         const eg_grid *grid, const char *kern, bool measuring,
                         eg_faulty_fn faulty, void *ctx, eg_err *err)
{
    checker c = {.plan = plan,
                 .kern = kern ? kern : "auto",
                 .measure = measuring,
                 .cfg = eg_calloc(1, sizeof *c.cfg)};
    const reporter to = {faulty, ctx};
    int n_seeds = grid->seeds.n > 0 ? grid->seeds.n : 1;
    eg_status st = EG_OK;

    *plan = (eg_sweep_plan){.n_points = eg_grid_points(grid),
                            .rate = (double)NAN,
                            .seconds = (double)NAN};
    if (!c.cfg) return EG_FAIL(err, EG_ENOMEM, "sweep: out of memory");
    EG_TRY(egi_grid_check(grid, err));
    EG_TRY(eg_kern_check(c.kern, err));
    EG_TRY(eg_pool_new(&c.pool, 1, err));
    for (int i = 0; i < plan->n_points && st == EG_OK; i += n_seeds)
        st = check_seeds(&c, base, grid, i, n_seeds, &to, err);
    plan->seconds = plan->work / plan->rate;
done:
    eg_pool_free(c.pool);
    eg_free(c.cfg);
    return st;
}

/* ---- cores --------------------------------------------------------------- */

/* How much faster a step is on so many threads: Amdahl's law, what cannot be
 * shared taken to be as long as 5e7 operations, and a twentieth of the rest. */
static double speed_up(double step, int64_t threads)
{
    double shared = 0.95 * step / (step + 5e7);

    return 1 / (1 - shared + shared / (double)threads);
}

/* Runs of a minute or so write for a good part of it what must be safe on disk:
 * one process more than there are cores computes meanwhile. */
static bool is_short(const eg_sweep_plan *plan)
{
    return plan->work / (plan->n_points > 0 ? plan->n_points : 1) < 1e12;
}

/* Of so many processes at a time, how many are done first. */
static int64_t best_jobs(const eg_sweep_plan *plan, int n, int cores,
                         int64_t most)
{
    int64_t best = 1;
    double least = (double)INFINITY;

    for (int64_t j = 1; j <= most && j <= cores; j++) {
        double rounds = ceil((double)n / (double)j);
        double time = rounds / speed_up(plan->most, cores / j);

        if (time > least) continue; /* of two as good the one with more jobs */
        least = time;
        best = j;
    }
    if (best == cores && cores < most && n > 2 * cores && is_short(plan))
        best++;
    return best;
}

void eg_sweep_share(int64_t *jobs, int64_t *threads, const eg_sweep_plan *plan,
                    int n, int cores)
{
    int64_t have = egi_memory_total(), most = (int64_t)cores + 1;

    if (n < 1) n = 1;
    if (have > 0 && plan->bytes > 0 && most * plan->bytes > have / 5 * 4)
        most = have / 5 * 4 / plan->bytes;
    if (most > n) most = n;
    if (most < 1) most = 1;
    if (*jobs == 0 && *threads > 0) {
        *jobs = cores / *threads > 0 ? cores / *threads : 1;
        if (*jobs > most) *jobs = most;
    }
    if (*jobs == 0) *jobs = best_jobs(plan, n, cores, most);
    if (*threads == 0) *threads = cores / *jobs > 0 ? cores / *jobs : 1;
}

double eg_sweep_seconds(const eg_sweep_plan *plan, int64_t jobs,
                        int64_t threads)
{
    double n = plan->n_points > 0 ? plan->n_points : 1;
    int64_t at_once = jobs, cores = eg_cpu_count() / threads;
    double rounds;

    if (at_once > cores) at_once = cores > 0 ? cores : 1;
    rounds = ceil(n / (double)at_once);

    return plan->seconds / n * rounds / speed_up(plan->most, threads);
}
