/* Reading values out of a YAML tree, and filling option tables from it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engram/yaml.h"
#include "base/num.h"
#include "base/text.h"

const eg_node *eg_node_get(const eg_node *n, const char *key)
{
    if (!n || n->kind != EG_NODE_MAP) return NULL;
    for (int i = 0; i < n->n; i++) {
        if (strcmp(n->item[i].key, key) == 0) return &n->item[i];
    }
    return NULL;
}

const char *eg_node_text(const eg_node *n, const char *key)
{
    const eg_node *child = eg_node_get(n, key);

    return child ? child->text : NULL;
}

bool eg_node_is_null(const eg_node *n)
{
    if (n->kind != EG_NODE_SCALAR || n->quoted) return false;
    return n->text[0] == '\0' || strcmp(n->text, "~") == 0 ||
           strcmp(n->text, "null") == 0;
}

const char *eg_node_what(const eg_node *n)
{
    switch (n->kind) {
    case EG_NODE_MAP:
        return "a map";
    case EG_NODE_SEQ:
        return "a list";
    case EG_NODE_SCALAR:
        break;
    }
    return eg_node_is_null(n) ? "nothing" : "text";
}

eg_status eg_node_fail_(const eg_node *n, bool at_key, eg_err *err,
                        eg_status st, const char *where, const char *fmt, ...)
{
    char why[sizeof((eg_err *)0)->msg];
    bool key = at_key && n->key;
    va_list ap;

    va_start(ap, fmt);
    (void)egi_vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    eg_fail_(err, st, where, "%s:%d:%d: %s", n->file,
             key ? n->key_line : n->line, key ? n->key_col : n->col, why);
    return st;
}

static eg_status wrong_kind(const eg_node *n, const eg_field *f, eg_err *err)
{
    char want[300];

    egi_field_expected(f, want, sizeof want);
    return EG_NODE_FAIL(n, err, EG_EINVAL, "%s: expected %s, found %s", f->name,
                        want, eg_node_what(n));
}

/* A sequence of scalars, each kept as it is: commas are no separators here. */
static eg_status fill_list(const eg_node *n, const eg_field *f, void *opts,
                           eg_err *err)
{
    eg_strs list = {.n = n->n};

    if (n->n > EG_STRS_MAX) {
        return EG_NODE_FAIL(n, err, EG_EINVAL,
                            "%s: expected at most %d items, found %d", f->name,
                            EG_STRS_MAX, n->n);
    }
    for (int i = 0; i < n->n; i++) {
        const eg_node *item = &n->item[i];
        size_t length = 0;

        if (item->kind != EG_NODE_SCALAR || eg_node_is_null(item)) {
            return EG_NODE_FAIL(item, err, EG_EINVAL,
                                "%s: expected text as item %d, found %s",
                                f->name, i + 1, eg_node_what(item));
        }
        length = strlen(item->text);
        if (length >= EG_STRS_LEN) {
            return EG_NODE_FAIL(item, err, EG_EINVAL,
                                "%s: item %d: expected at most %d bytes, "
                                "found %zu",
                                f->name, i + 1, EG_STRS_LEN - 1, length);
        }
        memcpy(list.item[i], item->text, length + 1);
    }
    memcpy((char *)opts + f->offset, &list, sizeof list);
    return EG_OK;
}

eg_status eg_node_field(const eg_node *n, const eg_field *f, void *opts,
                        eg_err *err)
{
    eg_err why = {0};
    eg_status st = EG_OK;

    if (f->kind == EG_FIELD_LIST && n->kind == EG_NODE_SEQ) {
        return fill_list(n, f, opts, err);
    }
    if (n->kind != EG_NODE_SCALAR || eg_node_is_null(n)) {
        return wrong_kind(n, f, err);
    }
    st = eg_field_parse(f, opts, n->text, &why);
    if (st != EG_OK) st = EG_NODE_FAIL(n, err, st, "%s", why.msg);
    return st;
}

static bool is_other(const char *key, const char *const *others)
{
    for (; others && *others; others++) {
        if (strcmp(*others, key) == 0) return true;
    }
    return false;
}

static eg_status unknown_key(const eg_node *n, const eg_field *table,
                             const char *const *others, eg_err *err)
{
    eg_nearest near = {.asked = n->key};
    char all[300] = "";
    egi_text t = egi_text_on(all, sizeof all);

    for (const eg_field *f = table; f->name; f++) {
        eg_nearest_try(&near, f->name);
        egi_text_add(&t, "%s%s", t.len ? ", " : "", f->name);
    }
    for (; others && *others; others++) {
        eg_nearest_try(&near, *others);
        egi_text_add(&t, "%s%s", t.len ? ", " : "", *others);
    }
    if (near.best) {
        return EG_KEY_FAIL(n, err, EG_EINVAL,
                           "unknown key '%.*s'; did you mean '%s'?",
                           eg_text_fit(n->key, 64), n->key, near.best);
    }
    return EG_KEY_FAIL(n, err, EG_EINVAL,
                       "unknown key '%.*s'; expected one of %s%s",
                       eg_text_fit(n->key, 64), n->key, all,
                       t.len >= sizeof all ? " ..." : "");
}

eg_status eg_node_fill(const eg_node *map, const eg_field *table, void *opts,
                       const char *const *others, eg_err *err)
{
    eg_status st = EG_OK;

    if (map->kind != EG_NODE_MAP) {
        return EG_NODE_FAIL(map, err, EG_EINVAL,
                            "%s%sexpected a map of keys and values, found %s",
                            map->key ? map->key : "", map->key ? ": " : "",
                            eg_node_what(map));
    }
    for (int i = 0; i < map->n; i++) {
        const eg_node *n = &map->item[i];
        const eg_field *f = eg_field_find(table, n->key);

        if (f)
            EG_TRY(eg_node_field(n, f, opts, err));
        else if (!is_other(n->key, others))
            EG_TRY(unknown_key(n, table, others, err));
    }
done:
    return st;
}

int eg_yaml_quote(char *buf, size_t size, const char *text)
{
    egi_text t = egi_text_on(buf, size);

    egi_text_quote(&t, text);
    return (int)t.len;
}
