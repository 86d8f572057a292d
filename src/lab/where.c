/* See where.h: a parser by descent, which leaves nodes in a table. */
#include "lab/where_priv.h"

#include <math.h>
#include <string.h>
#include "base/num.h"
#include "engram/mem.h"
#include "engram/text.h"

enum { MOST_DEPTH = 64 };

static const struct {
    const char *text;
    egi_where_op op;
} sign[] = {{"==", EQ}, {"!=", NE}, {"<=", LE}, {">=", GE}, {"!~", LACKS},
            {"=", EQ},  {"<", LT},  {">", GT},  {"~", HAS}};
enum { SIGNS = sizeof sign / sizeof *sign };

/* ---- words ----------------------------------------------------------------
 */

typedef enum kind { END, OPEN, CLOSE, SIGN, WORD } kind;

typedef struct parser {
    egi_where *w;
    const char *text, *at;
    int depth;
    eg_err *err;
    /* the word that is next */
    kind kind;
    const char *from;
    size_t n;
    bool quoted;
    egi_where_op sign;
} parser;

static int column_of(const parser *p, const char *at)
{
    int column = 1;
    uint32_t code;

    for (const char *s = p->text; s < at; column++) {
        int n = eg_text_char(s, &code);

        s += n ? n : 1;
    }
    return column;
}

/* Is there one of the signs, and which? */
static bool take_sign(parser *p)
{
    for (int i = 0; i < SIGNS; i++) {
        size_t n = strlen(sign[i].text);

        if (strncmp(p->at, sign[i].text, n) != 0) continue;
        p->kind = SIGN;
        p->sign = sign[i].op;
        p->n = n;
        p->at += n;
        return true;
    }
    return false;
}

static eg_status take_quoted(parser *p)
{
    const char *end = strchr(p->at + 1, *p->at);

    if (!end)
        return EG_FAIL(p->err, EG_EINVAL, "column %d: no end of %.40s",
                       column_of(p, p->at), p->at);
    p->kind = WORD;
    p->quoted = true;
    p->from = p->at + 1;
    p->n = (size_t)(end - p->from);
    p->at = end + 1;
    return EG_OK;
}

static eg_status next(parser *p)
{
    while (egi_is_space(*p->at)) p->at++;
    p->from = p->at;
    p->quoted = false;
    p->n = 1;
    if (*p->at == '\0') {
        p->kind = END;
        p->n = 0;
    } else if (*p->at == '(' || *p->at == ')') {
        p->kind = *p->at++ == '(' ? OPEN : CLOSE;
    } else if (*p->at == '\'' || *p->at == '"') {
        return take_quoted(p);
    } else if (!take_sign(p)) {
        p->kind = WORD;
        p->n = strcspn(p->at, " \t\r\n()'\"=<>~!");
        if (p->n == 0)
            return EG_FAIL(p->err, EG_EINVAL,
                           "column %d: unexpected '%.1s'; not equal is !=",
                           column_of(p, p->at), p->at);
        p->at += p->n;
    }
    return EG_OK;
}

static bool is_word(const parser *p, const char *word)
{
    return p->kind == WORD && !p->quoted && p->n == strlen(word) &&
           strncmp(p->from, word, p->n) == 0;
}

/* "expected ..., found ..." at the word that is next. */
static eg_status expected(const parser *p, const char *what)
{
    if (p->kind == END)
        return EG_FAIL(p->err, EG_EINVAL,
                       "column %d: expected %s, found the end",
                       column_of(p, p->from), what);
    return EG_FAIL(p->err, EG_EINVAL, "column %d: expected %s, found '%.*s'",
                   column_of(p, p->from), what, eg_text_fit(p->from, p->n),
                   p->from);
}

/* ---- nodes ----------------------------------------------------------------
 */

static eg_status no_memory(const parser *p)
{
    return EG_FAIL(p->err, EG_ENOMEM, "condition: out of memory");
}

static eg_status add(parser *p, int *out, egi_where_op how, int a, int b)
{
    if (p->w->n == EGI_WHERE_NODES)
        return EG_FAIL(p->err, EG_EINVAL,
                       "column %d: more than %d comparisons and words",
                       column_of(p, p->from), EGI_WHERE_NODES);
    p->w->node[p->w->n] =
        (egi_where_node){.op = how, .a = a, .b = b, .number = (double)NAN};
    *out = p->w->n++;
    return EG_OK;
}

static char *copy(const parser *p)
{
    char *s = eg_calloc(p->n + 1, 1);

    if (s) memcpy(s, p->from, p->n);
    return s;
}

