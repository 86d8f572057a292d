/* Array snapshots <run>/arrays/<name>.<step>.npy as heat maps: found and read.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report/report_impl.h"
#include "base/folder.h"
#include "base/num.h"

enum { MAX_SIDE = 512, MAX_HEADS = 16 };

/* "name.120.npy" -> "name", 120. */
static bool split_name(const char *file, char *name, size_t size, int64_t *step)
{
    size_t n = strlen(file), digits = 0;

    if (n < 7 || strcmp(file + n - 4, ".npy") != 0) return false;
    n -= 4;
    while (digits < n && egi_is_digit(file[n - 1 - digits])) digits++;
    if (digits == 0 || digits > 15 || digits + 2 > n ||
        file[n - 1 - digits] != '.')
        return false;
    *step = strtoll(file + n - digits, NULL, 10);
    n -= digits + 1;
    if (n >= size) return false;
    memcpy(name, file, n);
    name[n] = '\0';
    return true;
}

/* "pattern_L1" -> 2, counted from 1; 0: the name has no layer. */
static int layer_of(const char *name)
{
    const char *s = strstr(name, "_L");
    int layer = 0;

    if (!s || !egi_is_digit(s[2])) return 0;
    for (s += 2; egi_is_digit(*s) && layer < 1000000; s++)
        layer = 10 * layer + (*s - '0');
    return layer + 1;
}

static eg_status add_step(egi_heats *m, const char *name, int64_t step,
                          eg_err *err)
{
    egi_heat *h = NULL;
    int at;

    for (int i = 0; i < m->n; i++)
        if (strcmp(m->heat[i].name, name) == 0) h = &m->heat[i];
    if (!h) {
        if (m->n == m->cap) {
            int cap = m->cap ? 2 * m->cap : 16;
            egi_heat *p = eg_realloc(m->heat, (size_t)cap * sizeof *p);
            if (!p) return EG_FAIL(err, EG_ENOMEM, "arrays: out of memory");
            m->heat = p;
            m->cap = cap;
        }
        h = &m->heat[m->n++];
        memset(h, 0, sizeof *h);
        (void)snprintf(h->name, sizeof h->name, "%s", name);
    }
    if (h->n_steps == h->cap) {
        int cap = h->cap ? 2 * h->cap : 16;
        int64_t *p = eg_realloc(h->steps, (size_t)cap * sizeof *p);
        if (!p) return EG_FAIL(err, EG_ENOMEM, "arrays: out of memory");
        h->steps = p;
        h->cap = cap;
    }
    for (at = h->n_steps; at > 0 && h->steps[at - 1] > step; at--)
        h->steps[at] = h->steps[at - 1];
    h->steps[at] = step;
    h->n_steps++;
    return EG_OK;
}

/* The folder of the snapshots, to be closed with closedir; NULL: none. */
static eg_status open_arrays(DIR **d, const char *run_dir, eg_err *err)
{
    eg_folder run, arrays = {.fd = -1};
    eg_status st = EG_OK;

    *d = NULL;
    if (eg_folder_open(&run, run_dir, NULL) == EG_OK &&
        eg_folder_sub(&arrays, &run, "arrays", false, NULL) == EG_OK) {
        *d = egi_folder_list(&arrays);
        if (!*d)
            st = EG_FAIL(err, errno == ENOMEM ? EG_ENOMEM : EG_EIO, "%s: %s",
                         arrays.path, strerror(errno));
    }
    eg_folder_close(&arrays);
    eg_folder_close(&run);
    return st;
}

static eg_status read_snapshot(eg_view *v, const egi_heats *m,
                               const egi_heat *h, int64_t step, eg_err *err)
{
    char file[192];

    (void)snprintf(file, sizeof file, "arrays/%s.%lld.npy", h->name,
                   (long long)step);
    return egi_array_read(v, m->dir, file, err);
}

static eg_status scan(egi_heats *m, eg_err *err)
{
    DIR *d;
    eg_status st = open_arrays(&d, m->dir, err);
    struct dirent *e;
    char name[128];
    int64_t step;

    if (!d) return st; /* no snapshots were asked for */
    while (st == EG_OK && (e = readdir(d)))
        if (split_name(e->d_name, name, sizeof name, &step))
            st = add_step(m, name, step, err);
    closedir(d);
    return st;
}

