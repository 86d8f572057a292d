/* GGUF files made by hand: bytes are added one after the other. */
#ifndef GGUF_BUILD_H
#define GGUF_BUILD_H

#include <stdint.h>
#include <string.h>

#include "engram/mem.h"

typedef struct gguf {
    char bytes[65536];
    size_t n;
} gguf;

static inline void gguf_put(gguf *g, const void *x, size_t n)
{
    EG_ASSERT(g->n + n <= sizeof g->bytes);
    memcpy(g->bytes + g->n, x, n);
    g->n += n;
}

static inline void gguf_u32(gguf *g, uint32_t x)
{
    gguf_put(g, &x, sizeof x);
}

static inline void gguf_u64(gguf *g, uint64_t x)
{
    gguf_put(g, &x, sizeof x);
}

static inline void gguf_text(gguf *g, const char *text)
{
    gguf_u64(g, strlen(text));
    gguf_put(g, text, strlen(text));
}

static inline void gguf_begin(gguf *g, uint32_t version, uint64_t tensors,
                              uint64_t values)
{
    g->n = 0;
    gguf_put(g, "GGUF", 4);
    gguf_u32(g, version);
    gguf_u64(g, tensors);
    gguf_u64(g, values);
}

static inline void gguf_key_u32(gguf *g, const char *key, uint32_t x)
{
    gguf_text(g, key);
    gguf_u32(g, 4);
    gguf_u32(g, x);
}

static inline void gguf_key_f64(gguf *g, const char *key, double x)
{
    gguf_text(g, key);
    gguf_u32(g, 12);
    gguf_put(g, &x, sizeof x);
}

static inline void gguf_key_text(gguf *g, const char *key, const char *text)
{
    gguf_text(g, key);
    gguf_u32(g, 8);
    gguf_text(g, text);
}

static inline void gguf_key_texts(gguf *g, const char *key,
                                  const char *const *text, int n)
{
    gguf_text(g, key);
    gguf_u32(g, 9);
    gguf_u32(g, 8);
    gguf_u64(g, (uint64_t)n);
    for (int i = 0; i < n; i++) gguf_text(g, text[i]);
}

/* cols entries lie together; rows 0: a vector. */
static inline void gguf_tensor(gguf *g, const char *name, uint64_t rows,
                               uint64_t cols, uint32_t type, uint64_t place)
{
    gguf_text(g, name);
    gguf_u32(g, rows ? 2 : 1);
    gguf_u64(g, cols);
    if (rows) gguf_u64(g, rows);
    gguf_u32(g, type);
    gguf_u64(g, place);
}

static inline void gguf_align(gguf *g, size_t to)
{
    while (g->n % to != 0) gguf_put(g, "", 1);
}

#endif
