/* NumPy's .npy: magic, version, a Python dict that describes the array, data.
 * Format: NumPy Enhancement Proposal 1. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engram/mem.h"
#include "base/array.h"
#include "base/folder.h"
#include "base/num.h"
#include "base/text.h"

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

static const struct {
    const char *descr;
    eg_dtype dtype;
} descrs[] = {
    {"<f4", EG_F32}, {"<f8", EG_F64}, {"<i4", EG_I32},
    {"<i8", EG_I64}, {"|u1", EG_U8},
};
enum { N_DESCRS = sizeof descrs / sizeof descrs[0] };

/* A reader of the header text; it stops at the first thing it does not
 * understand. */
typedef struct header {
    const char *s, *end;
    char descr[8];
    bool fortran;
    bool has_descr, has_order, has_shape;
    eg_view *view;
} header;

static void skip_space(header *h)
{
    while (h->s < h->end && egi_is_space(*h->s)) h->s++;
}

static bool accept(header *h, char c)
{
    skip_space(h);
    if (h->s == h->end || *h->s != c) return false;
    h->s++;
    return true;
}

/* 'text' or "text", without escapes. */
static bool read_string(header *h, char *buf, size_t size)
{
    char quote = '\0';
    size_t n = 0;

    skip_space(h);
    if (h->s == h->end || (*h->s != '\'' && *h->s != '"')) return false;
    quote = *h->s++;
    while (h->s < h->end && *h->s != quote) {
        if (n + 1 >= size) return false;
        buf[n++] = *h->s++;
    }
    buf[n] = '\0';
    return accept(h, quote);
}

static bool read_bool(header *h, bool *value)
{
    static const char *const words[] = {"False", "True"};

    skip_space(h);
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(words[i]);

        if ((size_t)(h->end - h->s) >= n && memcmp(h->s, words[i], n) == 0) {
            h->s += n;
            *value = i == 1;
            return true;
        }
    }
    return false;
}

static bool read_extent(header *h, eg_index *value)
{
    eg_index v = 0;
    const char *from = NULL;

    skip_space(h);
    from = h->s;
    for (; h->s < h->end && egi_is_digit(*h->s); h->s++) {
        int d = *h->s - '0';

        if (v > (PTRDIFF_MAX - d) / 10) return false;
        v = 10 * v + d;
    }
    *value = v;
    return h->s > from;
}

/* (), (3,), (2, 3) or (2, 3,) */
static bool read_shape(header *h)
{
    eg_view *v = h->view;

    if (!accept(h, '(')) return false;
    for (v->ndim = 0; !accept(h, ')');) {
        if (v->ndim == EG_MAX_DIMS) return false;
        if (!read_extent(h, &v->shape[v->ndim++])) return false;
        if (!accept(h, ',')) return v->ndim > 1 && accept(h, ')');
    }
    return true;
}

static bool read_field(header *h)
{
    char key[16];
    bool *seen = NULL, ok = false;

    if (!read_string(h, key, sizeof key) || !accept(h, ':')) return false;
    if (strcmp(key, "descr") == 0) {
        seen = &h->has_descr;
        ok = read_string(h, h->descr, sizeof h->descr);
    } else if (strcmp(key, "fortran_order") == 0) {
        seen = &h->has_order;
        ok = read_bool(h, &h->fortran);
    } else if (strcmp(key, "shape") == 0) {
        seen = &h->has_shape;
        ok = read_shape(h);
    }
    if (!ok || *seen) return false;
    *seen = true;
    return true;
}

static bool read_dict(header *h)
{
    if (!accept(h, '{')) return false;
    while (!accept(h, '}')) {
        if (!read_field(h)) return false;
        if (!accept(h, ',')) {
            if (!accept(h, '}')) return false;
            break;
        }
    }
    skip_space(h);
    return h->s == h->end && h->has_descr && h->has_order && h->has_shape;
}

static eg_status find_dtype(const header *h, const char *name, eg_err *err)
{
    for (int i = 0; i < N_DESCRS; i++) {
        if (strcmp(h->descr, descrs[i].descr) == 0) {
            h->view->dtype = descrs[i].dtype;
            return EG_OK;
        }
    }
    return EG_FAIL(err, EG_EUNSUPPORTED,
                   "%s: expected dtype <f4, <f8, <i4, <i8 or |u1, found '%s'",
                   name, h->descr);
}

