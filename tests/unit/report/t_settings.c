/* Runs in settings, and what these are called. */

#include "pages.h"

#include <dirent.h>
#include <unistd.h>
#include "engram/text.h"

static void test_groups(void **state)
{
    char *root = scratch_new();
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
    scratch_free(root);
}

/* An option that came later has its default in an older record, and what takes
 * times changes no result: as for eg_config_diff. */
static void test_versions(void **state)
{
    char *root = scratch_new();
    const char *names[] = {"a/1", "a/2", "a/3"};
    json_t *data;

    (void)state;
    put_run(root, names[0], CONFIG("a", "1", "0.1"), NULL, ROWS);
    put_run(root, names[1],
            CONFIG("a", "2", "0.1") "model:\n  n_layers: 2\n"
                                    "train:\n  profile: true\n",
            NULL, ROWS);
    put_run(root, names[2], CONFIG("a", "3", "0.1") "model:\n  n_layers: 3\n",
            NULL, ROWS);
    data = report(root, names, 3);
    assert_int_equal(json_array_size(json_object_get(data, "groups")), 2);
    assert_string_equal(text_of(group(data, 0), "name"), "n_layers 2");
    assert_string_equal(text_of(group(data, 1), "name"), "n_layers 3");
    json_decref(data);
    scratch_free(root);
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
    char *root = scratch_new();
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
    scratch_free(root);
}

/* Of many keys that differ, as few are said as tell the settings apart. */
static void test_many_keys(void **state)
{
    static const char *const value[] = {"1", "2", "3"};
    char *root = scratch_new(), config[3][400], dir[3][8];
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
    scratch_free(root);
}

/* Checksums of files are said where no name of a file tells settings apart. */
static void test_inputs(void **state)
{
#define READS(lr, text, sum)                                          \
    "run:\n  name: s\n  inputs: task.text=" sum "\noptim:\n  lr: " lr \
    "\ntask:\n  text: " text "\n"
    char *root = scratch_new();
    const char *names[] = {"s/0", "s/1", "s/2"};
    json_t *data;

    (void)state;
    put_run(root, names[0], READS("0.1", "a.txt", "12"), NULL, ROWS);
    put_run(root, names[1], READS("0.2", "a.txt", "12"), NULL, ROWS);
    put_run(root, names[2], READS("0.2", "a.txt", "34"), NULL, ROWS);
    data = report(root, names, 3);
    assert_int_equal(json_array_size(json_object_get(data, "groups")), 3);
    for (size_t i = 0; i < 3; i++)
        assert_non_null(strstr(text_of(group(data, i), "name"), "inputs"));
    json_decref(data);
    put_run(root, names[2], READS("0.2", "b.txt", "34"), NULL, ROWS);
    data = report(root, names, 3);
    assert_string_equal(text_of(group(data, 2), "name"), "lr 0.2, text b.txt");
    json_decref(data);
    scratch_free(root);
}

static bool is_utf8(const char *s)
{
    uint32_t code;

    for (; *s; s += eg_text_char(s, &code))
        if (eg_text_char(s, &code) < 1 || (*s & 0x80 && code < 0x80))
            return false;
    return true;
}

/* Figures over three keys: values that read the same in letters that every
 * system takes have a figure each, and none is cut within a character. */
static void test_figures_of_sweep(void **state)
{
#define LONG(c) "x" c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
    static const char *const c[] = {LONG("\xc3\xa9"), LONG("\xc3\xa8")};
    char *root = scratch_new(), path[8][300], out[300], file[700];
    const char *paths[8];
    int n_files = 0, found = 0;
    eg_err err = {0};
    struct dirent *e;
    DIR *d;

    (void)state;
    for (int i = 0; i < 8; i++) {
        char config[300], dir[8];

        (void)snprintf(dir, sizeof dir, "f/%d", i);
        (void)snprintf(config, sizeof config,
                       "run:\n  name: f\nmodel:\n  a: %d\n  b: %d\n  c: %s\n",
                       i & 1, i >> 1 & 1, c[i >> 2]);
        put_run(root, dir, config, "{\"name\":\"f\"}", ROWS);
        (void)snprintf(path[i], sizeof path[i], "%s/%s", root, dir);
        paths[i] = path[i];
    }
    (void)snprintf(out, sizeof out, "%s/svg", root);
    assert_int_equal(eg_report_svg(paths, 8, out, NULL, &n_files, &err), EG_OK);
    d = opendir(out);
    assert_non_null(d);
    while ((e = readdir(d))) {
        char *text;

        if (e->d_name[0] == '.') continue;
        (void)snprintf(file, sizeof file, "%s/%s", out, e->d_name);
        text = test_read(file);
        if (!is_utf8(text)) print_error("cut: %s\n", e->d_name);
        assert_true(is_utf8(text));
        eg_free(text);
        found++;
    }
    (void)closedir(d);
    assert_int_equal(found, n_files);
    scratch_free(root);
}

static void keep_note(void *ctx, const char *text)
{
    char *all = ctx;
    size_t n = strlen(all);

    (void)snprintf(all + n, 2000 - n, "%s\n", text);
}

static bool has_figure(const char *out, const char *name)
{
    char path[700];

    (void)snprintf(path, sizeof path, "%s/%s.svg", out, name);
    return access(path, R_OK) == 0;
}

/* Twenty-six settings: what would be too many figures is left out and said. */
static void test_figures_left_out(void **state)
{
    enum { N = 26 };
    char *root = scratch_new(), path[N][300], out[300], notes[2000] = "";
    const char *paths[N];
    eg_report_opts o = {.note = keep_note, .ctx = notes};
    eg_err err = {0};

    (void)state;
    for (int i = 0; i < N; i++) {
        char config[300], dir[16];

        (void)snprintf(dir, sizeof dir, "f/%d", i);
        (void)snprintf(config, sizeof config,
                       "run:\n  name: f\nmodel:\n  a: %d\n  b: %d\n  c: %d\n",
                       i & 1, i & 1, i);
        put_run(root, dir, config, "{\"name\":\"f\"}", ROWS);
        (void)snprintf(path[i], sizeof path[i], "%s/%s", root, dir);
        paths[i] = path[i];
    }
    (void)snprintf(out, sizeof out, "%s/svg", root);
    assert_int_equal(eg_report_svg(paths, N, out, &o, NULL, &err), EG_OK);
    printf("%s", notes);
    assert_non_null(strstr(notes, "over a and b\n"));
    assert_non_null(strstr(notes, "against the step, a, b\n"));
    assert_false(has_figure(out, "f-sweep-a-b-loss-c-0"));
    assert_true(has_figure(out, "f-sweep-a-c-loss-b-0"));
    assert_true(has_figure(out, "f-sweep-b-c-loss-a-1"));
    assert_true(has_figure(out, "f-sweep-c-loss"));
    assert_false(has_figure(out, "f-sweep-a-loss"));
    assert_false(has_figure(out, "f-sweep-loss"));
    scratch_free(root);
}

/* A name of any bytes is a name in the page, and what differs is said. */
static void test_names_of_groups(void **state)
{
    char *root = scratch_new(), name[200] = "{\"name\":\"";
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
    scratch_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_headings),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_figures_of_sweep),
        cmocka_unit_test(test_figures_left_out),
        cmocka_unit_test(test_names_of_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
