/* Rows gathered from two tables, and the scatter behind it: the reference. */

static void ref_gather(real *y, eg_index ldy, const real *e, const real *p,
                       eg_index ld, const int32_t *token, const int32_t *limit,
                       const real *scale, const real *b, eg_index rows,
                       eg_index n)
{
    for (eg_index r = 0; r < rows; r++) {
        eg_index t = limit[r] - 1;
        for (eg_index i = 0; i < n; i++) {
            real x = e[token[t] * ld + i];
            if (p) x += p[t * ld + i];
            y[r * ldy + i] = scale ? scale[t] * x + b[i] : x;
        }
    }
}

static void ref_gather_back(real *de, real *dp, real *db, real *dots,
                            eg_index ld, const int32_t *token,
                            const int32_t *limit, const real *scale,
                            const real *dy, const real *y, eg_index ldy,
                            const real *b, eg_index rows, eg_index n)
{
    for (eg_index r = 0; r < rows; r++) {
        eg_index t = limit[r] - 1;
        const real *d = dy + r * ldy;
        double sum = 0;
        for (eg_index i = 0; i < n; i++) {
            real g = scale ? scale[t] * d[i] : d[i];
            de[token[t] * ld + i] += g;
            if (dp) dp[t * ld + i] += g;
            if (db) db[i] += d[i];
            if (dots)
                sum += (double)d[i] * ((double)y[r * ldy + i] - (double)b[i]);
        }
        if (dots) dots[r] = (real)sum;
    }
}
