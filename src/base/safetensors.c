/* Reading safetensors: 8 bytes of header length, a JSON header, raw data.
 * Format: github.com/huggingface/safetensors, "Format".
 *
 * The header is believed only after every tensor was found to lie inside the
 * data, without holes or overlaps, and to be as long as its shape says. */
#include "base/json.h"
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "base/array.h"
#include "base/folder.h"
#include "base/st_sum.h"

#define HEADER_MAX ((size_t)8 << 20)

typedef struct reader {
    eg_safetensors *s;
    const char *file;
    size_t data_size;
    eg_err *err;
} reader;

static const struct {
    const char *name;
    eg_dtype dtype;
} dtypes[] = {
    {"F32", EG_F32}, {"F64", EG_F64}, {"I32", EG_I32},   {"I64", EG_I64},
    {"U8", EG_U8},   {"F16", EG_F16}, {"BF16", EG_BF16}, {"BOOL", EG_U8},
};
enum { N_DTYPES = sizeof dtypes / sizeof dtypes[0] };

const char *egi_st_dtype_name(eg_dtype t)
{
    for (int i = 0; i < N_DTYPES; i++) {
        if (dtypes[i].dtype == t) return dtypes[i].name;
    }
    return NULL;
}

static eg_status read_dtype(const reader *r, eg_st_entry *e, const json_t *j)
{
    const char *text = json_string_value(j);

    if (!text) {
        return EG_FAIL(r->err, EG_EFORMAT, "%s: %s: has no dtype", r->file,
                       e->name);
    }
    for (int i = 0; i < N_DTYPES; i++) {
        if (strcmp(text, dtypes[i].name) == 0) {
            e->view.dtype = dtypes[i].dtype;
            return EG_OK;
        }
    }
    return EG_FAIL(r->err, EG_EUNSUPPORTED,
                   "%s: %s: expected dtype F32, F64, F16, BF16, I32, "
                   "I64, U8 or BOOL, found '%.*s'",
                   r->file, e->name, eg_text_fit(text, 32), text);
}

static eg_status read_shape(const reader *r, eg_st_entry *e, const json_t *j)
{
    size_t n = json_array_size(j); /* 0 when j is not an array */

    if (!json_is_array(j) || n > EG_MAX_DIMS) {
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: %s: expected a shape of at most %d axes, found "
                       "%zu",
                       r->file, e->name, EG_MAX_DIMS, n);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *extent = json_array_get(j, i);
        json_int_t v = json_integer_value(extent);

        if (!json_is_integer(extent) || v < 0 || v > PTRDIFF_MAX) {
            return EG_FAIL(r->err, EG_EFORMAT,
                           "%s: %s: shape[%zu] is not an extent", r->file,
                           e->name, i);
        }
        e->view.shape[i] = (eg_index)v;
    }
    e->view.ndim = (int)n;
    return EG_OK;
}

static eg_status read_offsets(const reader *r, eg_st_entry *e, const json_t *j)
{
    const json_t *from = json_array_get(j, 0), *to = json_array_get(j, 1);
    json_int_t b = json_integer_value(from), t = json_integer_value(to);
    size_t want = 0;
    char shape[128];

    if (json_array_size(j) != 2 || !json_is_integer(from) ||
        !json_is_integer(to)) {
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: %s: expected data_offsets [begin, end]", r->file,
                       e->name);
    }
    if (b < 0 || t < b || (uintmax_t)t > r->data_size) {
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: %s: data_offsets [%jd,%jd] lie outside the %zu "
                       "bytes of data (file truncated?)",
                       r->file, e->name, (intmax_t)b, (intmax_t)t,
                       r->data_size);
    }
    egi_shape_format(&e->view, shape, sizeof shape);
    if (!egi_view_bytes(&e->view, &want)) {
        return EG_FAIL(r->err, EG_EFORMAT, "%s: %s: shape %s overflows",
                       r->file, e->name, shape);
    }
    if (want != (size_t)(t - b)) {
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: %s: expected %zu bytes for %s %s, found %jd",
                       r->file, e->name, want, eg_dtype_name(e->view.dtype),
                       shape, (intmax_t)(t - b));
    }
    if ((size_t)b % eg_dtype_size(e->view.dtype) != 0) {
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: %s: misaligned: %s data at byte %jd", r->file,
                       e->name, eg_dtype_name(e->view.dtype), (intmax_t)b);
    }
    /* counted from the front until the order has been checked */
    e->view.data = r->s->bytes + b;
    return EG_OK;
}

