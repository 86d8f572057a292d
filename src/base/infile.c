/* Files that are read: whole or as a stream. A path the user gave may be a
 * pipe, of a limited size; devices are endless or do things when read. */
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engram/mem.h"

enum { WRITER_MS = 2000 }; /* how long a pipe is waited for */

static eg_status cannot(const char *what, const char *path, eg_err *err)
{
    return EG_FAIL(err, EG_EIO, "%s: cannot %s: %s", path, what,
                   strerror(errno));
}

eg_status eg_infile_open(eg_infile *f, const char *path, size_t pipe_bytes,
                         eg_err *err)
{
    struct stat info;
    eg_status st = EG_OK;

    *f = (eg_infile){.fd = open(path, O_RDONLY | EGI_FILE_FLAGS),
                     .path = path,
                     .left = pipe_bytes};
    if (f->fd < 0) {
        /* a socket cannot be opened at all */
        if (errno == ENXIO && stat(path, &info) == 0)
            return EG_FAIL(err, EG_EIO, "%s: %s, not a file to read", path,
                           egi_kind_of(info.st_mode));
        return cannot("open", path, err);
    }
    if (fstat(f->fd, &info) != 0) {
        st = cannot("read", path, err);
    } else if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode)) {
        st = EG_FAIL(err, EG_EIO, "%s: %s, not a file to read", path,
                     egi_kind_of(info.st_mode));
    }
    f->pipe = S_ISFIFO(info.st_mode);
    if (st != EG_OK) eg_infile_close(f);
    return st;
}

/* A read of a pipe that is opened without waiting: EAGAIN says that somebody
 * holds its other end, 0 bytes before the first one that nobody does yet. */
static ssize_t read_pipe(const eg_infile *f, void *buf, size_t room)
{
    struct pollfd p = {.fd = f->fd, .events = POLLIN};
    bool waited = false;

    for (;;) {
        ssize_t n = read(f->fd, buf, room);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            (void)poll(&p, 1, -1);
            continue;
        }
        if (n != 0 || f->begun) return n;
        if (poll(&p, 1, 0) == 1 && (p.revents & POLLHUP)) return 0;
        if (waited) {
            errno = ETIMEDOUT;
            return -1;
        }
        (void)poll(&p, 1, WRITER_MS);
        waited = true;
    }
}

eg_status eg_infile_read(eg_infile *f, void *buf, size_t room, size_t *got,
                         eg_err *err)
{
    ssize_t n;

    *got = 0;
    do {
        n = f->pipe ? read_pipe(f, buf, room) : read(f->fd, buf, room);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == ETIMEDOUT)
        return EG_FAIL(err, EG_EIO, "%s: is a pipe that nobody writes to",
                       f->path);
    if (n < 0) return cannot("read", f->path, err);
    if (f->pipe && (size_t)n > f->left)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: is a pipe that gives more than %zu bytes; a file "
                       "may be longer",
                       f->path, f->left);
    f->left -= f->pipe ? (size_t)n : 0;
    f->begun = true;
    *got = (size_t)n;
    return EG_OK;
}

void eg_infile_close(eg_infile *f)
{
    if (f->fd >= 0) (void)close(f->fd);
    f->fd = -1;
}

/* ---- whole files ----------------------------------------------------------
 */

/* A file of more bytes than the machine has is not tried: a file with holes
 * claims any size, and memory is given out before it is there. */
static bool fits(uintmax_t bytes)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

    return pages <= 0 || page <= 0 ||
           bytes / (uintmax_t)page <= (uintmax_t)pages;
}

/* Reads until the end into a block that starts at the size the file claims
 * and grows when there is more (pipes and /proc claim nothing). */
static eg_status read_all(char **out, size_t *size, eg_infile *f, size_t cap,
                          size_t max_bytes, eg_err *err)
{
    eg_status st = EG_OK;
    size_t n = 0;
    char *buf = eg_calloc(cap + 1, 1);

    for (;;) {
        char *more = NULL;
        size_t got = 1;

        if (!buf) {
            st = EG_FAIL(err, EG_ENOMEM, "%s: no memory for %zu bytes", f->path,
                         cap);
            goto done;
        }
        for (; got > 0 && n <= cap; n += got)
            EG_TRY(eg_infile_read(f, buf + n, cap + 1 - n, &got, err));
        if (n <= cap) break; /* the spare byte was not filled: the end */
        if (n > max_bytes) {
            st = EG_FAIL(err, EG_EFORMAT, "%s: larger than %zu bytes", f->path,
                         max_bytes);
            goto done;
        }
        cap = cap < 4096 ? 8192 : 2 * cap;
        if (cap > max_bytes) cap = max_bytes;
        more = eg_realloc(buf, cap + 1);
        if (!more) eg_free(buf);
        buf = more;
    }
    buf[n] = '\0';
    *out = buf;
    *size = n;
    buf = NULL;
done:
    eg_free(buf);
    return st;
}

/* What claims less than it gives is no file on a disk: it is taken like a
 * pipe, unless it is just being appended to. */
static size_t limit(size_t claimed, size_t max_bytes)
{
    size_t most = claimed < PTRDIFF_MAX / 4 ? 2 * claimed : claimed;

    if (most < EG_PIPE_BYTES) most = EG_PIPE_BYTES;
    return most < max_bytes ? most : max_bytes;
}

/* Closes f. */
static eg_status read_whole(char **out, size_t *size, eg_infile *f,
                            size_t max_bytes, eg_err *err)
{
    eg_status st = EG_OK;
    struct stat info = {0};
    size_t claimed;

    if (fstat(f->fd, &info) != 0) {
        st = cannot("read", f->path, err);
        goto done;
    }
    if ((uintmax_t)info.st_size > max_bytes) {
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s: expected at most %zu bytes, found %jd", f->path,
                     max_bytes, (intmax_t)info.st_size);
        goto done;
    }
    if (!fits((uintmax_t)info.st_size)) {
        st = EG_FAIL(err, EG_ENOMEM,
                     "%s: %jd bytes, more than this machine has memory",
                     f->path, (intmax_t)info.st_size);
        goto done;
    }
    claimed = (size_t)info.st_size;
    EG_TRY(read_all(out, size, f, claimed, limit(claimed, max_bytes), err));
done:
    eg_infile_close(f);
    return st;
}

eg_status eg_file_read_in(char **out, size_t *size, const eg_folder *in,
                          const char *name, size_t max_bytes, eg_err *err)
{
    char path[EGI_PATH];
    eg_infile f;
    eg_status st;

    *out = NULL;
    *size = 0;
    if (max_bytes > PTRDIFF_MAX / 2) max_bytes = PTRDIFF_MAX / 2;
    if (in) {
        f = (eg_infile){.fd = -1, .path = egi_path_in(path, in, name)};
        st = eg_folder_fd(&f.fd, in, name, EG_READ, err);
    } else {
        st = eg_infile_open(&f, name, EG_PIPE_BYTES, err);
    }
    return st == EG_OK ? read_whole(out, size, &f, max_bytes, err) : st;
}

eg_status eg_file_read(char **out, size_t *size, const char *path,
                       size_t max_bytes, eg_err *err)
{
    return eg_file_read_in(out, size, NULL, path, max_bytes, err);
}

bool eg_file_exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}
