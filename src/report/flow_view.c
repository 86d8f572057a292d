/* The arrays of a flow run, thinned to what a page can carry. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "engram/flow.h"
#include "base/num.h"
#include "lab/sums.h"
#include "report/flow_view.h"

enum { MIN_TOKENS = 64, MAX_BINS = 512, MAX_MERGES = 4096 };

/* Of a run that goes on, or did not end: the rows there are so far. */
static eg_status open_part(bool *have, egi_npy *m, const eg_folder *in,
                           const char *file, int ndim, eg_err *err)
{
    eg_status st;

    *have = false;
    if (!eg_folder_has(in, file)) return EG_OK;
    st = egi_npy_open_rows(m, in, file, err);
    if (st != EG_OK) return st;
    *have = m->view.ndim == ndim && m->view.shape[0] > 0;
    if (!*have) egi_npy_close(m);
    return EG_OK;
}

/* Opens arrays/<name>.npy when it is there and has so many axes, or what there
 * is of it; *have: it is. A sentence when it is damaged. */
static eg_status open_array(bool *have, egi_npy *m, const egi_flow *f,
                            const char *name, int ndim, json_t *problems,
                            eg_err *err)
{
    char file[64], part[72];
    eg_folder in;
    eg_err why = {0};
    bool there;
    eg_status st = EG_OK;

    (void)snprintf(file, sizeof file, "arrays/%s.npy", name);
    (void)snprintf(part, sizeof part, "%s.part", file);
    *have = false;
    if (eg_folder_open(&in, f->dir, NULL) != EG_OK) return EG_OK;
    there = eg_folder_has(&in, file);
    if (there)
        st = egi_array_check(&in, file, &why);
    else
        st = open_part(have, m, &in, part, ndim, &why);
    if (there && st == EG_OK) st = egi_npy_open(m, &in, file, &why);
    eg_folder_close(&in);
    if (st != EG_OK) return egi_note_why(problems, st, &why, err);
    if (there && (m->view.ndim != ndim || eg_view_size(&m->view) == 0)) {
        st = egi_note(problems, err,
                      "%s/%s: expected %d axes, found %d, %td values", f->dir,
                      file, ndim, m->view.ndim, eg_view_size(&m->view));
        egi_npy_close(m);
        return st;
    }
    *have = *have || there;
    return EG_OK;
}

/* Are there as many times as tokens were kept? Of a run that goes on a time
 * comes before its tokens. */
static bool fits(const egi_flow *f, const egi_npy *m)
{
    return f->grows ? m->view.shape[0] >= f->n_times
                    : m->view.shape[0] == f->n_times;
}

/* Was all that was asked for there, once it was open? */
static eg_status check_whole(const egi_npy *m, const egi_flow *f,
                             const char *name, eg_err *err)
{
    if (!m->failed) return EG_OK;
    return EG_FAIL(err, EG_EIO,
                   "%s/arrays/%s.npy: was cut short while it was read", f->dir,
                   name);
}

static double number_in(const egi_run *r, const char *key, double otherwise)
{
    char text[64], *end = text;
    double x = 0;

    if (egi_yaml_get(r->config, "flow", key, text, sizeof text))
        x = egi_strtod(text, &end);
    return end > text && isfinite(x) ? x : otherwise;
}

static void read_options(egi_flow *f, const egi_run *r)
{
    char word[16];

    if (!egi_yaml_get(r->config, "flow", "model", f->model, sizeof f->model))
        (void)snprintf(f->model, sizeof f->model, "SA");
    if (!egi_yaml_get(r->config, "flow", "space", f->space, sizeof f->space))
        (void)snprintf(f->space, sizeof f->space, "sphere");
    (void)egi_yaml_get(r->config, "flow", "norm", f->norm, sizeof f->norm);
    f->beta = number_in(r, "beta", 1);
    f->delta = number_in(r, "delta", 1e-3);
    f->sphere = strcmp(f->space, "sphere") == 0;
    f->causal = egi_yaml_get(r->config, "flow", "causal", word, sizeof word) &&
                strcmp(word, "true") == 0;
}

/* First the tokens give way, down to MIN_TOKENS, then the times. */
static eg_status choose(egi_flow *f, int64_t max_values, eg_err *err)
{
    eg_index n = f->n < EGI_FLOW_TOKENS ? f->n : EGI_FLOW_TOKENS;
    eg_index k = f->n_times < EGI_FLOW_FRAMES ? f->n_times : EGI_FLOW_FRAMES;
    eg_index least = n < MIN_TOKENS ? n : MIN_TOKENS;

    if (n * k * f->dim > max_values) n = max_values / (k * f->dim);
    if (n < least) n = least;
    if (n * k * f->dim > max_values) k = max_values / (n * f->dim);
    if (k < 2) k = f->n_times < 2 ? 1 : 2;
    f->token = eg_calloc((size_t)n, sizeof *f->token);
    f->frame = eg_calloc((size_t)k, sizeof *f->frame);
    f->t = eg_calloc((size_t)k, sizeof *f->t);
    f->x = eg_calloc((size_t)(n * k * f->dim), sizeof *f->x);
    if (!f->token || !f->frame || !f->t || !f->x)
        return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", f->dir);
    for (eg_index i = 0; i < n; i++) f->token[i] = (int)(i * f->n / n);
    for (eg_index i = 0; i < k; i++)
        f->frame[i] = k > 1 ? (int)(i * (f->n_times - 1) / (k - 1)) : 0;
    f->n_tokens = (int)n;
    f->n_frames = (int)k;
    return EG_OK;
}

