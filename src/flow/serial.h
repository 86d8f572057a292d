/* LAPACK on one thread: OpenBLAS starts threads of its own unless told not to.
 * Other libraries have no such call; then the name is empty. */
#ifndef EG_FLOW_SERIAL_H
#define EG_FLOW_SERIAL_H

extern void openblas_set_num_threads(int n) __attribute__((weak));

static inline void egi_lapack_serial(void)
{
    if (openblas_set_num_threads) openblas_set_num_threads(1);
}

#endif