/* heads, rows, cols of an array; false when it is no picture. A batch axis is
 * cut to its first entry, rows and columns to their first MAX_SIDE. */
static bool picture(const eg_view *v, int *heads, int *rows, int *cols)
{
    const eg_index *s = v->shape + v->ndim;

    if (v->ndim < 2 || v->ndim > 4 || s[-1] < 2 || s[-2] < 2) return false;
    *cols = (int)(s[-1] < MAX_SIDE ? s[-1] : MAX_SIDE);
    *rows = (int)(s[-2] < MAX_SIDE ? s[-2] : MAX_SIDE);
    *heads = v->ndim < 3 ? 1 : (int)(s[-3] < MAX_HEADS ? s[-3] : MAX_HEADS);
    return eg_view_size(v) > 0 && *heads > 0;
}

eg_status egi_heat_read(double **out, const egi_heats *m, const egi_heat *h,
                        int64_t step, eg_err *err)
{
    eg_status st = EG_OK;
    char path[1400];
    eg_view v = {0};
    int heads, rows, cols;
    eg_index full_rows, full_cols;
    double *x = NULL;

    *out = NULL;
    (void)snprintf(path, sizeof path, "%s/arrays/%s.%lld.npy", m->dir, h->name,
                   (long long)step);
    EG_TRY(read_snapshot(&v, m, h, step, err));
    if (!picture(&v, &heads, &rows, &cols) || heads < h->heads ||
        rows < h->rows || cols < h->cols) {
        st = EG_FAIL(err, EG_ESHAPE, "%s: not the shape of the others", path);
        goto done;
    }
    x = eg_calloc((size_t)h->heads * (size_t)h->rows * (size_t)h->cols,
                  sizeof *x);
    if (!x) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", path);
        goto done;
    }
    full_rows = v.shape[v.ndim - 2];
    full_cols = v.shape[v.ndim - 1];
    for (int a = 0; a < h->heads; a++)
        for (int r = 0; r < h->rows; r++)
            for (int c = 0; c < h->cols; c++)
                x[((eg_index)a * h->rows + r) * h->cols + c] =
                    eg_view_at(&v, (a * full_rows + r) * full_cols + c);
    *out = x;
done:
    eg_view_release(&v);
    return st;
}

/* Heads, rows and cols that all snapshots have: those taken while the run goes
 * on may be a corner of the last one. full: the last one's own. */
static eg_status find_shape(egi_heat *h, const egi_heats *m, int full[3],
                            eg_err *err)
{
    for (int i = 0; i < h->n_steps; i++) {
        eg_view v = {0};
        eg_status st = read_snapshot(&v, m, h, h->steps[i], NULL);

        if (st == EG_ENOMEM) return egi_report_no_memory(err);
        if (st == EG_OK && picture(&v, &full[0], &full[1], &full[2])) {
            if (!h->heads || full[0] < h->heads) h->heads = full[0];
            if (!h->rows || full[1] < h->rows) h->rows = full[1];
            if (!h->cols || full[2] < h->cols) h->cols = full[2];
        }
        eg_view_release(&v);
    }
    return EG_OK;
}

/* The last snapshot in its own size, when the others are only a corner. */
static eg_status add_full(egi_heats *m, int i, const int full[3], eg_err *err)
{
    egi_heat h = m->heat[i];
    char name[sizeof h.name];
    eg_status st;

    if (full[1] <= h.rows && full[2] <= h.cols) return EG_OK;
    memcpy(name, h.name, sizeof name);
    m->heat[i].name[0] = '\0'; /* a new row, not one more step of this one */
    st = add_step(m, name, h.steps[h.n_steps - 1], err);
    memcpy(m->heat[i].name, name, sizeof name);
    if (st != EG_OK) return st;
    m->heat[m->n - 1].heads = full[0];
    m->heat[m->n - 1].rows = full[1];
    m->heat[m->n - 1].cols = full[2];
    m->heat[m->n - 1].full = true;
    m->heat[m->n - 1].kind = h.kind;
    return EG_OK;
}

