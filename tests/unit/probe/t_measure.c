/* Sums over sequences, heads and their names. */
#include <stdarg.h>
#include <setjmp.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "probe/measure.h"

/* Two heads, four positions, token 7 is the trigger and 3 its output. */
enum { T = 4, HEADS = 2, COUNT = 3 };
static const int32_t tokens[T] = {7, 3, 7, 3};
static const int32_t targets[T] = {3, 7, 3, 7};
static const int32_t occur[T] = {1, 0, 2, 0};
static const int32_t preds[COUNT][T] = {
    {3, 7, 3, 7}, {3, 7, 1, 7}, {0, 7, 3, 7}};
static const double nll[T] = {1, 2, 3, 4};

/* A pattern whose head h looks at look[h][t]. */
static eg_view looking(float *p, const int look[HEADS][T])
{
    eg_view v = {p, EG_F32, 3, {HEADS, T, T}};

    memset(p, 0, sizeof *p * HEADS * T * T);
    for (int h = 0; h < HEADS; h++) {
        for (int t = 0; t < T; t++) p[(h * T + t) * T + look[h][t]] = 1;
    }
    return v;
}

typedef struct seen {
    int n;
    struct {
        const char *name;
        double value;
    } row[64];
} seen;

static void keep(void *ctx, const char *name, double value)
{
    seen *l = ctx;

    printf("  %-22s %.6f\n", name, value);
    l->row[l->n].name = name;
    l->row[l->n++].value = value;
}

static double value_of(const seen *l, const char *name)
{
    for (int i = 0; i < l->n; i++) {
        if (strcmp(l->row[i].name, name) == 0) return l->row[i].value;
    }
    return -1; /* no probe is negative */
}

#define assert_near(a, b, eps) assert_true(fabs((a) - (b)) <= (eps))

static void add(egi_measure *m, int index, int worker, const eg_view *pattern)
{
    egi_seq s = {T,    tokens, targets, occur, preds[index], nll,
                 NULL, NULL,   NULL,    0,     NULL};

    egi_measure_add(m, index, worker, &s, pattern);
}

static void heads_have_names(void **state)
{
    /* block 0: head 0 looks at itself, head 1 one back; block 1 at t = 2: head
     * 0 at 1 (the answer, whose first-block head 1 looked back), head 1 at 2 */
    const int look[2][HEADS][T] = {{{0, 1, 2, 3}, {0, 0, 1, 2}},
                                   {{0, 0, 1, 0}, {0, 0, 2, 0}}};
    float room[2][HEADS * T * T];
    eg_view pattern[2] = {looking(room[0], look[0]), looking(room[1], look[1])};
    egi_measure m = {.n_heads = HEADS,
                     .n_ctx = T,
                     .count = COUNT,
                     .has = EGI_NEEDS_LOOKS | EGI_NEEDS_TRIGGERS};
    seen l = {0};

    (void)state;
    assert_int_equal(egi_measure_init(&m, EGI_ON_BATCH, 2, NULL), EG_OK);
    for (int i = COUNT - 1; i >= 0; i--) add(&m, i, i % 2, pattern);
    egi_measure_emit(&m, keep, &l);

    assert_near(value_of(&l, "loss_global"), 3, 0);
    assert_near(value_of(&l, "loss_in_context"), 3, 0);
    assert_near(value_of(&l, "acc_all"), 4. / 6, 1e-15);
    assert_near(value_of(&l, "acc_in_context"), 2. / 3, 1e-15);
    assert_near(value_of(&l, "attn_prev.h0"), 0, 0);
    assert_near(value_of(&l, "attn_prev.h1"), 1, 0);
    assert_near(value_of(&l, "attn_prev"), 1, 0);
    assert_near(value_of(&l, "attn_answer.h0"), 1, 0);
    assert_near(value_of(&l, "attn_answer.h1"), 0, 0);
    assert_near(value_of(&l, "pred_attended"), 2. / 3, 1e-15);
    assert_near(value_of(&l, "attn_match.h0"), 1, 0);
    assert_near(value_of(&l, "attn_match.h1"), 0, 0);
    /* with the better head of block 0: 1 -> 0 and 2 -> 1 are both one back */
    assert_near(value_of(&l, "attn_cond.h0"), 1, 0);
    assert_near(value_of(&l, "attn_cond.h1"), 1, 0);
    /* no answer repeats its trigger, so there is nothing to average */
    assert_near(value_of(&l, "attn_repeat_1"), -1, 0);
    assert_near(value_of(&l, "loss_global_test"), -1, 0);
    egi_measure_release(&m);
}

