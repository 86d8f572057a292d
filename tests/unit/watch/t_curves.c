/* Curves in buckets: nothing of the whole is lost that could be seen, and what
 * is told in parts is what is told at once. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/json.h"
#include "engram/mem.h"
#include "watch/curves.h"

static const char *const names[] = {"loss", "rare"};

static const char *name_of(const void *ctx, int id)
{
    (void)ctx;
    return id < 2 ? names[id] : NULL;
}

/* Noise with single spikes; every 50th row has the other metric too. */
static double value_at(int64_t i)
{
    if (i == 777777) return 100;
    if (i == 123456) return -50;
    return sin((double)i / 20000) + 0.01 * (double)(i * 7919 % 101);
}

static void add(egi_curves *c, int64_t i)
{
    const int id[] = {0, 1};
    const double value[] = {value_at(i), (double)i};
    const eg_follow_row row = {
        .step = (double)i, .n = i % 50 ? 1 : 2, .id = id, .value = value};
    eg_err err = {0};

    assert_int_equal(egi_curves_add(c, (double)i, &row, &err), EG_OK);
}

static json_t *tell(const egi_curves *c, const egi_ask_curves *ask)
{
    egi_buf b = {0};
    json_t *j;

    egi_curves_json(&b, c, name_of, NULL, ask);
    assert_false(b.failed);
    j = egi_json_parse(b.s, b.n, 0, NULL);
    if (!j) fail_msg("no JSON: %.200s", b.s);
    egi_buf_release(&b);
    return j;
}

static double number(const json_t *j, const char *key)
{
    return json_number_value(json_object_get(j, key));
}

static json_t *list(const json_t *j, const char *name, size_t which)
{
    return json_array_get(json_object_get(json_object_get(j, "series"), name),
                          which);
}

static void range_of(const json_t *v, double *lo, double *hi)
{
    size_t i;
    json_t *x;

    *lo = INFINITY;
    *hi = -INFINITY;
    json_array_foreach(v, i, x)
    {
        *lo = fmin(*lo, json_number_value(x));
        *hi = fmax(*hi, json_number_value(x));
    }
}

/* A million points: few are told, in order, and the extremes are among them. */
static void test_million(void **state)
{
    egi_curves c;
    eg_err err = {0};
    const egi_ask_curves ask = {.most = 600};
    double lo, hi, before = -1;
    json_t *j, *x;
    size_t i;

    (void)state;
    assert_int_equal(egi_curves_init(&c, 1 << 12, &err), EG_OK);
    for (int64_t k = 0; k < 1000000; k++) add(&c, k);
    assert_true(c.curve[0].n <= 1 << 12);
    j = tell(&c, &ask);
    print_message("%zu points of a million, buckets of %g\n",
                  json_array_size(list(j, "loss", 0)), number(j, "width"));
    assert_true(json_array_size(list(j, "loss", 0)) <= 1200);
    assert_true(json_array_size(list(j, "loss", 0)) > 600);
    assert_int_equal(json_array_size(list(j, "loss", 0)),
                     json_array_size(list(j, "loss", 1)));
    range_of(list(j, "loss", 1), &lo, &hi);
    assert_true(lo == -50 && hi == 100);
    json_array_foreach(list(j, "loss", 0), i, x)
    {
        assert_true(json_number_value(x) > before);
        before = json_number_value(x);
    }
    /* each told point is one of the curve */
    for (i = 0; i < json_array_size(list(j, "loss", 0)); i++) {
        double at = json_number_value(json_array_get(list(j, "loss", 0), i));
        double v = json_number_value(json_array_get(list(j, "loss", 1), i));

        if (fabs(v - value_at((int64_t)at)) > 1e-6)
            fail_msg("at %.0f: told %g, is %g", at, v, value_at((int64_t)at));
    }
    assert_true(number(json_object_get(j, "last"), "rare") == 999950);
    json_decref(j);
    egi_curves_release(&c);
}

/* Of thousands of metrics little is kept and told of each, and no peak of any
 * is lost; one that is alone again has all the room. */
