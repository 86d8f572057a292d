/* Parts of a run that was extended: the lengths that it had before. */
#ifndef EG_BASE_PARTS_H
#define EG_BASE_PARTS_H

#include "engram/fields.h"

typedef struct egi_parts {
    int n;                        /* parts that ended before the last one */
    int64_t end[EG_STRS_MAX + 1]; /* [n + 1] ascending; the last: the whole */
} egi_parts;

/* Of a list of whole numbers from `least` on, ascending and below `whole`; key:
 * the option's name, for EG_EINVAL. */
eg_status egi_parts_parse(egi_parts *p, const eg_strs *list, int64_t least,
                          int64_t whole, const char *key, eg_err *err);
/* The end of the part that has `at` in it: the first not below it, or the
 * whole. */
int64_t egi_parts_end(const egi_parts *p, int64_t at);

#endif