static eg_status read_entry(reader *r, const char *name, const json_t *j)
{
    eg_status st = EG_OK;
    eg_safetensors *s = r->s;
    eg_st_entry *e = &s->entry[s->n_entries];
    size_t n = strlen(name);

    if (n >= sizeof e->name) {
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: tensor name of %zu bytes, expected at most %zu",
                       r->file, n, sizeof e->name - 1);
    }
    memcpy(e->name, name, n + 1);
    if (json_object_size(j) != 3) {
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: %s: expected dtype, shape and data_offsets",
                       r->file, name);
    }
    EG_TRY(read_dtype(r, e, json_object_get(j, "dtype")));
    EG_TRY(read_shape(r, e, json_object_get(j, "shape")));
    EG_TRY(read_offsets(r, e, json_object_get(j, "data_offsets")));
    s->n_entries++;
done:
    return st;
}

static eg_status no_memory(const reader *r)
{
    return EG_FAIL(r->err, EG_ENOMEM, "%s: out of memory", r->file);
}

static eg_status read_meta(reader *r, json_t *j)
{
    eg_safetensors *s = r->s;
    const char *key = NULL;
    json_t *value = NULL;

    if (!json_is_object(j)) {
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: expected __metadata__ to be an object", r->file);
    }
    s->meta = eg_calloc(json_object_size(j), sizeof *s->meta);
    if (!s->meta) return no_memory(r);
    json_object_foreach(j, key, value)
    {
        const char *text = json_string_value(value);

        if (!text) {
            return EG_FAIL(r->err, EG_EFORMAT,
                           "%s: __metadata__: expected text for '%.*s'",
                           r->file, eg_text_fit(key, 64), key);
        }
        s->meta[s->n_meta].key = eg_strdup(key);
        s->meta[s->n_meta].value = eg_strdup(text);
        s->n_meta++;
        if (!s->meta[s->n_meta - 1].key || !s->meta[s->n_meta - 1].value) {
            return no_memory(r);
        }
    }
    return EG_OK;
}

static int by_position(const void *pa, const void *pb)
{
    const eg_st_entry *a = pa, *b = pb;
    const char *da = a->view.data, *db = b->view.data;
    eg_index na = eg_view_size(&a->view), nb = eg_view_size(&b->view);

    if (da != db) return da < db ? -1 : 1;
    if ((na == 0) != (nb == 0)) return na == 0 ? -1 : 1; /* empty first */
    return strcmp(a->name, b->name);
}

/* Every byte of the data belongs to exactly one tensor; then the entries get
 * their pointers. */
static eg_status check_layout(reader *r, const char *data)
{
    eg_safetensors *s = r->s;
    size_t at = 0;

    qsort(s->entry, (size_t)s->n_entries, sizeof *s->entry, by_position);
    for (int i = 0; i < s->n_entries; i++) {
        eg_st_entry *e = &s->entry[i];
        size_t begin = (size_t)((const char *)e->view.data - s->bytes);
        size_t bytes = 0;

        if (begin != at) {
            return EG_FAIL(r->err, EG_EFORMAT,
                           "%s: %s: %s: expected to begin at byte %zu, begins "
                           "at %zu",
                           r->file, e->name,
                           begin < at ? "overlaps another tensor"
                                      : "a hole lies before it",
                           at, begin);
        }
        EG_ASSERT(egi_view_bytes(&e->view, &bytes));
        e->view.data = data + begin;
        at += bytes;
    }
    if (at != r->data_size) {
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: trailing bytes: tensors end at byte %zu of %zu",
                       r->file, at, r->data_size);
    }
    return EG_OK;
}

static eg_status read_header(reader *r, json_t *root)
{
    eg_status st = EG_OK;
    eg_safetensors *s = r->s;
    size_t n = json_object_size(root);
    const char *key = NULL;
    json_t *value = NULL;

    if (!json_is_object(root)) {
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: expected the header to be an object", r->file);
    }
    s->entry = eg_calloc(n, sizeof *s->entry);
    if (!s->entry) return no_memory(r);
    json_object_foreach(root, key, value)
    {
        if (strcmp(key, "__metadata__") == 0)
            EG_TRY(read_meta(r, value));
        else
            EG_TRY(read_entry(r, key, value));
    }
done:
    return st;
}

