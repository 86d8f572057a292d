/* Lists that grow. */
#ifndef EG_BASE_GROW_H
#define EG_BASE_GROW_H

#include "engram/status.h"

/* Room for `need` things of `size` bytes in *list, which `list` is the address
 * of (any pointer, NULL at first) and *room counts: `first` of them at first,
 * then doubled. false: no memory, and nothing has changed. */
bool egi_grow(void *list, eg_index *room, eg_index need, eg_index first,
              size_t size);

#endif
