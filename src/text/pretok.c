/* Pre-tokenisation: regular expressions of the models, as scanners by hand.
 *
 * gpt2:   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+
 *         |\s+(?!\S)|\s+
 * smollm: \p{N} each by itself, and between them gpt2
 * llama3: (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}
 *         | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * gpt4:   the same, but \s+$ before \s*[\r\n]+
 * qwen2:  llama3 with \p{N} in the place of \p{N}{1,3}
 * o200k:  [^\r\n\p{L}\p{N}]?U*L+C?|[^\r\n\p{L}\p{N}]?U+L*C?|\p{N}{1,3}
 *         | ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *         with U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}],
 *         L = [\p{Ll}\p{Lm}\p{Lo}\p{M}] and C the contractions of llama3
 *
 * The first alternative that matches wins. \s is White_Space: U+0085 is, U+180E
 * and U+001C are not. */
#include "text/pretok.h"

#include <stdio.h>
#include <string.h>

#include "engram/tokenizer.h"

/* The end of the run of a class that begins at s[at]. */
static inline size_t run(const egi_classes *u, const unsigned char *s,
                         size_t at, size_t n, int class)
{
    int k;

    while (at < n && egi_class_at(u, s + at, &k) == class) at += (size_t)k;
    return at;
}

/* White space from s[0]: where it ends, and in *last where its last character
 * begins. */
static size_t white(const egi_classes *u, const unsigned char *s, size_t n,
                    size_t *last)
{
    size_t at = 0;
    int k;

    *last = 0;
    while (at < n && egi_class_at(u, s + at, &k) == EGI_SPACE) {
        *last = at;
        at += (size_t)k;
    }
    return at;
}

/* \s+(?!\S)|\s+: all of a run at the end, else all but its last character,
 * else that one. */
static size_t blank(const egi_classes *u, const unsigned char *s, size_t n)
{
    size_t last, end = white(u, s, n, &last);

    return end == n || last == 0 ? end : last;
}

/* 's 't 're 've 'm 'll 'd behind the apostrophe at s[0]; 0: none. */
static inline size_t contraction(const unsigned char *s, size_t n)
{
    if (n >= 2 && (s[1] == 's' || s[1] == 't' || s[1] == 'm' || s[1] == 'd'))
        return 2;
    if (n >= 3 &&
        ((s[1] == 'r' && s[2] == 'e') || (s[1] == 'v' && s[2] == 'e') ||
         (s[1] == 'l' && s[2] == 'l')))
        return 3;
    return 0;
}

static size_t gpt2_next(const egi_classes *u, const unsigned char *s, size_t n)
{
    size_t at = s[0] == ' ' && n > 1;
    int k, class = egi_class_at(u, s + at, &k);

    if (s[0] == '\'') {
        size_t c = contraction(s, n);

        if (c > 0) return c;
    }
    if (class == EGI_SPACE) return blank(u, s, n);
    return run(u, s, at + (size_t)k, n, class);
}

/* Digits end what is before them, so white space before one is at an end. */
static size_t smollm_next(const egi_classes *u, const unsigned char *s,
                          size_t n)
{
    size_t last, end;
    int k, class = egi_class_at(u, s, &k);

    if (class == EGI_NUMBER) return (size_t)k;
    if (class == EGI_SPACE) {
        end = white(u, s, n, &last);
        if (end < n && egi_class_at(u, s + end, &k) == EGI_NUMBER) return end;
    }
    return gpt2_next(u, s, n);
}

/* ---- those of 2023 and after ----------------------------------------------
 */

/* As contraction, in either case; U+017F is a small s, too. */
static size_t any_contraction(const unsigned char *s, size_t n)
{
    unsigned char low[3] = {'\'', 0, 0};

    if (n >= 3 && s[1] == 0xc5 && s[2] == 0xbf) return 3;
    for (size_t i = 1; i < 3 && i < n; i++)
        low[i] = s[i] < 0x80 ? (unsigned char)(s[i] | 0x20) : s[i];
    return contraction(low, n < 3 ? n : 3);
}

/* Where the last line's end of s[from, to) ends; 0: there is none. */
static size_t behind_line(const unsigned char *s, size_t to)
{
    while (to > 0 && s[to - 1] != '\r' && s[to - 1] != '\n') to--;
    return to;
}

/* digits: most of a number; last: white space at the end is one piece; slash:
 * behind punctuation, as ends of lines are. */
static inline size_t wide_next(const egi_classes *u, const unsigned char *s,
                               size_t n, int digits, bool last, bool slash)
{
    int k, class = egi_class_at(u, s, &k), next = -1, m;
    size_t at = (size_t)k, mark;

    if (s[0] == '\'') {
        size_t c = any_contraction(s, n);

        if (c > 0) return c;
    }
    if (at < n) next = egi_class_at(u, s + at, &m);
    if (class == EGI_LETTER) return run(u, s, at, n, EGI_LETTER);
    if (class == EGI_NUMBER) {
        while (--digits > 0 && at < n &&
               egi_class_at(u, s + at, &m) == EGI_NUMBER)
            at += (size_t)m;
        return at;
    }
    if (next == EGI_LETTER && s[0] != '\r' && s[0] != '\n')
        return run(u, s, at, n, EGI_LETTER);
    if (class == EGI_OTHER || (s[0] == ' ' && next == EGI_OTHER)) {
        at = run(u, s, at, n, EGI_OTHER);
        while (at < n &&
               (s[at] == '\r' || s[at] == '\n' || (slash && s[at] == '/')))
            at++;
        return at;
    }
    at = white(u, s, n, &mark);
    if (last && at == n) return n;
    mark = behind_line(s, at);
    return mark > 0 ? mark : blank(u, s, n);
}