static eg_status find_header(const reader *r, size_t *length)
{
    const eg_safetensors *s = r->s;
    const unsigned char *u = (const unsigned char *)s->bytes;
    uint64_t n = 0;

    if (s->size < 8) {
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: not a safetensors file: %zu bytes long", r->file,
                       s->size);
    }
    for (int i = 7; i >= 0; i--) n = n << 8 | u[i];
    if (n > s->size - 8) {
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: truncated or not safetensors: header of %ju bytes "
                       "in a file of %zu",
                       r->file, (uintmax_t)n, s->size);
    }
    if (n > HEADER_MAX) {
        return EG_FAIL(r->err, EG_EUNSUPPORTED,
                       "%s: header of %ju bytes, at most %zu are read", r->file,
                       (uintmax_t)n, HEADER_MAX);
    }
    *length = (size_t)n;
    return EG_OK;
}

/* Before anything of a file is believed. */
static eg_status check_sum(const reader *r, size_t length)
{
    eg_safetensors *s = r->s;
    size_t digits = egi_st_digits(s->bytes, 8 + length);

    s->checked = digits > 0;
    return s->checked ? egi_st_check(s->bytes, s->size, digits, r->file, r->err)
                      : EG_OK;
}

/* A checksum that somebody's tool wrote anew, with spaces or escapes, says
 * nothing about the bytes as they are now. */
static eg_status refuse_unchecked(const reader *r)
{
    if (r->s->checked || !eg_st_meta(r->s, EGI_ST_SUM)) return EG_OK;
    return EG_FAIL(r->err, EG_EFORMAT,
                   "%s: its %s cannot be checked: expected it as engram writes "
                   "it, found a header that was written again",
                   r->file, EGI_ST_SUM);
}

static eg_status parse(reader *r)
{
    eg_status st = EG_OK;
    eg_safetensors *s = r->s;
    json_t *root = NULL;
    json_error_t why;
    size_t length = 0;
    char *data = NULL;

    EG_TRY(find_header(r, &length));
    EG_TRY(check_sum(r, length));
    root = egi_json_parse(s->bytes + 8, length, JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        st = egi_json_status(&why) == EG_ENOMEM
                 ? no_memory(r)
                 : EG_FAIL(r->err, EG_EFORMAT, "%s: header: byte %d: %s",
                           r->file, why.position + 8, why.text);
        goto done;
    }
    r->data_size = s->size - 8 - length;
    EG_TRY(read_header(r, root));
    EG_TRY(refuse_unchecked(r));
    /* The header has been read: the data slides over its end to the next
     * lower cache line, so every tensor is aligned for its type. */
    data = s->bytes + (8 + length) / EG_ALIGN * EG_ALIGN;
    EG_TRY(check_layout(r, data));
    memmove(data, s->bytes + 8 + length, r->data_size);
done:
    json_decref(root);
    return st;
}

eg_status eg_st_parse_take(eg_safetensors *s, char *bytes, size_t size,
                           const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    reader r = {.s = s, .file = name, .err = err};

    *s = (eg_safetensors){.size = size};
    s->bytes = bytes;
    st = parse(&r);
    if (st != EG_OK) eg_st_release(s);
    return st;
}

eg_status eg_st_read_in(eg_safetensors *s, const eg_folder *in,
                        const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    char *bytes = NULL, path[EGI_PATH];
    size_t size = 0;

    *s = (eg_safetensors){0};
    EG_TRY(eg_file_read_in(&bytes, &size, in, name, PTRDIFF_MAX, err));
    EG_TRY(eg_st_parse_take(s, bytes, size, egi_path_in(path, in, name), err));
done:
    return st;
}

eg_status eg_st_read(eg_safetensors *s, const char *path, eg_err *err)
{
    return eg_st_read_in(s, NULL, path, err);
}

void eg_st_release(eg_safetensors *s)
{
    for (int i = 0; i < s->n_meta; i++) {
        eg_free(s->meta[i].key);
        eg_free(s->meta[i].value);
    }
    eg_free(s->meta);
    eg_free(s->entry);
    eg_free(s->bytes);
    *s = (eg_safetensors){0};
}

const eg_st_entry *eg_st_find(const eg_safetensors *s, const char *name)
{
    for (int i = 0; i < s->n_entries; i++) {
        if (strcmp(s->entry[i].name, name) == 0) return &s->entry[i];
    }
    return NULL;
}

const char *eg_st_meta(const eg_safetensors *s, const char *key)
{
    for (int i = 0; i < s->n_meta; i++) {
        if (strcmp(s->meta[i].key, key) == 0) return s->meta[i].value;
    }
    return NULL;
}
