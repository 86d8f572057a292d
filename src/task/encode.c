/* A text in the symbols of a task whose tokens are characters. */
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "task/kind.h"
#include "task/utf8.h"

#define MOST_BYTES ((size_t)1 << 30)

typedef struct known {
    int32_t code, token;
} known;

static int by_code(const void *a, const void *b)
{
    const known *x = a, *y = b;

    return (x->code > y->code) - (x->code < y->code);
}

/* The characters there are, by code point; *n of them. */
static known *characters(const eg_task *task, int *n)
{
    int V = eg_task_vocab(task);
    known *k = eg_calloc(V > 0 ? (size_t)V : 1, sizeof *k);

    *n = 0;
    for (int v = 0; k && v < V; v++)
        if (eg_task_symbol(task, v))
            k[(*n)++] = (known){eg_task_symbol(task, v), v};
    if (k) qsort(k, (size_t)*n, sizeof *k, by_code);
    return k;
}

static eg_status encode(int32_t *ids, eg_index *n_ids, int64_t *left_out,
                        const known *k, int n, const char *text, size_t size,
                        const char *path, eg_err *err)
{
    egi_utf8 u = {0};

    for (size_t i = 0; i < size; i++) {
        int what = egi_utf8_byte(&u, (unsigned char)text[i]);
        known key = {u.code, 0};
        const known *hit;

        if (what == EGI_UTF8_BAD)
            return EG_FAIL(err, EG_EFORMAT, "%s: no UTF-8 at byte %lld", path,
                           (long long)u.start);
        if (what == EGI_UTF8_MORE) continue;
        hit = bsearch(&key, k, (size_t)n, sizeof *k, by_code);
        if (hit)
            ids[(*n_ids)++] = hit->token;
        else
            ++*left_out;
    }
    if (u.need > 0)
        return EG_FAIL(err, EG_EFORMAT, "%s: ends inside a character", path);
    return EG_OK;
}

eg_status eg_task_encode(int32_t **ids, eg_index *n_ids, int64_t *left_out,
                         const eg_task *task, const char *path, eg_err *err)
{
    char *text = NULL;
    size_t size = 0;
    int n;
    known *k = characters(task, &n);
    eg_status st;

    *ids = NULL;
    *n_ids = 0;
    *left_out = 0;
    if (!k) return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", path);
    if (n == 0) {
        st = EG_FAIL(err, EG_EINVAL,
                     "%s: the tokens of this task are no characters", path);
        goto done;
    }
    EG_TRY(eg_file_read(&text, &size, path, MOST_BYTES, err));
    *ids = eg_calloc(size > 0 ? size : 1, sizeof **ids);
    if (!*ids) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: no memory for %zu characters", path,
                     size);
        goto done;
    }
    EG_TRY(encode(*ids, n_ids, left_out, k, n, text, size, path, err));
done:
    eg_free(k);
    eg_free(text);
    if (st != EG_OK) {
        eg_free(*ids);
        *ids = NULL;
    }
    return st;
}
