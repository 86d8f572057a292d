/* Times of the snapshots. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covers_the_run),
        cmocka_unit_test(corner_cases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
