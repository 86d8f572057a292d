/* t_attn.c for the sets of float64. */
#define KT_F64
#include "t_attn.c" /* NOLINT(bugprone-suspicious-include) */
