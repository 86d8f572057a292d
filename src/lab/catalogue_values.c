/* See catalogue_values.h. The texts that are looked into are those that
 * catalogue_details.c made: a quotation mark inside a string is escaped, so
 * that `"key":` stands before the value of that key and nowhere else. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): glibc's switch for memmem */
#define _GNU_SOURCE
#include "lab/catalogue_values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/num.h"
#include "engram/lab.h"
#include "engram/mem.h"
#include "engram/text.h"

enum { MOST_LOOKED_AT = 64 }; /* runs, for the name of a metric that is near */

static void set_text(eg_value *v, const char *text)
{
    if (!text[0]) return;
    v->kind = EG_VALUE_TEXT;
    (void)eg_text_copy(v->text, sizeof v->text, text);
    if (!egi_real_parse(text, &v->number)) v->number = (double)NAN;
}

static void set_number(eg_value *v, double x)
{
    if (isnan(x)) return;
    v->kind = EG_VALUE_NUMBER;
    v->number = x;
    egi_real_text(v->text, 6, x);
}

/* ---- of the record --------------------------------------------------------
 */

static void of_column(eg_value *v, const egi_entry *e, const egi_column *c)
{
    const void *at = (const char *)e + c->offset;

    switch (c->kind) {
    case EGI_TEXT:
    case EGI_LONG:
        set_text(v, at);
        break;
    case EGI_LIST:
        set_text(v, at);
        if (v->kind) v->kind = EG_VALUE_LIST;
        break;
    case EGI_INT:
        set_number(v, *(const int *)at);
        break;
    case EGI_BOOL:
        set_text(v, *(const bool *)at ? "true" : "false");
        break;
    case EGI_INT64:
        set_number(v, (double)*(const int64_t *)at);
        break;
    case EGI_REAL:
        set_number(v, *(const double *)at);
    }
}

/* ---- of the texts ---------------------------------------------------------
 */

/* What stands behind `"key"` and mark in text [n]; NULL: there is none. */
static const char *behind(const char *text, size_t n, const char *key,
                          size_t key_n, const char *mark)
{
    char word[EG_TEXT + 8];
    size_t len;
    const char *at;

    if (key_n >= EG_TEXT) return NULL;
    len = (size_t)snprintf(word, sizeof word, "\"%.*s\"%s", (int)key_n, key,
                           mark);
    at = memmem(text, n, word, len);
    return at ? at + len : NULL;
}

/* Bytes of the string, array, object or number at s. */
static size_t extent(const char *s)
{
    int depth = 0;
    size_t i = 0;

    if (!strchr("\"[{", *s)) return strcspn(s, ",}");
    do {
        if (s[i] == '"') {
            for (i++; s[i] && s[i] != '"'; i++)
                if (s[i] == '\\') i++;
        } else if (s[i] == '[' || s[i] == '{') {
            depth++;
        } else if (s[i] == ']' || s[i] == '}') {
            depth--;
        }
        if (s[i]) i++;
    } while (depth > 0 && s[i]);
    return i;
}

static void add_item(eg_value *v, const json_t *item)
{
    size_t n = strlen(v->text), room = sizeof v->text - n;
    const char *text = json_string_value(item);
    char number[EGI_REAL_TEXT];

    if (!text && json_is_number(item)) {
        egi_real_text(number, 6, json_number_value(item));
        text = number;
    }
    if (!text) text = json_is_true(item) ? "true" : "false";
    if (n > 0) n += eg_text_copy(v->text + n, room, ", ");
    (void)eg_text_copy(v->text + n, sizeof v->text - n, text);
}

/* A string, or an array of scalars. */
static void of_json(eg_value *v, const char *s, size_t n)
{
    char *text = eg_calloc(n + 3, 1);
    json_t *all = NULL;

    if (!text) return;
    text[0] = '[';
    memcpy(text + 1, s, n);
    text[n + 1] = ']';
    all = egi_json_parse(text, n + 2, 0, NULL);
    if (json_is_string(json_array_get(all, 0))) {
        set_text(v, json_string_value(json_array_get(all, 0)));
    } else if (json_is_array(json_array_get(all, 0))) {
        const json_t *list = json_array_get(all, 0);

        if (json_array_size(list) > 0) v->kind = EG_VALUE_LIST;
        for (size_t i = 0; i < json_array_size(list); i++)
            add_item(v, json_array_get(list, i));
    }
    json_decref(all);
    eg_free(text);
}

