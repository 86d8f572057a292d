/* Huge pages, and whether a machine wants them. */
#ifndef EG_BASE_HUGE_H
#define EG_BASE_HUGE_H

#include <stdbool.h>

/* Of a file like Linux's /sys/kernel/mm/transparent_hugepage/enabled, "always
 * [madvise] never": false where [never] is chosen, true else, also where there
 * is no such file. */
bool egi_huge_wanted(const char *path);

#endif
