/* See sums.h. */
#include "lab/sums.h"

#include <string.h>
#include <unistd.h>

#include "engram/mem.h"
#include "base/buf.h"

enum { MAX_FILE = 1 << 28 };

/* Where a file of that name stands, or would stand. */
static eg_index place(const egi_sums *s, const char *name, bool *found)
{
    eg_index lo = 0, hi = s->n;

    while (lo < hi) {
        eg_index mid = lo + (hi - lo) / 2;

        if (strcmp(s->file[mid].name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *found = lo < s->n && strcmp(s->file[lo].name, name) == 0;
    return lo;
}

const egi_sum *egi_sums_find(const egi_sums *s, const char *name)
{
    bool found;
    eg_index at = place(s, name, &found);

    return found ? &s->file[at].sum : NULL;
}

eg_status egi_sums_put(egi_sums *s, const char *name, egi_sum sum, eg_err *err)
{
    bool found;
    eg_index at = place(s, name, &found);

    if (!found && s->n == s->cap) {
        eg_index cap = s->cap ? 2 * s->cap : 32;
        struct egi_sums_file *f = eg_realloc(s->file, (size_t)cap * sizeof *f);

        if (!f) return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", EGI_SUMS);
        s->file = f;
        s->cap = cap;
    }
    if (!found) {
        memmove(s->file + at + 1, s->file + at,
                (size_t)(s->n - at) * sizeof *s->file);
        s->n++;
        (void)snprintf(s->file[at].name, sizeof s->file[at].name, "%s", name);
    }
    s->file[at].sum = sum;
    return EG_OK;
}

void egi_sums_drop(egi_sums *s, const char *name)
{
    bool found;
    eg_index at = place(s, name, &found);

    if (!found) return;
    s->n--;
    memmove(s->file + at, s->file + at + 1,
            (size_t)(s->n - at) * sizeof *s->file);
}

void egi_sums_release(egi_sums *s)
{
    eg_free(s->file);
    *s = (egi_sums){0};
}

/* "<32 digits>  <name>" */
static eg_status take_line(egi_sums *s, const char *line, size_t n,
                           const char *folder, eg_index number, eg_err *err)
{
    char name[256];
    egi_sum sum;

    if (n < EGI_SUM_DIGITS + 3 || n - EGI_SUM_DIGITS - 2 >= sizeof name ||
        !egi_sum_read(&sum, line) || line[EGI_SUM_DIGITS] != ' ' ||
        line[EGI_SUM_DIGITS + 1] != ' ')
        return EG_FAIL(err, EG_EFORMAT,
                       "%s/%s:%td: expected %d hexadecimal digits, two blanks "
                       "and a name",
                       folder, EGI_SUMS, number, EGI_SUM_DIGITS);
    (void)snprintf(name, sizeof name, "%.*s", (int)(n - EGI_SUM_DIGITS - 2),
                   line + EGI_SUM_DIGITS + 2);
    return egi_sums_put(s, name, sum, err);
}

eg_status egi_sums_read(egi_sums *s, const eg_folder *arrays, eg_err *err)
{
    char *text = NULL;
    size_t size = 0, at = 0;
    eg_status st =
        eg_file_read_in(&text, &size, arrays, EGI_SUMS, MAX_FILE, err);

    *s = (egi_sums){0};
    for (eg_index number = 1; st == EG_OK && at < size; number++) {
        size_t n = strcspn(text + at, "\n");

        st = take_line(s, text + at, n, arrays->path, number, err);
        at += n + 1;
    }
    eg_free(text);
    if (st != EG_OK) egi_sums_release(s);
    return st;
}

eg_status egi_sums_write(const egi_sums *s, const eg_folder *arrays,
                         eg_err *err)
{
    egi_buf b = {0};
    char *text = NULL;
    eg_status st;

    for (eg_index i = 0; i < s->n; i++) {
        char hex[EGI_SUM_HEX];

        egi_sum_print(s->file[i].sum, hex);
        egi_buf_add(&b, "%s  %s\n", hex, s->file[i].name);
    }
    st = egi_buf_take(&b, &text, err);
    if (st == EG_OK)
        st = eg_file_write_in(arrays, EGI_SUMS, text, strlen(text), err);
    eg_free(text);
    return st;
}

eg_status egi_sum_in(egi_sum *sum, int64_t *bytes, const eg_folder *in,
                     const char *name, eg_err *err)
{
    char path[1280];
    int fd;
    eg_status st = eg_folder_fd(&fd, in, name, EG_READ, err);

    if (st != EG_OK) return st;
    (void)snprintf(path, sizeof path, "%s/%s", in->path, name);
    st = egi_sum_file(sum, bytes, fd, path, err);
    (void)close(fd);
    return st;
}

eg_status egi_sum_differs(const char *folder, const char *name, egi_sum want,
                          egi_sum have, eg_err *err)
{
    char a[EGI_SUM_HEX], b[EGI_SUM_HEX];

    egi_sum_print(want, a);
    egi_sum_print(have, b);
    return EG_FAIL(err, EG_EFORMAT,
                   "%s/%s: damaged or edited: expected xxh128 %s, found %s",
                   folder, name, a, b);
}

eg_status egi_sums_check(const egi_sums *s, const eg_folder *arrays,
                         const char *name, int64_t *bytes, eg_err *err)
{
    const egi_sum *want = egi_sums_find(s, name);
    egi_sum have;
    eg_status st;

    *bytes = 0;
    if (!want) return EG_OK;
    st = egi_sum_in(&have, bytes, arrays, name, err);
    if (st != EG_OK || egi_sum_same(*want, have)) return st;
    return egi_sum_differs(arrays->path, name, *want, have, err);
}

eg_status egi_array_check(const eg_folder *run, const char *file, eg_err *err)
{
    const char *name = strchr(file, '/');
    eg_folder arrays;
    egi_sums s = {0};
    int64_t bytes;
    eg_status st;

    EG_ASSERT(name && strncmp(file, "arrays/", 7) == 0);
    if (eg_folder_sub(&arrays, run, "arrays", false, NULL) != EG_OK)
        return EG_OK; /* whoever reads the file says so */
    st = egi_sums_read(&s, &arrays, NULL);
    if (st == EG_OK)
        st = egi_sums_check(&s, &arrays, name + 1, &bytes, err);
    else
        st = st == EG_ENOMEM ? EG_FAIL(err, st, "%s: out of memory", EGI_SUMS)
                             : EG_OK;
    egi_sums_release(&s);
    eg_folder_close(&arrays);
    return st;
}