void egi_heat_label(const egi_heat *h, char *buf, size_t size)
{
    int layer = layer_of(h->name);

    if (!h->kind->title[0])
        (void)snprintf(buf, size, "%s", h->name);
    else if (layer)
        (void)snprintf(buf, size, "%s, layer %d", h->kind->title, layer);
    else
        (void)snprintf(buf, size, "%s", h->kind->title);
}

static void note_range(egi_heat *h, const double *x)
{
    eg_index i = 0;

    for (int a = 0; a < h->heads; a++)
        for (int r = 0; r < h->rows; r++)
            for (int c = 0; c < h->cols; c++, i++) {
                if (!isfinite(x[i])) continue;
                if (x[i] < 0) h->is_signed = true;
                if (fabs(x[i]) > h->max) h->max = fabs(x[i]);
                if (c > r && x[i] < 0) h->causal = false;
                if (c > r && x[i] > 0) h->causal = false;
            }
}

/* Reads all snapshots once: range, and which are damaged. */
static eg_status measure(egi_heat *h, const egi_heats *m, json_t *problems,
                         eg_err *err)
{
    int kept = 0;

    h->causal = h->rows == h->cols;
    for (int i = 0; i < h->n_steps; i++) {
        double *x = NULL;
        eg_err why = {0};
        eg_status st = egi_heat_read(&x, m, h, h->steps[i], &why);

        if (st != EG_OK) {
            st = egi_note_why(problems, st, &why, err);
            if (st != EG_OK) return st;
            continue;
        }
        note_range(h, x);
        eg_free(x);
        h->steps[kept++] = h->steps[i];
    }
    h->n_steps = kept;
    return EG_OK;
}

static int by_name(const void *a, const void *b)
{
    const egi_heat *x = a, *y = b;
    ptrdiff_t order = x->kind - y->kind;

    if (order) return order < 0 ? -1 : 1;
    order = strcmp(x->name, y->name);
    return order ? (order < 0 ? -1 : 1) : x->full - y->full;
}

int64_t egi_heat_size(const egi_heat *h)
{
    int64_t square = (int64_t)h->rows * h->cols;

    if (h->causal) square = (int64_t)h->rows * (h->rows + 1) / 2;
    return h->heads * square;
}

eg_status egi_heats_find(egi_heats *m, const char *run_dir, json_t *problems,
                         eg_err *err)
{
    eg_status st = EG_OK;
    int kept = 0;

    memset(m, 0, sizeof *m);
    if (snprintf(m->dir, sizeof m->dir, "%s", run_dir) >= (int)sizeof m->dir)
        return EG_FAIL(err, EG_EINVAL, "%s: the path is too long", run_dir);
    EG_TRY(scan(m, err));
    for (int i = 0, n = m->n; i < n; i++) {
        int full[3] = {0};

        m->heat[i].kind = egi_heat_kind_find(m->heat[i].name);
        EG_TRY(find_shape(&m->heat[i], m, full, err));
        if (m->heat[i].heads) EG_TRY(add_full(m, i, full, err));
    }
    for (int i = 0; i < m->n; i++)
        if (m->heat[i].heads) EG_TRY(measure(&m->heat[i], m, problems, err));
    /* what is no picture, or cannot be read at all, is left out */
    for (int i = 0; i < m->n; i++) {
        if (m->heat[i].heads && m->heat[i].n_steps) {
            *(m->heat[i].full ? &m->full_bytes : &m->bytes) +=
                m->heat[i].n_steps * egi_heat_size(&m->heat[i]);
            m->heat[kept++] = m->heat[i];
        } else {
            eg_free(m->heat[i].steps);
        }
    }
    m->n = kept;
    if (m->n > 1) qsort(m->heat, (size_t)m->n, sizeof *m->heat, by_name);
done:
    if (st != EG_OK) egi_heats_release(m);
    return st;
}

void egi_heats_release(egi_heats *m)
{
    for (int i = 0; i < m->n; i++) eg_free(m->heat[i].steps);
    eg_free(m->heat);
    memset(m, 0, sizeof *m);
}