static size_t gpt4_next(const egi_classes *u, const unsigned char *s, size_t n)
{
    return wide_next(u, s, n, 3, true, false);
}

static size_t llama3_next(const egi_classes *u, const unsigned char *s,
                          size_t n)
{
    return wide_next(u, s, n, 3, false, false);
}

static size_t qwen2_next(const egi_classes *u, const unsigned char *s, size_t n)
{
    return wide_next(u, s, n, 1, false, false);
}

/* The end of the run of characters that can have this case from s[at] on, and
 * in *open where the last one that can have either ends; 0: there is none. */
static size_t case_run(const egi_classes *u, const unsigned char *s, size_t at,
                       size_t n, int which, size_t *open)
{
    int k, c;

    *open = 0;
    while (at < n && ((c = egi_case_at(u, s + at, &k)) & which) != 0) {
        at += (size_t)k;
        if (c == EGI_CASELESS) *open = at;
    }
    return at;
}

/* U*L+: capitals give back what can be a small letter, if none follows. 0: no
 * such word begins at s[at]. */
static size_t small_word(const egi_classes *u, const unsigned char *s,
                         size_t at, size_t n)
{
    size_t open, unused, end = case_run(u, s, at, n, EGI_UPPER, &open);
    size_t small = case_run(u, s, end, n, EGI_LOWER, &unused);

    return small > end ? small : open;
}

/* A word of o200k from s[0], with a character before it; 0: there is none. */
static size_t cased_word(const egi_classes *u, const unsigned char *s, size_t n)
{
    int k, class = egi_class_at(u, s, &k);
    bool before = (class == EGI_OTHER || class == EGI_SPACE) && s[0] != '\r' &&
                  s[0] != '\n';
    size_t first = before ? (size_t)k : 0, end = small_word(u, s, first, n);
    size_t unused;

    if (end == 0 && before) end = small_word(u, s, 0, n);
    if (end == 0) {
        end = case_run(u, s, first, n, EGI_UPPER, &unused);
        if (end == first) return 0;
    }
    return end +
           (end < n && s[end] == '\'' ? any_contraction(s + end, n - end) : 0);
}

static size_t o200k_next(const egi_classes *u, const unsigned char *s, size_t n)
{
    size_t word = cased_word(u, s, n);

    return word > 0 ? word : wide_next(u, s, n, 3, false, true);
}

/* ---- the table ------------------------------------------------------------
 */

#define CONTRACTIONS "'s|'t|'re|'ve|'m|'ll|'d"
#define WIDE(digits)                                              \
    "(?i:" CONTRACTIONS ")|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(letters) \
    "[^\\r\\n\\p{L}\\p{N}]?" letters "(?i:" CONTRACTIONS ")?|"
#define O200K                  \
    CASED(UPPER "*" LOWER "+") \
    CASED(UPPER "+" LOWER "*") \
    "\\p{N}{1,3}"              \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

const egi_pretok egi_pretoks[] = {
    {"gpt2", "words, numbers and punctuation, with the space before them",
     "gpt-2",
     CONTRACTIONS "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
     gpt2_next},
    {"smollm", "as gpt2, with digits each by itself (SmolLM)", NULL, NULL,
     smollm_next},
    {"gpt4",
     "words with any one character before them, numbers by three digits, "
     "punctuation with the line's end behind it (tiktoken's cl100k)",
     NULL, NULL, gpt4_next},
    {"llama3", "as gpt4, but for white space at the end of a text (Llama 3)",
     "llama-bpe", WIDE("\\p{N}{1,3}"), llama3_next},
    {"qwen2", "as llama3, with digits each by itself (Qwen)", NULL,
     WIDE("\\p{N}"), qwen2_next},
    {"o200k",
     "as llama3, with a word's end where a capital follows a small letter, and "
     "contractions at their words (tiktoken's o200k)",
     "gpt-4o", O200K, o200k_next},
    {NULL, NULL, NULL, NULL, NULL}};

const egi_pretok *egi_pretok_find(const char *name)
{
    for (const egi_pretok *p = egi_pretoks; p->name; p++)
        if (strcmp(p->name, name) == 0 ||
            (p->gguf && strcmp(p->gguf, name) == 0))
            return p;
    return NULL;
}

void egi_pretok_names(char *buf, size_t size)
{
    size_t at = 0;

    for (const egi_pretok *p = egi_pretoks; p->name && at < size; p++)
        at += (size_t)snprintf(buf + at, size - at, "%s%s",
                               p == egi_pretoks ? ""
                               : p[1].name      ? ", "
                                                : " and ",
                               p->name);
}

const char *eg_pretokenizer_name(int i, const char **help)
{
    if (i < 0 || i >= (int)(sizeof egi_pretoks / sizeof *egi_pretoks) - 1)
        return NULL;
    if (help) *help = egi_pretoks[i].help;
    return egi_pretoks[i].name;
}
