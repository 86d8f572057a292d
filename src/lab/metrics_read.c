/* metrics.jsonl read back as series. The file may come from anybody: lines are
 * parsed by jansson, sizes are those of the text in memory. */
#include "lab/run_priv.h"

#include "base/json.h"
#include <math.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/text.h"

#define MAX_SERIES 4096
#define MAX_FILE ((size_t)1 << 32)

static eg_status series_get(eg_series **out, eg_metrics *m, const char *name,
                            eg_err *err)
{
    eg_series *s;

    for (int i = 0; i < m->n; i++) {
        if (strcmp(m->series[i].name, name) != 0) continue;
        *out = &m->series[i];
        return EG_OK;
    }
    if (strlen(name) >= sizeof s->name)
        return EG_FAIL(err, EG_EFORMAT,
                       "expected names below %zu bytes, "
                       "found '%.*s...'",
                       sizeof s->name, eg_text_fit(name, 40), name);
    if (m->n == MAX_SERIES)
        return EG_FAIL(err, EG_EFORMAT, "more than %d series", MAX_SERIES);
    if (m->n == m->cap) {
        int cap = m->cap ? 2 * m->cap : 32;

        s = eg_realloc(m->series, (size_t)cap * sizeof *s);
        if (!s) return EG_FAIL(err, EG_ENOMEM, "metrics: out of memory");
        m->series = s;
        m->cap = cap;
    }
    s = &m->series[m->n++];
    *s = (eg_series){0};
    snprintf(s->name, sizeof s->name, "%s", name);
    *out = s;
    return EG_OK;
}

static eg_status series_add(eg_series *s, double step, double value,
                            eg_err *err)
{
    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 64;
        double *a = eg_realloc(s->step, (size_t)cap * sizeof *a);

        if (a) {
            s->step = a;
            a = eg_realloc(s->value, (size_t)cap * sizeof *a);
        }
        if (!a) return EG_FAIL(err, EG_ENOMEM, "metrics: out of memory");
        s->value = a;
        s->cap = cap;
    }
    s->step[s->n] = step;
    s->value[s->n++] = value;
    return EG_OK;
}

static eg_status add_line(eg_metrics *m, json_t *line, const char *name,
                          int number, eg_err *err)
{
    const json_t *step = json_object_get(line, "step");
    const char *key;
    json_t *value;

    if (!json_is_number(step))
        return EG_FAIL(err, EG_EFORMAT, "%s:%d: no number \"step\"", name,
                       number);
    for (void *it = json_object_iter(line); it;
         it = json_object_iter_next(line, it)) {
        eg_series *s = NULL;
        eg_status st;

        key = json_object_iter_key(it);
        value = json_object_iter_value(it);
        if (strcmp(key, "step") == 0) continue;
        if (!json_is_number(value) && !json_is_null(value))
            return EG_FAIL(err, EG_EFORMAT, "%s:%d: \"%s\" is not a number",
                           name, number, key);
        st = series_get(&s, m, key, err);
        if (st == EG_OK)
            st = series_add(s, json_number_value(step),
                            json_is_null(value) ? (double)NAN
                                                : json_number_value(value),
                            err);
        if (st != EG_OK) return st;
    }
    return EG_OK;
}

eg_status eg_metrics_parse(eg_metrics *m, const char *text, size_t size,
                           const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    size_t at = 0;

    *m = (eg_metrics){0};
    for (int number = 1; at < size && st == EG_OK; number++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t len = end ? (size_t)(end - text) - at : size - at;
        json_error_t why;
        json_t *line;

        if (!end) break; /* cut short by a crash */
        line = egi_json_parse(text + at, len, 0, &why);
        if (!json_is_object(line))
            st = EG_FAIL(err, EG_EFORMAT, "%s:%d: not a JSON object%s%s", name,
                         number, line ? "" : ": ", line ? "" : why.text);
        else
            st = add_line(m, line, name, number, err);
        json_decref(line);
        at += len + 1;
    }
    if (st != EG_OK) eg_metrics_release(m);
    return st;
}

eg_status eg_metrics_read(eg_metrics *m, const char *path, eg_err *err)
{
    char *text = NULL;
    size_t size = 0;
    eg_status st = eg_file_read(&text, &size, path, MAX_FILE, err);

    *m = (eg_metrics){0};
    if (st == EG_OK) st = eg_metrics_parse(m, text, size, path, err);
    eg_free(text);
    return st;
}

void eg_metrics_release(eg_metrics *m)
{
    for (int i = 0; i < m->n; i++) {
        eg_free(m->series[i].step);
        eg_free(m->series[i].value);
    }
    eg_free(m->series);
    *m = (eg_metrics){0};
}

const eg_series *eg_metrics_find(const eg_metrics *m, const char *name)
{
    for (int i = 0; i < m->n; i++)
        if (strcmp(m->series[i].name, name) == 0) return &m->series[i];
    return NULL;
}
