/* Advisory locks that die with their holder. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "engram/file.h"

static long read_pid(int fd)
{
    char buf[24] = "";
    long pid = 0;

    if (pread(fd, buf, sizeof buf - 1, 0) <= 0) return 0;
    for (const char *s = buf; *s >= '0' && *s <= '9'; s++) {
        pid = 10 * pid + (*s - '0');
        if (pid > INT32_MAX) return 0; /* not written by us */
    }
    return pid;
}

eg_status eg_lock_take(int *fd, const char *path, eg_err *err)
{
    eg_status st = EG_OK;
    char buf[24] = "";
    int n = 0;
    int h = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    *fd = -1;
    if (h < 0) {
        return EG_FAIL(err, EG_EIO, "%s: cannot open: %s", path,
                       strerror(errno));
    }
    if (flock(h, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            st = EG_FAIL(err, EG_EBUSY, "%s: in use by process %ld", path,
                         read_pid(h));
        } else {
            st = EG_FAIL(err, EG_EIO, "%s: cannot lock: %s", path,
                         strerror(errno));
        }
        goto done;
    }
    n = snprintf(buf, sizeof buf, "%ld\n", (long)getpid());
    if (ftruncate(h, 0) != 0 || pwrite(h, buf, (size_t)n, 0) != n) {
        st =
            EG_FAIL(err, EG_EIO, "%s: cannot write: %s", path, strerror(errno));
        goto done;
    }
    *fd = h;
    h = -1;
done:
    if (h >= 0) (void)close(h);
    return st;
}

/* The file stays: removing it would let two holders lock two files of one
 * name. */
void eg_lock_drop(int fd)
{
    if (fd < 0) return;
    if (ftruncate(fd, 0) != 0) {
        /* a stale pid misleads nobody: the lock itself is what counts */
    }
    (void)close(fd);
}
