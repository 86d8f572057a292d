/* Writing safetensors: widest types first, so that every tensor is aligned
 * without holes, which the format forbids. */
#include "base/json.h"
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "base/array.h"
#include "base/folder.h"
#include "base/st_sum.h"
#include "base/text.h"

#define DATA_ALIGN 64 /* the data starts on a multiple of this */

static int by_width(const void *pa, const void *pb)
{
    const eg_st_entry *const *a = pa, *const *b = pb;
    size_t wa = eg_dtype_size((*a)->view.dtype);
    size_t wb = eg_dtype_size((*b)->view.dtype);

    if (wa != wb) return wa > wb ? -1 : 1;
    return *a < *b ? -1 : *a > *b; /* the caller's order: one array */
}

/* New reference, or NULL with the reason in err. */
static json_t *describe(const eg_st_entry *e, size_t begin, size_t end)
{
    const eg_view *v = &e->view;
    json_t *shape = json_array();

    for (int i = 0; i < v->ndim; i++) {
        if (json_array_append_new(shape, json_integer(v->shape[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype",
                     egi_st_dtype_name(v->dtype), "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)end);
}

/* Adds key: value (taken over) to an object that must not have it yet. */
static eg_status add_new(json_t *to, const char *key, json_t *value,
                         const char *path, eg_err *err)
{
    if (json_object_get(to, key)) {
        json_decref(value);
        return EG_FAIL(err, EG_EINVAL, "%s: two entries named '%.*s'", path,
                       eg_text_fit(key, 64), key);
    }
    if (!egi_utf8_valid(key)) {
        json_decref(value);
        return EG_FAIL(err, EG_EINVAL, "%s: the name '%.*s' is not UTF-8", path,
                       eg_text_fit(key, 64), key);
    }
    if (!value || json_object_set_new(to, key, value) != 0)
        return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", path);
    return EG_OK;
}

static eg_status add_meta(json_t *root, const char *const *meta, int n_meta,
                          const char *path, eg_err *err)
{
    eg_status st = EG_OK;
    json_t *object = json_object(), *taken = object;

    EG_TRY(add_new(object, EGI_ST_SUM, json_string(EGI_ST_NO_SUM), path, err));
    for (size_t i = 0; i < 2 * (size_t)n_meta; i += 2) {
        if (!egi_utf8_valid(meta[i + 1])) {
            st = EG_FAIL(err, EG_EINVAL, "%s: the value of '%.*s' is not UTF-8",
                         path, eg_text_fit(meta[i], 64), meta[i]);
            goto done;
        }
        EG_TRY(add_new(object, meta[i], json_string(meta[i + 1]), path, err));
    }
    object = NULL; /* taken over, whether or not it succeeds */
    EG_TRY(add_new(root, "__metadata__", taken, path, err));
done:
    json_decref(object);
    return st;
}

static eg_status add_entries(json_t *root, const eg_st_entry *const *order,
                             int n, const char *path, eg_err *err)
{
    eg_status st = EG_OK;
    size_t at = 0;

    for (int i = 0; i < n; i++) {
        const eg_st_entry *e = order[i];
        size_t bytes = 0;

        if (e->view.ndim < 0 || e->view.ndim > EG_MAX_DIMS ||
            !egi_view_bytes(&e->view, &bytes)) {
            return EG_FAIL(err, EG_ESHAPE, "%s: %s: not a shape to write", path,
                           e->name);
        }
        EG_TRY(add_new(root, e->name, describe(e, at, at + bytes), path, err));
        at += bytes;
    }
done:
    return st;
}

/* Everything in front of the data, [*size] bytes, without its checksum yet;
 * released with eg_free. NULL: no memory. */
static char *make_head(const char *json, size_t *size)
{
    size_t length = strlen(json), at = 8 + length;
    size_t pad = (DATA_ALIGN - at % DATA_ALIGN) % DATA_ALIGN;
    char *head = eg_calloc(at + pad, 1);

    if (!head) return NULL;
    for (int i = 0; i < 8; i++)
        head[i] = (char)((length + pad) >> (8 * i) & 0xff);
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): it is no text */
    memcpy(head + 8, json, length);
    memset(head + at, ' ', pad);
    *size = at + pad;
    return head;
}

static size_t bytes_of(const eg_st_entry *e)
{
    size_t bytes = 0;

    EG_ASSERT(egi_view_bytes(&e->view, &bytes));
    return bytes;
}

/* The checksum of head and data into its place in head. */
static void put_sum(char *head, size_t size, const eg_st_entry *const *order,
                    int n)
{
    size_t digits = egi_st_digits(head, size);
    char hex[EGI_SUM_HEX];
    egi_summer s;

    egi_summer_init(&s);
    egi_summer_add(&s, head, size);
    for (int i = 0; i < n; i++)
        egi_summer_add(&s, order[i]->view.data, bytes_of(order[i]));
    egi_sum_print(egi_summer_end(&s), hex);
    EG_ASSERT(digits > 0);
    memcpy(head + digits, hex, EGI_SUM_DIGITS);
}

eg_status eg_st_write(const char *path, const eg_st_entry *entries,
                      int n_entries, const char *const *meta, int n_meta,
                      eg_err *err)
{
    return eg_st_write_in(NULL, path, entries, n_entries, meta, n_meta, err);
}

eg_status eg_st_write_in(const eg_folder *in, const char *name,
                         const eg_st_entry *entries, int n_entries,
                         const char *const *meta, int n_meta, eg_err *err)
{
    char path[EGI_PATH];
    eg_status st = EG_OK;
    eg_outfile o = {.f = NULL};
    json_t *root = json_object();
    char *header = NULL, *head = NULL;
    const eg_st_entry **order = NULL;
    size_t size = 0;
    const size_t width = sizeof(const eg_st_entry *);

    (void)egi_path_in(path, in, name);
    order = eg_calloc((size_t)n_entries, width);
    if (!order || !root) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", path);
        goto done;
    }
    for (int i = 0; i < n_entries; i++) order[i] = &entries[i];
    qsort(order, (size_t)n_entries, width, by_width);
    EG_TRY(add_meta(root, meta, n_meta, path, err));
    EG_TRY(add_entries(root, order, n_entries, path, err));
    header = egi_json_print(root, JSON_COMPACT);
    if (header) head = make_head(header, &size);
    if (!head) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", path);
        goto done;
    }
    put_sum(head, size, order, n_entries);
    EG_TRY(eg_outfile_open_in(&o, in, name, err));
    eg_outfile_write(&o, head, size);
    for (int i = 0; i < n_entries; i++)
        eg_outfile_write(&o, order[i]->view.data, bytes_of(order[i]));
    EG_TRY(eg_outfile_commit(&o, err));
done:
    eg_outfile_abort(&o);
    eg_free(header);
    eg_free(head);
    json_decref(root);
    eg_free(order);
    return st;
}