static void of_text(eg_value *v, const char *s)
{
    size_t n = extent(s);
    char word[64];

    if (*s == '"' || *s == '[' || *s == '{') {
        of_json(v, s, n);
        return;
    }
    if (n >= sizeof word) return;
    memcpy(word, s, n);
    word[n] = '\0';
    if (strcmp(word, "null") != 0) set_text(v, word);
    if (v->kind && !isnan(v->number)) v->kind = EG_VALUE_NUMBER;
}

/* section.key */
static void of_config(eg_value *v, const char *config, const char *key)
{
    const char *dot = strchr(key, '.'), *at;

    if (!dot) return;
    at = behind(config, strlen(config), key, (size_t)(dot - key), ":{");
    if (at) at = behind(at, extent(at - 1), dot + 1, strlen(dot + 1), ":");
    if (at) of_text(v, at);
}

void egi_value_of(eg_value *v, const egi_entry *e, const char *key)
{
    const egi_column *c = egi_column_find(key);
    const char *metric = strncmp(key, "last.", 5) == 0 ? key + 5 : key;

    v->kind = EG_VALUE_NOTHING;
    v->number = (double)NAN;
    v->text[0] = '\0';
    if (c) {
        if (strcmp(key, "point") != 0 || e->info.sweep[0]) of_column(v, e, c);
        return;
    }
    if (e->config) of_config(v, e->config, key);
    if (!v->kind && e->last) {
        const char *at =
            behind(e->last, strlen(e->last), metric, strlen(metric), ":");

        if (at) of_text(v, at);
    }
}

/* ---- which keys there are -------------------------------------------------
 */

bool egi_key_of_record(const char *key)
{
    return egi_column_find(key) != NULL;
}

typedef bool (*key_fn)(void *ctx, const char *key); /* true: enough */

static bool each_field(const char *section, const eg_field *f, key_fn fn,
                       void *ctx)
{
    for (; f->name; f++) {
        char key[EG_TEXT];

        (void)snprintf(key, sizeof key, "%s.%s", section, f->name);
        if (fn(ctx, key)) return true;
    }
    return false;
}

static bool each_known(key_fn fn, void *ctx)
{
    eg_section s;

    for (int i = 0; i < EGI_COLUMNS; i++)
        if (!egi_columns[i].own && fn(ctx, egi_columns[i].name)) return true;
    for (int i = 0; eg_config_section(NULL, i, &s); i++)
        if (each_field(s.name, s.fields, fn, ctx)) return true;
    for (int i = 0; eg_theory_at(i); i++)
        if (each_field("theory", eg_theory_at(i)->fields, fn, ctx)) return true;
    return false;
}

static bool is_it(void *ctx, const char *key)
{
    return strcmp(ctx, key) == 0;
}

bool egi_key_known(const char *key)
{
    char copy[EG_TEXT];

    if (strlen(key) >= sizeof copy) return false;
    memcpy(copy, key, strlen(key) + 1);
    return each_known(is_it, copy);
}

typedef struct nearest {
    eg_nearest near;
    char *best;
} nearest;

static bool try_key(void *ctx, const char *key)
{
    nearest *n = ctx;

    eg_nearest_try(&n->near, key);
    if (n->near.best == key) {
        (void)eg_text_copy(n->best, EG_TEXT, key);
        n->near.best = n->best; /* key may be gone soon */
    }
    return false;
}

/* Names in {"a":1,"b":2}. */
static void try_names(nearest *n, const char *text)
{
    const char *at = text, *end;

    while ((at = strchr(at, '"')) && (end = strchr(at + 1, '"'))) {
        char key[EG_TEXT];
        size_t len = (size_t)(end - at) - 1;

        if (len < sizeof key) {
            memcpy(key, at + 1, len);
            key[len] = '\0';
            (void)try_key(n, key);
        }
        at = end + 1;
    }
}

void egi_key_nearest(char near[EG_TEXT], const char *asked,
                     const egi_entry *row, int n)
{
    nearest all = {.near = {.asked = asked}, .best = near};

    near[0] = '\0';
    (void)each_known(try_key, &all);
    for (int i = 0; i < n && i < MOST_LOOKED_AT; i++)
        if (row[i].last) try_names(&all, row[i].last);
}

int egi_value_order(const eg_value *a, const eg_value *b)
{
    bool x = a->kind == EG_VALUE_NUMBER, y = b->kind == EG_VALUE_NUMBER;
    int order;

    if (!a->kind || !b->kind) return (a->kind == 0) - (b->kind == 0);
    if (x && y) return (a->number > b->number) - (a->number < b->number);
    if (x != y) return x ? -1 : 1;
    order = strcmp(a->text, b->text);
    return (order > 0) - (order < 0);
}
