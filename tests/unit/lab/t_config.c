/* Configurations: defaults, files, --set, errors with positions, and the
 * resolved text that reads back to the same bits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engram/lab.h"
#include "engram/mem.h"

static eg_config *cfg_new(void)
{
    eg_config *c = eg_calloc(1, sizeof *c);

    assert_non_null(c);
    eg_config_default(c);
    return c;
}

static eg_status apply(eg_config *c, const char *text, eg_err *err)
{
    eg_yaml *y = NULL;
    eg_status st = eg_yaml_parse(&y, text, strlen(text), "t.yaml", err);

    if (st == EG_OK) st = eg_config_apply(c, eg_yaml_root(y), NULL, err);
    eg_yaml_free(y);
    return st;
}

static void test_defaults(void **state)
{
    eg_config *c = cfg_new();

    (void)state;
    assert_int_equal(c->run.seed, 1);
    assert_int_equal(c->task.n_ctx, 256);
    assert_true(c->optim.lr == 0.2);
    assert_int_equal(c->checkpoint.keep, 2);
    eg_free(c);
}

static void test_round_trip(void **state)
{
    static const char *const set[] = {"run.name=a: b #c",
                                      "run.seed=9007199254740992",
                                      "optim.lr=0.30000000000000004",
                                      "model.mlp=[none, linear]",
                                      "train.freeze=W_E, blocks.*.attn.*@300",
                                      "task.triggers=fixed",
                                      "probe.norms=false",
                                      "optim.lr_end=1e-300"};
    eg_config *a = cfg_new(), *b = cfg_new();
    char *text = NULL, *again = NULL;
    eg_err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        assert_int_equal(eg_config_set(a, set[i], &err), EG_OK);
    assert_int_equal(eg_config_format(a, &text, &err), EG_OK);
    print_message("%s", text);
    assert_int_equal(apply(b, text, &err), EG_OK);
    assert_true(eg_config_same(a, b));
    b->typed_freeze = a->typed_freeze; /* how it was set is not in the text */
    assert_memory_equal(a, b, sizeof *a);
    assert_int_equal(eg_config_format(b, &again, &err), EG_OK);
    assert_string_equal(text, again);
    eg_free(text);
    eg_free(again);
    eg_free(a);
    eg_free(b);
}

static void test_same(void **state)
{
    eg_config *a = cfg_new(), *b = cfg_new();
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_config_set(b, "run.name=other", &err), EG_OK);
    assert_true(eg_config_same(a, b));
    assert_int_equal(eg_config_set(b, "train.freeze=W_E", &err), EG_OK);
    assert_false(eg_config_same(a, b));
    assert_int_equal(eg_config_set(a, "train.freeze=W_E", &err), EG_OK);
    assert_true(eg_config_same(a, b));
    assert_int_equal(eg_config_set(a, "run.seed=2", &err), EG_OK);
    assert_false(eg_config_same(a, b));
    eg_free(a);
    eg_free(b);
}

