/* Whether a sanitizer looks on. What it looks for, it finds in one case of each
 * kind and shape as in many: there, tests that go through many take a few. */
#ifndef SANITIZED_H
#define SANITIZED_H

#include "base/asan.h"

#ifdef EGI_ASAN
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

#endif
