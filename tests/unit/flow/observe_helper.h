/* What the tests of observables share: tokens of all kinds, and tables of the
 * reference folder. */
#ifndef OBSERVE_HELPER_H
#define OBSERVE_HELPER_H

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engram/file.h"
#include "engram/flow.h"
#include "engram/mem.h"
#include "engram/rng.h"

static inline eg_rng stream(uint32_t index)
{
    return eg_rng_make(7, EG_RNG_TEST, 0, index);
}

static inline double *make_tokens(eg_index n, eg_index d)
{
    double *x = eg_calloc((size_t)(n * d), sizeof *x);

    assert_non_null(x);
    return x;
}

static inline void unit_rows(double *x, eg_index n, eg_index d)
{
    for (eg_index i = 0; i < n; i++) {
        double sum = 0;

        for (eg_index k = 0; k < d; k++) sum += x[i * d + k] * x[i * d + k];
        for (eg_index k = 0; k < d; k++) x[i * d + k] /= sqrt(sum);
    }
}

/* Uniform on the sphere. */
static inline double *draw_sphere(eg_index n, eg_index d, eg_rng *rng)
{
    double *x = make_tokens(n, d);

    for (eg_index i = 0; i < n * d; i++) x[i] = eg_rng_normal(rng);
    unit_rows(x, n, d);
    return x;
}

/* Around `clusters` random centres, at angles of order `spread`. */
static inline double *draw_clusters(eg_index n, eg_index d, eg_index clusters,
                                    double spread, eg_rng *rng)
{
    double *centre = draw_sphere(clusters, d, rng), *x = make_tokens(n, d);

    for (eg_index i = 0; i < n; i++) {
        eg_index c = eg_rng_below(rng, (uint32_t)clusters);

        for (eg_index k = 0; k < d; k++)
            x[i * d + k] = centre[c * d + k] + spread * eg_rng_normal(rng);
    }
    unit_rows(x, n, d);
    eg_free(centre);
    return x;
}

/* Equispaced on the circle, the first at `phase`. */
static inline double *draw_ring(eg_index n, double phase)
{
    double *x = make_tokens(n, 2);

    for (eg_index i = 0; i < n; i++) {
        double angle = phase + 2 * M_PI * (double)i / (double)n;

        x[2 * i] = cos(angle);
        x[2 * i + 1] = sin(angle);
    }
    return x;
}

/* x [n, d] turned by a random rotation, in place. */
static inline void turn(double *x, eg_index n, eg_index d, eg_rng *rng)
{
    double *q = draw_sphere(d, d, rng), *row = make_tokens(1, d);

    for (eg_index a = 0; a < d; a++) { /* Gram-Schmidt, twice */
        for (int pass = 0; pass < 2; pass++)
            for (eg_index b = 0; b < a; b++) {
                double dot = 0;

                for (eg_index k = 0; k < d; k++)
                    dot += q[a * d + k] * q[b * d + k];
                for (eg_index k = 0; k < d; k++)
                    q[a * d + k] -= dot * q[b * d + k];
            }
        unit_rows(q + a * d, 1, d);
    }
    for (eg_index i = 0; i < n; i++) {
        memcpy(row, x + i * d, (size_t)d * sizeof *row);
        for (eg_index a = 0; a < d; a++) {
            x[i * d + a] = 0;
            for (eg_index k = 0; k < d; k++)
                x[i * d + a] += q[a * d + k] * row[k];
        }
    }
    eg_free(row);
    eg_free(q);
}

static inline double inner(const double *x, const double *y, eg_index d)
{
    double sum = 0;

    for (eg_index k = 0; k < d; k++) sum += x[k] * y[k];
    return sum;
}

static inline void check_close_at(const char *what, double got, double want,
                                  double tol, int line)
{
    if (fabs(got - want) <= tol) return;
    print_error("line %d: %s: got %.17g, expected %.17g +- %.2g (off by %.2g)"
                "\n",
                line, what, got, want, tol, got - want);
    fail();
}
#define check_close(what, got, want, tol) \
    check_close_at((what), (got), (want), (tol), __LINE__)

/* One table of numbers: comma-separated rows, an optional line of names. Words
 * in it read as NaN. */
typedef struct table {
    eg_index rows, columns;
    double *cell;
    char *text;
    const char **word; /* [rows, columns], pieces of text */
} table;

static inline void table_free(table *t)
{
    eg_free(t->cell);
    eg_free(t->text);
    eg_free(t->word);
    *t = (table){0};
}

static inline double at(const table *t, eg_index row, eg_index column)
{
    assert_true(t->cell && row < t->rows && column < t->columns);
    return t->cell ? t->cell[row * t->columns + column] : 0;
}

/* Reads <reference>/flow-peer/NAME; false when there is no such folder. */
static inline bool table_read(table *t, const char *name)
{
    const char *shared = getenv("ENGRAM_SHARED");
    char path[1024], *save = NULL;
    size_t size, lines = 0;
    eg_err err = {0};

    *t = (table){0};
    (void)snprintf(path, sizeof path, "%s/reference/flow-peer/%s",
                   shared ? shared : EG_SHARED_DIR, name);
    if (!eg_file_exists(path)) return false;
    if (eg_file_read(&t->text, &size, path, 1 << 26, &err) != EG_OK)
        fail_msg("%s", err.msg);
    t->columns = 1;
    for (const char *p = t->text; *p && *p != '\n'; p++)
        t->columns += *p == ',';
    for (const char *p = t->text; *p; p++) lines += *p == '\n';
    t->cell = eg_calloc((lines + 1) * (size_t)t->columns, sizeof *t->cell);
    t->word = eg_calloc((lines + 1) * (size_t)t->columns, sizeof *t->word);
    assert_true(t->cell && t->word);
    for (char *line = strtok_r(t->text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char *word = line;

        for (eg_index c = 0; c < t->columns; c++) {
            char *comma = strchr(word, ','), *end;
            eg_index place = t->rows * t->columns + c;

            if (comma) *comma = 0;
            t->word[place] = word;
            t->cell[place] = strtod(word, &end);
            if (end == word) t->cell[place] = NAN;
            if (!comma) break;
            word = comma + 1;
        }
        if (!isnan(t->cell[t->rows * t->columns + t->columns - 1]) ||
            t->rows > 0)
            t->rows++; /* a first line of names is passed over */
    }
    return true;
}

#define SKIP_WITHOUT(t, name)                                        \
    do {                                                             \
        if (!table_read((t), (name))) {                              \
            printf("no reference table %s here: skipped\n", (name)); \
            skip();                                                  \
        }                                                            \
    } while (0)

#endif