/* What stands wrong in a file, and what the message must contain. */
static void test_errors(void **state)
{
    static const struct {
        const char *text, *expect[2];
    } bad[] = {
        {"optim:\n  lrr: 1\n", {"t.yaml:2:3", "did you mean 'lr'"}},
        {"optims:\n  lr: 1\n", {"t.yaml:1:1", "did you mean 'optim'"}},
        {"lr: 1\n", {"t.yaml:1:1", "did you mean 'optim.lr'"}},
        {"train:\n  steps: many\n", {"t.yaml:2:10", "whole number"}},
        {"train:\n  steps: -1\n", {"t.yaml:2:10", "0"}},
        {"task:\n  triggers: fixt\n", {"t.yaml:2:13", "fixed"}},
        {"train: 3\n", {"t.yaml:1:8", "map"}},
        {"- a\n", {"t.yaml:1:1", "list"}},
        {"theory: {draws: 1}\n", {"t.yaml:1:1", "unknown key 'theory'"}},
        {"run: {kind: theory, theory: lema2}\n",
         {"t.yaml:1:29", "did you mean 'lemma2'"}},
        {"run: {kind: theory, theory: lemma2}\ntrain: {steps: 1}\n",
         {"t.yaml:2:1", "unknown key 'train'"}},
        {"run: {kind: theory, theory: lemma2}\ntheory: {drws: 1}\n",
         {"t.yaml:2:10", "did you mean 'draws'"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        eg_config *c = cfg_new();
        eg_err err = {0};

        assert_int_equal(apply(c, bad[i].text, &err), EG_EINVAL);
        print_message("%s\n", err.msg);
        for (int k = 0; k < 2; k++)
            assert_non_null(strstr(err.msg, bad[i].expect[k]));
        eg_free(c);
    }
}

static void test_set_errors(void **state)
{
    static const char *const bad[][2] = {
        {"optim.lr", "section.key=value"},
        {"optim.lrr=1", "did you mean 'optim.lr'"},
        {"model.lr=1", "did you mean 'optim.lr'"},
        {"nothing.at.all=1", "unknown key"},
        {"optim.lr=fast", "expected a number"},
        {"=1", "section.key=value"},
        {"run.theory=lema2", "did you mean 'lemma2'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        eg_config *c = cfg_new();
        eg_err err = {0};

        assert_int_equal(eg_config_set(c, bad[i][0], &err), EG_EINVAL);
        print_message("%s\n", err.msg);
        assert_non_null(strstr(err.msg, bad[i][1]));
        eg_free(c);
    }
}

static void test_theory(void **state)
{
    eg_config *a = cfg_new(), *b = cfg_new();
    char *text = NULL;
    eg_err err = {0};
    eg_section s;

    (void)state;
    assert_int_equal(apply(a,
                           "theory: {draws: 3}\n"
                           "run: {kind: theory, theory: lemma2}\n",
                           &err),
                     EG_OK);
    assert_true(eg_config_section(a, 1, &s));
    assert_string_equal(s.name, "theory");
    assert_false(eg_config_section(a, 2, &s));
    assert_int_equal(eg_config_format(a, &text, &err), EG_OK);
    assert_non_null(strstr(text, "draws: 3"));
    assert_int_equal(apply(b, text, &err), EG_OK);
    assert_true(eg_config_same(a, b));
    /* another statement begins with its own defaults */
    assert_int_equal(eg_config_set(b, "run.theory=lemma1_step", &err), EG_OK);
    assert_false(eg_config_same(a, b));
    eg_free(text);
    eg_free(a);
    eg_free(b);
}

typedef struct difference {
    char text[400];
} difference;

static void note(void *ctx, const char *key, const char *a, const char *b)
{
    char *text = ((difference *)ctx)->text;
    size_t n = strlen(text);

    snprintf(text + n, sizeof(difference) - n, "%s %s|%s;", key, a, b);
}

static void test_diff(void **state)
{
    eg_config *a = cfg_new(), *b = cfg_new();
    difference d = {""};

    (void)state;
    assert_int_equal(eg_config_diff(a, b, note, &d), 0);
    assert_int_equal(eg_config_set(b, "run.name=other", NULL), EG_OK);
    assert_int_equal(eg_config_diff(a, b, note, &d), 0);
    assert_int_equal(eg_config_set(a, "run.seed=7", NULL), EG_OK);
    assert_int_equal(eg_config_set(b, "optim.lr=0.75", NULL), EG_OK);
    assert_int_equal(eg_config_set(b, "model.mlp=[none, relu]", NULL), EG_OK);
    assert_int_equal(eg_config_diff(a, b, NULL, NULL), 3);
    assert_int_equal(eg_config_diff(a, b, note, &d), 3);
    print_message("%s\n", d.text);
    assert_non_null(strstr(d.text, "run.seed 7|1;"));
    assert_non_null(strstr(d.text, "model.mlp [none]|[none, relu];"));
    assert_non_null(strstr(d.text, "optim.lr 0.2|0.75;"));

    /* of runs of two kinds only what both have is compared */
    assert_int_equal(eg_config_set(b, "run.kind=flow", NULL), EG_OK);
    d.text[0] = '\0';
    assert_int_equal(eg_config_diff(a, b, note, &d), 2);
    print_message("%s\n", d.text);
    assert_non_null(strstr(d.text, "run.kind train|flow;"));
    eg_free(a);
    eg_free(b);
}

/* A reader of YAML that guesses types finds the types of the schema: a point in
 * every real, quotes about what is no plain word. */
static void test_saved_types(void **state)
{
    eg_config *a = cfg_new();
    char *text = NULL;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_config_set(a, "run.name=no", &err), EG_OK);
    assert_int_equal(eg_config_set(a, "task.stats=1_000", &err), EG_OK);
    assert_int_equal(eg_config_set(a, "optim.lr=1", &err), EG_OK);
    assert_int_equal(eg_config_format(a, &text, &err), EG_OK);
    assert_non_null(strstr(text, "  name: \"no\"\n"));
    assert_non_null(strstr(text, "  stats: \"1_000\"\n"));
    assert_non_null(strstr(text, "  lr: 1.0\n"));
    assert_non_null(strstr(text, "  norm_eps: 1.0e-05\n"));
    eg_free(text);
    assert_int_equal(eg_config_set(a, "run.kind=flow", &err), EG_OK);
    assert_int_equal(eg_config_format(a, &text, &err), EG_OK);
    assert_non_null(strstr(text, "  \"n\": 64\n"));
    assert_non_null(strstr(text, "  atol: 1.0e-14\n"));
    eg_free(text);
    eg_free(a);
}

/* A trainer is told whether patterns were typed: those must match. */
static void test_typed_patterns(void **state)
{
    eg_config *a = cfg_new();
    eg_err err = {0};

    (void)state;
    assert_int_equal(apply(a, "train: {freeze: [blocks.1.*]}\n", &err), EG_OK);
    assert_false(eg_config_train(a).strict_freeze);
    assert_int_equal(eg_config_set(a, "model.n_layers=1", &err), EG_OK);
    assert_false(eg_config_train(a).strict_freeze);
    assert_int_equal(eg_config_set(a, "train.freeze=[blocks.1.*]", &err),
                     EG_OK);
    assert_true(eg_config_train(a).strict_freeze);
    assert_int_equal(apply(a, "train: {steps: 3}\n", &err), EG_OK);
    assert_true(eg_config_train(a).strict_freeze);
    assert_int_equal(apply(a, "train: {freeze: []}\n", &err), EG_OK);
    assert_false(eg_config_train(a).strict_freeze);
    eg_free(a);
}

static void refuses(const char *key, const char *text)
{
    eg_config *a = cfg_new(), *b = cfg_new();
    char assignment[160];
    eg_err err = {0};

    snprintf(assignment, sizeof assignment, "%s=%s", key, text);
    if (eg_config_set(a, assignment, &err) == EG_OK)
        fail_msg("%s was taken", assignment);
    assert_true(eg_config_same(a, b));
    eg_free(a);
    eg_free(b);
}

/* Every real has a range, and what is no number is in none. */
static void check_reals(const char *section, const eg_field *fields)
{
    static const char *const not_finite[] = {"nan", ".nan", "NaN",  "-nan",
                                             "inf", ".inf", "-inf", "1e999"};
    static unsigned char opts[sizeof(eg_config)];

    for (const eg_field *f = fields; f->name; f++) {
        if (f->kind != EG_FIELD_REAL) continue;
        if (!isfinite(f->min) || !isfinite(f->max) || !(f->min < f->max))
            fail_msg("%s.%s: from %g to %g", section, f->name, f->min, f->max);
        for (size_t i = 0; i < sizeof not_finite / sizeof *not_finite; i++)
            assert_int_equal(eg_field_parse(f, opts, not_finite[i], NULL),
                             EG_EINVAL);
    }
}

static void test_reals_are_finite(void **state)
{
    eg_section s;

    (void)state;
    for (int i = 0; eg_config_section(NULL, i, &s); i++)
        check_reals(s.name, s.fields);
    for (int i = 0; eg_theory_at(i); i++)
        check_reals(eg_theory_at(i)->name, eg_theory_at(i)->fields);
    /* where a formula divides by it, or by its distance from 1 */
    refuses("optim.beta1", "1");
    refuses("optim.beta2", "1.0");
    refuses("optim.beta2", "1.0000000000000001");
    refuses("optim.beta1", "-0.1");
    refuses("optim.eps", "0");
    refuses("optim.momentum", "1.01");
    refuses("optim.clip_at", "0");
    refuses("optim.weight_decay", "-1");
}

/* The reference page must be what the tables say now. */
static void test_doc_is_current(void **state)
{
    char *text = NULL, *file = NULL;
    size_t size = 0;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_config_markdown(&text, &err), EG_OK);
    assert_int_equal(eg_file_read(&file, &size,
                                  EG_SOURCE_DIR "/docs/configuration.md",
                                  1 << 20, &err),
                     EG_OK);
    if (strcmp(text, file) != 0)
        print_message("run: engram help --markdown > "
                      "docs/configuration.md\n");
    assert_string_equal(text, file);
    eg_free(text);
    eg_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_defaults),
                                       cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_same),
                                       cmocka_unit_test(test_diff),
                                       cmocka_unit_test(test_errors),
                                       cmocka_unit_test(test_set_errors),
                                       cmocka_unit_test(test_theory),
                                       cmocka_unit_test(test_saved_types),
                                       cmocka_unit_test(test_reals_are_finite),
                                       cmocka_unit_test(test_typed_patterns),
                                       cmocka_unit_test(test_doc_is_current)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
