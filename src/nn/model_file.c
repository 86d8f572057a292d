/* Weights in safetensors files, one entry a tensor. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "nn/nn.h"
#include "nn/weights.h"
#include "base/text.h"

eg_status egi_weights_checked(const eg_safetensors *s, const char *path,
                              eg_err *err)
{
    const char *format = eg_st_meta(s, "format");
    const char *version = eg_st_meta(s, "version");

    if (!format || strncmp(format, "engram-", 7) != 0 || !version) return EG_OK;
    if (strcmp(version, EGI_WEIGHTS_VERSION) != 0)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: expected version %s of %s, or none, found '%.32s'",
                       path, EGI_WEIGHTS_VERSION, format, version);
    if (s->checked) return EG_OK;
    return EG_FAIL(err, EG_EFORMAT,
                   "%s: damaged: expected the checksum that %s version %s "
                   "carries, found none",
                   path, format, version);
}

eg_status egi_tensor_entries(eg_st_entry *out, const eg_model *m,
                             const char *prefix, const void *base, eg_err *err)
{
    size_t width = m->precision == EG_FLOAT64 ? 8 : 4;

    for (int i = 0; i < m->n_tensors; i++) {
        const eg_tensor *t = &m->tensor[i];
        int n =
            snprintf(out[i].name, sizeof out[i].name, "%s%s", prefix, t->name);
        if (n < 0 || n >= (int)sizeof out[i].name)
            return EG_FAIL(err, EG_EINVAL, "tensor name too long: %s", t->name);
        out[i].view = eg_model_view(m, i);
        out[i].view.data = (const char *)base + (size_t)t->offset * width;
    }
    return EG_OK;
}

static void shape_text(char *buf, size_t size, int ndim, const eg_index *shape)
{
    size_t used = 0;

    buf[0] = 0;
    for (int k = 0; k < ndim && used < size; k++)
        used += (size_t)snprintf(buf + used, size - used, "%s%lld",
                                 k ? "," : "", (long long)shape[k]);
}

static bool is_real(eg_dtype t)
{
    return t == EG_F32 || t == EG_F64 || t == EG_F16 || t == EG_BF16;
}

/* The first place of a number that the model's precision does not hold; -1:
 * none. */
static eg_index too_large(const eg_model *m, const eg_view *v)
{
    eg_index n = eg_view_size(v);

    if (m->precision == EG_FLOAT64 || v->dtype != EG_F64) return -1;
    for (eg_index j = 0; j < n; j++)
        if (!isfinite((float)eg_view_at(v, j))) return j;
    return -1;
}

/* Of weights; moments of an optimiser may have overflowed in a run that is
 * resumed as it was. */
static eg_status check_finite(const char *name, const eg_model *m,
                              const eg_view *v, const char *path, eg_err *err)
{
    eg_index j = eg_view_not_finite(v);

    if (j >= 0)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: expected finite numbers, found %g at place %td in "
                       "%s",
                       name, eg_view_at(v, j), j, path);
    j = too_large(m, v);
    if (j >= 0)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: expected numbers that float32 holds, found %g at "
                       "place %td in %s (train.precision: float64 holds it)",
                       name, eg_view_at(v, j), j, path);
    return EG_OK;
}

/* Does one of the patterns (NULL: none) match? */
static bool named(const eg_strs *patterns, const char *name)
{
    for (int i = 0; patterns && i < patterns->n; i++)
        if (egi_match(patterns->item[i], name)) return true;
    return false;
}

/* Every pattern is some tensor's. */
static eg_status check_patterns(const eg_model *m, const eg_strs *but,
                                eg_err *err)
{
    for (int i = 0; but && i < but->n; i++) {
        bool any = false;

        for (int k = 0; k < m->n_tensors; k++)
            any |= egi_match(but->item[i], m->tensor[k].name);
        if (!any)
            return EG_FAIL(err, EG_EINVAL, "init.fresh: no tensor matches '%s'",
                           but->item[i]);
    }
    return EG_OK;
}

eg_status egi_tensor_check(const eg_model *m, const eg_safetensors *s,
                           const char *prefix, const eg_strs *but,
                           const char *path, eg_err *err)
{
    char name[160], want[64], have[160];

    for (int i = 0; i < m->n_tensors; i++) {
        const eg_tensor *t = &m->tensor[i];

        if (named(but, t->name)) continue;
        snprintf(name, sizeof name, "%s%s", prefix, t->name);
        const eg_st_entry *e = eg_st_find(s, name);
        shape_text(want, sizeof want, t->ndim, t->shape);
        if (!e)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: expected [%s], found no such tensor in %s",
                           name, want, path);
        shape_text(have, sizeof have, e->view.ndim, e->view.shape);
        if (strcmp(want, have) != 0)
            return EG_FAIL(err, EG_ESHAPE,
                           "%s: expected [%s], found [%s] in %s", name, want,
                           have, path);
        if (!is_real(e->view.dtype))
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: expected float32, float64, float16 or "
                           "bfloat16, found %s in %s",
                           name, eg_dtype_name(e->view.dtype), path);
        if (prefix[0]) continue;
        eg_status st = check_finite(name, m, &e->view, path, err);
        if (st != EG_OK) return st;
    }
    return EG_OK;
}

