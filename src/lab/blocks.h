/* A file of lines, read in blocks of whole lines: a large one takes no more
 * memory than a small one, and each block is still in the cache for whoever
 * looks at it next. */
#ifndef EG_LAB_BLOCKS_H
#define EG_LAB_BLOCKS_H

#include "base/sum.h"
#include "engram/file.h"

typedef struct egi_blocks {
    eg_infile *f; /* borrowed */
    char *buf;
    size_t cap, from, n; /* bytes of buf from `from` to n are not given yet */
    bool end;
    egi_summer *sum; /* gets all that is read, unless NULL */
    int64_t bytes;   /* read */
} egi_blocks;

/* From where f stands. */
void egi_blocks_open(egi_blocks *b, eg_infile *f);
/* The next lines, each with its \n, until the next call; *size 0: no more.
 * What follows the last \n of the file is b->buf [b->from, b->n) then. EG_EIO;
 * EG_ENOMEM for a line that does not fit into memory. */
eg_status egi_blocks_next(egi_blocks *b, const char **text, size_t *size,
                          eg_err *err);
void egi_blocks_release(egi_blocks *b);

#endif
