/* t_linatt.c for the sets of float64. */
#define KT_F64
#include "t_linatt.c" /* NOLINT(bugprone-suspicious-include) */
