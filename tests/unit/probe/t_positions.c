/* Losses, accuracies and attention probes against values worked out by hand. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "probe/batch.h"

/* Position           0  1  2  3  4  5  6  7  8  9 10 11
 * trigger 7 -> 3, trigger 5 -> 5 (repeats itself from position 8 on). */
enum { T = 12 };
/* A 5 stands before the first token: nothing may look there. */
static const int32_t with_edge[1 + T] = {5, 1, 7, 3, 2, 7, 3, 7, 3, 5, 5, 5, 5};
static const int32_t *const tokens = with_edge + 1;
static const int32_t targets[T] = {7, 3, 2, 7, 3, 7, 3, 5, 5, 5, 5, -1};
static const int32_t occur[T] = {0, 1, 0, 0, 2, 0, 3, 0, 1, 2, 3, 4};
static const int32_t pred[T] = {7, 3, 0, 7, 2, 0, 3, 5, 5, 1, 5, 5};
static const double nll[T] = {.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1e9};
/* first block: 2 -> 1 (back), 5 -> 4 (back), 7 -> 0, 9 -> 8 (back), 10 -> 8,
 * 11 -> 10 (back) */
static const int32_t look1[T] = {0, 0, 1, 1, 3, 4, 5, 0, 7, 8, 8, 10};
/* second block, where c >= 2: 4 -> 2 (z = 3, the answer, after z_1 = 7);
 * 6 -> 1 (z = 7, wrong; z_0 = 1); 9 -> 0 (nothing before it); 10 -> 9.
 * Elsewhere 7 -> 3, behind the 3 at 2 */
static const int32_t look2[T] = {0, 0, 0, 0, 2, 0, 1, 3, 0, 0, 9, 9};

static egi_seq example(void)
{
    return (egi_seq){T,     tokens, targets, occur, pred, nll,
                     look1, look2,  NULL,    0,     NULL};
}

static void check(const char *name, egi_ratio r, double sum, double count)
{
    printf("%-20s %g / %g, expected %g / %g\n", name, r.sum, r.count, sum,
           count);
    assert_true(r.sum == sum);
    assert_true(r.count == count);
}

static void losses_and_accuracies(void **state)
{
    egi_seq s = example();

    (void)state;
    /* position 11 has no target and never counts */
    check("loss_global", egi_loss_global(&s), .5 + 2 + 4 + 16 + 64, 5);
    check("loss_in_context", egi_loss_in_context(&s), 8 + 32 + 256 + 512, 4);
    check("acc_all", egi_acc_all(&s), 4, 6); /* 1, 6, 8, 10 of 1 4 6 8 9 10 */
    check("acc_start", egi_acc_start(&s), 3, 5);
    check("acc_in_context", egi_acc_in_context(&s), 2, 4);
    check("repeat_fraction", egi_repeat_fraction(&s), 3, 6);
}

/* Only the last 500 positions count for acc_in_context. */
static void only_the_end(void **state)
{
    enum { LONG = 700 };
    static int32_t zeros[LONG], twos[LONG];
    static double no_loss[LONG];
    egi_seq s = {.n_ctx = LONG,
                 .tokens = zeros,
                 .targets = zeros,
                 .occur = twos,
                 .pred = zeros,
                 .nll = no_loss};

    (void)state;
    for (int t = 0; t < LONG; t++) twos[t] = 2;
    check("acc_in_context", egi_acc_in_context(&s), 500, 500);
    check("loss_in_context", egi_loss_in_context(&s), 0, LONG);
    check("acc_start", egi_acc_start(&s), 10, 10);
}

static void attention(void **state)
{
    egi_seq s = example();

    (void)state;
    /* triggers with a place behind them: 1 4 6 8 9 10; right at 1 4 8 10 */
    check("attn_prev", egi_attn_prev(&s), 4, 6);
    check("attn_prev_first", egi_attn_prev_first(&s), 2, 2);
    /* of 1 to 10 all but 3, 7 and 10 */
    check("attn_prev_all", egi_attn_prev_all(&s), 7, 10);
    /* c >= 2 at 4 6 9 10: attended tokens 3 7 1 5, answers 3 3 5 5 */
    check("attn_answer", egi_attn_answer(&s), 2, 4);
    /* predictions 2 3 1 5 */
    check("pred_attended", egi_pred_attended(&s), 2, 4);
    /* tokens before the attended: 7 1 (none) 5; queries 7 7 5 5 */
    check("attn_match", egi_attn_match(&s), 2, 4);
    /* of the tokens with c = 0 only the 3 at 5 and 7 was there before */
    check("attn_match_other", egi_attn_match_other(&s), 1, 2);
    /* attended 2 1 . 9 looked at 1 0 . 8 */
    check("attn_cond", egi_attn_cond(&s), 3, 3);
    /* repeats at 9 10: first block attends z_8 z_8, second z_0 z_9 */
    check("attn_repeat_0", egi_attn_repeat_first(&s), 2, 2);
    check("attn_repeat_1", egi_attn_repeat_second(&s), 1, 2);
}

/* The map of most attended positions: causal part only, lowest on ties. */
static void most_attended(void **state)
{
    static const float f[2][3][3] = {
        {{1, 9, 9}, {.5F, .5F, 9}, {.2F, .4F, .4F}},
        {{1, 9, 9}, {.1F, .9F, 9}, {.3F, .3F, .4F}}};
    static const int32_t expected[6] = {0, 0, 1, 0, 1, 2};
    double d[2][3][3];
    int32_t look[6];
    eg_view v = {f, EG_F32, 3, {2, 3, 3}};

    (void)state;
    for (int i = 0; i < 18; i++) (&d[0][0][0])[i] = (double)(&f[0][0][0])[i];
    memset(look, -1, sizeof look);
    egi_attn_look(look, &v);
    assert_memory_equal(look, expected, sizeof look);
    v.data = d;
    v.dtype = EG_F64;
    memset(look, -1, sizeof look);
    egi_attn_look(look, &v);
    assert_memory_equal(look, expected, sizeof look);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_and_accuracies),
        cmocka_unit_test(only_the_end),
        cmocka_unit_test(attention),
        cmocka_unit_test(most_attended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
