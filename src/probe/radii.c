#include "probe/radii.h"

#include <math.h>
#include <stdio.h>

#include "engram/radius.h"
#include "probe/neighbours.h"

/* A step that no run makes: the sequences are the same whenever it is asked. */
#define STEP (((uint64_t)1 << 39) + 1)

eg_status egi_radii_init(egi_radii *r, const eg_probe_opts *opts,
                         const eg_eval *eval, const eg_model *m, eg_pool *pool,
                         const char *kern, eg_err *err)
{
    int T = eg_model_ctx(m);

    if (opts->radius == 0) return EG_OK;
    if (opts->radius_position > T)
        return EG_FAIL(err, EG_EINVAL,
                       "probe.radius_position: expected 0 to %d, found %lld", T,
                       (long long)opts->radius_position);
    r->at = (opts->radius_position ? (int)opts->radius_position : T) - 1;
    r->count = (int)opts->radius;
    r->pool = pool;
    r->kern = kern;
    return egi_gather_init(&r->gather, eval, m, r->count, &r->at, 1, err);
}

int64_t egi_radii_bytes(const egi_radii *r)
{
    int threads = r->pool ? eg_pool_size(r->pool) : 1;

    return r->count ? egi_radius_bytes(r->count, r->gather.D, threads, r->kern)
                    : 0;
}

void egi_radii_release(egi_radii *r)
{
    egi_gather_release(&r->gather);
    *r = (egi_radii){0};
}

static void tell(eg_probe_emit emit, void *ctx, const char *what, int depth,
                 int share, double value)
{
    char name[EGI_NAME];

    if (!isfinite(value)) return;
    if (share)
        (void)snprintf(name, sizeof name, "radius.%d.%d", depth, share);
    else
        (void)snprintf(name, sizeof name, "radius_%s.%d", what, depth);
    emit(ctx, name, value);
}

void egi_radii_run(egi_radii *r, eg_eval *eval, const eg_model *m,
                   eg_probe_emit emit, void *ctx)
{
    if (r->count == 0) return;
    egi_gather_refresh(&r->gather, m);
    eg_eval_run(eval, EG_PROBE, STEP, 0, r->count, egi_gather_on, &r->gather);
    if (eg_eval_stopped(eval)) return;
    for (int d = 0; d < r->gather.n_depths; d++) {
        eg_neighbours_spec spec = {.m = r->count,
                                   .n = r->gather.D,
                                   .x = egi_gather_at(&r->gather, d),
                                   .pool = r->pool,
                                   .kern = r->kern};
        eg_radius found;
        bool stopped;

        if (eg_radius_measure(&found, NULL, &stopped, &spec, 0, NULL) != EG_OK)
            continue;
        for (int k = 0; k < EG_RADIUS_PARTS; k++)
            tell(emit, ctx, "", d, 100 * (k + 1) / EG_RADIUS_PARTS,
                 found.part[k].mean / 2);
        tell(emit, ctx, "median", d, 0,
             found.part[EG_RADIUS_PARTS - 1].median / 2);
        tell(emit, ctx, "null", d, 0, found.null_mean / 2);
        tell(emit, ctx, "dimension", d, 0, found.dimension);
        tell(emit, ctx, "copies", d, 0,
             (double)found.part[EG_RADIUS_PARTS - 1].copies);
    }
}
