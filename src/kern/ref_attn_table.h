/* Reference attention with scores from two tables, see attn_table in kern.h. */

static eg_index ref_attn_table_work(eg_index V, eg_index dv, eg_index max_limit)
{
    (void)V;
    return ref_attn_work(0, dv, max_limit);
}

static void ref_attn_table(real *z, eg_index ldz, real *p, const real *te,
                           const real *tp, eg_index ldt, eg_index V,
                           const int32_t *token, const int32_t *limit,
                           const real *v, eg_index ldv, eg_index rows,
                           eg_index dv,
                           real *work) /* NOLINT(readability-non-const-*) */
{
    (void)work;
    for (eg_index r0 = 0; r0 < rows; r0 += EG_ATTN_BLOCK) {
        eg_index n = rows - r0 < EG_ATTN_BLOCK ? rows - r0 : EG_ATTN_BLOCK;
        eg_index keys = limit[r0 + n - 1];

        for (eg_index i = 0; i < n; i++) {
            eg_index r = r0 + i, t = limit[r] - 1;
            const real *er = te + token[t] * ldt,
                       *pr = tp ? tp + t * ldt : NULL;
            for (eg_index s = 0; s < limit[r]; s++) {
                double x = (double)er[token[s]];
                if (pr) {
                    x += (double)pr[token[s]];
                    x += (double)er[V + s] + (double)pr[V + s];
                }
                p[s * EG_ATTN_BLOCK + i] = (real)x;
            }
            ref_attn_mix(z + r * ldz, p + i, limit[r], keys, v, ldv, dv);
        }
        ref_attn_absent(p, n, keys);
        p += keys * EG_ATTN_BLOCK;
    }
}

/* Gradients of n rows' scores, ds as the pattern, into the tables. */
static void ref_table_grads(real *dte, real *dtp, eg_index ldt, eg_index V,
                            const int32_t *token, const real *ds,
                            const int32_t *limit, eg_index n)
{
    for (eg_index i = 0; i < n; i++) {
        eg_index t = limit[i] - 1;
        real *er = dte + token[t] * ldt, *pr = dtp ? dtp + t * ldt : NULL;
        for (eg_index s = 0; s < limit[i]; s++) {
            real g = ds[s * EG_ATTN_BLOCK + i];
            er[token[s]] += g;
            if (!pr) continue;
            er[V + s] += g;
            pr[token[s]] += g;
            pr[V + s] += g;
        }
    }
}

static void ref_attn_table_back(real *dte, real *dtp, eg_index ldt, eg_index V,
                                const int32_t *token, real *dv_, eg_index lddv,
                                const real *dz, eg_index lddz, const real *z,
                                eg_index ldz, const real *p,
                                const int32_t *limit, const real *v,
                                eg_index ldv, eg_index rows, eg_index dv,
                                real *work)
{
    for (eg_index r = 0; r < rows; r += EG_ATTN_BLOCK) {
        eg_index n = rows - r < EG_ATTN_BLOCK ? rows - r : EG_ATTN_BLOCK;
        eg_index keys = limit[r + n - 1];

        if (dv_) ref_key_grads(dv_, lddv, p, dz + r * lddz, lddz, keys, n, dv);
        if (dte) {
            ref_score_grads(work, p, dz + r * lddz, lddz, z + r * ldz, ldz,
                            limit + r, v, ldv, n, dv, 1);
            ref_table_grads(dte, dtp, ldt, V, token, work, limit + r, n);
        }
        p += keys * EG_ATTN_BLOCK;
    }
}
