/* GGUF, versions 2 and 3: magic, version, counts; metadata, tensors' names and
 * places; data. Little-endian. Format: github.com/ggml-org/ggml, docs/gguf.md.
 *
 * Counts are believed as far as the bytes that are left can hold so many. */
#include "models/source.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "engram/mem.h"
#include "engram/text.h"

/* Bytes that a value of metadata, a tensor take at least. */
enum { META_LEAST = 8 + 4 + 1, TENSOR_LEAST = 8 + 4 + 4 + 8 };
enum { MOST = 8192 }; /* of either */

typedef struct reader {
    egi_source *s;
    size_t at;
    eg_err *err;
} reader;

static const size_t width[EGI_META_TYPES] = {
    [EGI_META_U8] = 1,  [EGI_META_I8] = 1,   [EGI_META_U16] = 2,
    [EGI_META_I16] = 2, [EGI_META_U32] = 4,  [EGI_META_I32] = 4,
    [EGI_META_F32] = 4, [EGI_META_BOOL] = 1, [EGI_META_U64] = 8,
    [EGI_META_I64] = 8, [EGI_META_F64] = 8};

static const struct {
    uint32_t type;
    egi_stored stored;
    const char *name;
} stored[] = {{0, EGI_F32, "F32"},   {1, EGI_F16, "F16"},
              {2, EGI_Q4_0, "Q4_0"}, {3, EGI_Q4_1, "Q4_1"},
              {8, EGI_Q8_0, "Q8_0"}, {28, EGI_F64, "F64"},
              {30, EGI_BF16, "BF16"}};
enum { N_STORED = sizeof stored / sizeof *stored };

bool egi_gguf_is(const char *bytes, size_t size)
{
    return size >= 4 && memcmp(bytes, "GGUF", 4) == 0;
}

/* ---- numbers and texts ----------------------------------------------------
 */

static eg_status cut_short(const reader *r, const char *what)
{
    return EG_FAIL(r->err, EG_EFORMAT, "%s: truncated: %s at byte %zu of %zu",
                   r->s->path, what, r->at, r->s->size);
}

static size_t left(const reader *r)
{
    return r->s->size - r->at;
}

static eg_status take(reader *r, void *to, size_t n, const char *what)
{
    if (left(r) < n) return cut_short(r, what);
    memcpy(to, r->s->bytes + r->at, n);
    r->at += n;
    return EG_OK;
}

/* The length of a text and where it lies. */
static eg_status take_text(reader *r, uint64_t *n, const unsigned char **data,
                           const char *what)
{
    eg_status st = take(r, n, sizeof *n, what);

    if (st != EG_OK) return st;
    if (*n > left(r)) return cut_short(r, what);
    *data = (const unsigned char *)r->s->bytes + r->at;
    r->at += (size_t)*n;
    return EG_OK;
}

/* A name of a buffer's length, without a 0 in it. */
static eg_status take_name(reader *r, char *buf, size_t size, const char *what)
{
    const unsigned char *data;
    uint64_t n;
    eg_status st = take_text(r, &n, &data, what);

    if (st != EG_OK) return st;
    if (n >= size || memchr(data, 0, (size_t)n))
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: expected %s of at most %zu bytes, found %llu",
                       r->s->path, what, size - 1, (unsigned long long)n);
    memcpy(buf, data, (size_t)n);
    buf[n] = '\0';
    return EG_OK;
}

/* ---- metadata -------------------------------------------------------------
 */

static eg_status skip_texts(reader *r, uint64_t n, const char *key)
{
    eg_status st = EG_OK;

    if (n > left(r) / 8) return cut_short(r, key);
    for (uint64_t i = 0; st == EG_OK && i < n; i++) {
        const unsigned char *data;
        uint64_t length;

        st = take_text(r, &length, &data, key);
    }
    return st;
}

static eg_status take_items(reader *r, egi_meta *m)
{
    uint32_t of = 0;
    eg_status st;

    EG_TRY(take(r, &of, sizeof of, m->key));
    EG_TRY(take(r, &m->n, sizeof m->n, m->key));
    m->data = (const unsigned char *)r->s->bytes + r->at;
    m->of = (int)of;
    if (of == EGI_META_TEXT) return skip_texts(r, m->n, m->key);
    if (of >= EGI_META_TYPES || width[of] == 0)
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: %s: expected an array of numbers or texts, found "
                       "type %u",
                       r->s->path, m->key, of);
    if (m->n > left(r) / width[of]) return cut_short(r, m->key);
    r->at += (size_t)m->n * width[of];
done:
    return st;
}

