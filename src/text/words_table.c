/* Counting the words of a corpus, in parallel: a table a thread, then one. What
 * is counted does not depend on who counted it. */
#include "text/words_table.h"

#include <string.h>

#include "engram/mem.h"
#include "text/documents.h"
#include "text/vocab.h"

enum { MOST_WORDS = 1 << 28 };

void egi_words_release(egi_words *w)
{
    eg_free(w->pool);
    eg_free(w->word);
    eg_free(w->slot);
    *w = (egi_words){0};
}

static bool grow_slots(egi_words *w)
{
    uint32_t size = w->size ? 2 * w->size : 1 << 14;
    int32_t *slot = eg_calloc(size, sizeof *slot);

    if (!slot) return false;
    for (uint32_t i = 0; i < size; i++) slot[i] = -1;
    for (int64_t k = 0; k < w->n; k++) {
        uint32_t i = w->word[k].hash & (size - 1);

        while (slot[i] >= 0) i = (i + 1) & (size - 1);
        slot[i] = (int32_t)k;
    }
    eg_free(w->slot);
    w->slot = slot;
    w->size = size;
    return true;
}

/* Room for one more word of n bytes. */
static bool room_for(egi_words *w, size_t n)
{
    if (w->n >= MOST_WORDS) return false;
    if (2 * w->n >= (int64_t)w->size && !grow_slots(w)) return false;
    if (w->n == w->room) {
        int64_t room = 2 * w->room + 4096;
        egi_word *word = eg_realloc(w->word, (size_t)room * sizeof *word);

        if (!word) return false;
        w->word = word;
        w->room = room;
    }
    if (w->n_pool + n > w->room_pool) {
        size_t room = 2 * w->room_pool + (1 << 16);
        char *pool = eg_realloc(w->pool, room);

        if (!pool) return false;
        w->pool = pool;
        w->room_pool = room;
    }
    return true;
}

void egi_words_add(egi_words *w, const char *s, size_t n, int64_t times)
{
    uint32_t hash = egi_hash_bytes(s, n), i;

    if (w->failed || !room_for(w, n)) {
        w->failed = true;
        return;
    }
    for (i = hash & (w->size - 1); w->slot[i] >= 0;
         i = (i + 1) & (w->size - 1)) {
        egi_word *x = &w->word[w->slot[i]];

        if (x->hash != hash || x->n != n || memcmp(w->pool + x->at, s, n) != 0)
            continue;
        x->times += times;
        return;
    }
    w->slot[i] = (int32_t)w->n;
    w->word[w->n++] = (egi_word){w->n_pool, (uint32_t)n, hash, times};
    memcpy(w->pool + w->n_pool, s, n);
    w->n_pool += n;
}

/* ---- a corpus -------------------------------------------------------------
 */

enum { BLOCKS = 8 };

typedef struct count {
    const eg_corpus *c;
    const egi_pretok *pre;
    egi_classes *classes;
    egi_reader reader;
    int n_threads, n; /* blocks of a round */
    egi_block *block; /* [n] */
    eg_status *st;    /* [n] */
    eg_err *err;      /* [n] */
    egi_words *words; /* [n_threads] */
} count;

static eg_status count_part(const count *k, egi_words *w, const egi_part *p,
                            const char *text, eg_err *err)
{
    char *mended;
    size_t n;
    eg_status st = egi_part_utf8(p, k->c->replace, &text, &n, &mended, err);
    const unsigned char *s = (const unsigned char *)text;

    if (st != EG_OK) return st;
    for (size_t at = 0; at < n;) {
        size_t m = k->pre->next(k->classes, s + at, n - at);

        if (m > 1 && m <= EGI_LONGEST_WORD)
            egi_words_add(w, (const char *)s + at, m, 1);
        at += m;
    }
    eg_free(mended);
    return EG_OK;
}

