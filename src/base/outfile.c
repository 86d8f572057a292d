/* Files that are never half written: a temporary name in the same folder,
 * synced, then renamed. The folder is held open meanwhile, so that both names
 * are in the same one whatever happens to the path. */
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engram/mem.h"

static eg_status io_error(const char *what, const char *path, eg_err *err)
{
    eg_status st = errno == ENOMEM ? EG_ENOMEM : EG_EIO;

    return EG_FAIL(err, st, "%s: %s: %s", path, what, strerror(errno));
}

bool egi_has_mark(int folder, const char *name, const char *mark)
{
    char head[EG_MARK_BYTES + 1];
    struct stat info;
    ssize_t n = -1;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | EGI_FILE_FLAGS);

    if (fd < 0) return false;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        n = pread(fd, head, EG_MARK_BYTES, 0);
    (void)close(fd);
    head[n > 0 ? n : 0] = '\0';
    return strstr(head, mark) != NULL;
}

/* ---- where it goes --------------------------------------------------------
 */

/* The folder of a path as the user gave it, and the last part of it. */
static eg_status split(eg_outfile *o, const char *path, eg_err *err)
{
    char dir[sizeof o->path];
    size_t n = strlen(path), at = n;

    *o = (eg_outfile){.f = NULL};
    if (n == 0 || n >= sizeof o->path) {
        return EG_FAIL(err, EG_EINVAL,
                       "file name: expected 1 to %zu bytes, found %zu",
                       sizeof o->path - 1, n);
    }
    memcpy(o->path, path, n + 1);
    while (at > 0 && path[at - 1] != '/') at--;
    if (at == n) return EG_FAIL(err, EG_EIO, "%s: is a folder", path);
    if (n - at >= sizeof o->name) {
        errno = ENAMETOOLONG;
        return io_error("cannot create", path, err);
    }
    memcpy(o->name, path + at, n - at + 1);
    memcpy(dir, path, at);
    dir[at] = '\0';
    o->folder = egi_folder_openat(AT_FDCWD, at ? dir : ".", true);
    o->held = o->folder >= 0;
    return o->held ? EG_OK : io_error("cannot create", path, err);
}

static bool is_stream(mode_t mode)
{
    return S_ISCHR(mode) || S_ISFIFO(mode);
}

/* What stands there may be replaced, or (*direct) written to: /dev/stdout is a
 * link that leads to a terminal or a pipe. Inside a folder of ours there are
 * files. */
static eg_status look(const eg_outfile *o, bool inside, bool *direct,
                      bool *there, eg_err *err)
{
    struct stat info, led = {0};
    mode_t mode;

    *direct = false;
    *there = fstatat(o->folder, o->name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*there) return EG_OK;
    mode = info.st_mode;
    if (S_ISREG(mode)) return EG_OK;
    if (S_ISLNK(mode) && !inside && fstatat(o->folder, o->name, &led, 0) == 0 &&
        is_stream(led.st_mode))
        mode = led.st_mode;
    *direct = !inside && is_stream(mode);
    if (*direct) return EG_OK;
    return EG_FAIL(err, EG_EIO, "%s: %s", o->path, egi_kind_of(mode));
}

/* A name beside o->name that nobody uses. */
static int open_temporary(eg_outfile *o)
{
    int fd = -1;

    for (int i = 0; fd < 0 && i < 1000; i++) {
        (void)snprintf(o->tmp, sizeof o->tmp, "%.200s.tmp-%ld-%d", o->name,
                       (long)getpid(), i);
        fd = openat(o->folder, o->tmp,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST) break;
    }
    if (fd < 0) o->tmp[0] = '\0';
    return fd;
}

