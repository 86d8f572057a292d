/* The probe `radius`: how far the stream of a sequence is from that of the
 * nearest other one, by depth. */
#ifndef EGI_PROBE_RADII_H
#define EGI_PROBE_RADII_H

#include "probe/gather.h"
#include "probe/measure.h"

typedef struct egi_radii {
    int count; /* sequences; 0: nothing to do */
    int at;    /* position from 0 */
    egi_gather gather;
    eg_pool *pool;
    const char *kern;
} egi_radii;

eg_status egi_radii_init(egi_radii *r, const eg_probe_opts *opts,
                         const eg_eval *eval, const eg_model *m, eg_pool *pool,
                         const char *kern, eg_err *err);
void egi_radii_release(egi_radii *r);
/* Bytes that egi_radii_run takes, and gives back. */
int64_t egi_radii_bytes(const egi_radii *r);
/* Searches take memory of their own; where there is none the depth is left
 * out. */
void egi_radii_run(egi_radii *r, eg_eval *eval, const eg_model *m,
                   eg_probe_emit emit, void *ctx);

#endif
