/* What the three kinds of file have in common. */
#include "models/source.h"

#include <stdio.h>
#include <string.h>

#include "engram/mem.h"

void egi_source_release(egi_source *s)
{
    eg_st_release(&s->st);
    eg_free(s->bytes);
    eg_free(s->in);
    eg_free(s->meta);
    *s = (egi_source){0};
}

egi_in *egi_source_find(egi_source *s, const char *name)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->in[i].name, name) == 0) return &s->in[i];
    return NULL;
}

eg_index egi_in_cols(const egi_in *t)
{
    return t->ndim > 0 ? t->shape[t->ndim - 1] : 1;
}

eg_index egi_in_rows(const egi_in *t)
{
    eg_index n = 1;

    for (int k = 0; k < t->ndim; k++)
        if (t->shape[k] == 0) return 0; /* the others may be anything */
    for (int k = 0; k + 1 < t->ndim; k++) n *= t->shape[k];
    return n;
}

void egi_in_shape(const egi_in *t, char *buf, size_t size)
{
    size_t at = (size_t)snprintf(buf, size, "[");

    for (int k = 0; k < t->ndim && at < size; k++)
        at += (size_t)snprintf(buf + at, size - at, "%s%td", k ? "," : "",
                               t->shape[k]);
    if (at < size) (void)snprintf(buf + at, size - at, "]");
}

/* ---- safetensors ----------------------------------------------------------
 */

static egi_stored stored_of(eg_dtype t)
{
    switch (t) {
    case EG_F32:
        return EGI_F32;
    case EG_F64:
        return EGI_F64;
    case EG_F16:
        return EGI_F16;
    case EG_BF16:
        return EGI_BF16;
    default:
        return EGI_OTHER;
    }
}

eg_status egi_safetensors_take(egi_source *s, eg_safetensors *st,
                               const char *path, eg_err *err)
{
    *s = (egi_source){.path = path, .st = *st};
    *st = (eg_safetensors){0};
    s->in = eg_calloc((size_t)s->st.n_entries + 1, sizeof *s->in);
    if (!s->in) {
        egi_source_release(s);
        return EG_FAIL(err, EG_ENOMEM, "%s: list of tensors", path);
    }
    for (int i = 0; i < s->st.n_entries; i++) {
        const eg_st_entry *e = &s->st.entry[i];
        egi_in *t = &s->in[s->n++];

        (void)snprintf(t->name, sizeof t->name, "%s", e->name);
        t->what = eg_dtype_name(e->view.dtype);
        t->data = e->view.data;
        t->stored =
            e->view.ndim > EGI_AXES ? EGI_OTHER : stored_of(e->view.dtype);
        t->ndim = e->view.ndim > EGI_AXES ? EGI_AXES : e->view.ndim;
        for (int k = 0; k < t->ndim; k++) t->shape[k] = e->view.shape[k];
    }
    return EG_OK;
}

void egi_name_of(char buf[128], const char *pattern, int block)
{
    const char *mark = strchr(pattern, '#');

    if (mark)
        (void)snprintf(buf, 128, "%.*s%d%s", (int)(mark - pattern), pattern,
                       block, mark + 1);
    else
        (void)snprintf(buf, 128, "%s", pattern);
}
