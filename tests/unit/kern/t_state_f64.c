/* t_state.c for the sets of float64. */
#define KT_F64
#include "t_state.c" /* NOLINT(bugprone-suspicious-include) */
