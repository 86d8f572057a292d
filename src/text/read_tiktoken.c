/* tiktoken's files: a line "base64 rank" a token, merged by the rank of what
 * two neighbours are together. */
#include "text/vocab.h"

#include <string.h>

#include "base/num.h"
#include "engram/mem.h"

static int digit(char c)
{
    static const char order[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = c ? strchr(order, c) : NULL;

    return p ? (int)(p - order) : -1;
}

/* Bytes of base64 text s[n] into to; 0: it is none. */
static size_t unbase64(char *to, const char *s, size_t n)
{
    size_t k = 0;

    if (n == 0 || n % 4) return 0;
    for (size_t i = 0; i < n; i += 4) {
        int pad = i + 4 < n ? 0 : (s[i + 3] == '=') + (s[i + 2] == '=');
        uint32_t word = 0;

        if (pad > 0 && s[i + 3] != '=') return 0;
        for (size_t j = 0; j < 4; j++) {
            int d = (int)j < 4 - pad ? digit(s[i + j]) : 0;

            if (d < 0) return 0;
            word = word << 6 | (uint32_t)d;
        }
        for (int j = 0; j < 3 - pad; j++)
            to[k++] = (char)(word >> (16 - 8 * j) & 0xff);
    }
    return k;
}

/* One line: the token's bytes into to, its rank. */
static bool parse_line(const char *s, size_t n, char *to, size_t *bytes,
                       int64_t *rank)
{
    const char *space = memchr(s, ' ', n);
    char text[24];
    size_t k = space ? (size_t)(space - s) : n, m = n - k;

    if (!space || m < 2 || m > sizeof text || k > 4 * EG_TOKEN_BYTES / 2)
        return false;
    memcpy(text, space + 1, m - 1);
    text[m - 1] = '\0';
    if (!egi_is_digit(text[0]) || !egi_int_parse(text, rank)) return false;
    *bytes = unbase64(to, s, k);
    return *bytes > 0;
}

static size_t line_end(egi_bytes f, size_t at)
{
    const char *end = memchr(f.s + at, '\n', f.n - at);

    return end ? (size_t)(end - f.s) : f.n;
}

bool egi_is_tiktoken(egi_bytes f)
{
    char buf[3 * EG_TOKEN_BYTES];
    size_t bytes, end = f.n > 0 ? line_end(f, 0) : 0;
    int64_t rank;

    if (end > 0 && f.s[end - 1] == '\r') end--;
    return end > 0 && parse_line(f.s, end, buf, &bytes, &rank);
}

/* The tokens in the order of the lines, and the rank of each. */
static eg_status read_lines(egi_bytes f, char *pool, size_t *at, int32_t *rank,
                            int *n, const char *name, eg_err *err)
{
    size_t i = 0;

    at[0] = 0;
    for (int line = 1; i < f.n; line++) {
        size_t end = line_end(f, i), k = end, bytes = 0;
        int64_t r = -1;

        if (k > i && f.s[k - 1] == '\r') k--;
        if (k == i && end + 1 >= f.n) break;
        if (*n >= EG_MOST_IDS || k - i > 4 * EG_TOKEN_BYTES ||
            !parse_line(f.s + i, k - i, pool + at[*n], &bytes, &r) || r < 0 ||
            r >= EG_MOST_IDS)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: line %d: expected a token in base64 and its "
                           "rank, below %d",
                           name, line, EG_MOST_IDS);
        rank[*n] = (int32_t)r;
        at[*n + 1] = at[*n] + bytes;
        (*n)++;
        i = end + 1;
    }
    return EG_OK;
}

/* The tokens by rank, line_of [n + 1]. One rank may have none (p50k_base has
 * none with 50256, the id of <|endoftext|>): *gap; n: all have. */
static eg_status order(int32_t *line_of, int *gap, const int32_t *rank, int n,
                       const char *name, eg_err *err)
{
    for (int i = 0; i <= n; i++) line_of[i] = -1;
    for (int i = 0; i < n; i++) {
        if (rank[i] > n || line_of[rank[i]] >= 0)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: line %d: rank %d; expected 0 to %d, each once, "
                           "of which one may lack",
                           name, i + 1, (int)rank[i], n);
        line_of[rank[i]] = i;
    }
    *gap = 0;
    while (line_of[*gap] >= 0) ++*gap;
    return EG_OK;
}

