/* Text to ids: cut into pieces, each piece looked up among those seen before,
 * else merged. */
#include <string.h>

#include "engram/mem.h"
#include "text/own.h"

/* Pieces of up to 15 bytes that became up to 4 ids are remembered, each at the
 * one place that its hash gives. */
enum { PLACES = 1 << 14, MOST_BYTES = 15, MOST_KEPT = 4 };

typedef struct kept {
    uint64_t key[2]; /* the bytes; the last byte: how many, 0 where free, and
                        how many ids, times 16 */
    int32_t id[MOST_KEPT];
} kept;

struct eg_encoder {
    const eg_tokenizer *t;
    kept *place;
    egi_merger merger;
    int64_t left_out; /* characters */
};

eg_status eg_encoder_new(eg_encoder **out, const eg_tokenizer *t, eg_err *err)
{
    eg_encoder *e = eg_calloc(1, sizeof *e);

    *out = NULL;
    if (e) e->place = eg_calloc(PLACES, sizeof *e->place);
    if (!e || !e->place) {
        eg_free(e);
        return EG_FAIL(err, EG_ENOMEM, "an encoder");
    }
    e->t = t;
    *out = e;
    return EG_OK;
}

void eg_encoder_free(eg_encoder *e)
{
    if (!e) return;
    eg_free(e->place);
    egi_merger_release(&e->merger);
    eg_free(e);
}

int64_t eg_encoder_left_out(const eg_encoder *e)
{
    return e->left_out;
}

void eg_ids_release(eg_ids *ids)
{
    eg_free(ids->id);
    *ids = (eg_ids){0};
}

eg_status egi_ids_room(eg_ids *ids, size_t n, eg_err *err)
{
    size_t room = ids->n + n;
    int32_t *id;

    if (room <= ids->room) return EG_OK;
    room += ids->room / 2 + 64;
    id = eg_realloc(ids->id, room * sizeof *id);
    if (!id) return EG_FAIL(err, EG_ENOMEM, "%zu ids", room);
    ids->id = id;
    ids->room = room;
    return EG_OK;
}

/* ---- byte-level BPE -------------------------------------------------------
 */

/* s[n] as a key, n <= MOST_BYTES; full: 16 bytes may be read at s. */
static inline void key_of(uint64_t key[2], const unsigned char *s, size_t n,
                          bool full)
{
    static const uint64_t mask[9] = {
        0,          0xff,         0xffff,         0xffffff,
        0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff,
        UINT64_MAX};

    if (full) {
        memcpy(key, s, 16);
        key[0] &= mask[n < 8 ? n : 8];
        key[1] &= mask[n > 8 ? n - 8 : 0];
    } else {
        key[0] = key[1] = 0;
        memcpy(key, s, n);
    }
    key[1] |= (uint64_t)n << 56;
}

static eg_status missing(unsigned char b, size_t at, eg_err *err)
{
    return EG_FAIL(err, EG_EINVAL,
                   "byte 0x%02x at byte %zu of the text: the vocabulary has no "
                   "token for it",
                   b, at);
}

/* A piece that is not remembered. */
static eg_status merge(eg_encoder *e, const unsigned char *s, size_t n,
                       size_t start, eg_ids *ids, eg_err *err)
{
    size_t bad = 0;
    eg_index k;
    eg_status st;

    if (n > INT32_MAX / 4)
        return EG_FAIL(err, EG_EINVAL,
                       "a word of %zu bytes at byte %zu; expected less than %d",
                       n, start, INT32_MAX / 4);
    st = egi_ids_room(ids, n, err);
    if (st != EG_OK) return st;
    k = egi_merge(e->t, &e->merger, s, n, ids->id + ids->n, &bad);
    if (k == -1) return EG_FAIL(err, EG_ENOMEM, "a word of %zu bytes", n);
    if (k == -2) return missing(s[bad], start + bad, err);
    ids->n += (size_t)k;
    return EG_OK;
}

static eg_status piece(eg_encoder *e, const unsigned char *s, size_t n,
                       bool full, size_t start, eg_ids *ids, eg_err *err)
{
    uint64_t key[2], h;
    kept *p;
    size_t before = ids->n, k;
    eg_status st;

    if (n > MOST_BYTES) return merge(e, s, n, start, ids, err);
    key_of(key, s, n, full);
    h = (key[0] ^ key[1] * UINT64_C(0x9e3779b97f4a7c15)) *
        UINT64_C(0xff51afd7ed558ccd);
    p = &e->place[h >> 50];
    _Static_assert(PLACES == 1 << (64 - 50), "the hash's upper bits");
    if (p->key[0] == key[0] &&
        ((p->key[1] ^ key[1]) & UINT64_C(0x0fffffffffffffff)) == 0) {
        memcpy(ids->id + ids->n, p->id, sizeof p->id);
        ids->n += p->key[1] >> 60;
        return EG_OK;
    }
    st = merge(e, s, n, start, ids, err);
    k = ids->n - before;
    if (st != EG_OK || k > MOST_KEPT) return st;
    memcpy(p->key, key, sizeof key);
    p->key[1] |= (uint64_t)k << 60;
    memcpy(p->id, ids->id + before, k * sizeof *p->id);
    return EG_OK;
}

