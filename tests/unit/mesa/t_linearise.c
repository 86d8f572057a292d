/* Blocks of softmax networks taught to linear attention: lessons are what the
 * network has, and a block that can be said exactly is. */
#include "engram/mesa.h"
#define THEORY_TABLE eg_mesa_theories
#include "memory/theory_helper.h"
#include "engram/eval.h"
#include "mesa/distil.h"

static emitted seen;

enum {
    DIM = 2,
    CTX = 6,
    WIDTH = 4,
    COUNT = 3,
    ROW = CTX * WIDTH,
    ALL = COUNT * ROW
};

/* Streams are those of the hooks, lessons are streams, before and behind. */
static void test_lessons(void **state)
{
    eg_task_opts t;
    eg_model_opts o;
    eg_task *task;
    eg_model *m;
    eg_pool *pool;
    egi_streams s;
    egi_lesson lesson;
    eg_seq seq, raw;
    eg_rng rng = eg_rng_make(1, EG_RNG_USER, 0, 0);
    double w[DIM * WIDTH];
    bool found = false;

    (void)state;
    eg_fields_default(eg_task_fields, &t);
    t.kind = EG_TASK_LINEAR;
    t.dim = DIM;
    t.n_ctx = CTX;
    eg_fields_default(eg_model_fields, &o);
    o.n_layers = 2;
    o.d_model = WIDTH;
    o.pos = EG_POS_NONE;
    assert_int_equal(eg_task_new(&task, &t, 1, NULL), EG_OK);
    assert_int_equal(
        eg_model_new(&m, &o, eg_task_io(task), EG_FLOAT64, 1, NULL), EG_OK);
    assert_int_equal(eg_pool_new(&pool, 2, NULL), EG_OK);
    assert_int_equal(egi_streams_record(&s, m, task, COUNT, pool, NULL), EG_OK);
    assert_int_equal(eg_seq_new(&raw, task, NULL), EG_OK);
    eg_model_get(m, eg_model_find(m, "W_in"), w);
    for (int i = 0; i < COUNT; i++) {
        eg_task_sequence(task, EG_PROBE, 0, (uint32_t)i, &raw);
        for (int k = 0; k < ROW; k++) {
            double sum = 0;

            for (int j = 0; j < DIM; j++)
                sum +=
                    raw.inputs[k / WIDTH * DIM + j] * w[j * WIDTH + k % WIDTH];
            assert_true(fabs(s.x[i * ROW + k] - sum) < 1e-14);
        }
    }
    egi_lesson_make(&lesson, &s, 1, 5);
    assert_int_equal(eg_seq_new(&seq, &lesson.task, NULL), EG_OK);
    lesson.task.kind->sequence(&lesson.task, EG_TRAIN, &rng, &seq);
    for (eg_index i = 0; i < COUNT; i++) {
        const double *x = s.x + (COUNT + i) * ROW, *y = x + ALL;
        size_t size = sizeof *x * ROW;

        if (memcmp(seq.inputs, x, size) != 0) continue;
        found = true;
        assert_memory_equal(seq.outputs, y, size);
        assert_memory_not_equal(seq.outputs, seq.inputs, size);
    }
    assert_true(found);
    eg_seq_release(&seq);
    eg_seq_release(&raw);
    egi_streams_release(&s);
    eg_pool_free(pool);
    eg_model_free(m);
    eg_task_free(task);
}

#define SMALL                                                         \
    "dim=3 layers=2 heads=2 batch=32 warmup=50 lr=0.01 recorded=128 " \
    "sequences=128 "

/* A lesson lowers what is lost; without one a block is worth nothing. */
static void test_lesson_helps(void **state)
{
    double untaught, taught;

    (void)state;
    theory_run(&seen, "mesa_linearise", SMALL "steps=400 lesson_steps=0");
    untaught = emitted_at(&seen, 1, "ratio");
    theory_run(&seen, "mesa_linearise", SMALL "steps=400 lesson_steps=400");
    taught = emitted_at(&seen, 1, "ratio");
    printf("ratio of block 1: %.4f untaught, %.4f taught\n", untaught, taught);
    assert_true(taught < 1.8 && taught > 1 && untaught > 2);
    check_range(&seen, 0, "loss", .15, .3);
    check_range(&seen, 1, "residual", 0, .4);
}

static void test_threads(void **state)
{
    static emitted one, two;
    eg_err err = {0};

    (void)state;
    assert_int_equal(theory_try(&one, "mesa_linearise",
                                SMALL "lesson_steps=20 steps=20", 1, &err),
                     EG_OK);
    assert_int_equal(theory_try(&two, "mesa_linearise",
                                SMALL "lesson_steps=20 steps=20", 2, &err),
                     EG_OK);
    assert_memory_equal(&one, &two, sizeof one);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    theory_out_of_memory("mesa_linearise",
                         "dim=2 layers=1 heads=1 batch=2 recorded=2 "
                         "sequences=2 steps=1 lesson_steps=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lessons), cmocka_unit_test(test_lesson_helps),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_out_of_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