static eg_status take_key(parser *p, int *out)
{
    egi_where *w = p->w;

    if (p->kind != WORD || p->n == 0 || is_word(p, "and") || is_word(p, "or"))
        return expected(p, "a key");
    if (p->n >= EG_TEXT)
        return EG_FAIL(p->err, EG_EINVAL,
                       "column %d: expected a key below %d bytes",
                       column_of(p, p->from), EG_TEXT);
    for (*out = 0; *out < w->n_keys; ++*out)
        if (strlen(w->key[*out]) == p->n &&
            strncmp(w->key[*out], p->from, p->n) == 0)
            return next(p);
    if (w->n_keys == EGI_WHERE_KEYS)
        return EG_FAIL(p->err, EG_EINVAL, "column %d: more than %d keys",
                       column_of(p, p->from), EGI_WHERE_KEYS);
    w->key[w->n_keys] = copy(p);
    if (!w->key[w->n_keys]) return no_memory(p);
    w->column[w->n_keys++] = column_of(p, p->from);
    return next(p);
}

static eg_status comparison(parser *p, int *out)
{
    char what[40];
    eg_status st;
    int key = 0, how;
    egi_where_node *n;

    EG_TRY(take_key(p, &key));
    if (p->kind == WORD && !is_word(p, "and") && !is_word(p, "or")) {
        st = expected(p, "a comparison (= != < <= > >= ~ !~), and or or");
        goto done;
    }
    how = p->kind == SIGN ? (int)p->sign : THERE;
    EG_TRY(add(p, out, (egi_where_op)how, key, 0));
    if (how == THERE) return EG_OK;
    (void)snprintf(what, sizeof what, "a value behind '%.*s'", (int)p->n,
                   p->from);
    EG_TRY(next(p));
    if (p->kind != WORD) return expected(p, what);
    n = &p->w->node[*out];
    n->text = copy(p);
    if (!n->text) return no_memory(p);
    n->quoted = p->quoted;
    if (!egi_real_parse(n->text, &n->number)) n->number = (double)NAN;
    st = next(p);
done:
    return st;
}

static eg_status condition(parser *p, int *out);

static eg_status one(parser *p, int *out)
{
    eg_status st;
    int inner = 0;

    if (++p->depth > MOST_DEPTH)
        return EG_FAIL(p->err, EG_EINVAL, "column %d: more than %d deep",
                       column_of(p, p->from), MOST_DEPTH);
    if (is_word(p, "not")) {
        EG_TRY(next(p));
        EG_TRY(one(p, &inner));
        EG_TRY(add(p, out, NOT, inner, 0));
    } else if (p->kind == OPEN) {
        EG_TRY(next(p));
        EG_TRY(condition(p, out));
        if (p->kind != CLOSE) return expected(p, "')'");
        EG_TRY(next(p));
    } else {
        EG_TRY(comparison(p, out));
    }
    p->depth--;
done:
    return st;
}

static eg_status both(parser *p, int *out)
{
    eg_status st;
    int more = 0;

    EG_TRY(one(p, out));
    while (is_word(p, "and")) {
        EG_TRY(next(p));
        EG_TRY(one(p, &more));
        EG_TRY(add(p, out, AND, *out, more));
    }
done:
    return st;
}

static eg_status condition(parser *p, int *out)
{
    eg_status st;
    int more = 0;

    EG_TRY(both(p, out));
    while (is_word(p, "or")) {
        EG_TRY(next(p));
        EG_TRY(both(p, &more));
        EG_TRY(add(p, out, OR, *out, more));
    }
done:
    return st;
}

eg_status egi_where_parse(egi_where **out, const char *text, eg_err *err)
{
    parser p = {.text = text, .at = text, .err = err};
    eg_status st;

    *out = NULL;
    p.w = eg_calloc(1, sizeof *p.w);
    if (!p.w) return no_memory(&p);
    EG_TRY(next(&p));
    EG_TRY(condition(&p, &p.w->root));
    if (p.kind != END) {
        st = expected(&p, "and, or, or the end");
        goto done;
    }
    *out = p.w;
    p.w = NULL;
done:
    egi_where_free(p.w);
    return st;
}

void egi_where_free(egi_where *w)
{
    if (!w) return;
    for (int i = 0; i < w->n; i++) eg_free(w->node[i].text);
    for (int i = 0; i < w->n_keys; i++) eg_free(w->key[i]);
    eg_free(w);
}

int egi_where_n_keys(const egi_where *w)
{
    return w->n_keys;
}

const char *egi_where_key(const egi_where *w, int i, int *column)
{
    *column = w->column[i];
    return w->key[i];
}
