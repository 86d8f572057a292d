/* What lies below a folder held open, found without following a link. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): glibc's switch for O_PATH */
#define _GNU_SOURCE
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *egi_path_in(char buf[EGI_PATH], const eg_folder *in,
                        const char *name)
{
    (void)snprintf(buf, EGI_PATH, "%s%s%s", in ? in->path : "", in ? "/" : "",
                   name);
    return buf;
}

eg_status egi_fail_errno(eg_err *err, const char *where, const char *path)
{
    eg_status st = errno == ENOMEM ? EG_ENOMEM : EG_EIO;

    eg_fail_(err, st, where, "%s: %s", path, strerror(errno));
    return st;
}

const char *egi_kind_of(mode_t mode)
{
    if (S_ISLNK(mode)) return "is a link, which is not followed";
    if (S_ISDIR(mode)) return "is a folder";
    if (S_ISFIFO(mode)) return "is a pipe";
    if (S_ISSOCK(mode)) return "is a socket";
    return S_ISREG(mode) ? "is a file" : "is a device";
}

int egi_folder_openat(int at, const char *name, bool follow)
{
    int flags = O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
    int fd = openat(at, name, O_RDONLY | flags);

    if (fd < 0 && errno == EACCES) fd = openat(at, name, O_PATH | flags);
    return fd;
}

eg_status egi_folder_refuse(const eg_folder *f, const char *name, size_t n,
                            int folder, const char *last, bool want_folder,
                            eg_err *err)
{
    const char *why = strerror(errno);
    struct stat info;

    if (fstatat(folder, last, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        (want_folder ? !S_ISDIR(info.st_mode) : !S_ISREG(info.st_mode)))
        why = egi_kind_of(info.st_mode);
    return EG_FAIL(err, EG_EIO, "%s/%.*s: %s", f->path, (int)n, name, why);
}

/* A part that is none ("", ".", "..") or too long to be one. */
static bool is_part(const char *part, size_t n)
{
    return n > 0 && n < 256 && !(n <= 2 && strspn(part, ".") >= n);
}

eg_status egi_folder_parent(int *fd, const char **part, const eg_folder *f,
                            const char *name, eg_err *err)
{
    int at = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);

    *fd = -1;
    if (at < 0) return EGI_FAIL_ERRNO(err, f->path);
    for (*part = name;;) {
        char one[256];
        size_t n = strcspn(*part, "/");
        int next;

        if (!is_part(*part, n)) {
            (void)close(at);
            return EG_FAIL(err, EG_EINVAL,
                           "%s/%.300s: '%.40s' is not the name of a file",
                           f->path, name, *part);
        }
        if (!(*part)[n]) break;
        memcpy(one, *part, n);
        one[n] = '\0';
        *part += n;
        next = egi_folder_openat(at, one, false);
        if (next < 0) {
            eg_status st = egi_folder_refuse(f, name, (size_t)(*part - name),
                                             at, one, true, err);

            (void)close(at);
            return st;
        }
        (void)close(at);
        at = next;
        ++*part;
    }
    *fd = at;
    return EG_OK;
}