static void count_block(void *ctx, int i, int worker)
{
    const count *k = ctx;
    const egi_block *b = &k->block[i];
    const char *text = b->text;

    k->st[i] = EG_OK;
    for (int p = 0; p < b->n_parts && k->st[i] == EG_OK; p++) {
        k->st[i] =
            count_part(k, &k->words[worker], &b->part[p], text, &k->err[i]);
        text += b->part[p].n;
    }
}

static eg_status tell(const count *k, int64_t most,
                      const eg_corpus_watch *watch, eg_err *err)
{
    eg_corpus_progress p = {.what = "counting words",
                            .bytes = egi_reader_at(&k->reader),
                            .of_bytes = k->reader.files.bytes};

    if (p.of_bytes > most && k->reader.bytes >= p.bytes) p.of_bytes = most;
    if (watch && watch->progress) watch->progress(watch->ctx, &p);
    if (watch && watch->stop && watch->stop(watch->ctx))
        return EG_FAIL(err, EG_EBUSY, "stopped; nothing was written");
    return EG_OK;
}

static eg_status rounds(count *k, int64_t most, eg_pool *pool,
                        const eg_corpus_watch *watch, eg_err *err)
{
    eg_status st = EG_OK;

    for (int got = k->n; got == k->n && k->reader.bytes < most;) {
        for (got = 0; got < k->n && k->reader.bytes < most; got++) {
            EG_TRY(egi_reader_next(&k->reader, &k->block[got], err));
            if (k->block[got].n_parts == 0) break;
        }
        eg_pool_run(pool, got, count_block, k);
        for (int i = 0; i < got; i++)
            if (k->st[i] != EG_OK) {
                if (err) *err = k->err[i];
                return k->st[i];
            }
        EG_TRY(tell(k, most, watch, err));
    }
done:
    return st;
}

static bool all_there(const count *k)
{
    return k->classes && k->block && k->st && k->err && k->words;
}

static eg_status gather(egi_words *out, count *k, eg_err *err)
{
    for (int i = 0; i < k->n_threads; i++) {
        const egi_words *w = &k->words[i];

        out->failed |= w->failed;
        for (int64_t j = 0; j < w->n; j++)
            egi_words_add(out, w->pool + w->word[j].at, w->word[j].n,
                          w->word[j].times);
        egi_words_release(&k->words[i]);
    }
    if (out->failed) return EG_FAIL(err, EG_ENOMEM, "the words of a corpus");
    return EG_OK;
}

eg_status egi_words_count(egi_words *w, const eg_corpus *c,
                          const egi_pretok *pre, int64_t most_bytes,
                          eg_pool *pool, const eg_corpus_watch *watch,
                          eg_err *err)
{
    int threads = eg_pool_size(pool);
    size_t n = (size_t)threads * BLOCKS;
    count k = {.c = c,
               .pre = pre,
               .reader = {.source = {.in = {.fd = -1}}},
               .n_threads = threads,
               .n = (int)n,
               .classes = eg_calloc(1, sizeof *k.classes),
               .block = eg_calloc(n, sizeof *k.block),
               .st = eg_calloc(n, sizeof *k.st),
               .err = eg_calloc(n, sizeof *k.err),
               .words = eg_calloc((size_t)threads, sizeof *k.words)};
    eg_status st = EG_OK;

    *w = (egi_words){0};
    if (!all_there(&k)) {
        st = EG_FAIL(err, EG_ENOMEM, "counting words");
        goto done;
    }
    egi_classes_init(k.classes);
    EG_TRY(egi_reader_open(&k.reader, c, err));
    EG_TRY(rounds(&k, most_bytes, pool, watch, err));
    EG_TRY(gather(w, &k, err));
done:
    egi_reader_close(&k.reader);
    for (size_t i = 0; k.block && i < n; i++) egi_block_release(&k.block[i]);
    for (int i = 0; k.words && i < threads; i++) egi_words_release(&k.words[i]);
    eg_free(k.classes);
    eg_free(k.block);
    eg_free(k.st);
    eg_free(k.err);
    eg_free(k.words);
    if (st != EG_OK) egi_words_release(w);
    return st;
}
