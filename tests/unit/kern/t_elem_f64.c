/* t_elem.c for the sets of float64. */
#define KT_F64
#include "t_elem.c" /* NOLINT(bugprone-suspicious-include) */
