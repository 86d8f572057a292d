/* Rules every sequence obeys, streams, and options that cannot be. */
#include "task_helper.h"
#include "engram/pool.h"

static const char *const variants[] = {
    "",
    "triggers=fixed",
    "triggers=fixed trigger_skip=5",
    "triggers=fixed n_triggers=3 no_repeat=true",
    "n_triggers=1",
    "n_triggers=20 outputs=bigram",
    "outputs=bigram no_repeat=true",
    "outputs=bigram test_outputs=uniform",
    "no_repeat=true output_pool=split",
    "show_latents=true",
    "shuffle=true",
    "occurrences=one",
    "occurrences=one show_latents=true triggers=fixed",
    "shuffle=true no_repeat=true triggers=fixed",
    "n_ctx=2",
    "n_ctx=6 show_latents=true",
    "n_ctx=1000 n_triggers=64",
};
enum { N_VARIANTS = sizeof variants / sizeof *variants };

/* NULL and 0 when they are drawn for each sequence. */
static const int32_t *fixed_triggers(const eg_task *task, int *n)
{
    eg_view v = {.data = NULL, .shape = {0}};
    bool fixed = eg_task_fact(task, "triggers", &v);

    *n = fixed ? (int)v.shape[0] : 0;
    return fixed ? v.data : NULL;
}

/* Labels and chain of one sequence, recomputed the slow way. The triggers are
 * those tokens with a label; a token must have one always or never. */
static void check_sequence(const eg_task *task, const eg_seq *s)
{
    const eg_task_opts *o = eg_task_options(task);
    int T = eg_task_ctx(task), v = eg_task_vocab(task);
    int start = o->show_latents ? (int)o->n_triggers : 0;
    const double *pi_b = eg_task_bigram(task);
    int n_fixed;
    const int32_t *fixed = fixed_triggers(task, &n_fixed);

    for (int t = 0; t < start; t++) {
        assert_int_equal(s->targets[t], -1);
        assert_int_equal(s->labels[t], -1);
        assert_in_range(s->tokens[t], 0, v - 1);
    }
    for (int t = start; t < T; t++) {
        int x = s->tokens[t], y = s->targets[t], before = 0;
        bool expect_trigger = false;

        assert_in_range(x, 0, v - 1);
        assert_in_range(y, 0, v - 1);
        if (t + 1 < T) assert_int_equal(y, s->tokens[t + 1]);
        for (int r = start; r < t; r++) {
            if (s->tokens[r] != x) continue;
            before++;
            assert_int_equal(s->labels[r] > 0, s->labels[t] > 0);
            if (s->labels[t] > 0 && !o->shuffle)
                assert_int_equal(s->targets[r], y);
        }
        if (s->labels[t] != 0)
            assert_int_equal(s->labels[t],
                             o->occurrences == EG_OCCUR_ONE ? 1 : before + 1);
        else
            assert_true(pi_b[x * v + y] > 0);
        if (o->no_repeat && s->labels[t] > 0) assert_int_not_equal(x, y);
        for (int k = 0; k < n_fixed; k++) expect_trigger |= fixed[k] == x;
        for (int k = 0; k < start; k++) expect_trigger |= s->tokens[k] == x;
        if (n_fixed || start)
            assert_int_equal(expect_trigger, s->labels[t] > 0);
    }
}

static void test_rules(void **state)
{
    (void)state;
    for (int i = 0; i < N_VARIANTS; i++) {
        eg_task *task = task_make(variants[i], 9);
        eg_seq s = seq_make(eg_task_ctx(task));

        for (uint32_t j = 0; j < 60; j++) {
            eg_task_sequence(task, EG_TRAIN, 3, j, &s);
            check_sequence(task, &s);
            eg_task_sequence(task, EG_TEST, 3, j, &s);
            check_sequence(task, &s);
        }
        seq_free(&s);
        eg_task_free(task);
    }
}

static void fixed_check(const char *sets, const char *expect)
{
    eg_task *task = task_make(sets, 1);
    int n;
    const int32_t *q = fixed_triggers(task, &n);
    char got[80] = "";

    for (int k = 0; k < n; k++) {
        got[k] = (char)eg_task_symbol(task, q[k]);
        if (k > 0)
            assert_true(eg_task_unigram(task)[q[k]] >
                        eg_task_unigram(task)[q[k - 1]]);
    }
    printf("%s: \"%s\"\n", sets, got);
    assert_string_equal(got, expect);
    eg_task_free(task);
}

