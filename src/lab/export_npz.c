/* A run as an archive of NumPy's. */
#include "engram/export_runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/num.h"
#include "engram/mem.h"
#include "lab/export_out.h"
#include "lab/export_settings.h"
#include "lab/export_walk.h"
#include "lab/folder_list.h"
#include "lab/zip.h"

enum { MEMBER = 320 };

/* A member from pieces; v: of all of them, one behind the other. */
static eg_status put_array(egi_zip *z, const char *name, const eg_view *v,
                           const egi_piece *data, int n, eg_err *err)
{
    char head[EGI_NPY_HEAD], member[MEMBER];
    egi_piece *piece = eg_calloc((size_t)n + 1, sizeof *piece);

    if (!piece) return EG_FAIL(err, EG_ENOMEM, "%s", name);
    piece[0] = (egi_piece){head, egi_npy_head(head, v)};
    for (int i = 0; i < n; i++) piece[i + 1] = data[i];
    (void)snprintf(member, sizeof member, "%s.npy", name);
    egi_zip_put(z, member, piece, n + 1);
    eg_free(piece);
    return EG_OK;
}

static eg_status put_vector(egi_zip *z, const char *name, eg_dtype t,
                            const void *data, eg_index n, eg_err *err)
{
    eg_view v = {.data = data, .dtype = t, .ndim = 1, .shape = {n}};
    egi_piece one = {data, (size_t)n * eg_dtype_size(t)};

    return put_array(z, name, &v, &one, 1, err);
}

/* ---- series ---------------------------------------------------------------
 */

/* Series i at every step, NaN where it has no value; its steps are a part. */
static void spread(double *out, const eg_series *s, const int64_t *step,
                   eg_index n)
{
    int at = 0;

    for (eg_index k = 0; k < n; k++) {
        bool here = at < s->n && (int64_t)s->step[at] == step[k];

        out[k] = here ? s->value[at++] : (double)NAN;
    }
}

static eg_status put_series(egi_zip *z, const eg_metrics *m, const char *family,
                            eg_err *err)
{
    egi_walk w = {.m = NULL};
    int64_t *step = NULL;
    double *value = NULL;
    char name[128];
    eg_index n;
    eg_status st;

    EG_TRY(egi_walk_begin(&w, m, err));
    n = egi_walk_steps(&w);
    step = eg_calloc((size_t)n + 1, sizeof *step);
    value = eg_calloc((size_t)n + 1, sizeof *value);
    if (!step || !value) {
        st = EG_FAIL(err, EG_ENOMEM, "%td steps", n);
        goto done;
    }
    for (eg_index k = 0; egi_walk_next(&w); k++) step[k] = (int64_t)w.step;
    (void)snprintf(name, sizeof name, "%sstep", family);
    EG_TRY(put_vector(z, name, EG_I64, step, n, err));
    for (int i = 0; i < m->n; i++) {
        spread(value, &m->series[i], step, n);
        (void)snprintf(name, sizeof name, "%s%s", family, m->series[i].name);
        EG_TRY(put_vector(z, name, EG_F64, value, n, err));
    }
done:
    egi_walk_end(&w);
    eg_free(step);
    eg_free(value);
    return st;
}

/* ---- arrays ---------------------------------------------------------------
 */

/* A file of arrays/. */
typedef struct snap {
    char name[256]; /* without step and ending */
    int64_t step;   /* -1: kept once */
    const char *file;
    eg_view view;
} snap;

/* Is the file an array? "x.20.npy" is x at step 20. */
static bool parse_name(snap *s, const char *file)
{
    size_t n = strlen(file);
    const char *dot;

    *s = (snap){.step = -1, .file = file};
    if (n <= 4 || n >= sizeof s->name || strcmp(file + n - 4, ".npy") != 0)
        return false;
    memcpy(s->name, file, n - 4);
    dot = strrchr(s->name, '.');
    if (!dot || !dot[1] || dot[1 + strspn(dot + 1, "0123456789")]) return true;
    if (!egi_int_parse(dot + 1, &s->step)) return true;
    s->name[dot - s->name] = '\0';
    return true;
}

