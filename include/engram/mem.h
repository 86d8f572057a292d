/* Memory: every allocation of the library passes one hook, so that tests can
 * count allocations and make the n-th one fail; arenas hold temporaries. */
#ifndef ENGRAM_MEM_H
#define ENGRAM_MEM_H

#include "engram/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EG_ALIGN 64 /* every block starts on a cache line */

/* 64-byte aligned, zeroed; NULL when out of memory. n may be 0. */
EG_API void *eg_calloc(size_t n, size_t size);
/* Grows or shrinks p (NULL: allocates); new bytes are not initialised. */
EG_API void *eg_realloc(void *p, size_t bytes);
EG_API void eg_free(void *p);
EG_API char *eg_strdup(const char *s);

/* Allocations and bytes handed out since the process began; live bytes and
 * their peak. Safe to read from any thread. */
typedef struct eg_mem_info {
    int64_t n_allocs;
    int64_t live_bytes;
    int64_t peak_bytes;
} eg_mem_info;
EG_API eg_mem_info eg_mem_query(void);

/* Test hook: the n-th allocation from now fails (n >= 1), or for -n that one
 * and all behind it; 0 switches off. */
EG_API void eg_mem_fail_after(int64_t n);

/* Bump allocator for temporaries: mark, take, reset. */
typedef struct eg_arena {
    unsigned char *base;
    size_t size, used, high_water;
} eg_arena;

/* Room for so many bytes (EG_ENOMEM), and its release. */
EG_API eg_status eg_arena_init(eg_arena *a, size_t bytes, eg_err *err);
EG_API void eg_arena_release(eg_arena *a);
/* 64-byte aligned, not zeroed; asserts that it fits (sized at set-up). */
EG_API void *eg_arena_take(eg_arena *a, size_t bytes);
EG_API size_t eg_arena_mark(const eg_arena *a);
EG_API void eg_arena_reset(eg_arena *a, size_t mark);

#ifdef __cplusplus
}
#endif
#endif
