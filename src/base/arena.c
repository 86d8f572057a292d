/* Bump allocator: what is not taken is poisoned under ASan. */
#include "engram/mem.h"
#include "base/asan.h"

eg_status eg_arena_init(eg_arena *a, size_t bytes, eg_err *err)
{
    size_t size = 0;

    *a = (eg_arena){0};
    if (bytes > (size_t)PTRDIFF_MAX - EG_ALIGN) {
        return EG_FAIL(err, EG_ENOMEM, "arena of %zu bytes: too large", bytes);
    }
    size = (bytes + EG_ALIGN - 1) / EG_ALIGN * EG_ALIGN;
    a->base = eg_calloc(size, 1);
    if (!a->base) {
        return EG_FAIL(err, EG_ENOMEM, "arena of %zu bytes: out of memory",
                       size);
    }
    a->size = size;
    EGI_POISON(a->base, size);
    return EG_OK;
}

void eg_arena_release(eg_arena *a)
{
    if (a->base) EGI_UNPOISON(a->base, a->size);
    eg_free(a->base);
    *a = (eg_arena){0};
}

void *eg_arena_take(eg_arena *a, size_t bytes)
{
    size_t left = a->size - a->used;
    unsigned char *p = a->base + a->used;

    EG_ASSERT(bytes <= left);
    EGI_UNPOISON(p, bytes);
    /* size is a multiple of EG_ALIGN, so the rounded amount fits as well */
    a->used += (bytes + EG_ALIGN - 1) / EG_ALIGN * EG_ALIGN;
    if (a->used > a->high_water) a->high_water = a->used;
    return p;
}

size_t eg_arena_mark(const eg_arena *a)
{
    return a->used;
}

void eg_arena_reset(eg_arena *a, size_t mark)
{
    EG_ASSERT(mark <= a->used);
    EGI_POISON(a->base + mark, a->used - mark);
    a->used = mark;
}
