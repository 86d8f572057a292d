/* See jsonl.h. */
#include "lab/jsonl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/sum.h"
#include "engram/mem.h"
#include "engram/run.h"
#include "lab/blocks.h"

void egi_jsonl_init(egi_jsonl *j, const char *name)
{
    *j = (egi_jsonl){.name = name, .sums.fd = -1};
    (void)snprintf(j->sums_name, sizeof j->sums_name, "%s.sums", name);
}

void egi_jsonl_close(egi_jsonl *j)
{
    if (j->f) (void)fclose(j->f);
    j->f = NULL;
    egi_row_sums_close(&j->sums);
    egi_buf_release(&j->row);
    eg_free(j->before.sum);
    j->before = (egi_sum_list){0};
}

eg_status egi_jsonl_each(const eg_folder *in, const char *name, eg_index most,
                         egi_jsonl_fn fn, void *ctx, int64_t *bytes,
                         eg_err *err)
{
    char path[1280];
    eg_infile file = {.fd = -1, .path = path};
    egi_blocks b = {0};
    const char *text = NULL, *end;
    size_t size = 0;
    eg_index i = 0;
    eg_status st;

    *bytes = 0;
    (void)snprintf(path, sizeof path, "%s/%s", in->path, name);
    EG_TRY(eg_folder_fd(&file.fd, in, name, EG_READ, err));
    egi_blocks_open(&b, &file);
    while (i < most) {
        EG_TRY(egi_blocks_next(&b, &text, &size, err));
        if (size == 0) break;
        for (; size > 0 && i < most; i++) {
            size_t n;

            end = memchr(text, '\n', size);
            n = (size_t)(end - text) + 1;
            fn(ctx, i, text, n);
            *bytes += (int64_t)n;
            text += n;
            size -= n;
        }
    }
done:
    egi_blocks_release(&b);
    eg_infile_close(&file);
    return st;
}

/* ---- what is there --------------------------------------------------------
 */

typedef struct look {
    egi_jsonl *j;
    eg_index rows;
    double step; /* of the row before */
    eg_status st;
    eg_err *err;
} look;

/* Without checksums: a row alone must be one, and come after the others. */
static void judge(look *l, eg_index i, const char *row, size_t size)
{
    eg_metrics m;
    double now = l->step;
    eg_status st = eg_metrics_parse(&m, row, size, "row", NULL);

    if (st == EG_OK && m.n > 0) now = m.series[0].step[0];
    eg_metrics_release(&m);
    if (st == EG_ENOMEM)
        l->st = EG_FAIL(l->err, st, "%s: no memory for a row", l->j->name);
    else if (st != EG_OK)
        (void)snprintf(l->j->why, sizeof l->j->why,
                       "line %td is no row of numbers", i + 1);
    else if (i > 0 && now < l->step)
        (void)snprintf(l->j->why, sizeof l->j->why,
                       "the step of line %td is below that of the line before",
                       i + 1);
    l->step = now;
}

static void look_at(void *ctx, eg_index i, const char *row, size_t size)
{
    look *l = ctx;
    egi_jsonl *j = l->j;

    l->rows++;
    if (l->st != EG_OK || j->why[0] || (j->summed && i >= j->written)) return;
    if (!j->summed)
        judge(l, i, row, size);
    else if (!egi_sum_list_holds(&j->before, i, row, size))
        (void)snprintf(j->why, sizeof j->why,
                       "line %td is not what was written", i + 1);
    if (!j->why[0]) j->good = i + 1;
}

eg_status egi_jsonl_look(egi_jsonl *j, const eg_folder *in, eg_err *err)
{
    look l = {.j = j, .err = err};
    eg_status st = EG_OK;

    j->written = j->good = 0;
    j->bytes = 0;
    j->why[0] = '\0';
    if (eg_folder_has(in, j->sums_name)) {
        st = egi_sum_list_read(&j->before, in, j->sums_name, err);
        if (st != EG_OK && st != EG_EFORMAT) return st;
    }
    j->summed = j->before.sum != NULL;
    j->written = j->before.n;
    if (eg_folder_has(in, j->name))
        EG_TRY(egi_jsonl_each(in, j->name, PTRDIFF_MAX, look_at, &l, &j->bytes,
                              err));
    EG_TRY(l.st);
    if (!j->summed) j->written = l.rows;
    if (!j->why[0] && l.rows < j->written)
        (void)snprintf(j->why, sizeof j->why,
                       "%td of its %td rows are lost, from line %td on",
                       j->written - l.rows, j->written, l.rows + 1);
done:
    return st;
}

