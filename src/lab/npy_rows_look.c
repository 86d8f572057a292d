/* Rows of a .npy file as they are found, against their checksums. */
#include "lab/npy_rows_impl.h"

#include <string.h>

#include "engram/mem.h"

enum { BATCH = 1 << 20 }; /* bytes read at once, unless a row is larger */

typedef void (*row_fn)(void *ctx, eg_index i, const void *row, size_t bytes);

/* The first n rows of the open file. */
static eg_status each_row(const egi_rows *r, eg_index n, row_fn fn, void *ctx,
                          eg_err *err)
{
    eg_index some = (eg_index)(BATCH / r->bytes);
    eg_status st = EG_OK;
    char *rows;

    if (some < 1) some = 1;
    rows = eg_calloc((size_t)some, r->bytes);
    if (!rows)
        return EG_FAIL(err, EG_ENOMEM, "%s: no memory for a row", r->name);
    if (fseeko(r->f, egi_rows_offset(r, 0), SEEK_SET) != 0)
        st = egi_rows_trouble(r, "read", err);
    for (eg_index i = 0; i < n && st == EG_OK; i += some) {
        eg_index k = n - i < some ? n - i : some;

        if (fread(rows, r->bytes, (size_t)k, r->f) != (size_t)k)
            st = egi_rows_trouble(r, "read", err);
        for (eg_index m = 0; m < k && st == EG_OK; m++)
            fn(ctx, i + m, rows + (size_t)m * r->bytes, r->bytes);
    }
    if (st == EG_OK && fseeko(r->f, 0, SEEK_END) != 0)
        st = egi_rows_trouble(r, "read", err);
    eg_free(rows);
    return st;
}

static void look_at(void *ctx, eg_index i, const void *row, size_t bytes)
{
    egi_rows *r = ctx;

    if (r->why[0]) return;
    if (egi_sum_list_holds(&r->before, i, row, bytes))
        r->n = i + 1;
    else
        (void)snprintf(r->why, sizeof r->why, "row %td is not what was written",
                       i);
}

/* How many rows are good? The checksums are read before the file's size: a
 * process that goes on writing adds rows first. */
static eg_status judge(egi_rows *r, eg_err *err)
{
    eg_status st = EG_OK;
    eg_index rows;
    off_t size;

    if (eg_folder_has(r->in, r->sums_name)) {
        st = egi_sum_list_read(&r->before, r->in, r->sums_name, err);
        if (st != EG_OK && st != EG_EFORMAT) return st;
    }
    st = EG_OK;
    if (fseeko(r->f, 0, SEEK_END) != 0) return egi_rows_trouble(r, "read", err);
    size = ftello(r->f) - egi_rows_offset(r, 0);
    rows = size > 0 ? (eg_index)((size_t)size / r->bytes) : 0;
    r->summed = r->before.sum != NULL;
    if (!r->summed) {
        r->n = r->written = rows;
        return EG_OK;
    }
    r->written = r->before.n;
    if (rows > r->written) rows = r->written;
    if (rows > 0) EG_TRY(each_row(r, rows, look_at, r, err));
    if (!r->why[0] && rows < r->written)
        (void)snprintf(r->why, sizeof r->why,
                       "%td of its %td rows are lost, from row %td on",
                       r->written - rows, r->written, rows);
done:
    return st;
}

/* The kind of rows, from the header of any file of them; EG_ENOMEM, EG_EFORMAT:
 * it is none. */
static eg_status take_kind(egi_rows *r, const char found[EGI_ROWS_HEADER],
                           eg_err *err)
{
    char h[EGI_ROWS_HEADER], *at;
    eg_view v;
    eg_status st;

    memcpy(h, found, sizeof h);
    at = memchr(h, '(', sizeof h);
    if (!at) return EG_EFORMAT;
    for (at++; at < h + sizeof h && *at >= '0' && *at <= '9'; at++) *at = ' ';
    if (at[-1] != ' ') return EG_EFORMAT;
    at[-1] = '0'; /* the same without rows is a whole array */
    st = eg_npy_parse(&v, h, sizeof h, r->name, err);
    if (st != EG_OK) return st;
    r->dtype = v.dtype;
    r->ndim = v.ndim - 1;
    r->bytes = eg_dtype_size(v.dtype);
    for (int i = 0; i < r->ndim; i++) {
        r->shape[i] = v.shape[i + 1];
        r->bytes *= (size_t)v.shape[i + 1];
    }
    eg_view_release(&v);
    return r->ndim >= 0 && r->bytes > 0 ? EG_OK : EG_EFORMAT;
}

eg_status egi_rows_look(egi_rows *r, bool any_kind, eg_err *err)
{
    const char *name = r->whole ? r->name : r->part;
    char h[EGI_ROWS_HEADER];
    eg_status st = eg_folder_stream(&r->f, r->in, name,
                                    any_kind ? EG_READ : EG_UPDATE, err);

    if (st != EG_OK) return st;
    /* a file too short for a header is one without rows */
    if (fread(h, sizeof h, 1, r->f) == 1) {
        if (any_kind)
            st = take_kind(r, h, err);
        else if (!egi_rows_same_kind(r, h))
            st = EG_EFORMAT;
    }
    if (st == EG_ENOMEM) return st;
    if (st != EG_OK)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s/%s holds rows of another kind; remove it to begin "
                       "anew",
                       r->in->path, name);
    return judge(r, err);
}

typedef struct chain {
    uint64_t sum;
    egi_summer whole;
} chain;

static void chain_row(void *ctx, eg_index i, const void *row, size_t bytes)
{
    chain *c = ctx;

    (void)i;
    c->sum = egi_sum_row(c->sum, row, bytes);
    egi_summer_add(&c->whole, row, bytes);
}

static void adopt_row(void *ctx, eg_index i, const void *row, size_t bytes)
{
    (void)i;
    egi_sum_text_row(ctx, row, bytes);
}

eg_status egi_rows_adopt(egi_rows *r, eg_index n, eg_err *err)
{
    egi_sum_text t;
    eg_status st = EG_OK;

    egi_sum_text_begin(&t, r->start);
    if (n > 0) st = each_row(r, n, adopt_row, &t, err);
    if (st == EG_OK)
        return egi_row_sums_adopt(&r->sums, &t, r->in, r->sums_name, err);
    egi_buf_release(&t.text);
    return st;
}

eg_status egi_rows_check(const egi_rows *r, egi_sum *sum, eg_err *err)
{
    chain c = {.sum = r->start};
    char h[EGI_ROWS_HEADER];
    eg_status st = EG_OK;

    egi_summer_init(&c.whole);
    if (fseeko(r->f, 0, SEEK_SET) != 0 || fread(h, sizeof h, 1, r->f) != 1)
        return egi_rows_trouble(r, "read", err);
    egi_summer_add(&c.whole, h, sizeof h);
    if (r->n > 0) EG_TRY(each_row(r, r->n, chain_row, &c, err));
    *sum = egi_summer_end(&c.whole);
    if (c.sum != r->sums.last)
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s/%s: its rows are not those that were written",
                     r->in->path, r->part);
done:
    return st;
}
