/* Shards, read. */
#include "engram/shards.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "engram/mem.h"
#include "text/shard.h"

typedef struct shard {
    char *path;
    int fd, width; /* bytes of an id */
    int64_t head;  /* bytes before the first */
    int64_t first, n;
} shard;

struct eg_shards {
    int n, d_vocab;
    int64_t tokens;
    shard *file;
};

void eg_shards_free(eg_shards *s)
{
    if (!s) return;
    for (int i = 0; s->file && i < s->n; i++) {
        if (s->file[i].fd >= 0) (void)close(s->file[i].fd);
        eg_free(s->file[i].path);
    }
    eg_free(s->file);
    eg_free(s);
}

int64_t eg_shards_tokens(const eg_shards *s)
{
    return s->tokens;
}

int eg_shards_files(const eg_shards *s)
{
    return s->n;
}

/* ---- bytes ----------------------------------------------------------------
 */

/* n bytes at a place of a file, or what there is: *got. */
static eg_status read_at(const shard *f, void *to, size_t n, int64_t at,
                         size_t *got, eg_err *err)
{
    *got = 0;
    while (*got < n) {
        ssize_t k = pread(f->fd, (char *)to + *got, n - *got,
                          (off_t)(at + (int64_t)*got));

        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return EGI_FAIL_ERRNO(err, f->path);
        if (k == 0) break;
        *got += (size_t)k;
    }
    return EG_OK;
}

/* ids from one file; `at` counts in it. The bytes lie at the end of out, and
 * are widened from its start on. */
static eg_status read_ids(const shard *f, int64_t at, eg_index n, int d_vocab,
                          int32_t *out, eg_err *err)
{
    size_t bytes = (size_t)n * (size_t)f->width, got;
    unsigned char *raw = (unsigned char *)out + (size_t)n * sizeof *out - bytes;
    eg_status st = read_at(f, raw, bytes, f->head + at * f->width, &got, err);

    if (st != EG_OK) return st;
    if (got < bytes)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: was cut while it was read: no id %lld any more",
                       f->path, (long long)(at + (int64_t)got / f->width));
    for (eg_index i = 0; i < n; i++) {
        uint32_t id;

        if (f->width == 2) {
            uint16_t half;

            memcpy(&half, raw + 2 * i, 2);
            id = half;
        } else {
            memcpy(&id, raw + 4 * i, 4);
        }
        if (id >= (uint32_t)d_vocab)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: id %u at place %lld; the vocabulary has 0 to "
                           "%d",
                           f->path, id, (long long)(at + i), d_vocab - 1);
        out[i] = (int32_t)id;
    }
    return EG_OK;
}

eg_status eg_shards_read(const eg_shards *s, int64_t at, eg_index n,
                         int32_t *out, eg_err *err)
{
    int i = 0, hi = s->n - 1;
    int32_t *to = out;

    EG_ASSERT(at >= 0 && n >= 0 && at + n <= s->tokens);
    while (i < hi) { /* the last file that begins at or before `at` */
        int mid = (i + hi + 1) / 2;

        if (s->file[mid].first <= at)
            i = mid;
        else
            hi = mid - 1;
    }
    for (eg_index left = n; left > 0; i++) {
        const shard *f = &s->file[i];
        int64_t k = f->first + f->n - at;
        eg_status st;

        if (k > left) k = left;
        st = read_ids(f, at - f->first, (eg_index)k, s->d_vocab, to, err);
        if (st != EG_OK) {
            memset(out, 0, (size_t)n * sizeof *out);
            return st;
        }
        at += k;
        to += k;
        left -= (eg_index)k;
    }
    return EG_OK;
}

/* ---- opening --------------------------------------------------------------
 */

/* Is all of a header zero behind its first three numbers? */
static bool is_header(const int32_t *head)
{
    for (int i = 3; i < EGI_SHARD_HEAD; i++)
        if (head[i] != 0) return false;
    return true;
}

static eg_status check_count(shard *f, int64_t bytes, int64_t n, eg_err *err)
{
    if (n < 0 || bytes != f->head + n * f->width)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: its header says %lld ids, which with it are %lld "
                       "bytes; the file has %lld",
                       f->path, (long long)n,
                       (long long)(f->head + n * f->width), (long long)bytes);
    f->n = n;
    return EG_OK;
}

/* What a file is, from its first bytes and its length. */
static eg_status recognise(shard *f, int64_t bytes, eg_err *err)
{
    int32_t head[EGI_SHARD_HEAD];
    size_t got;
    eg_status st = read_at(f, head, sizeof head, 0, &got, err);
    bool whole = got == sizeof head, half, full;

    if (st != EG_OK) return st;
    half = got >= 8 && head[0] == EGI_SHARD_16;
    full = got >= 8 && head[0] == EGI_SHARD_32;
    f->width = full ? 4 : 2;
    if (half || full) {
        int version = half ? EGI_SHARD_16_VERSION : EGI_SHARD_32_VERSION;

        f->head = sizeof head;
        if (!whole)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: %lld bytes; the header of such a file has %zu",
                           f->path, (long long)bytes, sizeof head);
        if (head[1] != version)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: magic %d of version %d; expected version %d",
                           f->path, head[0], head[1], version);
        return check_count(f, bytes, head[2], err);
    }
    if (whole && is_header(head))
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: magic %d, version %d; expected %d or %d, or ids "
                       "without a header",
                       f->path, head[0], head[1], EGI_SHARD_16, EGI_SHARD_32);
    if (bytes % 2 != 0 || bytes == 0)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: %lld bytes; expected ids of two bytes each",
                       f->path, (long long)bytes);
    f->n = bytes / 2;
    return EG_OK;
}

