/* What the fuzz targets share. A target aborts when a promise is broken;
 * whatever the input, it returns. */
#ifndef EG_FUZZ_H
#define EG_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram/fields.h"
#include "engram/file.h"
#include "engram/mem.h"

/* libFuzzer's name, called by it or by replay_main.c. */
/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every failure says why. */
static inline void fuzz_check_failure(eg_status st, const eg_err *err)
{
    EG_ASSERT(st != EG_OK && err->status == st && err->msg[0] != '\0');
}

/* Reads every entry, so that a bad pointer shows. */
static inline double fuzz_touch(const eg_view *v)
{
    double sum = 0;

    for (eg_index i = 0; i < eg_view_size(v); i++) sum += eg_view_at(v, i);
    return sum;
}

/* One field of every kind. */
#define FUZZ_FIELDS(I, R, B, T, E, L)                            \
    I(steps, "100", 1, 1e6, "whole")                             \
    I(any, "0", -9.3e18, 9.3e18, "whole, any")                   \
    R(lr, "0.2", 0, 10, "real")                                  \
    R(beta, "1", -__builtin_inf(), __builtin_inf(), "real, any") \
    B(tied, "false", "bool")                                     \
    T(name, "run", "text")                                       \
    E(kind, "sgd", "sgd|adam|adamw", "choice")                   \
    L(probes, "[loss]", "list")
EG_FIELDS_STRUCT(fuzz_opts, FUZZ_FIELDS)
#define EG_FIELDS_OWNER fuzz_opts
static EG_FIELDS_TABLE(fuzz_fields, FUZZ_FIELDS)

/* The same bytes in every field (not between them). */
static inline bool fuzz_equal(const fuzz_opts *a, const fuzz_opts *b)
{
    static const size_t bytes[] = {
        [EG_FIELD_INT] = sizeof(int64_t), [EG_FIELD_REAL] = sizeof(double),
        [EG_FIELD_BOOL] = sizeof(bool),   [EG_FIELD_TEXT] = EG_TEXT,
        [EG_FIELD_ENUM] = sizeof(int),    [EG_FIELD_LIST] = sizeof(eg_strs)};

    for (const eg_field *f = fuzz_fields; f->name; f++) {
        const char *x = (const char *)a + f->offset;
        const char *y = (const char *)b + f->offset;

        if (memcmp(x, y, bytes[f->kind]) != 0) return false;
    }
    return true;
}

#endif
