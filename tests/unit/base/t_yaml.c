/* YAML trees: positions, option tables filled from them, hostile input. */
#include <time.h>

#include "base/check.h"
#include "engram/yaml.h"

#define RUN_FIELDS(I, R, B, T, E, L)                     \
    I(steps, "100", 1, 1000000, "training steps")        \
    R(learning_rate, "0.2", 0, 10, "peak learning rate") \
    B(tied, "false", "tied output")                      \
    T(name, "run", "name of the run")                    \
    E(kind, "sgd", "sgd|adam|adamw", "update rule")      \
    L(probes, "[loss]", "what to watch")
EG_FIELDS_STRUCT(run_opts, RUN_FIELDS)
#define EG_FIELDS_OWNER run_opts
static EG_FIELDS_TABLE(run_fields, RUN_FIELDS)

static const char *const others[] = {"model", "task", NULL};

static eg_yaml *must_parse(const char *text)
{
    eg_err err = {0};
    eg_yaml *y = NULL;

    check_ok(eg_yaml_parse(&y, text, strlen(text), "c.yaml", &err), &err);
    return y;
}

static void check_node(const eg_node *n, eg_node_kind kind, int line, int col)
{
    assert_non_null(n);
    assert_int_equal(n->kind, kind);
    assert_int_equal(n->line, line);
    assert_int_equal(n->col, col);
    assert_string_equal(n->file, "c.yaml");
}

static void test_tree_and_positions(void **state)
{
    eg_yaml *y = must_parse("# a comment\n"
                            "model:\n"
                            "  n_layers: 2   # two\n"
                            "  h\xc3\xa9: \xc3\xa9t\xc3\xa9\n"
                            "list: [a, \"b, c\", {k: v}]\n"
                            "none:\n"
                            "quoted: ''\n"
                            "block: |\n"
                            "  one\n"
                            "  two\n");
    const eg_node *root = eg_yaml_root(y), *n = NULL;

    (void)state;
    check_node(root, EG_NODE_MAP, 2, 1);
    assert_int_equal(root->n, 5);
    assert_null(root->key);
    n = eg_node_get(root, "model");
    check_node(n, EG_NODE_MAP, 3, 3);
    assert_int_equal(n->key_line, 2);
    assert_int_equal(n->key_col, 1);
    check_node(eg_node_get(n, "n_layers"), EG_NODE_SCALAR, 3, 13);
    assert_string_equal(eg_node_text(n, "n_layers"), "2");
    check_node(&n->item[1], EG_NODE_SCALAR, 4, 7); /* characters, not bytes */
    assert_string_equal(n->item[1].key, "h\xc3\xa9");
    n = eg_node_get(root, "list");
    check_node(n, EG_NODE_SEQ, 5, 7);
    assert_int_equal(n->n, 3);
    assert_string_equal(n->item[1].text, "b, c");
    assert_true(n->item[1].quoted && !n->item[0].quoted);
    assert_string_equal(eg_node_text(&n->item[2], "k"), "v");
    assert_null(eg_node_text(n, "k")); /* not a map */
    assert_null(eg_node_text(root, "model"));
    assert_null(eg_node_get(root, "absent"));
    assert_true(eg_node_is_null(eg_node_get(root, "none")));
    assert_false(eg_node_is_null(eg_node_get(root, "quoted")));
    assert_string_equal(eg_node_text(root, "block"), "one\ntwo\n");
    assert_string_equal(eg_node_what(root), "a map");
    assert_string_equal(eg_node_what(n), "a list");
    assert_string_equal(eg_node_what(&n->item[0]), "text");
    assert_string_equal(eg_node_what(eg_node_get(root, "none")), "nothing");
    eg_yaml_free(y);
}

static void test_aliases_are_copies(void **state)
{
    eg_yaml *y = must_parse("a: &x {k: 1}\nb: *x\nc: [*x, *x]\n");
    const eg_node *c = eg_node_get(eg_yaml_root(y), "c");

    (void)state;
    assert_string_equal(eg_node_text(eg_node_get(eg_yaml_root(y), "b"), "k"),
                        "1");
    assert_string_equal(eg_node_text(&c->item[1], "k"), "1");
    eg_yaml_free(y);
}