/* ---- writing --------------------------------------------------------------
 */

static eg_status trouble(const egi_jsonl *j, const char *what, eg_err *err)
{
    return EG_FAIL(err, EG_EIO, "cannot %s %s: %s", what, j->name,
                   strerror(errno));
}

eg_status egi_jsonl_create(egi_jsonl *j, const eg_folder *in, uint64_t start,
                           eg_err *err)
{
    eg_status st = eg_folder_stream(&j->f, in, j->name, EG_NEW, err);

    if (st == EG_OK)
        st = egi_row_sums_new(&j->sums, in, j->sums_name, start, err);
    return st;
}

static void adopt_row(void *ctx, eg_index i, const char *row, size_t size)
{
    (void)i;
    egi_sum_text_row(ctx, row, size);
}

/* Rows that have no checksums get them. */
static eg_status adopt_rows(egi_jsonl *j, const eg_folder *in, uint64_t start,
                            eg_index rows, eg_err *err)
{
    egi_sum_text t;
    int64_t bytes;
    eg_status st = EG_OK;

    egi_sum_text_begin(&t, start);
    if (rows > 0)
        st = egi_jsonl_each(in, j->name, rows, adopt_row, &t, &bytes, err);
    if (st == EG_OK)
        return egi_row_sums_adopt(&j->sums, &t, in, j->sums_name, err);
    egi_buf_release(&t.text);
    return st;
}

static void ignore(void *ctx, eg_index i, const char *row, size_t size)
{
    (void)ctx;
    (void)i;
    (void)row;
    (void)size;
}

/* Checksums are cut before the rows, see row_sums.h. */
eg_status egi_jsonl_keep(egi_jsonl *j, const eg_folder *in, uint64_t start,
                         eg_index rows, eg_err *err)
{
    int64_t bytes = 0;
    eg_status st = EG_OK;

    if (j->sums.fd >= 0 && rows > j->sums.n) rows = j->sums.n;
    if (rows > 0)
        EG_TRY(egi_jsonl_each(in, j->name, rows, ignore, NULL, &bytes, err));
    if (j->sums.fd >= 0)
        EG_TRY(egi_row_sums_cut(&j->sums, rows, err));
    else if (j->summed && j->before.sum[0] == start)
        EG_TRY(egi_row_sums_go_on(&j->sums, in, j->sums_name, &j->before, rows,
                                  err));
    else
        EG_TRY(adopt_rows(j, in, start, rows, err));
    if (!j->f) EG_TRY(eg_folder_stream(&j->f, in, j->name, EG_APPEND, err));
    if (fflush(j->f) != 0 || ftruncate(fileno(j->f), (off_t)bytes) != 0 ||
        fseeko(j->f, 0, SEEK_END) != 0)
        st = trouble(j, "shorten", err);
done:
    return st;
}

eg_status egi_jsonl_put(egi_jsonl *j, eg_err *err)
{
    egi_buf *b = &j->row;
    eg_status st;

    if (b->failed) {
        egi_buf_release(b);
        return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", j->name);
    }
    if (fwrite(b->s, 1, b->n, j->f) != b->n || fflush(j->f) != 0)
        return trouble(j, "write", err);
    st = egi_row_sums_put(&j->sums, b->s, b->n, err);
    b->n = 0;
    return st;
}

eg_status egi_jsonl_sync(egi_jsonl *j, eg_err *err)
{
    if (fflush(j->f) != 0 || fsync(fileno(j->f)) != 0)
        return trouble(j, "write", err);
    return egi_row_sums_sync(&j->sums, err);
}
