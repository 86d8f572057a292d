/* Nearest neighbours against a plain search in float64, bit by bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "engram/mem.h"
#include "engram/neighbours.h"
#include "engram/rng.h"

/* |a - b|^2 in the order of the library's sum: four partial sums. */
static double squared(const float *a, const float *b, eg_index n)
{
    double sum[4] = {0};
    eg_index whole = n / 4 * 4;

    for (eg_index k = 0; k < n; k++) {
        double off = (double)a[k] - (double)b[k];

        sum[k < whole ? k % 4 : 0] += off * off;
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static bool same(const float *a, const float *b, eg_index n)
{
    for (eg_index k = 0; k < n; k++)
        if (a[k] != b[k]) return false;
    return true;
}

/* The nearest of the first `size` rows that differs from row i. */
static int32_t plain(double *distance, const float *x, eg_index size,
                     eg_index n, eg_index i)
{
    int32_t best = -1;

    *distance = (double)NAN;
    for (eg_index j = 0; j < size; j++) {
        double d;

        if (same(x + i * n, x + j * n, n)) continue;
        d = sqrt(squared(x + i * n, x + j * n, n));
        if (best >= 0 && !(d < *distance)) continue;
        *distance = d;
        best = (int32_t)j;
    }
    return best;
}

static void check_subset(const eg_neighbours *r, const float *x, eg_index n,
                         int k)
{
    eg_index wrong = 0, copies = 0;

    for (eg_index i = 0; i < r->m; i++) {
        double d;
        int32_t j = i < r->size[k] ? plain(&d, x, r->size[k], n, i) : -1;
        bool copied = false;

        if (j < 0) d = (double)NAN;
        for (eg_index a = 0; i < r->size[k] && a < r->size[k]; a++)
            copied |= a != i && same(x + i * n, x + a * n, n);
        copies += copied;
        if (r->index[k * r->m + i] == j &&
            (j < 0 || r->distance[k * r->m + i] == d))
            continue;
        if (wrong++ == 0)
            printf("  row %td of %td: found %d at %.17g, plainly %d at %.17g\n",
                   i, r->size[k], (int)r->index[k * r->m + i],
                   r->distance[k * r->m + i], (int)j, d);
    }
    printf("  %td of %td: %td rows wrong, %td copies, plainly %td\n",
           r->size[k], r->m, wrong, r->copies[k], copies);
    assert_int_equal(wrong, 0);
    assert_int_equal(r->copies[k], copies);
}

/* With one thread and with three, and each kernel set. */
static eg_index check(const char *what, const float *x, eg_index m, eg_index n,
                      int n_sizes, const eg_index *size)
{
    eg_neighbours_spec spec = {
        .m = m, .n = n, .x = x, .n_sizes = n_sizes, .size = size};
    eg_neighbours one, other;
    eg_err err = {0};
    eg_index again;

    if (eg_neighbours_find(&one, &spec, &err) != EG_OK) fail_msg("%s", err.msg);
    printf("%s: %td looked at again\n", what, one.again);
    for (int k = 0; k < one.n_sizes; k++) check_subset(&one, x, n, k);
    assert_int_equal(eg_pool_new(&spec.pool, 3, &err), EG_OK);
    for (int set = 0; set < 2; set++) {
        size_t cells = (size_t)(m * one.n_sizes);

        spec.kern = set ? "ref" : "auto";
        assert_int_equal(eg_neighbours_find(&other, &spec, &err), EG_OK);
        assert_memory_equal(one.index, other.index, cells * sizeof(int32_t));
        assert_memory_equal(one.distance, other.distance,
                            cells * sizeof(double));
        assert_memory_equal(one.first, other.first,
                            (size_t)m * sizeof(int32_t));
        eg_neighbours_release(&other);
    }
    eg_pool_free(spec.pool);
    again = one.again;
    eg_neighbours_release(&one);
    return again;
}

static float *normal(eg_index m, eg_index n, double offset, double spread)
{
    float *x = eg_calloc((size_t)(m * n), sizeof *x);
    eg_rng rng = eg_rng_make(7, EG_RNG_INIT, (uint64_t)m, (uint32_t)n);

    assert_non_null(x);
    for (eg_index k = 0; k < m * n; k++)
        x[k] = (float)(offset + spread * eg_rng_normal(&rng));
    return x;
}

static void random_vectors(void **state)
{
    static const eg_index size[] = {5, 256, 257, 700};
    float *x = normal(700, 37, 0, 1);

    (void)state;
    check("random", x, 700, 37, 4, size);
    check("all at once", x, 700, 37, 0, NULL);
    check("first few", x, 5, 37, 0, NULL);
    check("a whole block", x, 256, 37, 0, NULL);
    eg_free(x);
}

/* Copies, of one vector half of all, zero and minus zero, and subsets in which
 * there are none yet. */
static void copies(void **state)
{
    static const eg_index size[] = {3, 40, 300};
    eg_index n = 9;
    float *x = normal(300, n, 0, 1);

    (void)state;
    for (eg_index i = 5; i < 300; i += 2)
        memcpy(x + i * n, x + (i % 3 ? 1 : 4) * n, (size_t)n * sizeof *x);
    for (eg_index k = 0; k < n; k++) x[10 * n + k] = k % 2 ? 0.0f : -0.0f;
    for (eg_index k = 0; k < n; k++) x[12 * n + k] = 0.0f;
    check("copies", x, 300, n, 3, size);
    for (eg_index i = 1; i < 300; i++) memcpy(x + i * n, x, (size_t)n * 4);
    check("nothing else", x, 300, n, 3, size); /* no neighbour at all */
    eg_free(x);
}

/* Differences far below float32's rounding of the squares. */
static void cancellation(void **state)
{
    static const eg_index size[] = {100, 400};
    eg_index n = 64, again;
    float *x = normal(400, n, 1000, 1);
    eg_rng rng = eg_rng_make(1, EG_RNG_USER, 0, 0);

    (void)state;
    check("far from the origin", x, 400, n, 2, size);
    /* pairs so close that only the last digits differ */
    for (eg_index i = 1; i < 400; i += 2) {
        memcpy(x + i * n, x + (i - 1) * n, (size_t)n * sizeof *x);
        x[i * n + i % n] = nextafterf(x[i * n + i % n], 1e9f);
    }
    check("last digits", x, 400, n, 2, size);
    /* all within rounding of each other beside one that is far away */
    for (eg_index i = 0; i < 399; i++)
        for (eg_index k = 0; k < n; k++)
            x[i * n + k] = 1 + (float)eg_rng_below(&rng, 64) * 0x1p-23f;
    again = check("one heap", x, 400, n, 2, size);
    assert_true(again > 300); /* float32 cannot tell them apart */
    eg_free(x);
}

static void sizes_of_numbers(void **state)
{
    static const double scale[] = {1e-40, 1e-30, 1e18, 1e37};
    eg_index m = 150, n = 12;

    (void)state;
    for (int s = 0; s < 4; s++) {
        float *x = normal(m, n, 0, scale[s]);

        printf("%g ", scale[s]);
        check("in size", x, m, n, 0, NULL);
        x[17 * n + 3] = 3e38f;
        check("beside one huge entry", x, m, n, 0, NULL);
        eg_free(x);
    }
}

static bool never(void *ctx, double done)
{
    (void)done;
    *(int *)ctx += 1;
    return false;
}

static void refuse(const eg_neighbours_spec *spec, const char *why)
{
    eg_neighbours r;
    eg_err err = {0};

    assert_int_equal(eg_neighbours_find(&r, spec, &err), EG_EINVAL);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, why));
    assert_null(r.index);
}

