/* See parts.h. */
#include "base/parts.h"

#include "base/num.h"

eg_status egi_parts_parse(egi_parts *p, const eg_strs *list, int64_t least,
                          int64_t whole, const char *key, eg_err *err)
{
    *p = (egi_parts){.n = list->n};
    for (int i = 0; i < list->n; i++) {
        int64_t *end = &p->end[i];

        if (!egi_int_parse(list->item[i], end) || *end < least ||
            *end >= whole || (i > 0 && *end <= end[-1]))
            return EG_FAIL(err, EG_EINVAL,
                           "%s: expected whole numbers from %lld to %lld, "
                           "ascending, found '%s'",
                           key, (long long)least, (long long)whole - 1,
                           list->item[i]);
    }
    p->end[p->n] = whole;
    return EG_OK;
}

int64_t egi_parts_end(const egi_parts *p, int64_t at)
{
    int i = 0;

    while (i < p->n && p->end[i] < at) i++;
    return p->end[i];
}
