/* engram bench: verified first, then timed. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include "bench_out.h"
#include "bench_sets.h"
#include "bench_verify.h"
#include "engram/bench.h"
#include "engram/kern.h"
#include "engram/mem.h"

typedef struct bench {
    const cli_args *args;
    const char *what; /* the model's name */
    const cli_bench_set *set;
    eg_config *cfg;
    eg_pool *pool;
    const char *kern;
    eg_task *task;
    eg_trainer *trainer;
    eg_train_spec spec;
    eg_train_plan plan;
    cli_agreement agrees; /* the gradient, with that of the plain algebra */
    int64_t took;         /* bytes, once steps are made */
    int64_t rounds, steps;
    bool turns;          /* a round waits for a line */
    double best, median; /* seconds a step, or of what is timed of it */
    double cpu;          /* of all threads and all of a step, the median */
    double flops;        /* a token, of what is timed */
    double peak;         /* FMA peak of these threads, FLOP/s; 0: unknown */
    double share;        /* of it, in necessary arithmetic */
    eg_figures figures;
} bench;

static eg_status set_value(eg_config *cfg, const char *key, const char *value,
                           eg_err *err)
{
    char text[128];

    if (!value) return EG_OK;
    snprintf(text, sizeof text, "%s=%s", key, value);
    return eg_config_set(cfg, text, err);
}

static eg_status configure(bench *b, eg_err *err)
{
    const cli_args *a = b->args;
    const char *trained = cli_value(a, "trained");
    bool birth = strcmp(b->what, "birth") == 0;
    eg_status st;

    eg_config_default(b->cfg);
    EG_TRY(cli_bench_set_all(b->cfg, b->set->set, err));
    b->cfg->train.profile = b->set->part != CLI_PART_STEP;
    if (trained && strcmp(trained, "paper") != 0 && strcmp(trained, "all") != 0)
        return EG_FAIL(err, EG_EINVAL,
                       "--trained: expected paper or all, found '%s'", trained);
    if (birth && (!trained || strcmp(trained, "paper") == 0))
        EG_TRY(cli_bench_set_all(b->cfg, cli_bench_paper, err));
    EG_TRY(set_value(b->cfg, "train.loss", cli_value(a, "loss"), err));
    EG_TRY(set_value(b->cfg, "train.batch", cli_value(a, "batch"), err));
    for (int i = 0; i < a->n_values; i++)
        if (strcmp(a->value[i].option->name, "set") == 0)
            EG_TRY(eg_config_set(b->cfg, a->value[i].value, err));
done:
    return st;
}

static double tokens_of(const bench *b)
{
    return (double)b->cfg->train.batch * (double)eg_task_ctx(b->task);
}

/* What all threads spend in rows of one of two names, second may be NULL. */
static eg_op_time sum_of(const eg_op_times *t, const char *first,
                         const char *second)
{
    eg_op_time sum = {0};

    for (int i = 0; i < t->n; i++) {
        const eg_op_time *row = &t->row[i];

        if (strcmp(row->what, first) != 0 &&
            (!second || strcmp(row->what, second) != 0))
            continue;
        sum.seconds += row->seconds;
        sum.madds += row->madds;
    }
    return sum;
}

/* Seconds a step, of n, that what is timed takes. */
static eg_status time_steps(double *seconds, bench *b, int64_t n, eg_err *err)
{
    cli_bench_part part = b->set->part;
    int threads = eg_pool_size(b->pool);
    eg_op_times times = {0};
    eg_op_time layer;
    eg_step_info info;
    eg_status st = EG_OK;
    double all;

    eg_trainer_times_begin(b->trainer);
    all = -eg_clock();
    for (int64_t i = 0; i < n; i++) eg_trainer_step(b->trainer, &info);
    all += eg_clock();
    if (part != CLI_PART_STEP)
        EG_TRY(eg_trainer_times(&times, b->trainer, err));
    if (part == CLI_PART_GIVEN)
        all -= sum_of(&times, EG_TIME_DRAWN, NULL).seconds / threads;
    if (part == CLI_PART_MESA) {
        layer = sum_of(&times, "mesa", "linatt");
        all = layer.seconds / threads;
        b->flops = 2 * layer.madds / (double)n / tokens_of(b);
    }
    *seconds = all / (double)n;
done:
    eg_op_times_release(&times);
    return st;
}

