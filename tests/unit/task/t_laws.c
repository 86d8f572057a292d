/* Chi-square tests of what the bigram task draws against the laws it claims.
 * Seeds are fixed; each test fails with probability 2e-4 for a right sampler
 * and a fresh seed. */
#include "task_helper.h"

#define N_SEQ 4096

typedef struct counts {
    eg_index v;
    int64_t *first;             /* [v]: x_0 */
    int64_t *step, *step_n;     /* [v, v], [v]: after a token with c = 0 */
    int64_t *output, *output_n; /* [v, v], [v]: after a first occurrence */
} counts;

static counts counts_make(eg_index v)
{
    size_t n = (size_t)v, n2 = n * n;
    counts c = {v,
                eg_calloc(n, sizeof(int64_t)),
                eg_calloc(n2, sizeof(int64_t)),
                eg_calloc(n, sizeof(int64_t)),
                eg_calloc(n2, sizeof(int64_t)),
                eg_calloc(n, sizeof(int64_t))};
    return c;
}

static void counts_free(counts *c)
{
    eg_free(c->first);
    eg_free(c->step);
    eg_free(c->step_n);
    eg_free(c->output);
    eg_free(c->output_n);
}

static void count_all(counts *c, const eg_task *task, eg_split split)
{
    int T = eg_task_ctx(task);
    eg_seq s = seq_make(T);

    for (uint32_t i = 0; i < N_SEQ; i++) {
        eg_task_sequence(task, split, 7, i, &s);
        c->first[s.tokens[0]]++;
        for (int t = 0; t < T; t++) {
            int64_t *table = s.labels[t] == 0 ? c->step : c->output;
            int64_t *row_n = s.labels[t] == 0 ? c->step_n : c->output_n;

            if (s.labels[t] > 1) continue;
            table[s.tokens[t] * c->v + s.targets[t]]++;
            row_n[s.tokens[t]]++;
        }
    }
    seq_free(&s);
}

static void rows_check(const char *what, const int64_t *seen,
                       const int64_t *row_n, const double *p, eg_index v)
{
    double chi2 = 0, df = 0;

    for (int i = 0; i < v; i++)
        chi2_add(&chi2, &df, seen + i * v, p + i * v, (int)v, (double)row_n[i]);
    chi2_check(what, chi2, df);
}

/* Rows of the output law of every trigger. */
static void output_law(double *p, const eg_task *task, int lo, int hi)
{
    const eg_task_opts *o = eg_task_options(task);
    eg_index v = eg_task_vocab(task);

    for (int q = 0; q < v; q++) {
        double *row = p + q * v, mass = 0;

        for (int y = 0; y < v; y++) {
            row[y] = o->outputs == EG_OUTPUTS_BIGRAM
                         ? eg_task_bigram(task)[q * v + y]
                         : (y >= lo && y < hi ? 1.0 : 0.0);
            if (o->no_repeat && y == q) row[y] = 0;
            mass += row[y];
        }
        for (int y = 0; y < v; y++) row[y] /= mass;
    }
}

static void laws_check(const char *sets, eg_split split, int lo, int hi)
{
    eg_task *task = task_make(sets, 3);
    eg_index v = eg_task_vocab(task);
    counts c = counts_make(v);
    double *p = eg_calloc((size_t)v * (size_t)v, sizeof *p);
    double chi2 = 0, df = 0;

    printf("%s\n", sets[0] ? sets : "defaults");
    count_all(&c, task, split);
    chi2_add(&chi2, &df, c.first, eg_task_unigram(task), v, N_SEQ);
    chi2_check("  x_0 ~ pi_u", chi2, df);
    rows_check("  x_{t+1} ~ pi_b(.|x_t) where c = 0", c.step, c.step_n,
               eg_task_bigram(task), v);
    output_law(p, task, lo, hi);
    rows_check("  output of a trigger, first occurrence", c.output, c.output_n,
               p, v);
    eg_free(p);
    counts_free(&c);
    eg_task_free(task);
}

static void test_laws(void **state)
{
    (void)state;
    laws_check("", EG_TRAIN, 0, 65);
    laws_check("", EG_TEST, 0, 65);
    laws_check("outputs=bigram", EG_TRAIN, 0, 65);
    laws_check("no_repeat=true", EG_PROBE, 0, 65);
    laws_check("outputs=bigram no_repeat=true", EG_TRAIN, 0, 65);
    laws_check("triggers=fixed n_triggers=3", EG_TRAIN, 0, 65);
    laws_check("output_pool=split", EG_TRAIN, 0, 48);
    laws_check("output_pool=split no_repeat=true", EG_TEST, 48, 65);
}

/* Successive sampling: first trigger ~ pi_u, second ~ pi_u without the first,
 * third without both. */