/* Processor time for a map of 4096 keys, and n aliases of it. */
static double time_of_aliases(int n)
{
    size_t size = 65536, at;
    char *text = eg_calloc(size, 1);
    clock_t start;

    assert_non_null(text);
    at = (size_t)snprintf(text, size, "a: &m\n");
    for (int i = 0; i < 4096; i++)
        at += (size_t)snprintf(text + at, size - at, " k%04d: 1\n", i);
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, size - at, "b%d: *m\n", i);
    start = clock();
    eg_yaml_free(must_parse(text));
    start = clock() - start;
    eg_free(text);
    return (double)start;
}

/* The keys of a map are compared once, however many aliases it has. */
static void test_aliases_are_cheap(void **state)
{
    double one = time_of_aliases(0);

    (void)state;
    assert_true(time_of_aliases(11) < 5 * one);
}

static const struct {
    const char *text;
    const char *words;
} broken[] = {
    {"", "c.yaml:1:1: the document is empty"},
    {"# only a comment\n", "c.yaml:1:1: the document is empty"},
    {"a: 1\nb: 2\na: 3\n",
     "c.yaml:3:1: key 'a' stands here a second time, first on line 1"},
    {"x: {a: 1, \"a\": 2}\n", "c.yaml:1:11: key 'a'"},
    {"a: 1\n---\nb: 2\n", "c.yaml:2:1: expected one document, a second begins"},
    {"a: 1\n---\n", "c.yaml:2:1: expected one document, a second begins"},
    {"? [a, b]\n: c\n", "c.yaml:1:3: expected a key of plain text"},
    {"a: \"\\0\"\n", "c.yaml:1:4: text holds a zero character"},
    {"\"a\\0\": 1\n", "c.yaml:1:1: text holds a zero character"},
    {"a: 1\nb: \xff\n", "c.yaml:2:4: invalid leading UTF-8 octet"},
    {"a: 1\n\xc3\xa9: caf\xe9 \n", "c.yaml:2:8: invalid trailing UTF-8 octet"},
    {"a: \xed\xa0\x80\n", "c.yaml:1:4: invalid Unicode character"},
    {"a: \x01\n", "c.yaml:1:4: control characters are not allowed"},
    {"\xff\xfe\x61\x3a", "c.yaml:1:1: invalid leading UTF-8 octet"},
    {"a: [1, 2\nb: 3\n", "c.yaml:2:2: "},
    {"a: 'open\n", "c.yaml:2:1: found unexpected end of stream, while scanning "
                   "a quoted scalar on line 1"},
    {"a: b: c\n", "c.yaml:1:5: mapping values are not allowed"},
    {"a:\n\tb: 1\n", "c.yaml:2:1: found character that cannot start"},
    {"a: *nobody\n", "c.yaml:1:4: found undefined alias"},
    {"a: &x 1\nb: &x 2\n", "c.yaml:2:4: second occurrence, found duplicate "
                           "anchor; first occurrence on line 1"},
    {"a: &x [*x]\n", "c.yaml:1:4: nested deeper than 64 levels"},
    {"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
     "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
     "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
     "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
     "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
     "more than 50000 values"},
    {"%YAML 3.0\n---\na: 1\n", "c.yaml:1:1: found incompatible YAML document"},
};

static void test_broken_documents(void **state)
{
    int64_t live = eg_mem_query().live_bytes;

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        eg_err err = {0};
        eg_yaml *y = NULL;
        const char *text = broken[i].text;

        check_failed(eg_yaml_parse(&y, text, strlen(text), "c.yaml", &err),
                     EG_EFORMAT, &err, broken[i].words);
        assert_null(y);
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
}

static char *repeat(const char *head, const char *part, size_t n,
                    const char *tail)
{
    char *s = eg_calloc(strlen(head) + n * strlen(part) + strlen(tail) + 1, 1);
    char *to = put_text(s, head);

    for (size_t i = 0; i < n; i++) to = put_text(to, part);
    (void)put_text(to, tail);
    return s;
}

static void check_too_much(char *text, const char *words)
{
    eg_err err = {0};
    eg_yaml *y = NULL;

    check_failed(eg_yaml_parse(&y, text, strlen(text), "c.yaml", &err),
                 EG_EFORMAT, &err, words);
    eg_free(text);
}

/* So many values, each with an anchor of its own. */
static char *anchors(int n)
{
    char *text = eg_calloc((size_t)n, 16), *at = text;

    for (int i = 0; i < n; i++) at += sprintf(at, "- &a%d x\n", i);
    return text;
}

