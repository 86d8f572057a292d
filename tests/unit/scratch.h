/* A folder for a test, which goes away with all that is in it. */
#ifndef EG_TEST_SCRATCH_H
#define EG_TEST_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* A fresh folder under $TMPDIR, where that fits into dir, or /tmp. */
static inline void scratch_make(char *dir, size_t size)
{
    static const char name[] = "engram-test-XXXXXX";
    const char *tmp = getenv("TMPDIR");

    if (!tmp || strlen(tmp) + sizeof name >= size) tmp = "/tmp";
    (void)snprintf(dir, size, "%s/%s", tmp, name);
    assert_non_null(mkdtemp(dir));
}

/* The folder `name` of folder `at`, with all that is in it. */
static inline void scratch_drop(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);

    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, e->d_name, 0) != 0) scratch_drop(fd, e->d_name);
    }
    (void)closedir(d);
    assert_int_equal(unlinkat(at, name, AT_REMOVEDIR), 0);
}

static inline void scratch_remove(const char *dir)
{
    scratch_drop(AT_FDCWD, dir);
}

/* The same in memory of its own. */
static inline char *scratch_new(void)
{
    enum { SIZE = 1024 };
    char *dir = malloc(SIZE);

    assert_non_null(dir);
    scratch_make(dir, SIZE);
    return dir;
}

static inline void scratch_free(char *dir)
{
    scratch_remove(dir);
    free(dir);
}

#endif
