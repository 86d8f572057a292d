/* t_rows.c for the sets of float64. */
#define KT_F64
#include "t_rows.c" /* NOLINT(bugprone-suspicious-include) */
