/* What the tests of flow runs share: configurations, runs that are stopped,
 * files to compare. */
#ifndef FLOW_RUN_H
#define FLOW_RUN_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engram/lab.h"
#include "engram/mem.h"
#include "scratch.h"

static char root[64];

static inline int set_up(void **state)
{
    (void)state;
    scratch_make(root, sizeof root);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    scratch_remove(root);
    return 0;
}

static inline char *slurp(const char *dir, const char *name, size_t *size)
{
    char path[EG_PATH + 64], *text = NULL;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (eg_file_read(&text, size, path, 1 << 24, NULL) != EG_OK)
        fail_msg("no %s", path);
    return text;
}

static inline void same_file(const char *a, const char *b, const char *name)
{
    size_t na = 0, nb = 0;
    char *ta = slurp(a, name, &na), *tb = slurp(b, name, &nb);

    if (na != nb || memcmp(ta, tb, na) != 0)
        fail_msg("%s differs between %s (%zu bytes) and %s (%zu)", name, a, na,
                 b, nb);
    eg_free(ta);
    eg_free(tb);
}

static const char base[] = "run: {name: t, kind: flow, seed: 7}\n"
                           "flow: {n: 12, d: 3, beta: 4, bins: 20, "
                           "times: [\"0:8:0.2\", \"9:12:1\"]}\n";

static inline eg_config *config_of(const char *text, const char *set)
{
    eg_config *c = eg_calloc(1, sizeof *c);
    char path[128], words[512], *rest = NULL;
    eg_err err = {0};

    assert_non_null(c);
    snprintf(path, sizeof path, "%s/c.yaml", root);
    assert_int_equal(eg_file_write(path, text, strlen(text), &err), EG_OK);
    if (eg_config_load(c, path, &err) != EG_OK) fail_msg("%s", err.msg);
    snprintf(words, sizeof words, "%s", set);
    for (char *w = strtok_r(words, " ", &rest); w;
         w = strtok_r(NULL, " ", &rest))
        if (eg_config_set(c, w, &err) != EG_OK) fail_msg("%s", err.msg);
    return c;
}

/* Stops after so many times, or when asked so often; counts them. */
typedef struct watcher {
    int stop_after, seen;
    int refuse_after, asked;
} watcher;

static inline void news(void *ctx, const eg_progress *p)
{
    watcher *w = ctx;

    (void)p;
    w->seen++;
}

static inline bool stop(void *ctx)
{
    watcher *w = ctx;

    w->asked++;
    return (w->stop_after > 0 && w->seen >= w->stop_after) ||
           (w->refuse_after > 0 && w->asked > w->refuse_after);
}

static inline eg_lab_result watched(const eg_config *c, const char *name,
                                    int threads, watcher w, bool resume)
{
    char dir[128];
    eg_lab_opts o = {.dir = dir,
                     .resume = resume,
                     .stop = stop,
                     .progress = news,
                     .ctx = &w};
    eg_lab_result r;
    eg_pool *pool = NULL;
    eg_err err = {0};

    snprintf(dir, sizeof dir, "%s/%s", root, name);
    assert_int_equal(eg_pool_new(&pool, threads, &err), EG_OK);
    o.pool = pool;
    if (eg_lab_run(&r, c, &o, &err) != EG_OK) fail_msg("%s", err.msg);
    eg_pool_free(pool);
    return r;
}

static inline eg_lab_result run(const eg_config *c, const char *name,
                                int threads, int stop_after, bool resume)
{
    return watched(c, name, threads, (watcher){.stop_after = stop_after},
                   resume);
}

static inline eg_view array_of(const char *dir, const char *name)
{
    char path[EG_PATH + 32];
    eg_view v;
    eg_err err = {0};

    snprintf(path, sizeof path, "%s/arrays/%s.npy", dir, name);
    if (eg_npy_read(&v, path, &err) != EG_OK) fail_msg("%s", err.msg);
    return v;
}

static inline void check_states(const char *dir, eg_index n_times)
{
    eg_view x = array_of(dir, "x"), t = array_of(dir, "t");
    double worst = 0;

    assert_int_equal(x.ndim, 3);
    assert_int_equal(x.shape[0], n_times);
    assert_int_equal(x.shape[1], 12);
    assert_int_equal(x.shape[2], 3);
    assert_int_equal(t.ndim, 1);
    assert_int_equal(t.shape[0], n_times);
    for (eg_index i = 0; i < n_times * 12; i++) {
        double s = 0;

        for (int k = 0; k < 3; k++) {
            double c = eg_view_at(&x, 3 * i + k);

            s += c * c;
        }
        worst = fmax(worst, fabs(s - 1));
    }
    print_message("| |x|^2 - 1 | <= %.2g, t from %g to %g\n", worst,
                  eg_view_at(&t, 0), eg_view_at(&t, n_times - 1));
    assert_true(worst < 1e-14);
    eg_view_release(&x);
    eg_view_release(&t);
}

static const char *const kept[] = {"arrays/x.npy",    "arrays/t.npy",
                                   "arrays/hist.npy", "arrays/merges.npy",
                                   "metrics.jsonl",   "config.yaml"};

static inline void same_runs(const char *a, const char *b)
{
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        same_file(a, b, kept[i]);
}

#endif
