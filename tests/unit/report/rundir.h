/* Run directories for the report tests, in a temporary folder. */
#ifndef EG_TEST_RUNDIR_H
#define EG_TEST_RUNDIR_H

#include "report/report_impl.h"
#include "scratch.h"

/* Writes root/path with its folders; text NULL: only the folders. */
static inline void test_put(const char *root, const char *path,
                            const char *text)
{
    char full[1024], *slash;
    eg_err err = {0};

    (void)snprintf(full, sizeof full, "%s/%s", root, path);
    slash = strrchr(full, '/');
    *slash = '\0';
    assert_int_equal(eg_mkdirs(full, &err), EG_OK);
    *slash = '/';
    if (text)
        assert_int_equal(eg_file_write(full, text, strlen(text), &err), EG_OK);
}

static inline void test_put_array(const char *root, const char *path,
                                  const eg_view *v)
{
    char full[1024];
    eg_err err = {0};

    test_put(root, path, NULL);
    (void)snprintf(full, sizeof full, "%s/%s", root, path);
    assert_int_equal(eg_npy_write(full, v, &err), EG_OK);
}

/* noinline: GCC 12 takes the text for a pointer into this frame otherwise. */
__attribute__((noinline, unused)) static char *test_read(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    eg_err err = {0};

    assert_int_equal(eg_file_read(&text, &size, path, 1 << 26, &err), EG_OK);
    return text;
}

#endif
