#include "base/grow.h"

#include <string.h>

#include "engram/mem.h"

bool egi_grow(void *list, eg_index *room, eg_index need, eg_index first,
              size_t size)
{
    eg_index want = *room ? *room : first;
    void *now, *more;

    if (need <= *room) return true;
    while (want < need) want *= 2;
    memcpy(&now, list, sizeof now); /* whatever type it points to */
    more = eg_realloc(now, (size_t)want * size);
    if (!more) return false;
    memcpy(list, &more, sizeof more);
    *room = want;
    return true;
}
