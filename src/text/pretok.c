/* Pre-tokenisation: regular expressions of the models, as scanners by hand.
 *
 * gpt2:   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+
 *         |\s+(?!\S)|\s+
 * smollm: \p{N} each by itself, and between them gpt2
 *
 * The first alternative that matches wins. \s is White_Space: U+0085 is, U+180E
 * and U+001C are not. */
#include "text/pretok.h"

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

const egi_pretok egi_pretoks[] = {
    {"gpt2", "words, numbers and punctuation, with the space before them",
     gpt2_next},
    {"smollm", "as gpt2, with digits each by itself (SmolLM)", smollm_next},
    {NULL, NULL, NULL}};

const egi_pretok *egi_pretok_find(const char *name)
{
    for (const egi_pretok *p = egi_pretoks; p->name; p++)
        if (strcmp(p->name, name) == 0) return p;
    return NULL;
}

const char *eg_pretokenizer_name(int i, const char **help)
{
    if (i < 0 || i >= (int)(sizeof egi_pretoks / sizeof *egi_pretoks) - 1)
        return NULL;
    if (help) *help = egi_pretoks[i].help;
    return egi_pretoks[i].name;
}
