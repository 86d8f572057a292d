/* See row_sums.h. */
#include "lab/row_sums.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/sum.h"
#include "engram/mem.h"

enum { DIGITS = EGI_SUM_LINE - 1, MAX_FILE = 1 << 30 };

static bool read_line(uint64_t *sum, const char *text)
{
    uint64_t v = 0;

    for (int i = 0; i < DIGITS; i++) {
        char c = text[i];

        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *sum = v;
    return text[DIGITS] == '\n';
}

static eg_status parse(egi_sum_list *l, const char *text, size_t size,
                       const char *folder, const char *name, eg_err *err)
{
    size_t n = size / EGI_SUM_LINE, i = 0;

    l->sum = eg_calloc(n, sizeof *l->sum);
    if (!l->sum)
        return EG_FAIL(err, EG_ENOMEM, "%s/%s: out of memory", folder, name);
    while (i < n && read_line(&l->sum[i], text + i * EGI_SUM_LINE)) i++;
    if (i == 0) {
        eg_free(l->sum);
        l->sum = NULL;
        return EG_FAIL(err, EG_EFORMAT,
                       "%s/%s: expected lines of %d hexadecimal digits, found "
                       "none",
                       folder, name, DIGITS);
    }
    l->n = (eg_index)i - 1;
    l->odd = i < n;
    return EG_OK;
}

eg_status egi_sum_list_read(egi_sum_list *l, const eg_folder *in,
                            const char *name, eg_err *err)
{
    char *text = NULL;
    size_t size = 0;
    eg_status st;

    *l = (egi_sum_list){0};
    st = eg_file_read_in(&text, &size, in, name, MAX_FILE, err);
    if (st == EG_OK) st = parse(l, text, size, in->path, name, err);
    eg_free(text);
    return st;
}

bool egi_sum_list_holds(const egi_sum_list *l, eg_index i, const void *row,
                        size_t size)
{
    EG_ASSERT(i >= 0 && i < l->n);
    return egi_sum_row(l->sum[i], row, size) == l->sum[i + 1];
}

static eg_status trouble(const egi_row_sums *s, const char *what, eg_err *err)
{
    return EG_FAIL(err, EG_EIO, "cannot %s %s: %s", what, s->path,
                   strerror(errno));
}

/* One write, so that a line is there or is not. */
static eg_status append(egi_row_sums *s, uint64_t sum, eg_err *err)
{
    char line[EGI_SUM_LINE + 1];
    ssize_t n;

    (void)snprintf(line, sizeof line, "%016" PRIx64 "\n", sum);
    do n = write(s->fd, line, EGI_SUM_LINE);
    while (n < 0 && errno == EINTR);
    if (n >= 0 && n < EGI_SUM_LINE) errno = ENOSPC;
    if (n != EGI_SUM_LINE) return trouble(s, "write", err);
    s->last = sum;
    return EG_OK;
}

static eg_status open_file(egi_row_sums *s, const eg_folder *in,
                           const char *name, eg_access how, eg_err *err)
{
    *s = (egi_row_sums){.fd = -1};
    (void)snprintf(s->path, sizeof s->path, "%s/%s", in->path, name);
    return eg_folder_fd(&s->fd, in, name, how, err);
}

eg_status egi_row_sums_new(egi_row_sums *s, const eg_folder *in,
                           const char *name, uint64_t start, eg_err *err)
{
    eg_status st;

    (void)eg_folder_remove(in, name);
    st = open_file(s, in, name, EG_NEW, err);
    if (st == EG_OK) st = append(s, start, err);
    if (st != EG_OK) egi_row_sums_close(s);
    return st;
}

static void add_line(egi_sum_text *t)
{
    egi_buf_add(&t->text, "%016" PRIx64 "\n", t->last);
}

void egi_sum_text_begin(egi_sum_text *t, uint64_t start)
{
    *t = (egi_sum_text){.last = start};
    add_line(t);
}

void egi_sum_text_row(egi_sum_text *t, const void *row, size_t size)
{
    t->last = egi_sum_row(t->last, row, size);
    t->n++;
    add_line(t);
}

eg_status egi_row_sums_adopt(egi_row_sums *s, egi_sum_text *t,
                             const eg_folder *in, const char *name, eg_err *err)
{
    eg_status st = EG_OK;

    if (t->text.failed)
        st = EG_FAIL(err, EG_ENOMEM, "%s/%s: out of memory", in->path, name);
    if (st == EG_OK) st = eg_file_write_in(in, name, t->text.s, t->text.n, err);
    if (st == EG_OK) st = open_file(s, in, name, EG_UPDATE, err);
    egi_buf_release(&t->text);
    if (st != EG_OK) return st;
    s->n = t->n;
    s->last = t->last;
    if (lseek(s->fd, 0, SEEK_END) < 0) {
        st = trouble(s, "read", err);
        egi_row_sums_close(s);
    }
    return st;
}

static off_t offset(eg_index n)
{
    return (off_t)EGI_SUM_LINE * ((off_t)n + 1);
}

eg_status egi_row_sums_go_on(egi_row_sums *s, const eg_folder *in,
                             const char *name, const egi_sum_list *l,
                             eg_index n, eg_err *err)
{
    eg_status st = open_file(s, in, name, EG_UPDATE, err);

    EG_ASSERT(n >= 0 && n <= l->n);
    if (st == EG_OK && (ftruncate(s->fd, offset(n)) != 0 ||
                        lseek(s->fd, offset(n), SEEK_SET) < 0))
        st = trouble(s, "shorten", err);
    s->n = n;
    s->last = l->sum[n];
    if (st != EG_OK) egi_row_sums_close(s);
    return st;
}

eg_status egi_row_sums_put(egi_row_sums *s, const void *row, size_t size,
                           eg_err *err)
{
    eg_status st = append(s, egi_sum_row(s->last, row, size), err);

    s->n += st == EG_OK;
    return st;
}

eg_status egi_row_sums_cut(egi_row_sums *s, eg_index n, eg_err *err)
{
    char line[EGI_SUM_LINE];

    EG_ASSERT(n >= 0 && n <= s->n);
    if (pread(s->fd, line, sizeof line, offset(n) - EGI_SUM_LINE) !=
            EGI_SUM_LINE ||
        ftruncate(s->fd, offset(n)) != 0 ||
        lseek(s->fd, offset(n), SEEK_SET) < 0)
        return trouble(s, "shorten", err);
    if (!read_line(&s->last, line))
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: line %td: expected %d hexadecimal digits", s->path,
                       n + 1, DIGITS);
    s->n = n;
    return EG_OK;
}

eg_status egi_row_sums_sync(const egi_row_sums *s, eg_err *err)
{
    return fsync(s->fd) == 0 ? EG_OK : trouble(s, "write", err);
}

void egi_row_sums_close(egi_row_sums *s)
{
    if (s->fd >= 0) (void)close(s->fd);
    s->fd = -1;
}
