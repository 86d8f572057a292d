/* Files read whole and files never half written. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engram/file.h"
#include "engram/mem.h"

static eg_status io_error(const char *what, const char *path, eg_err *err)
{
    return EG_FAIL(err, EG_EIO, "%s: %s: %s", path, what, strerror(errno));
}

/* Reads until the end into a block that starts at the size the file claims
 * and grows when there is more (pipes and /proc claim nothing). */
static eg_status read_all(char **out, size_t *size, FILE *f, size_t cap,
                          const char *path, size_t max_bytes, eg_err *err)
{
    eg_status st = EG_OK;
    size_t n = 0;
    char *buf = eg_calloc(cap + 1, 1);

    for (;;) {
        char *more = NULL;

        if (!buf) {
            st = EG_FAIL(err, EG_ENOMEM, "%s: no memory for %zu bytes", path,
                         cap);
            goto done;
        }
        errno = 0;
        n += fread(buf + n, 1, cap + 1 - n, f);
        if (ferror(f)) {
            st = io_error("cannot read", path, err);
            goto done;
        }
        if (n <= cap) break; /* the spare byte was not filled: the end */
        if (n > max_bytes) {
            st = EG_FAIL(err, EG_EFORMAT, "%s: larger than %zu bytes", path,
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

eg_status eg_file_read(char **out, size_t *size, const char *path,
                       size_t max_bytes, eg_err *err)
{
    eg_status st = EG_OK;
    struct stat info;
    FILE *f = fopen(path, "rb");

    *out = NULL;
    *size = 0;
    if (max_bytes > PTRDIFF_MAX / 2) max_bytes = PTRDIFF_MAX / 2;
    if (!f) {
        st = io_error("cannot open", path, err);
        goto done;
    }
    if (fstat(fileno(f), &info) != 0) {
        st = io_error("cannot read", path, err);
        goto done;
    }
    if (S_ISDIR(info.st_mode)) {
        st = EG_FAIL(err, EG_EIO, "%s: is a folder", path);
        goto done;
    }
    if ((uintmax_t)info.st_size > max_bytes) {
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s: expected at most %zu bytes, found %jd", path,
                     max_bytes, (intmax_t)info.st_size);
        goto done;
    }
    EG_TRY(read_all(out, size, f, (size_t)info.st_size, path, max_bytes, err));
done:
    if (f) (void)fclose(f);
    return st;
}

/* A name beside path that nobody uses. */
static int open_temporary(eg_outfile *o)
{
    int fd = -1;

    for (int i = 0; fd < 0 && i < 1000; i++) {
        (void)snprintf(o->tmp, sizeof o->tmp, "%s.tmp-%ld-%d", o->path,
                       (long)getpid(), i);
        fd = open(o->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST) break;
    }
    return fd;
}

eg_status eg_outfile_open(eg_outfile *o, const char *path, eg_err *err)
{
    struct stat info;
    size_t n = strlen(path);
    int fd = -1;

    *o = (eg_outfile){.f = NULL};
    if (n == 0 || n >= sizeof o->path) {
        return EG_FAIL(err, EG_EINVAL,
                       "file name: expected 1 to %zu bytes, found %zu",
                       sizeof o->path - 1, n);
    }
    memcpy(o->path, path, n + 1);
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return EG_FAIL(err, EG_EIO, "%s: is a folder", path);
    }
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        /* a device or a pipe cannot be replaced: written directly */
        fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        fd = open_temporary(o);
    }
    if (fd < 0) return io_error("cannot create", path, err);
    o->f = fdopen(fd, "wb");
    if (!o->f) {
        (void)close(fd);
        if (o->tmp[0]) (void)unlink(o->tmp);
        return io_error("cannot create", path, err);
    }
    return EG_OK;
}

/* A rename is durable once its folder is on disk. */
static int sync_folder(const char *path)
{
    char dir[sizeof((eg_outfile *)0)->path] = ".";
    const char *slash = strrchr(path, '/');
    int fd = -1, rc = 0;

    if (slash) {
        size_t n = slash == path ? 1 : (size_t)(slash - path);
        memcpy(dir, path, n);
        dir[n] = '\0';
    }
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno == EACCES ? 0 : -1; /* may write, may not list */
    rc = fsync(fd);
    if (rc != 0 && errno == EINVAL) rc = 0; /* file system without it */
    (void)close(fd);
    return rc;
}

void eg_outfile_write(eg_outfile *o, const void *data, size_t size)
{
    if (size == 0) return; /* data may be NULL */
    errno = 0;
    if (fwrite(data, 1, size, o->f) != size && o->error == 0) {
        o->error = errno ? errno : EIO;
    }
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
    if (o->tmp[0] && fsync(fileno(o->f)) != 0) {
        st = io_error("cannot write", o->path, err);
        goto done;
    }
    rc = fclose(o->f);
    o->f = NULL;
    if (rc != 0 || (o->tmp[0] && rename(o->tmp, o->path) != 0)) {
        st = io_error("cannot write", o->path, err);
        goto done;
    }
    if (o->tmp[0] && sync_folder(o->path) != 0) {
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
    if (o->tmp[0]) (void)unlink(o->tmp);
    o->f = NULL;
    o->tmp[0] = '\0';
}

eg_status eg_file_write(const char *path, const void *data, size_t size,
                        eg_err *err)
{
    eg_status st = EG_OK;
    eg_outfile o = {.f = NULL};

    EG_TRY(eg_outfile_open(&o, path, err));
    eg_outfile_write(&o, data, size);
    EG_TRY(eg_outfile_commit(&o, err));
done:
    eg_outfile_abort(&o);
    return st;
}

static bool is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

eg_status eg_mkdirs(const char *path, eg_err *err)
{
    char part[1024];
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof part) {
        return EG_FAIL(err, EG_EINVAL,
                       "folder name: expected 1 to %zu bytes, found %zu",
                       sizeof part - 1, n);
    }
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != '\0') continue;
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && !is_folder(part)) {
            return io_error("cannot create folder", part, err);
        }
        part[i] = path[i];
    }
    return EG_OK;
}

bool eg_file_exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}
