/* engram bench scaling: training steps on more and more threads, and beside
 * them what their tasks, laid out on paper, would take on as many, and on
 * machines that are larger than this one. */
#include "bench_out.h"
#include "bench_scaling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "engram/bench.h"
#include "engram/mem.h"

enum { MOST = 16, ROUNDS = 25, PAPER = 128 };
enum { READ_FLOATS = 1 << 26 };

/* Bytes a second of memory, and what a phase costs, on so many threads. */
typedef struct limits {
    double wake, read;
} limits;

typedef struct scaling {
    const cli_args *args;
    int count[MOST], n; /* of threads, ascending */
    int64_t rounds;
    limits at[MOST];
    float *memory; /* [READ_FLOATS] */
    eg_config *cfg;
    eg_figures figures;
    cli_table *table;
    double first_rate; /* tokens/s of a thread at the least count */
} scaling;

static void row_begin(const scaling *s, const scaling_model *m, int threads)
{
    cli_table_cell(s->table, "%s", m->name);
    cli_table_cell(s->table, "%d", threads);
}

static void simulated(const scaling *s, double rate)
{
    if (rate > 0)
        cli_table_cell(s->table, "%.0f", rate);
    else
        cli_table_cell(s->table, "-");
}

/* Seconds a step by the schedule, with memory that grows with the threads as it
 * does here up to the most that were measured. */
static double on_paper(const scaling *s, const scaling_model *m, int threads,
                       eg_err *err)
{
    const limits *l = &s->at[s->n - 1], *one = &s->at[0];
    eg_schedule_on on = {.threads = threads};
    double seconds = 0, per = l->read / s->count[s->n - 1];

    for (int i = 0; i < s->n; i++)
        if (s->count[i] <= threads) l = &s->at[i];
    on.wake = l->wake;
    on.bytes_per_s_one = one->read / s->count[0];
    on.bytes_per_s = threads <= s->count[s->n - 1] ? l->read : per * threads;
    if (eg_schedule_seconds(&seconds, &m->step, &on, err) != EG_OK) return 0;
    return seconds;
}

static void add_measured(scaling *s, const scaling_model *m, int threads,
                         double *rate, double *share, double *peak, int n,
                         double paper)
{
    char name[sizeof((eg_figure *)0)->name];
    double best, efficiency;
    eg_figure *r;

    snprintf(name, sizeof name, "%s, %d threads", m->name, threads);
    r = eg_figures_add(&s->figures, name, "tokens/s", false, rate, n);
    best = r->median;
    if (threads == s->count[0]) s->first_rate = best / threads;
    efficiency = best / threads / s->first_rate;
    if (m->plan.flops_per_token > 0)
        eg_figure_share(r, cli_median(peak, n) / m->plan.flops_per_token, share,
                        n);
    row_begin(s, m, threads);
    cli_table_cell(s->table, "%.0f", best);
    cli_table_cell(s->table, "%.0f %%", 100 * efficiency);
    if (isnan(r->share))
        cli_table_cell(s->table, "-");
    else
        cli_table_cell(s->table, "%.0f %%", 100 * r->share);
    simulated(s, paper);
    cli_table_cell(s->table, "%.2f", paper > 0 ? best / paper : 0.0);
}

static void add_paper(scaling *s, const scaling_model *m, int threads,
                      double rate)
{
    char name[sizeof((eg_figure *)0)->name];

    if (!(rate > 0)) return;
    snprintf(name, sizeof name, "%s, %d threads, simulated", m->name, threads);
    (void)eg_figures_put(&s->figures, name, "tokens/s", false, 1, rate, rate,
                         rate, rate);
    row_begin(s, m, threads);
    cli_table_cell(s->table, "-");
    cli_table_cell(s->table, "-");
    cli_table_cell(s->table, "-");
    simulated(s, rate);
    cli_table_cell(s->table, "-");
}

static eg_status time_on(scaling *s, const scaling_model *m, int at,
                         eg_pool *pool, eg_err *err)
{
    double rate[ROUNDS], share[ROUNDS], peak[ROUNDS], once, seconds;
    double per = m->plan.flops_per_token;
    int n = (int)s->rounds;
    scaling_crew c;
    eg_status st = scaling_crew_new(&c, m, pool, err);

    if (st != EG_OK) return st;
    c.steps = 1;
    once = scaling_crew_time(&c, pool); /* warm */
    once = fmin(once, scaling_crew_time(&c, pool));
    c.steps = (int64_t)fmax(1, ceil(0.3 / once));
    if (once > 1 && n > 3) n = 3;
    for (int i = 0; i < n; i++) {
        peak[i] = 1e9 * eg_bench_peak_threads(m->plan.kern,
                                              m->spec.train.precision ==
                                                  EG_TRAIN_FLOAT64,
                                              pool, 0.2);
        seconds = scaling_crew_time(&c, pool);
        rate[i] = m->tokens * (double)c.steps / seconds;
        share[i] = peak[i] > 0 ? rate[i] * per / peak[i] : 0;
    }
    scaling_crew_free(&c);
    seconds = on_paper(s, m, s->count[at], err);
    add_measured(s, m, s->count[at], rate, share, peak, n,
                 seconds > 0 ? m->tokens / seconds : 0);
    return EG_OK;
}

