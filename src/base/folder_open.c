/* Folders opened, made with all that leads to them, and unmade. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"

static eg_status check_path(eg_folder *f, const char *path, eg_err *err)
{
    size_t n = strlen(path);

    *f = (eg_folder){.fd = -1};
    if (n == 0 || n >= sizeof f->path)
        return EG_FAIL(err, EG_EINVAL,
                       "folder name: expected 1 to %zu bytes, found %zu",
                       sizeof f->path - 1, n);
    memcpy(f->path, path, n + 1);
    while (n > 1 && f->path[n - 1] == '/') f->path[--n] = '\0';
    f->found = n;
    return EG_OK;
}

eg_status eg_folder_open(eg_folder *f, const char *path, eg_err *err)
{
    eg_status st = check_path(f, path, err);

    if (st != EG_OK) return st;
    f->fd = egi_folder_openat(AT_FDCWD, f->path, true);
    if (f->fd >= 0) return EG_OK;
    return EG_FAIL(err, EG_EIO, "%s: %s", f->path,
                   errno == ENOTDIR ? "is not a folder" : strerror(errno));
}

/* Why a folder could not be made, "" when it is there: mkdir's own reason, and
 * of what is there the kind. */
static const char *why_not(const char *path)
{
    const char *reason = strerror(errno);
    bool taken = errno == EEXIST;
    struct stat info;

    if (stat(path, &info) == 0)
        return S_ISDIR(info.st_mode) ? "" : strerror(ENOTDIR);
    if (!taken) return reason;
    return errno == ENOENT ? "is a link that leads nowhere" : strerror(errno);
}

/* The end of the part of path that begins at i; slashes before it belong to
 * it. */
static size_t part_end(const char *path, size_t i)
{
    i += strspn(path + i, "/");
    return i + strcspn(path + i, "/");
}

/* Only what is made without a gap, up to the end, is unmade again: of a folder
 * that was found after one that was made (by another process, or by "..")
 * nobody knows whose it is. */
static eg_status make_parts(eg_folder *f, eg_err *err)
{
    char part[sizeof f->path];
    const size_t n = strlen(f->path);

    for (size_t last = 0, i = part_end(f->path, 0); i > last;
         last = i, i = part_end(f->path, i)) {
        const char *why;

        memcpy(part, f->path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) == 0) {
            if (f->found == n) f->found = last;
            continue;
        }
        why = why_not(part);
        if (why[0]) {
            f->path[last] = '\0';
            if (f->found < n) eg_folder_unmake(f);
            return EG_FAIL(err, EG_EIO, "cannot create folder %s: %s", part,
                           why);
        }
        f->found = n;
    }
    return EG_OK;
}

eg_status eg_folder_make(eg_folder *f, const char *path, eg_err *err)
{
    eg_status st = check_path(f, path, err);

    if (st == EG_OK) st = make_parts(f, err);
    if (st != EG_OK) return st;
    f->fd = egi_folder_openat(AT_FDCWD, f->path, true);
    if (f->fd >= 0) return EG_OK;
    st = EGI_FAIL_ERRNO(err, f->path);
    eg_folder_unmake(f);
    return st;
}

eg_status eg_mkdirs(const char *path, eg_err *err)
{
    eg_folder f;
    eg_status st = check_path(&f, path, err);

    return st == EG_OK ? make_parts(&f, err) : st;
}

void eg_folder_unmake(eg_folder *f)
{
    size_t n = strlen(f->path);

    eg_folder_close(f);
    while (n > f->found) {
        if (rmdir(f->path) != 0 && errno != ENOENT) return;
        while (n > f->found && f->path[n - 1] != '/') n--;
        while (n > f->found && f->path[n - 1] == '/') n--;
        f->path[n] = '\0';
    }
}

void eg_folder_close(eg_folder *f)
{
    if (f->fd >= 0) (void)close(f->fd);
    f->fd = -1;
}

eg_status eg_folder_sub(eg_folder *out, const eg_folder *f, const char *name,
                        bool make, eg_err *err)
{
    const char *part;
    int parent = -1;
    eg_status st;

    *out = (eg_folder){.fd = -1};
    if ((size_t)snprintf(out->path, sizeof out->path, "%s/%s", f->path, name) >=
        sizeof out->path)
        return EG_FAIL(err, EG_EINVAL, "path too long: %s/%s", f->path, name);
    out->found = strlen(make ? f->path : out->path);
    EG_TRY(egi_folder_parent(&parent, &part, f, name, err));
    if (make && mkdirat(parent, part, 0777) != 0) {
        st = EG_FAIL(err, EG_EIO, "cannot create folder %s: %s", out->path,
                     strerror(errno));
        goto done;
    }
    out->fd = egi_folder_openat(parent, part, false);
    if (out->fd < 0)
        st = egi_folder_refuse(f, name, strlen(name), parent, part, true, err);
done:
    if (parent >= 0) (void)close(parent);
    return st;
}