/* Where the header text lies: version 1 has 2 bytes of length, version 2
 * has 4. */
static eg_status locate(header *h, const char *bytes, size_t size,
                        const char *name, eg_err *err)
{
    size_t at = 10, n = 0;
    const unsigned char *u = (const unsigned char *)bytes;

    if (size < at || memcmp(bytes, magic, sizeof magic) != 0) {
        return EG_FAIL(err, EG_EFORMAT, "%s: not a .npy file", name);
    }
    if ((u[6] != 1 && u[6] != 2) || u[7] != 0) {
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: expected .npy version 1.0 or 2.0, found %d.%d",
                       name, u[6], u[7]);
    }
    n = u[8] | (size_t)u[9] << 8;
    if (u[6] == 2) {
        at = 12;
        if (size >= at) n |= (size_t)u[10] << 16 | (size_t)u[11] << 24;
    }
    if (size < at || n > size - at) {
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: truncated: header of %zu bytes in a file of %zu",
                       name, n, size);
    }
    h->s = bytes + at;
    h->end = h->s + n;
    return EG_OK;
}

/* Fills *v but for its data, which start at *data and take *want bytes;
 * *fortran: the first axis is the one that runs fastest. */
static eg_status describe(eg_view *v, const char **data, size_t *want,
                          bool *fortran, const char *bytes, size_t size,
                          const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    header h = {.view = v};
    size_t found = 0;
    char shape[128];

    EG_TRY(locate(&h, bytes, size, name, err));
    found = (size_t)(bytes + size - h.end);
    if (!read_dict(&h)) {
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: .npy header not understood at byte %td: expected "
                       "descr, fortran_order and a shape of at most %d axes",
                       name, h.s - bytes, EG_MAX_DIMS);
    }
    EG_TRY(find_dtype(&h, name, err));
    *fortran = h.fortran && v->ndim > 1;
    egi_shape_format(v, shape, sizeof shape);
    if (!egi_view_bytes(v, want) || *want != found) {
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: %s %s does not fill the %zu bytes of data", name,
                       eg_dtype_name(v->dtype), shape, found);
    }
    *data = h.end;
done:
    return st;
}

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
    size_t want = 0;
    bool fortran = false;
    void *data = NULL;

    EG_TRY(describe(v, &from, &want, &fortran, bytes, size, name, err));
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

/* Reads the block from that byte on. */
static void fetch(egi_npy *m, int64_t at)
{
    ssize_t n;

    do n = pread(m->fd, m->block, sizeof m->block, at);
    while (n < 0 && errno == EINTR);
    m->block_at = at;
    m->n_block = n > 0 ? n : 0;
}

static eg_status look(egi_npy *m, int64_t bytes, const char *path, eg_err *err)
{
    size_t size = (size_t)bytes;
    header h = {.view = NULL};
    const char *data = NULL;
    size_t want = 0;
    bool fortran = false;
    eg_status st;

    fetch(m, 0);
    if (m->n_block < (int64_t)sizeof m->block) size = (size_t)m->n_block;
    EG_TRY(locate(&h, m->block, size, path, err));
    if (h.end > m->block + m->n_block)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: expected a header of at most %zu bytes", path,
                       sizeof m->block);
    EG_TRY(
        describe(&m->view, &data, &want, &fortran, m->block, size, path, err));
    if (fortran)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: expected C order, found Fortran order", path);
    m->data_at = data - m->block;
done:
    return st;
}

/* The header alone is a whole array of no rows. */
static eg_status look_at_rows(egi_npy *m, int64_t size, const char *path,
                              eg_err *err)
{
    header h = {.view = NULL};
    const char *data = NULL;
    size_t want = 0, row = 0;
    bool fortran = false;
    eg_status st;

    fetch(m, 0);
    EG_TRY(locate(&h, m->block, (size_t)m->n_block, path, err));
    m->data_at = h.end - m->block;
    EG_TRY(describe(&m->view, &data, &want, &fortran, m->block,
                    (size_t)m->data_at, path, err));
    if (m->view.ndim > 0) {
        m->view.shape[0] = 1;
        (void)egi_view_bytes(&m->view, &row);
    }
    if (row == 0)
        return EG_FAIL(err, EG_EFORMAT, "%s: expected rows, found none", path);
    m->view.shape[0] = (eg_index)((size_t)(size - m->data_at) / row);
    m->grows = true;
done:
    return st;
}

