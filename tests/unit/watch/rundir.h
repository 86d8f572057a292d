/* Run directories that seem to run, for tests: records, rows, a held lock. */
#ifndef EG_TEST_WATCH_RUNDIR_H
#define EG_TEST_WATCH_RUNDIR_H

#include "engram/file.h"
#include "scratch.h"

/* The file of a run: how as for fopen. */
static inline void test_put(const char *root, const char *run, const char *file,
                            const char *how, const char *text)
{
    char path[512];
    eg_err err = {0};
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", root, run);
    assert_int_equal(eg_mkdirs(path, &err), EG_OK);
    (void)snprintf(path, sizeof path, "%s/%s/%s", root, run, file);
    f = fopen(path, how);
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static inline void test_record(const char *root, const char *run,
                               const char *status, int steps, int done)
{
    char text[512];

    (void)snprintf(text, sizeof text,
                   "{\"name\":\"%.*s\",\"id\":\"%s\",\"kind\":\"train\","
                   "\"status\":\"%s\",\"seed\":3,\"start\":"
                   "\"2026-01-31T12:00:00Z\",\"steps\":%d,\"steps_done\":%d,"
                   "\"seconds\":10}",
                   (int)strcspn(run, "/"), run, strchr(run, '/') + 1, status,
                   steps, done);
    test_put(root, run, "run.json", "w", text);
}

/* The lock of a run, as its process holds it. */
static inline int test_lock(const char *root, const char *run)
{
    char path[512];
    eg_folder f;
    eg_err err = {0};
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", root, run);
    assert_int_equal(eg_folder_open(&f, path, &err), EG_OK);
    assert_int_equal(eg_lock_take(&fd, &f, "lock", &err), EG_OK);
    eg_folder_close(&f);
    return fd;
}

/* Rows from step `from` on, each ten steps and two seconds after the last. */
static inline void test_rows(const char *root, const char *run, int from, int n)
{
    for (int i = 0; i < n; i++) {
        char line[256];
        int step = from + 10 * i;

        (void)snprintf(line, sizeof line,
                       "{\"step\":%d,\"loss\":%d,\"acc\":0.5}\n", step,
                       1000 - step);
        test_put(root, run, "metrics.jsonl", "a", line);
        (void)snprintf(line, sizeof line, "{\"step\":%d,\"seconds\":%d}\n",
                       step, 2 * (step / 10) + 2);
        test_put(root, run, "timing.jsonl", "a", line);
    }
}

#endif
