/* Runs in groups: one name and one configuration but for the seed. */

#include <string.h>
#include "engram/text.h"
#include "report/report_impl.h"

enum { LINES = 400, KEYS_SHOWN = 6, LABEL = 160 };

/* A group before it has its name. */
typedef struct class
{
    const egi_run *first;
    int same_name; /* groups of that name before it */
    char label[LABEL + 512];
} class;

/* Lines of a resolved configuration that belong to the run alone. */
static bool is_own(const char *line)
{
    static const char *const own[] = {
        "seed:", "out:", "dir:", "id:", "threads:"};

    line += strspn(line, " ");
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strncmp(line, own[i], strlen(own[i])) == 0) return true;
    return false;
}

static bool same_line(const char *a, const char *b)
{
    size_t n = strcspn(a, "\n");

    return n == strcspn(b, "\n") && strncmp(a, b, n) == 0;
}

/* Do two resolved configurations agree in all lines but those? */
static bool same_config(const char *a, const char *b)
{
    if (!a || !b) return a == b;
    while (*a || *b) {
        if (!(is_own(a) && is_own(b)) && !same_line(a, b)) return false;
        a += strcspn(a, "\n");
        b += strcspn(b, "\n");
        a += *a == '\n';
        b += *b == '\n';
    }
    return true;
}

/* Where the lines of text begin, at most LINES of them. */
static int split(const char *text, const char *line[LINES])
{
    int n = 0;

    while (text && *text && n < LINES) {
        line[n++] = text;
        text = strchr(text, '\n');
        if (text) text++;
    }
    return n;
}

/* Marks the lines in which text differs from line [n]; false when their keys
 * are others, as in another version's configuration. */
static bool mark(bool *varies, const char *const *line, int n, const char *text)
{
    const char *other[LINES];

    if (split(text, other) != n) return false;
    for (int i = 0; i < n; i++) {
        size_t key = strcspn(line[i], ":\n") + 1;

        if (strncmp(line[i], other[i], key) != 0) return false;
    }
    for (int i = 0; i < n; i++)
        if (!is_own(line[i]) && !same_line(line[i], other[i])) varies[i] = true;
    return true;
}

/* ", section.key=value" of the lines that vary. */
static void say(char *label, size_t size, const char *text, const bool *varies)
{
    const char *line[LINES], *section = "";
    int n = split(text, line), said = 0;
    size_t used = strlen(label);

    for (int i = 0; i < n && said < KEYS_SHOWN; i++) {
        const char *key = line[i] + strspn(line[i], " ");
        size_t m = strcspn(key, ":\n");
        const char *value = key + m + 1 + strspn(key + m + 1, " ");
        size_t length = strcspn(value, "\n");

        if (key == line[i]) section = key;
        if (!varies[i] || key == line[i]) continue;
        used += (size_t)snprintf(
            label + used, size - used, ", %.*s.%.*s=%.*s",
            (int)strcspn(section, ":\n"), section, (int)m, key,
            eg_text_fit(value, length < 40 ? length : 40), value);
        if (used >= size) used = size - 1;
        said++;
    }
    label[eg_text_fit(label, LABEL)] = '\0';
}

/* The groups of the name of c[0]: where they differ, each says how. */
static void label_name(class *c, int n)
{
    const char *line[LINES];
    bool varies[LINES] = {false};
    int lines = split(c->first->config, line), groups = 1;

    for (int i = 1; i < n; i++) {
        if (strcmp(c[i].first->name, c->first->name) != 0) continue;
        groups++;
        (void)mark(varies, line, lines, c[i].first->config);
    }
    for (int i = 0; i < n; i++) {
        bool unused[LINES] = {false};

        if (strcmp(c[i].first->name, c->first->name) != 0) continue;
        (void)eg_text_clean(c[i].label, LABEL / 2, c[i].first->name);
        if (groups > 1 && mark(unused, line, lines, c[i].first->config))
            say(c[i].label, sizeof c[i].label, c[i].first->config, varies);
    }
}

/* Two groups never share a name. */
static void tell_apart(class *c, int n)
{
    for (int i = 1; i < n; i++) {
        size_t len = strlen(c[i].label);
        int others = 1;

        for (int k = 0; k < i; k++) {
            if (strcmp(c[k].label, c[i].label) != 0) continue;
            snprintf(c[i].label + len, sizeof c[i].label - len, " (%d)",
                     ++others);
            k = -1; /* is that one free? */
        }
    }
}

eg_status egi_collection_group(egi_collection *c, eg_err *err)
{
    class *group = eg_calloc((size_t)c->n + 1, sizeof *group);
    int *of = eg_calloc((size_t)c->n + 1, sizeof *of), n = 0;
    eg_status st = EG_OK;

    for (int i = 0; group && of && i < c->n; i++) {
        const egi_run *r = &c->run[i];

        group[n] = (class){.first = r};
        for (of[i] = 0; of[i] < n; of[i]++) {
            const egi_run *o = group[of[i]].first;

            if (strcmp(o->name, r->name) != 0) continue;
            if (same_config(o->config, r->config)) break;
            group[n].same_name++;
        }
        n += of[i] == n;
    }
    for (int i = 0; i < n; i++)
        if (group[i].same_name == 0) label_name(group + i, n - i);
    tell_apart(group, n);
    for (int i = 0; i < c->n; i++) {
        c->run[i].group = group && of ? eg_strdup(group[of[i]].label) : NULL;
        if (!c->run[i].group) st = EG_FAIL(err, EG_ENOMEM, "out of memory");
    }
    eg_free(group);
    eg_free(of);
    return st;
}
