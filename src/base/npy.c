/* NumPy's .npy, whole: read and written; npy_head.c knows the header. */
#include <string.h>

#include "engram/mem.h"
#include "base/array.h"
#include "base/folder.h"

/* From Fortran to C order. */
static void reorder(char *to, const char *from, const eg_view *v)
{
    size_t each = eg_dtype_size(v->dtype);
    eg_index at[EG_MAX_DIMS] = {0}, n = eg_view_size(v);

    for (eg_index i = 0; i < n; i++) {
        eg_index source = 0;

        for (int k = v->ndim - 1; k >= 0; k--)
            source = source * v->shape[k] + at[k];
        memcpy(to + (size_t)i * each, from + (size_t)source * each, each);
        for (int k = v->ndim - 1; k >= 0 && ++at[k] == v->shape[k]; k--)
            at[k] = 0;
    }
}

static eg_status parse(eg_view *v, const char *bytes, size_t size,
                       const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    const char *from = NULL;
    size_t at = 0, want = 0;
    bool fortran = false;
    void *data = NULL;

    EG_TRY(egi_npy_describe(v, &at, &fortran, bytes, size, name, err));
    from = bytes + at;
    want = size - at;
    data = eg_calloc(want, 1);
    if (!data) {
        return EG_FAIL(err, EG_ENOMEM, "%s: no memory for %zu bytes", name,
                       want);
    }
    if (fortran)
        reorder(data, from, v);
    else
        memcpy(data, from, want);
    v->data = data;
done:
    return st;
}

eg_status eg_npy_parse(eg_view *v, const char *bytes, size_t size,
                       const char *name, eg_err *err)
{
    eg_view found = {0};
    eg_status st = parse(&found, bytes, size, name, err);

    *v = st == EG_OK ? found : (eg_view){0};
    return st;
}

void eg_view_release(eg_view *v)
{
    void *own = NULL;

    memcpy(&own, &v->data, sizeof own); /* it was ours before it was const */
    eg_free(own);
    *v = (eg_view){0};
}

eg_status eg_npy_read_in(eg_view *v, const eg_folder *in, const char *name,
                         eg_err *err)
{
    eg_status st = EG_OK;
    char *bytes = NULL, path[EGI_PATH];
    size_t size = 0;

    *v = (eg_view){0};
    EG_TRY(eg_file_read_in(&bytes, &size, in, name, PTRDIFF_MAX, err));
    EG_TRY(eg_npy_parse(v, bytes, size, egi_path_in(path, in, name), err));
done:
    eg_free(bytes);
    return st;
}

eg_status eg_npy_read(eg_view *v, const char *path, eg_err *err)
{
    return eg_npy_read_in(v, NULL, path, err);
}

eg_status eg_npy_write(const char *path, const eg_view *v, eg_err *err)
{
    return eg_npy_write_in(NULL, path, v, err);
}

eg_status eg_npy_write_in(const eg_folder *in, const char *name,
                          const eg_view *v, eg_err *err)
{
    eg_status st = EG_OK;
    eg_outfile o = {.f = NULL};
    char head[EGI_NPY_HEAD];
    size_t bytes = 0;

    if (v->ndim < 0 || v->ndim > EG_MAX_DIMS || !egi_view_bytes(v, &bytes)) {
        return EG_FAIL(err, EG_ESHAPE, "%s: not a shape to write", name);
    }
    EG_TRY(eg_outfile_open_in(&o, in, name, err));
    eg_outfile_write(&o, head, egi_npy_head(head, v));
    eg_outfile_write(&o, v->data, bytes);
    EG_TRY(eg_outfile_commit(&o, err));
done:
    eg_outfile_abort(&o);
    return st;
}
