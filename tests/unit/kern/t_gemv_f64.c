/* t_gemv.c for the sets of float64. */
#define KT_F64
#include "t_gemv.c" /* NOLINT(bugprone-suspicious-include) */
