/* A host in a locale with decimal commas gets what one in the C locale gets:
 * options read and written, and whole runs and reports to the byte. */
#include <dirent.h>

#include "engram/lab.h"
#include "lab/claim_priv.h"
#include "locale_helper.h"
#include "report/rundir.h"

static eg_config *cfg;
static char *root;

static int set_up(void **state)
{
    (void)state;
    cfg = eg_calloc(1, sizeof *cfg);
    root = scratch_new();
    return cfg ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    eg_free(cfg);
    scratch_free(root);
    return 0;
}

static void use_commas(void)
{
    char half[8];

    assert_true(locale_set("de_DE"));
    (void)snprintf(half, sizeof half, "%.1f", 0.5);
    assert_string_equal(half, "0,5");
}

static void must(eg_status st, const eg_err *err)
{
    if (st != EG_OK) fail_msg("%s", err->msg);
}

/* What a host would try first. */
static void test_options(void **state)
{
    char text[64], path[256], *yaml = NULL;
    eg_err err = {0};

    (void)state;
    test_put(root, "comma.yaml", "optim: {lr: 0.5, momentum: 0.25}\n");
    (void)snprintf(path, sizeof path, "%s/comma.yaml", root);
    use_commas();
    eg_config_default(cfg);
    must(eg_config_set(cfg, "optim.lr=0.75", &err), &err);
    assert_true(cfg->optim.lr == 0.75);
    (void)eg_field_format(eg_field_find(eg_optim_fields, "lr"), &cfg->optim,
                          text, sizeof text);
    assert_string_equal(text, "0.75");
    must(eg_config_load(cfg, path, &err), &err);
    assert_true(cfg->optim.lr == 0.5 && cfg->optim.momentum == 0.25);
    must(eg_config_format(cfg, &yaml, &err), &err);
    assert_non_null(strstr(yaml, "  lr: 0.5\n"));
    assert_null(strchr(strstr(yaml, "optim:"), ',')); /* before any list */
    eg_free(yaml);
    assert_int_equal(eg_config_set(cfg, "optim.lr=0,75", &err), EG_EINVAL);
    assert_int_equal(eg_config_set(cfg, "optim.eps=1.5", &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "to 1, found '1.5'"));
    locale_reset();
}

static void test_claims(void **state)
{
    egi_relation r;
    egi_tolerance t;
    eg_measure *m = NULL;
    eg_err err = {0};
    double v = 0;

    (void)state;
    use_commas();
    must(egi_relation_parse(&r, "0.25 .. 0.5", &err), &err);
    assert_true(r.a == 0.25 && r.b == 0.5);
    must(egi_tolerance_parse(&t, "2.5 %", &err), &err);
    assert_true(t.value == 0.025);
    must(eg_measure_parse(&m, "0.5 + 0.25", &err), &err);
    must(eg_measure_eval(m, &v, NULL, &err), &err);
    assert_true(v == 0.75);
    eg_measure_free(m);
    locale_reset();
}

static void run_here(const char *yaml, const char *dir)
{
    eg_lab_opts opts = {.dir = dir, .kern = "ref"};
    eg_lab_result result;
    char path[256];
    eg_err err = {0};

    test_put(root, "run.yaml", yaml);
    (void)snprintf(path, sizeof path, "%s/run.yaml", root);
    must(eg_config_load(cfg, path, &err), &err);
    must(eg_pool_new(&opts.pool, 1, &err), &err);
    must(eg_lab_run(&result, cfg, &opts, &err), &err);
    assert_int_equal(result.outcome, EG_FINISHED);
    eg_pool_free(opts.pool);
}

static void figures_here(const char *run, const char *dir, const char *page)
{
    eg_report_opts opts = {.out = page, .title = "t"};
    int n = 0;
    eg_err err = {0};

    must(eg_report_svg(&run, 1, dir, NULL, &n, &err), &err);
    assert_true(n > 0);
    must(eg_report_write(&run, 1, &opts, &err), &err);
}

