/* <complex.h> with C11's CMPLX also where the C library withholds it from a
 * compiler that it takes for an old one: glibc from clang 14. */
#ifndef EG_BASE_CMPLX_H
#define EG_BASE_CMPLX_H

#include <complex.h>

#ifndef CMPLX
#define CMPLX(re, im) __builtin_complex((double)(re), (double)(im))
#endif

#endif
