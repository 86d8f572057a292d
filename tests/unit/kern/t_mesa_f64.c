/* t_mesa.c for the sets of float64. */
#define KT_F64
#include "t_mesa.c" /* NOLINT(bugprone-suspicious-include) */