/* Room is made for a stretch at a time, so that the loop need not ask. */
static eg_status encode_bpe(eg_encoder *e, const char *text, size_t n,
                            size_t start, eg_ids *ids, eg_err *err)
{
    const unsigned char *s = (const unsigned char *)text;
    const eg_tokenizer *t = e->t;
    eg_status st = EG_OK;

    for (size_t at = 0; at < n && st == EG_OK;) {
        size_t k = t->pre->next(&t->classes, s + at, n - at);

        if (ids->n + MOST_KEPT > ids->room)
            EG_TRY(egi_ids_room(ids, (n - at) / 3 + MOST_KEPT, err));
        st = piece(e, s + at, k, n - at >= 16, start + at, ids, err);
        at += k;
    }
done:
    return st;
}

/* ---- a text ---------------------------------------------------------------
 */

static eg_status encode_plain(eg_encoder *e, const char *s, size_t n,
                              size_t start, unsigned flags, eg_ids *ids,
                              eg_err *err)
{
    switch (e->t->kind) {
    case EG_TOKENIZER_CHAR:
        return egi_encode_chars(e->t, s, n, start,
                                flags & EG_ENCODE_KNOWN ? &e->left_out : NULL,
                                ids, err);
    case EG_TOKENIZER_WORD:
        return egi_encode_words(e->t, s, n, ids, err);
    case EG_TOKENIZER_PIECE:
        return egi_encode_pieces(e->t, s, n, ids, err);
    default:
        return encode_bpe(e, s, n, start, ids, err);
    }
}

/* The first special token in s[n] and, of several at one place, the longest:
 * its id, and where; -1: none. */
static int32_t find_special(const eg_tokenizer *t, const char *s, size_t n,
                            size_t *where)
{
    bool first[256] = {false};

    for (int i = 0; i < t->n_specials; i++)
        first[(unsigned char)t->bytes[t->at[t->specials[i]]]] = true;
    for (size_t at = 0; at < n; at++) {
        if (!first[(unsigned char)s[at]]) continue;
        for (int i = 0; i < t->n_specials; i++) {
            int32_t id = t->specials[i];
            size_t k = egi_token_len(t, id);

            if (k > n - at || memcmp(s + at, t->bytes + t->at[id], k) != 0)
                continue;
            *where = at;
            return id;
        }
    }
    return -1;
}

static eg_status encode_special(eg_encoder *e, const char *s, size_t n,
                                unsigned flags, eg_ids *ids, eg_err *err)
{
    eg_status st = EG_OK;
    size_t at = 0;

    while (at < n) {
        size_t where = n - at;
        int32_t id = find_special(e->t, s + at, n - at, &where);

        EG_TRY(encode_plain(e, s + at, where, at, flags, ids, err));
        at += where;
        if (id < 0) break;
        EG_TRY(egi_ids_room(ids, 1, err));
        ids->id[ids->n++] = id;
        at += egi_token_len(e->t, id);
    }
done:
    return st;
}

eg_status eg_encode(eg_encoder *e, const char *text, size_t n, unsigned flags,
                    eg_ids *ids, eg_err *err)
{
    eg_status st = EG_OK;
    size_t before = ids->n, good;
    char *mended = NULL;
    int bad = 0;

    if (n == 0) return EG_OK;
    good = egi_utf8_until(text, n, &bad);
    if (good < n && !(flags & EG_ENCODE_REPLACE))
        return EG_FAIL(err, EG_EFORMAT,
                       "byte %zu of the text, 0x%02x, begins no character of "
                       "UTF-8",
                       good, (unsigned char)text[good]);
    if (good < n) {
        EG_TRY(egi_utf8_mend(text, n, &mended, &n, err));
        text = mended;
    }
    if (flags & EG_ENCODE_SPECIAL && e->t->n_specials > 0)
        st = encode_special(e, text, n, flags, ids, err);
    else
        st = encode_plain(e, text, n, 0, flags, ids, err);
done:
    if (st != EG_OK) ids->n = before;
    eg_free(mended);
    return st;
}

eg_status eg_tokenizer_encode(const eg_tokenizer *t, const char *text, size_t n,
                              unsigned flags, eg_ids *ids, eg_err *err)
{
    eg_encoder *e = NULL;
    eg_status st = eg_encoder_new(&e, t, err);

    if (st == EG_OK) st = eg_encode(e, text, n, flags, ids, err);
    eg_encoder_free(e);
    return st;
}
