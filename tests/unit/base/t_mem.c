/* The allocation hook and the arena. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/huge.h"

static void assert_aligned(const void *p)
{
    assert_int_equal((uintptr_t)p % EG_ALIGN, 0);
}

static void test_blocks_are_aligned_zeroed_and_counted(void **state)
{
    static const size_t sizes[] = {0, 1, 7, 63, 64, 65, 1000, 1 << 20};
    eg_mem_info before = eg_mem_query();
    int n = (int)(sizeof sizes / sizeof sizes[0]);
    int64_t total = 0;
    unsigned char *p[8];

    (void)state;
    for (int i = 0; i < n; i++) {
        p[i] = eg_calloc(sizes[i], 1);
        assert_non_null(p[i]);
        assert_aligned(p[i]);
        for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(p[i][k], 0);
        memset(p[i], 0xff, sizes[i]);
        total += (int64_t)sizes[i];
    }
    assert_int_equal(eg_mem_query().live_bytes, before.live_bytes + total);
    assert_int_equal(eg_mem_query().n_allocs, before.n_allocs + n);
    assert_true(eg_mem_query().peak_bytes >= before.live_bytes + total);
    for (int i = 0; i < n; i++) eg_free(p[i]);
    eg_free(NULL);
    assert_int_equal(eg_mem_query().live_bytes, before.live_bytes);
    assert_true(eg_mem_query().peak_bytes >= before.live_bytes + total);
}

static void test_impossible_sizes_are_refused(void **state)
{
    (void)state;
    assert_null(eg_calloc(SIZE_MAX, 1));
    assert_null(eg_calloc(SIZE_MAX / 2, 3));
    assert_null(eg_calloc((size_t)1 << 33, (size_t)1 << 33));
}

static void test_realloc_keeps_contents(void **state)
{
    int64_t live = eg_mem_query().live_bytes;
    unsigned char *p = eg_realloc(NULL, 10);

    (void)state;
    for (unsigned char i = 0; i < 10; i++) p[i] = i;
    p = eg_realloc(p, 5000);
    assert_aligned(p);
    for (unsigned char i = 0; i < 10; i++) assert_int_equal(p[i], i);
    assert_int_equal(eg_mem_query().live_bytes, live + 5000);
    p = eg_realloc(p, 3);
    assert_int_equal(p[2], 2);
    assert_int_equal(eg_mem_query().live_bytes, live + 3);
    eg_mem_fail_after(1);
    assert_null(eg_realloc(p, 100));
    assert_int_equal(p[2], 2); /* still there */
    eg_free(p);
    assert_int_equal(eg_mem_query().live_bytes, live);
}

static void test_the_nth_allocation_fails(void **state)
{
    (void)state;
    for (int n = 1; n <= 4; n++) {
        eg_mem_fail_after(n);
        for (int i = 1; i <= 5; i++) {
            void *p = eg_calloc(8, 1);

            if (i == n)
                assert_null(p);
            else
                assert_non_null(p);
            eg_free(p);
        }
    }
    eg_mem_fail_after(1);
    eg_mem_fail_after(0);
    eg_free(eg_strdup("abc"));
    eg_mem_fail_after(1);
    assert_null(eg_strdup("abc"));
    eg_mem_fail_after(-3); /* the third and all behind it */
    for (int i = 1; i <= 6; i++) {
        char *s = eg_strdup("abc");

        assert_true((s != NULL) == (i < 3));
        eg_free(s);
    }
    eg_mem_fail_after(0);
    eg_free(eg_strdup("abc"));
}

static void test_strdup(void **state)
{
    char *s = eg_strdup("Birth");

    (void)state;
    assert_string_equal(s, "Birth");
    eg_free(s);
}

