/* The benchmark of flows, small: every row is there, verified and timed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "engram/bench.h"
#include "kern/particles.h"

typedef struct seen {
    const char *asked;
    int rows, wrong, ensembles;
} seen;

static void on_row(void *ctx, const eg_bench_flow_row *r)
{
    seen *s = ctx;

    s->rows++;
    s->wrong += !r->verified;
    s->ensembles += strstr(r->what, "ensemble") != NULL;
    printf("%s, %s: %.2e s, error %.1e below %.1e\n", r->what, r->shape,
           r->core, r->error, r->bound);
    assert_true(r->core > 0 && r->wall > 0 && r->threads == 2);
    /* the name of a set of such kernels, not of one that has none */
    assert_string_equal(r->kern, egi_particles_pick(s->asked)->name);
    assert_true(r->error > 0); /* two ways of summing never agree to the bit */
}

static void test_bench(void **state)
{
    static const char *const asked[] = {NULL, "generic"};
    seen none = {0};
    eg_pool *pool;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_pool_new(&pool, 2, &err), EG_OK);
    for (int k = 0; k < 2; k++) {
        seen s = {.asked = asked[k]};

        assert_int_equal(
            eg_bench_flow(pool, asked[k], 0, true, on_row, &s, &err), EG_OK);
        assert_true(s.rows == 5 && s.wrong == 0 && s.ensembles == 1);
    }
    assert_int_equal(eg_bench_flow(pool, "none", 0, true, on_row, &none, &err),
                     EG_EINVAL);
    assert_non_null(strstr(err.msg, "none"));
    assert_int_equal(none.rows, 0);
    eg_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bench)};
    return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