static void test_limits(void **state)
{
    char *keys = eg_calloc(5000, 8);
    char *at = keys;

    (void)state;
    for (int i = 0; i < 4097; i++) at += sprintf(at, "k%d:\n", i);
    check_too_much(keys, "a map of more than 4096 keys");
    check_too_much(repeat("", "[", 65, ""), "nested deeper than 64 levels");
    check_too_much(repeat("", "- ", 65, ""), "nested deeper than 64 levels");
    check_too_much(repeat("", "%TAG\n", 17, "a: b\n"), "lines begin with %");
    check_too_much(anchors(1001), "c.yaml:1001:3: more than 1000 anchors");
    check_too_much(repeat("", "- &a x\n", 1001, ""), "found duplicate anchor");
    check_too_much(repeat("[[[[[", "[", 60,
                          "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
                          "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
                   "c.yaml:1:65: nested deeper than 64 levels");
    check_too_much(repeat("", "- a\n", 50000, ""), "more than 50000 values");
    check_too_much(repeat("a: ", "x", EG_YAML_MAX_BYTES, ""),
                   "expected at most 1048576 bytes");
    check_too_much(repeat("", "[", 1000000, ""), "nested deeper");
    check_too_much(repeat("", "- ", 500000, ""), "nested deeper");
    check_too_much(repeat("", "{a: ", 250000, ""), "nested deeper");
    check_too_much(repeat("", "? ", 500000, ""), "nested deeper");
    check_too_much(repeat("", "%T\n", 300000, ""), "lines begin with %");
    check_too_much(repeat("", "&", 1000000, ""), "c.yaml:");
    check_too_much(anchors(80000), "1000 anchors");
    check_too_much(repeat("{", "a,", 500000, ""), "more than 50000");
    check_too_much(repeat("[", "?", 1000000, ""), "c.yaml:");
    check_too_much(repeat("", "a:\n", 300000, ""), "more than 50000");
    check_too_much(repeat("", "- - ", 200000, ""), "nested deeper");
    /* 9,999 uses of 500 bytes */
    check_too_much(repeat("a: &a "
                          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                          "\nb:\n",
                          "- *a\n", 30000, ""),
                   "aliases make the document too large");
}

static eg_status fill(run_opts *o, const char *text, eg_err *err)
{
    eg_yaml *y = must_parse(text);
    eg_status st = EG_OK;

    eg_fields_default(run_fields, o);
    st = eg_node_fill(eg_yaml_root(y), run_fields, o, others, err);
    eg_yaml_free(y);
    return st;
}

static void test_fill(void **state)
{
    static run_opts o;
    eg_err err = {0};

    (void)state;
    check_ok(fill(&o,
                  "steps: 3e5\nkind: adam\nname: 'a: b'\n"
                  "probes: [recall, \"x, y\"]\nmodel: {what: ever}\n",
                  &err),
             &err);
    assert_int_equal(o.steps, 300000);
    assert_int_equal(o.kind, 1);
    assert_string_equal(o.name, "a: b");
    assert_int_equal(o.probes.n, 2);
    assert_string_equal(o.probes.item[0], "recall");
    assert_string_equal(o.probes.item[1], "x, y");
    assert_true(o.learning_rate == 0.2); /* not named: keeps its value */
    check_ok(fill(&o, "probes: a, b\nname: \"\"\ntied: on\n", &err), &err);
    assert_int_equal(o.probes.n, 2);
    assert_string_equal(o.name, "");
    assert_true(o.tied);
    check_ok(fill(&o, "probes: []\n", &err), &err);
    assert_int_equal(o.probes.n, 0);
    check_ok(fill(&o, "{}\n", &err), &err);
}

static const struct {
    const char *text;
    const char *words;
} wrong[] = {
    {"steps: 3\nlerning_rate: 1\n", "c.yaml:2:1: unknown key 'lerning_rate'; "
                                    "did you mean 'learning_rate'?"},
    {"modle: {}\n", "c.yaml:1:1: unknown key 'modle'; did you mean 'model'?"},
    {"  zzz: 1\n", "c.yaml:1:3: unknown key 'zzz'; expected one of steps, "
                   "learning_rate, tied, name, kind, probes, model, task"},
    {"steps: many\n", "c.yaml:1:8: steps: expected a whole number from 1 to "
                      "1000000, found 'many'"},
    {"steps: 0\n", "c.yaml:1:8: steps: expected"},
    {"steps: [1]\n", "c.yaml:1:8: steps: expected a whole number from 1 to "
                     "1000000, found a list"},
    {"steps:\n  a: 1\n", "c.yaml:2:3: steps: expected a whole number from 1 to "
                         "1000000, found a map"},
    {"learning_rate:\nsteps: 2\n",
     "learning_rate: expected a number from 0 to 10, found nothing"},
    {"name: ~\n", "c.yaml:1:7: name: expected text of at most 255 bytes of "
                  "UTF-8, found nothing"},
    {"name: [a]\n", "found a list"},
    {"kind: adma\n", "c.yaml:1:7: kind: expected one of sgd, adam, adamw, "
                     "found 'adma'; did you mean 'adam'?"},
    {"tied: 1\n", "c.yaml:1:7: tied: expected true or false, found '1'"},
    {"probes:\n- a\n- [b]\n", "c.yaml:3:3: probes: expected text as item 2, "
                              "found a list"},
    {"probes: [a, ~]\n", "c.yaml:1:13: probes: expected text as item 2, found "
                         "nothing"},
    {"probes: {a: 1}\n", "c.yaml:1:9: probes: expected a list [a, b] of at "
                         "most 64 items of 95 bytes, found a map"},
    {"- a\n", "c.yaml:1:1: expected a map of keys and values, found a list"},
    {"text\n", "c.yaml:1:1: expected a map of keys and values, found text"},
};

static void test_fill_refuses(void **state)
{
    static run_opts o;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        eg_err err = {0};

        check_failed(fill(&o, wrong[i].text, &err), EG_EINVAL, &err,
                     wrong[i].words);
    }
}