static void test_arena(void **state)
{
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};
    eg_arena a;
    char *x = NULL, *y = NULL;
    size_t mark = 0;

    (void)state;
    check_ok(eg_arena_init(&a, 1000, &err), &err);
    x = eg_arena_take(&a, 1);
    mark = eg_arena_mark(&a);
    y = eg_arena_take(&a, 100);
    assert_aligned(x);
    assert_aligned(y);
    assert_int_equal(y - x, 64);
    memset(y, 1, 100);
    eg_arena_reset(&a, mark);
    assert_ptr_equal(eg_arena_take(&a, 64), y);
    assert_int_equal(a.high_water, 64 + 128);
    eg_arena_reset(&a, 0);
    memset(eg_arena_take(&a, 1000), 2, 1000); /* all of it */
    eg_arena_release(&a);
    eg_arena_release(&a); /* a second time does nothing */
    assert_int_equal(eg_mem_query().live_bytes, live);
}

static void test_arena_without_memory(void **state)
{
    eg_err err = {0};
    eg_arena a;

    (void)state;
    eg_mem_fail_after(1);
    check_failed(eg_arena_init(&a, 128, &err), EG_ENOMEM, &err, "arena of 128");
    assert_null(a.base);
    check_failed(eg_arena_init(&a, SIZE_MAX - 3, &err), EG_ENOMEM, &err,
                 "too large");
}

#if defined(__linux__)
/* Kilobytes in huge pages of the mapping that p lies in; -1: not told. */
static long huge_around(const void *p)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    unsigned long at = (unsigned long)(uintptr_t)p;
    bool here = false;
    long kb = -1;
    char line[512];

    while (f && kb < 0 && fgets(line, sizeof line, f)) {
        char *end;
        unsigned long from = strtoul(line, &end, 16);

        if (*end == '-')
            here = from <= at && at < strtoul(end + 1, NULL, 16);
        else if (here && strncmp(line, "AnonHugePages:", 14) == 0)
            kb = strtol(line + 14, NULL, 10);
    }
    if (f) fclose(f);
    return kb;
}

/* Whether this machine makes huge pages of small ones when asked to. */
static bool huge_to_be_had(void)
{
    enum { SIZE = 8 << 20, COLLAPSE = 25 };
    char *p = aligned_alloc(1 << 21, SIZE);
    bool had;

    if (!p) return false;
    memset(p, 1, SIZE);
    had = egi_huge_wanted("/sys/kernel/mm/transparent_hugepage/enabled") &&
          madvise(p, SIZE, MADV_HUGEPAGE) == 0 &&
          madvise(p, SIZE, COLLAPSE) == 0 && huge_around(p) > 0;
    free(p);
    return had;
}

static bool wanted_of(const char *text)
{
    const char *path = "t_mem.huge";
    FILE *f = fopen(path, "w");
    bool wanted;

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    wanted = egi_huge_wanted(path);
    assert_int_equal(remove(path), 0);
    return wanted;
}

static void test_a_machine_may_want_no_huge_pages(void **state)
{
    (void)state;
    assert_true(wanted_of("always [madvise] never\n"));
    assert_true(wanted_of("[always] madvise never\n"));
    assert_false(wanted_of("always madvise [never]\n"));
    assert_true(wanted_of(""));
    assert_true(egi_huge_wanted("no such file"));
}

static void test_huge_pages_where_small_ones_were(void **state)
{
    enum { SIZE = 16 << 20 };
    char *old, *block;

    (void)state;
    if (!huge_to_be_had()) {
        print_message("no huge pages here\n");
        skip();
    }
    mallopt(M_MMAP_THRESHOLD, 1 << 30); /* from the heap, and kept there */
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    old = malloc(SIZE);
    assert_non_null(old);
    memset(old, 1, SIZE);
    assert_int_equal(huge_around(old), 0);
    free(old);
    block = eg_calloc(SIZE / 2, 1);
    assert_non_null(block);
    print_message("%ld kB in huge pages\n", huge_around(block));
    assert_true(huge_around(block) > 0);
    eg_free(block);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_aligned_zeroed_and_counted),
        cmocka_unit_test(test_impossible_sizes_are_refused),
        cmocka_unit_test(test_realloc_keeps_contents),
        cmocka_unit_test(test_the_nth_allocation_fails),
        cmocka_unit_test(test_strdup),
#if defined(__linux__)
        cmocka_unit_test(test_a_machine_may_want_no_huge_pages),
        cmocka_unit_test(test_huge_pages_where_small_ones_were),
#endif
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_arena_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
