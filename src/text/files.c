/* Which files a corpus is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/folder.h"
#include "engram/mem.h"
#include "text/documents.h"

enum { DEEPEST = 32 };

void egi_files_release(egi_files *f)
{
    for (int i = 0; i < f->n; i++) eg_free(f->path[i]);
    eg_free(f->path);
    *f = (egi_files){0};
}

/* Length of s without the ending, or 0. */
static size_t without(const char *s, size_t n, const char *end)
{
    size_t k = strlen(end);

    return n > k && strncmp(s + n - k, end, k) == 0 ? n - k : 0;
}

static size_t unpacked(const char *path)
{
    static const char *const packed[] = {".gz", ".dz", ".zst"};
    size_t n = strlen(path);

    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
        if (without(path, n, packed[i])) return without(path, n, packed[i]);
    return n;
}

bool egi_is_json_lines(const char *path)
{
    size_t n = unpacked(path);

    return without(path, n, ".jsonl") || without(path, n, ".ndjson");
}

static bool is_text(const char *path)
{
    size_t n = unpacked(path);

    return egi_is_json_lines(path) || without(path, n, ".txt") ||
           without(path, n, ".text") || without(path, n, ".md");
}

static eg_status add(egi_files *f, const char *path, const struct stat *info,
                     eg_err *err)
{
    char **more = f->path;

    if ((f->n & (f->n - 1)) == 0) /* full at powers of two */
        more =
            eg_realloc(f->path, (f->n ? 2 * (size_t)f->n : 1) * sizeof(char *));
    if (more) f->path = more;
    if (more) more[f->n] = eg_strdup(path);
    if (!more || !more[f->n]) return EG_FAIL(err, EG_ENOMEM, "a list of files");
    f->n++;
    if (!S_ISREG(info->st_mode)) f->bytes = -1;
    if (f->bytes >= 0) f->bytes += (int64_t)info->st_size;
    return EG_OK;
}

static eg_status walk(egi_files *f, const char *folder, int depth, eg_err *err)
{
    char path[EGI_PATH];
    eg_folder in = {.fd = -1};
    DIR *d = NULL;
    eg_status st = EG_OK;

    if (depth == DEEPEST)
        return EG_FAIL(err, EG_EINVAL, "%s: more than %d folders deep", folder,
                       DEEPEST);
    EG_TRY(eg_folder_open(&in, folder, err));
    d = egi_folder_list(&in);
    if (!d) {
        st = EGI_FAIL_ERRNO(err, folder);
        goto done;
    }
    for (struct dirent *e; (e = readdir(d));) {
        struct stat info;

        if (e->d_name[0] == '.') continue;
        if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >=
            sizeof path)
            continue;
        if (lstat(path, &info) != 0) continue;
        if (S_ISDIR(info.st_mode)) EG_TRY(walk(f, path, depth + 1, err));
        if (S_ISREG(info.st_mode) && is_text(path))
            EG_TRY(add(f, path, &info, err));
    }
done:
    if (d) (void)closedir(d);
    eg_folder_close(&in);
    return st;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static eg_status add_path(egi_files *f, const char *path, eg_err *err)
{
    struct stat info;
    int before = f->n;
    eg_status st;

    if (stat(path, &info) != 0) return EGI_FAIL_ERRNO(err, path);
    if (!S_ISDIR(info.st_mode)) return add(f, path, &info, err);
    st = walk(f, path, 0, err);
    if (st != EG_OK) return st;
    if (f->n == before)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: no file in this folder whose name ends in .txt, "
                       ".text, .md, .jsonl or .ndjson, or in one of these with "
                       ".gz, .dz or .zst behind it",
                       path);
    qsort(f->path + before, (size_t)(f->n - before), sizeof(char *), by_path);
    return EG_OK;
}

eg_status egi_files_list(egi_files *f, const eg_corpus *c, eg_err *err)
{
    eg_status st = EG_OK;

    *f = (egi_files){0};
    for (int i = 0; i < c->n && st == EG_OK; i++)
        st = add_path(f, c->path[i], err);
    if (f->bytes < 0) f->bytes = 0;
    if (st != EG_OK) egi_files_release(f);
    return st;
}

eg_status eg_corpus_again(const eg_corpus *c, const char *why, eg_err *err)
{
    for (int i = 0; i < c->n; i++) {
        struct stat info;

        if (stat(c->path[i], &info) == 0 && S_ISFIFO(info.st_mode))
            return EG_FAIL(err, EG_EINVAL,
                           "%s: is a pipe, which is read only once, and %s; "
                           "expected a file",
                           c->path[i], why);
    }
    return EG_OK;
}
