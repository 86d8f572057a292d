/* Keys of resolved configurations, which our own writer formats: sections,
 * two spaces, a key and a value a line. See settings.h. */

#include "report/settings.h"

#include <string.h>

/* A stretch of a text. */
typedef struct span {
    const char *p;
    size_t n;
} span;

typedef struct line {
    span section, key, value;
} line;

static bool same_span(span a, span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Without spaces around it, and without the quotes around that. */
static span bare(const char *from, const char *to)
{
    while (from < to && *from == ' ') from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\r')) to--;
    if (to - from >= 2 && *from == to[-1] && (*from == '"' || *from == '\'')) {
        from++;
        to--;
    }
    return (span){from, (size_t)(to - from)};
}

/* The next key of the text at *p, which moves behind it; false: no more. The
 * section stays until another begins. */
static bool next_line(line *l, const char **p)
{
    while (*p && **p) {
        const char *from = *p, *end = from + strcspn(from, "\n");
        const char *colon = memchr(from, ':', (size_t)(end - from));

        *p = *end ? end + 1 : end;
        if (!colon) continue;
        if (*from != ' ') {
            l->section = bare(from, colon);
            continue;
        }
        l->key = bare(from, colon);
        l->value = bare(colon + 1, end);
        return true;
    }
    return false;
}

/* Keys of the run alone: its seed, the words about it, and what changes no
 * result. */
static bool is_own(const line *l)
{
    static const char *const own[] = {"seed",  "out",     "dir",
                                      "id",    "threads", "name",
                                      "notes", "tags",    "profile"};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (same_span(l->key, (span){own[i], strlen(own[i])})) return true;
    return false;
}

static bool next_own(line *l, const char **p)
{
    while (next_line(l, p))
        if (!is_own(l)) return true;
    return false;
}

bool egi_same_setting(const char *a, const char *b)
{
    line x = {0}, y = {0};

    if (!a || !b) return a == b;
    for (;;) {
        bool more = next_own(&x, &a);

        if (more != next_own(&y, &b)) return false;
        if (!more) return true;
        if (!same_span(x.key, y.key) || !same_span(x.value, y.value) ||
            !same_span(x.section, y.section))
            return false;
    }
}

/* "section.key" cut in two at its first point. */
static void split_name(span part[2], const char *name)
{
    size_t n = strcspn(name, ".");

    part[0] = (span){name, n};
    part[1] = (span){name + n + 1, strlen(name) - n - 1};
}

/* The value of a key; p NULL: the configuration has none. */
static span find(const char *config, const char *name)
{
    span part[2];
    line l = {0};

    split_name(part, name);
    while (next_line(&l, &config))
        if (same_span(l.key, part[1]) && same_span(l.section, part[0]))
            return l.value;
    return (span){NULL, 0};
}

static bool same_value(span a, span b)
{
    return a.p && b.p ? same_span(a, b) : a.p == b.p;
}

static bool differs(const char *name, const egi_member *s, int n)
{
    span first = find(s[0].config, name);

    for (int i = 1; i < n; i++)
        if (!same_value(first, find(s[i].config, name))) return true;
    return false;
}

/* "section.key" of a line; false: too long to be one of ours. */
static bool name_of(char *name, size_t size, const line *l)
{
    int n = snprintf(name, size, "%.*s.%.*s", (int)l->section.n, l->section.p,
                     (int)l->key.n, l->key.p);

    return l->section.n > 0 && n > 0 && (size_t)n < size;
}

/* The keys of one configuration that differ and that no earlier one has. */
static void add_keys(egi_keys *keys, const egi_member *s, int n, int from)
{
    const char *p = s[from].config;
    char name[sizeof keys->key->name];
    line l = {0};

    while (keys->n < EGI_KEYS_MAX && next_own(&l, &p)) {
        bool known = false;

        if (!name_of(name, sizeof name, &l)) continue;
        for (int i = 0; i < from && !known; i++)
            known = find(s[i].config, name).p != NULL;
        if (known || !differs(name, s, n)) continue;
        memcpy(keys->key[keys->n++].name, name, sizeof name);
    }
}

/* Is the key one of a file whose checksum is in run.inputs? */
static bool is_summed(const char *name, const egi_member *s, int n)
{
    char item[sizeof((egi_key *)0)->name + 1];
    size_t length = (size_t)snprintf(item, sizeof item, "%s=", name), i;

    for (int k = 0; k < n; k++) {
        span list = find(s[k].config, "run.inputs");

        for (i = 0; list.p && i + length <= list.n; i++)
            if (memcmp(list.p + i, item, length) == 0) return true;
    }
    return false;
}

void egi_keys_differ(egi_keys *keys, const egi_member *s, int n)
{
    int kept = 0;
    bool named = false;

    keys->n = 0;
    for (int i = 0; i < n; i++) add_keys(keys, s, n, i);
    /* checksums of files say nothing where their names do */
    for (int k = 0; k < keys->n && !named; k++)
        named = is_summed(keys->key[k].name, s, n);
    for (int k = 0; k < keys->n && named; k++)
        if (strcmp(keys->key[k].name, "run.inputs") != 0)
            keys->key[kept++] = keys->key[k];
    if (named) keys->n = kept;
}

const char *egi_key_value(egi_key *key, const char *config)
{
    span v = find(config, key->name);

    if (!v.p) return "not set";
    if (v.n == 0) return "(empty)";
    (void)snprintf(key->value, sizeof key->value, "%.*s", (int)v.n, v.p);
    return key->value;
}

/* id[i]: the first setting that agrees with s[i] in all keys so far; next[i]:
 * and in one more, of these values. Returns how many there are then. */
static int refine(int *next, const int *id, const span *value, int n)
{
    int classes = 0;

    for (int i = 0; i < n; i++) {
        int k = 0;

        while (k < i && (id[k] != id[i] || !same_value(value[k], value[i])))
            k++;
        next[i] = k;
        classes += k == i;
    }
    return classes;
}

/* The keys that tell more settings apart than those before them. */
static eg_status choose_some(bool *shown, const egi_keys *keys,
                             const egi_member *s, int n, eg_err *err)
{
    int *id = eg_calloc((size_t)n, sizeof *id);
    int *next = eg_calloc((size_t)n, sizeof *next);
    span *value = eg_calloc((size_t)n, sizeof *value);
    int classes = 1;
    eg_status st = EG_OK;

    if (!id || !next || !value) {
        st = EG_FAIL(err, EG_ENOMEM, "report: out of memory");
        goto done;
    }
    for (int k = 0; k < keys->n; k++) {
        int more;

        for (int i = 0; i < n; i++)
            value[i] = find(s[i].config, keys->key[k].name);
        more = refine(next, id, value, n);
        shown[k] = more > classes;
        if (!shown[k]) continue;
        classes = more;
        memcpy(id, next, (size_t)n * sizeof *id);
    }
done:
    eg_free(value);
    eg_free(next);
    eg_free(id);
    return st;
}

eg_status egi_keys_choose(bool *shown, const egi_keys *keys,
                          const egi_member *s, int n, eg_err *err)
{
    if (keys->n > EGI_KEYS_SAID) return choose_some(shown, keys, s, n, err);
    for (int k = 0; k < keys->n; k++) shown[k] = true;
    return EG_OK;
}

const char *egi_key_word(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot ? dot + 1 : name;
}
