/* Shared by the kernel tests: every runnable set is compared with the float64
 * reference on the same (widened) inputs, with guard values around outputs.
 * With KT_F64 the sets are those of float64, otherwise of float32. */
#ifndef KERN_TEST_H
#define KERN_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engram/kern.h"

#ifdef KT_F64
typedef double kt_real;
typedef eg_kern_f64 kt_set;
#define KT_PICK eg_kern_pick_f64
/* The reference rounds as much as a set does: bounds are twice as wide. */
#define KT_EPS (2 * DBL_EPSILON)
#define KT_MIN DBL_MIN
#define KT_TRUE_MIN DBL_TRUE_MIN
#else
typedef float kt_real;
typedef eg_kern_f32 kt_set;
#define KT_PICK eg_kern_pick
#define KT_EPS ((double)FLT_EPSILON)
#define KT_MIN ((double)FLT_MIN)
#define KT_TRUE_MIN ((double)FLT_TRUE_MIN)
#endif

#define KT_GUARD ((eg_index)40) /* guard entries on either side */
#define KT_GUARD_VALUE 12345.6787f

/* The same numbers as reals of the sets (between guards, misaligned by `off`
 * entries) and as double. */
typedef struct kt_buf {
    kt_real *f;
    double *d;
    eg_index n;
    kt_real *base;
    eg_index after; /* guard entries behind */
} kt_buf;

static inline double kt_uniform(void)
{
    static uint64_t state = 0x9E3779B97F4A7C15u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) * 0x1p-53 * 2 - 1;
}

/* n entries of amplitude * uniform(-1, 1), rounded to reals. */
static inline kt_buf kt_make(eg_index n, eg_index off, double amplitude,
                             eg_index after)
{
    kt_buf b = {.n = n, .after = after};
    size_t all = (size_t)(n + KT_GUARD + off + after);

    if (n < 0 || off < 0) abort();
    b.base = malloc(all * sizeof *b.base);
    b.d = malloc((size_t)(n + 1) * sizeof *b.d);
    assert_true(b.base && b.d);
    for (size_t i = 0; i < all; i++) b.base[i] = (kt_real)KT_GUARD_VALUE;
    b.f = b.base + KT_GUARD + off;
    for (eg_index i = 0; i < n; i++) {
        b.f[i] = (kt_real)(amplitude * kt_uniform());
        b.d[i] = (double)b.f[i];
    }
    return b;
}

static inline kt_buf kt_new(eg_index n, eg_index off, double amplitude)
{
    return kt_make(n, off, amplitude, KT_GUARD);
}

/* An array that is only read: it ends where its block ends, so that the
 * address sanitizer sees a load beyond it. */
static inline kt_buf kt_input(eg_index n, eg_index off, double amplitude)
{
    return kt_make(n, off, amplitude, 0);
}

static inline kt_buf kt_copy(const kt_buf *from, eg_index off)
{
    kt_buf b = kt_new(from->n, off, 1);
    memcpy(b.f, from->f, (size_t)b.n * sizeof *b.f);
    memcpy(b.d, from->d, (size_t)b.n * sizeof *b.d);
    return b;
}

static inline void kt_check_guards(const kt_buf *b, const char *what)
{
    eg_index before = b->f - b->base;

    for (eg_index i = 0; i < before + b->after; i++) {
        const kt_real *g = i < before ? b->base + i : b->f + b->n + i - before;
        if (*g != (kt_real)KT_GUARD_VALUE) {
            fail_msg("%s: wrote outside, at entry %td", what, g - b->f);
        }
    }
}

static inline void kt_free(kt_buf *b, const char *what)
{
    kt_check_guards(b, what);
    free(b->base);
    free(b->d);
}

/* EG_TOL_SCALE multiplies all tolerances; 0 makes every test show its error. */
static inline double kt_tol_scale(void)
{
    const char *s = getenv("EG_TOL_SCALE");
    return s ? strtod(s, NULL) : 1;
}

/* Fails unless |got - want| <= tol; keeps the largest error / tolerance. */
static inline void kt_close(double got, double want, double tol,
                            const char *what, eg_index where, double *worst)
{
    double err = fabs(got - want), limit = tol * kt_tol_scale();

    if (tol > 0 && err / tol > *worst) *worst = err / tol;
    if (!(err <= limit)) {
        fail_msg("%s, entry %td: %.9g, expected %.9g, error %.3g > %.3g", what,
                 where, got, want, err, limit);
    }
}

/* The set's results in a buffer against its double ones: |error| <=
 * c eps (|want| + scale). */
static inline void kt_compare(const kt_buf *got, const kt_buf *want, double c,
                              double scale, const char *what, double *worst)
{
    for (eg_index i = 0; i < got->n; i++) {
        double tol = c * KT_EPS * (fabs(want->d[i]) + scale);
        kt_close((double)got->f[i], want->d[i], tol, what, i, worst);
    }
}

static inline const kt_set *kt_own_set(int i)
{
    const kt_set *k = KT_PICK(eg_kern_name(i));
    return k && strcmp(k->name, eg_kern_name(i)) == 0 ? k : NULL;
}

/* Runs body once for every set that runs here; a name without a set of its own
 * (amx in float64) is passed over. */
/* NOLINTBEGIN(bugprone-macro-parentheses): k is declared here */
#define KT_FOR_SETS(k)                             \
    for (int set_ = 0; eg_kern_name(set_); set_++) \
        for (const kt_set *k = kt_own_set(set_); k; k = NULL)
/* NOLINTEND(bugprone-macro-parentheses) */

static inline const eg_kern_f64 *kt_truth(void)
{
    return eg_kern_pick_f64("ref");
}
#endif