static eg_status open_one(shard *f, const char *path, eg_err *err)
{
    struct stat info;
    eg_infile in;
    eg_status st;

    f->fd = -1;
    f->path = eg_strdup(path);
    if (!f->path) return EG_FAIL(err, EG_ENOMEM, "%s", path);
    st = eg_infile_open(&in, path, 0, err);
    if (st != EG_OK) return st;
    f->fd = in.fd;
    if (in.pipe)
        return EG_FAIL(err, EG_EIO, "%s: is a pipe; shards are files", path);
    if (fstat(f->fd, &info) != 0) return EGI_FAIL_ERRNO(err, path);
    return recognise(f, (int64_t)info.st_size, err);
}

static eg_status look(const eg_shards *s, eg_err *err)
{
    enum { BLOCK = 1 << 16 };
    int32_t *ids = eg_calloc(BLOCK, sizeof *ids);
    int64_t end = s->tokens < EG_SHARDS_LOOK ? s->tokens : EG_SHARDS_LOOK;
    eg_status st = EG_OK;

    if (!ids) return EG_FAIL(err, EG_ENOMEM, "a look at shards");
    for (int64_t at = 0; at < end && st == EG_OK; at += BLOCK) {
        int64_t n = end - at < BLOCK ? end - at : BLOCK;

        st = eg_shards_read(s, at, (eg_index)n, ids, err);
    }
    eg_free(ids);
    return st;
}

eg_status eg_shards_open(eg_shards **out, const char *const *path, int n,
                         int d_vocab, eg_err *err)
{
    eg_status st = EG_OK;
    eg_shards *s = eg_calloc(1, sizeof *s);

    *out = NULL;
    EG_ASSERT(n > 0 && d_vocab > 0);
    if (s) s->file = eg_calloc((size_t)n, sizeof *s->file);
    if (!s || !s->file) {
        st = EG_FAIL(err, EG_ENOMEM, "%d shards", n);
        goto done;
    }
    s->d_vocab = d_vocab;
    for (; s->n < n; s->n++) {
        shard *f = &s->file[s->n];

        f->first = s->tokens;
        st = open_one(f, path[s->n], err);
        if (st != EG_OK) {
            s->n++;
            goto done;
        }
        s->tokens += f->n;
    }
    EG_TRY(look(s, err));
    *out = s;
    s = NULL;
done:
    eg_shards_free(s);
    return st;
}

/* ---- a folder's -----------------------------------------------------------
 */

static bool belongs(const char *name, const char *split)
{
    size_t n = strlen(name);

    return n > 4 && strcmp(name + n - 4, ".bin") == 0 && strstr(name, split);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "folder/name" of each, sorted. */
static eg_status list(char ***path, int *n, const char *folder,
                      const char *split, eg_err *err)
{
    eg_folder f = {.fd = -1};
    DIR *d = NULL;
    eg_status st = EG_OK;

    EG_TRY(eg_folder_open(&f, folder, err));
    d = egi_folder_list(&f);
    if (!d) {
        st = EGI_FAIL_ERRNO(err, folder);
        goto done;
    }
    for (struct dirent *e; (e = readdir(d));) {
        char **more, full[EGI_PATH];

        if (!belongs(e->d_name, split)) continue;
        more = eg_realloc(*path, ((size_t)*n + 1) * sizeof(char *));
        if (more) *path = more;
        if (more) more[*n] = eg_strdup(egi_path_in(full, &f, e->d_name));
        if (!more || !more[*n]) {
            st = EG_FAIL(err, EG_ENOMEM, "the files of %s", folder);
            goto done;
        }
        (*n)++;
    }
    if (*n > 1) qsort(*path, (size_t)*n, sizeof(char *), by_name);
done:
    if (d) (void)closedir(d);
    eg_folder_close(&f);
    return st;
}

static void unlist(char **path, int n)
{
    for (int i = 0; i < n; i++) eg_free(path[i]);
    eg_free(path);
}

eg_status eg_shards_open_split(eg_shards **out, const char *folder,
                               const char *split, int d_vocab, eg_err *err)
{
    char **path = NULL;
    int n = 0;
    eg_status st;

    *out = NULL;
    EG_TRY(list(&path, &n, folder, split, err));
    if (n == 0)
        st = EG_FAIL(err, EG_EINVAL,
                     "%s: no file in this folder whose name holds \"%s\" and "
                     "ends in .bin",
                     folder, split);
    else
        st = eg_shards_open(out, (const char *const *)path, n, d_vocab, err);
done:
    unlist(path, n);
    return st;
}

bool eg_shards_has(const char *folder, const char *split)
{
    char **path = NULL;
    int n = 0;
    bool has = list(&path, &n, folder, split, NULL) == EG_OK && n > 0;

    unlist(path, n);
    return has;
}
