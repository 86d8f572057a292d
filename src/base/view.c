/* Element types and read access to dense arrays. */
#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [EG_F32] = {"float32", 4},   [EG_F64] = {"float64", 8},
    [EG_I32] = {"int32", 4},     [EG_I64] = {"int64", 8},
    [EG_U8] = {"uint8", 1},      [EG_F16] = {"float16", 2},
    [EG_BF16] = {"bfloat16", 2},
};

size_t eg_dtype_size(eg_dtype t)
{
    return types[t].size;
}

const char *eg_dtype_name(eg_dtype t)
{
    return types[t].name;
}

eg_index eg_view_size(const eg_view *v)
{
    eg_index n = 1;

    for (int i = 0; i < v->ndim; i++) {
        if (v->shape[i] == 0) return 0; /* whatever the other extents are */
    }
    for (int i = 0; i < v->ndim; i++) n *= v->shape[i];
    return n;
}

static float from_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* float16: sign, five bits of exponent, ten of mantissa m,
 * 2^(e - 15) (1 + m / 2^10); e = 0 is m 2^-24, e = 31 infinity and, with its
 * payload, NaN. */
float egi_half_value(uint16_t h, eg_dtype t)
{
    uint32_t sign = (uint32_t)(h >> 15) << 31, e = h >> 10 & 31, m = h & 1023;

    if (t == EG_BF16) return from_bits((uint32_t)h << 16);
    if (e == 0) return (sign ? -0x1p-24F : 0x1p-24F) * (float)m;
    return from_bits(sign | (e == 31 ? 255 : e + 112) << 23 | m << 13);
}

uint16_t egi_half_bits(float x, eg_dtype t)
{
    uint32_t u, low, sign;

    memcpy(&u, &x, sizeof u);
    sign = u >> 16 & 0x8000;
    low = u & 0x7fffffff;
    if (t == EG_BF16)
        return (uint16_t)(low > 0x7f800000
                              ? u >> 16 | 0x40
                              : (u + 0x7fff + (u >> 16 & 1)) >> 16);
    if (low > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (low >= 0x47800000) return (uint16_t)(sign | 0x7c00); /* from 2^16 on */
    if (low < 0x38800000) /* below 2^-14: steps of 2^-24 */
        return (uint16_t)(sign | (uint32_t)nearbyintf(fabsf(x) * 0x1p24F));
    low -= 0x38000000; /* exponents begin 112 later; a carry goes into them */
    return (uint16_t)(sign | (low + 0xfff + (low >> 13 & 1)) >> 13);
}

double eg_view_at(const eg_view *v, eg_index i)
{
    const unsigned char *p = v->data;
    union {
        float f32;
        double f64;
        int32_t i32;
        int64_t i64;
        uint16_t u16;
    } u;

    switch (v->dtype) { /* copied, since data need not be aligned */
    case EG_F32:
        memcpy(&u.f32, p + i * (eg_index)sizeof u.f32, sizeof u.f32);
        return (double)u.f32;
    case EG_F64:
        memcpy(&u.f64, p + i * (eg_index)sizeof u.f64, sizeof u.f64);
        return u.f64;
    case EG_I32:
        memcpy(&u.i32, p + i * (eg_index)sizeof u.i32, sizeof u.i32);
        return u.i32;
    case EG_I64:
        memcpy(&u.i64, p + i * (eg_index)sizeof u.i64, sizeof u.i64);
        return (double)u.i64;
    case EG_U8:
        return p[i];
    case EG_F16:
    case EG_BF16:
        memcpy(&u.u16, p + i * (eg_index)sizeof u.u16, sizeof u.u16);
        return (double)egi_half_value(u.u16, v->dtype);
    }
    return 0;
}

bool egi_view_bytes(const eg_view *v, size_t *bytes)
{
    eg_index n = (eg_index)eg_dtype_size(v->dtype);
    bool empty = false;

    for (int i = 0; i < v->ndim; i++) {
        if (v->shape[i] < 0) return false;
        if (v->shape[i] == 0) empty = true;
    }
    for (int i = 0; i < v->ndim && !empty; i++) {
        if (n > PTRDIFF_MAX / v->shape[i]) return false;
        n *= v->shape[i];
    }
    *bytes = empty ? 0 : (size_t)n;
    return true;
}

void egi_shape_format(const eg_view *v, char *buf, size_t size)
{
    egi_text t = egi_text_on(buf, size);

    egi_text_add(&t, "[");
    for (int i = 0; i < v->ndim; i++) {
        egi_text_add(&t, "%s%td", i ? "," : "", v->shape[i]);
    }
    egi_text_add(&t, "]");
}

eg_index eg_view_not_finite(const eg_view *v)
{
    for (eg_index i = 0, n = eg_view_size(v); i < n; i++)
        if (!isfinite(eg_view_at(v, i))) return i;
    return -1;
}