static void test_long_lists_are_refused(void **state)
{
    static run_opts o;
    eg_err err = {0};
    char *many = repeat("probes: [a", ",a", EG_STRS_MAX, "]\n");
    char *wide = repeat("probes: [", "a", EG_STRS_LEN, "]\n");

    (void)state;
    check_failed(fill(&o, many, &err), EG_EINVAL, &err,
                 "at most 64 items, found 65");
    check_failed(fill(&o, wide, &err), EG_EINVAL, &err,
                 "item 1: expected at most 95 bytes, found 96");
    eg_free(many);
    eg_free(wide);
}

static void test_errors_of_the_caller(void **state)
{
    eg_yaml *y = must_parse("a:\n  b: 1\n");
    const eg_node *b = eg_node_get(eg_node_get(eg_yaml_root(y), "a"), "b");
    eg_err err = {0};

    (void)state;
    check_failed(EG_NODE_FAIL(b, &err, EG_EINVAL, "bad %d", 3), EG_EINVAL, &err,
                 "c.yaml:2:6: bad 3");
    check_failed(EG_KEY_FAIL(b, &err, EG_EINVAL, "bad key"), EG_EINVAL, &err,
                 "c.yaml:2:3: bad key");
    check_failed(EG_KEY_FAIL(eg_yaml_root(y), &err, EG_EINVAL, "no key"),
                 EG_EINVAL, &err, "c.yaml:1:1: no key");
    eg_yaml_free(y);
}

/* Quoted text reads back as itself, as a value, in a list and as a key. */
static void test_quote_round_trip(void **state)
{
    static const char *const texts[] = {"plain",
                                        "",
                                        " ",
                                        "two words",
                                        "a: b",
                                        "# no",
                                        "- x",
                                        "-",
                                        "---",
                                        "...",
                                        "--- a",
                                        "null",
                                        "~",
                                        "true",
                                        "1e-3",
                                        "-1",
                                        "[a]",
                                        "{a}",
                                        "a,b",
                                        "'",
                                        "\"",
                                        "\\",
                                        "a\\n",
                                        "tab\there",
                                        "line\nbreak",
                                        "\x01\x7f",
                                        "*a",
                                        "&a",
                                        "!t",
                                        "%x",
                                        "@x",
                                        "`x",
                                        "|",
                                        ">",
                                        "?",
                                        "? x",
                                        ":",
                                        "caf\xc3\xa9",
                                        "\xc2\x85",
                                        "\xe2\x80\xa8",
                                        "a/b.c+d",
                                        "\xef\xbb\xbf",
                                        "=",
                                        "<<",
                                        "blocks.0.attn.W_Q"};

    char latin[20];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char q[90], doc[400];
        int n = eg_yaml_quote(q, sizeof q, texts[i]);
        const eg_node *root = NULL;
        eg_yaml *y = NULL;

        assert_int_equal(n, strlen(q));
        (void)snprintf(doc, sizeof doc, "v: %s\nl: [%s, %s]\nm: {%s: 1}\n", q,
                       q, q, q);
        y = must_parse(doc);
        root = eg_yaml_root(y);
        assert_string_equal(eg_node_text(root, "v"), texts[i]);
        assert_false(eg_node_is_null(eg_node_get(root, "v")));
        assert_string_equal(eg_node_get(root, "l")->item[1].text, texts[i]);
        assert_string_equal(eg_node_get(root, "m")->item[0].key, texts[i]);
        eg_yaml_free(y);
    }
    assert_int_equal(eg_yaml_quote(NULL, 0, "a b"), 5);
    (void)eg_yaml_quote(latin, sizeof latin, "caf\xe9");
    assert_string_equal(latin, "\"caf\\xe9\"");
}

