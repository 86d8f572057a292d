/* Pages and figures as a whole: grouping, broken runs and claims, escaping,
 * running out of memory. What the page looks like is tests/browser. */

#include <unistd.h>

#include "rundir.h"

#define CONFIG(name, seed, lr)                             \
    "run:\n  name: " name "\n  kind: train\n  seed: " seed \
    "\noptim:\n  lr: " lr "\n"
#define ROWS                                           \
    "{\"step\":0,\"loss\":4,\"acc_in_context\":0.1}\n" \
    "{\"step\":5,\"loss\":2,\"acc_in_context\":0.7}\n"

static void put_run(const char *root, const char *dir, const char *config,
                    const char *record, const char *metrics)
{
    char path[256];
    const char *name[] = {"config.yaml", "run.json", "metrics.jsonl"};
    const char *text[] = {config, record, metrics};

    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, name[i]);
        if (text[i])
            test_put(root, path, text[i]);
        else
            test_put(root, path, NULL);
    }
}

/* The data of a page: what stands in its JSON script. */
static json_t *page_data(const char *html)
{
    const char *from = strstr(html, "id=\"data\">"), *to;
    json_t *j;
    json_error_t e;

    assert_non_null(from);
    from += strlen("id=\"data\">");
    to = strstr(from, "</script>");
    assert_non_null(to);
    j = json_loadb(from, (size_t)(to - from), 0, &e);
    if (!j) print_message("%s at %d\n", e.text, e.position);
    assert_non_null(j);
    return j;
}

static json_t *report(const char *root, const char *const *names, int n)
{
    char path[4][512], out[512];
    const char *paths[4];
    eg_report_opts opts = {.out = out};
    eg_err err = {0};
    char *html;
    json_t *data;

    for (int i = 0; i < n; i++) {
        (void)snprintf(path[i], sizeof path[i], "%s/%s", root, names[i]);
        paths[i] = path[i];
    }
    (void)snprintf(out, sizeof out, "%s/report.html", root);
    if (eg_report_write(paths, n, &opts, &err) != EG_OK)
        fail_msg("%s", err.msg);
    html = test_read(out);
    data = page_data(html);
    eg_free(html);
    return data;
}

static json_t *group(const json_t *data, size_t i)
{
    return json_array_get(json_object_get(data, "groups"), i);
}

static const char *text_of(const json_t *j, const char *key)
{
    return json_string_value(json_object_get(j, key));
}

static void test_groups(void **state)
{
    char *root = test_folder();
    const char *names[] = {"a/2", "a/1", "a/3", "b/1"};
    json_t *data, *runs;

    (void)state;
    put_run(root, "a/2", CONFIG("a", "2", "0.1"), "{\"name\":\"a\",\"seed\":2}",
            ROWS);
    put_run(root, "a/1", CONFIG("a", "1", "0.1"), "{\"name\":\"a\",\"seed\":1}",
            ROWS);
    /* the same name, another learning rate: not the same band */
    put_run(root, "a/3", CONFIG("a", "3", "0.2"), "{\"name\":\"a\",\"seed\":3}",
            ROWS);
    put_run(root, "b/1", CONFIG("b", "1", "0.1"), NULL, ROWS);
    data = report(root, names, 4);
    assert_int_equal(json_array_size(json_object_get(data, "groups")), 3);
    assert_string_equal(text_of(group(data, 0), "name"), "a, lr 0.1");
    assert_string_equal(text_of(group(data, 1), "name"), "a, lr 0.2");
    assert_string_equal(text_of(group(data, 2), "name"), "b");
    runs = json_object_get(group(data, 0), "runs");
    assert_int_equal(json_array_size(runs), 2);
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(runs, 0), "seed")),
        1);
    json_decref(data);
    test_folder_remove(root);
}

/* The heading of a setting: what differs, no more, and never a number. */
static void test_headings(void **state)
{
    static const struct {
        const char *config, *heading;
    } run[] = {
        {"run:\n  name: g\n  seed: 1\n  notes: one\ntask:\n  kind: bigram\n  "
         "n_triggers: 5\noptim:\n  lr: 0.1\ntrain:\n  threads: 2\n",
         "kind bigram, n_triggers 5, optim.lr 0.1, init.lr not set"},
        {"run:\n  name: g\n  seed: 2\n  notes: two\ntask:\n  kind: bigram\n  "
         "n_triggers: 5\noptim:\n  lr: 0.1\ntrain:\n  threads: 1\n",
         NULL}, /* the same setting */
        {"run:\n  name: g\n  seed: 1\ntask:\n  kind: markov\noptim:\n  lr: "
         "0.1\ninit:\n  lr: \"a b\"\ntrain:\n  threads: 1\n",
         "kind markov, n_triggers not set, optim.lr 0.1, init.lr a b"},
        {"run:\n  name: g\n  seed: 1\ntask:\n  kind: bigram\n  "
         "n_triggers: 5\noptim:\n  lr: 0.25\ntrain:\n  threads: 1\n",
         "kind bigram, n_triggers 5, optim.lr 0.25, init.lr not set"},
    };
    char *root = test_folder();
    const char *names[] = {"g/0", "g/1", "g/2", "g/3"};
    json_t *data, *first;
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        put_run(root, names[i], run[i].config, "{\"name\":\"g\"}", ROWS);
    data = report(root, names, 4);
    assert_int_equal(json_array_size(json_object_get(data, "groups")), 3);
    for (size_t i = 0; i < 4; i++)
        if (run[i].heading)
            assert_string_equal(text_of(group(data, at++), "name"),
                                run[i].heading);
    first = json_object_get(group(data, 0), "differs");
    assert_int_equal(json_array_size(first), 4);
    first = json_array_get(first, 2);
    assert_string_equal(json_string_value(json_array_get(first, 0)),
                        "optim.lr");
    assert_string_equal(json_string_value(json_array_get(first, 1)), "0.1");
    json_decref(data);
    test_folder_remove(root);
}

