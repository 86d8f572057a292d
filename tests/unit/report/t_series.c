/* metrics.jsonl as series: order, repeats, damage, values that are not finite,
 * thinning; and the small text tools. */

#include "rundir.h"

#include <math.h>

static egi_table parse(const char *text)
{
    egi_table t = {0};
    char *copy = strdup(text);
    eg_err err = {0};

    assert_non_null(copy);
    assert_int_equal(egi_table_parse(&t, copy, &err), EG_OK);
    free(copy);
    return t;
}

static void test_rows(void **state)
{
    egi_table t = parse("{\"step\": 0, \"a\": 1, \"b\": 2}\n"
                        "\n"
                        "{\"step\": 5, \"b\": 4}\n"
                        "{\"step\": 10, \"a\": 3, \"text\": \"x\"}\n");
    const egi_series *a = egi_table_find(&t, "a");
    const egi_series *b = egi_table_find(&t, "b");

    (void)state;
    assert_int_equal(t.n, 2);
    assert_int_equal(t.n_rows, 3);
    assert_int_equal(t.n_bad, 0);
    assert_int_equal(a->n, 2);
    assert_int_equal(b->n, 2);
    assert_true(a->step[1] == 10 && a->value[1] == 3);
    assert_true(b->step[1] == 5 && b->value[1] == 4);
    egi_table_release(&t);
}

static void test_resumed(void **state)
{
    /* the rows of steps 5 and 10 were written again after a resume */
    egi_table t = parse("{\"step\":0,\"a\":1}\n{\"step\":5,\"a\":2}\n"
                        "{\"step\":10,\"a\":3}\n{\"step\":5,\"a\":7}\n"
                        "{\"step\":10,\"a\":8}\n{\"step\":15,\"a\":9}\n");
    const egi_series *a = egi_table_find(&t, "a");

    (void)state;
    assert_int_equal(a->n, 4);
    assert_true(a->value[1] == 7 && a->value[2] == 8 && a->value[3] == 9);
    egi_table_release(&t);
}

static void test_damage(void **state)
{
    egi_table t = parse("{\"step\":0,\"a\":1}\n"
                        "[1, 2]\n"
                        "garbage\n"
                        "{\"a\":1}\n"
                        "{\"step\":\"nan\",\"a\":1}\n"
                        "{\"step\":5,\"a\":2}\n"
                        "{\"step\":10,\"a");

    (void)state;
    assert_int_equal(t.n_rows, 2);
    assert_int_equal(t.n_bad, 5);
    assert_int_equal(t.first_bad, 2);
    assert_int_equal(egi_table_find(&t, "a")->n, 2);
    egi_table_release(&t);
    t = parse("");
    assert_int_equal(t.n + t.n_bad, 0);
    egi_table_release(&t);
}

static void test_not_finite(void **state)
{
    egi_table t = parse("{\"step\":0,\"a\":1,\"quo\\\"te NaN\":3}\n"
                        "{\"step\":1,\"a\":NaN}\n{\"step\":2,\"a\":null}\n"
                        "{\"step\":3,\"a\":-Infinity}\n"
                        "{\"step\":4,\"a\":\"inf\"}\n{\"step\":5,\"a\":6}\n");
    json_t *j = egi_table_json(&t, EGI_MAX_POINTS), *bad, *values;

    (void)state;
    assert_int_equal(t.n_bad, 0);
    bad = json_object_get(json_object_get(j, "bad"), "a");
    assert_int_equal(json_integer_value(json_array_get(bad, 0)), 4);
    assert_int_equal(json_integer_value(json_array_get(bad, 1)), 1);
    values =
        json_array_get(json_object_get(json_object_get(j, "series"), "a"), 1);
    assert_int_equal(json_array_size(values), 6);
    for (size_t i = 1; i < 5; i++)
        assert_true(json_is_null(json_array_get(values, i)));
    assert_int_equal(json_integer_value(json_array_get(values, 5)), 6);
    assert_non_null(egi_table_find(&t, "quo\"te NaN"));
    json_decref(j);
    egi_table_release(&t);
}

static void test_thinning(void **state)
{
    egi_table t = {0};
    char *text = malloc((size_t)10000 * 40), *p = text;
    eg_err err = {0};
    json_t *j, *axis, *values;
    size_t n;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < 10000; i++)
        p += snprintf(p, 40, "{\"step\":%d,\"a\":%d}\n", i, 2 * i);
    assert_int_equal(egi_table_parse(&t, text, &err), EG_OK);
    j = egi_table_json(&t, EGI_MAX_POINTS);
    axis = json_array_get(json_object_get(j, "axes"), 0);
    values =
        json_array_get(json_object_get(json_object_get(j, "series"), "a"), 1);
    n = json_array_size(axis);
    print_message("10000 points: %zu kept, every %d\n", n,
                  (int)json_integer_value(json_object_get(j, "thin")));
    assert_true(n <= EGI_MAX_POINTS + 1 && n > EGI_MAX_POINTS / 2);
    assert_int_equal(json_array_size(values), n);
    /* the beginning is whole, the end is there, no value is moved */
    for (size_t i = 0; i < n; i++) {
        json_int_t x = json_integer_value(json_array_get(axis, i));
        if (i < EGI_HEAD_ROWS) assert_int_equal(x, i);
        assert_int_equal(json_integer_value(json_array_get(values, i)), 2 * x);
    }
    assert_int_equal(json_integer_value(json_array_get(axis, n - 1)), 9999);
    json_decref(j);
    egi_table_release(&t);
    free(text);
}