/* From the rounds' seconds a step, by the clock and of all threads. The memory
 * that is taken is known later. */
static void add_figures(bench *b, const double *t, double *cpu, double *share,
                        double *peak)
{
    int n = (int)b->rounds;
    double rate[100], tokens = tokens_of(b);
    double per = b->flops;
    bool layer = b->set->part == CLI_PART_MESA;
    char name[sizeof((eg_figure *)0)->name];
    eg_figure *r;

    for (int i = 0; i < n; i++) rate[i] = tokens / t[i];
    snprintf(name, sizeof name, "%s: %s", b->what,
             layer ? "forward and backward" : "a training step");
    r = eg_figures_add(&b->figures, name, "tokens/s", false, rate, n);
    cli_sort(peak, n);
    if (per > 0 && !b->turns) eg_figure_share(r, peak[n / 2] / per, share, n);
    if (b->set->part != CLI_PART_STEP) return;
    snprintf(name, sizeof name, "%s: processor time of a step", b->what);
    (void)eg_figures_add(&b->figures, name, "s", true, cpu, n);
}

/* Between the rounds all threads multiply and add in registers for as long as
 * a round lasts (2 s at most), so that a slow spell of a shared machine, and
 * the clock that a busy machine falls to, hit both; the share is the median of
 * the rounds'. In turns with another program they wait for a line instead. */
static eg_status time_rounds(bench *b, eg_err *err)
{
    double t[100] = {0}, cpu[100] = {0}, peak[100] = {0}, share[100] = {0};
    double once;
    eg_status st = time_steps(&once, b, 1, err); /* warm */

    if (st == EG_OK && once < 1) st = time_steps(&once, b, 2, err);
    if (st == EG_OK && b->steps == 0)
        b->steps = (int64_t)fmax(1, ceil(0.5 / once));
    if (st == EG_OK && b->turns) cli_tell_seconds(once);
    for (int64_t i = 0; i < b->rounds; i++) {
        if (st == EG_OK && b->turns) st = cli_await_round(i, b->rounds, err);
        if (st != EG_OK) return st;
        if (!b->turns)
            peak[i] = 1e9 * eg_bench_peak_threads(
                                b->plan.kern,
                                b->cfg->train.precision == EG_TRAIN_FLOAT64,
                                b->pool, fmin(2, once * (double)b->steps));
        cpu[i] = -(double)clock();
        st = time_steps(&t[i], b, b->steps, err);
        cpu[i] = (cpu[i] + (double)clock()) / CLOCKS_PER_SEC / (double)b->steps;
        share[i] = peak[i] > 0 ? tokens_of(b) * b->flops / t[i] / peak[i] : 0;
        if (b->turns) cli_tell_seconds(t[i]);
    }
    if (st != EG_OK) return st;
    add_figures(b, t, cpu, share, peak);
    cli_sort(t, (int)b->rounds);
    cli_sort(cpu, (int)b->rounds);
    cli_sort(peak, (int)b->rounds);
    cli_sort(share, (int)b->rounds);
    b->best = t[0];
    b->median = t[b->rounds / 2];
    b->cpu = cpu[b->rounds / 2];
    b->peak = peak[b->rounds / 2];
    b->share = share[b->rounds / 2];
    return EG_OK;
}

/* Scores from tables count as the products that they stand for; what the rest
 * comes to by itself: */
static void print_looked_up(const bench *b, double rate)
{
    double all = b->plan.flops_per_token, looked = b->plan.looked_up_per_token;

    printf("\nof it %.3f MFLOP a token are looked up in tables of scores; what "
           "is computed: %.1f GFLOP/s",
           looked / 1e6, rate * (all - looked) / 1e9);
    if (b->peak > 0) printf(", %.0f %%", 100 * b->share * (1 - looked / all));
}

