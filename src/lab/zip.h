/* Writing zip archives, member by member, from front to back: stored, with the
 * forms of 64 bits where sizes or places ask for them. Source: PKWARE's
 * APPNOTE.TXT 6.3.10, sections 4.3 to 4.5. */
#ifndef EG_LAB_ZIP_H
#define EG_LAB_ZIP_H

#include "base/buf.h"
#include "engram/file.h"

#define EGI_ZIP_LIMIT 0xffffffffu

typedef struct egi_zip {
    eg_outfile *to;
    uint64_t at;       /* bytes written */
    uint64_t n;        /* members */
    uint64_t limit;    /* from here on 64 bits; a test's may be smaller */
    egi_buf directory; /* written at the end */
    egi_buf head;      /* scratch */
} egi_zip;

/* Data of a member in parts. */
typedef struct egi_piece {
    const void *data;
    size_t size;
} egi_piece;

void egi_zip_begin(egi_zip *z, eg_outfile *to);
void egi_zip_put(egi_zip *z, const char *name, const egi_piece *piece, int n);
/* Writes the directory; EG_ENOMEM: there was no memory for it. */
eg_status egi_zip_end(egi_zip *z, eg_err *err);
void egi_zip_release(egi_zip *z);

#endif