static eg_status take_meta(reader *r, egi_meta *m)
{
    uint32_t type = 0;
    eg_status st;

    EG_TRY(take_name(r, m->key, sizeof m->key, "a key"));
    EG_TRY(take(r, &type, sizeof type, m->key));
    if (type >= EGI_META_TYPES)
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: %s: expected a type below %d, found %u", r->s->path,
                       m->key, EGI_META_TYPES, type);
    m->type = (int)type;
    m->n = 1;
    if (type == EGI_META_ARRAY) return take_items(r, m);
    if (type == EGI_META_TEXT) return take_text(r, &m->n, &m->data, m->key);
    m->data = (const unsigned char *)r->s->bytes + r->at;
    if (left(r) < width[type]) return cut_short(r, m->key);
    r->at += width[type];
done:
    return st;
}

/* ---- tensors --------------------------------------------------------------
 */

/* Axes stand with the one that lies together first; ours last. */
static eg_status take_axes(reader *r, egi_in *t, uint64_t *entries)
{
    uint64_t axis[EGI_AXES];
    uint32_t n = 0;
    eg_status st;

    EG_TRY(take(r, &n, sizeof n, t->name));
    if (n > EGI_AXES)
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: %s: expected at most %d axes, found %u", r->s->path,
                       t->name, EGI_AXES, n);
    EG_TRY(take(r, axis, n * sizeof *axis, t->name));
    t->ndim = (int)n;
    *entries = 1;
    for (uint32_t k = 0; k < n; k++) {
        /* an entry takes half a byte at the least */
        if (axis[k] > 2 * (uint64_t)r->s->size ||
            (axis[k] > 0 && *entries > 2 * (uint64_t)r->s->size / axis[k]))
            return EG_FAIL(r->err, EG_EFORMAT,
                           "%s: %s: %llu entries along axis %u are more than "
                           "the file can hold",
                           r->s->path, t->name, (unsigned long long)axis[k], k);
        t->shape[n - 1 - k] = (eg_index)axis[k];
        *entries *= axis[k];
    }
done:
    return st;
}

static eg_status take_stored(reader *r, egi_in *t)
{
    uint32_t type = 0;
    eg_status st = take(r, &type, sizeof type, t->name);

    if (st != EG_OK) return st;
    for (int i = 0; i < N_STORED; i++) {
        if (stored[i].type != type) continue;
        t->stored = stored[i].stored;
        t->what = stored[i].name;
        return EG_OK;
    }
    return EG_FAIL(r->err, EG_EUNSUPPORTED,
                   "%s: %s: expected F32, F16, BF16, F64, Q4_0, Q4_1 or Q8_0, "
                   "found GGML's type %u",
                   r->s->path, t->name, type);
}

/* Its place is counted from the beginning of the data, which is not known
 * yet. */
static eg_status take_tensor(reader *r, egi_in *t, uint64_t *place,
                             uint64_t *entries)
{
    eg_status st;

    EG_TRY(take_name(r, t->name, sizeof t->name, "a tensor's name"));
    EG_TRY(take_axes(r, t, entries));
    EG_TRY(take_stored(r, t));
    EG_TRY(take(r, place, sizeof *place, t->name));
    if (egi_stored_bytes(t->stored, (uint64_t)egi_in_cols(t)) == 0 &&
        *entries > 0)
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: %s: rows of %td entries do not fill %s's blocks of "
                       "32",
                       r->s->path, t->name, egi_in_cols(t), t->what);
done:
    return st;
}

static eg_status place_tensor(const reader *r, egi_in *t, size_t data,
                              uint64_t place, uint64_t entries)
{
    size_t bytes = egi_stored_bytes(t->stored, entries);
    size_t room = r->s->size - data;

    if (place > room || bytes > room - (size_t)place)
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: %s: its %zu bytes at %llu of the data lie outside "
                       "the file (truncated?)",
                       r->s->path, t->name, bytes, (unsigned long long)place);
    t->data = (const unsigned char *)r->s->bytes + data + (size_t)place;
    return EG_OK;
}

static eg_status take_tensors(reader *r, int n, eg_err *err)
{
    egi_source *s = r->s;
    uint64_t *where = eg_calloc((size_t)n * 2 + 1, sizeof *where);
    int64_t align = 32;
    size_t data;
    eg_status st = EG_OK;

    if (!where) return EG_FAIL(err, EG_ENOMEM, "%s: places", s->path);
    for (int i = 0; i < n; i++) {
        EG_TRY(take_tensor(r, &s->in[i], &where[(size_t)2 * i],
                           &where[(size_t)2 * i + 1]));
        if (egi_source_find(s, s->in[i].name)) {
            st = EG_FAIL(err, EG_EFORMAT, "%s: tensor %s stands there twice",
                         s->path, s->in[i].name);
            goto done;
        }
        s->n++;
    }
    if (egi_meta_find(s, "general.alignment") &&
        !egi_meta_int(s, "general.alignment", &align))
        align = 0; /* no number */
    if (align < 1 || align > 1 << 20) {
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s: general.alignment: expected 1 to 1048576, found %lld",
                     s->path, (long long)align);
        goto done;
    }
    data = (r->at + (size_t)align - 1) / (size_t)align * (size_t)align;
    if (data > s->size) data = s->size; /* a file without data */
    for (int i = 0; i < n; i++)
        EG_TRY(place_tensor(r, &s->in[i], data, where[(size_t)2 * i],
                            where[(size_t)2 * i + 1]));