/* Takes over fd. */
static eg_status check_file(int *out, int fd, const eg_folder *f,
                            const char *name, eg_access how, eg_err *err)
{
    struct stat info;
    eg_status st = EG_OK;

    if (fstat(fd, &info) != 0)
        st = EG_FAIL(err, EG_EIO, "%s/%s: %s", f->path, name, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        st = EG_FAIL(err, EG_EIO, "%s/%s: %s", f->path, name,
                     egi_kind_of(info.st_mode));
    else if (how != EG_READ && info.st_nlink > 1) /* 0: just removed */
        st = EG_FAIL(err, EG_EIO,
                     "%s/%s: has %ju names (hard links), and would change "
                     "under all of them",
                     f->path, name, (uintmax_t)info.st_nlink);
    if (st == EG_OK)
        *out = fd;
    else
        (void)close(fd);
    return st;
}

eg_status eg_folder_fd(int *fd, const eg_folder *f, const char *name,
                       eg_access how, eg_err *err)
{
    static const int flags[] = {[EG_READ] = O_RDONLY,
                                [EG_NEW] = O_RDWR | O_CREAT | O_EXCL,
                                [EG_APPEND] = O_RDWR | O_APPEND | O_CREAT,
                                [EG_UPDATE] = O_RDWR};
    const char *part;
    int parent, h;
    eg_status st = egi_folder_parent(&parent, &part, f, name, err);

    *fd = -1;
    if (st != EG_OK) return st;
    h = openat(parent, part, flags[how] | EGI_FILE_FLAGS | O_NOFOLLOW, 0666);
    st = h < 0 ? egi_folder_refuse(f, name, strlen(name), parent, part, false,
                                   err)
               : check_file(fd, h, f, name, how, err);
    (void)close(parent);
    return st;
}

eg_status eg_folder_stream(FILE **s, const eg_folder *f, const char *name,
                           eg_access how, eg_err *err)
{
    static const char *const mode[] = {[EG_READ] = "rb",
                                       [EG_NEW] = "w+b",
                                       [EG_APPEND] = "ab",
                                       [EG_UPDATE] = "r+b"};
    int fd;
    eg_status st = eg_folder_fd(&fd, f, name, how, err);

    *s = st == EG_OK ? fdopen(fd, mode[how]) : NULL;
    if (st == EG_OK && !*s) {
        char path[EGI_PATH];

        st = EGI_FAIL_ERRNO(err, egi_path_in(path, f, name));
        (void)close(fd);
    }
    return st;
}

eg_status eg_folder_rename(const eg_folder *f, const char *from, const char *to,
                           eg_err *err)
{
    const char *a, *b;
    int parent_a = -1, parent_b = -1;
    eg_status st;

    EG_TRY(egi_folder_parent(&parent_a, &a, f, from, err));
    EG_TRY(egi_folder_parent(&parent_b, &b, f, to, err));
    if (renameat(parent_a, a, parent_b, b) != 0)
        st = EG_FAIL(err, EG_EIO, "%s/%s: cannot rename to %s: %s", f->path,
                     from, to, strerror(errno));
done:
    if (parent_a >= 0) (void)close(parent_a);
    if (parent_b >= 0) (void)close(parent_b);
    return st;
}

static bool unlink_in(const eg_folder *f, const char *name, int flags)
{
    const char *part;
    int parent;
    bool gone;

    if (egi_folder_parent(&parent, &part, f, name, NULL) != EG_OK) return false;
    gone = unlinkat(parent, part, flags) == 0;
    (void)close(parent);
    return gone;
}

bool eg_folder_remove(const eg_folder *f, const char *name)
{
    return unlink_in(f, name, 0);
}

bool egi_folder_remove_sub(const eg_folder *f, const char *name)
{
    return unlink_in(f, name, AT_REMOVEDIR);
}

bool eg_folder_has(const eg_folder *f, const char *name)
{
    const char *part;
    struct stat info;
    int parent;
    bool there;

    if (!strchr(name, '/')) /* also where no more files can be opened */
        return fstatat(f->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (egi_folder_parent(&parent, &part, f, name, NULL) != EG_OK) return false;
    there = fstatat(parent, part, &info, AT_SYMLINK_NOFOLLOW) == 0;
    (void)close(parent);
    return there;
}

bool eg_folder_holds(const char *dir, const char *name)
{
    eg_folder f;
    bool has =
        eg_folder_open(&f, dir, NULL) == EG_OK && eg_folder_has(&f, name);

    eg_folder_close(&f);
    return has;
}

/* ---- what is in it --------------------------------------------------------
 */

DIR *egi_folder_list(const eg_folder *f)
{
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    int why = errno;

    if (!d && fd >= 0) (void)close(fd);
    errno = why;
    return d;
}

typedef bool (*accepts)(const eg_folder *f, const char *name, const void *ctx);

/* The first entry, in the order of bytes, that is not accepted; "": none. */
static eg_status first(char name[256], const eg_folder *f, accepts ok,
                       const void *ctx, eg_err *err)
{
    DIR *d = egi_folder_list(f);

    name[0] = '\0';
    if (!d) return EGI_FAIL_ERRNO(err, f->path);
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (name[0] && strcmp(e->d_name, name) >= 0) continue;
        if (!ok(f, e->d_name, ctx)) (void)snprintf(name, 256, "%s", e->d_name);
    }
    (void)closedir(d);
    return EG_OK;
}

static bool is_called(const eg_folder *f, const char *name, const void *but)
{
    (void)f;
    return but && strcmp(name, but) == 0;
}

eg_status eg_folder_empty(const eg_folder *f, const char *but, eg_err *err)
{
    char name[256];
    eg_status st = first(name, f, is_called, but, err);

    if (st != EG_OK || !name[0]) return st;
    return EG_FAIL(err, EG_EINVAL,
                   "%s is not empty: %s is in the way; nothing was touched",
                   f->path, name);
}

static bool is_own(const eg_folder *f, const char *name, const void *mark)
{
    return egi_has_mark(f->fd, name, mark);
}

eg_status eg_folder_own(const eg_folder *f, const char *mark, eg_err *err)
{
    char name[256];
    eg_status st = first(name, f, is_own, mark, err);

    if (st != EG_OK || !name[0]) return st;
    return EG_FAIL(err, EG_EINVAL,
                   "%s is in use: %s was not written by engram; nothing was "
                   "touched",
                   f->path, name);
}
