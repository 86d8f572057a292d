/* Counting a text: characters and adjacent pairs, in one pass over a stream.
 *
 * Tokens are given in order of first appearance while reading and renamed to
 * code-point order at the end. Pairs live in an open hash table, so memory
 * follows the distinct pairs and not the text. */
#include "engram/mem.h"
#include "engram/task.h"
#include "task/sha256.h"
#include "task/stats.h"
#include "task/utf8.h"
#include "text/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_CODES 0x110000
#define CHUNK 16384

typedef struct pair {
    int32_t i, j;
    int64_t count; /* 0: a free place */
} pair;

typedef struct counter {
    int32_t *id_of;   /* [N_CODES] first-appearance id + 1; 0: not seen */
    int32_t *code_of; /* [EGI_STATS_MAX_SYMBOLS] */
    int64_t *seen;    /* [EGI_STATS_MAX_SYMBOLS] */
    int n_symbols, last;
    int64_t length;
    pair *table; /* [size], size a power of two, at most half full */
    size_t size, used;
} counter;

static void counter_release(counter *c)
{
    eg_free(c->id_of);
    eg_free(c->code_of);
    eg_free(c->seen);
    eg_free(c->table);
}

static eg_status counter_init(counter *c, eg_err *err)
{
    memset(c, 0, sizeof *c);
    c->last = -1;
    c->size = 4096;
    c->id_of = eg_calloc(N_CODES, sizeof *c->id_of);
    c->code_of = eg_calloc(EGI_STATS_MAX_SYMBOLS, sizeof *c->code_of);
    c->seen = eg_calloc(EGI_STATS_MAX_SYMBOLS, sizeof *c->seen);
    c->table = eg_calloc(c->size, sizeof *c->table);
    if (!c->id_of || !c->code_of || !c->seen || !c->table)
        return EG_FAIL(err, EG_ENOMEM, "counting characters");
    return EG_OK;
}

/* The place of (i, j), or the free one where it belongs. */
static pair *find(pair *table, size_t size, int32_t i, int32_t j)
{
    uint64_t key = (uint64_t)(uint32_t)i << 32 | (uint32_t)j;
    size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (size - 1);

    while (table[at].count && (table[at].i != i || table[at].j != j))
        at = (at + 1) & (size - 1);
    return table + at;
}

static eg_status grow(counter *c, eg_err *err)
{
    size_t size = 2 * c->size;
    pair *table = eg_calloc(size, sizeof *table);

    if (!table)
        return EG_FAIL(err, EG_ENOMEM, "counting %zu distinct pairs", c->used);
    for (size_t p = 0; p < c->size; p++)
        if (c->table[p].count)
            *find(table, size, c->table[p].i, c->table[p].j) = c->table[p];
    eg_free(c->table);
    c->table = table;
    c->size = size;
    return EG_OK;
}

static eg_status count_char(counter *c, int32_t code, const char *path,
                            eg_err *err)
{
    int id = c->id_of[code] - 1;

    if (id < 0) {
        if (c->n_symbols == EGI_STATS_MAX_SYMBOLS)
            return EG_FAIL(err, EG_EINVAL,
                           "%s: more than %d distinct characters: the limit "
                           "for character statistics",
                           path, EGI_STATS_MAX_SYMBOLS);
        id = c->n_symbols++;
        c->code_of[id] = code;
        c->id_of[code] = id + 1;
    }
    c->seen[id]++;
    c->length++;
    if (c->last >= 0) {
        pair *p = find(c->table, c->size, c->last, id);

        if (!p->count) {
            *p = (pair){c->last, id, 0};
            c->used++;
        }
        p->count++;
        if (2 * c->used > c->size) {
            eg_status st = grow(c, err);

            if (st != EG_OK) return st;
        }
    }
    c->last = id;
    return EG_OK;
}

static eg_status bad_utf8(const egi_utf8 *u, const char *what, const char *path,
                          eg_err *err)
{
    return EG_FAIL(err, EG_EFORMAT,
                   "%s: %s at byte %lld: the text must be UTF-8", path, what,
                   (long long)u->start);
}

