/* 2^x for small x, times a factor of its own for each particle j: the inner
 * part of fast_near.h. A table row holds one coefficient of every j, `stride`
 * apart. */

enum {
    NEAR_ROWS_f32 = 5,
    NEAR_ROWS_f64 = 11,
    NEAR_WIDE_f32 = 2, /* vectors of particles i at a time */
    NEAR_WIDE_f64 = 2,
    NEAR_SHIFTED_f32 = 1, /* x starts at row 0 */
    NEAR_SHIFTED_f64 = 0
};
#define NEAR_MOST_f32 0.5f /* |x| */
#define NEAR_MOST_f64 0.42
#define NEAR_FAR_f32 16.0f /* |log2 E|, roughly */
#define NEAR_FAR_f64 100.0
#define NEAR_LEAD_f64 1.0

/* |x| <= 1/2, error 7.5e-8 before rounding, in four operations. With
 * v = x + s any polynomial of degree 5 is
 *     C (v ((v^2 + a) (v^2 + b v + a) + d) + g)
 * for one s. C goes to the masses; the factor E = e^5 into
 * v e, a e^2, b e, d e^4, g e^5. */
#define NEAR_LEAD_f32 0x1.5c08e6p-10f

/* The rows for E = 2^t; what the vectors v of j are to be multiplied with. */
INLINE vec near_rows_f32(float *row, eg_index stride, vec t)
{
    vec k, p, e, e2;

    t = t * 0.2f;
    k = vround(t);
    t -= k;
    p = vset(0x1.41d334p-13f) * t + 0x1.5f456ap-10f;
    p = p * t + 0x1.3b2dbcp-7f;
    p = p * t + 0x1.c6aed4p-5f;
    p = p * t + 0x1.ebfbdap-3f;
    p = p * t + 0x1.62e43p-1f;
    p = p * t + 1;
    e = vscale2(p, k);
    e2 = e * e;
    vstore(row, -0x1.186eap-2f * e);
    vstore(row + stride, 0x1.9455dp+4f * e2);
    vstore(row + 2 * stride, 0x1.15066ap+3f * e);
    vstore(row + 3 * stride, -0x1.d971dcp+2f * (e2 * e2));
    vstore(row + 4 * stride, 0x1.c754bcp+9f * (e2 * e2 * e));
    return e;
}

INLINE vec near_weight_f32(vec v, const float *row, eg_index stride)
{
    vec y = v * v + row[stride];
    vec t = v * row[2 * stride] + y;

    y = y * t + row[3 * stride];
    return v * y + row[4 * stride];
}

/* |x| <= 0.42, error 3.2e-17 before rounding: degree 10, all coefficients
 * times E. */
INLINE dvec near_rows_f64(double *row, eg_index stride, dvec t)
{
    static const double c[] = {
        1,
        0x1.62e42fefa39f6p-1,
        0x1.ebfbdff82c53cp-3,
        0x1.c6b08d7046db9p-5,
        0x1.3b2ab6fbb3197p-7,
        0x1.5d87fe85670d9p-10,
        0x1.430912c2e9118p-13,
        0x1.ffcba94274ca8p-17,
        0x1.62c0bcac857ffp-20,
        0x1.b611baba7ad13p-24,
        0x1.e3f3dd3e16110p-28,
    };

    t = dexp2(t);
#pragma GCC unroll 11
    for (eg_index k = 0; k < NEAR_ROWS_f64; k++)
        dstore(row + k * stride, t * c[k]);
    return dset(1);
}

INLINE dvec near_weight_f64(dvec x, const double *row, eg_index stride)
{
    dvec p = x * row[10 * stride] + row[9 * stride];

#pragma GCC unroll 11
    for (eg_index k = 8; k >= 0; k--) p = p * x + row[k * stride];
    return p;
}
