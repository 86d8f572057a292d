/* Windows of a text: language modelling. */
#include "task/text.h"

#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "task/shuffle.h"

#define EG_FIELDS_OWNER eg_task_opts
static EG_FIELDS_TABLE(fields, EG_CORPUS_FIELDS)

/* The key of an order that is the same for all seeds, that of tests. */
#define TEST_ORDER UINT64_C(0x7465737420746578)

/* ---- reading --------------------------------------------------------------
 */

/* Keeps the first error; sequences come from many threads. */
static void complain(egi_text *x, const eg_err *err)
{
    int none = 0;

    if (!atomic_compare_exchange_strong(&x->failed, &none, 1)) return;
    x->err = *err;
    atomic_store(&x->failed, 2);
}

static eg_status text_trouble(const eg_task *task, eg_err *err)
{
    egi_text *x = task->state;

    if (atomic_load(&x->failed) != 2) return EG_OK;
    if (err) *err = x->err;
    return x->err.status;
}

/* The window at a place of a row, and the token behind it. */
static void read_window(const eg_task *task, const egi_ids_row *row, int64_t at,
                        eg_seq *out)
{
    eg_index T = task->io.n_ctx;
    eg_err err = {0};

    at += row->first;
    memset(out->labels, 0, (size_t)T * sizeof *out->labels);
    if (row->ids) {
        memcpy(out->tokens, row->ids + at, (size_t)T * sizeof *out->tokens);
        memcpy(out->targets, row->ids + at + 1,
               (size_t)T * sizeof *out->targets);
        return;
    }
    if (eg_shards_read(row->shards, at, T, out->tokens, &err) != EG_OK ||
        eg_shards_read(row->shards, at + 1, T, out->targets, &err) != EG_OK) {
        memset(out->tokens, 0, (size_t)T * sizeof *out->tokens);
        memset(out->targets, 0, (size_t)T * sizeof *out->targets);
        complain(task->state, &err);
    }
}

/* ---- where windows begin --------------------------------------------------
 */

static int64_t anywhere(const eg_task *task, const egi_ids_row *row,
                        eg_rng *rng)
{
    int64_t places = row->n - task->io.n_ctx;
    int64_t at = (int64_t)(eg_rng_uniform(rng) * (double)places);

    return at < places ? at : places - 1;
}

/* Window k of those that lie side by side. */
static int64_t n_windows(const eg_task *task, const egi_ids_row *row)
{
    return (row->n - 1) / task->io.n_ctx;
}

static int64_t in_epoch(const eg_task *task, const egi_ids_row *row,
                        uint64_t step, uint32_t index)
{
    return egi_shuffle_epoch(task, n_windows(task, row), step, index, 2) *
           task->io.n_ctx;
}

/* llm.c: a step reads batch * n_ctx + 1 tokens and moves on by batch * n_ctx;
 * what is left behind the last whole step is left out. */
static int64_t in_order(const eg_task *task, const egi_ids_row *row,
                        uint64_t step, uint32_t index)
{
    uint64_t n = (uint64_t)n_windows(task, row), batch = (uint64_t)task->batch;
    uint64_t steps = n / batch;
    uint64_t at =
        steps > 0 ? step % steps * batch + index : step * batch + index;

    return (int64_t)(at % n) * task->io.n_ctx;
}

static void text_at(const eg_task *task, eg_split split, uint64_t step,
                    uint32_t index, eg_rng *rng, eg_seq *out)
{
    const egi_text *x = task->state;
    const egi_ids_row *row = split == EG_TEST ? &x->val : &x->train;
    int64_t at;

    if (split == EG_TEST) {
        uint64_t n = (uint64_t)n_windows(task, row);

        at = (int64_t)egi_shuffle_at(TEST_ORDER, n, index % n) * task->io.n_ctx;
    } else if (split == EG_PROBE || task->opts.window == EG_WINDOW_RANDOM) {
        at = anywhere(task, row, rng);
    } else if (task->opts.window == EG_WINDOW_EPOCH) {
        at = in_epoch(task, row, step, index);
    } else {
        at = in_order(task, row, step, index);
    }
    read_window(task, row, at, out);
}

