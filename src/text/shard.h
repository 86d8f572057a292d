/* What readers and writers of shards share: llm.c's headers. */
#ifndef EGI_TEXT_SHARD_H
#define EGI_TEXT_SHARD_H

#include "engram/shards.h"

/* Freeing it removes its files after all. */
void egi_shard_writer_undo(eg_shard_writer *w);

enum {
    EGI_SHARD_HEAD = 256, /* int32 */
    EGI_SHARD_16 = 20240520,
    EGI_SHARD_16_VERSION = 1,
    EGI_SHARD_32 = 20240801,
    EGI_SHARD_32_VERSION = 7
};

#endif
