/* Reading numbers: sizes are known before anything is allocated. */
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "base/folder.h"
#include "base/text.h"
#include "base/num.h"
#include "flow/numbers.h"

static const size_t max_csv_bytes = (size_t)1 << 32;

typedef struct reader {
    const char *s, *end, *name;
    eg_index line, rows, columns;
    double *data; /* NULL: counting */
} reader;

static void skip_blanks(reader *r)
{
    while (r->s < r->end && (*r->s == ' ' || *r->s == '\t' || *r->s == '\r'))
        r->s++;
}

static void skip_line(reader *r)
{
    while (r->s < r->end && *r->s != '\n') r->s++;
    if (r->s < r->end) r->s++;
    r->line++;
}

/* strtod takes any white space, also the end of the line */
static bool read_cell(reader *r, double *value)
{
    char *after = NULL;

    skip_blanks(r);
    if (r->s == r->end || *r->s == '\n' || *r->s == '\v' || *r->s == '\f')
        return false;
    *value = egi_strtod(r->s, &after);
    if (after == r->s) return false;
    r->s = after;
    skip_blanks(r);
    return r->s == r->end || *r->s == ',' || *r->s == '\n';
}

static eg_status bad_cell(const reader *r, const char *from, eg_err *err)
{
    char word[24];
    size_t n = 0;

    while (n + 1 < sizeof word && from + n < r->end && from[n] != ',' &&
           from[n] != '\n') {
        word[n] = from[n];
        if ((unsigned char)word[n] < ' ' || word[n] == 0x7f) word[n] = '?';
        n++;
    }
    word[n] = '\0';
    return EG_FAIL(err, EG_EFORMAT, "%s:%td: expected a number, found '%s'",
                   r->name, r->line, word);
}

static eg_status read_line(reader *r, eg_err *err)
{
    eg_index columns = 0;

    for (;;) {
        const char *from = r->s;
        double value = 0;

        if (!read_cell(r, &value)) return bad_cell(r, from, err);
        if (r->data && columns < r->columns)
            r->data[r->rows * r->columns + columns] = value;
        columns++;
        if (r->s == r->end || *r->s != ',') break;
        r->s++;
    }
    if (r->rows > 0 && columns != r->columns)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s:%td: expected %td numbers, found %td", r->name,
                       r->line, r->columns, columns);
    r->columns = columns;
    r->rows++;
    return EG_OK;
}

/* Names of columns: a line in which no cell begins as a number. */
static bool is_header(const reader *r)
{
    const char *s = r->s;

    for (;;) {
        char *after = NULL;

        while (s < r->end && (*s == ' ' || *s == '\t' || *s == '\"')) s++;
        if (s == r->end || *s == '\n' || *s == '\r' || *s == ',') return false;
        (void)egi_strtod(s, &after);
        if (after != s) return false;
        while (s < r->end && *s != ',' && *s != '\n') s++;
        if (s == r->end || *s == '\n') return true;
        s++;
    }
}

/* A program's names of columns, 0,1,2 as pandas writes them without others; how
 * many, 0: the line is something else. A single 0 is a number. */
static eg_index numbering(const reader *r)
{
    const char *s = r->s;
    eg_index n = 0;

    for (;; s++, n++) {
        char want[24];
        size_t length = (size_t)snprintf(want, sizeof want, "%td", n);

        if ((size_t)(r->end - s) < length || memcmp(s, want, length) != 0)
            return 0;
        s += length;
        if (s == r->end || *s != ',') break;
    }
    if (s < r->end && *s == '\r') s++;
    return (s == r->end || *s == '\n') && n > 0 ? n + 1 : 0;
}

/* Has every cell of the next line with numbers a point or an exponent, as
 * programs write reals? */
static bool reals_follow(const reader *r)
{
    reader next = *r;
    bool real = false;

    do {
        skip_line(&next);
        skip_blanks(&next);
    } while (next.s < next.end && (*next.s == '\n' || *next.s == '#'));
    for (; next.s < next.end && *next.s != '\n'; next.s++) {
        if (*next.s == '.' || *next.s == 'e' || *next.s == 'E') real = true;
        if (*next.s == ',') {
            if (!real) return false;
            real = false;
        }
    }
    return real;
}

/* Is the first line left out? Above reals, 0,1,2 is a program's numbering; but
 * 0,1 may be a point as well, and nobody can know. */
static eg_status take_first(const reader *r, bool *skip, eg_err *err)
{
    eg_index n = reals_follow(r) ? numbering(r) : 0;

    *skip = n > 2 || is_header(r);
    if (n != 2) return EG_OK;
    return EG_FAIL(err, EG_EFORMAT,
                   "%s:%td: expected names of columns or numbers, found 0,1, "
                   "which may be either: leave a header out, or write the "
                   "numbers as 0.0,1.0",
                   r->name, r->line);
}

static eg_status read_lines(reader *r, eg_err *err)
{
    static const char mark[3] = {'\xEF', '\xBB', '\xBF'}; /* of UTF-8 */
    eg_status st = EG_OK;
    bool first = true;

    r->line = 1;
    r->rows = 0;
    if (r->end - r->s >= 3 && memcmp(r->s, mark, 3) == 0) r->s += 3;
    while (r->s < r->end) {
        skip_blanks(r);
        if (r->s < r->end && *r->s != '\n' && *r->s != '#') {
            bool skip = false;

            if (first) EG_TRY(take_first(r, &skip, err));
            if (!skip) EG_TRY(read_line(r, err));
            first = false;
        }
        skip_line(r);
    }
done:
    return st;
}