/* Steps become times; what has no time is dropped, and so is the clock. */
static void test_retime(void **state)
{
    egi_table t = parse("{\"step\": 0, \"t\": 0, \"a\": 1}\n"
                        "{\"step\": 1, \"a\": 2, \"b\": 7}\n"
                        "{\"step\": 2, \"t\": 0.5, \"a\": 3, \"b\": 8}\n"
                        "{\"step\": 3, \"t\": NaN, \"a\": 4}\n");
    const egi_series *a, *b;

    (void)state;
    egi_table_retime(&t, "no such clock");
    assert_int_equal(t.n, 3);
    egi_table_retime(&t, "t");
    assert_int_equal(t.n, 2);
    assert_null(egi_table_find(&t, "t"));
    a = egi_table_find(&t, "a");
    b = egi_table_find(&t, "b");
    for (int i = 0; i < a->n; i++)
        print_message("a(%g) = %g\n", a->step[i], a->value[i]);
    assert_int_equal(a->n, 2);
    assert_true(a->step[0] == 0 && a->value[0] == 1);
    assert_true(a->step[1] == 0.5 && a->value[1] == 3);
    assert_int_equal(b->n, 1);
    assert_true(b->step[0] == 0.5 && b->value[0] == 8);
    egi_table_release(&t);
}

static void test_text_tools(void **state)
{
    char *html = egi_html_escape("a<b>&\"c\"'");
    json_t *j = egi_json_text("caf\xe9"), *list = json_array();
    static const struct {
        const char *plain, *coded;
    } pair[] = {{"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foobar", "Zm9vYmFy"}};

    (void)state;
    assert_string_equal(html, "a&lt;b&gt;&amp;&quot;c&quot;&#39;");
    assert_string_equal(json_string_value(j), "caf?"); /* not UTF-8 */
    json_decref(j);
    eg_free(html);
    assert_int_equal(egi_note(list, NULL, "%s %d", "x", 3), EG_OK);
    assert_string_equal(json_string_value(json_array_get(list, 0)), "x 3");
    json_decref(list);
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        j = egi_json_base64((const unsigned char *)pair[i].plain,
                            strlen(pair[i].plain));
        assert_string_equal(json_string_value(j), pair[i].coded);
        json_decref(j);
    }
}

static void test_tables(void **state)
{
    json_t *groups = json_loads("[{\"runs\": [{\"series\": "
                                "{\"attn_prev\": 1, \"attn_prev.h1\": 1}}]}]",
                                0, NULL);
    json_t *all = egi_quantities_json(groups), *head;

    (void)state;
    head = json_object_get(all, "attn_prev.h1");
    assert_string_equal(json_string_value(json_object_get(head, "label")),
                        "layer 1 looks one back, head 1");
    assert_string_equal(json_string_value(json_object_get(head, "panel")),
                        "heads");
    head = json_object_get(all, "attn_prev");
    assert_string_equal(json_string_value(json_object_get(head, "label")),
                        "layer 1 looks one back");
    assert_string_equal(json_string_value(json_object_get(head, "panel")),
                        "attn");
    json_decref(all);
    json_decref(groups);
    for (const egi_quantity *q = egi_quantities; q->pattern; q++) {
        print_message("%s -> %s\n", q->pattern, q->panel);
        assert_non_null(egi_panel_find(q->panel));
        assert_int_equal(strlen(q->light), strlen(q->dark));
    }
    assert_string_equal(egi_quantity_find("recall_W_O2")->panel, "recall");
    assert_string_equal(egi_quantity_find("grad_norm.W_U")->panel, "grad");
    assert_string_equal(egi_quantity_find("loss_new")->panel, "loss");
    assert_string_equal(egi_quantity_find("anything")->panel, "other");
    /* a head's probe is the same quantity, told apart by its label */
    assert_ptr_equal(egi_quantity_find("attn_prev_first.h0"),
                     egi_quantity_find("attn_prev_first"));
    assert_ptr_equal(egi_quantity_find("attn_prev.h12"),
                     egi_quantity_find("attn_prev"));
    assert_ptr_not_equal(egi_quantity_find("attn_prev.h12"),
                         egi_quantity_find("attn_prev_first"));
    assert_string_equal(egi_heat_kind_find("pattern_L1")->row_axis, "token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),     cmocka_unit_test(test_resumed),
        cmocka_unit_test(test_damage),   cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_thinning), cmocka_unit_test(test_text_tools),
        cmocka_unit_test(test_tables),   cmocka_unit_test(test_retime),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
