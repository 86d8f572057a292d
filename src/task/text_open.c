/* What a text task reads: found, opened, and cut into what is for training and
 * what is for tests. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/num.h"
#include "engram/mem.h"
#include "task/text.h"

/* A text larger than this is to be tokenized once, not at every start. */
enum { MOST_TEXT = 1 << 28 };

void egi_text_release(egi_text *x)
{
    eg_tokenizer_free(x->tokenizer);
    for (int i = 0; i < 2; i++) {
        eg_shards_free(x->shards[i]);
        eg_ids_release(&x->ids[i]);
    }
}

static eg_status of_key(const char *key, eg_status st, const eg_err *why,
                        eg_err *err)
{
    return EG_FAIL(err, st, "task.%s: %s", key, why->msg);
}

/* task.tokenizer, or the one in the folder `beside` ("": none). */
static eg_status open_tokenizer(egi_text *x, const eg_task_opts *o,
                                const char *beside, eg_err *err)
{
    const char *path = o->tokenizer[0] ? o->tokenizer : beside;
    int64_t n;
    eg_err why = {0};
    eg_status st;

    if (egi_is_digit(o->tokenizer[0]) && egi_int_parse(o->tokenizer, &n)) {
        if (n < 2 || n > EG_MOST_TOKENS)
            return EG_FAIL(err, EG_EINVAL,
                           "task.tokenizer: %lld: expected 2 to %d ids",
                           (long long)n, EG_MOST_TOKENS);
        x->n_ids = (int)n;
        return EG_OK;
    }
    if (!path[0])
        return EG_FAIL(err, EG_EINVAL,
                       "task.tokenizer: is empty; shards need a tokenizer's "
                       "file, or how many ids there are");
    st = eg_tokenizer_open(&x->tokenizer, path, &why);
    if (st != EG_OK) return of_key("tokenizer", st, &why, err);
    x->n_ids = eg_tokenizer_vocab(x->tokenizer);
    return EG_OK;
}

/* The last val_share of the row is for tests. */
static void cut_end(egi_text *x, double val_share)
{
    int64_t n = (int64_t)((double)x->train.n * val_share);

    x->val = x->train;
    if (n == 0) return;
    x->train.n -= n;
    x->val.first += x->train.n;
    x->val.n = n;
}

static void row_of_shards(egi_ids_row *row, const eg_shards *s)
{
    *row = (egi_ids_row){.shards = s, .n = eg_shards_tokens(s)};
}

static eg_status open_folder(egi_text *x, const eg_task_opts *o, eg_err *err)
{
    static const char *const splits[] = {"train", "val"};
    egi_ids_row *row[] = {&x->train, &x->val};
    eg_err why = {0};
    eg_status st;

    st = open_tokenizer(x, o, o->text, err);
    if (st != EG_OK) return st;
    for (int i = 0; i < 2; i++) {
        if (i == 1 && !eg_shards_has(o->text, splits[i])) {
            cut_end(x, o->val_share);
            break;
        }
        st = eg_shards_open_split(&x->shards[i], o->text, splits[i], x->n_ids,
                                  &why);
        if (st != EG_OK) return of_key("text", st, &why, err);
        row_of_shards(row[i], x->shards[i]);
    }
    return EG_OK;
}

static eg_status open_shard(egi_text *x, const eg_task_opts *o, eg_err *err)
{
    const char *path = o->text;
    eg_err why = {0};
    eg_status st = open_tokenizer(x, o, "", err);

    if (st != EG_OK) return st;
    st = eg_shards_open(&x->shards[0], &path, 1, x->n_ids, &why);
    if (st != EG_OK) return of_key("text", st, &why, err);
    row_of_shards(&x->train, x->shards[0]);
    cut_end(x, o->val_share);
    return EG_OK;
}

static eg_status open_text(egi_text *x, const eg_task_opts *o, eg_err *err)
{
    const char *path = o->text;
    eg_corpus c = {.path = &path, .n = 1, .most_bytes = MOST_TEXT};
    eg_tokenize how = {.val_share = o->val_share};
    eg_tokenized info;
    eg_pool *pool = NULL;
    eg_err why = {0};
    eg_status st;

    st = eg_corpus_again(&c, "a run may be resumed", &why);
    if (st != EG_OK) return of_key("text", st, &why, err);
    if (o->tokenizer[0])
        EG_TRY(open_tokenizer(x, o, "", err));
    else
        st = eg_tokenizer_learn(&x->tokenizer, &c, EG_TOKENIZER_CHAR, 0, &why);
    if (st == EG_OK && !x->tokenizer)
        st = EG_FAIL(&why, EG_EINVAL,
                     "a text needs the tokenizer itself, not a number of ids");
    if (st == EG_OK) st = eg_pool_new(&pool, 1, &why);
    if (st == EG_OK) {
        x->n_ids = eg_tokenizer_vocab(x->tokenizer);
        st =
            eg_corpus_encode(x->ids, &info, &c, x->tokenizer, &how, pool, &why);
    }
    if (st != EG_OK) {
        st = of_key("text", st, &why, err);
        goto done;
    }
    x->train = (egi_ids_row){.ids = x->ids[0].id, .n = info.train};
    x->val = (egi_ids_row){.ids = x->ids[1].id, .n = info.val};
    if (!(o->val_share > 0)) x->val = x->train;
done:
    eg_pool_free(pool);
    return st;
}

static bool is_shard(const char *path)
{
    size_t n = strlen(path);

    return n > 4 && strcmp(path + n - 4, ".bin") == 0;
}

/* A row must hold a window and the token behind it. */
static eg_status check_row(const egi_ids_row *row, const char *what,
                           const eg_task_opts *o, eg_err *err)
{
    if (row->n > o->n_ctx) return EG_OK;
    return EG_FAIL(err, EG_EINVAL,
                   "task.text: %s: %lld tokens for %s; a sequence of "
                   "task.n_ctx %lld takes %lld",
                   o->text, (long long)row->n, what, (long long)o->n_ctx,
                   (long long)o->n_ctx + 1);
}

eg_status egi_text_open(egi_text *x, const eg_task_opts *o, eg_err *err)
{
    struct stat info;
    eg_status st;

    if (!o->text[0])
        return EG_FAIL(err, EG_EINVAL,
                       "task.text: is empty; expected a text, a shard, or a "
                       "folder that `engram tokenize` made");
    if (stat(o->text, &info) != 0)
        return EG_FAIL(err, EG_EIO, "task.text: %s: %s", o->text,
                       strerror(errno));
    if (S_ISDIR(info.st_mode) && eg_shards_has(o->text, "train"))
        EG_TRY(open_folder(x, o, err));
    else if (!S_ISDIR(info.st_mode) && is_shard(o->text))
        EG_TRY(open_shard(x, o, err));
    else
        EG_TRY(open_text(x, o, err));
    if (o->share < 1) x->train.n = eg_subset_tokens(x->train.n, o->share);
    EG_TRY(check_row(&x->train, "training", o, err));
    EG_TRY(check_row(&x->val,
                     "the test batch (task.val_share, or a file with "
                     "\"val\" in its name)",
                     o, err));
done:
    return st;
}
