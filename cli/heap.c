/* How the allocator of the C library is asked to behave.
 *
 * A configuration takes 180 KB, and hundreds are filled and dropped when claims
 * are read. Blocks of that size would be mapped and given back to the system
 * each time, their pages cleared again: two thirds of the time of `engram
 * list`. Large blocks, of a model or a batch, are mapped as before. */
#include "cli.h"

#if defined(__GLIBC__)
#include <malloc.h>

enum { MAPPED = 1 << 20, KEPT = 16 << 20 };

void cli_tune_heap(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT);
}
#else
void cli_tune_heap(void)
{
}
#endif
