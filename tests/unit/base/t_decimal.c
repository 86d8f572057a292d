/* Decimal numbers against strtod, to the last bit. */
#include <inttypes.h>
#include <math.h>

#include "base/check.h"
#include "base/decimal.h"
#include "engram/rng.h"

static void check_number(const char *text)
{
    char line[400];
    double want = strtod(text, NULL), have;

    (void)snprintf(line, sizeof line, "%s, \"next\": 1}", text);
    have = egi_decimal(line, strlen(text));
    if (want != have || signbit(want) != signbit(have))
        fail_msg("%s: expected %.17g (%a), found %.17g (%a)", text, want, want,
                 have, have);
}

static void test_chosen(void **state)
{
    static const char *const text[] = {
        "0", "-0", "0.0", "-0.0e5", "1", "-1", "0.1", "1e0", "1E+2", "1e-2",
        "9007199254740991", "9007199254740992", "9007199254740993",
        "9007199254740993.0", "18446744073709551615", "18446744073709551616",
        "99999999999999999999", "0.30000000000000004", "1e22", "1e23", "1e27",
        "1e28", "8.5e27", "123456789012345678e5", "1.7976931348623157e308",
        "1.7976931348623159e308", "1e309", "-1e309", "5e-324", "2e-324",
        "2.2250738585072014e-308", "2.2250738585072011e-308", "1e-400",
        "1e99999", "-1e-99999", "0e99999", "0.000000000000000000000000000001",
        "0.00000000000000000000000012345678901234567",
        /* just between two doubles, a little above, a little below */
        "9007199254740993", "9007199254740993.00000000000001",
        "9007199254740992.99999999999999", "1.00000000000000011102230246251565",
        "1.00000000000000011102230246251566", "6250000000000000.5"};

    (void)state;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        check_number(text[i]);
}

/* Doubles of all sizes with all numbers of digits, and digits at random. */
static void test_random(void **state)
{
    eg_rng rng = eg_rng_make(1, EG_RNG_USER, 0, 0);
    char text[64];

    (void)state;
    for (int i = 0; i < 300000; i++) {
        uint64_t bits = (uint64_t)eg_rng_u32(&rng) << 32 | eg_rng_u32(&rng);
        double x;

        memcpy(&x, &bits, sizeof x);
        if (isfinite(x)) {
            (void)snprintf(text, sizeof text, "%.*g", 1 + i % 19, x);
            check_number(text);
        }
        x = ldexp((double)(bits >> 11), (int)(bits % 80) - 93);
        (void)snprintf(text, sizeof text, "%.*g", 15 + i % 4, x);
        check_number(text);
        (void)snprintf(text, sizeof text, "%" PRIu64 "e%d", bits >> i % 40,
                       (int)(bits % 60) - 30);
        check_number(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chosen),
                                       cmocka_unit_test(test_random)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
