/* Three runs that differ in optim.lr and run.seed, for tests of exports. */
#ifndef EG_TEST_EXPORT_RIG_H
#define EG_TEST_EXPORT_RIG_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engram/export_runs.h"
#include "engram/mem.h"
#include "lab/run_priv.h"
#include "scratch.h"

static char root[64], path[256];
static char dirs[3][EG_PATH];
static eg_config *cfg;

/* Values that a careless writer would bend. */
static const double odd[] = {.1, 1e-300, -7.25, 1e22, 123456789012345678., 2};

static void put_row(eg_run *run, bool timing, int64_t step, const char *a,
                    double x, const char *b, double y)
{
    eg_row row;

    assert_int_equal(eg_row_init(&row, 4, NULL), EG_OK);
    eg_row_start(&row, step);
    assert_true(eg_row_put(&row, a, x));
    if (b) assert_true(eg_row_put(&row, b, y));
    assert_int_equal(timing ? eg_run_timing(run, &row, NULL)
                            : eg_run_metrics(run, &row, NULL),
                     EG_OK);
    eg_row_release(&row);
}

static void put_snapshot(const eg_run *run, const char *name, eg_index n,
                         float first)
{
    float x[8];
    eg_view v = {.data = x, .dtype = EG_F32, .ndim = 1, .shape = {n}};

    for (eg_index i = 0; i < n; i++) x[i] = first + (float)i;
    assert_int_equal(eg_npy_write_in(&run->sub[EGI_ARRAYS], name, &v, NULL),
                     EG_OK);
}

static void make_run(int i)
{
    eg_run *run = NULL;
    char text[64];

    snprintf(text, sizeof text, "optim.lr=%s", i ? "0.25" : "0.1");
    assert_int_equal(eg_config_set(cfg, text, NULL), EG_OK);
    snprintf(text, sizeof text, "run.seed=%d", i == 1 ? 4 : 1);
    assert_int_equal(eg_config_set(cfg, text, NULL), EG_OK);
    snprintf(dirs[i], EG_PATH, "%s/runs/first/%d", root, i);
    assert_int_equal(eg_run_create(&run, NULL, dirs[i], cfg, NULL), EG_OK);
    for (int64_t k = 0; k < 6; k++) {
        put_row(run, false, 10 * k, "loss", i ? odd[k] + i : odd[k],
                k % 2 ? "norm.W_E" : NULL, k == 3 ? (double)NAN : (double)k);
        put_row(run, true, 10 * k, "seconds", k == 4 ? 0 : 1.5 * (double)k,
                NULL, 0);
    }
    put_snapshot(run, "x.5.npy", 2, 1);
    put_snapshot(run, "x.10.npy", 2, 3);
    put_snapshot(run, "x.100.npy", 3, 7);
    put_snapshot(run, "once.npy", 1, 9);
    assert_int_equal(eg_run_record(run, "finished", "", NULL, NULL), EG_OK);
    eg_run_close(run);
}

static inline int set_up(void **state)
{
    (void)state;
    scratch_make(root, sizeof root);
    cfg = eg_calloc(1, sizeof *cfg);
    eg_config_default(cfg);
    if (eg_config_set(cfg, "run.name=first", NULL) != EG_OK) return -1;
    for (int i = 0; i < 3; i++) make_run(i);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    eg_free(cfg);
    scratch_remove(root);
    return 0;
}

static unsigned char *slurp(const char *file, size_t *size)
{
    char *text = NULL;
    eg_err err = {0};

    if (eg_file_read(&text, size, file, 1 << 24, &err) != EG_OK)
        fail_msg("%s", err.msg);
    return (unsigned char *)text;
}

static eg_export_runs of(int n, bool sweep)
{
    return (eg_export_runs){.dir = dirs, .n = n, .sweep = sweep};
}

/* A number of n bytes, the least first. */
static uint64_t little(const unsigned char *p, int n)
{
    uint64_t v = 0;

    while (n-- > 0) v = v << 8 | p[n];
    return v;
}

#endif
