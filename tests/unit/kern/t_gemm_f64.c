/* t_gemm.c for the sets of float64. */
#define KT_F64
#include "t_gemm.c" /* NOLINT(bugprone-suspicious-include) */
