/* Runs a check of THEORY_TABLE by name and keeps what it emits. */
#ifndef THEORY_HELPER_H
#define THEORY_HELPER_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engram/mem.h"
#include "engram/memory.h"

#ifndef THEORY_TABLE
#define THEORY_TABLE eg_memory_theories
#endif

typedef struct emitted {
    int n;
    struct {
        int64_t step;
        char name[48];
        double value;
    } row[2000];
} emitted;

/* Every row is found by its name, and every option's default reads back. */
static inline void check_theory_table(void)
{
    for (const eg_theory *t = THEORY_TABLE; t->name; t++) {
        void *opts = eg_calloc(1, t->options_size);
        char text[8192];

        assert_ptr_equal(eg_theory_in(THEORY_TABLE, t->name), t);
        eg_fields_default(t->fields, opts);
        for (const eg_field *f = t->fields; f->name; f++) {
            assert_true(f->offset < t->options_size);
            (void)eg_field_format(f, opts, text, sizeof text);
            assert_int_equal(eg_field_parse(f, opts, text, NULL), EG_OK);
        }
        printf("%s (%s): %s\n", t->name, t->step, t->help);
        eg_free(opts);
    }
}

static inline void keep(void *ctx, int64_t step, const char *name, double value)
{
    emitted *e = ctx;

    assert_true(e->n < 2000);
    e->row[e->n].step = step;
    (void)snprintf(e->row[e->n].name, sizeof e->row[0].name, "%s", name);
    e->row[e->n++].value = value;
}

/* The options of a check: its defaults, then "key=value key=value ...";
 * released with eg_free. */
static inline void *theory_options(const char *name, const char *sets)
{
    const eg_theory *t = eg_theory_in(THEORY_TABLE, name);
    char text[512], *save = NULL;
    void *opts;
    eg_err err = {0};

    assert_non_null(t);
    opts = eg_calloc(1, t->options_size);
    assert_non_null(opts);
    eg_fields_default(t->fields, opts);
    (void)snprintf(text, sizeof text, "%s", sets);
    for (char *w = strtok_r(text, " ", &save); w;
         w = strtok_r(NULL, " ", &save)) {
        char *eq = strchr(w, '=');
        const eg_field *f;

        assert_non_null(eq);
        *eq = 0;
        f = eg_field_find(t->fields, w);
        if (!f) fail_msg("%s has no option %s", name, w);
        if (eg_field_parse(f, opts, eq + 1, &err) != EG_OK)
            fail_msg("%s", err.msg);
    }
    return opts;
}

static inline eg_status theory_try(emitted *e, const char *name,
                                   const char *sets, int threads, eg_err *err)
{
    eg_theory_out out = {.emit = keep, .ctx = e};
    void *opts = theory_options(name, sets);
    eg_pool *pool = NULL;
    eg_status st;

    memset(e, 0, sizeof *e);
    assert_int_equal(eg_pool_new(&pool, threads, err), EG_OK);
    st = eg_theory_in(THEORY_TABLE, name)->run(opts, 1, pool, &out, err);
    eg_pool_free(pool);
    eg_free(opts);
    return st;
}

/* A check that must refuse its options, and words of the reason. */
static inline void check_refused(emitted *e, const char *name, const char *sets,
                                 const char *why)
{
    eg_err err = {0};
    eg_status st = theory_try(e, name, sets, 1, &err);

    printf("%s %s: %s\n", name, sets, err.msg);
    assert_int_equal(st, EG_EINVAL);
    assert_non_null(strstr(err.msg, why));
}

static inline void theory_run(emitted *e, const char *name, const char *sets)
{
    eg_err err = {0};

    if (theory_try(e, name, sets, 2, &err) != EG_OK)
        fail_msg("%s: %s", name, err.msg);
}

/* Every allocation of a check failing in turn: clean error, no leak. */
static inline void check_out_of_memory(const char *name, const void *opts)
{
    const eg_theory *t = eg_theory_in(THEORY_TABLE, name);
    static emitted e;
    eg_theory_out out = {.emit = keep, .ctx = &e};
    eg_pool *pool = NULL;
    eg_status st = EG_ENOMEM;
    int64_t live;
    int n = 0;

    assert_int_equal(eg_pool_new(&pool, 1, NULL), EG_OK);
    live = eg_mem_query().live_bytes;
    while (st != EG_OK) {
        eg_err err = {0};

        e.n = 0;
        eg_mem_fail_after(++n);
        st = t->run(opts, 1, pool, &out, &err);
        eg_mem_fail_after(0);
        if (st != EG_OK) {
            assert_int_equal(st, EG_ENOMEM);
            assert_true(err.msg[0] != 0);
        }
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
    printf("%s: %d allocations, each made to fail\n", name, n - 1);
    assert_true(n > 1);
    eg_pool_free(pool);
}

static inline void theory_out_of_memory(const char *name, const char *sets)
{
    void *opts = theory_options(name, sets);

    check_out_of_memory(name, opts);
    eg_free(opts);
}

static inline double emitted_at(const emitted *e, int64_t step,
                                const char *name)
{
    for (int i = 0; i < e->n; i++)
        if (e->row[i].step == step && strcmp(e->row[i].name, name) == 0)
            return e->row[i].value;
    fail_msg("no %s at %lld", name, (long long)step);
    return 0;
}

/* A mean over `draws` draws against a mean the specification measured over
 * `theirs` draws: 4 standard errors of the difference (from our spread) and
 * half of the last printed digit. */
static inline void check_mean(const emitted *e, int64_t step, const char *name,
                              double expect, double digit, int draws,
                              int theirs)
{
    char sd_name[64];
    double got = emitted_at(e, step, name), sd, tol;

    (void)snprintf(sd_name, sizeof sd_name, "%s_sd", name);
    sd = emitted_at(e, step, sd_name);
    tol = 4 * sd * sqrt(1.0 / draws + 1.0 / theirs) + digit / 2;
    printf("%-20s %5lld: %.4g, expected %.4g +- %.2g\n", name, (long long)step,
           got, expect, tol);
    assert_true(fabs(got - expect) <= tol);
}

static inline void check_close(const emitted *e, int64_t step, const char *name,
                               double expect, double tol)
{
    double got = emitted_at(e, step, name);

    printf("%-16s %8lld: %.15g, expected %.15g +- %.1g\n", name,
           (long long)step, got, expect, tol);
    assert_true(fabs(got - expect) <= tol);
}

static inline void check_range(const emitted *e, int64_t step, const char *name,
                               double lo, double hi)
{
    double got = emitted_at(e, step, name);

    printf("%-20s %5lld: %.4g, expected %.4g to %.4g\n", name, (long long)step,
           got, lo, hi);
    assert_true(got >= lo && got <= hi);
}

#endif
