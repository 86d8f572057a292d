/* A step that cannot be made names what is not finite, also where all
 * gradients are. */
#include "lab/lab_priv.h"
#include "nn/nn_test.h"

#define TASK "n_ctx=24 n_triggers=3"

/* Only W_U is trained: x is 1 everywhere, no attention adds to it. */
static const variant PLAIN = {"plain", "n_layers=1 pos=none",
                              "loss=all freeze=W_E,blocks.*"};

static void fill(eg_model *m, const char *name, double value)
{
    int i = eg_model_find(m, name);
    eg_index n;

    assert_true(i >= 0);
    n = eg_model_tensor(m, i)->size;
    double *w = calloc((size_t)n, sizeof *w);
    for (eg_index j = 0; j < n; j++) w[j] = value;
    eg_model_set(m, i, w);
    free(w);
}

/* The column of one token of W_U [d_model, d_vocab]. */
static void fill_column(eg_model *m, int token, double value)
{
    int i = eg_model_find(m, "W_U");
    const eg_tensor *t = eg_model_tensor(m, i);
    double *w = calloc((size_t)t->size, sizeof *w);

    eg_model_get(m, i, w);
    for (eg_index k = 0; k < t->shape[0]; k++)
        w[k * t->shape[1] + token] = value;
    eg_model_set(m, i, w);
    free(w);
}

/* The first target of a step's batch that no token is: its logit may be -inf
 * without any other number being none. */
static int a_target(const setting *s)
{
    int32_t ids[3 * 24];
    eg_seq seq = {ids, ids + 24, ids + 48, NULL, NULL, NULL};

    eg_task_sequence(s->task, EG_TRAIN, 0, 0, &seq);
    return seq.targets[0];
}

static void say(char buf[256], const setting *s, eg_trainer *tr,
                bool gradients_are_finite)
{
    eg_step_info info;

    eg_trainer_step(tr, &info);
    assert_false(info.finite);
    assert_int_equal(info.bad_tensor < 0, gradients_are_finite);
    egi_say_diverged(buf, 256, &info, &s->spec, tr);
    printf("  %s\n", buf);
    assert_null(strstr(buf, "optim.lr")); /* no step has been made */
}

static eg_trainer *open_plain(setting *s, int threads)
{
    setting_open(s, &PLAIN, TASK, threads);
    eg_trainer *tr = trainer_open(s);

    fill(eg_trainer_model(tr), "W_E", 1);
    fill(eg_trainer_model(tr), "blocks.0.attn.W_O", 0);
    return tr;
}

static void test_logits(void **state)
{
    char one[256] = "", three[256] = "";
    setting s;

    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        eg_trainer *tr = open_plain(&s, threads);

        fill_column(eg_trainer_model(tr), a_target(&s), -1e38);
        say(threads == 1 ? one : three, &s, tr, true);
        eg_trainer_free(tr);
        setting_close(&s);
    }
    assert_non_null(strstr(one, "step 0: the loss is not finite; "
                                "the first activation that is not: logits"));
    assert_string_equal(one, three);
}

static void test_weight(void **state)
{
    variant v = {"frozen", "n_layers=1", "loss=all freeze=*"};
    char buf[256];
    setting s;

    (void)state;
    setting_open(&s, &v, TASK, 1);
    eg_trainer *tr = trainer_open(&s);
    fill_column(eg_trainer_model(tr), a_target(&s), (double)-INFINITY);
    say(buf, &s, tr, true);
    assert_non_null(strstr(buf, "nor is the weight W_U"));
    eg_trainer_free(tr);
    setting_close(&s);
}

/* Inside the first block, with nothing trained at all. */
static void test_activation(void **state)
{
    variant v = {"frozen", "n_layers=2 pos=none", "loss=all freeze=*"};
    char buf[256];
    setting s;

    (void)state;
    setting_open(&s, &v, TASK, 2);
    eg_trainer *tr = trainer_open(&s);
    fill(eg_trainer_model(tr), "blocks.1.attn.W_QK", 3e38);
    say(buf, &s, tr, true);
    assert_non_null(strstr(buf, "that is not: blocks.1."));
    eg_trainer_free(tr);
    setting_close(&s);
}

/* Steps that are too long, and what then helps. */
static void test_remedy(void **state)
{
    static const char *const set[] = {"lr=1e9",
                                      "lr=1e9 clip=value clip_at=1e9"},
                             *const says[] = {
                                 "; try optim.lr=1e+08 or optim.clip=norm",
                                 "; try optim.lr=1e+08"};
    variant v = {"all", "n_layers=2", "loss=all"};

    (void)state;
    for (int k = 0; k < 2; k++) {
        setting s;
        eg_step_info info;
        char buf[256];

        setting_open(&s, &v, TASK, 1);
        set_fields(eg_optim_fields, &s.spec.optim, set[k]);
        eg_trainer *tr = trainer_open(&s);
        do eg_trainer_step(tr, &info);
        while (info.finite);
        egi_say_diverged(buf, sizeof buf, &info, &s.spec, tr);
        printf("  %s\n", buf);
        const char *end = strstr(buf, "; try");
        assert_non_null(end);
        assert_string_equal(end, says[k]);
        eg_trainer_free(tr);
        setting_close(&s);
    }
}

static void test_gradient(void **state)
{
    char buf[256];
    setting s;
    eg_trainer *tr = open_plain(&s, 1);

    (void)state;
    fill(eg_trainer_model(tr), "W_E", (double)NAN);
    say(buf, &s, tr, false);
    assert_non_null(strstr(buf, "and the gradient of W_U is not finite"));
    eg_trainer_free(tr);
    setting_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits),     cmocka_unit_test(test_weight),
        cmocka_unit_test(test_activation), cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
