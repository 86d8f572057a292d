/* Numbers as files store them, row by row; and GGML's blocks of 32 with a
 * scale, as its documentation and ggml-quants lay them out:
 *  - Q4_0: f16 d, 16 bytes; x = d (q - 8);
 *  - Q4_1: f16 d, f16 m, 16 bytes; x = d q + m;
 *  - Q8_0: f16 d, 32 int8; x = d q.
 * The lower halves of the 16 bytes are entries 0 to 15, the upper ones 16 to
 * 31. */
#include "models/source.h"

#include <string.h>

enum { BLOCK = 32, HALF = 16 };

static const size_t block_bytes[] = {
    [EGI_F32] = 4,       [EGI_F64] = 8,       [EGI_F16] = 2,
    [EGI_BF16] = 2,      [EGI_Q4_0] = 2 + 16, [EGI_Q4_1] = 4 + 16,
    [EGI_Q8_0] = 2 + 32, [EGI_OTHER] = 0};

static bool in_blocks(egi_stored k)
{
    return k == EGI_Q4_0 || k == EGI_Q4_1 || k == EGI_Q8_0;
}

size_t egi_stored_bytes(egi_stored k, uint64_t entries)
{
    if (!in_blocks(k)) return block_bytes[k] * (size_t)entries;
    return entries % BLOCK == 0 ? block_bytes[k] * (size_t)(entries / BLOCK)
                                : 0;
}

/* One entry of an array of that type, wherever it lies. */
static float number(const unsigned char *at, eg_dtype t)
{
    unsigned char copy[8];
    eg_view v = {.data = copy, .dtype = t, .ndim = 1, .shape = {1}};

    memcpy(copy, at, eg_dtype_size(t));
    return (float)eg_view_at(&v, 0);
}

/* The 32 entries of a block. */
static void block_numbers(egi_stored k, const unsigned char *b, float *out)
{
    float d = number(b, EG_F16), m = k == EGI_Q4_1 ? number(b + 2, EG_F16) : 0;
    const unsigned char *q = b + (k == EGI_Q4_1 ? 4 : 2);

    for (int i = 0; i < HALF; i++) {
        if (k == EGI_Q8_0) {
            out[i] = d * (float)(int8_t)q[i];
            out[i + HALF] = d * (float)(int8_t)q[i + HALF];
            continue;
        }
        if (k == EGI_Q4_0) {
            out[i] = d * (float)((q[i] & 15) - 8);
            out[i + HALF] = d * (float)((q[i] >> 4) - 8);
        } else {
            out[i] = d * (float)(q[i] & 15) + m;
            out[i + HALF] = d * (float)(q[i] >> 4) + m;
        }
    }
}

void egi_in_row(const egi_in *t, eg_index r, float *out)
{
    static const eg_dtype plain[] = {[EGI_F32] = EG_F32,
                                     [EGI_F64] = EG_F64,
                                     [EGI_F16] = EG_F16,
                                     [EGI_BF16] = EG_BF16};
    eg_index n = egi_in_cols(t);
    size_t each = block_bytes[t->stored];
    const unsigned char *row =
        t->data + (size_t)r * egi_stored_bytes(t->stored, (uint64_t)n);

    EG_ASSERT(t->stored != EGI_OTHER);
    if (t->stored == EGI_F32) {
        memcpy(out, row, (size_t)n * sizeof *out);
    } else if (in_blocks(t->stored)) {
        for (eg_index i = 0; i < n; i += BLOCK, row += each)
            block_numbers(t->stored, row, out + i);
    } else {
        for (eg_index i = 0; i < n; i++, row += each)
            out[i] = number(row, plain[t->stored]);
    }
}
