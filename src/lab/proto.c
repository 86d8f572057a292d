/* See proto.h. */
#include "lab/proto.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

static void put_varint(egi_buf *b, uint64_t v)
{
    char bytes[10];
    size_t n = 0;

    for (; v >= 0x80; v >>= 7) bytes[n++] = (char)((v & 0x7f) | 0x80);
    bytes[n++] = (char)v;
    egi_buf_put(b, bytes, n);
}

static void put_key(egi_buf *b, int field, int kind)
{
    put_varint(b, ((uint64_t)field << 3) | (uint64_t)kind);
}

void egi_pb_int(egi_buf *b, int field, uint64_t v)
{
    put_key(b, field, VARINT);
    put_varint(b, v);
}

/* Little-endian, as memory is (base/array.h). */
void egi_pb_double(egi_buf *b, int field, double v)
{
    char bytes[sizeof v];

    memcpy(bytes, &v, sizeof v);
    put_key(b, field, FIXED64);
    egi_buf_put(b, bytes, sizeof bytes);
}

void egi_pb_float(egi_buf *b, int field, float v)
{
    char bytes[sizeof v];

    memcpy(bytes, &v, sizeof v);
    put_key(b, field, FIXED32);
    egi_buf_put(b, bytes, sizeof bytes);
}

void egi_pb_bytes(egi_buf *b, int field, const void *data, size_t n)
{
    put_key(b, field, LENGTH);
    put_varint(b, n);
    egi_buf_put(b, data, n);
}

void egi_pb_text(egi_buf *b, int field, const char *s)
{
    egi_pb_bytes(b, field, s, strlen(s));
}

void egi_pb_message(egi_buf *b, int field, egi_buf *within)
{
    egi_pb_bytes(b, field, within->s, within->n);
    b->failed |= within->failed;
    within->n = 0;
}

/* ---- frames ---------------------------------------------------------------
 */

uint32_t egi_crc32c(const void *data, size_t n)
{
    const unsigned char *p = data;
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return crc ^ 0xffffffffu;
}

uint32_t egi_crc32c_masked(const void *data, size_t n)
{
    uint32_t crc = egi_crc32c(data, n);

    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

static void put_sum(egi_buf *to, const void *data, size_t n)
{
    uint32_t sum = egi_crc32c_masked(data, n);
    char bytes[sizeof sum];

    memcpy(bytes, &sum, sizeof sum);
    egi_buf_put(to, bytes, sizeof bytes);
}

void egi_frame(egi_buf *to, const egi_buf *record)
{
    uint64_t n = record->n;
    char length[sizeof n];

    memcpy(length, &n, sizeof n);
    egi_buf_put(to, length, sizeof length);
    put_sum(to, length, sizeof length);
    egi_buf_put(to, record->s, record->n);
    put_sum(to, record->s, record->n);
    to->failed |= record->failed;
}
