/* See where.h: does a condition hold of a run's values? */
#include "lab/where_priv.h"

#include <math.h>
#include <string.h>

#include "base/num.h"

/* Does text [n] begin with part [m], whatever the case of letters? */
static bool begins(const char *text, size_t n, const char *part, size_t m)
{
    if (m > n) return false;
    for (size_t i = 0; i < m; i++)
        if (egi_lower(text[i]) != egi_lower(part[i])) return false;
    return true;
}

/* Does text [n] hold the parts of the pattern between its *, in order? */
static bool holds_pattern(const char *text, size_t n, const char *pattern)
{
    while (*pattern) {
        size_t m = strcspn(pattern, "*");

        while (!begins(text, n, pattern, m)) {
            if (n == 0) return false;
            text++;
            n--;
        }
        text += m;
        n -= m;
        pattern += m;
        pattern += *pattern == '*';
    }
    return true;
}

/* One text, or an item of a list. */
static bool item_is(const egi_where_node *q, const char *text, size_t n,
                    bool pattern)
{
    if (pattern) return holds_pattern(text, n, q->text);
    return strlen(q->text) == n && strncmp(text, q->text, n) == 0;
}

/* The value, or one item of it. */
static bool any_is(const egi_where_node *q, const eg_value *v, bool pattern)
{
    const char *at = v->text, *end;

    if (v->kind == EG_VALUE_LIST)
        for (; (end = strstr(at, ", ")); at = end + 2)
            if (item_is(q, at, (size_t)(end - at), pattern)) return true;
    return item_is(q, at, strlen(at), pattern);
}

/* As -1, 0, 1. */
static int order(const egi_where_node *q, const eg_value *v)
{
    int by_text;

    if (!isnan(q->number) && !isnan(v->number) &&
        !(q->quoted && v->kind != EG_VALUE_NUMBER))
        return (v->number > q->number) - (v->number < q->number);
    by_text = strcmp(v->text, q->text);
    return (by_text > 0) - (by_text < 0);
}

static bool equal(const egi_where_node *q, const eg_value *v)
{
    return v->kind == EG_VALUE_LIST ? any_is(q, v, false) : order(q, v) == 0;
}

static bool is_there(const eg_value *v)
{
    return v->kind != EG_VALUE_NUMBER
               ? strcmp(v->text, "false") != 0 && v->text[0] != '\0'
               : v->number != 0.0;
}

static bool compare(const egi_where_node *q, const eg_value *v)
{
    if (v->kind == EG_VALUE_NOTHING) return false;
    switch (q->op) {
    case THERE:
        return is_there(v);
    case EQ:
        return equal(q, v);
    case NE:
        return !equal(q, v);
    case HAS:
        return any_is(q, v, true);
    case LACKS:
        return !any_is(q, v, true);
    case LT:
        return order(q, v) < 0;
    case LE:
        return order(q, v) <= 0;
    case GT:
        return order(q, v) > 0;
    default:
        return order(q, v) >= 0;
    }
}

bool egi_where_holds(const egi_where *w, const eg_value *value)
{
    bool is[EGI_WHERE_NODES] = {false};

    /* a node stands behind those that it is made of */
    for (int i = 0; i < w->n; i++) {
        const egi_where_node *q = &w->node[i];

        if (q->op == AND)
            is[i] = is[q->a] && is[q->b];
        else if (q->op == OR)
            is[i] = is[q->a] || is[q->b];
        else if (q->op == NOT)
            is[i] = !is[q->a];
        else
            is[i] = compare(q, &value[q->a]);
    }
    return is[w->root];
}

const char *egi_where_misfit(const egi_where *w, const eg_value *value,
                             const char **key)
{
    for (int i = 0; i < w->n; i++) {
        const egi_where_node *q = &w->node[i];

        if (q->op < LT || q->op > GE || !isnan(q->number) ||
            value[q->a].kind != EG_VALUE_NUMBER)
            continue;
        *key = w->key[q->a];
        return q->text;
    }
    return NULL;
}