/* Any text has tokens: each byte is one by itself. */
static eg_status has_bytes(const char *pool, const size_t *at, int n,
                           const char *name, eg_err *err)
{
    bool there[256] = {false};

    for (int i = 0; i < n; i++)
        if (at[i + 1] - at[i] == 1) there[(unsigned char)pool[at[i]]] = true;
    for (int b = 0; b < 256; b++)
        if (!there[b])
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: expected a token for each of the 256 bytes, "
                           "found none for byte 0x%02x",
                           name, (unsigned)b);
    return EG_OK;
}

/* <|endoftext|> has the rank that no line has, or the id behind the last one;
 * of cl100k_base and o200k_base one further: no token of theirs has the id
 * between (o200k_harmony's <|startoftext|> has it). */
enum { CL100K = 100256, O200K = 199998, END_BYTES = 64 };

static void add_end(eg_tokenizer *t, int id)
{
    static const char unused[] = "<|unused|>", end[] = "<|endoftext|>";

    while (t->n < id) {
        t->special[t->n] = true;
        egi_vocab_token(t, unused, sizeof unused - 1);
    }
    t->special[t->n] = true;
    egi_vocab_token(t, end, sizeof end - 1);
}

/* ---- how its text was cut -------------------------------------------------
 */

/* How many tokens, of those that are whole characters, this cut takes apart, so
 * that it never makes them. */
static int taken_apart(const eg_tokenizer *t, const egi_pretok *pre)
{
    int n = 0, bad;

    for (int32_t id = 0; id < t->n; id++) {
        const char *s = t->bytes + t->at[id];
        size_t size = egi_token_len(t, id);

        n += !t->special[id] && egi_utf8_until(s, size, &bad) == size &&
             pre->next(&t->classes, (const unsigned char *)s, size) < size;
    }
    return n;
}

/* The cut that takes least of them apart, the first of such. */
static eg_status find_cut(eg_tokenizer *t, const char *name, eg_err *err)
{
    int least = t->n;

    for (const egi_pretok *p = egi_pretoks; p->name; p++) {
        int n = taken_apart(t, p);

        if (n < least) {
            least = n;
            t->pre = p;
        }
    }
    if (least <= t->n / 100) return EG_OK;
    return EG_FAIL(err, EG_EUNSUPPORTED,
                   "%s: no way to cut text that engram knows makes its "
                   "tokens: %s takes %d of %d apart",
                   name, t->pre->name, least, t->n);
}

eg_status egi_read_tiktoken(eg_tokenizer **out, egi_bytes file,
                            const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    int n = 0, most = 1, gap, end;
    char *pool = NULL;
    size_t *at = NULL;
    int32_t *rank = NULL, *line_of = NULL;
    eg_tokenizer *t = NULL;

    for (size_t i = 0; i < file.n; i++) most += file.s[i] == '\n';
    pool = eg_calloc(file.n + 4 * EG_TOKEN_BYTES, 1);
    at = eg_calloc((size_t)most + 1, sizeof *at);
    rank = eg_calloc((size_t)most, sizeof *rank);
    line_of = eg_calloc((size_t)most + 1, sizeof *line_of);
    if (!pool || !at || !rank || !line_of) {
        st = EG_FAIL(err, EG_ENOMEM, "the tokens of %s", name);
        goto done;
    }
    EG_TRY(read_lines(file, pool, at, rank, &n, name, err));
    EG_TRY(order(line_of, &gap, rank, n, name, err));
    EG_TRY(has_bytes(pool, at, n, name, err));
    end = gap + (gap == n && (n == CL100K || n == O200K));
    EG_TRY(egi_vocab_new(&t, EG_TOKENIZER_BPE, (end > n ? end : n) + 1,
                         at[n] + END_BYTES, err));
    for (int i = 0; i <= n; i++) {
        int32_t line = line_of[i];

        if (i == gap)
            add_end(t, end);
        else
            egi_vocab_token(t, pool + at[line], at[line + 1] - at[line]);
    }
    EG_TRY(egi_vocab_index(t, name, err));
    EG_TRY(find_cut(t, name, err));
    EG_TRY(egi_vocab_pairs_of_ids(t, err));
    egi_vocab_end(t, end);
    *out = t;
    t = NULL;
done:
    eg_tokenizer_free(t);
    eg_free(pool);
    eg_free(at);
    eg_free(rank);
    eg_free(line_of);
    return st;
}
