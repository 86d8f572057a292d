/* Conditions on runs: what they mean, and what is said of what is none. */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "engram/mem.h"
#include "lab/where.h"

static eg_value number(double v, const char *text)
{
    eg_value x = {.kind = EG_VALUE_NUMBER, .number = v};

    (void)snprintf(x.text, sizeof x.text, "%s", text);
    return x;
}

static eg_value text(eg_value_kind kind, const char *s)
{
    eg_value x = {.kind = kind, .number = (double)NAN};

    (void)snprintf(x.text, sizeof x.text, "%s", s);
    return x;
}

/* One run. */
static eg_value value_of(const char *key)
{
    if (strcmp(key, "lr") == 0) return number(0.1, "0.1");
    if (strcmp(key, "zero") == 0) return number(0, "0");
    if (strcmp(key, "status") == 0) return text(EG_VALUE_TEXT, "finished");
    if (strcmp(key, "start") == 0)
        return text(EG_VALUE_TEXT, "2026-11-30T06:00:00Z");
    if (strcmp(key, "tags") == 0) return text(EG_VALUE_LIST, "good, old one");
    if (strcmp(key, "off") == 0) return text(EG_VALUE_TEXT, "false");
    if (strcmp(key, "acc.copy") == 0) return number(0.97, "0.97");
    if (strcmp(key, "odd key") == 0) return number(3, "3");
    return text(EG_VALUE_NOTHING, "");
}

static bool holds(const char *condition)
{
    egi_where *w;
    eg_err err = {0};
    eg_value value[16];
    int column;
    bool is;

    if (egi_where_parse(&w, condition, &err) != EG_OK)
        fail_msg("%s: %s", condition, err.msg);
    for (int i = 0; i < egi_where_n_keys(w); i++)
        value[i] = value_of(egi_where_key(w, i, &column));
    is = egi_where_holds(w, value);
    egi_where_free(w);
    return is;
}

static void test_what_holds(void **state)
{
    static const struct {
        const char *condition;
        bool holds;
    } row[] = {
        {"lr > 0.05", true},
        {"lr>1e-1", false},
        {"lr>=1e-1", true},
        {"lr = .1", true},
        {"lr == 0.1 and lr != 0.2", true},
        {"lr < 0.1 or lr <= 0.1", true},
        {"status = finished", true},
        {"status = Finished", false},
        {"status ~ FINI", true},
        {"status ~ f*d", true},
        {"status ~ d*f", false},
        {"status !~ fail", true},
        {"status = 'finished' and (lr > 1 or tags = good)", true},
        {"(status = finished and lr > 1) or tags = good", true},
        {"status = finished and (lr > 1 or tags = bad)", false},
        /* and before or, not before both */
        {"tags = good or lr > 1 and lr > 1", true},
        {"not lr > 1 and not tags = bad", true},
        {"not (lr > 0 and status)", false},
        /* lists item by item */
        {"tags = old", false},
        {"tags = 'old one'", true},
        {"tags ~ old", true},
        {"tags != good", false},
        {"tags != bad", true},
        {"tags !~ goo", false},
        /* texts in order; a number in quotes is a text */
        {"start > 2026-11-01", true},
        {"start < 2026-11-30T06:00:00Z", false},
        {"status > '1'", true},
        {"lr < '2e-1' and lr > '2e-2' and lr = '1e-1'", true},
        /* what is not there meets nothing */
        {"nothing = 1", false},
        {"nothing != 1", false},
        {"nothing ~ a", false},
        {"nothing", false},
        {"not nothing", true},
        {"not nothing != 1", true},
        /* a key alone */
        {"status and lr and tags", true},
        {"zero or off", false},
        {"acc.copy > 0.9", true},
        {"'odd key' = 3", true},
        {"\"odd key\" = 3", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (holds(row[i].condition) != row[i].holds)
            fail_msg("%s: expected %s", row[i].condition,
                     row[i].holds ? "true" : "false");
}

static void test_what_is_none(void **state)
{
    static const struct {
        const char *condition, *why;
    } row[] = {
        {"", "column 1: expected a key, found the end"},
        {"lr >", "column 5: expected a value behind '>', found the end"},
        {"lr > > 3", "column 6: expected a value behind '>', found '>'"},
        {"lr 3", "column 4: expected a comparison"},
        {"lr > 3 status", "column 8: expected and, or, or the end, found"},
        {"(lr > 3", "column 8: expected ')', found the end"},
        {"lr > 3)", "column 7: expected and, or, or the end, found ')'"},
        {"lr > 'x", "column 6: no end of 'x"},
        {"and lr", "column 1: expected a key, found 'and'"},
        {"lr > 3 and", "column 11: expected a key, found the end"},
        {"lr ! 3", "column 4: unexpected '!'"},
        {"\xc3\xa4 > > 3", "column 5: expected a value"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        egi_where *w;
        eg_err err = {0};

        assert_int_equal(egi_where_parse(&w, row[i].condition, &err),
                         EG_EINVAL);
        assert_null(w);
        if (!strstr(err.msg, row[i].why))
            fail_msg("%s: expected '%s', found '%s'", row[i].condition,
                     row[i].why, err.msg);
    }
}

/* A number is above or below numbers only; equal to a word it never is. */
static void test_misfit(void **state)
{
    static const struct {
        const char *condition, *slip;
    } row[] = {{"lr < O.5", "O.5"},
               {"not lr > 1k", "1k"},
               {"status = x and lr >= '1,5'", "1,5"},
               {"lr = none or lr != none", NULL},
               {"start > 2026-11-01 and lr < 0.5", NULL},
               {"nothing < 1k", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        egi_where *w;
        eg_err err = {0};
        eg_value value[16];
        const char *key = "", *slip;
        int column;

        assert_int_equal(egi_where_parse(&w, row[i].condition, &err), EG_OK);
        for (int k = 0; k < egi_where_n_keys(w); k++)
            value[k] = value_of(egi_where_key(w, k, &column));
        slip = egi_where_misfit(w, value, &key);
        assert_true(!slip == !row[i].slip);
        if (slip) {
            assert_string_equal(slip, row[i].slip);
            assert_string_equal(key, "lr");
        }
        egi_where_free(w);
    }
}

/* As deep and as long as anybody likes to try. */
static void test_limits(void **state)
{
    char deep[1024] = "", wide[16384] = "lr";
    egi_where *w;
    eg_err err;

    (void)state;
    memset(deep, '(', 500);
    assert_int_equal(egi_where_parse(&w, deep, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "deep"));
    for (size_t i = 0, n = 2; i < 400; i++)
        n += (size_t)snprintf(wide + n, sizeof wide - n, " and not lr > 3");
    assert_int_equal(egi_where_parse(&w, wide, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "more than"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_holds),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_misfit),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
