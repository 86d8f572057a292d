/* The table of kinds; Markov chains and tokens at random against what theory
 * says of them. */
#include "task_helper.h"

static void test_table(void **state)
{
    const eg_field *kind = eg_field_find(eg_task_fields, "kind");
    char choice[32];
    int n = 0;

    (void)state;
    for (const char *name; (name = eg_task_kind_name(n, NULL)); n++) {
        assert_true(eg_choice(kind->choices, n, choice, sizeof choice));
        assert_string_equal(choice, name);
        assert_non_null(eg_task_group_find(n, ""));
        assert_string_equal(eg_task_group(n, 0)->name, "all");
        assert_null(eg_task_group_find(n, "nowhere"));
    }
    assert_false(eg_choice(kind->choices, n, choice, sizeof choice));
}

static void test_foreign_options(void **state)
{
    static const char *const sets[][2] = {
        {"kind=linear n_triggers=3",
         "task.n_triggers: an option of kind bigram"},
        {"kind=markov dim=3",
         "task.dim: an option of kind linear, nonlinear or regression"},
        {"kind=nonlinear hidden=3", "task.hidden: an option of kind linear"},
        {"kind=linear eig_min=0",
         "task.eig_min: an option of task.system contracting alone"},
        {"kind=linear seen_std=1",
         "task.seen_std: an option of task.hidden above 0 alone"},
        {"kind=linear system=contracting eig_min=1",
         "task.eig_min: 1: expected at most task.eig_max, 0.9"},
        {"kind=nonlinear lags=3",
         "task.lags: an option of task.tokens lagged alone"},
        {"n_states=4", "task.n_states: an option of kind markov"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        task_refused(sets[i][0], sets[i][1]);
}

/* Mean loss in nats of who says 1/k, of who counts symbols, and of who counts
 * what followed the present one, each count begun at 1. Known: an independent
 * program's, over 100,000 chains, standard error .0005. */
static void predictors(const char *sets, double loss[3], int n)
{
    eg_task *task = task_make(sets, 3);
    int k = eg_task_vocab(task), T = eg_task_ctx(task);
    eg_seq s;

    assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
    loss[0] = log(k);
    loss[1] = loss[2] = 0;
    for (int i = 0; i < n; i++) {
        double one[64] = {0}, two[64][64] = {{0}}, sum[64] = {0};

        eg_task_sequence(task, EG_TRAIN, 0, (uint32_t)i, &s);
        for (int t = 0; t < T; t++) {
            int x = s.tokens[t], y = s.targets[t];

            one[x] += 1;
            loss[1] -= log((one[y] + 1) / (t + 1 + k));
            loss[2] -= log((two[x][y] + 1) / (sum[x] + k));
            two[x][y] += 1;
            sum[x] += 1;
        }
    }
    loss[1] /= (double)n * T;
    loss[2] /= (double)n * T;
    eg_seq_release(&s);
    eg_task_free(task);
}

static void test_markov_predictors(void **state)
{
    static const struct {
        const char *sets;
        double unigram, bigram;
    } known[] = {{"kind=markov n_states=2 n_ctx=100", .5766, .5098},
                 {"kind=markov n_states=3 n_ctx=100", 1.0035, .8852}};

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        double loss[3];

        predictors(known[i].sets, loss, 20000);
        print_message("%s: uniform %.4f, unigram %.4f, bigram %.4f\n",
                      known[i].sets, loss[0], loss[1], loss[2]);
        assert_true(fabs(loss[1] - known[i].unigram) < .004);
        assert_true(fabs(loss[2] - known[i].bigram) < .004);
    }
}

/* Rows of a chain are Dirichlet(a): over many chains the variance of an entry
 * is (1/k)(1 - 1/k) / (a k + 1), which the second of two visits to one state
 * shows: P(same successor twice) = sum E p^2 = (a + 1) / (a k + 1). */
static void test_markov_concentration(void **state)
{
    static const double alpha[] = {0.1, 1, 5};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        double a = alpha[i], want = (a + 1) / (3 * a + 1), same = 0, n = 0, sd;
        char sets[96];
        eg_task *task;
        eg_seq s;

        snprintf(sets, sizeof sets,
                 "kind=markov n_states=3 n_ctx=40 start=uniform "
                 "concentration=%g",
                 a);
        task = task_make(sets, 1);
        assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
        for (uint32_t k = 0; k < 20000; k++) {
            int x, t = 1;

            eg_task_sequence(task, EG_TRAIN, 1, k, &s);
            for (x = s.tokens[0]; t < 40 && s.tokens[t] != x; t++) continue;
            if (t == 40) continue;
            same += s.targets[0] == s.targets[t];
            n += 1;
        }
        sd = sqrt(want * (1 - want) / n);
        /* that the state came again within the sequence favours chains that
         * return: some tenths of a per cent of the sequences do not */
        print_message("concentration %g: %.4f, expected %.4f +- %.4f\n", a,
                      same / n, want, sd);
        if (i > 0) assert_true(fabs(same / n - want) < 5 * sd);
        eg_seq_release(&s);
        eg_task_free(task);
    }
}

