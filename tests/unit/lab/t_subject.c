/* A model on the table: what is handed over is what evaluator and trainer
 * find, and what is wrong is said. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engram/mem.h"
#include "engram/subject.h"
#include "engram/train.h"

enum { N = 3, T = 16 };

static char path[64];
static eg_subject *subject;
static int32_t tokens[N * T], targets[N * T];

static const char yaml[] =
    "task: {n_ctx: 16, n_triggers: 2}\n"
    "model: {d_model: 12, n_heads: 2, qk: factorised, norm: pre, mlp: gelu,\n"
    "        dropout: 0.5}\n"
    "train: {batch: 8, freeze: [W_E]}\n";

static eg_subject *open_fresh(const char *const *assign, int n)
{
    eg_checkpoint_how how = {.assign = assign, .n_assign = n};
    eg_subject *s = NULL;
    eg_err err = {0};

    if (eg_subject_fresh(&s, path, &how, 2, NULL, &err) != EG_OK)
        fail_msg("%s", err.msg);
    return s;
}

static void draw(const eg_subject *s, int32_t *to, int32_t *next)
{
    int32_t labels[T];

    for (eg_index i = 0; i < N; i++) {
        eg_seq seq = {
            .tokens = to + i * T, .targets = next + i * T, .labels = labels};

        eg_task_sequence(eg_subject_task(s), EG_TEST, 0, (uint32_t)i, &seq);
    }
}

static int set_up(void **state)
{
    int fd;

    (void)state;
    snprintf(path, sizeof path, "/tmp/engram-t_subject-XXXXXX");
    fd = mkstemp(path);
    if (fd < 0 || write(fd, yaml, sizeof yaml - 1) < 0) return -1;
    (void)close(fd);
    subject = open_fresh(NULL, 0);
    draw(subject, tokens, targets);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    eg_subject_free(subject);
    return unlink(path);
}

static eg_batch whole(void)
{
    return (eg_batch){.n = N, .tokens = tokens, .targets = targets};
}

/* ---- forwards -------------------------------------------------------------
 */

typedef struct kept {
    double pattern[N * 2 * T * T], nll[N * T];
} kept;

static void source(const void *from, uint32_t index, eg_seq *out)
{
    (void)from;
    for (int t = 0; t < T; t++) {
        out->tokens[t] = tokens[index * T + (uint32_t)t];
        out->targets[t] = targets[index * T + (uint32_t)t];
        out->labels[t] = 0;
    }
}

static void keep(void *ctx, int index, int worker, const eg_acts *a)
{
    kept *k = ctx;
    eg_view v;

    (void)worker;
    assert_true(eg_acts_hook(a, "blocks.1.attn.hook_pattern", &v));
    for (eg_index i = 0; i < (eg_index)2 * T * T; i++)
        k->pattern[(eg_index)index * 2 * T * T + i] = eg_view_at(&v, i);
    for (int t = 0; t < T; t++) k->nll[index * T + t] = a->nll[t];
}

static void test_forward(void **state)
{
    static const char *const hook[] = {"blocks.1.attn.hook_pattern",
                                       "blocks.0.attn.hook_result"};
    static kept want;
    eg_batch b = whole();
    eg_arrays *got = NULL;
    eg_pool *pool = NULL;
    eg_eval *e = NULL;
    eg_view v;

    (void)state;
    assert_int_equal(eg_pool_new(&pool, 1, NULL), EG_OK);
    assert_int_equal(eg_eval_new(&e, eg_subject_model(subject),
                                 eg_subject_task(subject), pool, "auto", 0,
                                 NULL),
                     EG_OK);
    eg_eval_run_on(e, source, NULL, N, keep, &want);
    assert_int_equal(eg_subject_forward(&got, subject, &b, hook, 2, NULL),
                     EG_OK);
    assert_int_equal(eg_arrays_count(got), 4);
    assert_string_equal(eg_arrays_name(got, 0), hook[0]);
    v = eg_arrays_view(got, 0);
    assert_true(v.ndim == 4 && v.shape[0] == N && v.shape[1] == 2 &&
                v.shape[2] == T && v.shape[3] == T);
    for (eg_index i = 0; i < eg_view_size(&v); i++)
        assert_true(eg_view_at(&v, i) == want.pattern[i]);
    v = eg_arrays_view(got, 1);
    assert_true(v.ndim == 4 && v.shape[2] == 2 && v.shape[3] == 12);
    assert_string_equal(eg_arrays_name(got, 2), "nll");
    v = eg_arrays_view(got, 2);
    assert_int_equal(v.dtype, EG_F64);
    for (eg_index i = 0; i < (eg_index)N * T; i++)
        assert_true(eg_view_at(&v, i) == want.nll[i]);
    assert_string_equal(eg_arrays_name(got, 3), "pred");
    assert_int_equal(eg_arrays_view(got, 3).dtype, EG_I32);
    eg_arrays_free(got);
    eg_eval_free(e);
    eg_pool_free(pool);
}

/* ---- back -----------------------------------------------------------------
 */

static double loss_now(void)
{
    eg_batch b = whole();
    eg_arrays *got = NULL;
    double sum = 0;
    int n = 0;
    eg_view v;

    assert_int_equal(eg_subject_forward(&got, subject, &b, NULL, 0, NULL),
                     EG_OK);
    v = eg_arrays_view(got, 0);
    for (int i = 0; i < N * T; i++) {
        n += targets[i] >= 0;
        sum += eg_view_at(&v, i);
    }
    eg_arrays_free(got);
    return sum / n;
}