/* The moment a page was made is no part of what must agree. */
static void blank_time(char *page)
{
    char *at = strstr(page, "\"generated\":\"");

    if (!at) return;
    for (at += strlen("\"generated\":\""); *at != '"'; at++) *at = '-';
}

static void same_file(const char *a, const char *b)
{
    char *one = test_read(a), *two = test_read(b);

    blank_time(one);
    blank_time(two);
    if (strcmp(one, two) != 0) fail_msg("%s and %s differ", a, b);
    eg_free(one);
    eg_free(two);
}

/* Every file of folder a, the number of which is given, is in b the same. */
static void same_folder(const char *a, const char *b, int at_least)
{
    DIR *d = opendir(a);
    char one[1300], two[1300];
    int n = 0;

    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (e->d_name[0] == '.') continue;
        (void)snprintf(one, sizeof one, "%s/%s", a, e->d_name);
        (void)snprintf(two, sizeof two, "%s/%s", b, e->d_name);
        same_file(one, two);
        n++;
    }
    (void)closedir(d);
    print_message("%s: %d files\n", a, n);
    assert_true(n >= at_least);
}

/* The record and the log, which tell times: numbers with points. */
static void check_record(const char *dir)
{
    char path[300];
    char *log = NULL;
    const char *mib = NULL;
    eg_run_info info;
    eg_err err = {0};

    must(eg_run_info_read(&info, dir, &err), &err);
    assert_string_equal(info.status, "finished");
    assert_true(info.seconds >= 0 && info.seconds < 1000);
    (void)snprintf(path, sizeof path, "%s/log", dir);
    log = test_read(path);
    mib = strstr(log, " MiB");
    if (mib && mib[-2] != '.') fail_msg("%s", log);
    eg_free(log);
}

static void check_run(const char *yaml, const char *name)
{
    static const char *const file[] = {"config.yaml", "metrics.jsonl"};
    char a[256], b[256], one[300], two[300];

    /* figures of the same run: its record has other times than the other's */
    (void)snprintf(a, sizeof a, "%s/%s-c", root, name);
    (void)snprintf(b, sizeof b, "%s/%s-comma", root, name);
    run_here(yaml, a);
    use_commas();
    run_here(yaml, b);
    locale_reset();
    check_record(b);
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        (void)snprintf(one, sizeof one, "%s/%s", a, file[i]);
        (void)snprintf(two, sizeof two, "%s/%s", b, file[i]);
        same_file(one, two);
    }
    (void)snprintf(one, sizeof one, "%s/%s-svg-c", root, name);
    (void)snprintf(two, sizeof two, "%s/%s-svg-comma", root, name);
    {
        char page_a[320], page_b[320];

        (void)snprintf(page_a, sizeof page_a, "%s.html", one);
        (void)snprintf(page_b, sizeof page_b, "%s.html", two);
        figures_here(a, one, page_a);
        use_commas();
        figures_here(a, two, page_b);
        locale_reset();
        same_file(page_a, page_b);
    }
    same_folder(one, two, 1);
}

static void test_training(void **state)
{
    (void)state;
    check_run("run: {name: t, seed: 3}\n"
              "task: {n_ctx: 16, n_triggers: 2}\n"
              "model: {d_model: 16}\n"
              "optim: {lr: 0.03125, eps: 1e-9}\n"
              "train: {steps: 6, batch: 4}\n"
              "probe: {every: 2, batch: 2, test: 4, snapshots: 2}\n",
              "train");
}

static void test_flow(void **state)
{
    (void)state;
    check_run("run: {name: f, kind: flow, seed: 3}\n"
              "flow: {n: 8, d: 2, beta: 2.5, times: ['0:2:0.25']}\n",
              "flow");
}

static void test_theory(void **state)
{
    (void)state;
    check_run("run: {name: p, kind: theory, theory: lemma2, seed: 3}\n",
              "theory");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options), cmocka_unit_test(test_claims),
        cmocka_unit_test(test_training), cmocka_unit_test(test_flow),
        cmocka_unit_test(test_theory)};

    locale_or_skip("de_DE");
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
