/* eg_catalogue_select: a condition, an order and columns over all runs. */
#include "engram/catalogue.h"

#include <stdlib.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/catalogue.h"
#include "lab/catalogue_values.h"
#include "lab/where.h"

enum { MOST_SORTED = 8 };

typedef struct order {
    char key[MOST_SORTED][EG_TEXT];
    bool down[MOST_SORTED];
    int n;
} order;

/* A run that was taken, with what it is sorted by. */
typedef struct hit {
    const egi_entry *entry;
    eg_value *by; /* [order.n] */
    const order *order;
    int place; /* newest first */
} hit;

/* ---- what is asked for ----------------------------------------------------
 */

/* KEY, KEY:desc or KEY:asc at s [n]. */
static eg_status parse_one(order *o, const char *s, size_t n, eg_err *err)
{
    const char *colon = memchr(s, ':', n);
    size_t key = colon ? (size_t)(colon - s) : n;
    const char *way = colon ? colon + 1 : "asc";
    size_t way_n = colon ? n - key - 1 : 3;

    if (o->n == MOST_SORTED)
        return EG_FAIL(err, EG_EINVAL, "sort: more than %d keys", MOST_SORTED);
    if (key == 0 || key >= EG_TEXT)
        return EG_FAIL(err, EG_EINVAL, "sort: expected a key, found '%.*s'",
                       eg_text_fit(s, n < 80 ? n : 80), s);
    o->down[o->n] = way_n == 4 && strncmp(way, "desc", 4) == 0;
    if (!o->down[o->n] && !(way_n == 3 && strncmp(way, "asc", 3) == 0))
        return EG_FAIL(err, EG_EINVAL,
                       "sort: expected asc or desc behind '%.*s:', found "
                       "'%.*s'",
                       (int)key, s, (int)(way_n < 40 ? way_n : 40), way);
    memcpy(o->key[o->n], s, key);
    o->key[o->n++][key] = '\0';
    return EG_OK;
}

static eg_status parse_order(order *o, const char *text, eg_err *err)
{
    eg_status st = EG_OK;

    while (text && st == EG_OK) {
        size_t n = strcspn(text, ",");

        st = parse_one(o, text, n, err);
        text = text[n] ? text + n + 1 : NULL;
    }
    return st;
}

typedef struct query {
    const eg_select *s;
    egi_where *where;
    order order;
    egi_entry *entry;
    int n;
} query;

typedef bool (*key_fn)(void *ctx, const char *key, const char *of, int column);

/* fn for each key that is named, until it says so. */
static bool each_key(const query *q, key_fn fn, void *ctx)
{
    int column;

    for (int i = 0; q->where && i < egi_where_n_keys(q->where); i++) {
        const char *key = egi_where_key(q->where, i, &column);

        if (fn(ctx, key, "where", column)) return true;
    }
    for (int i = 0; i < q->order.n; i++)
        if (fn(ctx, q->order.key[i], "sort", 0)) return true;
    for (int i = 0; i < q->s->n_columns; i++)
        if (fn(ctx, q->s->column[i], "columns", 0)) return true;
    return false;
}

static bool needs_details(void *ctx, const char *key, const char *of,
                          int column)
{
    (void)ctx;
    (void)of;
    (void)column;
    return !egi_key_of_record(key);
}

typedef struct doubt {
    const query *q;
    eg_err *err;
} doubt;

/* A key that no run knows is a slip, not a question. */
static bool is_unknown(void *ctx, const char *key, const char *of, int column)
{
    const doubt *d = ctx;
    char near[EG_TEXT], place[32] = "";
    eg_value v;

    if (egi_key_known(key)) return false;
    for (int i = 0; i < d->q->n; i++) {
        egi_value_of(&v, &d->q->entry[i], key);
        if (v.kind) return false;
    }
    egi_key_nearest(near, key, d->q->entry, d->q->n);
    if (column) (void)snprintf(place, sizeof place, " column %d:", column);
    (void)EG_FAIL(d->err, EG_EINVAL, "%s:%s no run has '%.*s'%s%s%s", of, place,
                  eg_text_fit(key, 80), key, near[0] ? "; did you mean '" : "",
                  near, near[0] ? "'?" : "");
    return true;
}

/* ---- the answer -----------------------------------------------------------
 */