/* A pipe that nobody reads is an error at once. */
static int open_stream(const eg_outfile *o)
{
    struct stat info;
    int fd = openat(o->folder, o->name, O_WRONLY | EGI_FILE_FLAGS);
    int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;

    if (fd < 0) return -1;
    if (flags >= 0 && fstat(fd, &info) == 0 && is_stream(info.st_mode) &&
        fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static void close_folder(eg_outfile *o)
{
    if (o->held) (void)close(o->folder);
    o->held = false;
}

/* Of a file whose folder and name are set; closes the folder on an error. */
static eg_status begin(eg_outfile *o, bool direct, eg_err *err)
{
    int fd = direct ? open_stream(o) : open_temporary(o);
    eg_status st = EG_OK;

    o->f = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (o->f) return EG_OK;
    if (fd < 0 && direct && errno == ENXIO)
        st = EG_FAIL(err, EG_EIO, "%s: is a pipe that nobody reads", o->path);
    else
        st = io_error("cannot create", o->path, err);
    if (fd >= 0) (void)close(fd);
    eg_outfile_abort(o);
    return st;
}

/* Finds the folder and the name: in NULL, of a path. */
static eg_status find(eg_outfile *o, const eg_folder *in, const char *name,
                      eg_err *err)
{
    const char *part;
    eg_status st;

    if (!in) return split(o, name, err);
    *o = (eg_outfile){.f = NULL};
    if ((size_t)snprintf(o->path, sizeof o->path, "%s/%s", in->path, name) >=
        sizeof o->path)
        return EG_FAIL(err, EG_EINVAL, "path too long: %s/%s", in->path, name);
    st = egi_folder_parent(&o->folder, &part, in, name, err);
    if (st != EG_OK) return st;
    o->held = true;
    (void)snprintf(o->name, sizeof o->name, "%s", part);
    return EG_OK;
}

/* mark NULL: any regular file may be replaced. Looks only, unless open. */
static eg_status aim(eg_outfile *o, const eg_folder *in, const char *name,
                     const char *mark, bool open, eg_err *err)
{
    bool direct = false, there = false;
    eg_status st = find(o, in, name, err);

    if (st == EG_OK) st = look(o, in != NULL, &direct, &there, err);
    if (st == EG_OK && mark && there && !direct &&
        !egi_has_mark(o->folder, o->name, mark))
        st = EG_FAIL(err, EG_EINVAL,
                     "%s is there and was not written by engram: it is not "
                     "replaced",
                     o->path);
    o->fresh = mark && !there;
    if (st == EG_OK && open) return begin(o, direct, err);
    close_folder(o);
    return st;
}

eg_status eg_outfile_open_in(eg_outfile *o, const eg_folder *in,
                             const char *name, eg_err *err)
{
    return aim(o, in, name, NULL, true, err);
}

eg_status eg_outfile_open(eg_outfile *o, const char *path, eg_err *err)
{
    return aim(o, NULL, path, NULL, true, err);
}

eg_status eg_outfile_open_own(eg_outfile *o, const eg_folder *in,
                              const char *name, const char *mark, eg_err *err)
{
    return aim(o, in, name, mark, true, err);
}

eg_status eg_outfile_open_new(eg_outfile *o, const char *path, eg_err *err)
{
    bool direct = false, there = false;
    eg_status st = find(o, NULL, path, err);

    if (st == EG_OK) st = look(o, false, &direct, &there, err);
    if (st == EG_OK && there && !direct)
        st = EG_FAIL(err, EG_EINVAL, "%s is there already: it is not replaced",
                     path);
    o->fresh = !there;
    if (st == EG_OK) return begin(o, direct, err);
    close_folder(o);
    return st;
}

eg_status eg_output_own(const char *path, const char *mark, eg_err *err)
{
    eg_outfile o;

    return aim(&o, NULL, path, mark, false, err);
}

/* ---- written and committed ------------------------------------------------
 */

void eg_outfile_write(eg_outfile *o, const void *data, size_t size)
{
    if (size == 0) return; /* data may be NULL */
    errno = 0;
    if (fwrite(data, 1, size, o->f) != size && o->error == 0) {
        o->error = errno ? errno : EIO;
    }
}

/* A fresh name is given as a second one, which fails when it is taken; file
 * systems without hard links rename. */
static int give_name(eg_outfile *o)
{
    struct stat info;

    if (o->fresh) {
        if (linkat(o->folder, o->tmp, o->folder, o->name, 0) == 0)
            return unlinkat(o->folder, o->tmp, 0);
        if (errno == EEXIST) return -1;
        if (fstatat(o->folder, o->name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
            errno = EEXIST;
            return -1;
        }
    }
    return renameat(o->folder, o->tmp, o->folder, o->name);
}

/* A rename is durable once its folder is on disk; not where the folder may not
 * be read (EBADF), nor on a file system without that (EINVAL). */
static int sync_folder(const eg_outfile *o)
{
    return fsync(o->folder) == 0 || errno == EINVAL || errno == EBADF ? 0 : -1;
}

eg_status eg_outfile_commit(eg_outfile *o, eg_err *err)
{
    eg_status st = EG_OK;
    int rc = 0;

    EG_ASSERT(o->f);
    errno = 0;
    if (fflush(o->f) != 0 || ferror(o->f) || o->error) {
        if (o->error) errno = o->error;
        if (errno == 0) errno = EIO; /* an earlier write failed */
        st = io_error("cannot write", o->path, err);
        goto done;
    }
    if (o->tmp[0] && !o->soft && fsync(fileno(o->f)) != 0) {
        st = io_error("cannot write", o->path, err);
        goto done;
    }
    rc = fclose(o->f);
    o->f = NULL;
    if (rc != 0 || (o->tmp[0] && give_name(o) != 0)) {
        st = io_error("cannot write", o->path, err);
        goto done;
    }
    if (o->tmp[0] && !o->soft && sync_folder(o) != 0) {
        st = io_error("cannot sync the folder of", o->path, err);
    }
    o->tmp[0] = '\0';
done:
    eg_outfile_abort(o);
    return st;
}

void eg_outfile_abort(eg_outfile *o)
{
    if (o->f) (void)fclose(o->f);
    if (o->tmp[0]) (void)unlinkat(o->folder, o->tmp, 0);
    o->f = NULL;
    o->tmp[0] = '\0';
    close_folder(o);
}

eg_status eg_file_write_in(const eg_folder *in, const char *name,
                           const void *data, size_t size, eg_err *err)
{
    eg_status st = EG_OK;
    eg_outfile o;

    EG_TRY(eg_outfile_open_in(&o, in, name, err));
    eg_outfile_write(&o, data, size);
    EG_TRY(eg_outfile_commit(&o, err));
done:
    return st;
}

eg_status eg_file_write(const char *path, const void *data, size_t size,
                        eg_err *err)
{
    return eg_file_write_in(NULL, path, data, size, err);
}

eg_status eg_output_apart(const char *out, const char *const *in, int n,
                          eg_err *err)
{
    struct stat a, b;

    if (stat(out, &a) != 0) return EG_OK;
    for (int i = 0; i < n; i++)
        if (stat(in[i], &b) == 0 && a.st_dev == b.st_dev &&
            a.st_ino == b.st_ino)
            return EG_FAIL(err, EG_EINVAL,
                           "%s is the file that is read (%s): nothing was "
                           "written",
                           out, in[i]);
    return EG_OK;
}
