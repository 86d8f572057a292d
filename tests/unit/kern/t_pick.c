/* Choosing a kernel set by name. */
#include "kern_test.h"

static void test_names(void **state)
{
    int n = 0;
    (void)state;

    printf("cpu: %s\n", eg_cpu_features());
    for (; eg_kern_name(n); n++) {
        const eg_kern_f32 *k = eg_kern_pick(eg_kern_name(n));
        printf("set %d: %s\n", n, eg_kern_name(n));
        assert_non_null(k);
        assert_string_equal(k->name, eg_kern_name(n));
    }
    assert_true(n >= 2);
    assert_null(eg_kern_name(n));
    assert_null(eg_kern_name(n + 1));
    assert_null(eg_kern_name(-1));
    assert_ptr_equal(eg_kern_pick("auto"), eg_kern_pick(eg_kern_name(0)));
    assert_string_equal(eg_kern_name(n - 1), "ref");
    assert_non_null(eg_kern_pick("generic"));
    assert_null(eg_kern_pick("avx1024"));
    assert_null(eg_kern_pick(""));
    assert_ptr_equal(eg_kern_pick_f64("auto"),
                     eg_kern_pick_f64(eg_kern_name(0)));
    assert_null(eg_kern_pick_f64("avx1024"));
    assert_null(eg_kern_pick_f64(""));
    for (int i = 0; i < n; i++) {
        const char *name = eg_kern_name(i);
        const eg_kern_f64 *k = eg_kern_pick_f64(name);
        /* the matrix unit has no float64 */
        if (strcmp(name, "amx") == 0) name = "avx512";
        assert_non_null(k);
        assert_string_equal(k->name, name);
    }
}

/* A set without a hole: every entry of the table is a function. */
static void test_entries(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        const char *first = (const char *)&k->pack_size;
        const char *end = (const char *)(k + 1);
        for (const char *p = first; p < end; p += sizeof(void (*)(void))) {
            void (*entry)(void);
            memcpy(&entry, p, sizeof entry);
            assert_true(entry != NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_entries),
    };
    return cmocka_run_group_tests_name("pick", tests, NULL, NULL);
}