static int by_name(const void *a, const void *b)
{
    const snap *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : (x->step > y->step) - (x->step < y->step);
}

static bool alike(const eg_view *a, const eg_view *b)
{
    return a->dtype == b->dtype && a->ndim == b->ndim &&
           memcmp(a->shape, b->shape, sizeof a->shape) == 0;
}

static egi_piece whole(const eg_view *v)
{
    return (egi_piece){v->data,
                       (size_t)eg_view_size(v) * eg_dtype_size(v->dtype)};
}

static eg_status put_alone(egi_zip *z, const snap *s, eg_err *err)
{
    char name[MEMBER];
    egi_piece one = whole(&s->view);

    if (s->step < 0)
        (void)snprintf(name, sizeof name, "arrays/%s", s->name);
    else
        (void)snprintf(name, sizeof name, "arrays/%s.%lld", s->name,
                       (long long)s->step);
    return put_array(z, name, &s->view, &one, 1, err);
}

/* Snapshots of one name that were read: those of the first one's shape on top
 * of each other, the others by themselves. */
static eg_status put_stack(egi_zip *z, const snap *s, int n, eg_err *err)
{
    egi_piece *piece = eg_calloc((size_t)n, sizeof *piece);
    int64_t *step = eg_calloc((size_t)n, sizeof *step);
    eg_view all = s->view;
    char name[MEMBER];
    int k = 0;
    eg_status st = EG_OK;

    if (!piece || !step) {
        st = EG_FAIL(err, EG_ENOMEM, "%d snapshots", n);
        goto done;
    }
    for (int i = 0; i < n; i++) {
        if (!alike(&s[i].view, &s->view)) {
            EG_TRY(put_alone(z, &s[i], err));
            continue;
        }
        step[k] = s[i].step;
        piece[k++] = whole(&s[i].view);
    }
    all.ndim++;
    all.shape[0] = k;
    memcpy(all.shape + 1, s->view.shape,
           (size_t)s->view.ndim * sizeof *all.shape);
    (void)snprintf(name, sizeof name, "arrays/%s", s->name);
    EG_TRY(put_array(z, name, &all, piece, k, err));
    (void)snprintf(name, sizeof name, "arrays/%s.steps", s->name);
    EG_TRY(put_vector(z, name, EG_I64, step, k, err));
done:
    eg_free(piece);
    eg_free(step);
    return st;
}

/* Those of one name. */
static eg_status put_snaps(egi_zip *z, snap *s, int n, const eg_folder *arrays,
                           eg_err *err)
{
    eg_status st = EG_OK;
    int read = 0;

    for (; read < n && st == EG_OK; read++)
        st = eg_npy_read_in(&s[read].view, arrays, s[read].file, err);
    if (st == EG_OK)
        st = s->step < 0 || s->view.ndim == EG_MAX_DIMS
                 ? EG_OK
                 : put_stack(z, s, n, err);
    for (int i = 0; i < n && st == EG_OK; i++)
        if (s->step < 0 || s->view.ndim == EG_MAX_DIMS)
            st = put_alone(z, &s[i], err);
    for (int i = 0; i < read; i++) eg_view_release(&s[i].view);
    return st;
}

/* Those from i on that belong together: of one name with a step, or one. */
static int run_of(const snap *s, int i, int n)
{
    int end = i + 1;

    if (s[i].step < 0) return end;
    while (end < n && strcmp(s[end].name, s[i].name) == 0) end++;
    return end;
}