static void test_fixed_triggers(void **state)
{
    eg_task *task = task_make("", 1);
    int n = 7;

    (void)state;
    assert_null(fixed_triggers(task, &n));
    assert_int_equal(n, 0);
    eg_task_free(task);
    fixed_check("triggers=fixed", "aote ");
    fixed_check("triggers=fixed trigger_skip=5", "inrsh");
    fixed_check("triggers=fixed trigger_skip=10", "mudl\n");
    fixed_check("triggers=fixed n_triggers=3", "te ");
    fixed_check("triggers=fixed n_triggers=1", " ");
}

/* All arrays of one sequence as bytes, to compare. */
typedef struct batch {
    const eg_task *task;
    int n, T;
    int32_t *all; /* [n, 3, T] */
} batch;

static void make_one(void *ctx, int i, int worker)
{
    batch *b = ctx;
    eg_index T = b->T;
    int32_t *at = b->all + 3 * T * i;
    eg_seq s = {at, at + T, at + 2 * T, NULL, NULL, NULL};

    (void)worker;
    eg_task_sequence(b->task, EG_TRAIN, 5, (uint32_t)i, &s);
}

static batch batch_new(const eg_task *task, int n)
{
    batch b = {task, n, eg_task_ctx(task), NULL};

    b.all = eg_calloc((size_t)n * 3 * (size_t)b.T, sizeof *b.all);
    assert_non_null(b.all);
    return b;
}

static void test_order_and_threads(void **state)
{
    eg_task *task = task_make("", 123);
    batch a = batch_new(task, 200), b = batch_new(task, 200);
    size_t bytes = (size_t)a.n * 3 * (size_t)a.T * sizeof *a.all;
    int64_t allocs;
    eg_pool *pool = NULL;

    (void)state;
    allocs = eg_mem_query().n_allocs;
    for (int i = 0; i < a.n; i++) make_one(&a, i, 0);
    assert_int_equal(eg_mem_query().n_allocs, allocs);
    for (int i = b.n - 1; i >= 0; i--) make_one(&b, i, 0);
    assert_memory_equal(a.all, b.all, bytes);
    memset(b.all, 0, bytes);
    assert_int_equal(eg_pool_new(&pool, 3, NULL), EG_OK);
    eg_pool_run(pool, b.n, make_one, &b);
    assert_memory_equal(a.all, b.all, bytes);
    eg_pool_free(pool);
    eg_free(a.all);
    eg_free(b.all);
    eg_task_free(task);
}

static bool same(const eg_task *a, eg_split sa, uint64_t step_a, uint32_t ia,
                 const eg_task *b, eg_split sb, uint64_t step_b, uint32_t ib)
{
    int T = eg_task_ctx(a);
    eg_seq x = seq_make(T), y = seq_make(T);
    bool equal;

    eg_task_sequence(a, sa, step_a, ia, &x);
    eg_task_sequence(b, sb, step_b, ib, &y);
    equal = memcmp(x.tokens, y.tokens, (size_t)T * sizeof *x.tokens) == 0;
    seq_free(&x);
    seq_free(&y);
    return equal;
}

static void test_streams(void **state)
{
    eg_task *a = task_make("", 1), *b = task_make("", 2);

    (void)state;
    assert_true(same(a, EG_TRAIN, 4, 2, a, EG_TRAIN, 4, 2));
    assert_false(same(a, EG_TRAIN, 4, 2, a, EG_TRAIN, 4, 3));
    assert_false(same(a, EG_TRAIN, 4, 2, a, EG_TRAIN, 5, 2));
    assert_false(same(a, EG_TRAIN, 4, 2, b, EG_TRAIN, 4, 2));
    assert_false(same(a, EG_TRAIN, 4, 2, a, EG_PROBE, 4, 2));
    assert_false(same(a, EG_PROBE, 4, 2, b, EG_PROBE, 4, 2));
    assert_false(same(a, EG_TEST, 4, 2, a, EG_TEST, 4, 3));
    /* the test batch: whatever the seed and the step */
    assert_true(same(a, EG_TEST, 4, 2, b, EG_TEST, 9, 2));
    eg_task_free(a);
    eg_task_free(b);
}