static void test_triggers(void **state)
{
    enum { N = 60000, K = 3 };
    eg_task *task = task_make("n_triggers=3 show_latents=true n_ctx=4", 11);
    eg_index v = eg_task_vocab(task);
    const double *pi = eg_task_unigram(task);
    int64_t *one = eg_calloc((size_t)v, sizeof *one);
    int64_t *two = eg_calloc((size_t)(v * v), sizeof *two);
    int64_t *third = eg_calloc((size_t)v, sizeof *third);
    double *p2 = eg_calloc((size_t)(v * v), sizeof *p2);
    double *p3 = eg_calloc((size_t)v, sizeof *p3);
    double chi2 = 0, df = 0;
    eg_seq s = seq_make(4);

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        eg_task_sequence(task, EG_TRAIN, 0, i, &s);
        one[s.tokens[0]]++;
        two[s.tokens[0] * v + s.tokens[1]]++;
        third[s.tokens[2]]++;
        assert_true(s.tokens[0] != s.tokens[1] && s.tokens[2] != s.tokens[0] &&
                    s.tokens[2] != s.tokens[1]);
    }
    for (int i = 0; i < v; i++)
        for (int j = 0; j < v; j++) {
            if (i == j) continue;
            p2[i * v + j] = pi[j] / (1 - pi[i]);
            for (int k = 0; k < v; k++)
                if (k != i && k != j)
                    p3[k] +=
                        pi[i] * p2[i * v + j] * pi[k] / (1 - pi[i] - pi[j]);
        }
    chi2_add(&chi2, &df, one, pi, v, N);
    chi2_check("first trigger", chi2, df);
    rows_check("second trigger given the first", two, one, p2, v);
    chi2 = df = 0;
    chi2_add(&chi2, &df, third, p3, v, N);
    chi2_check("third trigger", chi2, df);
    seq_free(&s);
    eg_free(one);
    eg_free(two);
    eg_free(third);
    eg_free(p2);
    eg_free(p3);
    eg_task_free(task);
}

/* With all 64 of 65 tokens as triggers rejection nearly always gives up, so
 * this tests the scan: the one token left over is i with the probability that
 * successive sampling leaves it for last, small for frequent tokens. */
static void test_many_triggers(void **state)
{
    eg_task *task = task_make("n_triggers=64 show_latents=true n_ctx=66", 5);
    eg_seq s = seq_make(66);
    int left_space = 0, left_rarest = 0, n = 4000;

    (void)state;
    for (int i = 0; i < n; i++) {
        bool seen[65] = {false};

        eg_task_sequence(task, EG_TRAIN, 0, (uint32_t)i, &s);
        for (int k = 0; k < 64; k++) {
            assert_false(seen[s.tokens[k]]);
            seen[s.tokens[k]] = true;
        }
        left_space += !seen[1];
        left_rarest += !seen[3];
    }
    /* '$' (1 of 1,115,394) against '&' (3): P('&' is drawn first) = 3/4, and
     * nothing else is comparably rare but '3' (27): P('$' last) = sum over
     * orders of {$, &, 3} = 27/31 * 3/4 + 3/31 * 27/28, others at most 1.5 % */
    {
        double p = 27.0 / 31 * 0.75 + 3.0 / 31 * 27 / 28;
        double f = (double)left_rarest / n;

        printf("'$' left over: %.4f, expected %.4f\n", f, p);
        assert_true(fabs(f - p) < 4 * sqrt(p * (1 - p) / n) + 0.015);
        assert_int_equal(left_space, 0);
    }
    seq_free(&s);
    eg_task_free(task);
}

/* `shuffle`: outputs of one trigger in one sequence are independent. */
static void test_shuffle(void **state)
{
    eg_task *task = task_make("shuffle=true n_triggers=1", 2);
    int T = eg_task_ctx(task), n = 0, same = 0;
    eg_seq s = seq_make(T);

    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        int last = -1;

        eg_task_sequence(task, EG_TRAIN, 0, i, &s);
        for (int t = 0; t < T; t++) {
            if (s.labels[t] == 0) continue;
            assert_true(s.labels[t] == 1 || last >= 0);
            if (last >= 0) {
                n++;
                same += s.targets[t] == last;
            }
            last = s.targets[t];
        }
    }
    {
        double p = 1.0 / 65, f = (double)same / n;

        printf("equal successive outputs: %.5f of %d, expected %.5f\n", f, n,
               p);
        assert_true(n > 10000);
        assert_true(fabs(f - p) < 4 * sqrt(p * (1 - p) / n));
    }
    seq_free(&s);
    eg_task_free(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_laws),
        cmocka_unit_test(test_triggers),
        cmocka_unit_test(test_many_triggers),
        cmocka_unit_test(test_shuffle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