/* What readers of YAML 1.1 and 1.2 take for another type, and what looks like
 * it: in quotes; plain words stay bare. */
static void test_quotes_for_every_reader(void **state)
{
    static const char *const quoted[] = {"no",
                                         "No",
                                         "NO",
                                         "yes",
                                         "true",
                                         "True",
                                         "FALSE",
                                         "on",
                                         "Off",
                                         "y",
                                         "N",
                                         "null",
                                         "Null",
                                         "NULL",
                                         "~",
                                         "",
                                         "010",
                                         "0o7",
                                         "0x1f",
                                         "0b1",
                                         "1_000",
                                         "1:30",
                                         "12",
                                         "-3",
                                         "+1",
                                         "1.5",
                                         "1e5",
                                         ".5",
                                         ".inf",
                                         "-.Inf",
                                         ".nan",
                                         ".NaN",
                                         "2024-01-01",
                                         "=",
                                         "<<",
                                         "inf",
                                         "NaN",
                                         " a",
                                         "a ",
                                         "-",
                                         "- a",
                                         "---",
                                         "...",
                                         "? a",
                                         ": a",
                                         "a: b",
                                         "a #b",
                                         "#",
                                         "&a",
                                         "*a",
                                         "!a",
                                         "|",
                                         ">",
                                         "%a",
                                         "@a",
                                         "`a",
                                         "a\tb",
                                         "a\nb",
                                         "\x7f",
                                         "\x01",
                                         "a,b",
                                         "[a",
                                         "{a",
                                         "caf\xc3\xa9",
                                         "2024-01-01T00:00:00Z",
                                         "190:20:30.15",
                                         "1e3.yaml",
                                         "0",
                                         "00",
                                         "-.inf",
                                         ".",
                                         "..",
                                         "./a.npy"};
    static const char *const bare[] = {
        "a",          "nope", "yesno", "nulls", "_1",
        "/tmp/a.csv", "e5",   "x0x1f", "Inf1",  "blocks.0.attn.W_Q"};
    char q[90];

    (void)state;
    for (size_t i = 0; i < sizeof quoted / sizeof *quoted; i++) {
        (void)eg_yaml_quote(q, sizeof q, quoted[i]);
        if (q[0] != '"') fail_msg("'%s' is written as %s", quoted[i], q);
    }
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++) {
        (void)eg_yaml_quote(q, sizeof q, bare[i]);
        assert_string_equal(q, bare[i]);
    }
}

static void test_load(void **state)
{
    char dir[200], path[300];
    eg_err err = {0};
    eg_yaml *y = NULL;

    (void)state;
    scratch_make(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/c.yaml", dir);
    check_ok(eg_file_write(path,
                           "\xef\xbb\xbf"
                           "a: 1\r\nb: 2\r\n",
                           15, &err),
             &err);
    check_ok(eg_yaml_load(&y, path, &err), &err);
    assert_string_equal(eg_node_text(eg_yaml_root(y), "b"), "2");
    assert_string_equal(eg_yaml_root(y)->file, path);
    eg_yaml_free(y);
    scratch_remove(dir);
    check_failed(eg_yaml_load(&y, path, &err), EG_EIO, &err, path);
    assert_null(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_and_positions),
        cmocka_unit_test(test_aliases_are_copies),
        cmocka_unit_test(test_aliases_are_cheap),
        cmocka_unit_test(test_broken_documents),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_fill_refuses),
        cmocka_unit_test(test_long_lists_are_refused),
        cmocka_unit_test(test_errors_of_the_caller),
        cmocka_unit_test(test_quote_round_trip),
        cmocka_unit_test(test_quotes_for_every_reader),
        cmocka_unit_test(test_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