eg_status egi_csv_parse(egi_numbers *out, const char *bytes, size_t size,
                        const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    reader r = {.s = bytes, .end = bytes + size, .name = name};

    memset(out, 0, sizeof *out);
    EG_TRY(read_lines(&r, err));
    if (r.rows == 0)
        return EG_FAIL(err, EG_EFORMAT, "%s: expected numbers, found none",
                       name);
    out->data = eg_calloc((size_t)r.rows, (size_t)r.columns * sizeof(double));
    if (!out->data)
        return EG_FAIL(err, EG_ENOMEM, "%s: %td x %td numbers", name, r.rows,
                       r.columns);
    out->ndim = 2;
    out->shape[0] = r.rows;
    out->shape[1] = r.columns;
    r.s = bytes;
    r.data = out->data;
    EG_TRY(read_lines(&r, err));
done:
    if (st != EG_OK) egi_numbers_release(out);
    return st;
}

void egi_numbers_release(egi_numbers *a)
{
    eg_free(a->data);
    memset(a, 0, sizeof *a);
}

eg_index egi_numbers_size(const egi_numbers *a)
{
    eg_index n = 1;

    for (int i = 0; i < a->ndim; i++) n *= a->shape[i];
    return n;
}

bool egi_is_numbers_file(const char *word)
{
    return egi_text_ends(word, ".npy") || egi_text_ends(word, ".csv");
}

static eg_status read_npy(egi_numbers *out, const eg_folder *in,
                          const char *path, eg_err *err)
{
    eg_status st = EG_OK;
    eg_view v = {0};
    eg_index n;

    EG_TRY(eg_npy_read_in(&v, in, path, err));
    n = eg_view_size(&v);
    out->data = eg_calloc((size_t)n, sizeof(double));
    if (!out->data) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: %td numbers", path, n);
        goto done;
    }
    out->single = v.dtype == EG_F32;
    out->ndim = v.ndim;
    memcpy(out->shape, v.shape, sizeof out->shape);
    for (eg_index i = 0; i < n; i++) out->data[i] = eg_view_at(&v, i);
done:
    eg_view_release(&v);
    return st;
}

static eg_status read_csv(egi_numbers *out, const eg_folder *in,
                          const char *path, eg_err *err)
{
    eg_status st = EG_OK;
    char *bytes = NULL, full[EGI_PATH];
    size_t size = 0;

    EG_TRY(eg_file_read_in(&bytes, &size, in, path, max_csv_bytes, err));
    EG_TRY(egi_csv_parse(out, bytes, size, egi_path_in(full, in, path), err));
done:
    eg_free(bytes);
    return st;
}

eg_status egi_numbers_read(egi_numbers *out, const eg_folder *in,
                           const char *path, eg_err *err)
{
    memset(out, 0, sizeof *out);
    return egi_text_ends(path, ".npy") ? read_npy(out, in, path, err)
                                       : read_csv(out, in, path, err);
}

static void shape_text(char *buf, size_t size, const egi_numbers *a)
{
    size_t used = 0;

    buf[0] = '\0';
    for (int i = 0; i < a->ndim && used < size; i++) {
        int n = snprintf(buf + used, size - used, "%s%td", i ? "," : "",
                         a->shape[i]);

        if (n > 0) used += (size_t)n;
    }
}

static void extent_text(char *buf, size_t size, eg_index n)
{
    if (n < 0)
        (void)snprintf(buf, size, "any");
    else
        (void)snprintf(buf, size, "%td", n);
}

eg_status egi_numbers_expect(egi_numbers *out, const eg_folder *in,
                             const char *path, const char *what, eg_index rows,
                             eg_index columns, eg_err *err)
{
    eg_status st = EG_OK;
    char found[160], want_rows[24], want_columns[24];
    bool vector = rows == 1 || columns == 1;

    EG_TRY(egi_numbers_read(out, in, path, err));
    if (vector &&
        (out->ndim == 1 ||
         (out->ndim == 2 && (out->shape[0] == 1 || out->shape[1] == 1)))) {
        eg_index n = egi_numbers_size(out);

        out->ndim = 2;
        out->shape[0] = columns == 1 ? n : 1;
        out->shape[1] = columns == 1 ? 1 : n;
    }
    if (out->ndim == 2 && (rows < 0 || out->shape[0] == rows) &&
        (columns < 0 || out->shape[1] == columns))
        return EG_OK;
    shape_text(found, sizeof found, out);
    extent_text(want_rows, sizeof want_rows, rows);
    extent_text(want_columns, sizeof want_columns, columns);
    egi_numbers_release(out);
    return EG_FAIL(err, EG_ESHAPE, "%s: %s: expected [%s,%s], found [%s]", what,
                   path, want_rows, want_columns, found);
done:
    return st;
}

bool egi_word_number(const char *word, double *value)
{
    char *after = NULL;

    *value = egi_strtod(word, &after);
    return after != word && *after == '\0';
}