/* One head has no suffix; without attention maps there are no such probes. */
static void one_head_and_none(void **state)
{
    const int look[HEADS][T] = {{0, 0, 1, 2}, {0, 0, 1, 2}};
    float room[HEADS * T * T];
    eg_view pattern = looking(room, look);
    egi_measure m = {.n_heads = 1,
                     .n_ctx = T,
                     .count = 1,
                     .has = EGI_NEEDS_LOOK1 | EGI_NEEDS_TRIGGERS};
    seen l = {0};

    (void)state;
    pattern.shape[0] = 1;
    assert_int_equal(egi_measure_init(&m, EGI_ON_BATCH, 1, NULL), EG_OK);
    add(&m, 0, 0, &pattern);
    egi_measure_emit(&m, keep, &l);
    assert_near(value_of(&l, "attn_prev"), 1, 0);
    assert_near(value_of(&l, "attn_prev.h0"), -1, 0);
    assert_near(value_of(&l, "attn_answer"), -1, 0);
    egi_measure_release(&m);

    m = (egi_measure){
        .n_heads = HEADS, .n_ctx = T, .count = 1, .has = EGI_NEEDS_TRIGGERS};
    l.n = 0;
    assert_int_equal(egi_measure_init(&m, EGI_ON_TEST, 1, NULL), EG_OK);
    add(&m, 0, 0, NULL);
    egi_measure_emit(&m, keep, &l);
    assert_int_equal(l.n, 6);
    assert_near(value_of(&l, "acc_in_context_test"), 1, 0);
    egi_measure_release(&m);
}

/* A mean a position, where the position has a target. */
static void positions_have_means(void **state)
{
    static const int32_t some[T] = {3, 7, -1, 7};
    egi_measure m = {.n_heads = 1,
                     .n_ctx = T,
                     .count = 2,
                     .has = EGI_NEEDS_POSITION,
                     .n_at = 3,
                     .at = {0, 2, 3}};
    seen l = {0};

    (void)state;
    assert_int_equal(egi_measure_init(&m, EGI_ON_TEST, 1, NULL), EG_OK);
    for (int i = 0; i < 2; i++) {
        egi_seq s = {.n_ctx = T,
                     .tokens = tokens,
                     .targets = i ? some : targets,
                     .occur = occur,
                     .pred = preds[0],
                     .nll = i ? (const double[T]){5, 6, 7, 8} : nll};

        egi_measure_add(&m, i, 0, &s, NULL);
    }
    egi_measure_emit(&m, keep, &l);
    assert_int_equal(l.n, 3);
    assert_near(value_of(&l, "loss_at.1"), 3, 0);
    assert_near(value_of(&l, "loss_at.3"), 3, 0);
    assert_near(value_of(&l, "loss_at.4"), 6, 0);
    egi_measure_release(&m);
}

/* Whatever order the sequences come in, the same bits. */
static void order_does_not_matter(void **state)
{
    enum { MANY = 97 };
    egi_measure m = {
        .n_heads = 1, .n_ctx = T, .count = MANY, .has = EGI_NEEDS_TRIGGERS};
    double odd[MANY][T], value[2];
    seen l = {0};

    (void)state;
    for (int i = 0; i < MANY * T; i++) odd[i / T][i % T] = 1.0 / (i * i + 3);
    assert_int_equal(egi_measure_init(&m, EGI_ON_BATCH, 2, NULL), EG_OK);
    for (int pass = 0; pass < 2; pass++) {
        for (int k = 0; k < MANY; k++) {
            int i = pass ? k * 31 % MANY : k;
            egi_seq s = {T, tokens, targets, occur, preds[0], odd[i],
                         0, 0,      NULL,    0,     NULL};
            egi_measure_add(&m, i, k % 2, &s, NULL);
        }
        l.n = 0;
        egi_measure_emit(&m, keep, &l);
        value[pass] = value_of(&l, "loss_global");
    }
    assert_true(value[0] > 0);
    assert_memory_equal(&value[0], &value[1], sizeof value[0]);
    egi_measure_release(&m);
}

/* The table's names are unique and every row says what it is. */
static void table_is_sound(void **state)
{
    (void)state;
    for (int i = 0; eg_probe_list(i); i++) {
        const eg_probe_info *row = eg_probe_list(i);
        assert_true(row->name[0] && row->unit[0] && row->help[0]);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(row->name, eg_probe_list(j)->name);
        }
    }
    assert_null(eg_probe_list(-1));
    assert_null(eg_probe_list(1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_have_names),
        cmocka_unit_test(one_head_and_none),
        cmocka_unit_test(positions_have_means),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(table_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
