/* Seeds as text: "3", "0-9", "1,2,5", in claims and on the command line. */
#include <string.h>

#include "base/num.h"
#include "engram/config.h"
#include "engram/text.h"
#include "lab/claim_priv.h"

enum { WORD = 96 };

/* Where the "-" of a range stands, that of "3-5" and not of "-3" or "1e-3". */
static const char *range_mark(const char *word)
{
    for (const char *s = strchr(word, '-'); s; s = strchr(s + 1, '-'))
        if (s > word && egi_is_digit(s[-1])) return s;
    return NULL;
}

static eg_status take_seed(int64_t *out, const char *word, eg_err *err)
{
    eg_run_opts o;
    eg_status st =
        eg_field_parse(eg_field_find(eg_run_fields, "seed"), &o, word, err);

    if (st == EG_OK) *out = o.seed;
    return st;
}

/* What stands between two commas; *fits: in order, and not too many. */
static eg_status add_word(eg_seeds *s, char *word, bool *fits, eg_err *err)
{
    eg_status st = EG_OK;
    int64_t a = 0, b = 0;
    const char *mark = range_mark(word);

    if (mark) word[mark - word] = '\0';
    EG_TRY(take_seed(&a, word, err));
    b = a;
    if (mark) EG_TRY(take_seed(&b, mark + 1, err));
    *fits = b >= a && b - a < EG_SEEDS_MAX - s->n;
    for (; *fits && a <= b; a++) s->seed[s->n++] = a;
done:
    return st;
}

eg_status eg_seeds_add(eg_seeds *s, const char *text, eg_err *err)
{
    const char *at = text;
    bool fits = true;

    while (fits) {
        char word[WORD];
        size_t n = strcspn(at, ",");
        eg_status st = EG_OK;

        if (n >= sizeof word || strspn(at, " ") >= n) break;
        memcpy(word, at, n);
        word[n] = '\0';
        st = add_word(s, word, &fits, err);
        if (st != EG_OK) return st;
        if (fits && at[n] == '\0') return EG_OK;
        at += n + 1;
    }
    return EG_FAIL(err, EG_EINVAL,
                   "expected seeds such as 3, 0-9 or 1,2,5 (at most %d), found "
                   "'%.*s'",
                   EG_SEEDS_MAX, eg_text_fit(text, 40), text);
}

eg_status egi_seeds_parse(eg_seeds *s, const eg_node *node, eg_err *err)
{
    eg_err why = {0};
    eg_status st = EG_OK;

    *s = (eg_seeds){0};
    if (node->kind == EG_NODE_MAP || (node->kind == EG_NODE_SEQ && !node->n))
        return EG_NODE_FAIL(node, err, EG_EINVAL,
                            "seeds: expected 1-10 or [1, 2], found %s",
                            eg_node_what(node));
    if (node->kind == EG_NODE_SCALAR) {
        st = eg_seeds_add(s, node->text, &why);
        return st == EG_OK ? st
                           : EG_NODE_FAIL(node, err, st, "seeds: %s", why.msg);
    }
    for (int i = 0; i < node->n && st == EG_OK; i++) {
        const eg_node *n = &node->item[i];

        st = eg_seeds_add(s, n->text ? n->text : "", &why);
        if (st != EG_OK) return EG_NODE_FAIL(n, err, st, "seeds: %s", why.msg);
    }
    return st;
}