static void test_thousands(void **state)
{
    enum { CURVES = 5000, ROWS = 3000 };
    static int id[CURVES];
    static double value[CURVES];
    const eg_follow_row row = {.n = CURVES, .id = id, .value = value};
    const egi_ask_curves ask = {.most = 600};
    int64_t before = eg_mem_query().live_bytes, live;
    egi_curves c;
    eg_err err = {0};
    double lo, hi;
    json_t *j;

    (void)state;
    assert_int_equal(egi_curves_init(&c, 1 << 15, &err), EG_OK);
    for (int i = 0; i < CURVES; i++) id[i] = i;
    for (int64_t k = 0; k < ROWS; k++) {
        for (int i = 0; i < CURVES; i++) value[i] = k == 1234 ? 7 : (double)i;
        assert_int_equal(egi_curves_add(&c, (double)k, &row, &err), EG_OK);
    }
    live = eg_mem_query().live_bytes - before;
    print_message("%d curves of %d rows: %lld MiB in %lld buckets of %lld\n",
                  CURVES, ROWS, (long long)(live >> 20), (long long)c.held,
                  (long long)c.width);
    assert_true(c.held <= (int64_t)CURVES * EGI_LEAST);
    assert_true(live < ((int64_t)200 << 20));
    for (int i = 0; i < CURVES; i++) {
        double most = 0;

        for (int b = 0; b < c.curve[i].n; b++)
            most = fmax(most, c.curve[i].bucket[b].hi);
        assert_true(most == fmax(i, 7));
    }
    j = tell(&c, &ask);
    range_of(list(j, "loss", 1), &lo, &hi);
    assert_true(lo == 0 && hi == 7);
    print_message("%zu points told of each\n",
                  json_array_size(list(j, "loss", 0)));
    assert_true(json_array_size(list(j, "loss", 0)) <= 2 * EGI_TOLD / CURVES);
    json_decref(j);
    egi_curves_clear(&c);
    for (int64_t k = 0; k < 100000; k++) add(&c, k);
    assert_true(c.curve[0].n > 1 << 14);
    egi_curves_release(&c);
    assert_int_equal(eg_mem_query().live_bytes, before);
}

/* A window is told more closely, and lies where it was asked for. */
static void test_window(void **state)
{
    egi_curves c;
    eg_err err = {0};
    const egi_ask_curves ask = {.lo = 400000, .hi = 410000, .most = 600};
    double lo, hi;
    json_t *j;

    (void)state;
    assert_int_equal(egi_curves_init(&c, 1 << 15, &err), EG_OK);
    for (int64_t k = 0; k < 1000000; k++) add(&c, k);
    j = tell(&c, &ask);
    range_of(list(j, "loss", 0), &lo, &hi);
    print_message("asked 400000 to 410000, told %g to %g in buckets of %g\n",
                  lo, hi, number(j, "width"));
    assert_true(lo <= 400000 && hi >= 410000 && lo > 390000 && hi < 420000);
    assert_true(number(j, "width") == 32); /* as close as they are kept */
    json_decref(j);
    egi_curves_release(&c);
}

/* What a page has put together from parts. */
typedef struct page {
    double x[4000], y[4000];
    size_t n;
    int64_t width, next;
    int whole; /* how often it was told everything */
} page;

static void take(page *p, const json_t *j)
{
    const json_t *x = list(j, "loss", 0), *y = list(j, "loss", 1);
    const json_t *cut = json_object_get(j, "cut");

    p->width = json_integer_value(json_object_get(j, "width"));
    p->next = json_integer_value(json_object_get(j, "next"));
    if (json_is_true(json_object_get(j, "whole"))) {
        p->n = 0;
        p->whole++;
    }
    while (json_is_number(cut) && p->n > 0 &&
           p->x[p->n - 1] >= json_number_value(cut))
        p->n--;
    for (size_t i = 0; i < json_array_size(x); i++) {
        assert_true(p->n < 4000);
        p->x[p->n] = json_number_value(json_array_get(x, i));
        p->y[p->n++] = json_number_value(json_array_get(y, i));
    }
}

