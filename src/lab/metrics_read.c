/* metrics.jsonl read back as series, or as the last value of each. The file may
 * come from anybody: jansson parses every line that is not of a shape it has
 * passed before (row_scan.h). */
#include "lab/run_priv.h"

#include "base/json.h"
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/blocks.h"
#include "lab/row_scan.h"
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

/* Where the lines of a file go. */
typedef struct reader {
    eg_metrics *m;
    egi_scan scan;
    const char *name;       /* of the file */
    int number;             /* of the line */
    bool last;              /* the last value of each series is enough; then: */
    const egi_shape *shape; /* of a row that waits to be the last; NULL: none */
    const char *row;
    size_t size;
} reader;

static eg_status series_add(const reader *r, eg_series *s, double step,
                            double value, eg_err *err)
{
    if (r->last) s->n = 0;
    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : r->last ? 1 : 64;
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

static eg_status add_object(const reader *r, json_t *line, eg_err *err)
{
    const json_t *step = json_object_get(line, "step");
    const char *key;
    json_t *value;

    if (!json_is_number(step))
        return EG_FAIL(err, EG_EFORMAT, "%s:%d: no number \"step\"", r->name,
                       r->number);
    for (void *it = json_object_iter(line); it;
         it = json_object_iter_next(line, it)) {
        eg_series *s = NULL;
        eg_status st;

        key = json_object_iter_key(it);
        value = json_object_iter_value(it);
        if (strcmp(key, "step") == 0) continue;
        if (!json_is_number(value) && !json_is_null(value))
            return EG_FAIL(err, EG_EFORMAT, "%s:%d: \"%s\" is not a number",
                           r->name, r->number, key);
        st = series_get(&s, r->m, key, err);
        if (st == EG_OK)
            st = series_add(r, s, json_number_value(step),
                            json_is_null(value) ? (double)NAN
                                                : json_number_value(value),
                            err);
        if (st != EG_OK) return st;
    }
    return EG_OK;
}

static eg_status add_parsed(const reader *r, const char *text, size_t size,
                            eg_err *err)
{
    eg_status st;
    json_error_t why;
    json_t *line = egi_json_parse(text, size, 0, &why);

    if (!json_is_object(line))
        st = EG_FAIL(err, line ? EG_EFORMAT : egi_json_status(&why),
                     "%s:%d: not a JSON object%s%s", r->name, r->number,
                     line ? "" : ": ", line ? "" : why.text);
    else
        st = add_object(r, line, err);
    json_decref(line);
    return st;
}

/* Later rows of the shape of this one, which was added, will be known. */
static void learn(reader *r, const char *text, size_t size)
{
    const egi_shape *h = egi_scan_learn(&r->scan, text, size);

    for (int i = 0; h && i < h->n; i++)
        for (int k = 0; k < r->m->n; k++)
            if (strcmp(r->m->series[k].name, h->name[i]) == 0) h->tag[i] = k;
}

/* The row just taken by the scan. */
static eg_status add_row(reader *r, const egi_shape *h, eg_err *err)
{
    eg_status st = EG_OK;

    egi_scan_values(&r->scan, h);
    for (int i = 0; i < h->n && st == EG_OK; i++)
        if (i != h->step)
            st = series_add(r, &r->m->series[h->tag[i]], r->scan.value[h->step],
                            r->scan.value[i], err);
    return st;
}

/* The row that waited is the last one of its shape, for now. */
static eg_status settle(reader *r, eg_err *err)
{
    const egi_shape *h = r->shape;

    r->shape = NULL;
    if (!h) return EG_OK;
    EG_ASSERT(egi_scan_row(&r->scan, r->row, r->size) == h);
    return add_row(r, h, err);
}

static eg_status take_line(reader *r, const char *text, size_t size,
                           eg_err *err)
{
    const egi_shape *h = egi_scan_row(&r->scan, text, size);
    eg_status st = EG_OK;

    if (h && !r->last) return add_row(r, h, err);
    if (h != r->shape) st = settle(r, err);
    if (st != EG_OK) return st;
    if (h) {
        r->shape = h;
        r->row = text;
        r->size = size;
        return EG_OK;
    }
    st = add_parsed(r, text, size, err);
    if (st == EG_OK) learn(r, text, size);
    return st;
}

/* All lines of text; one that has no end, cut short by a crash, is left. */
static eg_status take_lines(reader *r, const char *text, size_t size,
                            eg_err *err)
{
    eg_status st = EG_OK;
    const char *end;

    while (st == EG_OK && size > 0 && (end = memchr(text, '\n', size))) {
        size_t n = (size_t)(end - text);

        r->number++;
        st = take_line(r, text, n, err);
        text += n + 1;
        size -= n + 1;
    }
    return st == EG_OK ? settle(r, err) : st;
}

eg_status eg_metrics_parse(eg_metrics *m, const char *text, size_t size,
                           const char *name, eg_err *err)
{
    reader r = {.m = m, .name = name};
    eg_status st;

    *m = (eg_metrics){0};
    st = take_lines(&r, text, size, err);
    egi_scan_release(&r.scan);
    if (st != EG_OK) eg_metrics_release(m);
    return st;
}

static eg_status check_size(const eg_infile *f, eg_err *err)
{
    struct stat info;

    if (fstat(f->fd, &info) != 0 || (uintmax_t)info.st_size <= MAX_FILE)
        return EG_OK; /* a read will say what is wrong */
    return EG_FAIL(err, EG_EFORMAT, "%s: expected at most %zu bytes, found %jd",
                   f->path, MAX_FILE, (intmax_t)info.st_size);
}

eg_status egi_metrics_read_in(eg_metrics *m, const eg_folder *in, bool last,
                              egi_file_sum *sum, eg_err *err)
{
    static const char file[] = "metrics.jsonl";
    char path[EG_PATH + 32];
    reader r = {.m = m, .name = path, .last = last};
    egi_blocks b = {0};
    egi_summer whole;
    eg_infile f = {.fd = -1, .path = path};
    const char *text = NULL;
    size_t size = 0;
    eg_status st;

    *m = (eg_metrics){0};
    snprintf(path, sizeof path, "%s/%s", in->path, file);
    egi_blocks_open(&b, &f);
    egi_summer_init(&whole);
    if (sum) b.sum = &whole;
    EG_TRY(eg_folder_fd(&f.fd, in, file, EG_READ, err));
    EG_TRY(check_size(&f, err));
    do {
        EG_TRY(egi_blocks_next(&b, &text, &size, err));
        EG_TRY(take_lines(&r, text, size, err));
    } while (size > 0);
    if (sum)
        *sum = (egi_file_sum){
            .said = true, .bytes = b.bytes, .sum = egi_summer_end(&whole)};
done:
    egi_blocks_release(&b);
    egi_scan_release(&r.scan);
    eg_infile_close(&f);
    if (st != EG_OK) eg_metrics_release(m);
    return st;
}

static eg_status read_dir(eg_metrics *m, const char *dir, bool last,
                          eg_err *err)
{
    eg_folder in;
    eg_status st = eg_folder_open(&in, dir, err);

    *m = (eg_metrics){0};
    if (st == EG_OK) st = egi_metrics_read_in(m, &in, last, NULL, err);
    eg_folder_close(&in);
    return st;
}

eg_status eg_metrics_read(eg_metrics *m, const char *dir, eg_err *err)
{
    return read_dir(m, dir, false, err);
}

eg_status eg_metrics_last(eg_metrics *m, const char *dir, eg_err *err)
{
    return read_dir(m, dir, true, err);
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
