/* What the tests of this module share: cmocka's includes, failures with the
 * right words, and a folder that goes away. */
#ifndef EG_TEST_BASE_CHECK_H
#define EG_TEST_BASE_CHECK_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engram/file.h"
#include "engram/mem.h"
#include "scratch.h"

/* The call failed with this status and a sentence that holds `words`. */
static inline void check_failed_at(eg_status got, eg_status want,
                                   const eg_err *err, const char *words,
                                   int line)
{
    if (got == want && err->status == want && strstr(err->msg, words)) return;
    print_error("line %d: expected \"%s\" saying \"%s\",\n  found \"%s\" "
                "saying \"%s\"\n",
                line, eg_status_name(want), words, eg_status_name(got),
                err->msg);
    fail();
}
#define check_failed(got, want, err, words) \
    check_failed_at((got), (want), (err), (words), __LINE__)

/* The call succeeded; otherwise its sentence is shown. */
static inline void check_ok_at(eg_status got, const eg_err *err, int line)
{
    if (got == EG_OK) return;
    print_error("line %d: failed: %s\n", line, err->msg);
    fail();
}
#define check_ok(got, err) check_ok_at((got), (err), __LINE__)

/* Copies s without its final 0; returns the place behind it. */
static inline char *put_text(char *to, const char *s)
{
    while (*s) *to++ = *s++;
    return to;
}

/* Files in a folder. */
static inline int scratch_count(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;

    assert_non_null(d);
    while (readdir(d)) n++;
    (void)closedir(d);
    return n - 2; /* . and .. */
}

#endif
