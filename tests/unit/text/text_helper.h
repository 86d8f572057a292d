/* What the tests of src/text share. */
#ifndef TEXT_HELPER_H
#define TEXT_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engram/mem.h"
#include "engram/rng.h"
#include "engram/tokenizer.h"

static inline eg_tokenizer *tok_parse(const char *bytes, const char *merges)
{
    eg_tokenizer *t = NULL;
    eg_err err = {0};

    if (eg_tokenizer_parse(&t, bytes, strlen(bytes), merges,
                           merges ? strlen(merges) : 0, "test", &err) != EG_OK)
        fail_msg("%s", err.msg);
    return t;
}

static const char tok_base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The lines of a .tiktoken file for the bytes below n; how long they are. */
static inline size_t tok_byte_ranks(char *file, size_t size, int n)
{
    size_t at = 0;

    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(file + at, size - at, "%c%c== %d\n",
                               tok_base64[i >> 2], tok_base64[(i & 3) << 4], i);
    return at;
}

/* "15496 995" of the ids of text[n]. */
static inline const char *tok_ids(const eg_tokenizer *t, const char *text,
                                  size_t n, unsigned flags)
{
    static char buf[4096];
    eg_ids ids = {0};
    eg_err err = {0};
    size_t k = 0;

    if (eg_tokenizer_encode(t, text, n, flags, &ids, &err) != EG_OK)
        fail_msg("%s", err.msg);
    buf[0] = '\0';
    for (size_t i = 0; i < ids.n && k < sizeof buf - 16; i++)
        k += (size_t)snprintf(buf + k, sizeof buf - k, "%s%d", i ? " " : "",
                              (int)ids.id[i]);
    eg_ids_release(&ids);
    return buf;
}

/* A failure with a message that holds `part`, and nothing handed out. */
static inline void tok_refused(const char *bytes, const char *merges,
                               eg_status want, const char *part)
{
    eg_tokenizer *t = NULL;
    eg_err err = {0};
    eg_status st =
        eg_tokenizer_parse(&t, bytes, strlen(bytes), merges,
                           merges ? strlen(merges) : 0, "test", &err);

    print_message("%s\n", err.msg);
    assert_int_equal(st, want);
    assert_null(t);
    assert_non_null(strstr(err.msg, part));
}

#endif
