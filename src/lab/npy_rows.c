/* Growing .npy files: a header of fixed size whose first extent is written
 * last. What an earlier process left is looked at in npy_rows_look.c. */
#include "lab/npy_rows_impl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engram/mem.h"

enum { DICT_AT = 10 };

static const char *descr(eg_dtype t)
{
    static const char *const name[] = {[EG_F32] = "<f4",
                                       [EG_F64] = "<f8",
                                       [EG_I32] = "<i4",
                                       [EG_I64] = "<i8",
                                       [EG_U8] = "|u1"};

    return name[t];
}

void egi_rows_header(const egi_rows *r, eg_index rows, char h[EGI_ROWS_HEADER])
{
    static const char magic[8] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0};
    int at = DICT_AT;

    memset(h, ' ', EGI_ROWS_HEADER);
    memcpy(h, magic, sizeof magic);
    h[8] = (char)(EGI_ROWS_HEADER - DICT_AT);
    h[9] = 0;
    at += snprintf(h + at, (size_t)(EGI_ROWS_HEADER - at),
                   "{'descr': '%s', 'fortran_order': False, 'shape': (%td,",
                   descr(r->dtype), rows);
    for (int i = 0; i < r->ndim; i++)
        at += snprintf(h + at, (size_t)(EGI_ROWS_HEADER - at), "%s%td%s",
                       i ? "" : " ", r->shape[i], i + 1 < r->ndim ? ", " : "");
    at += snprintf(h + at, (size_t)(EGI_ROWS_HEADER - at), "), }");
    EG_ASSERT(at < EGI_ROWS_HEADER);
    h[at] = ' '; /* where snprintf put its 0 */
    h[EGI_ROWS_HEADER - 1] = '\n';
}

eg_status egi_rows_trouble(const egi_rows *r, const char *what, eg_err *err)
{
    return EG_FAIL(err, EG_EIO, "cannot %s %s/%s: %s", what, r->in->path,
                   r->part, strerror(errno));
}

/* A header of the same rows differs in their number alone: that is, up to the
 * bracket and from the comma after it. */
bool egi_rows_same_kind(const egi_rows *r, const char found[EGI_ROWS_HEADER])
{
    char want[EGI_ROWS_HEADER], a[EGI_ROWS_HEADER + 1], b[EGI_ROWS_HEADER + 1];
    const char *pa, *pb;

    egi_rows_header(r, 0, want);
    memcpy(a, want, EGI_ROWS_HEADER);
    memcpy(b, found, EGI_ROWS_HEADER);
    a[EGI_ROWS_HEADER] = b[EGI_ROWS_HEADER] = '\0';
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
    char h[EGI_ROWS_HEADER];
    eg_status st = eg_folder_stream(&r->f, r->in, r->part, EG_NEW, err);

    if (st != EG_OK) return st;
    egi_rows_header(r, 0, h);
    if (fwrite(h, sizeof h, 1, r->f) != 1 || fflush(r->f) != 0)
        return egi_rows_trouble(r, "write", err);
    return egi_row_sums_new(&r->sums, r->in, r->sums_name, r->start, err);
}

static void name_files(egi_rows *r, const eg_folder *in, const char *name)
{
    *r = (egi_rows){.in = in, .sums.fd = -1};
    snprintf(r->name, sizeof r->name, "%s", name);
    snprintf(r->part, sizeof r->part, "%s.part", r->name);
    snprintf(r->sums_name, sizeof r->sums_name, "%s.sums", r->name);
}

static eg_status find(egi_rows *r, bool any_kind, eg_err *err)
{
    bool part;

    if (r->in->fd < 0) return EG_OK; /* no folder yet */
    r->whole = eg_folder_has(r->in, r->name);
    part = eg_folder_has(r->in, r->part);
    if (r->whole && part)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s holds both %s and %s: remove the one that does not "
                       "belong to the run",
                       r->in->path, r->name, r->part);
    return r->whole || part ? egi_rows_look(r, any_kind, err) : EG_OK;
}

