/* What the tests of src/task share. */
#ifndef TASK_HELPER_H
#define TASK_HELPER_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engram/mem.h"
#include "engram/task.h"

/* Defaults, then "key=value key=value ...". */
static inline eg_task_opts task_opts(const char *sets)
{
    eg_task_opts o;
    char text[512], *save = NULL;

    eg_fields_default(eg_task_fields, &o);
    (void)snprintf(text, sizeof text, "%s", sets);
    for (char *w = strtok_r(text, " ", &save); w;
         w = strtok_r(NULL, " ", &save)) {
        char *eq = strchr(w, '=');
        const eg_field *f;
        eg_err err = {0};

        assert_non_null(eq);
        *eq = 0;
        f = eg_field_find(eg_task_fields, w);
        assert_non_null(f);
        if (eg_field_parse(f, &o, eq + 1, &err) != EG_OK)
            fail_msg("%s: %s", w, err.msg);
    }
    return o;
}

static inline eg_task *task_make(const char *sets, uint64_t seed)
{
    eg_task_opts o = task_opts(sets);
    eg_task *t = NULL;
    eg_err err = {0};

    if (eg_task_new(&t, &o, seed, &err) != EG_OK)
        fail_msg("%s: %s", sets, err.msg);
    return t;
}

/* These are refused, in a sentence that holds `words`. */
static inline void task_refused(const char *sets, const char *words)
{
    eg_task_opts o = task_opts(sets);
    eg_task *t;
    eg_err err = {0};

    assert_int_equal(eg_task_new(&t, &o, 1, &err), EG_EINVAL);
    assert_null(t);
    print_message("%s\n", err.msg);
    assert_non_null(strstr(err.msg, words));
}

static inline eg_seq seq_make(int n_ctx)
{
    eg_seq s = {.tokens = eg_calloc((size_t)n_ctx, sizeof(int32_t)),
                .targets = eg_calloc((size_t)n_ctx, sizeof(int32_t)),
                .labels = eg_calloc((size_t)n_ctx, sizeof(int32_t))};

    assert_non_null(s.tokens);
    assert_non_null(s.targets);
    assert_non_null(s.labels);
    return s;
}

static inline void seq_free(eg_seq *s)
{
    eg_seq_release(s);
}

/* Normal deviate of a chi-square value (Wilson and Hilferty 1931); good to
 * about .02 from 10 degrees of freedom on. */
static inline double chi2_z(double x, double df)
{
    return (cbrt(x / df) - (1 - 2 / (9 * df))) / sqrt(2 / (9 * df));
}

/* Adds sum (seen - expected)^2 / expected over the cells of one multinomial
 * draw of n, cells expected below 5 pooled into one; df grows by cells - 1. */
static inline void chi2_add(double *chi2, double *df, const int64_t *seen,
                            const double *p, eg_index cells, double n)
{
    double pool_p = 0, pool_seen = 0, x = 0;
    int used = 0;

    for (eg_index i = 0; i < cells; i++) {
        double e = n * p[i];

        if (p[i] <= 0) {
            assert_int_equal(seen[i], 0);
        } else if (e < 5) {
            pool_p += p[i];
            pool_seen += (double)seen[i];
        } else {
            x += ((double)seen[i] - e) * ((double)seen[i] - e) / e;
            used++;
        }
    }
    if (n * pool_p >= 5) {
        double e = n * pool_p;

        x += (pool_seen - e) * (pool_seen - e) / e;
        used++;
    }
    if (used < 2) return;
    *chi2 += x;
    *df += used - 1;
}

/* p > 1e-4 on the upper side, and not suspiciously small either. */
static inline void chi2_check(const char *what, double chi2, double df)
{
    double z = chi2_z(chi2, df);

    printf("%-44s chi2 %9.1f, df %6.0f, z %+.2f\n", what, chi2, df, z);
    assert_true(df >= 10);
    assert_true(z < 3.719);
    assert_true(z > -3.719);
}

#endif