/* The shown tokens at a time, in all their coordinates: out [n_tokens, d]. On
 * the sphere their directions: a residual stream has lengths of its own. */
static void whole_rows(double *out, const egi_flow *f, egi_npy *x,
                       eg_index time)
{
    for (int i = 0; i < f->n_tokens; i++, out += f->d) {
        double s = 0;

        for (eg_index k = 0; k < f->d; k++) {
            out[k] = egi_npy_at(x, (time * f->n + f->token[i]) * f->d + k);
            s += out[k] * out[k];
        }
        for (eg_index k = 0; f->sphere && s > 0 && k < f->d; k++)
            out[k] /= sqrt(s);
    }
}

/* Components at the end, numbered by size. */
static eg_status find_labels(egi_flow *f, const double *last, eg_err *err)
{
    int n = f->n_tokens, *size = eg_calloc((size_t)n, sizeof *size);
    int32_t *found = eg_calloc((size_t)n, sizeof *found);
    eg_index k = 0;

    f->label = eg_calloc((size_t)n, sizeof *f->label);
    if (size && found && f->label)
        k = eg_flow_components(found, last, n, f->d, f->delta);
    if (!size || !found || !f->label || k < 0) {
        eg_free(size);
        eg_free(found);
        return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", f->dir);
    }
    for (int i = 0; i < n; i++) size[found[i]]++;
    for (eg_index rank = 0; rank < k; rank++) {
        int big = 0;
        for (int c = 1; c < k; c++)
            if (size[c] > size[big]) big = c;
        for (int i = 0; i < n; i++)
            if (found[i] == big) f->label[i] = (int32_t)rank;
        size[big] = -1;
    }
    f->n_labels = (int)k;
    eg_free(size);
    eg_free(found);
    return EG_OK;
}

static void count_lost(egi_flow *f, const double *last)
{
    for (int i = 0; i < f->n_tokens; i++) {
        bool lost = false;
        for (eg_index k = 0; k < f->d; k++)
            lost = lost || !isfinite(last[(eg_index)i * f->d + k]);
        f->n_lost += lost;
    }
}

/* Coordinates of all frames, as they are or along two directions. */
static eg_status fill(egi_flow *f, egi_npy *x, eg_err *err)
{
    eg_status st = EG_OK;
    eg_index size = f->n_tokens * f->d;
    double *last = eg_calloc((size_t)size, sizeof *last);
    double *rows = eg_calloc((size_t)size, sizeof *rows);
    double *dir = eg_calloc(2 * (size_t)f->d + (size_t)f->n_tokens,
                            sizeof *dir); /* and workspace behind it */
    double *out = f->x;

    if (!last || !rows || !dir) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", f->dir);
        goto done;
    }
    whole_rows(last, f, x, f->n_times - 1);
    whole_rows(rows, f, x, 0);
    EG_TRY(check_whole(x, f, "x", err));
    count_lost(f, last);
    f->share = 1;
    if (f->d > 3)
        f->share =
            egi_principal(dir, last, rows, f->n_tokens, f->d, dir + 2 * f->d);
    if (f->sphere && f->n_lost == 0) EG_TRY(find_labels(f, last, err));
    for (int q = 0; q < f->n_frames; q++) {
        whole_rows(rows, f, x, f->frame[q]);
        for (int i = 0; i < f->n_tokens; i++)
            for (int k = 0; k < f->dim; k++, out++) {
                const double *row = rows + i * f->d;
                *out = f->d > 3 ? 0 : row[k];
                for (eg_index c = 0; f->d > 3 && c < f->d; c++)
                    *out += dir[k * f->d + c] * row[c];
            }
    }
    st = check_whole(x, f, "x", err);
done:
    eg_free(last);
    eg_free(rows);
    eg_free(dir);
    return st;
}

static eg_status read_times(egi_flow *f, json_t *problems, eg_err *err)
{
    egi_npy m = {0};
    bool have;
    eg_status st = open_array(&have, &m, f, "t", 1, problems, err);

    if (have && !fits(f, &m))
        st = egi_note(problems, err, "t.npy: expected %td times, found %td",
                      f->n_times, m.view.shape[0]);
    have = have && fits(f, &m);
    for (int q = 0; q < f->n_frames; q++)
        f->t[q] = have ? egi_npy_at(&m, f->frame[q]) : f->frame[q];
    if (st == EG_OK) st = check_whole(&m, f, "t", err);
    egi_npy_close(&m);
    return st;
}