/* A label apart, the same sequences. */
static void test_occurrences(void **state)
{
    eg_task *a = task_make("", 7), *b = task_make("occurrences=one", 7);
    int T = eg_task_ctx(a), later = 0;
    eg_seq x = seq_make(T), y = seq_make(T);

    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        eg_task_sequence(a, EG_TRAIN, 1, i, &x);
        eg_task_sequence(b, EG_TRAIN, 1, i, &y);
        assert_memory_equal(x.tokens, y.tokens, (size_t)T * sizeof *x.tokens);
        assert_memory_equal(x.targets, y.targets, (size_t)T * sizeof *x.tokens);
        for (int t = 0; t < T; t++) {
            assert_int_equal(y.labels[t], x.labels[t] > 0);
            later += x.labels[t] > 1;
        }
    }
    printf("%d later occurrences, all labelled 1\n", later);
    assert_true(later > 1000);
    seq_free(&x);
    seq_free(&y);
    eg_task_free(a);
    eg_task_free(b);
}

/* Out of distribution: training outputs below 48, test outputs from 48 on. */
static void test_split_pools(void **state)
{
    eg_task *task = task_make("output_pool=split", 1);
    int T = eg_task_ctx(task);
    eg_seq s = seq_make(T);
    int max_train = -1, min_test = 99;

    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        eg_task_sequence(task, EG_TRAIN, 0, i, &s);
        for (int t = 0; t < T; t++)
            if (s.labels[t] > 0 && s.targets[t] > max_train)
                max_train = s.targets[t];
        eg_task_sequence(task, EG_TEST, 0, i, &s);
        for (int t = 0; t < T; t++)
            if (s.labels[t] > 0 && s.targets[t] < min_test)
                min_test = s.targets[t];
    }
    printf("train outputs up to %d, test outputs from %d\n", max_train,
           min_test);
    assert_int_equal(max_train, 47);
    assert_int_equal(min_test, 48);
    seq_free(&s);
    eg_task_free(task);
}

static void expect_refused(const char *sets, const char *word)
{
    eg_task_opts o = task_opts(sets);
    eg_task *t = NULL;
    eg_err err = {0};
    eg_status st = eg_task_new(&t, &o, 1, &err);

    printf("%s\n  -> %s\n", sets, err.msg);
    assert_int_not_equal(st, EG_OK);
    assert_null(t);
    assert_non_null(strstr(err.msg, word));
}

static void test_refused(void **state)
{
    eg_task_opts o = task_opts("");
    eg_task *t = NULL;
    eg_err err = {0};

    (void)state;
    expect_refused("stats=nothing_of_that_name", "neither shipped");
    expect_refused("stats=/nonexistent/dir/x.json", "/nonexistent/dir/x.json");
    expect_refused("triggers=fixed trigger_skip=61", "only 65 symbols");
    expect_refused("trigger_skip=1", "only fixed");
    expect_refused("n_ctx=5 show_latents=true", "no room");
    expect_refused("output_pool=split outputs=bigram", "bigram");
    o.n_ctx = 1; /* what the fields table would have refused */
    assert_int_equal(eg_task_new(&t, &o, 1, &err), EG_EINVAL);
    printf("n_ctx = 1\n  -> %s\n", err.msg);
    o = task_opts("");
    o.n_triggers = 65;
    assert_int_equal(eg_task_new(&t, &o, 1, &err), EG_EINVAL);
    printf("n_triggers = 65\n  -> %s\n", err.msg);
}

/* Every allocation of eg_task_new failing in turn: clean error, no leak. */
static void test_out_of_memory(void **state)
{
    eg_task_opts o = task_opts("");
    int64_t live = eg_mem_query().live_bytes;
    int n = 0;

    (void)state;
    for (;;) {
        eg_task *t = NULL;
        eg_status st;

        eg_mem_fail_after(++n);
        st = eg_task_new(&t, &o, 1, NULL);
        eg_mem_fail_after(0);
        if (st == EG_OK) {
            eg_task_free(t);
            break;
        }
        assert_int_equal(st, EG_ENOMEM);
        assert_null(t);
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
    printf("%d allocations, each made to fail\n", n - 1);
    assert_true(n > 8);
    assert_int_equal(eg_mem_query().live_bytes, live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_fixed_triggers),
        cmocka_unit_test(test_order_and_threads),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_occurrences),
        cmocka_unit_test(test_split_pools),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
