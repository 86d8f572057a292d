/* The sums over the lanes of four vectors at once, for the two types of
 * fast_pairs.h: a third of the operations of one after the other. */

INLINE void sum4_f32(float *out, const vec *v)
{
#if VEC_BYTES == 64
    __m512 a = (__m512)v[0], b = (__m512)v[1], c = (__m512)v[2];
    __m512 d = (__m512)v[3];
    __m256 h;

    a = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    c = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    a = _mm512_add_ps(_mm512_shuffle_ps(a, c, 0x44),
                      _mm512_shuffle_ps(a, c, 0xee));
    h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(h),
                                  _mm256_extractf128_ps(h, 1)));
#elif VEC_BYTES == 32
    __m256 s = _mm256_hadd_ps(_mm256_hadd_ps((__m256)v[0], (__m256)v[1]),
                              _mm256_hadd_ps((__m256)v[2], (__m256)v[3]));

    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(s),
                                  _mm256_extractf128_ps(s, 1)));
#else
    for (eg_index k = 0; k < 4; k++) out[k] = vsum(v[k]);
#endif
}

INLINE void sum4_f64(double *out, const dvec *v)
{
#if VEC_BYTES == 64
    __m512d a = (__m512d)v[0], b = (__m512d)v[1], c = (__m512d)v[2];
    __m512d d = (__m512d)v[3];

    a = _mm512_add_pd(_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
    c = _mm512_add_pd(_mm512_unpacklo_pd(c, d), _mm512_unpackhi_pd(c, d));
    a = _mm512_add_pd(_mm512_shuffle_f64x2(a, c, 0x44),
                      _mm512_shuffle_f64x2(a, c, 0xee));
    a = _mm512_add_pd(a, _mm512_shuffle_f64x2(a, a, 0xb1));
    _mm_storeu_pd(out, _mm512_castpd512_pd128(a));
    _mm_storeu_pd(out + 2, _mm512_extractf64x2_pd(a, 2));
#elif VEC_BYTES == 32
    __m256d a = _mm256_hadd_pd((__m256d)v[0], (__m256d)v[1]);
    __m256d c = _mm256_hadd_pd((__m256d)v[2], (__m256d)v[3]);

    _mm256_storeu_pd(out, _mm256_add_pd(_mm256_permute2f128_pd(a, c, 0x20),
                                        _mm256_permute2f128_pd(a, c, 0x31)));
#else
    for (eg_index k = 0; k < 4; k++) out[k] = dsum(v[k]);
#endif
}
