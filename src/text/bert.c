/* BERT's WordPiece, uncased: text is cleaned, cut at white space, punctuation
 * and ideographs, put into plain form (no accents, lower case), and each word
 * is taken apart from its start by the longest tokens there are, all but the
 * first with ## before them. A word that cannot be is [UNK].
 * Devlin et al. 2018 (arXiv:1810.04805). Tables are those of Unicode 8, by
 * which the public fast tokenizer goes. */
#include <string.h>

#include "base/text.h"
#include "engram/mem.h"
#include "text/own.h"

typedef struct range {
    uint32_t first, last;
} range;
typedef struct plain {
    uint32_t from, to;
} plain;
typedef struct longer {
    uint32_t from, to[3];
} longer;

#include "text/bert_plain.h"
#include "text/bert_ranges.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
enum { LONGEST = 100 }; /* characters of a word; a longer one is [UNK] */

static bool in(const range *r, size_t n, uint32_t c)
{
    size_t lo = 0;

    while (n > 0) { /* the last range that begins at or before c */
        size_t half = n / 2;

        if (r[lo + half].last < c) {
            lo += half + 1;
            n -= half + 1;
        } else {
            if (r[lo + half].first <= c) return true;
            n = half;
        }
    }
    return false;
}

static bool is_ideograph(uint32_t c)
{
    static const range r[] = {{0x3400, 0x4dbf},   {0x4e00, 0x9fff},
                              {0xf900, 0xfaff},   {0x20000, 0x2a6df},
                              {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f},
                              {0x2b920, 0x2ceaf}, {0x2f800, 0x2fa1f}};

    return in(r, COUNT(r), c);
}