/* Rows of nearly one entry lead to a cycle, which is never left in so short a
 * walk: in a stationary chain the first symbol comes again, however small the
 * entries are that lead from cycle to cycle. */
static void test_markov_extremes(void **state)
{
    static const char *const sets[] = {
        "kind=markov n_states=3 n_ctx=8 concentration=0.001",
        "kind=markov n_states=64 n_ctx=200 concentration=0.001"};

    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        eg_task *task = task_make(sets[i], 1);
        int n = i == 0 ? 2000 : 100, T = eg_task_ctx(task), gone = 0;
        eg_seq s;

        assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
        for (uint32_t k = 0; k < (uint32_t)n; k++) {
            int t = 1;

            eg_task_sequence(task, EG_TRAIN, 1, k, &s);
            while (t < T && s.tokens[t] != s.tokens[0]) t++;
            gone += t == T;
        }
        print_message("%s: %d of %d walks never return\n", sets[i], gone, n);
        assert_true(gone * 100 <= n);
        eg_seq_release(&s);
        eg_task_free(task);
    }
}

/* Of one chain all sequences stay at state 0 equally often, but for chance; the
 * test batch has chains of its own. */
static void test_markov_chains(void **state)
{
    eg_task *task = task_make("kind=markov n_states=2 n_ctx=400 n_chains=1", 5);
    eg_seq s;

    (void)state;
    assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
    for (int split = 0; split < 3; split++) {
        static const eg_split splits[] = {EG_TRAIN, EG_PROBE, EG_TEST};
        double n_seq = 0, sum = 0, squares = 0, chance = 0, spread;

        for (uint32_t i = 0; i < 400; i++) {
            double n = 0, stay = 0, p;

            eg_task_sequence(task, splits[split], i, i, &s);
            for (int t = 0; t < 400; t++) {
                assert_in_range(s.tokens[t], 0, 1);
                if (t > 0) assert_int_equal(s.tokens[t], s.targets[t - 1]);
                n += s.tokens[t] == 0;
                stay += s.tokens[t] == 0 && s.targets[t] == 0;
            }
            if (n < 20) continue;
            p = stay / n;
            n_seq += 1;
            sum += p;
            squares += p * p;
            chance += p * (1 - p) / n;
        }
        spread = sqrt((squares - sum * sum / n_seq) / n_seq);
        chance = sqrt(chance / n_seq);
        print_message("split %d: %.3f +- %.3f, by chance %.3f\n", split,
                      sum / n_seq, spread, chance);
        if (split < 2)
            assert_true(spread < 1.3 * chance);
        else
            assert_true(spread > 3 * chance);
    }
    eg_seq_release(&s);
    eg_task_free(task);
}

/* Each symbol as often as any other, whatever came before. */
static void test_uniform(void **state)
{
    eg_task *task = task_make("kind=uniform vocabulary=50257 n_ctx=1024", 5);
    double n = 0, sum = 0, along = 0, mid = 50256 / 2.0;
    eg_seq s;

    (void)state;
    assert_int_equal(eg_task_vocab(task), 50257);
    assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
    for (uint32_t i = 0; i < 100; i++) {
        eg_task_sequence(task, EG_TRAIN, 3, i, &s);
        for (int t = 0; t < 1024; t++) {
            n += 1;
            assert_in_range(s.targets[t], 0, 50256);
            if (t < 1023) assert_int_equal(s.targets[t], s.tokens[t + 1]);
            sum += s.tokens[t] - mid;
            along += (s.tokens[t] - mid) * (s.targets[t] - mid);
        }
    }
    /* standard errors of the mean .0009 of V, of the correlation .003 */
    print_message("mean %.4f, correlation %.4f\n", sum / n / 50257,
                  12 * along / n / 50257 / 50257);
    assert_true(fabs(sum / n) < .004 * 50257);
    assert_true(fabs(12 * along / n) < .013 * 50257 * 50257);
    eg_seq_release(&s);
    eg_task_free(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_foreign_options),
        cmocka_unit_test(test_markov_predictors),
        cmocka_unit_test(test_markov_concentration),
        cmocka_unit_test(test_markov_chains),
        cmocka_unit_test(test_markov_extremes),
        cmocka_unit_test(test_uniform),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