/* Told in parts as rows come, a page ends with what it would be told at once;
 * and most parts are small. */
static void test_parts(void **state)
{
    egi_curves c;
    eg_err err = {0};
    page parts = {0}, once = {0};
    egi_ask_curves ask = {.most = 100};
    int64_t row = 0, asked = 0;
    json_t *j;

    (void)state;
    assert_int_equal(egi_curves_init(&c, 512, &err), EG_OK);
    for (int64_t step = 1; row < 60000; step = step % 97 + 1) {
        for (int64_t k = 0; k < step * 7; k++) add(&c, row++);
        ask.width = parts.width;
        ask.from = parts.next;
        j = tell(&c, &ask);
        take(&parts, j);
        json_decref(j);
        asked++;
    }
    ask.width = ask.from = 0;
    j = tell(&c, &ask);
    take(&once, j);
    json_decref(j);
    print_message("%lld parts, %d of them whole; %zu points\n",
                  (long long)asked, parts.whole, parts.n);
    assert_int_equal(parts.n, once.n);
    assert_memory_equal(parts.x, once.x, once.n * sizeof(double));
    assert_memory_equal(parts.y, once.y, once.n * sizeof(double));
    assert_true(parts.whole < 15); /* as often as buckets were doubled */
    egi_curves_release(&c);
}

/* Values that are not finite are counted and leave a gap, not a peak. */
static void test_not_finite(void **state)
{
    const int id[] = {0};
    const double values[] = {1, (double)NAN, 3, (double)INFINITY, (double)NAN,
                             2};
    const egi_ask_curves ask = {.most = 100};
    egi_curves c;
    eg_err err = {0};
    json_t *j, *bad;

    (void)state;
    assert_int_equal(egi_curves_init(&c, 16, &err), EG_OK);
    for (int i = 0; i < 6; i++) {
        const eg_follow_row row = {
            .step = i, .n = 1, .id = id, .value = &values[i]};

        assert_int_equal(egi_curves_add(&c, i, &row, &err), EG_OK);
    }
    j = tell(&c, &ask);
    assert_int_equal(json_array_size(list(j, "loss", 1)), 6);
    assert_true(json_is_null(json_array_get(list(j, "loss", 1), 1)));
    assert_true(json_is_null(json_array_get(list(j, "loss", 1), 3)));
    assert_true(json_is_integer(json_array_get(list(j, "loss", 1), 5)));
    bad = json_object_get(json_object_get(j, "bad"), "loss");
    assert_int_equal(json_integer_value(json_array_get(bad, 0)), 3);
    assert_int_equal(json_integer_value(json_array_get(bad, 1)), 1);
    json_decref(j);
    /* joined with others, the finite ones count */
    for (int i = 6; i < 64; i++) {
        const double two = 2;
        const eg_follow_row row = {.step = i, .n = 1, .id = id, .value = &two};

        assert_int_equal(egi_curves_add(&c, i, &row, &err), EG_OK);
    }
    j = tell(&c, &ask);
    assert_true(json_is_number(json_array_get(list(j, "loss", 1), 0)));
    json_decref(j);
    egi_curves_release(&c);
}

static void test_empty(void **state)
{
    const egi_ask_curves asks[] = {{.most = 10},
                                   {.most = 10, .width = 1, .from = 0},
                                   {.most = 10, .width = 1, .from = 5},
                                   {.most = 0, .lo = 1, .hi = 2}};
    egi_curves c;
    eg_err err = {0};

    (void)state;
    assert_int_equal(egi_curves_init(&c, 16, &err), EG_OK);
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        json_t *j = tell(&c, &asks[i]);

        assert_int_equal(json_object_size(json_object_get(j, "series")), 0);
        assert_true(json_is_null(json_object_get(j, "cut")));
        json_decref(j);
    }
    egi_curves_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_million),    cmocka_unit_test(test_thousands),
        cmocka_unit_test(test_window),     cmocka_unit_test(test_parts),
        cmocka_unit_test(test_not_finite), cmocka_unit_test(test_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