static json_t *as_json(const bench *b)
{
    double tokens = tokens_of(b), rate = tokens / b->median;

    return json_pack(
        "{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:f, s:f, s:I, s:I, "
        "s:I, s:I, s:I, s:s, s:i, s:s, s:s}",
        "bench", b->what, "tokens_per_s", rate, "tokens_per_s_best",
        tokens / b->best, "seconds_per_step", b->median, "cpu_seconds_per_step",
        b->cpu, "gflops", rate * b->flops / 1e9, "flops_per_token", b->flops,
        "looked_up_per_token", b->plan.looked_up_per_token, "peak_fraction",
        b->peak > 0 ? json_real(b->share) : json_null(), "gradient_error",
        b->agrees.distance, "gradient_cosine", b->agrees.cosine,
        "bytes_announced", (json_int_t)b->plan.total, "bytes_taken",
        (json_int_t)b->took, "batch", (json_int_t)b->cfg->train.batch, "rounds",
        (json_int_t)b->rounds, "steps_per_round", (json_int_t)b->steps,
        "kernels", b->plan.kern, "threads", eg_pool_size(b->pool), "version",
        eg_version(), "commit", eg_commit());
}

static void print(const bench *b)
{
    double tokens = tokens_of(b), rate = tokens / b->median;
    double top = tokens / b->best, flops = rate * b->flops;
    const char *kern = b->plan.kern;

    printf("%s: %.0f tokens/s (median of %lld rounds, best %.0f), %.2f ms a "
           "step of %.0f tokens, ",
           b->what, rate, (long long)b->rounds, top, 1e3 * b->median, tokens);
    if (b->set->part == CLI_PART_MESA)
        printf("in ops mesa and linatt\n");
    else if (b->set->part == CLI_PART_GIVEN)
        printf("but for drawing these\n");
    else
        printf("%.2f ms of CPU time\n", 1e3 * b->cpu);
    printf("%.1f GFLOP/s of necessary arithmetic (%.2f MFLOP a token)",
           flops / 1e9, b->flops / 1e6);
    if (b->peak > 0)
        printf(", %.0f %% of the FMA peak of %.0f GFLOP/s", 100 * b->share,
               b->peak / 1e9);
    if (b->plan.looked_up_per_token > 0) print_looked_up(b, rate);
    printf("\nmemory: %.0f MB announced, %.0f MB taken\n"
           "verified: each tensor's gradient within %.1e of its norm of the "
           "plain algebra's, of %d tokens in float64; kernels %s, %d threads\n",
           (double)b->plan.total / 1e6, (double)b->took / 1e6,
           b->agrees.distance, b->agrees.tokens, kern, eg_pool_size(b->pool));
}

static void add_memory(bench *b)
{
    double took = (double)b->took;
    char name[sizeof((eg_figure *)0)->name];

    snprintf(name, sizeof name, "%s: memory taken", b->what);
    (void)eg_figures_put(&b->figures, name, "bytes", true, 1, took, took, took,
                         took);
}

/* Verified and timed, into b; what is made here is let go of. */
static eg_status bench_training(bench *b, eg_err *err)
{
    eg_status st;

    EG_TRY(configure(b, err));
    b->spec = eg_config_train(b->cfg);
    b->spec.pool = b->pool;
    b->spec.seed = 1;
    b->spec.kern = b->kern;
    b->spec.strict_freeze = false; /* its patterns are ours, for two blocks */
    EG_TRY(eg_kern_check(b->kern, err));
    EG_TRY(eg_task_new(&b->task, &b->cfg->task, 1, err));
    b->spec.task = b->task;
    EG_TRY(eg_train_plan_make(&b->plan, &b->spec, err));
    EG_TRY(cli_bench_verify(&b->agrees, &b->spec, err));
    b->flops = b->plan.flops_per_token;
    eg_text_copy(b->figures.kernels, sizeof b->figures.kernels, b->plan.kern);
    b->took = -eg_memory_now();
    EG_TRY(eg_trainer_new(&b->trainer, &b->spec, err));
    EG_TRY(time_rounds(b, err));
    b->took += eg_memory_now();
    add_memory(b);
done:
    return st;
}

static void bench_release(bench *b)
{
    eg_trainer_free(b->trainer);
    eg_task_free(b->task);
    b->trainer = NULL;
    b->task = NULL;
}