static eg_status read_hist(egi_flow *f, json_t *problems, eg_err *err)
{
    egi_npy m = {0};
    double *out;
    bool have;
    eg_status st = open_array(&have, &m, f, "hist", 2, problems, err);

    if (!have) return st;
    if (!fits(f, &m) || m.view.shape[1] > MAX_BINS) {
        st = egi_note(problems, err,
                      "hist.npy: expected [%td, at most %d], found "
                      "[%td, %td]; not shown",
                      f->n_times, MAX_BINS, m.view.shape[0], m.view.shape[1]);
        goto done;
    }
    f->bins = (int)m.view.shape[1];
    f->hist = out =
        eg_calloc((size_t)f->n_frames * (size_t)f->bins, sizeof *f->hist);
    if (!out) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", f->dir);
        goto done;
    }
    for (int q = 0; q < f->n_frames; q++, out += f->bins) {
        double sum = 0;
        for (int b = 0; b < f->bins; b++) {
            double c = egi_npy_at(&m, (eg_index)f->frame[q] * f->bins + b);
            out[b] = isfinite(c) && c > 0 ? c : 0;
            sum += out[b];
        }
        for (int b = 0; b < f->bins && sum > 0; b++)
            out[b] *= f->bins / (2 * sum);
    }
    st = check_whole(&m, f, "hist", err);
done:
    egi_npy_close(&m);
    return st;
}

/* A run without merges keeps an array of shape [0, 2]. */
static eg_status find_merges(bool *none, const egi_flow *f, eg_err *err)
{
    eg_folder in;
    eg_view v = {0};
    eg_status st = eg_folder_open(&in, f->dir, NULL);

    if (st == EG_OK) st = eg_npy_read_in(&v, &in, "arrays/merges.npy", NULL);
    *none = st == EG_OK && eg_view_size(&v) == 0;
    eg_view_release(&v);
    eg_folder_close(&in);
    return st == EG_ENOMEM ? egi_report_no_memory(err) : EG_OK;
}

static eg_status read_merges(egi_flow *f, json_t *problems, eg_err *err)
{
    egi_npy m = {0};
    bool none, have = false;
    eg_status st = find_merges(&none, f, err);

    if (st == EG_OK && !none)
        st = open_array(&have, &m, f, "merges", 2, problems, err);
    if (!have) return st;
    if (m.view.shape[1] == 2) {
        f->n_merges =
            (int)(m.view.shape[0] < MAX_MERGES ? m.view.shape[0] : MAX_MERGES);
        f->merge = eg_calloc(2 * (size_t)f->n_merges, sizeof *f->merge);
        if (!f->merge)
            st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", f->dir);
        for (int i = 0; f->merge && i < 2 * f->n_merges; i++)
            f->merge[i] = egi_npy_at(&m, i);
        if (st == EG_OK) st = check_whole(&m, f, "merges", err);
    } else {
        st = egi_note(problems, err,
                      "merges.npy: expected [any, 2], found [%td, %td]",
                      m.view.shape[0], m.view.shape[1]);
    }
    egi_npy_close(&m);
    return st;
}

eg_status egi_flow_read(egi_flow *f, const egi_run *r, int64_t max_values,
                        json_t *problems, eg_err *err)
{
    egi_npy x = {0};
    bool have;
    eg_status st;

    memset(f, 0, sizeof *f);
    if (snprintf(f->dir, sizeof f->dir, "%s", r->dir) >= (int)sizeof f->dir)
        return EG_FAIL(err, EG_EINVAL, "%s: the path is too long", r->dir);
    read_options(f, r);
    st = open_array(&have, &x, f, "x", 3, problems, err);
    if (!have) return st;
    f->grows = x.grows;
    f->n_times = x.view.shape[0];
    f->n = x.view.shape[1];
    f->d = x.view.shape[2];
    f->dim = f->d > 3 ? 2 : (int)f->d;
    EG_TRY(choose(f, max_values, err));
    EG_TRY(fill(f, &x, err));
    EG_TRY(read_times(f, problems, err));
    EG_TRY(read_hist(f, problems, err));
    EG_TRY(read_merges(f, problems, err));
done:
    egi_npy_close(&x);
    if (st != EG_OK) egi_flow_release(f);
    return st;
}

void egi_flow_release(egi_flow *f)
{
    eg_free(f->token);
    eg_free(f->frame);
    eg_free(f->t);
    eg_free(f->x);
    eg_free(f->label);
    eg_free(f->hist);
    eg_free(f->merge);
    memset(f, 0, sizeof *f);
}
