/* Advisory locks that die with their holder. The file stays when a lock is
 * dropped, and holds the pid of its holder as long as there is one. */
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PID_BYTES = 23, TRIES = 6 };

/* The pid in the file, 0: none; false: it holds something else. */
static bool read_pid(int fd, long *pid)
{
    char buf[PID_BYTES + 1] = "";
    ssize_t n = pread(fd, buf, sizeof buf, 0);
    const char *s = buf;

    *pid = 0;
    if (n < 0 || n > PID_BYTES) return false;
    for (; *s >= '0' && *s <= '9' && *pid <= INT32_MAX; s++)
        *pid = 10 * *pid + (*s - '0');
    return *pid <= INT32_MAX &&
           (s - buf == n || (s - buf == n - 1 && *s == '\n'));
}

/* A reader that tests the lock holds it for a moment. */
static bool flock_soon(int fd)
{
    const struct timespec wait = {.tv_nsec = 20000000};

    for (int i = 1; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK || i == TRIES) return false;
        (void)nanosleep(&wait, NULL);
    }
    return true;
}

eg_status eg_lock_take(int *fd, const eg_folder *f, const char *name,
                       eg_err *err)
{
    eg_status st;
    long pid = 0;
    struct stat info;
    int h;

    *fd = -1;
    st = eg_folder_fd(&h, f, name, EG_APPEND, err);
    if (st != EG_OK) return st;
    if (!read_pid(h, &pid)) {
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s/%s: expected a lock, empty or with a process number, "
                     "found something else",
                     f->path, name);
    } else if (!flock_soon(h)) {
        if (errno != EWOULDBLOCK)
            st = EG_FAIL(err, EG_EIO, "%s/%s: cannot lock: %s", f->path, name,
                         strerror(errno));
        else if (read_pid(h, &pid) && pid > 0)
            st = EG_FAIL(err, EG_EBUSY, "%s/%s: in use by process %ld", f->path,
                         name, pid);
        else
            st = EG_FAIL(err, EG_EBUSY, "%s/%s: in use by another process",
                         f->path, name);
    } else if (fstat(h, &info) != 0 || info.st_nlink != 1) {
        /* its holder removed it, with all of its run, while we waited */
        st = EG_FAIL(err, EG_EBUSY, "%s/%s: was just removed", f->path, name);
    }
    if (st == EG_OK)
        *fd = h;
    else
        (void)close(h);
    return st;
}

eg_status eg_lock_sign(int fd, eg_err *err)
{
    char buf[PID_BYTES + 1] = "";
    int n = snprintf(buf, sizeof buf, "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) == 0 && pwrite(fd, buf, (size_t)n, 0) == n)
        return EG_OK;
    return EG_FAIL(err, EG_EIO, "lock: cannot write: %s", strerror(errno));
}

void eg_lock_drop(int fd)
{
    long pid = 0;

    if (fd < 0) return;
    if (read_pid(fd, &pid) && pid == getpid() && ftruncate(fd, 0) != 0) {
        /* a stale pid misleads nobody: the lock itself is what counts */
    }
    (void)close(fd);
}

bool eg_lock_free(const eg_folder *f, const char *name)
{
    int fd;
    bool free;

    if (eg_folder_fd(&fd, f, name, EG_READ, NULL) != EG_OK) return false;
    free = flock(fd, LOCK_SH | LOCK_NB) == 0;
    (void)close(fd);
    return free;
}