static int in_order(const void *a, const void *b)
{
    const hit *x = a, *y = b;

    for (int i = 0; i < x->order->n; i++) {
        const eg_value *v = &x->by[i], *w = &y->by[i];
        int by = egi_value_order(v, w);

        if (by == 0) continue;
        if (!v->kind || !w->kind) return by; /* nothing is last either way */
        return x->order->down[i] ? -by : by;
    }
    return (x->place > y->place) - (x->place < y->place);
}

/* value [egi_where_n_keys]: room. */
static eg_status is_taken(bool *taken, const query *q, const egi_entry *e,
                          eg_value *value, eg_err *err)
{
    const char *slip, *key = "";
    int column;

    *taken = !q->s->name || strcmp(q->s->name, e->info.name) == 0;
    if (!*taken || !q->where) return EG_OK;
    for (int i = 0; i < egi_where_n_keys(q->where); i++)
        egi_value_of(&value[i], e, egi_where_key(q->where, i, &column));
    slip = egi_where_misfit(q->where, value, &key);
    if (slip)
        return EG_FAIL(err, EG_EINVAL,
                       "where: %s is a number: expected one to compare it "
                       "with, found '%.*s'",
                       key, eg_text_fit(slip, 80), slip);
    *taken = egi_where_holds(q->where, value);
    return EG_OK;
}

static eg_status take(int *n_taken, const query *q, hit *out, eg_value *value,
                      eg_value *by, eg_err *err)
{
    int n = 0;

    for (int i = 0; i < q->n; i++) {
        bool taken;
        eg_status st = is_taken(&taken, q, &q->entry[i], value, err);

        if (st != EG_OK) return st;
        if (!taken) continue;
        out[n].entry = &q->entry[i];
        out[n].order = &q->order;
        out[n].by = by + (size_t)n * (size_t)q->order.n;
        out[n].place = i;
        for (int k = 0; k < q->order.n; k++)
            egi_value_of(&out[n].by[k], &q->entry[i], q->order.key[k]);
        n++;
    }
    if (q->order.n > 0 && n > 1) qsort(out, (size_t)n, sizeof *out, in_order);
    *n_taken = n;
    return EG_OK;
}

static eg_status answer(const query *q, const char *root, eg_select_fn fn,
                        void *ctx, eg_err *err)
{
    int keys = q->where ? egi_where_n_keys(q->where) : 0, n;
    size_t room = (size_t)q->n * (size_t)q->order.n + 1;
    hit *taken = eg_calloc((size_t)q->n + 1, sizeof *taken);
    eg_value *value = eg_calloc((size_t)keys + 1, sizeof *value);
    eg_value *by = eg_calloc(room, sizeof *by);
    eg_value *shown = eg_calloc((size_t)q->s->n_columns + 1, sizeof *shown);
    eg_status st = EG_OK;

    if (!taken || !value || !by || !shown) {
        st = EG_FAIL(err, EG_ENOMEM, "catalogue: out of memory");
        goto done;
    }
    EG_TRY(take(&n, q, taken, value, by, err));
    if (q->s->limit > 0 && n > q->s->limit) n = (int)q->s->limit;
    for (int i = 0; i < n; i++) {
        eg_run_info info;

        for (int k = 0; k < q->s->n_columns; k++)
            egi_value_of(&shown[k], taken[i].entry, q->s->column[k]);
        if (egi_entry_place(&info, taken[i].entry, root)) fn(ctx, &info, shown);
    }
done:
    eg_free(shown);
    eg_free(by);
    eg_free(value);
    eg_free(taken);
    return st;
}

eg_status eg_catalogue_select(const char *root, const eg_select *s,
                              eg_select_fn fn, void *ctx, eg_err *err)
{
    query q = {.s = s};
    doubt d = {&q, err};
    eg_err why = {0};
    eg_status st = EG_OK;

    if (s->where) {
        st = egi_where_parse(&q.where, s->where, &why);
        if (st != EG_OK) return EG_FAIL(err, st, "where: %s", why.msg);
    }
    EG_TRY(parse_order(&q.order, s->sort, err));
    EG_TRY(egi_catalogue_all(&q.entry, &q.n, root,
                             each_key(&q, needs_details, NULL), err));
    if (q.n > 0 && each_key(&q, is_unknown, &d)) {
        st = EG_EINVAL;
        goto done;
    }
    st = answer(&q, root, fn, ctx, err);
done:
    egi_entries_free(q.entry, q.n);
    egi_where_free(q.where);
    return st;
}
