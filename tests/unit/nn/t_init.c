/* Initial values by the names of tensors. */
#include "nn_test.h"

#define TASK "n_ctx=18 n_triggers=3"

static const variant SOME = {
    "some", "d_model=32 qk=factorised n_heads=2 mlp=relu norm=pre pos=learned",
    "loss=all"};

static eg_trainer *open_init(setting *s, const char *init)
{
    setting_open(s, &SOME, TASK, 1);
    eg_fields_default(eg_init_fields, &s->spec.init);
    set_fields(eg_init_fields, &s->spec.init, init);
    eg_trainer *tr;
    eg_err err;

    if (eg_trainer_new(&tr, &s->spec, &err) != EG_OK) fail_msg("%s", err.msg);
    return tr;
}

/* Root of the mean square, and the largest entry. */
static double rms(const eg_model *m, int i, double *top)
{
    const eg_tensor *t = eg_model_tensor(m, i);
    eg_view v = eg_model_view(m, i);
    double sum = 0;

    *top = 0;
    for (eg_index j = 0; j < t->size; j++) {
        double x = eg_view_at(&v, j);

        sum += x * x;
        *top = fmax(*top, fabs(x));
    }
    return sqrt(sum / (double)t->size);
}

static void expect_std(const eg_model *m, const char *name, double std)
{
    int i = eg_model_find(m, name);
    double top, have = rms(m, i, &top);
    double n = (double)eg_model_tensor(m, i)->size;

    printf("  %-22s %.5f, expected %.5f\n", name, have, std);
    assert_true(fabs(have - std) <= 4.5 * std / sqrt(2 * n));
    assert_true(std == 0 || top > 2 * std); /* normal, not uniform */
}

static void test_by_name(void **state)
{
    setting s, q;
    eg_trainer *tr =
        open_init(&s, "std=*.W_*=0.3,W_E=0.02,blocks.1.attn.W_O=0.005,"
                      "blocks.*.mlp.W_out=0,W_pos=1e-3");
    eg_trainer *plain = open_init(&q, "");
    const eg_model *m = eg_trainer_model(tr), *o = eg_trainer_model(plain);

    (void)state;
    expect_std(m, "W_E", 0.02);
    expect_std(m, "W_pos", 1e-3);
    expect_std(m, "blocks.0.attn.W_Q", 0.3);
    expect_std(m, "blocks.0.attn.W_O", 0.3);
    expect_std(m, "blocks.1.attn.W_O", 0.005);
    expect_std(m, "blocks.0.mlp.W_out", 0);
    for (int i = 0; i < eg_model_n_tensors(m); i++) { /* the rest is as ever */
        const eg_tensor *t = eg_model_tensor(m, i);
        bool named = strncmp(t->name, "W_E", 3) == 0 ||
                     strncmp(t->name, "W_pos", 5) == 0 ||
                     strstr(t->name, ".W_");

        if (named) continue;
        assert_memory_equal(eg_model_view(m, i).data, eg_model_view(o, i).data,
                            (size_t)t->size * sizeof(float));
    }
    eg_trainer_free(tr);
    eg_trainer_free(plain);
    setting_close(&s);
    setting_close(&q);
}

/* Uniform in [-bound, bound]: the mean square is bound^2 / 3. */
static void expect_bound(const eg_model *m, const char *name, double bound)
{
    int i = eg_model_find(m, name);
    double top, have = rms(m, i, &top);
    double n = (double)eg_model_tensor(m, i)->size;

    printf("  %-22s %.5f in %.5f, expected %.5f in %.5f\n", name, have, top,
           bound / sqrt(3), bound);
    assert_true(top <= bound * (1 + 1e-6) && top > 0.75 * bound);
    /* of the mean of squares: variance 4/45 bound^4 / n */
    assert_true(fabs(have * have * 3 / bound / bound - 1) <=
                4.5 * sqrt(0.8 / n));
}

/* Experiment C's, of arXiv 2405.08707: the shapes of all heads as one. */
static void test_xavier(void **state)
{
    setting s;
    eg_err err;
    eg_trainer *tr;
    const eg_model *m;
    double d = 32, V;

    (void)state;
    setting_open(&s, &SOME, TASK, 1);
    set_fields(eg_model_fields, &s.spec.model,
               "mlp_bias=true unembed_bias=true n_kv_heads=1");
    eg_fields_default(eg_init_fields, &s.spec.init);
    set_fields(eg_init_fields, &s.spec.init,
               "xavier=*W_*=1,*.mlp.W_in=1.4142135623730951 "
               "uniform=*.b_*=fan_in,b_U=0.25 std=W_E=9");
    if (eg_trainer_new(&tr, &s.spec, &err) != EG_OK) fail_msg("%s", err.msg);
    m = eg_trainer_model(tr);
    V = eg_model_vocab(m);
    expect_bound(m, "W_E", sqrt(6 / (V + d)));
    expect_bound(m, "W_U", sqrt(6 / (V + d)));
    expect_bound(m, "blocks.0.attn.W_Q", sqrt(6 / (d + d)));
    expect_bound(m, "blocks.0.attn.W_K", sqrt(6 / (d + d / 2)));
    expect_bound(m, "blocks.1.attn.W_O", sqrt(6 / (d + d)));
    expect_bound(m, "blocks.1.mlp.W_in", sqrt(2 * 6 / (5 * d)));
    expect_bound(m, "blocks.0.mlp.W_out", sqrt(6 / (5 * d)));
    expect_bound(m, "blocks.0.mlp.b_in", sqrt(1 / d));
    expect_bound(m, "blocks.0.mlp.b_out", sqrt(1 / (4 * d)));
    expect_bound(m, "b_U", 0.25);
    eg_trainer_free(tr);
    setting_close(&s);
}

static void test_refused(void **state)
{
    static const char *const bad[][2] = {
        {"std=W_F=0.1", "no tensor matches 'W_F'; did you mean 'W_E'?"},
        {"std=W_E", "expected PATTERN=STD with a number from 0, found 'W_E'"},
        {"std=W_E=-1", "found 'W_E=-1'"},
        {"std=W_E=inf", "found 'W_E=inf'"},
        {"std==1", "found '=1'"},
        {"std=*.ln1.w=1", "found blocks.0.ln1.w, which is not drawn"},
        {"xavier=W_E=-1", "init.xavier: expected PATTERN=GAIN"},
        {"xavier=*.ln1.b=1", "found blocks.0.ln1.b, which is not drawn"},
        {"uniform=W_E=fan-in", "with a number from 0, or fan_in, found"},
        {"uniform=ln_final.b=fan_in", "found ln_final.b, which has no fan-in"},
        {"uniform=W_Z=1", "init.uniform: no tensor matches 'W_Z'"},
        {"uniform=W_E=1 from=x.safetensors",
         "init.uniform: expected initial values that are drawn"},
        {"std=W_E=1 from=x.safetensors", "found init.from: x.safetensors"}};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setting s;
        eg_train_plan plan;
        eg_trainer *tr;
        eg_err err = {0}, early = {0};

        setting_open(&s, &SOME, TASK, 1);
        eg_fields_default(eg_init_fields, &s.spec.init);
        set_fields(eg_init_fields, &s.spec.init, bad[i][0]);
        assert_int_equal(eg_trainer_new(&tr, &s.spec, &err), EG_EINVAL);
        assert_int_equal(eg_train_plan_make(&plan, &s.spec, &early), EG_EINVAL);
        printf("  %s\n", err.msg);
        assert_non_null(strstr(err.msg, bad[i][1]));
        assert_string_equal(err.msg, early.msg);
        setting_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_xavier),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
