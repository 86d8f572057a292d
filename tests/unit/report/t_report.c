/* Pages and figures as a whole: broken runs and claims, escaping,
 * running out of memory. What the page looks like is tests/browser. */

#include <unistd.h>

#include "pages.h"

/* Everything that can be wrong inside a run becomes a sentence. */
static void test_broken_runs(void **state)
{
    char *root = scratch_new();
    static const struct {
        const char *config, *record, *metrics, *expect;
    } run[] = {
        {"run:\n", NULL, NULL, "metrics.jsonl is missing"},
        {"", "", "", "metrics.jsonl is empty"},
        {"run:\n", "{\"name\":", "{\"step\":0,\"loss\":1}\n{\"st",
         "1 line cut off"},
        {"\xff\xfe:", "[1]", "\xff\n\n\n", "run.json"},
        {"run: {", "{\"name\": 3, \"seed\": \"x\", \"status\": []}",
         "{\"step\":1e999,\"loss\":1}\n", "left out"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof run / sizeof *run; i++) {
        const char *name = "r/1";
        json_t *data, *problems;
        char *text;

        put_run(root, name, run[i].config, run[i].record, run[i].metrics);
        data = report(root, &name, 1);
        problems = json_object_get(
            json_array_get(json_object_get(group(data, 0), "runs"), 0),
            "problems");
        text = json_dumps(problems, JSON_COMPACT);
        print_message("%s\n", text);
        assert_non_null(strstr(text, run[i].expect));
        free(text);
        json_decref(data);
        test_put(root, "r/1/x", "");
        {
            char command[256];
            (void)snprintf(command, sizeof command, "rm -rf '%s/r'", root);
            assert_int_equal(system(command), 0);
        }
    }
    scratch_free(root);
}

/* Where the time went comes into the page; what is not that is told. */
static void test_profile(void **state)
{
    static const char profile[] =
        "{\"steps\": 2, \"threads\": 1, \"seconds\": 1, \"rows\": [{\"what\": "
        "\"linear\", \"op\": 3, \"share\": 0.25}]}";
    static const char *const bad[] = {"{\"rows\": 1}", "[1]", "{", ""};
    const char *names[] = {"a"};
    char *root = scratch_new();
    json_t *data, *run;
    size_t fine;

    (void)state;
    put_run(root, "a", CONFIG("p", "1", "1"), "{\"name\":\"p\"}", ROWS);
    test_put(root, "a/arrays/profile.json", profile);
    data = report(root, names, 1);
    run = json_array_get(json_object_get(group(data, 0), "runs"), 0);
    assert_int_equal(json_array_size(json_object_get(
                         json_object_get(run, "profile"), "rows")),
                     1);
    fine = json_array_size(json_object_get(run, "problems"));
    json_decref(data);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        test_put(root, "a/arrays/profile.json", bad[i]);
        data = report(root, names, 1);
        run = json_array_get(json_object_get(group(data, 0), "runs"), 0);
        assert_null(json_object_get(run, "profile"));
        assert_int_equal(json_array_size(json_object_get(run, "problems")),
                         fine + 1);
        json_decref(data);
    }
    scratch_free(root);
}

static void test_claims(void **state)
{
    char *root = scratch_new();
    const char *name = "claims.json";
    json_t *data, *problems;
    static const char *const broken[] = {
        "", "{", "[]", "{\"claims\": 3, \"runs\": {}}",
        "{\"claims\": [1, null], \"runs\": [3, {\"dir\": 4}, \"gone\"]}"};

    (void)state;
    put_run(root, "a/1", CONFIG("a", "1", "0.1"), "{\"name\":\"a\"}", ROWS);
    test_put(root, name,
             "{\"claims\": [{\"id\": \"birth/x\", \"verdict\": \"holds\"}], "
             "\"runs\": [\"a/1\", {\"name\": \"b\", \"dir\": \"a/1\"}]}");
    data = report(root, &name, 1);
    assert_int_equal(json_array_size(json_object_get(data, "claims")), 1);
    /* the same directory twice is one run */
    assert_int_equal(json_array_size(json_object_get(data, "groups")), 1);
    assert_string_equal(text_of(data, "title"), "Birth, reproduced");
    json_decref(data);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        char *text;
        test_put(root, name, broken[i]);
        data = report(root, &name, 1);
        problems = json_object_get(data, "problems");
        text = json_dumps(problems, JSON_COMPACT);
        print_message("%s\n", text);
        free(text);
        assert_true(json_array_size(problems) > 0);
        json_decref(data);
    }
    scratch_free(root);
}

