/* What stands in a .npy file before the data: magic, version, and a Python dict
 * that describes the array.
 * Format: NumPy Enhancement Proposal 1. */
#include <string.h>

#include "base/array.h"
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

eg_status egi_npy_data_at(size_t *at, const char *bytes, size_t size,
                          const char *name, eg_err *err)
{
    header h = {.view = NULL};
    eg_status st = locate(&h, bytes, size, name, err);

    if (st == EG_OK) *at = (size_t)(h.end - bytes);
    return st;
}

eg_status egi_npy_describe(eg_view *v, size_t *at, bool *fortran,
                           const char *bytes, size_t size, const char *name,
                           eg_err *err)
{
    eg_status st = EG_OK;
    header h = {.view = v};
    size_t found = 0, want = 0;
    char shape[128];

    EG_TRY(locate(&h, bytes, size, name, err));
    *at = (size_t)(h.end - bytes);
    found = size - *at;
    if (!read_dict(&h)) {
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: .npy header not understood at byte %td: expected "
                       "descr, fortran_order and a shape of at most %d axes",
                       name, h.s - bytes, EG_MAX_DIMS);
    }
    EG_TRY(find_dtype(&h, name, err));
    *fortran = h.fortran && v->ndim > 1;
    egi_shape_format(v, shape, sizeof shape);
    if (!egi_view_bytes(v, &want) || want != found) {
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: %s %s does not fill the %zu bytes of data", name,
                       eg_dtype_name(v->dtype), shape, found);
    }
done:
    return st;
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
