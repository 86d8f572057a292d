/* Errors: one status, one sentence, and where it was said.
 *
 * Three kinds of trouble: a bug is an EG_ASSERT; the caller's or the world's
 * fault is an eg_status with a sentence in a caller-owned eg_err; a numerical
 * outcome (diverged, not converged) is a value in an info struct. */
#ifndef ENGRAM_STATUS_H
#define ENGRAM_STATUS_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EG_API __attribute__((visibility("default")))
#define EG_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define EG_API
#define EG_PRINTF(f, a)
#endif

/* Extents and subscripts; size_t is for bytes only. */
typedef ptrdiff_t eg_index;

#define EG_STATUS_LIST(X)                             \
    X(EG_OK, "ok")                                    \
    X(EG_ENOMEM, "out of memory")                     \
    X(EG_EINVAL, "invalid argument")                  \
    X(EG_ESHAPE, "shapes do not agree")               \
    X(EG_EIO, "read or write failed")                 \
    X(EG_EFORMAT, "file is not what it claims to be") \
    X(EG_EUNSUPPORTED, "not supported by this build") \
    X(EG_EBUSY, "in use by another process")

typedef enum eg_status {
#define EG_STATUS_ENUM(id, text) id,
    EG_STATUS_LIST(EG_STATUS_ENUM)
#undef EG_STATUS_ENUM
} eg_status;

typedef struct eg_err {
    eg_status status;
    const char *where; /* "checkpoint.c:88", static storage */
    char msg[512];
} eg_err;

/* "out of memory" for EG_ENOMEM, and so on. */
EG_API const char *eg_status_name(eg_status st);

#define EG_STR2(x) #x
#define EG_STR(x) EG_STR2(x)
#define EG_HERE __FILE__ ":" EG_STR(__LINE__)

/* What EG_FAIL calls: fills *err. The message is one line, as eg_text_clean
 * makes it; one that is too long is cut behind a whole character. Of EG_ENOMEM
 * it begins with "out of memory: " unless it speaks of memory itself. */
EG_API void eg_fail_(eg_err *err, eg_status st, const char *where,
                     const char *fmt, ...) EG_PRINTF(4, 5);

/* Records why and where; evaluates to st. err may be NULL. */
#define EG_FAIL(err, st, ...) \
    (eg_fail_((err), (st), EG_HERE, __VA_ARGS__), (st))

/* Propagate. Needs a local `st` and a label `done`. */
#define EG_TRY(call)                           \
    do {                                       \
        if ((st = (call)) != EG_OK) goto done; \
    } while (0)

/* A broken precondition is a bug: says where, then aborts. */
EG_API void eg_assert_fail_(const char *what, const char *where)
    __attribute__((noreturn));
#define EG_ASSERT(c) ((c) ? (void)0 : eg_assert_fail_(#c, EG_HERE))

#ifdef __cplusplus
}
#endif
#endif
