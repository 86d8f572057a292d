/* Places for what pages show: the one that nobody looks at gives way. */
#include "engram/mem.h"
#include "engram/pool.h"
#include "watch/model.h"
#include "watch/rundir.h"

static eg_err why;

static void turn(egi_model *m)
{
    bool changed;

    if (egi_model_turn(m, &changed, &why) != EG_OK) fail_msg("%s", why.msg);
}

static egi_found ask_run(egi_model *m, int i)
{
    egi_buf b = {0};
    char id[16];
    egi_found found;

    (void)snprintf(id, sizeof id, "r/%d", i);
    found = egi_model_part(m, id, EGI_HEAD, &b);
    egi_buf_release(&b);
    return found;
}

static egi_found ask_sweep(egi_model *m, int i)
{
    egi_buf b = {0};
    char name[16];
    egi_found found;

    (void)snprintf(name, sizeof name, "s%d", i);
    found = egi_model_sweep(m, name, NULL, &b);
    egi_buf_release(&b);
    return found;
}

static egi_model *model_of(const char *root)
{
    egi_model *m = eg_calloc(1, sizeof *m);
    eg_watch_opts o = {.root = root};

    assert_non_null(m);
    if (egi_model_open(m, &o, &why) != EG_OK) fail_msg("%s", why.msg);
    turn(m);
    m->awake = false;
    return m;
}

/* One more than there are places. */
static void test_runs(void **state)
{
    char *root = scratch_new(), id[16], news[600];
    egi_model *m;

    (void)state;
    for (int i = 0; i <= EGI_SHOWN; i++) {
        (void)snprintf(id, sizeof id, "r/%d", i);
        test_record(root, id, "finished", 5, 5);
    }
    m = model_of(root);
    for (int i = 0; i < EGI_SHOWN; i++)
        assert_int_equal(ask_run(m, i), EGI_LATER);
    turn(m);
    m->awake = false;
    /* all are looked at */
    assert_int_equal(ask_run(m, EGI_SHOWN), EGI_FULL);
    egi_model_news(m, id, NULL, news, sizeof news);
    assert_non_null(strstr(news, ",\"full\":true}"));
    assert_false(m->awake);
    turn(m);
    assert_int_equal(ask_run(m, EGI_SHOWN), EGI_FULL);
    /* two no longer are, and the one that is so for longer goes alone */
    for (int i = 0; i < EGI_SHOWN; i++) {
        if (strcmp(m->shown[i]->id, "r/3") == 0) m->shown[i]->used -= 20;
        if (strcmp(m->shown[i]->id, "r/9") == 0) m->shown[i]->used -= 10;
    }
    for (int k = 0; k < 3; k++)
        assert_int_equal(ask_run(m, EGI_SHOWN), EGI_FULL);
    assert_true(m->awake);
    turn(m);
    assert_int_equal(ask_run(m, EGI_SHOWN), EGI_LATER);
    turn(m);
    assert_int_equal(ask_run(m, EGI_SHOWN), EGI_HERE);
    assert_int_equal(ask_run(m, 9), EGI_HERE);
    assert_int_equal(ask_run(m, 3), EGI_FULL);
    egi_model_news(m, id, NULL, news, sizeof news);
    assert_null(strstr(news, "full"));
    egi_model_close(m);
    eg_free(m);
    scratch_free(root);
}

static void test_sweeps(void **state)
{
    char *root = scratch_new(), name[32], news[600];
    egi_model *m;

    (void)state;
    for (int i = 0; i <= EGI_SWEPT; i++) {
        (void)snprintf(name, sizeof name, "sweeps/s%d", i);
        test_put(root, name, "sweep.json", "w", "{}"); /* cannot be read */
    }
    m = model_of(root);
    assert_int_equal(m->n_sweeps, EGI_SWEPT + 1);
    for (int i = 0; i < EGI_SWEPT; i++)
        assert_int_equal(ask_sweep(m, i), EGI_LATER);
    assert_int_equal(ask_sweep(m, EGI_SWEPT), EGI_FULL);
    egi_model_news(m, NULL, "s4", news, sizeof news);
    assert_non_null(strstr(news, ",\"full\":true}"));
    turn(m);
    for (int i = 0; i < EGI_SWEPT; i++)
        if (strcmp(m->swept[i]->name, "s2") == 0) m->swept[i]->used -= 10;
    assert_int_equal(ask_sweep(m, EGI_SWEPT), EGI_FULL);
    turn(m);
    assert_int_equal(ask_sweep(m, EGI_SWEPT), EGI_LATER);
    turn(m);
    assert_int_equal(ask_sweep(m, EGI_SWEPT), EGI_HERE);
    assert_int_equal(ask_sweep(m, 1), EGI_HERE);
    assert_int_equal(ask_sweep(m, 2), EGI_FULL);
    egi_model_close(m);
    eg_free(m);
    scratch_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs),
                                       cmocka_unit_test(test_sweeps)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
