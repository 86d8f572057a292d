/* A sweep as it is watched: points fill in as they are worked on. */
#include <math.h>
#include <unistd.h>
#include "base/json.h"
#include "engram/mem.h"
#include "engram/pool.h"
#include "watch/rundir.h"
#include "watch/swept.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static eg_err why;

#define OK(call)                                                 \
    do {                                                         \
        if ((call) != EG_OK) fail_msg("%s: %s", #call, why.msg); \
    } while (0)

static json_t *tell(egi_swept *s, const char *root, const char *metric)
{
    egi_buf b = {0};
    json_t *j;

    egi_swept_json(&b, s, root, metric);
    assert_false(b.failed);
    j = egi_json_parse(b.s, b.n, 0, NULL);
    if (!j) fail_msg("no JSON: %.300s", b.s);
    egi_buf_release(&b);
    return j;
}

static json_t *point(const json_t *j, size_t i, size_t what)
{
    return json_array_get(json_array_get(json_object_get(j, "points"), i),
                          what);
}

/* A look, whenever the last one was. */
static bool look(egi_swept *s, const char *root)
{
    bool changed = false;

    s->next = 0;
    OK(egi_swept_look(s, root, &lock, &changed, &why));
    return changed;
}

static eg_sweep *make(const char *root, eg_config *base, eg_grid *grid)
{
    const eg_sweep_make how = {.root = root, .base = base, .grid = grid};
    eg_sweep *s = NULL;

    eg_config_default(base);
    OK(eg_config_set(base, "run.name=s", &why));
    OK(eg_config_set(base, "task.n_ctx=16", &why));
    OK(eg_config_set(base, "model.d_model=16", &why));
    OK(eg_config_set(base, "train.steps=2", &why));
    OK(eg_config_set(base, "train.batch=2", &why));
    OK(eg_config_set(base, "probe.batch=2", &why));
    OK(eg_config_set(base, "probe.test=2", &why));
    OK(eg_grid_add(grid, base, "optim.lr=0.1,0.2", &why));
    OK(eg_grid_add(grid, base, "train.batch=2,3,4", &why));
    OK(eg_sweep_create(&s, &how, &why));
    return s;
}

static void test_fills_in(void **state)
{
    char *root = scratch_new();
    eg_config *base = eg_calloc(1, sizeof *base);
    eg_grid grid = {0};
    eg_sweep *sweep = make(root, base, &grid);
    eg_lab_opts o = {.kern = "ref"};
    egi_swept *s;
    json_t *j;
    int done;

    (void)state;
    OK(egi_swept_new(&s, "s", &why));
    assert_true(look(s, root));
    j = tell(s, root, NULL);
    assert_int_equal(json_array_size(json_object_get(j, "points")), 6);
    assert_int_equal(json_integer_value(point(j, 3, 0)), EG_POINT_PENDING);
    assert_true(json_is_null(point(j, 3, 3)));
    assert_string_equal(json_string_value(point(j, 3, 2)), "");
    /* point 3: the second of lr, the first of batch */
    assert_int_equal(json_integer_value(point(j, 3, 4)), 1);
    assert_int_equal(json_integer_value(point(j, 3, 5)), 0);
    assert_string_equal(
        json_string_value(json_object_get(
            json_array_get(json_object_get(j, "axes"), 1), "key")),
        "train.batch");
    json_decref(j);
    assert_false(look(s, root));

    OK(eg_pool_new(&o.pool, 1, &why));
    OK(eg_sweep_join(sweep, EG_JOURNAL_AUTO, false, NULL, &why));
    OK(eg_sweep_work(&done, sweep, &o, &why));
    assert_int_equal(done, 6);
    assert_true(look(s, root));
    j = tell(s, root, "loss");
    assert_string_equal(json_string_value(json_object_get(j, "metric")),
                        "loss");
    for (size_t i = 0; i < 6; i++) {
        char dir[EG_PATH + 300];
        eg_metrics m;
        const eg_series *loss;

        assert_int_equal(json_integer_value(point(j, i, 0)), EG_POINT_FINISHED);
        (void)snprintf(dir, sizeof dir, "%s/%s", root,
                       json_string_value(point(j, i, 2)));
        OK(eg_metrics_read(&m, dir, &why));
        loss = eg_metrics_find(&m, "loss");
        print_message("%s: loss %g\n", dir, json_number_value(point(j, i, 3)));
        assert_true(fabs(json_number_value(point(j, i, 3)) -
                         loss->value[loss->n - 1]) < 1e-5);
        eg_metrics_release(&m);
    }
    json_decref(j);
    /* another metric, and one that there is not */
    j = tell(s, root, "lr");
    assert_true(fabs(json_number_value(point(j, 5, 3)) - 0.2) < 1e-6);
    json_decref(j);
    j = tell(s, root, "nothing");
    assert_string_equal(json_string_value(json_object_get(j, "metric")),
                        "loss");
    json_decref(j);
    assert_false(look(s, root));
    egi_swept_free(s);
    eg_pool_free(o.pool);
    eg_sweep_free(sweep);
    eg_grid_release(&grid);
    eg_free(base);
    scratch_free(root);
}

/* One that is gone is said to be, and does no harm. */
static void test_no_sweep(void **state)
{
    char *root = scratch_new();
    egi_swept *s;
    json_t *j;

    (void)state;
    OK(egi_swept_new(&s, "nothing", &why));
    assert_true(look(s, root));
    assert_false(look(s, root));
    j = tell(s, root, NULL);
    print_message("%s\n", s->problem);
    assert_true(s->problem[0] != '\0');
    assert_int_equal(json_array_size(json_object_get(j, "points")), 0);
    json_decref(j);
    egi_swept_free(s);
    scratch_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fills_in),
                                       cmocka_unit_test(test_no_sweep)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
