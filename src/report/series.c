/* metrics.jsonl as columns: one flat object a line becomes one point in each
 * series it names. Damaged lines (a cut-off last one, for instance) are
 * counted and skipped; values that are not finite are kept as such. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lab/row_scan.h"
#include "report/report_impl.h"
#include "base/num.h"

enum { MAX_SERIES = 4096 };

/* The series of that name, new when there is none; NULL in *out when there are
 * too many. False: no memory. */
static bool series_get(egi_series **out, egi_table *t, const char *name,
                       int *hint)
{
    egi_series *s;

    *out = NULL;
    for (int k = 0; k < t->n; k++) {
        int i = (*hint + k) % t->n;
        if (strcmp(t->series[i].name, name) == 0) {
            *hint = i + 1; /* rows repeat their order */
            *out = &t->series[i];
            return true;
        }
    }
    if (t->n == MAX_SERIES) return true;
    if (t->n == t->cap) {
        int cap = t->cap ? 2 * t->cap : 32;
        s = eg_realloc(t->series, (size_t)cap * sizeof *s);
        if (!s) return false;
        t->series = s;
        t->cap = cap;
    }
    s = &t->series[t->n];
    memset(s, 0, sizeof *s);
    s->name = eg_strdup(name);
    if (!s->name) return false;
    *hint = ++t->n;
    *out = s;
    return true;
}

static bool series_add(egi_series *s, double step, double value)
{
    /* a resumed run writes some steps again: the later line counts */
    while (s->n > 0 && s->step[s->n - 1] >= step) s->n--;
    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 64;
        double *step_new, *value_new;

        step_new = eg_realloc(s->step, (size_t)cap * sizeof *step_new);
        if (!step_new) return false;
        s->step = step_new;
        value_new = eg_realloc(s->value, (size_t)cap * sizeof *value_new);
        if (!value_new) return false;
        s->value = value_new;
        s->cap = cap;
    }
    s->step[s->n] = step;
    s->value[s->n++] = value;
    return true;
}

/* Bare NaN and Infinity, which JSON does not know, as strings. */
static char *quote_nonfinite(const char *line)
{
    static const char *const words[] = {"NaN",  "nan", "-Infinity", "Infinity",
                                        "-inf", "inf", "-nan"};
    char *out = eg_calloc(2 * strlen(line) + 1, 1), *o = out;
    bool in_text = false;

    if (!out) return NULL;
    while (*line) {
        size_t n = 0;
        if (*line == '"') in_text = !in_text;
        if (*line == '\\' && line[1]) *o++ = *line++;
        for (size_t w = 0; !in_text && !n && w < sizeof words / sizeof *words;
             w++)
            if (strncmp(line, words[w], strlen(words[w])) == 0)
                n = strlen(words[w]);
        if (n) {
            *o++ = '"';
            memcpy(o, line, n);
            o += n;
            *o++ = '"';
            line += n;
        } else {
            *o++ = *line++;
        }
    }
    return out;
}

/* True when j stands for a number; null and "nan" are NaN. */
static bool number_of(const json_t *j, double *out)
{
    const char *s = json_string_value(j);
    char *end;

    if (json_is_number(j))
        *out = json_number_value(j);
    else if (json_is_null(j))
        *out = (double)NAN;
    else if (json_is_boolean(j))
        *out = json_is_true(j) ? 1 : 0;
    else if (s) {
        *out = egi_strtod(s, &end);
        return end != s && *end == '\0' && !isfinite(*out);
    } else
        return false;
    return true;
}

