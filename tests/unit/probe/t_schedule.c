/* Times of the snapshots. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <math.h>
#include <cmocka.h>

#include "nn/schedule.h"
#include "probe/probes.h"

static int times(int64_t n, int64_t n_steps, int64_t *first, int64_t *last,
                 int in_first_tenth[1])
{
    int count = 0;

    *first = *last = -1;
    *in_first_tenth = 0;
    printf("%lld of %lld:", (long long)n, (long long)n_steps);
    for (int64_t step = 0; step <= n_steps; step++) {
        if (!egi_schedule_has(n, step, n_steps)) continue;
        if (*first < 0) *first = step;
        *last = step;
        count++;
        *in_first_tenth += step * 10 < n_steps;
        if (count <= 20) printf(" %lld", (long long)step);
    }
    printf("\n");
    return count;
}

/* As many as asked for, the ends among them, and most of them early. */
static void covers_the_run(void **state)
{
    static const int64_t ns[] = {2, 3, 12, 50, 399};
    static const int64_t steps[] = {400, 1000, 100000};
    int64_t first, last;
    int early;

    (void)state;
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 3; j++) {
            assert_int_equal(times(ns[i], steps[j], &first, &last, &early),
                             ns[i]);
            assert_int_equal(first, 0);
            assert_int_equal(last, steps[j]);
            if (ns[i] == 12) assert_true(early >= 7);
        }
    }
}

static void corner_cases(void **state)
{
    int64_t first, last;
    int early;

    (void)state;
    assert_int_equal(times(0, 400, &first, &last, &early), 0);
    assert_int_equal(times(1, 400, &first, &last, &early), 1);
    assert_int_equal(last, 400);
    assert_int_equal(times(12, 0, &first, &last, &early), 1);
    assert_int_equal(times(12, 5, &first, &last, &early), 6);
    assert_int_equal(times(12, 11, &first, &last, &early), 12);
    assert_int_equal(times(12, 12, &first, &last, &early), 12);
    assert_int_equal(last, 12);
    assert_false(egi_schedule_has(12, 401, 400));
    assert_false(egi_schedule_has(12, -1, 400));
}

/* Of every n, the steps met one by one are those that the powers round to. */
static void so_many_a_decade(void **state)
{
    enum { MOST = 20000 };
    static const int64_t ns[] = {1, 2, 3, 5, 7, 10, 33, 100, 999, 1000};
    static const int64_t four[] = {0,  1,  2,   3,   6,   10,  18,
                                   32, 56, 100, 178, 316, 562, 1000};
    static bool is[MOST + 1];
    int k = 0;

    (void)state;
    for (size_t a = 0; a < sizeof ns / sizeof *ns; a++) {
        int64_t step = 0;
        int count = 0;

        for (int64_t s = 0; s <= MOST; s++) is[s] = s == 0;
        for (int64_t i = 0; step <= MOST; i++) {
            step = llround(pow(10, (double)i / (double)ns[a]));
            if (step <= MOST) is[step] = true;
        }
        for (int64_t s = 0; s <= MOST; s++) {
            count += is[s];
            if (egi_decade_has(ns[a], s) != is[s])
                fail_msg("%lld a decade, step %lld", (long long)ns[a],
                         (long long)s);
        }
        printf("%lld a decade: %d steps up to %d\n", (long long)ns[a], count,
               MOST);
    }
    for (int64_t s = 0; s <= 1000; s++)
        if (egi_decade_has(4, s)) assert_int_equal(s, four[k++]);
    assert_int_equal(k, 14);
    assert_false(egi_decade_has(0, 10));
    assert_false(egi_decade_has(4, -1));
    assert_true(egi_decade_has(1, 1000000000));
    assert_false(egi_decade_has(1, 999999999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covers_the_run),
        cmocka_unit_test(corner_cases),
        cmocka_unit_test(so_many_a_decade),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