/* Of many keys that differ, as few are said as tell the settings apart. */
static void test_many_keys(void **state)
{
    static const char *const value[] = {"1", "2", "3"};
    char *root = test_folder(), config[3][400], dir[3][8];
    const char *names[3];
    json_t *data;

    (void)state;
    for (int i = 0; i < 3; i++) {
        int n = snprintf(config[i], sizeof config[i],
                         "run:\n  name: m\nmodel:\n  a: %d\n", i == 2);

        for (int k = 0; k < 8; k++)
            n += snprintf(config[i] + n, sizeof config[i] - (size_t)n,
                          "  b%d: %s\n", k, value[i]);
        names[i] = dir[i];
        (void)snprintf(dir[i], sizeof dir[i], "m/%d", i);
        put_run(root, dir[i], config[i], "{\"name\":\"m\"}", ROWS);
    }
    data = report(root, names, 3);
    assert_string_equal(text_of(group(data, 0), "name"), "a 0, b0 1");
    assert_string_equal(text_of(group(data, 1), "name"), "a 0, b0 2");
    assert_string_equal(text_of(group(data, 2), "name"), "a 1, b0 3");
    json_decref(data);
    test_folder_remove(root);
}

/* A name of any bytes is a name in the page, and what differs is said. */
static void test_names_of_groups(void **state)
{
    char *root = test_folder(), name[200] = "{\"name\":\"";
    const char *names[] = {"n/1", "n/2", "n/3", "m\xff\x1b/1"};
    json_t *data;

    (void)state;
    for (size_t i = 0; i < 50; i++) memcpy(name + 9 + 3 * i, "\xe2\x82\xac", 3);
    memcpy(name + 9 + 150, "\"}", 3);
    put_run(root, names[0], CONFIG("n", "1", "0.1"), name, ROWS);
    put_run(root, names[1], CONFIG("n", "1", "0.2"), name, ROWS);
    put_run(root, names[2], "another: form\n", name, ROWS);
    put_run(root, names[3], CONFIG("m", "1", "0.2"), NULL, ROWS);
    data = report(root, names, 4);
    assert_int_equal(json_array_size(json_object_get(data, "groups")), 4);
    name[9 + 78] = '\0'; /* 26 characters */
    for (size_t i = 0; i < 3; i++) {
        static const char *const rest[] = {", kind train, lr 0.1",
                                           ", kind train, lr 0.2",
                                           ", kind not set, lr not set"};
        char want[200];

        (void)snprintf(want, sizeof want, "%s%s", name + 9, rest[i]);
        assert_string_equal(text_of(group(data, i), "name"), want);
    }
    assert_string_equal(text_of(group(data, 3), "name"), "m\\xff\\x1b");
    json_decref(data);
    test_folder_remove(root);
}

/* Everything that can be wrong inside a run becomes a sentence. */
static void test_broken_runs(void **state)
{
    char *root = test_folder();
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
    test_folder_remove(root);
}

/* Where the time went comes into the page; what is not that is told. */
static void test_profile(void **state)
{
    static const char profile[] =
        "{\"steps\": 2, \"threads\": 1, \"seconds\": 1, \"rows\": [{\"what\": "
        "\"linear\", \"op\": 3, \"share\": 0.25}]}";
    static const char *const bad[] = {"{\"rows\": 1}", "[1]", "{", ""};
    const char *names[] = {"a"};
    char *root = test_folder();
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
    test_folder_remove(root);
}

static void test_claims(void **state)
{
    char *root = test_folder();
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
    test_folder_remove(root);
}

static void test_escaping(void **state)
{
    char *root = test_folder();
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
    test_folder_remove(root);
}

static void test_misuse(void **state)
{
    char *root = test_folder();
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
    test_folder_remove(root);
}

/* What engram did not write stays as it is, whatever it is called; what it
 * wrote is written again. */
static void test_files_of_others(void **state)
{
    char *root = test_folder();
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
    test_folder_remove(root);
}

/* A link in a run leads nowhere. */
static void test_links(void **state)
{
    char *root = test_folder(), *text;
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
    test_folder_remove(root);
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
    char *root = test_folder();
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
    test_folder_remove(root);
}

/* The bars of a profile; and the same figures as numbers, all digits kept. */
static void test_csv(void **state)
{
    static const char profile[] =
        "{\"steps\": 2, \"threads\": 1, \"seconds\": 1, \"rows\": "
        "[{\"what\": \"linear, a\", \"value\": \"x\", \"op\": 3, "
        "\"direction\": "
        "\"forward\", \"calls\": 2, \"seconds\": 0.5, \"share\": 0.25}]}";
    char *root = test_folder();
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
    test_folder_remove(root);
}

/* Each allocation fails once: a clean error, never a crash; then it works. */
static void test_no_memory(void **state)
{
    char *root = test_folder();
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
    test_folder_remove(root);
}

/* The same, of every third, with settings that are put together. */
static void test_no_memory_together(void **state)
{
    static const char *const rate[] = {CONFIG("r", "1", "0.1"),
                                       CONFIG("r", "2", "0.1"),
                                       CONFIG("r", "1", "0.2")};
    char *root = test_folder();
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
    test_folder_remove(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_headings),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_names_of_groups),
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
