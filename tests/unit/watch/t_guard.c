/* Who may ask: everything that is not a question with the token, from this
 * machine to this machine, is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "watch/guard.h"

static egi_guard guard = {.port = 8642,
                          .token = "0123456789abcdef0123456789abcdef"};
#define T "0123456789abcdef0123456789abcdef"
#define HOST "127.0.0.1:8642"

static void test_judged(void **state)
{
    static const struct {
        const char *method, *url, *host, *origin;
        bool body;
        int status;
        const char *path;
    } c[] = {
        {"GET", "/" T "/", HOST, NULL, false, 0, ""},
        {"HEAD", "/" T "/api/runs", HOST, NULL, false, 0, "api/runs"},
        {"GET", "/" T "/x", "localhost:8642", NULL, false, 0, "x"},
        {"GET", "/" T "/x", "[::1]:8642", NULL, false, 0, "x"},
        {"GET", "/" T "/x", HOST, "http://" HOST, false, 0, "x"},
        {"GET", "/" T "/x", HOST, "http://localhost:8642", false, 0, "x"},
        /* methods */
        {"POST", "/" T "/", HOST, NULL, false, 405, NULL},
        {"PUT", "/" T "/", HOST, NULL, true, 405, NULL},
        {"DELETE", "/" T "/", HOST, NULL, false, 405, NULL},
        {"OPTIONS", "*", HOST, NULL, false, 405, NULL},
        {"TRACE", "/" T "/", HOST, NULL, false, 405, NULL},
        {"CONNECT", "example.org:80", HOST, NULL, false, 405, NULL},
        {"get", "/" T "/", HOST, NULL, false, 405, NULL},
        {"", "/" T "/", HOST, NULL, false, 405, NULL},
        {"GET", "/" T "/", HOST, NULL, true, 413, NULL},
        /* hosts: a name that was made to lead here is another one */
        {"GET", "/" T "/", NULL, NULL, false, 403, NULL},
        {"GET", "/" T "/", "", NULL, false, 403, NULL},
        {"GET", "/" T "/", "evil.example:8642", NULL, false, 403, NULL},
        {"GET", "/" T "/", "127.0.0.1", NULL, false, 403, NULL},
        {"GET", "/" T "/", "127.0.0.1:8643", NULL, false, 403, NULL},
        {"GET", "/" T "/", "127.0.0.1:86420", NULL, false, 403, NULL},
        {"GET", "/" T "/", "127.0.0.1:8642.evil.example", NULL, false, 403,
         NULL},
        {"GET", "/" T "/", "0.0.0.0:8642", NULL, false, 403, NULL},
        {"GET", "/" T "/", "localhost.evil.example:8642", NULL, false, 403,
         NULL},
        {"GET", "/" T "/", "user@127.0.0.1:8642", NULL, false, 403, NULL},
        /* origins */
        {"GET", "/" T "/", HOST, "null", false, 403, NULL},
        {"GET", "/" T "/", HOST, "https://" HOST, false, 403, NULL},
        {"GET", "/" T "/", HOST, "http://evil.example", false, 403, NULL},
        {"GET", "/" T "/", HOST, "http://127.0.0.1:80", false, 403, NULL},
        {"GET", "/" T "/", HOST, "file://", false, 403, NULL},
        {"GET", "/" T "/", HOST, "", false, 403, NULL},
        /* tokens */
        {"GET", "/", HOST, NULL, false, 403, NULL},
        {"GET", "", HOST, NULL, false, 403, NULL},
        {"GET", "/" T, HOST, NULL, false, 403, NULL},
        {"GET", "//" T "/", HOST, NULL, false, 403, NULL},
        {"GET", T "/", HOST, NULL, false, 403, NULL},
        {"GET", "/" T "0/", HOST, NULL, false, 403, NULL},
        {"GET", "/0123456789abcdef0123456789abcdeF/", HOST, NULL, false, 403,
         NULL},
        {"GET", "/1123456789abcdef0123456789abcdef/", HOST, NULL, false, 403,
         NULL},
        {"GET", "/0123456789abcdef0123456789abcde/", HOST, NULL, false, 403,
         NULL},
        {"GET", "/0/", HOST, NULL, false, 403, NULL},
        {"GET", "/../" T "/", HOST, NULL, false, 403, NULL},
        {"GET", "http://" HOST "/" T "/", HOST, NULL, false, 403, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        const egi_request q = {.method = c[i].method,
                               .url = c[i].url,
                               .host = c[i].host,
                               .origin = c[i].origin,
                               .body = c[i].body};
        const char *path = "unset";
        int status = egi_guard_judge(&guard, &q, &path);

        if (status != c[i].status)
            fail_msg("%s %s host %s origin %s: %d, expected %d", c[i].method,
                     c[i].url, c[i].host ? c[i].host : "none",
                     c[i].origin ? c[i].origin : "none", status, c[i].status);
        if (status)
            assert_null(path);
        else
            assert_string_equal(path, c[i].path);
    }
}

static void test_long_url(void **state)
{
    char url[EGI_MAX_URL + 2];
    egi_request q = {.method = "GET", .url = url, .host = HOST};
    const char *path;

    (void)state;
    memset(url, 'x', sizeof url - 1);
    memcpy(url, "/" T "/", EGI_TOKEN + 2);
    url[sizeof url - 1] = '\0';
    assert_int_equal(egi_guard_judge(&guard, &q, &path), 414);
    url[sizeof url - 2] = '\0';
    assert_int_equal(egi_guard_judge(&guard, &q, &path), 0);
}

static void test_token(void **state)
{
    egi_guard a = {0}, b = {0};
    eg_err err = {0};

    (void)state;
    assert_int_equal(egi_guard_new(&a, &err), EG_OK);
    assert_int_equal(egi_guard_new(&b, &err), EG_OK);
    print_message("%s\n%s\n", a.token, b.token);
    assert_int_equal(strspn(a.token, "0123456789abcdef"), EGI_TOKEN);
    assert_int_equal(strlen(a.token), EGI_TOKEN);
    assert_string_not_equal(a.token, b.token);
}

/* One character more than is looked at. */
static const char forty_one[] = "11111111111111111111111111111111111111111";

static void test_numbers(void **state)
{
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "0x10",
                                      "1e3",
                                      "1.5",
                                      "١",
                                      "99999999999999999",
                                      "9007199254740993",
                                      "nan"};
    static const char *const bad_real[] = {"",   "nan",   "inf",   "-inf",
                                           "1x", "0x1p3", "1e999", forty_one};
    int64_t v = -1;
    double x = -1;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (egi_query_int(bad[i], &v)) fail_msg("'%s' was taken", bad[i]);
    assert_int_equal(v, -1);
    assert_true(egi_query_int("9007199254740992", &v));
    assert_true(v == (int64_t)1 << 53);
    assert_true(egi_query_int("0", &v));
    assert_int_equal(v, 0);
    for (size_t i = 0; i < sizeof bad_real / sizeof *bad_real; i++)
        if (egi_query_real(bad_real[i], &x)) fail_msg("'%s'", bad_real[i]);
    assert_true(x == -1);
    assert_true(egi_query_real("-2.5e3", &x) && x == -2500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judged), cmocka_unit_test(test_long_url),
        cmocka_unit_test(test_token), cmocka_unit_test(test_numbers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
