/* Runs in settings: one name and one configuration but for the seed. A setting
 * is called by what differs between those of its name, and no more. */

#include <string.h>
#include "engram/text.h"
#include "report/settings.h"

enum { LABEL = 160, VALUE = 40 };

/* The settings of a page. */
typedef struct page {
    int n;
    egi_setting *of; /* [n] in order of their first runs */
    bool one_name;   /* then nobody needs to read it at every setting */
} page;

/* "d_model", or "model.d_model" where another key that differs ends so. */
static void add_key(char *label, size_t size, const egi_keys *keys, int k)
{
    const char *last = egi_key_word(keys->key[k].name);
    size_t used = strlen(label);
    int same = 0;

    for (int i = 0; i < keys->n; i++)
        same += strcmp(egi_key_word(keys->key[i].name), last) == 0;
    (void)eg_text_copy(label + used, size - used,
                       same > 1 ? keys->key[k].name : last);
}

/* ", " where something stands before it, key and value. */
static void add_pair(char *label, size_t size, const egi_keys *keys, int k,
                     const char *value)
{
    size_t used = strlen(label), n = strlen(value);

    (void)snprintf(label + used, size - used, "%s", used ? ", " : "");
    add_key(label, size, keys, k);
    used = strlen(label);
    (void)snprintf(label + used, size - used, " %.*s%s",
                   (int)eg_text_fit(value, n < VALUE ? n : VALUE), value,
                   n > VALUE ? "..." : "");
}

/* Of the settings [n] of one name, the heading of each: all keys that differ;
 * when they are many, those that tell the settings apart. */
static eg_status label_family(egi_member *s, int n, egi_keys *keys, eg_err *err)
{
    bool shown[EGI_KEYS_MAX];
    eg_status st = egi_keys_choose(shown, keys, s, n, err);

    for (int i = 0; i < n && st == EG_OK; i++) {
        char *label = s[i].of->differs;

        label[0] = '\0';
        for (int k = 0; k < keys->n; k++)
            if (shown[k])
                add_pair(label, sizeof s[i].of->differs, keys, k,
                         egi_key_value(&keys->key[k], s[i].config));
        label[eg_text_fit(label, LABEL)] = '\0';
    }
    return st;
}

/* What differs inside a name, as JSON for the page: [[key, value], ...]. */
static eg_status keep_values(egi_member *s, int n, egi_keys *keys, eg_err *err)
{
    int bad = 0;

    for (int i = 0; i < n; i++) {
        json_t *list = json_array();

        for (int k = 0; k < keys->n; k++) {
            const char *value = egi_key_value(&keys->key[k], s[i].config);
            json_t *pair = json_array();

            bad |=
                json_array_append_new(pair, egi_json_text(keys->key[k].name));
            bad |= json_array_append_new(pair, egi_json_text(value));
            bad |= json_array_append_new(list, pair);
        }
        s[i].of->values = list;
        bad |= !list;
    }
    return bad ? egi_report_no_memory(err) : EG_OK;
}

/* The settings that have the name of setting `from`, which is their first. */
static eg_status name_family(page *p, int from, eg_err *err)
{
    egi_member *s = eg_calloc((size_t)p->n, sizeof *s);
    egi_keys *keys = eg_calloc(1, sizeof *keys);
    const char *name = p->of[from].first->name;
    bool all_read = true;
    eg_status st = EG_OK;
    int n = 0;

    if (!s || !keys) {
        st = EG_FAIL(err, EG_ENOMEM, "report: out of memory");
        goto done;
    }
    for (int i = from; i < p->n; i++)
        if (strcmp(p->of[i].first->name, name) == 0) s[n++].of = &p->of[i];
    for (int i = 0; i < n; i++) all_read &= s[i].of->first->read;
    for (int i = 0; i < n; i++) {
        s[i].of->family = n;
        s[i].config = all_read ? egi_run_resolved(s[i].of->first)
                               : s[i].of->first->config;
    }
    if (n < 2) goto done;
    egi_keys_differ(keys, s, n);
    EG_TRY(label_family(s, n, keys, err));
    EG_TRY(keep_values(s, n, keys, err));
done:
    eg_free(keys);
    eg_free(s);
    return st;
}

/* The heading: name and what differs, or one of them. */
static void put_heading(const page *p, egi_setting *s)
{
    char name[LABEL + 8];

    (void)eg_text_clean(name, LABEL / 2, s->first->name);
    if (s->family == 1 || !s->differs[0])
        (void)snprintf(s->heading, sizeof s->heading, "%s", name);
    else if (p->one_name)
        (void)snprintf(s->heading, sizeof s->heading, "%s", s->differs);
    else
        (void)snprintf(s->heading, sizeof s->heading, "%s, %s", name,
                       s->differs);
}

/* No two settings are called the same. */
static void tell_apart(page *p)
{
    for (int i = 1; i < p->n; i++) {
        char *own = p->of[i].heading;
        size_t len = strlen(own);
        int others = 1;

        for (int k = 0; k < i; k++) {
            if (strcmp(p->of[k].heading, own) != 0) continue;
            (void)snprintf(own + len, sizeof p->of[i].heading - len,
                           ", setting %d", ++others);
            k = -1; /* is that one free? */
        }
    }
}

static eg_status name_all(page *p, eg_err *err)
{
    eg_status st = EG_OK;

    p->one_name = true;
    for (int i = 1; i < p->n; i++)
        p->one_name &= strcmp(p->of[i].first->name, p->of[0].first->name) == 0;
    for (int i = 0; i < p->n && st == EG_OK; i++)
        if (p->of[i].family == 0) st = name_family(p, i, err);
    for (int i = 0; i < p->n && st == EG_OK; i++) put_heading(p, &p->of[i]);
    if (st == EG_OK) tell_apart(p);
    return st;
}

static bool same_setting(const egi_run *a, const egi_run *b)
{
    bool read = a->read && b->read;

    return egi_same_setting(read ? egi_run_resolved(a) : a->config,
                            read ? egi_run_resolved(b) : b->config);
}

/* Which setting run r belongs to, a new one when there is none. */
static int setting_of(page *p, const egi_run *r)
{
    int i = 0;

    while (i < p->n && (strcmp(p->of[i].first->name, r->name) != 0 ||
                        !same_setting(p->of[i].first, r)))
        i++;
    if (i == p->n) p->of[p->n++] = (egi_setting){.first = r};
    return i;
}

eg_status egi_collection_group(egi_collection *c, eg_err *err)
{
    page p = {.of = eg_calloc((size_t)c->n + 1, sizeof *p.of)};
    int *at = eg_calloc((size_t)c->n + 1, sizeof *at);
    eg_status st = EG_OK;

    if (!p.of || !at) {
        st = EG_FAIL(err, EG_ENOMEM, "report: out of memory");
        goto done;
    }
    for (int i = 0; i < c->n; i++) at[i] = setting_of(&p, &c->run[i]);
    EG_TRY(name_all(&p, err));
    for (int i = 0; i < c->n && st == EG_OK; i++) {
        const egi_setting *s = &p.of[at[i]];

        c->run[i].group = eg_strdup(s->heading);
        c->run[i].differs = json_incref(s->values);
        if (!c->run[i].group) st = egi_report_no_memory(err);
    }
done:
    for (int i = 0; i < p.n; i++) json_decref(p.of[i].values);
    eg_free(p.of);
    eg_free(at);
    return st;
}
