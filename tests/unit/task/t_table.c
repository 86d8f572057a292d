/* The statistics table of the specification, section 1.2: eleven variants,
 * eight numbers each, over 8192 sequences.
 *
 * Both sides are samples of 8192 sequences. The spread of ours comes from 64
 * groups of 128 sequences (pooled numbers, spread of the groups); theirs has
 * the same law, so the difference has sqrt(2) times our standard error.
 * Allowed: 4 of those, and half a unit of the last printed digit. */
#include "task_helper.h"

enum { P1, P2, C1, REP1, REP2, NLL, RATIO, TAIL, N_STATS };
enum { N_SEQ = 8192, N_GROUPS = 64 };

static const char *const stat_name[N_STATS] = {
    "P(c>=1)",     "P(c>=2)",    "P(c=1)",          "P(y=x|c>=1)",
    "P(y=x|c>=2)", "nll on c=0", "P(c>=2)/P(c>=1)", "last 20 equal"};

typedef struct row {
    const char *sets;
    double expect[N_STATS];
} row;

static const row table[] = {
    {"triggers=fixed", {.311, .293, .0187, .206, .218, 2.138, .940, .071}},
    {"", {.250, .233, .0176, .250, .267, 2.258, .930, .073}},
    {"n_triggers=3", {.169, .158, .0109, .221, .235, 2.330, .936, .044}},
    {"n_triggers=1", {.066, .062, .0037, .200, .211, 2.408, .943, .015}},
    {"n_triggers=3 triggers=fixed",
     {.245, .234, .0114, .184, .192, 2.215, .953, .049}},
    {"n_triggers=1 triggers=fixed",
     {.153, .149, .0039, .080, .082, 2.268, .975, .013}},
    {"triggers=fixed trigger_skip=5",
     {.217, .198, .0190, .273, .298, 2.352, .913, .067}},
    {"triggers=fixed trigger_skip=10",
     {.200, .181, .0186, .314, .344, 2.309, .907, .074}},
    {"n_triggers=3 outputs=bigram",
     {.214, .203, .0108, .285, .298, 2.401, .950, .070}},
    {"outputs=bigram", {.340, .323, .0170, .282, .295, 2.365, .950, .111}},
    {"no_repeat=true", {.202, .184, .0181, 0, 0, 2.254, .910, 0}},
};

typedef struct sums {
    double n, trig, again, rep1, rep2, nll, plain, tail, seqs;
} sums;

static void add_sequence(sums *a, const eg_seq *s, int T, const double *pi_b,
                         int v)
{
    bool tail = true;

    for (int t = 0; t < T; t++) {
        bool rep = s->targets[t] == s->tokens[t];

        a->n++;
        if (s->labels[t] == 0) {
            a->plain++;
            a->nll -= log(pi_b[s->tokens[t] * v + s->targets[t]]);
            continue;
        }
        a->trig++;
        a->rep1 += rep;
        if (s->labels[t] < 2) continue;
        a->again++;
        a->rep2 += rep;
    }
    for (int t = T - 19; t < T; t++) tail &= s->tokens[t] == s->targets[t];
    a->tail += tail;
    a->seqs++;
}

static void stats_of(double out[N_STATS], const sums *a)
{
    out[P1] = a->trig / a->n;
    out[P2] = a->again / a->n;
    out[C1] = (a->trig - a->again) / a->n;
    out[REP1] = a->rep1 / a->trig;
    out[REP2] = a->rep2 / a->again;
    out[NLL] = a->nll / a->plain;
    out[RATIO] = a->again / a->trig;
    out[TAIL] = a->tail / a->seqs;
}

static void add_sums(sums *a, const sums *b)
{
    a->n += b->n;
    a->trig += b->trig;
    a->again += b->again;
    a->rep1 += b->rep1;
    a->rep2 += b->rep2;
    a->nll += b->nll;
    a->plain += b->plain;
    a->tail += b->tail;
    a->seqs += b->seqs;
}

static int row_misses(const row *r)
{
    eg_task *task = task_make(r->sets, 42);
    int T = eg_task_ctx(task), v = eg_task_vocab(task), misses = 0;
    eg_seq s = seq_make(T);
    sums all = {0};
    double mean[N_STATS], avg[N_STATS] = {0}, sq[N_STATS] = {0};

    printf("%s\n", r->sets[0] ? r->sets : "defaults");
    for (int g = 0; g < N_GROUPS; g++) {
        sums part = {0};
        double x[N_STATS];

        for (int i = 0; i < N_SEQ / N_GROUPS; i++) {
            eg_task_sequence(task, EG_TRAIN, (uint64_t)g, (uint32_t)i, &s);
            add_sequence(&part, &s, T, eg_task_bigram(task), v);
        }
        add_sums(&all, &part);
        stats_of(x, &part);
        for (int k = 0; k < N_STATS; k++) {
            avg[k] += x[k] / N_GROUPS;
            sq[k] += x[k] * x[k] / N_GROUPS;
        }
    }
    stats_of(mean, &all);
    for (int k = 0; k < N_STATS; k++) {
        double var = fmax(0, sq[k] - avg[k] * avg[k]);
        double digit = r->expect[k] < .02 && k == C1 ? .5e-4 : .5e-3;
        double tol = 4 * sqrt(2 * var / (N_GROUPS - 1)) + digit;
        bool ok = fabs(mean[k] - r->expect[k]) <= tol;

        printf("  %-16s %.4f expected %.4f +- %.4f%s\n", stat_name[k], mean[k],
               r->expect[k], tol, ok ? "" : "  MISS");
        misses += !ok;
    }
    seq_free(&s);
    eg_task_free(task);
    return misses;
}

static void test_table(void **state)
{
    int misses = 0;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        misses += row_misses(&table[i]);
    assert_int_equal(misses, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