/* Of the loss that forward shows, of frozen tensors too, without dropout. */
static void test_gradient(void **state)
{
    eg_batch b = whole();
    eg_arrays *got = NULL, *again = NULL;
    eg_model *m = eg_subject_model(subject);
    double loss = 0, w[65 * 12], way[65 * 12], slope = 0, want = 0;
    int at = -1, e = eg_model_find(m, "W_E");
    eg_err err = {0};
    eg_view v;

    (void)state;
    if (eg_subject_gradient(&got, &loss, subject, &b, &err) != EG_OK)
        fail_msg("%s", err.msg);
    print_message("loss %.9g, forwards %.9g\n", loss, loss_now());
    assert_true(fabs(loss - loss_now()) < 1e-5 * loss);
    for (int i = 0; i < eg_arrays_count(got); i++)
        if (strcmp(eg_arrays_name(got, i), "W_E") == 0) at = i;
    assert_true(at >= 0);
    v = eg_arrays_view(got, at);
    assert_true(v.dtype == EG_F32 && v.shape[0] == 65 && v.shape[1] == 12);
    eg_model_get(m, e, w);
    for (int k = 0; k < 65 * 12; k++) {
        double g = eg_view_at(&v, k);

        way[k] = w[k] + 0.02 * g;
        want += g * g;
    }
    eg_model_set(m, e, way);
    slope = loss_now();
    for (int k = 0; k < 65 * 12; k++) way[k] = 2 * w[k] - way[k];
    eg_model_set(m, e, way);
    slope = (slope - loss_now()) / 0.04;
    eg_model_set(m, e, w);
    print_message("slope %.6g, square of the gradient %.6g\n", slope, want);
    assert_true(fabs(slope - want) < 0.02 * want && want > 1e-4);
    /* kept apart from what comes later */
    eg_model_set(m, e, way);
    assert_int_equal(eg_subject_gradient(&again, NULL, subject, &b, NULL),
                     EG_OK);
    eg_model_set(m, e, w);
    v = eg_arrays_view(got, at);
    slope = eg_view_at(&v, 0);
    v = eg_arrays_view(again, at);
    assert_true(v.data != eg_arrays_view(got, at).data);
    eg_arrays_free(again);
    assert_int_equal(eg_subject_gradient(&again, NULL, subject, &b, NULL),
                     EG_OK);
    v = eg_arrays_view(again, at);
    assert_true(eg_view_at(&v, 0) == slope);
    eg_arrays_free(again);
    eg_arrays_free(got);
}

/* ---- what is wrong --------------------------------------------------------
 */

static void refused(eg_status st, const eg_err *err, const char *what)
{
    print_message("%s\n", err->msg);
    assert_int_equal(st, EG_EINVAL);
    if (!strstr(err->msg, what)) fail_msg("expected '%s'", what);
}

static void test_refused(void **state)
{
    static const char *const none[] = {"hook_none"};
    eg_batch b = whole();
    eg_arrays *got = NULL;
    eg_hold hold = {.hook = "blocks.0.attn.hook_z", .head = 1};
    eg_err err = {0};
    int32_t was = tokens[T + 2];

    (void)state;
    refused(eg_subject_forward(&got, subject, &b, none, 1, &err), &err,
            "no hook 'hook_none'");
    assert_null(got);
    tokens[T + 2] = 65;
    refused(eg_subject_forward(&got, subject, &b, NULL, 0, &err), &err,
            "tokens: sequence 1, position 2: expected 0 to 64, found 65");
    tokens[T + 2] = was;
    b.targets = NULL;
    refused(eg_subject_gradient(&got, NULL, subject, &b, &err), &err,
            "no position has a target");
    b = whole();
    b.tokens = NULL;
    refused(eg_subject_forward(&got, subject, &b, NULL, 0, &err), &err,
            "tokens, and there are none");
    b = whole();
    b.n = 0;
    refused(eg_subject_forward(&got, subject, &b, NULL, 0, &err), &err,
            "found 0");
    b = whole();
    assert_int_equal(eg_subject_columns(subject, hold.hook, 1), 6);
    assert_int_equal(eg_subject_hold(subject, &hold, &err), EG_OK);
    refused(eg_subject_gradient(&got, NULL, subject, &b, &err), &err, "let go");
    eg_subject_let_go(subject);
    hold.hook = "blocks.0.attn.hook_pattern";
    refused(eg_subject_hold(subject, &hold, &err), &err, "hook_pattern");
    refused(eg_subject_fresh(
                &(eg_subject *){NULL}, path,
                &(eg_checkpoint_how){
                    .assign = (const char *[]){"run.kind=flow"}, .n_assign = 1},
                1, NULL, &err),
            &err, "has no model");
}

/* Whichever allocation fails, it is said, and nothing is lost. */
static void test_no_memory(void **state)
{
    eg_batch b = whole();
    int64_t before;
    int failed = 0;

    (void)state;
    (void)loss_now();
    before = eg_mem_query().live_bytes;
    for (int n = 1; n < 400; n++) {
        eg_arrays *got = NULL;
        eg_subject *s = NULL;
        eg_status st;

        eg_mem_fail_after(n);
        st = eg_subject_fresh(&s, path, NULL, 1, NULL, NULL);
        if (st == EG_OK) st = eg_subject_gradient(&got, NULL, s, &b, NULL);
        eg_mem_fail_after(0);
        failed += st == EG_ENOMEM;
        assert_true(st == EG_OK || st == EG_ENOMEM);
        eg_arrays_free(got);
        eg_subject_free(s);
        assert_int_equal(eg_mem_query().live_bytes, before);
        if (st == EG_OK) break;
    }
    print_message("%d allocations\n", failed);
    assert_true(failed > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward), cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_no_memory)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