/* One model after the other; as JSON one object, or of several a list. */
static int bench_all(bench *b, const char *what)
{
    const char *only = cli_value(b->args, "only");
    bool json = cli_flag(b->args, "json"), many = strcmp(what, "mesa") == 0;
    json_t *all = json_array();
    int64_t steps = b->steps;
    eg_err err = {0};
    eg_status st = EG_OK;
    int n = 0;

    for (const cli_bench_set *s = cli_bench_sets; s->bench; s++) {
        if (strcmp(s->bench, what) != 0) continue;
        if (only && strcmp(s->name, only) != 0) continue;
        b->what = s->name;
        b->set = s;
        b->steps = steps;
        st = bench_training(b, &err);
        if (st == EG_OK && json) json_array_append_new(all, as_json(b));
        if (st == EG_OK && !json) print(b);
        bench_release(b);
        if (st != EG_OK) break;
        n++;
    }
    if (st == EG_OK && n == 0)
        st = EG_FAIL(&err, EG_EINVAL,
                     "--only: expected layer, mesa1, lsa6, softmax7 or "
                     "hybrid, found '%s'",
                     only);
    if (st == EG_OK && json)
        return cli_print_json(many ? all : json_incref(json_array_get(all, 0)));
    json_decref(all);
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

int cmd_bench(const cli_args *a)
{
    const char *kern = cli_value(a, "kern");
    bench b = {.args = a,
               .what = a->n_words ? a->word[0] : "birth",
               .kern = kern ? kern : "auto",
               .rounds = 7,
               .turns = cli_flag(a, "turns")};
    int code;

    if (cli_value(a, "compare") && cli_value(a, "profile"))
        return cli_fail(CLI_MISUSE, "bench: expected --profile or --compare, "
                                    "found both");
    if (cli_value(a, "compare")) {
        code = cli_bench_check(a, "--compare");
        return code == CLI_DONE ? cmd_bench_compare(a) : code;
    }
    if (cli_value(a, "profile") && a->n_words)
        return cli_fail(CLI_MISUSE,
                        "bench: --profile goes in the place of '%s'", b.what);
    if (strcmp(b.what, "birth") != 0 && strcmp(b.what, "full") != 0 &&
        strcmp(b.what, "gpt2") != 0 && strcmp(b.what, "mesa") != 0 &&
        strcmp(b.what, "kernels") != 0 && strcmp(b.what, "flow") != 0 &&
        strcmp(b.what, "energy") != 0 && strcmp(b.what, "scaling") != 0 &&
        strcmp(b.what, "limits") != 0)
        return cli_fail(CLI_MISUSE,
                        "bench: '%s' is not one of birth, full, "
                        "gpt2, mesa, kernels, flow, energy, scaling, limits",
                        b.what);
    code = cli_bench_check(a, cli_value(a, "profile") ? "--profile" : b.what);
    if (code == CLI_DONE) code = cli_figures_check(a);
    if (code != CLI_DONE) return code;
    if (cli_value(a, "profile")) return cmd_bench_profile(a);
    if (strcmp(b.what, "kernels") == 0) return cmd_bench_kernels(a);
    if (strcmp(b.what, "flow") == 0) return cmd_bench_flow(a);
    if (strcmp(b.what, "energy") == 0) return cmd_bench_energy(a);
    if (strcmp(b.what, "scaling") == 0) return cmd_bench_scaling(a);
    if (strcmp(b.what, "limits") == 0) return cmd_bench_limits(a);
    if (!cli_int(a, "rounds", 1, 100, &b.rounds) ||
        !cli_int(a, "steps", 1, 1000000, &b.steps))
        return CLI_MISUSE;
    b.cfg = eg_calloc(1, sizeof *b.cfg);
    if (!b.cfg) return cli_fail(CLI_FAILED, "out of memory");
    code = cli_pool(a, &b.pool);
    if (code == CLI_DONE)
        eg_figures_begin(&b.figures, b.what, "", eg_pool_size(b.pool));
    if (code == CLI_DONE)
        code = bench_all(&b, a->n_words ? a->word[0] : "birth");
    code = cli_figures_end(&b.figures, a, code);
    eg_pool_free(b.pool);
    eg_free(b.cfg);
    return code;
}