static bool is_punctuation(uint32_t c)
{
    if (c < 128)
        return c > 32 && c < 127 && !(c >= '0' && c <= '9') &&
               !((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    return in(punctuation, COUNT(punctuation), c);
}

/* c in plain form: up to 3 characters. */
static int plainly(uint32_t c, uint32_t to[3])
{
    size_t lo = 0, hi = COUNT(plain_of);

    to[0] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    if (c < 128) return 1;
    if (c >= 0xac00 && c <= 0xd7a3) { /* Unicode 16, section 3.12.2 */
        uint32_t s = c - 0xac00;

        to[0] = 0x1100 + s / 588;
        to[1] = 0x1161 + s % 588 / 28;
        to[2] = 0x11a7 + s % 28;
        return s % 28 ? 3 : 2;
    }
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (plain_of[mid].from < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < COUNT(plain_of) && plain_of[lo].from == c) {
        to[0] = plain_of[lo].to;
        return 1;
    }
    for (size_t i = 0; i < COUNT(longer_of); i++)
        if (longer_of[i].from == c) {
            memcpy(to, longer_of[i].to, 3 * sizeof *to);
            return to[2] ? 3 : to[1] ? 2 : to[0] ? 1 : 0;
        }
    return 1;
}

/* ---- a word ---------------------------------------------------------------
 */

typedef struct word {
    char s[2 + 4 * LONGEST]; /* behind room for "##" */
    size_t n;
    int chars; /* LONGEST + 1: too many */
} word;

static eg_status add_id(int32_t id, eg_ids *ids, eg_err *err)
{
    eg_status st = egi_ids_room(ids, 1, err);

    if (st == EG_OK) ids->id[ids->n++] = id;
    return st;
}

/* The longest token that the rest of a word begins with; in *n its bytes. */
static int32_t longest(const eg_tokenizer *t, word *w, size_t at, size_t *n)
{
    char *s = w->s + 2 + at, kept[2] = {0};

    if (at > 0) { /* what is in front was used up */
        s -= 2;
        memcpy(kept, s, 2);
        s[0] = s[1] = '#';
    }
    for (*n = w->n - at; *n > 0; (*n)--) {
        int32_t id = eg_tokenizer_id(t, s, *n + (at > 0 ? 2 : 0));

        if (id >= 0 && !t->special[id]) {
            if (at > 0) memcpy(s, kept, 2);
            return id;
        }
    }
    if (at > 0) memcpy(s, kept, 2);
    return -1;
}

static eg_status end_word(const eg_tokenizer *t, word *w, eg_ids *ids,
                          eg_err *err)
{
    size_t begun = ids->n, n = 0;
    eg_status st = EG_OK;
    bool unknown = w->chars > LONGEST;

    for (size_t at = 0; st == EG_OK && at < w->n && !unknown; at += n) {
        int32_t id = longest(t, w, at, &n);

        unknown = id < 0;
        if (!unknown) st = add_id(id, ids, err);
    }
    if (unknown) {
        ids->n = begun;
        st = add_id(eg_tokenizer_id(t, "[UNK]", 5), ids, err);
    }
    w->n = 0;
    w->chars = 0;
    return st;
}

static void put(word *w, uint32_t c)
{
    if (++w->chars > LONGEST) {
        w->chars = LONGEST + 1;
        return;
    }
    w->n += (size_t)egi_utf8_put(w->s + 2 + w->n, c);
}

eg_status egi_encode_pieces(const eg_tokenizer *t, const char *s, size_t n,
                            eg_ids *ids, eg_err *err)
{
    const unsigned char *from = (const unsigned char *)s;
    word w = {.n = 0};
    eg_status st = EG_OK;

    for (size_t at = 0; at < n && st == EG_OK;) {
        uint32_t c, to[3];
        int k, class = egi_class_at(&t->classes, from + at, &k), m;
        bool blank = s[at] == '\t' || s[at] == '\n' || s[at] == '\r';

        (void)egi_char_at(from + at, &c);
        at += (size_t)k;
        if (!blank && in(dropped, COUNT(dropped), c)) continue;
        blank |= class == EGI_SPACE;
        if (blank || is_ideograph(c)) EG_TRY(end_word(t, &w, ids, err));
        if (blank) continue;
        m = plainly(c, to);
        for (int i = 0; i < m; i++) {
            bool alone = is_punctuation(to[i]);

            if (alone) EG_TRY(end_word(t, &w, ids, err));
            put(&w, to[i]);
            if (alone) EG_TRY(end_word(t, &w, ids, err));
        }
        if (is_ideograph(c)) EG_TRY(end_word(t, &w, ids, err));
    }
    EG_TRY(end_word(t, &w, ids, err));
done:
    return st;
}

/* ---- vocab.txt ------------------------------------------------------------
 */

bool egi_is_vocab_txt(egi_bytes f)
{
    static const char unk[] = "\n[UNK]";
    size_t k = sizeof unk - 1;

    if (f.n >= k && memcmp(f.s, unk + 1, k - 1) == 0) return true;
    for (size_t i = 0; i + k < f.n && i < 1 << 16; i++)
        if (memcmp(f.s + i, unk, k) == 0 &&
            (f.s[i + k] == '\n' || f.s[i + k] == '\r'))
            return true;
    return false;
}

eg_status egi_read_vocab_txt(eg_tokenizer **out, egi_bytes f, const char *name,
                             eg_err *err)
{
    int lines = 1;
    eg_tokenizer *t = NULL;
    eg_status st = EG_OK;

    for (size_t i = 0; i < f.n && lines <= EG_MOST_IDS; i++)
        lines += f.s[i] == '\n';
    if (lines > EG_MOST_IDS)
        return EG_FAIL(err, EG_EFORMAT, "%s: more than %d tokens", name,
                       EG_MOST_IDS);
    EG_TRY(egi_vocab_new(&t, EG_TOKENIZER_PIECE, lines, f.n, err));
    for (size_t at = 0, k; at < f.n; at += k + 1) {
        const char *end = memchr(f.s + at, '\n', f.n - at);
        size_t n = k = end ? (size_t)(end - f.s) - at : f.n - at;

        if (n > 0 && f.s[at + n - 1] == '\r') n--;
        t->special[t->n] = n > 2 && f.s[at] == '[' && f.s[at + n - 1] == ']';
        egi_vocab_token(t, f.s + at, n);
    }
    EG_TRY(egi_vocab_index(t, name, err));
    egi_vocab_end(t, -1);
    t->eot = eg_tokenizer_id(t, "[SEP]", 5);
    EG_TRY(egi_symbols_check(t, name, err));
    *out = t;
    t = NULL;
done:
    eg_tokenizer_free(t);
    return st;
}
