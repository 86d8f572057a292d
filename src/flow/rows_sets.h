/* The instruction sets egi_rows_sum is compiled for. */
#ifndef EG_FLOW_ROWS_SETS_H
#define EG_FLOW_ROWS_SETS_H

#include "flow/rows.h"

void egi_rows_sum_generic(double *sum, double *z, double *peak, const double *q,
                          const eg_index *limit, const egi_keys *keys,
                          double *scores);
void egi_rows_sum_avx2(double *sum, double *z, double *peak, const double *q,
                       const eg_index *limit, const egi_keys *keys,
                       double *scores);
void egi_rows_sum_avx512(double *sum, double *z, double *peak, const double *q,
                         const eg_index *limit, const egi_keys *keys,
                         double *scores);

#endif
