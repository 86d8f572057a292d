/* One matrix product of the AMX set, as its parts hand it on. */

typedef struct product_args {
    float *c;
    const float *a;
    const float *pb; /* parts of B */
    const float *b;  /* or NULL; else it is split into `to`, which is pb */
    bool panels;     /* b is what fast_pack makes */
    float *to;
    eg_index ldc, rs, cs, brs, bcs, M, N, K;
    float alpha;
    int acc;
    eg_index block_n, block_k;
    eg_index strip; /* the size of a strip of B in parts */
    bool once;      /* parts of B are made for one block only */
    bool past;      /* results go past the caches */
} product_args;

INLINE eg_index less(eg_index a, eg_index b)
{
    return a < b ? a : b;
}

/* The arguments of a product with B in parts at pb. */
INLINE product_args product_of(float *c, eg_index ldc, const float *a,
                               eg_index rs, eg_index cs, const float *pb,
                               eg_index M, eg_index N, eg_index K, float alpha,
                               int acc)
{
    return (product_args){.c = c,
                          .ldc = ldc,
                          .a = a,
                          .rs = rs,
                          .cs = cs,
                          .pb = pb,
                          .M = M,
                          .N = N,
                          .K = K,
                          .alpha = alpha,
                          .acc = acc};
}