/* ---- sets in an order -----------------------------------------------------
 */

static bool text_set(const eg_task *task, int i, const char **name,
                     int64_t *lines)
{
    static const char *const names[] = {"train", "val"};
    const egi_text *x = task->state;

    if (i > 1) return false;
    *name = names[i];
    *lines = n_windows(task, i ? &x->val : &x->train);
    return true;
}

static void text_line(const eg_task *task, int i, int64_t k, eg_seq *out)
{
    const egi_text *x = task->state;

    read_window(task, i ? &x->val : &x->train, k * task->io.n_ctx, out);
}

/* ---- tokens as text -------------------------------------------------------
 */

static const eg_tokenizer *text_tokenizer(const eg_task *task)
{
    const egi_text *x = task->state;

    return x->tokenizer;
}

static const char *text_word(const eg_task *task, int token,
                             char buf[EG_TASK_WORD])
{
    const eg_tokenizer *t = text_tokenizer(task);
    char whole[EG_TASK_WORD];
    size_t n = 0;
    const char *s = t ? eg_tokenizer_bytes(t, token, &n) : NULL;

    if (!s) {
        (void)snprintf(buf, EG_TASK_WORD, "%d", token);
        return buf;
    }
    if (n >= sizeof whole) n = sizeof whole - 1;
    memcpy(whole, s, n);
    whole[n] = '\0';
    (void)eg_text_clean(buf, EG_TASK_WORD, whole);
    return buf;
}

static void text_print(const eg_task *task, const eg_seq *s, eg_task_put put,
                       void *ctx)
{
    const eg_tokenizer *t = text_tokenizer(task);

    for (int i = 0; i < task->io.n_ctx; i++) { /* the next begins behind */
        int32_t id = s->tokens[i];
        char buf[EG_TASK_WORD];
        size_t n = 0;
        const char *bytes = t ? eg_tokenizer_bytes(t, id, &n) : NULL;

        if (bytes) {
            put(ctx, bytes, n);
            continue;
        }
        bytes = text_word(task, id, buf);
        if (i > 0) put(ctx, " ", 1);
        put(ctx, bytes, strlen(bytes));
    }
}

/* ---- making ---------------------------------------------------------------
 */

static void text_free(void *state)
{
    egi_text *x = state;

    if (!x) return;
    egi_text_release(x);
    eg_free(x);
}

static eg_status text_make(eg_task *task, eg_err *err)
{
    const eg_task_opts *o = &task->opts;
    egi_text *x = eg_calloc(1, sizeof *x);
    int64_t pad = o->pad_vocab, vocab;
    eg_status st;

    if (!x) return EG_FAIL(err, EG_ENOMEM, "a text");
    task->state = x;
    st = egi_text_open(x, o, err);
    if (st != EG_OK) return st;
    vocab = (x->n_ids + pad - 1) / pad * pad;
    if (vocab < 2 || vocab > EG_MOST_TOKENS)
        return EG_FAIL(err, EG_EINVAL,
                       "task.text: a vocabulary of %lld; expected 2 to %d",
                       (long long)vocab, EG_MOST_TOKENS);
    task->io.d_vocab = (int)vocab;
    return EG_OK;
}

static const eg_group groups[] = {{NULL, 0, 0, NULL}};

const egi_task_kind egi_task_text = {
    .name = "text",
    .help = "windows of a text, or of shards of tokens",
    .fields = fields,
    .groups = groups,
    .loss = "all",
    .make = text_make,
    .free = text_free,
    .at = text_at,
    .set = text_set,
    .line = text_line,
    .print = text_print,
    .word = text_word,
    .trouble = text_trouble,
    .tokenizer = text_tokenizer,
};