static void test_escaping(void **state)
{
    char *root = scratch_new();
    const char *name = "r/1";
    const char *evil = "</script><script>alert(1)</script><!--";
    char record[256], out[256], *html;
    json_t *data;
    int scripts = 0;

    (void)state;
    (void)snprintf(record, sizeof record, "{\"name\": \"%s\", \"seed\": 1}",
                   evil);
    put_run(root, name, "run:\n  seed: 1 # </script><b>\n", record,
            "{\"step\":0,\"</script><i>\":1}\n");
    data = report(root, &name, 1);
    assert_string_equal(text_of(group(data, 0), "name"), evil);
    assert_string_equal(text_of(data, "title"), evil);
    json_decref(data);
    (void)snprintf(out, sizeof out, "%s/report.html", root);
    html = test_read(out);
    assert_null(strstr(html, "<script>alert"));
    assert_null(strstr(html, "<i>"));
    assert_non_null(strstr(html, "<title>&lt;/script&gt;&lt;script&gt;alert"));
    for (const char *p = html; (p = strstr(p, "</script>")); p++) scripts++;
    assert_int_equal(scripts, 5); /* the page's own */
    eg_free(html);
    scratch_free(root);
}

static void test_misuse(void **state)
{
    char *root = scratch_new();
    const char *gone = "/nonexistent/run", *here = root;
    char out[256];
    eg_report_opts opts = {.out = out};
    eg_err err = {0};

    (void)state;
    (void)snprintf(out, sizeof out, "%s/report.html", root);
    assert_int_equal(eg_report_write(NULL, 0, &opts, &err), EG_EINVAL);
    assert_int_equal(eg_report_write(&gone, 1, NULL, &err), EG_EINVAL);
    assert_int_equal(eg_report_write(&gone, 1, &opts, &err), EG_EIO);
    print_message("%s\n", err.msg);
    assert_non_null(strstr(err.msg, gone));
    assert_int_equal(eg_report_write(&here, 1, &opts, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "holds no run"));
    assert_false(eg_file_exists(out));
    (void)snprintf(out, sizeof out, "%s/none/report.html", root);
    assert_int_equal(eg_report_write(&here, 1, &opts, &err), EG_EIO);
    assert_non_null(strstr(err.msg, "cannot create"));
    assert_int_equal(eg_report_svg(NULL, 0, root, NULL, NULL, &err), EG_EINVAL);
    assert_int_equal(eg_report_svg(&gone, 1, root, NULL, NULL, &err), EG_EIO);
    scratch_free(root);
}

/* What engram did not write stays as it is, whatever it is called; what it
 * wrote is written again. */
static void test_files_of_others(void **state)
{
    char *root = scratch_new();
    const char *name = "r/1", *path = NULL;
    char run[256], out[300], figures[256], *text;
    eg_report_opts opts = {.out = out};
    eg_err err = {0};

    (void)state;
    put_run(root, name, CONFIG("r", "1", "0.1"), "{\"name\":\"r\"}", ROWS);
    (void)snprintf(run, sizeof run, "%s/%s", root, name);
    (void)snprintf(figures, sizeof figures, "%s/figures", root);
    path = run;
    (void)snprintf(out, sizeof out, "%s/metrics.jsonl", run);
    assert_int_equal(eg_report_write(&path, 1, &opts, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "was not written by engram"));
    text = test_read(out);
    assert_string_equal(text, ROWS);
    eg_free(text);
    (void)snprintf(out, sizeof out, "%s/page.html", run);
    assert_int_equal(eg_report_write(&path, 1, &opts, &err), EG_OK);
    assert_int_equal(eg_report_write(&path, 1, &opts, &err), EG_OK);
    assert_int_equal(eg_report_svg(&path, 1, figures, NULL, NULL, &err), EG_OK);
    assert_int_equal(eg_report_svg(&path, 1, figures, NULL, NULL, &err), EG_OK);
    test_put(root, "figures/mine.svg", "<svg/>");
    assert_int_equal(eg_report_svg(&path, 1, figures, NULL, NULL, &err),
                     EG_EINVAL);
    assert_non_null(strstr(err.msg, "mine.svg was not written by engram"));
    scratch_free(root);
}