/* Opens it and has its header looked at. */
static eg_status open_with(egi_npy *m, const eg_folder *in, const char *name,
                           eg_status (*look_at)(egi_npy *m, int64_t size,
                                                const char *path, eg_err *err),
                           eg_err *err)
{
    eg_status st = EG_OK;
    struct stat info;
    char path[EGI_PATH];

    *m = (egi_npy){.fd = -1};
    (void)egi_path_in(path, in, name);
    EG_TRY(eg_folder_fd(&m->fd, in, name, EG_READ, err));
    m->open = true;
    if (fstat(m->fd, &info) != 0)
        st = EGI_FAIL_ERRNO(err, path);
    else
        st = look_at(m, (int64_t)info.st_size, path, err);
done:
    if (st != EG_OK) egi_npy_close(m);
    return st;
}

eg_status egi_npy_open(egi_npy *m, const eg_folder *in, const char *name,
                       eg_err *err)
{
    return open_with(m, in, name, look, err);
}

eg_status egi_npy_open_rows(egi_npy *m, const eg_folder *in, const char *name,
                            eg_err *err)
{
    return open_with(m, in, name, look_at_rows, err);
}

double egi_npy_at(egi_npy *m, eg_index i)
{
    int64_t width = (int64_t)eg_dtype_size(m->view.dtype);
    int64_t at = m->data_at + i * width;
    eg_view one = {.dtype = m->view.dtype};

    if (at < m->block_at || at + width > m->block_at + m->n_block) fetch(m, at);
    if (at + width > m->block_at + m->n_block) {
        m->failed = true;
        return (double)NAN;
    }
    one.data = m->block + (at - m->block_at);
    return eg_view_at(&one, 0);
}

void egi_npy_close(egi_npy *m)
{
    if (m->open) (void)close(m->fd);
    *m = (egi_npy){.fd = -1};
}

/* The dict as NumPy prints it, padded so that the data starts on a multiple
 * of 64 bytes. */
static void print_header(egi_text *t, const eg_view *v)
{
    const char *descr = NULL;
    size_t prefix = sizeof magic + 4;

    for (int i = 0; i < N_DESCRS; i++) {
        if (descrs[i].dtype == v->dtype) descr = descrs[i].descr;
    }
    EG_ASSERT(descr);
    egi_text_add(t, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                 descr);
    for (int i = 0; i < v->ndim; i++) {
        egi_text_add(t, "%s%td", i ? ", " : "", v->shape[i]);
    }
    egi_text_add(t, "%s), }", v->ndim == 1 ? "," : "");
    /* room to append along the first axis, as NumPy leaves it */
    if (v->ndim > 0) {
        char axis[24];
        int n = snprintf(axis, sizeof axis, "%td", v->shape[0]);

        egi_text_add(t, "%*s", 21 - n, "");
    }
    while ((prefix + t->len + 1) % 64 != 0) egi_text_add(t, " ");
    egi_text_add(t, "\n");
}

eg_status eg_npy_write(const char *path, const eg_view *v, eg_err *err)
{
    return eg_npy_write_in(NULL, path, v, err);
}

size_t egi_npy_head(char buf[EGI_NPY_HEAD], const eg_view *v)
{
    const size_t at = sizeof magic + 4;
    egi_text t = egi_text_on(buf + at, EGI_NPY_HEAD - at);

    print_header(&t, v);
    EG_ASSERT(t.len < t.size);
    memcpy(buf, magic, sizeof magic);
    buf[at - 4] = 1;
    buf[at - 3] = 0;
    buf[at - 2] = (char)(unsigned char)(t.len & 0xff);
    buf[at - 1] = (char)(unsigned char)(t.len >> 8);
    return at + t.len;
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
