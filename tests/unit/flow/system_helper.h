/* Flows from "key=value ..." texts, for the tests of the system. */
#ifndef SYSTEM_HELPER_H
#define SYSTEM_HELPER_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engram/flow.h"
#include "engram/mem.h"

static inline const char *shared_dir(void)
{
    const char *dir = getenv("ENGRAM_SHARED");

    return dir && dir[0] ? dir : EG_SHARED_DIR;
}

/* sets: "key=value key=value ..."; values without blanks. */
static inline void flow_options(eg_flow_opts *o, const char *sets)
{
    char text[1024], *save = NULL;
    eg_err err = {0};

    eg_fields_default(eg_flow_fields, o);
    (void)snprintf(text, sizeof text, "%s", sets);
    for (char *w = strtok_r(text, " ", &save); w;
         w = strtok_r(NULL, " ", &save)) {
        char *eq = strchr(w, '=');
        const eg_field *f;

        assert_non_null(eq);
        *eq = 0;
        f = eg_field_find(eg_flow_fields, w);
        if (!f) fail_msg("no option %s", w);
        if (eg_field_parse(f, o, eq + 1, &err) != EG_OK)
            fail_msg("%s", err.msg);
    }
}

typedef struct flow_case {
    eg_flow_setup *setup;
    eg_flow *flow;
    eg_pool *pool;
    eg_index n, d;
} flow_case;

static inline flow_case flow_open(const char *sets, const eg_folder *in,
                                  uint64_t seed, int threads)
{
    static eg_flow_opts o; /* large */
    flow_case c = {0};
    eg_err err = {0};

    flow_options(&o, sets);
    if (eg_flow_setup_new(&c.setup, &o, seed, in, &err) != EG_OK)
        fail_msg("%s: %s", sets, err.msg);
    if (threads > 0)
        assert_int_equal(eg_pool_new(&c.pool, threads, &err), EG_OK);
    if (eg_flow_new(&c.flow, &c.setup->spec, c.pool, &err) != EG_OK)
        fail_msg("%s: %s", sets, err.msg);
    c.n = c.setup->spec.n;
    c.d = c.setup->spec.d;
    return c;
}

static inline void flow_close(flow_case *c)
{
    eg_flow_free(c->flow);
    eg_pool_free(c->pool);
    eg_flow_setup_free(c->setup);
}

/* Keeps tokens [n_times, n, d]. */
typedef struct flow_kept {
    double *x;
    eg_index size;
} flow_kept;

static inline bool keep_tokens(void *ctx, eg_index i, double t, const double *x)
{
    flow_kept *k = ctx;

    (void)t;
    memcpy(k->x + i * k->size, x, (size_t)k->size * sizeof *x);
    return true;
}

/* Runs a case from its start through its times; release with eg_free. */
static inline double *flow_history(flow_case *c, eg_flow_stats *stats)
{
    flow_kept kept = {.size = c->n * c->d};
    eg_flow_solve how = c->setup->solve;
    eg_err err = {0};

    double *x = eg_calloc((size_t)kept.size, sizeof *x);

    kept.x = eg_calloc((size_t)(c->setup->n_times * kept.size), sizeof(double));
    assert_non_null(kept.x);
    assert_non_null(x);
    memcpy(x, c->setup->x0, (size_t)kept.size * sizeof *x);
    how.output = keep_tokens;
    how.ctx = &kept;
    if (eg_flow_run(c->flow, x, c->setup->times, c->setup->n_times, &how, stats,
                    &err) != EG_OK)
        fail_msg("%s", err.msg);
    eg_free(x);
    return kept.x;
}

static inline double largest_difference(const double *a, const double *b,
                                        eg_index n)
{
    double worst = 0;

    for (eg_index i = 0; i < n; i++) {
        double e = fabs(a[i] - b[i]);

        if (!(e <= worst)) worst = e; /* NaN shows */
    }
    return worst;
}

#endif