static eg_status scale(scaling *s, const cli_bench_set *set, eg_err *err)
{
    scaling_model m;
    eg_status st = scaling_model_open(
        &m, s->cfg, set, cli_value(s->args, "kern"), s->count[s->n - 1], err);

    if (st == EG_OK)
        eg_text_copy(s->figures.kernels, sizeof s->figures.kernels,
                     m.plan.kern);
    for (int i = 0; i < s->n && st == EG_OK; i++) {
        eg_pool *pool = NULL;

        st = eg_pool_new(&pool, s->count[i], err);
        if (st == EG_OK) st = time_on(s, &m, i, pool, err);
        eg_pool_free(pool);
    }
    for (int t = 8; t <= PAPER && st == EG_OK; t *= 2) {
        double seconds = on_paper(s, &m, t, err);

        if (t > s->count[s->n - 1])
            add_paper(s, &m, t, seconds > 0 ? m.tokens / seconds : 0);
    }
    scaling_model_release(&m);
    return st;
}

/* ---- all of it ------------------------------------------------------------
 */

/* 1, 2, 4, ... and all cores; or as --threads says. */
static int read_counts(scaling *s)
{
    const char *text = cli_value(s->args, "threads");
    int cores = eg_cpu_count();

    for (int t = 1; !text && t < cores && s->n < MOST - 1; t *= 2)
        s->count[s->n++] = t;
    if (!text) s->count[s->n++] = cores;
    while (text && *text) {
        char *end;
        long v = strtol(text, &end, 10);
        bool good = end > text && (!*end || (*end == ',' && end[1])) &&
                    v >= 1 && v <= 1024 && s->n < MOST &&
                    (s->n == 0 || v > s->count[s->n - 1]);

        if (!good)
            return cli_fail(CLI_MISUSE,
                            "--threads: expected up to %d numbers from 1 to "
                            "1024, rising, such as 1,2,4, found '%s'",
                            MOST, cli_value(s->args, "threads"));
        s->count[s->n++] = (int)v;
        text = *end ? end + 1 : end;
    }
    if (s->n == 0) return cli_fail(CLI_MISUSE, "--threads: expected numbers");
    if (s->count[s->n - 1] > cores)
        cli_warn(NULL, "more threads than cores: they wait for each other, and "
                       "what is measured says nothing of more cores");
    return CLI_DONE;
}

static eg_status look_at_limits(scaling *s, eg_err *err)
{
    s->memory = eg_calloc(READ_FLOATS, sizeof *s->memory);
    if (!s->memory) return EG_FAIL(err, EG_ENOMEM, "memory to read");
    for (int i = 0; i < s->n; i++) {
        double best = 0;
        eg_pool *pool = NULL;
        eg_status st = eg_pool_new(&pool, s->count[i], err);

        if (st != EG_OK) return st;
        s->at[i].wake = s->count[i] > 1 ? eg_schedule_wake(pool) : 0;
        for (int k = 0; k < 5; k++)
            best =
                fmax(best, eg_bench_read_threads(s->memory, READ_FLOATS, pool));
        s->at[i].read = 1e9 * best;
        eg_pool_free(pool);
    }
    eg_free(s->memory);
    s->memory = NULL;
    return EG_OK;
}

static eg_status run_all(scaling *s, eg_err *err)
{
    const char *only = cli_value(s->args, "only");
    eg_status st = look_at_limits(s, err);
    int n = 0;

    for (const cli_bench_set *x = cli_bench_sets; x->bench && st == EG_OK;
         x++) {
        if (strcmp(x->bench, "mesa") == 0) continue;
        if (only && strcmp(x->name, only) != 0) continue;
        st = scale(s, x, err);
        n++;
    }
    if (st == EG_OK && n == 0)
        return EG_FAIL(err, EG_EINVAL,
                       "--only: expected birth, full, gpt2 or small, found "
                       "'%s'",
                       only);
    return st;
}

static int show(const scaling *s)
{
    char *text = NULL;
    eg_err err = {0};
    eg_status st;
    int code;

    if (!cli_flag(s->args, "json")) {
        for (int i = 0; i < s->n; i++)
            printf("%d threads: a phase of tasks costs %.1f us, memory gives "
                   "%.1f GB/s\n",
                   s->count[i], 1e6 * s->at[i].wake, 1e-9 * s->at[i].read);
        puts("");
        return cli_table_print(s->table);
    }
    st = eg_figures_json(&text, &s->figures, &err);
    if (st != EG_OK) return cli_error(st, &err);
    code = cli_print_json_text(text);
    eg_free(text);
    return code;
}

int cmd_bench_scaling(const cli_args *a)
{
    static const char *const head[] = {"model",
                                       "threads",
                                       "tokens/s",
                                       "efficiency",
                                       "of peak",
                                       "simulated",
                                       "measured / simulated"};
    scaling s = {.args = a, .rounds = 5};
    eg_err err = {0};
    eg_status st;
    int code = read_counts(&s);

    if (code != CLI_DONE) return code;
    if (!cli_int(a, "rounds", 1, ROUNDS, &s.rounds)) return CLI_MISUSE;
    s.cfg = eg_calloc(1, sizeof *s.cfg);
    if (!s.cfg) return cli_fail(CLI_FAILED, "out of memory");
    eg_figures_begin(&s.figures, "scaling", "", s.count[s.n - 1]);
    s.table = cli_table_new(7);
    for (int i = 0; i < 7; i++) cli_table_cell(s.table, "%s", head[i]);
    st = run_all(&s, &err);
    code = st == EG_OK ? show(&s) : cli_error(st, &err);
    if (st != EG_OK || cli_flag(a, "json")) cli_table_free(s.table);
    eg_free(s.memory);
    eg_free(s.cfg);
    return cli_figures_end(&s.figures, a, code);
}