static eg_status count_stream(counter *c, egi_sha256 *sha, egi_stream *f,
                              eg_err *err)
{
    unsigned char chunk[CHUNK];
    const char *path = f->in.path;
    egi_utf8 u = {0};

    for (;;) {
        size_t n;
        eg_status read = egi_stream_read(f, chunk, sizeof chunk, &n, err);

        if (read != EG_OK) return read;
        if (n == 0) break;
        egi_sha256_add(sha, chunk, n);
        for (size_t b = 0; b < n; b++) {
            int got = egi_utf8_byte(&u, chunk[b]);
            eg_status st = EG_OK;

            if (got == EGI_UTF8_BAD)
                return bad_utf8(&u, "invalid character", path, err);
            if (got == EGI_UTF8_CHAR) st = count_char(c, u.code, path, err);
            if (st != EG_OK) return st;
        }
    }
    if (u.need > 0) return bad_utf8(&u, "character cut short", path, err);
    return EG_OK;
}

static int by_code(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

static int by_tokens(const void *a, const void *b)
{
    const pair *x = a, *y = b;

    if (x->i != y->i) return x->i < y->i ? -1 : 1;
    return (x->j > y->j) - (x->j < y->j);
}

/* Renames tokens to code-point order and lays the pairs out by rows. Uses up
 * the counter: afterwards id_of holds the final tokens + 1. */
static eg_status collect(egi_stats *s, counter *c, eg_err *err)
{
    eg_index n = 0;
    eg_status st;

    s->n_symbols = c->n_symbols;
    s->n_pairs = (eg_index)c->used;
    s->length = c->length;
    st = egi_stats_alloc(s, err);
    if (st != EG_OK) return st;
    memcpy(s->symbol, c->code_of, (size_t)s->n_symbols * sizeof *s->symbol);
    qsort(s->symbol, (size_t)s->n_symbols, sizeof *s->symbol, by_code);
    for (int i = 0; i < s->n_symbols; i++) {
        int32_t *id = &c->id_of[s->symbol[i]];

        s->unigram[i] = c->seen[*id - 1];
        *id = i + 1;
    }
    for (size_t p = 0; p < c->size; p++) {
        pair q = c->table[p];

        if (!q.count) continue;
        q.i = c->id_of[c->code_of[q.i]] - 1;
        q.j = c->id_of[c->code_of[q.j]] - 1;
        c->table[n++] = q;
    }
    qsort(c->table, (size_t)n, sizeof *c->table, by_tokens);
    for (eg_index p = 0; p < n; p++) {
        s->next[p] = c->table[p].j;
        s->count[p] = c->table[p].count;
        s->row[c->table[p].i + 1] = p + 1;
    }
    for (int i = 0; i < s->n_symbols; i++) /* a row without successors */
        if (s->row[i + 1] < s->row[i]) s->row[i + 1] = s->row[i];
    return EG_OK;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

eg_status egi_stats_count(egi_stats *s, const char *text_path,
                          const char *provenance, eg_err *err)
{
    egi_stream f;
    eg_status st = egi_stream_open(&f, text_path, EGI_STATS_PIPE, 0, err);
    counter c = {0};
    egi_stats got = {0};
    egi_sha256 sha;

    memset(s, 0, sizeof *s);
    egi_sha256_init(&sha);
    if (st != EG_OK) goto done;
    EG_TRY(counter_init(&c, err));
    EG_TRY(count_stream(&c, &sha, &f, err));
    if (c.n_symbols < 2) {
        st = c.length == 0
                 ? EG_FAIL(err, EG_EINVAL, "%s: the text is empty", text_path)
                 : EG_FAIL(err, EG_EINVAL,
                           "%s: the only character is U+%04X: statistics "
                           "need two at least",
                           text_path, (unsigned)c.code_of[0]);
        goto done;
    }
    EG_TRY(collect(&got, &c, err));
    if ((size_t)snprintf(got.source, sizeof got.source, "%s",
                         provenance ? provenance : base_name(text_path)) >=
        sizeof got.source) {
        st = EG_FAIL(err, EG_EINVAL,
                     "%s: the provenance is longer than %zu bytes", text_path,
                     sizeof got.source - 1);
        goto done;
    }
    egi_sha256_hex(&sha, got.sha256);
    *s = got;
    memset(&got, 0, sizeof got);
done:
    egi_stats_release(&got);
    counter_release(&c);
    egi_stream_close(&f);
    return st;
}

eg_status eg_stats_measure(const char *text_path, const char *out_path,
                           const char *provenance, eg_err *err)
{
    egi_stats s = {0};
    eg_status st = eg_output_apart(out_path, &text_path, 1, err);

    if (st == EG_OK) st = eg_output_own(out_path, EGI_STATS_MARK, err);
    if (st == EG_OK) st = egi_stats_count(&s, text_path, provenance, err);
    if (st == EG_OK) st = egi_stats_write(&s, out_path, err);
    egi_stats_release(&s);
    return st;
}
