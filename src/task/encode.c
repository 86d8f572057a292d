/* A text in the symbols of a task whose tokens are characters. */
#include "base/text.h"
#include "engram/corpus.h"
#include "engram/mem.h"
#include "task/kind.h"

#define MOST_BYTES ((int64_t)1 << 30)

eg_status eg_task_characters(eg_tokenizer **out, const eg_task *task,
                             eg_err *err)
{
    int V = eg_task_vocab(task);
    char *all = eg_calloc(V > 0 ? (size_t)V : 1, 4);
    size_t n = 0;
    eg_status st;

    *out = NULL;
    if (!all) return EG_FAIL(err, EG_ENOMEM, "characters of a task");
    for (int v = 0; v < V; v++)
        if (eg_task_symbol(task, v))
            n += (size_t)egi_utf8_put(all + n,
                                      (uint32_t)eg_task_symbol(task, v));
    if (n == 0)
        st = EG_FAIL(err, EG_EINVAL,
                     "the tokens of this task are no characters");
    else
        st = eg_tokenizer_chars(out, all, n, err);
    eg_free(all);
    return st;
}

/* Ids of the tokenizer, which follow the code points, become tokens. */
static eg_status rename_ids(eg_ids *ids, const eg_tokenizer *t,
                            const eg_task *task, eg_err *err)
{
    int32_t *token = eg_calloc((size_t)eg_tokenizer_vocab(t), sizeof *token);

    if (!token) return EG_FAIL(err, EG_ENOMEM, "characters of a task");
    for (int v = 0; v < eg_task_vocab(task); v++) {
        int32_t code = eg_task_symbol(task, v);
        char s[4];

        if (code)
            token[eg_tokenizer_id(t, s,
                                  (size_t)egi_utf8_put(s, (uint32_t)code))] = v;
    }
    for (size_t i = 0; i < ids->n; i++) ids->id[i] = token[ids->id[i]];
    eg_free(token);
    return EG_OK;
}

eg_status eg_task_encode(int32_t **ids, eg_index *n_ids, int64_t *left_out,
                         const eg_task *task, const char *path, eg_err *err)
{
    eg_corpus c = {.path = &path, .n = 1, .most_bytes = MOST_BYTES};
    eg_tokenize how = {.known = true};
    eg_tokenized info = {0};
    eg_ids got[2] = {0};
    eg_tokenizer *t = NULL;
    eg_pool *pool = NULL;
    eg_status st;

    *ids = NULL;
    *n_ids = 0;
    *left_out = 0;
    EG_TRY(eg_task_characters(&t, task, err));
    EG_TRY(eg_pool_new(&pool, 1, err));
    EG_TRY(eg_corpus_encode(got, &info, &c, t, &how, pool, err));
    EG_TRY(rename_ids(&got[0], t, task, err));
    *ids = got[0].id;
    *n_ids = (eg_index)got[0].n;
    *left_out = info.left_out;
    got[0] = (eg_ids){0};
done:
    for (int i = 0; i < 2; i++) eg_ids_release(&got[i]);
    eg_pool_free(pool);
    eg_tokenizer_free(t);
    return st;
}
