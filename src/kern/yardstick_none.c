/* No library to compare with (CMake: ENGRAM_YARDSTICK is off). */
#include "kern/bench_case.h"

const egi_yardstick egi_yardsticks[EG_BENCH_YARDSTICKS] = {{0}};