done:
    eg_free(where);
    return st;
}

/* ---- the file -------------------------------------------------------------
 */

static eg_status counts(reader *r, uint64_t n[2])
{
    uint32_t magic = 0, version = 0; /* magic: egi_gguf_is has looked */
    eg_status st;

    EG_TRY(take(r, &magic, sizeof magic, "its beginning"));
    EG_TRY(take(r, &version, sizeof version, "its version"));
    if (version != 2 && version != 3)
        return EG_FAIL(
            r->err, EG_EUNSUPPORTED,
            "%s: expected GGUF version 2 or 3, found %u%s", r->s->path, version,
            version == 0x02000000 || version == 0x03000000 ? " (big-endian)"
                                                           : "");
    EG_TRY(take(r, n, 2 * sizeof *n, "its counts"));
    if (n[0] > left(r) / TENSOR_LEAST || n[1] > left(r) / META_LEAST)
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s: %llu tensors and %llu values of metadata do not "
                       "fit its %zu bytes",
                       r->s->path, (unsigned long long)n[0],
                       (unsigned long long)n[1], r->s->size);
    if (n[0] > MOST || n[1] > MOST)
        return EG_FAIL(r->err, EG_EUNSUPPORTED,
                       "%s: expected at most 8192 tensors and values of "
                       "metadata, found %llu and %llu",
                       r->s->path, (unsigned long long)n[0],
                       (unsigned long long)n[1]);
done:
    return st;
}

eg_status egi_gguf_take(egi_source *s, char *bytes, size_t size,
                        const char *path, eg_err *err)
{
    reader r = {.s = s, .err = err};
    uint64_t n[2] = {0, 0};
    eg_status st = EG_OK;

    *s = (egi_source){.path = path, .bytes = bytes, .size = size};
    EG_TRY(counts(&r, n));
    s->in = eg_calloc((size_t)n[0] + 1, sizeof *s->in);
    s->meta = eg_calloc((size_t)n[1] + 1, sizeof *s->meta);
    if (!s->in || !s->meta) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: list of tensors", path);
        goto done;
    }
    for (uint64_t i = 0; i < n[1]; i++) {
        EG_TRY(take_meta(&r, &s->meta[i]));
        if (egi_meta_find(s, s->meta[i].key))
            st = EG_FAIL(err, EG_EFORMAT, "%s: key %s stands there twice", path,
                         s->meta[i].key);
        if (st != EG_OK) goto done;
        s->n_meta++;
    }
    EG_TRY(take_tensors(&r, (int)n[0], err));
done:
    if (st != EG_OK) egi_source_release(s);
    return st;
}

/* ---- reading metadata -----------------------------------------------------
 */

const egi_meta *egi_meta_find(const egi_source *s, const char *key)
{
    for (int i = 0; i < s->n_meta; i++)
        if (strcmp(s->meta[i].key, key) == 0) return &s->meta[i];
    return NULL;
}

bool egi_meta_int(const egi_source *s, const char *key, int64_t *out)
{
    const egi_meta *m = egi_meta_find(s, key);
    uint64_t u = 0;
    bool sign;

    if (!m || m->type == EGI_META_F32 || m->type == EGI_META_F64 ||
        m->type == EGI_META_TEXT || m->type == EGI_META_ARRAY)
        return false;
    memcpy(&u, m->data, width[m->type]);
    sign = m->type == EGI_META_I8 || m->type == EGI_META_I16 ||
           m->type == EGI_META_I32 || m->type == EGI_META_I64;
    if (sign && u >> (8 * width[m->type] - 1) & 1 && width[m->type] < 8)
        u |= UINT64_MAX << (8 * width[m->type]);
    if (!sign && u > INT64_MAX) return false;
    *out = (int64_t)u;
    return true;
}

bool egi_meta_real(const egi_source *s, const char *key, double *out)
{
    const egi_meta *m = egi_meta_find(s, key);
    int64_t n;

    if (m && (m->type == EGI_META_F32 || m->type == EGI_META_F64)) {
        float f;

        memcpy(m->type == EGI_META_F32 ? (void *)&f : (void *)out, m->data,
               width[m->type]);
        if (m->type == EGI_META_F32) *out = (double)f;
        return isfinite(*out);
    }
    if (!egi_meta_int(s, key, &n)) return false;
    *out = (double)n;
    return true;
}

bool egi_meta_text(const egi_source *s, const char *key, char *buf, size_t size)
{
    const egi_meta *m = egi_meta_find(s, key);

    if (!m || m->type != EGI_META_TEXT || m->n >= size) return false;
    memcpy(buf, m->data, (size_t)m->n);
    buf[m->n] = '\0';
    return true;
}