/* A link in a run leads nowhere. */
static void test_links(void **state)
{
    char *root = scratch_new(), *text;
    const char *name = "r/1";
    char from[256], to[256];
    json_t *data;

    (void)state;
    put_run(root, name, CONFIG("r", "1", "0.1"), "{\"name\":\"r\"}", NULL);
    test_put(root, "secret", "{\"step\": 1, \"loss\": 7734511}\n");
    (void)snprintf(from, sizeof from, "%s/r/1/metrics.jsonl", root);
    (void)snprintf(to, sizeof to, "%s/secret", root);
    assert_int_equal(symlink(to, from), 0);
    data = report(root, &name, 1);
    text = json_dumps(data, JSON_COMPACT);
    assert_non_null(strstr(text, "metrics.jsonl: is a link"));
    assert_null(strstr(text, "7734511"));
    free(text);
    json_decref(data);
    scratch_free(root);
}

static void put_small_run(const char *root)
{
    static const float x[] = {1, 0, .5F, .5F};
    eg_view v = {x, EG_F32, 2, {2, 2}};

    put_run(root, "r/1", CONFIG("r", "1", "0.1"), "{\"name\":\"r<>\"}", ROWS);
    test_put_array(root, "r/1/arrays/pattern_L0.0.npy", &v);
    test_put_array(root, "r/1/arrays/pattern_L0.5.npy", &v);
}

static void test_svg(void **state)
{
    char *root = scratch_new();
    char run[256], dir[256], path[300], *text;
    const char *p = run;
    eg_report_opts opts = {0};
    int n = 0;
    eg_err err = {0};

    (void)state;
    put_small_run(root);
    (void)snprintf(run, sizeof run, "%s/r/1", root);
    (void)snprintf(dir, sizeof dir, "%s/figures/deep", root);
    assert_int_equal(eg_report_svg(&p, 1, dir, NULL, &n, &err), EG_OK);
    print_message("%d figures\n", n);
    assert_int_equal(n, 3); /* loss, accuracy, one map */
    (void)snprintf(path, sizeof path, "%s/r-acc.svg", dir); /* of "r<>" */
    text = test_read(path);
    assert_non_null(strstr(text, "training step"));
    assert_non_null(strstr(text, "fraction of positions"));
    /* 0.1 and 0.7 of an axis from 0 to 0.721, 190 high below 26 */
    assert_non_null(strstr(text, "M58.0 189.6L366.0 31.5"));
    assert_null(strstr(text, "nan"));
    eg_free(text);
    opts.whole = true; /* of one from 0 to 1.03 */
    assert_int_equal(eg_report_svg(&p, 1, dir, &opts, &n, &err), EG_OK);
    text = test_read(path);
    assert_non_null(strstr(text, "M58.0 197.6L366.0 86.9"));
    eg_free(text);
    scratch_free(root);
}

/* The bars of a profile; and the same figures as numbers, all digits kept. */
static void test_csv(void **state)
{
    static const char profile[] =
        "{\"steps\": 2, \"threads\": 1, \"seconds\": 1, \"rows\": "
        "[{\"what\": \"linear, a\", \"value\": \"x\", \"op\": 3, "
        "\"direction\": "
        "\"forward\", \"calls\": 2, \"seconds\": 0.5, \"share\": 0.25}]}";
    char *root = scratch_new();
    char run[2][256], dir[256], path[300], *text;
    const char *p[] = {run[0], run[1]};
    int n = 0;
    eg_err err = {0};

    (void)state;
    put_small_run(root);
    test_put(root, "r/1/arrays/profile.json", profile);
    put_run(root, "r/2", CONFIG("r", "2", "0.1"), "{\"name\":\"r<>\"}",
            "{\"step\":0,\"loss\":4.0000000000000018}\n"
            "{\"step\":5,\"loss\":3}\n");
    for (int i = 0; i < 2; i++)
        (void)snprintf(run[i], sizeof run[i], "%s/r/%d", root, i + 1);
    (void)snprintf(dir, sizeof dir, "%s/svg", root);
    assert_int_equal(eg_report_svg(p, 2, dir, NULL, &n, &err), EG_OK);
    assert_int_equal(n, 4); /* loss, accuracy, profile, one map */
    (void)snprintf(path, sizeof path, "%s/r-profile.svg", dir);
    text = test_read(path);
    assert_non_null(strstr(text, ">linear, a x</text>"));
    assert_non_null(strstr(text, ">25.0 %</text>"));
    assert_non_null(strstr(text, ">75.0 %</text>")); /* waiting */
    eg_free(text);
    (void)snprintf(dir, sizeof dir, "%s/csv", root);
    assert_int_equal(eg_report_csv(p, 2, dir, NULL, &n, &err), EG_OK);
    assert_int_equal(eg_report_csv(p, 2, dir, NULL, &n, &err), EG_OK);
    assert_int_equal(n, 4);
    (void)snprintf(path, sizeof path, "%s/r-loss.csv", dir);
    text = test_read(path);
    print_message("%s", text);
    assert_string_equal(text, "figure,setting,quantity,x,mean,min,max,seeds\n"
                              "loss,r<>,loss,0,4.000000000000001,4,"
                              "4.000000000000002,2\n"
                              "loss,r<>,loss,5,2.5,2,3,2\n");
    eg_free(text);
    (void)snprintf(path, sizeof path, "%s/r-pattern_L0.csv", dir);
    text = test_read(path);
    assert_string_equal(text, "figure,setting,step,head,row,column,value\n"
                              "pattern_L0,r<>,5,0,0,0,1\n"
                              "pattern_L0,r<>,5,0,0,1,0\n"
                              "pattern_L0,r<>,5,0,1,0,0.5\n"
                              "pattern_L0,r<>,5,0,1,1,0.5\n");
    eg_free(text);
    (void)snprintf(path, sizeof path, "%s/r-profile.csv", dir);
    text = test_read(path);
    assert_non_null(strstr(text, "\nprofile,r<>,3,\"linear, a\",x,forward,2,"
                                 "0.5,0.25\n"));
    eg_free(text);
    /* pictures are no numbers: a folder of the one is not one of the other */
    assert_int_equal(eg_report_svg(p, 2, dir, NULL, &n, &err), EG_EINVAL);
    test_put(root, "csv/mine.csv", "a,b\n");
    assert_int_equal(eg_report_csv(p, 2, dir, NULL, &n, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "mine.csv was not written by engram"));
    scratch_free(root);
}

