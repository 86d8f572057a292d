/* oneDNN and LIBXSMM behind one signature, for comparison in the benchmark
 * only. Built with -DENGRAM_YARDSTICK=ON where both are installed. */
#include <dnnl.h>
#include <libxsmm.h>
#include <omp.h>

#include "kern/bench_case.h"

static bool dnnl_product(float *c, eg_index ldc, const float *a, eg_index rs,
                         eg_index cs, const float *b, eg_index brs,
                         eg_index bcs, eg_index M, eg_index N, eg_index K)
{
    char ta = cs == 1 ? 'N' : 'T', tb = bcs == 1 ? 'N' : 'T';

    omp_set_num_threads(1);
    return dnnl_sgemm(ta, tb, M, N, K, 1, a, cs == 1 ? rs : cs, b,
                      bcs == 1 ? brs : bcs, 0, c, ldc) == dnnl_success;
}

/* Column-major library: C^T = B^T A^T. It has no transposed first operand. */
static bool xsmm_product(float *c, eg_index ldc, const float *a, eg_index rs,
                         eg_index cs, const float *b, eg_index brs,
                         eg_index bcs, eg_index M, eg_index N, eg_index K)
{
    int lda = (int)brs, ldb = (int)(cs == 1 ? rs : cs), ld = (int)ldc;
    int flags = cs == 1 ? LIBXSMM_GEMM_FLAG_NONE : LIBXSMM_GEMM_FLAG_TRANS_B;
    float one = 1, zero = 0;
    libxsmm_smmfunction f;

    if (bcs != 1) return false;
    f = libxsmm_smmdispatch((int)N, (int)M, (int)K, &lda, &ldb, &ld, &one,
                            &zero, &flags, NULL);
    if (f) f(b, a, c);
    return f != NULL;
}

const egi_yardstick egi_yardsticks[EG_BENCH_YARDSTICKS] = {
    {"oneDNN", dnnl_product},
    {"LIBXSMM", xsmm_product},
};
