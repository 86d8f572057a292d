/* JSON as text: what is read, what is refused and where, and that whichever
 * allocation fails, jansson's too, nothing is half read, half printed or
 * leaked. */
#include "base/check.h"
#include "base/json.h"

static void *give(size_t bytes)
{
    return eg_realloc(NULL, bytes);
}

static void test_read(void **state)
{
    static const char text[] =
        " {\"a\": [1, -2.5e-3, true, false, null], \"\\u00e9\\ud83d\\ude00\": "
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\xc3\xa9\", \"e\": {}, \"n\": "
        "-9223372036854775808} ";
    json_error_t why;
    json_t *j = egi_json_parse(text, sizeof text - 1, 0, &why);
    const json_t *a = json_object_get(j, "a");

    (void)state;
    if (!j) fail_msg("%d:%d: %s", why.line, why.column, why.text);
    assert_int_equal(json_object_size(j), 4);
    assert_int_equal(json_array_size(a), 5);
    assert_int_equal(json_integer_value(json_array_get(a, 0)), 1);
    assert_true(json_real_value(json_array_get(a, 1)) == -2.5e-3);
    assert_true(json_is_true(json_array_get(a, 2)));
    assert_true(json_is_null(json_array_get(a, 4)));
    assert_string_equal(
        json_string_value(json_object_get(j, "\xc3\xa9\xf0\x9f\x98\x80")),
        "\"\\/\b\f\n\r\t\xc3\xa9");
    assert_true(json_integer_value(json_object_get(j, "n")) == INT64_MIN);
    json_decref(j);
}

static void test_refuse(void **state)
{
    static const struct {
        const char *text, *says;
        int line, column;
    } bad[] = {
        {"", "expected [ or {, found the end", 1, 1},
        {"3", "expected [ or {", 1, 1},
        {"[1,\n 2 3]", "expected a comma or ], found '3]'", 2, 4},
        {"[1] x", "expected the end, found 'x'", 1, 5},
        {"{\"a\": 1,\n\"b\" 2}", "expected a colon", 2, 5},
        {"[1e999]", "too large a number: 1e999", 1, 7},
        {"[9223372036854775808]", "too large an integer", 1, 21},
        {"[\"\\ud800\"]", "expected a character", 1, 3},
        {"[\"\xff\"]", "expected UTF-8, found '\\xff'", 1, 3},
        {"[\"a\nb\"]", "expected no control character", 1, 4},
        {"[\"abc", "expected a string to end", 1, 6},
        {"[nul]", "expected a value, found 'nul]'", 1, 2},
        {"{\"a\": 1, \"a\": 2}", "duplicate name 'a'", 1, 10},
    };
    char deep[2 * EGI_JSON_DEPTH + 3];
    json_error_t why;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(egi_json_parse(bad[i].text, strlen(bad[i].text),
                                   JSON_REJECT_DUPLICATES, &why));
        print_message("%d:%d: %s\n", why.line, why.column, why.text);
        assert_non_null(strstr(why.text, bad[i].says));
        assert_int_equal(why.line, bad[i].line);
        assert_int_equal(why.column, bad[i].column);
        assert_int_equal(egi_json_status(&why), EG_EFORMAT);
    }
    memset(deep, '[', EGI_JSON_DEPTH);
    memset(deep + EGI_JSON_DEPTH, ']', EGI_JSON_DEPTH);
    json_decref(egi_json_parse(deep, (size_t)2 * EGI_JSON_DEPTH, 0, &why));
    memset(deep, '[', EGI_JSON_DEPTH + 1);
    assert_null(egi_json_parse(deep, EGI_JSON_DEPTH + 1, 0, &why));
    assert_non_null(strstr(why.text, "nested more than 100 deep"));
}

/* Longer than any first buffer, in every place where text can stand. */
static const char big[] =
    "{\"a name that is rather long, longer than most buffers at first\": "
    "[\"a text that is rather long, longer than most buffers at first\", "
    "123456789012345678, 0.12345678901234567890123456789012345678901, "
    "{\"x\": {}}, 1, 2, 3, 4, 5, 6, 7, 8, 9], \"second name\": [true]}";

/* What is read or printed with the n-th allocation failing, alone or with all
 * behind it, is all or nothing. */
static void fail_each(bool all_behind)
{
    int64_t live = eg_mem_query().live_bytes;
    json_t *whole = egi_json_parse(big, sizeof big - 1, 0, NULL);
    char *text = egi_json_print(whole, JSON_COMPACT);
    int n = 0, failures = 0;
    bool done = false;

    assert_true(whole && text);
    while (!done) {
        json_error_t why = {0};
        json_t *j;
        char *printed;

        n++;
        eg_mem_fail_after(all_behind ? -n : n);
        j = egi_json_parse(big, sizeof big - 1, 0, &why);
        printed = egi_json_print(whole, JSON_COMPACT);
        eg_mem_fail_after(0);
        assert_true(j ? json_equal(j, whole)
                      : egi_json_status(&why) == EG_ENOMEM);
        if (printed) assert_string_equal(printed, text);
        done = j && printed;
        failures += !done;
        eg_free(printed);
        json_decref(j);
    }
    print_message("%d failures\n", failures);
    assert_true(failures > 20);
    eg_free(text);
    json_decref(whole);
    assert_int_equal(eg_mem_query().live_bytes, live);
}

static void test_no_memory(void **state)
{
    (void)state;
    json_decref(json_object()); /* seeds its hash */
    fail_each(false);
    fail_each(true);
}

static void test_text(void **state)
{
    json_t *j = egi_json_text("a\xc3\xa9 \xc3");

    (void)state;
    assert_string_equal(json_string_value(j), "a\xc3\xa9 ?");
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_text),
    };

    json_set_alloc_funcs(give, eg_free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