eg_status egi_rows_open(egi_rows *r, const eg_folder *in, const char *name,
                        eg_dtype dtype, int ndim, const eg_index *shape,
                        uint64_t start, eg_err *err)
{
    eg_status st;

    name_files(r, in, name);
    r->dtype = dtype;
    r->ndim = ndim;
    r->bytes = eg_dtype_size(dtype);
    r->start = start;
    for (int i = 0; i < ndim; i++) {
        r->shape[i] = shape[i];
        r->bytes *= (size_t)shape[i];
    }
    EG_ASSERT(r->bytes > 0 && ndim < EG_MAX_DIMS);
    st = find(r, false, err);
    if (st != EG_OK) egi_rows_release(r);
    return st;
}

eg_status egi_rows_find(egi_rows *r, const eg_folder *in, const char *name,
                        eg_err *err)
{
    eg_status st;

    name_files(r, in, name);
    st = find(r, true, err);
    if (st != EG_OK) egi_rows_release(r);
    return st;
}

/* Checksums are cut before the rows, see row_sums.h. */
static eg_status cut_sums(egi_rows *r, eg_index n, eg_err *err)
{
    if (r->sums.fd >= 0) return egi_row_sums_cut(&r->sums, n, err);
    if (r->summed && r->before.sum[0] == r->start)
        return egi_row_sums_go_on(&r->sums, r->in, r->sums_name, &r->before, n,
                                  err);
    return egi_rows_adopt(r, n, err);
}

eg_status egi_rows_sum(egi_rows *r, eg_err *err)
{
    return r->f ? cut_sums(r, r->n, err) : EG_OK;
}

eg_status egi_rows_cut(egi_rows *r, eg_index n, eg_err *err)
{
    char h[EGI_ROWS_HEADER];
    eg_status st;

    EG_ASSERT(n <= r->n);
    if (!r->f) return begin(r, err);
    EG_TRY(cut_sums(r, n, err));
    if (r->whole) EG_TRY(eg_folder_rename(r->in, r->name, r->part, err));
    r->whole = false;
    egi_rows_header(r, 0, h);
    if (fseeko(r->f, 0, SEEK_SET) != 0 || fwrite(h, sizeof h, 1, r->f) != 1)
        return egi_rows_trouble(r, "write", err);
    if (fflush(r->f) != 0 ||
        ftruncate(fileno(r->f), egi_rows_offset(r, n)) != 0 ||
        fseeko(r->f, 0, SEEK_END) != 0)
        return egi_rows_trouble(r, "shorten", err);
    r->n = n;
done:
    return st;
}

eg_status egi_rows_read(const egi_rows *r, eg_index i, void *row, eg_err *err)
{
    EG_ASSERT(i >= 0 && i < r->n);
    if (fseeko(r->f, egi_rows_offset(r, i), SEEK_SET) != 0 ||
        fread(row, r->bytes, 1, r->f) != 1 || fseeko(r->f, 0, SEEK_END) != 0)
        return egi_rows_trouble(r, "read", err);
    return EG_OK;
}

eg_status egi_rows_put(egi_rows *r, const void *row, eg_err *err)
{
    eg_status st;

    if (fwrite(row, r->bytes, 1, r->f) != 1 || fflush(r->f) != 0)
        return egi_rows_trouble(r, "write", err);
    st = egi_row_sums_put(&r->sums, row, r->bytes, err);
    r->n += st == EG_OK;
    return st;
}

eg_status egi_rows_finish(egi_rows *r, egi_sum *sum, eg_err *err)
{
    char h[EGI_ROWS_HEADER];
    bool ok;
    eg_status st;

    egi_rows_header(r, r->n, h);
    if (fseeko(r->f, 0, SEEK_SET) != 0 || fwrite(h, sizeof h, 1, r->f) != 1 ||
        fflush(r->f) != 0 || fsync(fileno(r->f)) != 0)
        return egi_rows_trouble(r, "write", err);
    st = egi_rows_check(r, sum, err);
    if (st != EG_OK) return st;
    ok = fclose(r->f) == 0;
    r->f = NULL;
    if (!ok) return egi_rows_trouble(r, "write", err);
    st = eg_folder_rename(r->in, r->part, r->name, err);
    if (st == EG_OK) egi_rows_release(r);
    return st;
}

void egi_rows_release(egi_rows *r)
{
    if (r->f) fclose(r->f);
    r->f = NULL;
    if (r->in) egi_row_sums_close(&r->sums);
    eg_free(r->before.sum);
    r->before = (egi_sum_list){0};
}