static void edges(void **state)
{
    static const eg_index down[] = {4, 4}, beyond[] = {11};
    float *x = normal(10, 3, 0, 1);
    eg_neighbours_spec spec = {.m = 1, .n = 3, .x = x};
    eg_neighbours r;
    eg_err err = {0};
    int asked = 0;

    (void)state;
    assert_int_equal(eg_neighbours_find(&r, &spec, &err), EG_OK);
    assert_true(r.index[0] == -1 && isnan(r.distance[0])); /* nobody else */
    assert_int_equal(r.distinct[0], 1);
    eg_neighbours_release(&r);
    spec.m = 10;
    spec.more = never;
    spec.ctx = &asked;
    assert_int_equal(eg_neighbours_find(&r, &spec, &err), EG_OK);
    assert_true(r.stopped && !r.index && asked == 1);
    spec.more = NULL;
    spec.m = 0;
    refuse(&spec, "expected 1 to");
    spec.m = 10;
    spec.n_sizes = 2;
    spec.size = down;
    refuse(&spec, "ascend");
    spec.n_sizes = 1;
    spec.size = beyond;
    refuse(&spec, "found 11");
    spec.n_sizes = 0;
    spec.kern = "none";
    refuse(&spec, "kernel set \"none\"");
    spec.kern = NULL;
    x[3 * 4 + 1] = INFINITY;
    refuse(&spec, "vector 4 has an entry 1");
    eg_free(x);
}

static void out_of_memory(void **state)
{
    float *x = normal(40, 5, 0, 1);
    eg_neighbours_spec spec = {.m = 40, .n = 5, .x = x};
    eg_neighbours r;
    int failed = 0;

    (void)state;
    for (int k = 1; k < 100; k++) {
        eg_err err = {0};
        eg_status st;

        eg_mem_fail_after(k);
        st = eg_neighbours_find(&r, &spec, &err);
        eg_mem_fail_after(0);
        if (st == EG_OK) break;
        assert_int_equal(st, EG_ENOMEM);
        assert_null(r.index);
        failed++;
    }
    printf("  %d allocations failed in turn\n", failed);
    assert_true(failed > 10 && failed < 99);
    eg_neighbours_release(&r);
    eg_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_vectors), cmocka_unit_test(copies),
        cmocka_unit_test(cancellation),   cmocka_unit_test(sizes_of_numbers),
        cmocka_unit_test(edges),          cmocka_unit_test(out_of_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
