/* Linear attention, for a real type `real`; see ref_impl.h. */

static eg_index ref_linatt_work(eg_index kw, eg_index vw)
{
    (void)kw;
    (void)vw;
    return 0;
}

static real ref_linatt_score(const real *q, const real *k, eg_index kw,
                             real scale)
{
    double sum = 0;

    for (eg_index j = 0; j < kw; j++) sum += (double)q[j] * (double)k[j];
    return (real)((double)scale * sum);
}

static void ref_linatt(real *z, eg_index ldz, const real *q, eg_index ldq,
                       const int32_t *limit, eg_index rows, const real *k,
                       eg_index ldk, const real *v, eg_index ldv, eg_index kw,
                       eg_index vw, real scale, real *work)
{
    (void)work;
    for (eg_index r = 0; r < rows; r++)
        for (eg_index s = 0; s < limit[r]; s++) {
            real a = ref_linatt_score(q + r * ldq, k + s * ldk, kw, scale);

            for (eg_index j = 0; j < vw; j++)
                z[r * ldz + j] += a * v[s * ldv + j];
        }
}

static void ref_linatt_back(real *dv, eg_index lddv, const real *k,
                            eg_index ldk, eg_index n, const real *q,
                            eg_index ldq, const real *dz, eg_index lddz,
                            const int32_t *limit, eg_index rows, eg_index kw,
                            eg_index vw, real scale, real *work)
{
    (void)work;
    for (eg_index s = 0; s < n; s++)
        for (eg_index r = rows - 1; r >= 0 && limit[r] > s; r--) {
            real a = ref_linatt_score(q + r * ldq, k + s * ldk, kw, scale);

            for (eg_index j = 0; j < vw; j++)
                dv[s * lddv + j] += a * dz[r * lddz + j];
        }
}
