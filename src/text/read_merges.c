/* vocab.bpe, merges.txt: merge i makes token 256 + i. */
#include "text/vocab.h"

#include <string.h>

#include "base/text.h"
#include "engram/mem.h"

/* Is this a line of two parts? */
static bool two_parts(const char *s, size_t n)
{
    const char *space = memchr(s, ' ', n);
    size_t k = space ? (size_t)(space - s) : n;

    return k > 0 && k + 1 < n && !memchr(s + k + 1, ' ', n - k - 1) &&
           !memchr(s, '\0', n);
}

static int count_lines(egi_bytes f)
{
    int n = 1;

    for (size_t i = 0; i < f.n && n <= EG_MOST_IDS; i++) n += f.s[i] == '\n';
    return n;
}

eg_status egi_merge_lines(char **text, const char ***line, int *n,
                          egi_bytes file, const char *name, eg_err *err)
{
    static const char top[] = "#version";
    int at = 0, room = count_lines(file);
    char *s = eg_calloc(file.n + 2, 1), *end;

    *n = 0;
    *text = s;
    *line = eg_calloc((size_t)room + 1, sizeof **line);
    if (!s || !*line) return EG_FAIL(err, EG_ENOMEM, "merges of %s", name);
    memcpy(s, file.s, file.n);
    for (char *stop = s + file.n; s < stop; s = end + 1) {
        size_t k;

        end = memchr(s, '\n', (size_t)(stop - s));
        if (!end) end = stop;
        *end = '\0';
        k = (size_t)(end - s);
        if (k > 0 && s[k - 1] == '\r') s[--k] = '\0';
        at++;
        if (at == 1 && strncmp(s, top, sizeof top - 1) == 0) continue;
        if (k == 0 && end + 1 >= stop) break;
        if (at > EG_MOST_IDS || !two_parts(s, k))
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: line %d: expected two tokens with a space "
                           "between them, at most %d lines",
                           name, at, EG_MOST_IDS);
        (*line)[(*n)++] = s;
    }
    return EG_OK;
}

/* The strings of a vocabulary: the bytes, what the merges make, the end. */
static eg_status spell(char **pool, const char ***token, int n,
                       const char *const *line, eg_err *err)
{
    size_t room = 1024;
    char *s;

    for (int i = 0; i < n; i++) room += strlen(line[i]);
    s = *pool = eg_calloc(room, 1);
    *token = eg_calloc((size_t)n + 257, sizeof **token);
    if (!s || !*token) return EG_FAIL(err, EG_ENOMEM, "%d tokens", n + 257);
    for (int i = 0; i < 256; i++) {
        (*token)[i] = s;
        s += egi_utf8_put(s, egi_letter_of(egi_base_byte(i))) + 1;
    }
    for (int i = 0; i < n; i++) {
        (*token)[256 + i] = s;
        for (const char *c = line[i]; *c; c++)
            if (*c != ' ') *s++ = *c;
        s++;
    }
    (*token)[256 + n] = "<|endoftext|>";
    return EG_OK;
}

eg_status egi_read_merges(eg_tokenizer **out, egi_bytes file, const char *name,
                          eg_err *err)
{
    eg_status st = EG_OK;
    char *text = NULL, *pool = NULL;
    const char **line = NULL, **token = NULL;
    eg_tokenizer *t = NULL;
    int n = 0;

    EG_TRY(egi_merge_lines(&text, &line, &n, file, name, err));
    EG_TRY(spell(&pool, &token, n, line, err));
    EG_TRY(eg_tokenizer_table(&t,
                              &(eg_token_table){.n = n + 257,
                                                .token = token,
                                                .n_merges = n,
                                                .merge = line,
                                                .alphabet = true,
                                                .eot = 256 + n},
                              name, err));
    for (uint32_t i = 0; i <= t->pair_mask; i++) {
        const egi_pair *p = &t->pair[i];

        if (p->left < 0 || (p->left < p->id && p->right < p->id)) continue;
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s: merge %d, '%s', is of what no line before it makes: "
                     "lines are missing or out of order",
                     name, (int)p->rank, line[p->rank]);
        goto done;
    }
    *out = t;
    t = NULL;
done:
    eg_tokenizer_free(t);
    eg_free(text);
    eg_free(line);
    eg_free(pool);
    eg_free(token);
    return st;
}