void egi_tensor_copy(void *base, const eg_model *m, const eg_safetensors *s,
                     const char *prefix, const eg_strs *but)
{
    char name[160];

    for (int i = 0; i < m->n_tensors; i++) {
        const eg_tensor *t = &m->tensor[i];

        if (named(but, t->name)) continue;
        snprintf(name, sizeof name, "%s%s", prefix, t->name);
        const eg_view *v = &eg_st_find(s, name)->view;
        for (eg_index j = 0; j < t->size; j++) {
            double x = eg_view_at(v, j);
            if (m->precision == EG_FLOAT64)
                ((double *)base)[t->offset + j] = x;
            else
                ((float *)base)[t->offset + j] = (float)x;
        }
    }
}

eg_status eg_model_save(const eg_model *m, const char *path, eg_err *err)
{
    static const char *const meta[] = {"format", "engram-weights", "version",
                                       EGI_WEIGHTS_VERSION};
    eg_status st = EG_OK;
    eg_st_entry *e = eg_calloc((size_t)m->n_tensors, sizeof *e);

    if (!e) return EG_FAIL(err, EG_ENOMEM, "%s", path);
    EG_TRY(egi_tensor_entries(e, m, "", m->params, err));
    EG_TRY(eg_st_write(path, e, m->n_tensors, meta, 2, err));
done:
    eg_free(e);
    return st;
}

static bool is_known(const char *name, const eg_model *m,
                     const char *const *prefixes, const char *others)
{
    if (others && strncmp(name, others, strlen(others)) == 0) return true;
    for (; *prefixes; prefixes++) {
        size_t n = strlen(*prefixes);

        if (strncmp(name, *prefixes, n) == 0 && eg_model_find(m, name + n) >= 0)
            return true;
    }
    return false;
}

int egi_tensor_extra(char *buf, size_t size, const eg_model *m,
                     const eg_safetensors *s, const char *const *prefixes,
                     const char *others)
{
    egi_text t = egi_text_on(buf, size);
    egi_listing list = {.t = &t};
    char one[320], shape[160];

    buf[0] = '\0';
    for (int i = 0; i < s->n_entries; i++) {
        const eg_st_entry *e = &s->entry[i];

        if (is_known(e->name, m, prefixes, others)) continue;
        shape_text(shape, sizeof shape, e->view.ndim, e->view.shape);
        snprintf(one, sizeof one, "%s [%s]", e->name, shape);
        egi_listing_add(&list, one);
    }
    egi_listing_end(&list);
    return list.n;
}

eg_status egi_model_load_but(eg_model *m, const char *path, bool allow_extra,
                             const eg_strs *but, char *note, size_t size,
                             eg_err *err)
{
    static const char *const prefixes[] = {"", NULL};
    eg_status st = EG_OK;
    eg_safetensors s = {0};
    const char *format = NULL;
    char extra[280];
    int n = 0;

    if (note && size > 0) note[0] = '\0';
    EG_TRY(check_patterns(m, but, err));
    EG_TRY(eg_st_read(&s, path, err));
    EG_TRY(egi_weights_checked(&s, path, err));
    (void)egi_names_adopt(&s, m);
    EG_TRY(egi_tensor_check(m, &s, "", but, path, err));
    format = eg_st_meta(&s, "format");
    n = egi_tensor_extra(
        extra, sizeof extra, m, &s, prefixes,
        format && strcmp(format, "engram-checkpoint") == 0 ? "optim." : NULL);
    if (n > 0 && !allow_extra) {
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s: %d %s not of this model (init.allow_extra: true "
                     "or --allow-extra leaves them out): %s",
                     path, n, n == 1 ? "tensor is" : "tensors are", extra);
        goto done;
    }
    if (n > 0 && note)
        snprintf(note, size, "%s: left out %d %s: %s", path, n,
                 n == 1 ? "tensor" : "tensors", extra);
    egi_tensor_copy(m->params, m, &s, "", but);
done:
    eg_st_release(&s);
    return st;
}

eg_status eg_model_load_from(eg_model *m, const char *path, bool allow_extra,
                             char *note, size_t size, eg_err *err)
{
    return egi_model_load_but(m, path, allow_extra, NULL, note, size, err);
}

eg_status eg_model_load(eg_model *m, const char *path, eg_err *err)
{
    return eg_model_load_from(m, path, false, NULL, 0, err);
}