/* What jansson has read. */
static eg_status row_add(egi_table *t, json_t *row, int *hint, eg_err *err)
{
    const char *name;
    json_t *value;
    double step, x;
    bool whole = true;

    if (!number_of(json_object_get(row, "step"), &step) || !isfinite(step)) {
        t->n_bad++;
        return EG_OK;
    }
    json_object_foreach(row, name, value)
    {
        egi_series *s;

        if (strcmp(name, "step") == 0) continue;
        if (!number_of(value, &x)) continue;
        if (!series_get(&s, t, name, hint) || (s && !series_add(s, step, x)))
            return EG_FAIL(err, EG_ENOMEM, "metrics: out of memory");
        whole = whole && s;
    }
    if (!whole) t->n_bad++;
    t->n_rows++;
    return EG_OK;
}

/* A line of a new shape, which later ones may have as well. */
static eg_status line_add(egi_table *t, egi_scan *scan, char *line, size_t size,
                          int *hint, eg_err *err)
{
    json_error_t why;
    json_t *row = egi_json_parse(line, size, 0, &why);
    int64_t bad = t->n_bad;
    egi_shape *h = NULL;
    eg_status st = EG_OK;

    if (!row && egi_json_status(&why) != EG_ENOMEM) {
        char *again = quote_nonfinite(line);

        if (!again) return egi_report_no_memory(err);
        row = egi_json_parse(again, strlen(again), 0, &why);
        eg_free(again);
    }
    if (!row && egi_json_status(&why) == EG_ENOMEM)
        return egi_report_no_memory(err);
    if (json_is_object(row))
        st = row_add(t, row, hint, err);
    else
        t->n_bad++;
    json_decref(row);
    if (st == EG_OK && t->n_bad == bad) h = egi_scan_learn(scan, line, size);
    for (int i = 0; h && i < h->n; i++)
        for (int k = 0; k < t->n; k++)
            if (strcmp(t->series[k].name, h->name[i]) == 0) h->tag[i] = k;
    return st;
}

/* The row that scan has taken. */
static bool scanned_add(egi_table *t, egi_scan *scan, const egi_shape *h)
{
    const double *v = scan->value;

    egi_scan_values(scan, h);
    for (int i = 0; i < h->n; i++)
        if (i != h->step &&
            !series_add(&t->series[h->tag[i]], v[h->step], v[i]))
            return false;
    t->n_rows++;
    return true;
}

eg_status egi_table_parse(egi_table *t, char *text, eg_err *err)
{
    eg_status st = EG_OK;
    egi_scan scan = {0};
    int hint = 0;
    int64_t number = 0, before = t->n_bad, first = 0;
    char *line = text, *next;

    for (; line && *line && st == EG_OK; line = next) {
        size_t size = strcspn(line, "\n");
        const egi_shape *h;

        number++;
        next = line[size] ? line + size + 1 : NULL;
        line[size] = '\0';
        h = egi_scan_row(&scan, line, size);
        if (h) {
            if (!scanned_add(t, &scan, h))
                st = EG_FAIL(err, EG_ENOMEM, "metrics: out of memory");
            continue;
        }
        if (line[strspn(line, " \t\r")] == '\0') continue;
        st = line_add(t, &scan, line, size, &hint, err);
        if (t->n_bad > before && !first) t->first_bad = first = number;
    }
    egi_scan_release(&scan);
    return st;
}

void egi_table_release(egi_table *t)
{
    for (int i = 0; i < t->n; i++) {
        eg_free(t->series[i].name);
        eg_free(t->series[i].step);
        eg_free(t->series[i].value);
    }
    eg_free(t->series);
    memset(t, 0, sizeof *t);
}

const egi_series *egi_table_find(const egi_table *t, const char *name)
{
    for (int i = 0; i < t->n; i++)
        if (strcmp(t->series[i].name, name) == 0) return &t->series[i];
    return NULL;
}

