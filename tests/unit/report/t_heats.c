/* Array snapshots: which files count, shapes, ranges, packing to bytes. */

#include "rundir.h"

#include <math.h>

static int digit(char c)
{
    const char *all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                      "0123456789+/";
    const char *p = c ? strchr(all, c) : NULL;

    return p ? (int)(p - all) : 0;
}

/* The bytes of a base64 text; out must hold them. */
static size_t decode(unsigned char *out, const char *text)
{
    size_t n = 0;

    for (; *text; text += 4) {
        int v = digit(text[0]) << 18 | digit(text[1]) << 12 |
                digit(text[2]) << 6 | digit(text[3]);
        out[n++] = (unsigned char)(v >> 16);
        if (text[2] != '=') out[n++] = (unsigned char)(v >> 8);
        if (text[3] != '=') out[n++] = (unsigned char)v;
    }
    return n;
}

static void test_causal(void **state)
{
    char *dir = scratch_new();
    static const float x[] = {1, 0, 0, .25F, .75F, 0, .5F, 0, .5F};
    eg_view v = {x, EG_F32, 2, {3, 3}};
    egi_heats m;
    eg_err err = {0};
    json_t *problems = json_array(), *list, *map;
    unsigned char bytes[16];

    (void)state;
    test_put_array(dir, "arrays/pattern_L0.10.npy", &v);
    test_put_array(dir, "arrays/pattern_L0.2.npy", &v);
    assert_int_equal(egi_heats_find(&m, dir, problems, &err), EG_OK);
    assert_int_equal(m.n, 1);
    assert_int_equal(m.heat[0].n_steps, 2);
    assert_int_equal(m.heat[0].steps[0], 2);
    assert_int_equal(m.heat[0].steps[1], 10);
    assert_true(m.heat[0].causal && !m.heat[0].is_signed);
    assert_int_equal(m.bytes, 12);
    list = egi_heats_json(&m, 1, problems);
    map = json_array_get(list, 0);
    assert_int_equal(
        decode(bytes, json_string_value(json_object_get(map, "data"))), 12);
    /* the lower triangle, row by row, each value within half a step */
    for (int i = 0; i < 6; i++) {
        static const double want[] = {1, .25, .75, .5, 0, .5};
        double root = bytes[i] / 254.0, half = .5 / 254;
        print_message("%g stored as %.5f\n", want[i], root * root);
        assert_true(fabs(root - sqrt(want[i])) <= half + 1e-12);
    }
    assert_string_equal(json_string_value(json_object_get(map, "label")),
                        "Attention pattern, layer 1");
    assert_int_equal(json_array_size(problems), 0);
    json_decref(list);
    json_decref(problems);
    egi_heats_release(&m);
    scratch_free(dir);
}

static void test_signed(void **state)
{
    char *dir = scratch_new();
    static const double x[] = {-4, 0, 2, 4, (double)NAN, (double)-INFINITY};
    static const unsigned char want[] = {0, 127, 190, 254, 255, 255};
    eg_view v = {x, EG_F64, 2, {2, 3}};
    egi_heats m;
    eg_err err = {0};
    json_t *list;
    unsigned char bytes[8];

    (void)state;
    test_put_array(dir, "arrays/thing.0.npy", &v);
    assert_int_equal(egi_heats_find(&m, dir, NULL, &err), EG_OK);
    assert_true(m.heat[0].is_signed && !m.heat[0].causal);
    assert_true(m.heat[0].max == 4);
    list = egi_heats_json(&m, 1, NULL);
    assert_int_equal(decode(bytes, json_string_value(json_object_get(
                                       json_array_get(list, 0), "data"))),
                     6);
    assert_memory_equal(bytes, want, 6);
    json_decref(list);
    egi_heats_release(&m);
    scratch_free(dir);
}

static void test_odd_files(void **state)
{
    char *dir = scratch_new();
    static const float x[64] = {1};
    eg_view vector = {x, EG_F32, 1, {4}}, square = {x, EG_F32, 2, {4, 4}},
            large = {x, EG_F32, 2, {8, 8}}, heads = {x, EG_F32, 3, {2, 3, 3}};
    egi_heats m;
    eg_err err = {0};
    json_t *problems = json_array(), *list;

    (void)state;
    test_put_array(dir, "arrays/vector.0.npy", &vector); /* no picture */
    test_put_array(dir, "arrays/tokens.npy", &vector);   /* no step */
    test_put_array(dir, "arrays/a.0.npy", &square);
    test_put_array(dir, "arrays/a.9.npy", &large); /* grown at the end */
    test_put_array(dir, "arrays/b.0.npy", &heads);
    test_put(dir, "arrays/b.5.npy", "\x93NUMPY cut off");
    test_put(dir, "arrays/c.1.npy", "");
    test_put(dir, "arrays/.npy", "");
    test_put(dir, "arrays/x.npy.tmp", "");
    assert_int_equal(egi_heats_find(&m, dir, problems, &err), EG_OK);
    for (int i = 0; i < m.n; i++)
        print_message("%s: %d snapshots of [%d, %d, %d]%s\n", m.heat[i].name,
                      m.heat[i].n_steps, m.heat[i].heads, m.heat[i].rows,
                      m.heat[i].cols, m.heat[i].full ? ", whole" : "");
    assert_int_equal(m.n, 3);
    assert_int_equal(m.heat[0].rows, 4);
    assert_int_equal(m.heat[0].n_steps, 2);
    assert_true(m.heat[1].full && m.heat[1].rows == 8);
    assert_int_equal(m.heat[1].n_steps, 1);
    assert_int_equal(m.full_bytes, 36);  /* nothing above the diagonal */
    list = egi_heats_json(&m, .9, NULL); /* too little room for the whole */
    assert_int_equal(json_array_size(list), 2);
    json_decref(list);
    assert_int_equal(m.heat[2].heads, 2);
    assert_int_equal(m.heat[2].n_steps, 1);
    assert_int_equal(json_array_size(problems), 1); /* b.5 */
    json_decref(problems);
    egi_heats_release(&m);
    scratch_free(dir);
}

static void test_budget(void **state)
{
    char *dir = scratch_new();
    static const float x[100] = {1, -1};
    eg_view v = {x, EG_F32, 2, {10, 10}};
    egi_heats m;
    eg_err err = {0};
    json_t *list, *steps;

    (void)state;
    for (int i = 0; i < 20; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "arrays/m.%d.npy", i * 7);
        test_put_array(dir, name, &v);
    }
    assert_int_equal(egi_heats_find(&m, dir, NULL, &err), EG_OK);
    assert_int_equal(m.bytes, 2000);
    list = egi_heats_json(&m, .25, NULL);
    steps = json_object_get(json_array_get(list, 0), "steps");
    assert_int_equal(json_array_size(steps), 5);
    assert_int_equal(json_integer_value(json_array_get(steps, 0)), 0);
    assert_int_equal(json_integer_value(json_array_get(steps, 4)), 133);
    json_decref(list);
    egi_heats_release(&m);
    scratch_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causal),
        cmocka_unit_test(test_signed),
        cmocka_unit_test(test_odd_files),
        cmocka_unit_test(test_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
