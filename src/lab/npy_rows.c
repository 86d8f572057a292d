/* Growing .npy files: a header of fixed size whose first extent is written
 * last. */
#include "lab/npy_rows.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { HEADER = 256, DICT_AT = 10 };

static const char *descr(eg_dtype t)
{
    static const char *const name[] = {[EG_F32] = "<f4",
                                       [EG_F64] = "<f8",
                                       [EG_I32] = "<i4",
                                       [EG_I64] = "<i8",
                                       [EG_U8] = "|u1"};

    return name[t];
}

/* The header for so many rows, filled with spaces to its fixed size. */
static void make_header(const egi_rows *r, eg_index rows, char h[HEADER])
{
    static const char magic[8] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0};
    int at = DICT_AT;

    memset(h, ' ', HEADER);
    memcpy(h, magic, sizeof magic);
    h[8] = (char)(HEADER - DICT_AT);
    h[9] = 0;
    at += snprintf(h + at, (size_t)(HEADER - at),
                   "{'descr': '%s', 'fortran_order': False, 'shape': (%td,",
                   descr(r->dtype), rows);
    for (int i = 0; i < r->ndim; i++)
        at += snprintf(h + at, (size_t)(HEADER - at), "%s%td%s", i ? "" : " ",
                       r->shape[i], i + 1 < r->ndim ? ", " : "");
    at += snprintf(h + at, (size_t)(HEADER - at), "), }");
    EG_ASSERT(at < HEADER);
    h[at] = ' '; /* where snprintf put its 0 */
    h[HEADER - 1] = '\n';
}

static eg_status trouble(const egi_rows *r, const char *what, eg_err *err)
{
    return EG_FAIL(err, EG_EIO, "cannot %s %s/%s: %s", what, r->in->path,
                   r->part, strerror(errno));
}

/* A header of the same rows differs in their number alone: that is, up to the
 * bracket and from the comma after it. */
static bool same_kind(const egi_rows *r, const char found[HEADER])
{
    char want[HEADER], a[HEADER + 1], b[HEADER + 1];
    const char *pa, *pb;

    make_header(r, 0, want);
    memcpy(a, want, HEADER);
    memcpy(b, found, HEADER);
    a[HEADER] = b[HEADER] = '\0';
    if (memcmp(a, b, DICT_AT) != 0) return false;
    pa = strchr(a + DICT_AT, '(');
    pb = strchr(b + DICT_AT, '(');
    if (!pa || !pb || pa - a != pb - b || memcmp(a, b, (size_t)(pa - a)) != 0)
        return false;
    pa = strchr(pa, ',');
    pb = strchr(pb, ',');
    if (!pa || !pb) return false;
    for (;; pa++, pb++) {
        if (*pa != *pb) return false;
        if (*pa == '}') return true;
    }
}

static eg_status begin(egi_rows *r, eg_err *err)
{
    char h[HEADER];
    eg_status st = eg_folder_stream(&r->f, r->in, r->part, EG_NEW, err);

    if (st != EG_OK) return st;
    make_header(r, 0, h);
    if (fwrite(h, HEADER, 1, r->f) != 1 || fflush(r->f) != 0)
        return trouble(r, "write", err);
    return EG_OK;
}

/* A file too short for a header is one without rows. */
static eg_status look(egi_rows *r, eg_err *err)
{
    const char *name = r->whole ? r->name : r->part;
    char h[HEADER];
    off_t size;
    eg_status st = eg_folder_stream(&r->f, r->in, name, EG_UPDATE, err);

    if (st != EG_OK) return st;
    if (fread(h, HEADER, 1, r->f) != 1) return EG_OK;
    if (!same_kind(r, h))
        return EG_FAIL(err, EG_EFORMAT,
                       "%s/%s holds rows of another kind; remove it to begin "
                       "anew",
                       r->in->path, name);
    if (fseeko(r->f, 0, SEEK_END) != 0) return trouble(r, "read", err);
    size = ftello(r->f);
    r->n = (eg_index)(((size_t)size - HEADER) / r->bytes);
    return EG_OK;
}

eg_status egi_rows_open(egi_rows *r, const eg_folder *in, const char *name,
                        eg_dtype dtype, int ndim, const eg_index *shape,
                        eg_err *err)
{
    bool part;
    eg_status st = EG_OK;

    *r = (egi_rows){.dtype = dtype, .ndim = ndim, .in = in};
    r->bytes = eg_dtype_size(dtype);
    for (int i = 0; i < ndim; i++) {
        r->shape[i] = shape[i];
        r->bytes *= (size_t)shape[i];
    }
    EG_ASSERT(r->bytes > 0 && ndim < EG_MAX_DIMS);
    snprintf(r->name, sizeof r->name, "%s", name);
    snprintf(r->part, sizeof r->part, "%s.part", r->name);
    if (in->fd < 0) return EG_OK; /* no folder yet */
    r->whole = eg_folder_has(in, r->name);
    part = eg_folder_has(in, r->part);
    if (r->whole && part)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s holds both %s and %s: remove the one that does not "
                       "belong to the run",
                       in->path, r->name, r->part);
    if (r->whole || part) st = look(r, err);
    if (st != EG_OK) egi_rows_release(r);
    return st;
}

static off_t offset(const egi_rows *r, eg_index i)
{
    return (off_t)HEADER + (off_t)r->bytes * (off_t)i;
}

eg_status egi_rows_cut(egi_rows *r, eg_index n, eg_err *err)
{
    eg_status st = EG_OK;
    char h[HEADER];

    EG_ASSERT(n <= r->n);
    if (!r->f) return begin(r, err);
    if (r->whole) EG_TRY(eg_folder_rename(r->in, r->name, r->part, err));
    r->whole = false;
    make_header(r, 0, h);
    if (r->n == 0 &&
        (fseeko(r->f, 0, SEEK_SET) != 0 || fwrite(h, HEADER, 1, r->f) != 1))
        return trouble(r, "write", err);
    if (fflush(r->f) != 0 || ftruncate(fileno(r->f), offset(r, n)) != 0 ||
        fseeko(r->f, 0, SEEK_END) != 0)
        return trouble(r, "shorten", err);
    r->n = n;
done:
    return st;
}

eg_status egi_rows_read(const egi_rows *r, eg_index i, void *row, eg_err *err)
{
    EG_ASSERT(i >= 0 && i < r->n);
    if (fseeko(r->f, offset(r, i), SEEK_SET) != 0 ||
        fread(row, r->bytes, 1, r->f) != 1 || fseeko(r->f, 0, SEEK_END) != 0)
        return trouble(r, "read", err);
    return EG_OK;
}

eg_status egi_rows_put(egi_rows *r, const void *row, eg_err *err)
{
    if (fwrite(row, r->bytes, 1, r->f) != 1 || fflush(r->f) != 0)
        return trouble(r, "write", err);
    r->n++;
    return EG_OK;
}

eg_status egi_rows_finish(egi_rows *r, eg_err *err)
{
    char h[HEADER];
    bool ok;

    make_header(r, r->n, h);
    ok = fseeko(r->f, 0, SEEK_SET) == 0 && fwrite(h, HEADER, 1, r->f) == 1 &&
         fflush(r->f) == 0 && fsync(fileno(r->f)) == 0;
    if (ok) {
        ok = fclose(r->f) == 0;
        r->f = NULL;
    }
    if (!ok) return trouble(r, "write", err);
    return eg_folder_rename(r->in, r->part, r->name, err);
}

void egi_rows_release(egi_rows *r)
{
    if (r->f) fclose(r->f);
    r->f = NULL;
}
