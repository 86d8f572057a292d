/* Text that grows. A failed allocation is remembered; the builder goes on as
 * if nothing had happened and egi_buf_take tells in the end. */
#ifndef EG_BASE_BUF_H
#define EG_BASE_BUF_H

#include "engram/status.h"

typedef struct egi_buf {
    char *s; /* always 0-ended once something was added */
    size_t n, cap;
    bool failed;
} egi_buf;

void egi_buf_add(egi_buf *b, const char *fmt, ...) EG_PRINTF(2, 3);
void egi_buf_put(egi_buf *b, const char *bytes, size_t n);
void egi_buf_release(egi_buf *b);
/* Hands the text over (release with eg_free), or EG_ENOMEM. */
eg_status egi_buf_take(egi_buf *b, char **out, eg_err *err);

#endif