void egi_table_retime(egi_table *t, const char *clock)
{
    const egi_series *c = egi_table_find(t, clock);
    egi_series own;

    if (!c) return;
    own = *c;
    for (int i = 0; i < t->n; i++) {
        egi_series *s = &t->series[i];
        int kept = 0;

        for (int p = 0, q = 0; p < s->n && s->step != own.step; p++) {
            while (q < own.n && own.step[q] < s->step[p]) q++;
            if (q == own.n || own.step[q] > s->step[p] ||
                !isfinite(own.value[q]))
                continue;
            s->step[kept] = own.value[q];
            s->value[kept++] = s->value[p];
        }
        s->n = kept;
    }
    /* the clock itself is no curve */
    for (int i = 0, to = 0, n = t->n; i < n; i++) {
        if (t->series[i].step == own.step)
            t->n--;
        else
            t->series[to++] = t->series[i];
    }
    eg_free(own.name);
    eg_free(own.step);
    eg_free(own.value);
}

/* Which points are shown: the first ones, then every thin-th, and the last. */
typedef struct thinned {
    int head, thin;
} thinned;

static bool shown(int i, int n, thinned t)
{
    return i < t.head || i == n - 1 || (i - t.head) % t.thin == 0;
}

static json_t *number_json(double x)
{
    if (!isfinite(x)) return json_null();
    if (x == floor(x) && fabs(x) < 1e15) return json_integer((json_int_t)x);
    return json_real(x);
}

/* Those of the values that are shown. */
static json_t *shown_json(const double *v, int n, thinned thin)
{
    json_t *list = json_array();
    int bad = 0;

    for (int p = 0; p < n && !bad; p++)
        if (shown(p, n, thin))
            bad |= json_array_append_new(list, number_json(v[p]));
    return egi_json_whole(list, bad);
}

/* The position of these steps among the axes, added when new; -1: no memory. */
static int axis_index(json_t *axes, const egi_table *t, int *owner, int i,
                      thinned thin)
{
    const egi_series *s = &t->series[i];
    int n = (int)json_array_size(axes);

    for (int k = 0; k < n; k++) {
        const egi_series *o = &t->series[owner[k]];
        if (o->n == s->n &&
            memcmp(o->step, s->step, (size_t)s->n * sizeof *s->step) == 0)
            return k;
    }
    if (json_array_append_new(axes, shown_json(s->step, s->n, thin))) return -1;
    owner[n] = i;
    return n;
}

/* How many values are not finite, and where the first one is. */
static int not_finite(const egi_series *s, int *first)
{
    int count = 0;

    for (int p = 0; p < s->n; p++)
        if (!isfinite(s->value[p]) && !count++) *first = p;
    return count;
}

static thinned thinning(const egi_table *t, int max_points)
{
    thinned out = {.head = max_points * EGI_HEAD_ROWS / EGI_MAX_POINTS};
    int longest = 0;

    for (int i = 0; i < t->n; i++)
        if (t->series[i].n > longest) longest = t->series[i].n;
    out.thin = longest <= out.head
                   ? 1
                   : 1 + (longest - out.head) / (max_points - out.head);
    return out;
}

json_t *egi_table_json(const egi_table *t, int max_points)
{
    json_t *axes = json_array(), *series = json_object(), *bad = json_object();
    thinned thin = thinning(t, max_points);
    int missing = 0;
    int *owner = eg_calloc((size_t)t->n + 1, sizeof *owner);

    for (int i = 0; owner && i < t->n && !missing; i++) {
        const egi_series *s = &t->series[i];
        int first = 0, count = not_finite(s, &first);
        int axis = axis_index(axes, t, owner, i, thin);

        missing |= axis < 0;
        missing |= json_object_set_new(
            series, s->name,
            json_pack("[i, o]", axis, shown_json(s->value, s->n, thin)));
        if (count)
            missing |= json_object_set_new(
                bad, s->name,
                json_pack("[i, o]", count, number_json(s->step[first])));
    }
    missing |= !owner;
    eg_free(owner);
    return egi_json_whole(json_pack("{s:o, s:o, s:o, s:i, s:i, s:I}", "axes",
                                    axes, "series", series, "bad", bad, "thin",
                                    thin.thin, "head", thin.head, "rows",
                                    (json_int_t)t->n_rows),
                          missing);
}