/* Each allocation fails once: a clean error, never a crash; then it works. */
static void test_no_memory(void **state)
{
    char *root = scratch_new();
    char run[256], out[256];
    const char *p = run;
    eg_report_opts opts = {.out = out};
    eg_status st = EG_ENOMEM;
    int64_t live = 0;
    int k;

    (void)state;
    put_small_run(root);
    (void)snprintf(run, sizeof run, "%s/r/1", root);
    (void)snprintf(out, sizeof out, "%s/report.html", root);
    live = eg_mem_query().live_bytes;
    for (k = 1; k < 2000; k++) {
        eg_err err = {0};
        int64_t before = eg_mem_query().n_allocs;
        eg_mem_fail_after(k);
        st = eg_report_write(&p, 1, &opts, &err);
        eg_mem_fail_after(0);
        assert_int_equal(eg_mem_query().live_bytes, live);
        if (st == EG_OK && eg_mem_query().n_allocs - before < k) break;
        assert_true(st == EG_OK || err.msg[0]);
    }
    print_message("%d allocations, each failed once\n", k - 1);
    assert_true(k > 10 && k < 2000);
    assert_int_equal(st, EG_OK);
    scratch_free(root);
}

/* The same, of every third, with settings that are put together. */
static void test_no_memory_together(void **state)
{
    static const char *const rate[] = {CONFIG("r", "1", "0.1"),
                                       CONFIG("r", "2", "0.1"),
                                       CONFIG("r", "1", "0.2")};
    char *root = scratch_new();
    char dir[3][256], out[256];
    const char *p[] = {dir[0], dir[1], dir[2]};
    eg_report_opts opts = {.out = out};
    eg_status st = EG_ENOMEM;
    int64_t live = 0;
    int k, tries = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "r/%d", i);
        put_run(root, name, rate[i], "{\"name\":\"r\"}", ROWS);
        (void)snprintf(dir[i], sizeof dir[i], "%s/%s", root, name);
    }
    (void)snprintf(out, sizeof out, "%s/report.html", root);
    live = eg_mem_query().live_bytes;
    for (k = 1; k < 20000; k += 3, tries++) {
        eg_err err = {0};
        int64_t before = eg_mem_query().n_allocs;

        eg_mem_fail_after(k);
        st = eg_report_write(p, 3, &opts, &err);
        eg_mem_fail_after(0);
        assert_int_equal(eg_mem_query().live_bytes, live);
        if (st == EG_OK && eg_mem_query().n_allocs - before < k) break;
        assert_true(st == EG_OK || err.msg[0]);
    }
    print_message("%d of %d allocations failed once\n", tries, k);
    assert_true(tries > 10 && k < 20000);
    scratch_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_runs),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_escaping),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_files_of_others),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_svg),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_memory_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