static eg_status put_arrays(egi_zip *z, const eg_folder *run, eg_err *err)
{
    eg_folder arrays = {.fd = -1};
    egi_names names = {0};
    snap *s = NULL;
    int n = 0;
    eg_status st = EG_OK;

    if (!eg_folder_has(run, "arrays")) return EG_OK;
    EG_TRY(eg_folder_sub(&arrays, run, "arrays", false, err));
    EG_TRY(egi_folder_names(&names, &arrays, err));
    s = eg_calloc((size_t)names.n + 1, sizeof *s);
    if (!s) {
        st = EG_FAIL(err, EG_ENOMEM, "%td arrays", names.n);
        goto done;
    }
    for (eg_index i = 0; i < names.n; i++)
        n += parse_name(&s[n], names.name[i]);
    qsort(s, (size_t)n, sizeof *s, by_name);
    for (int i = 0, end; i < n; i = end) {
        end = run_of(s, i, n);
        EG_TRY(put_snaps(z, s + i, end - i, &arrays, err));
    }
done:
    eg_free(s);
    egi_names_release(&names);
    eg_folder_close(&arrays);
    return st;
}

/* ---- a run ----------------------------------------------------------------
 */

/* A file of the run, unless it is lost. */
static eg_status put_text(egi_zip *z, const eg_folder *run, const char *name,
                          eg_err *err)
{
    char *text = NULL;
    egi_piece one = {0};
    eg_status st;

    if (!eg_folder_has(run, name)) return EG_OK;
    st = eg_file_read_in(&text, &one.size, run, name, 1 << 22, err);
    one.data = text;
    if (st == EG_OK) egi_zip_put(z, name, &one, 1);
    eg_free(text);
    return st;
}

static eg_status put_run(eg_outfile *to, const char *dir, eg_err *err)
{
    eg_folder run = {.fd = -1};
    eg_metrics m = {0}, timing = {0};
    egi_zip z;
    eg_status st;

    egi_zip_begin(&z, to);
    EG_TRY(eg_folder_open(&run, dir, err));
    EG_TRY(eg_metrics_read(&m, dir, err));
    EG_TRY(egi_timing_read(&timing, &run, err));
    EG_TRY(put_series(&z, &m, "", err));
    EG_TRY(put_series(&z, &timing, "timing/", err));
    EG_TRY(put_arrays(&z, &run, err));
    EG_TRY(put_text(&z, &run, "config.yaml", err));
    EG_TRY(put_text(&z, &run, "run.json", err));
    EG_TRY(egi_zip_end(&z, err));
    EG_TRY(eg_outfile_commit(to, err));
done:
    eg_outfile_abort(to);
    egi_zip_release(&z);
    eg_metrics_release(&m);
    eg_metrics_release(&timing);
    eg_folder_close(&run);
    return st;
}

static eg_status put_each(eg_export_runs *runs, egi_out *out,
                          const egi_settings *s, eg_err *err)
{
    for (int i = 0; i < runs->n; i++) {
        char label[EGI_LABEL];
        eg_outfile to;
        eg_status st;

        runs->stopped = runs->next && !runs->next(runs->ctx, i);
        if (runs->stopped) return EG_OK;
        egi_export_label(label, runs, s, i);
        st = egi_out_open(out, &to, NULL, label, ".npz", err);
        if (st == EG_OK) st = put_run(&to, runs->dir[i], err);
        if (st != EG_OK) return st;
    }
    return EG_OK;
}

eg_status eg_export_npz(eg_export_runs *runs, const char *path, eg_err *err)
{
    egi_settings s = {0};
    egi_out out = {.top = {.fd = -1}, .sub = {.fd = -1}};
    eg_outfile to;
    eg_status st;

    runs->stopped = false;
    if (runs->n == 1 && !runs->sweep) {
        EG_TRY(eg_outfile_open_new(&to, path, err));
        return put_run(&to, runs->dir[0], err);
    }
    EG_TRY(egi_settings_read(&s, runs, err));
    EG_TRY(egi_out_begin(&out, path, runs->n, err));
    EG_TRY(put_each(runs, &out, &s, err));
done:
    egi_out_end(&out, st == EG_OK && !runs->stopped);
    egi_settings_release(&s);
    return st;
}
