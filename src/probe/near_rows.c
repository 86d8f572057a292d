/* Vectors made ready for a search: which of them differ, and all of them about
 * their mean, scaled so that float32 holds their squares. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "probe/neighbours.h"

/* ---- different vectors ----------------------------------------------------
 */

typedef struct keyed {
    uint64_t key;
    int32_t row;
} keyed;

/* FNV-1a over the words; -0 is 0. */
static uint64_t key_of(const float *x, eg_index n)
{
    uint64_t key = 0xcbf29ce484222325u;

    for (eg_index j = 0; j < n; j++) {
        float v = x[j] + 0.0f;
        uint32_t word;

        memcpy(&word, &v, sizeof word);
        key = (key ^ word) * 0x100000001b3u;
    }
    return key;
}

static int by_key(const void *a, const void *b)
{
    const keyed *x = a, *y = b;

    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static bool equal(const float *a, const float *b, eg_index n)
{
    for (eg_index j = 0; j < n; j++)
        if (a[j] != b[j]) return false;
    return true;
}

/* Rows list[0..n_list-1] of one key, ascending: nearly always one vector. */
static void sort_out(const eg_neighbours_spec *s, int32_t *first,
                     const keyed *list, eg_index n_list)
{
    for (eg_index i = 0; i < n_list; i++) {
        const float *x = s->x + list[i].row * s->n;
        eg_index k = 0;

        while (k < i && (first[list[k].row] != list[k].row ||
                         !equal(s->x + list[k].row * s->n, x, s->n)))
            k++;
        first[list[i].row] = list[k].row;
    }
}

eg_status egi_near_distinct(egi_near_search *s, int32_t *first, eg_err *err)
{
    const eg_neighbours_spec *spec = s->spec;
    eg_index m = spec->m;
    keyed *all = eg_calloc((size_t)m, sizeof *all);

    if (!all) return EG_FAIL(err, EG_ENOMEM, "neighbours: %td rows", m);
    for (eg_index i = 0; i < m; i++)
        all[i] = (keyed){key_of(spec->x + i * spec->n, spec->n), (int32_t)i};
    qsort(all, (size_t)m, sizeof *all, by_key);
    for (eg_index i = 0, end; i < m; i = end) {
        for (end = i + 1; end < m && all[end].key == all[i].key;) end++;
        sort_out(spec, first, all + i, end - i);
    }
    eg_free(all);
    for (eg_index i = 0; i < m; i++)
        if (first[i] == i) s->row[s->m++] = (int32_t)i;
    return EG_OK;
}

/* ---- about their mean -----------------------------------------------------
 */

static eg_status check(const eg_neighbours_spec *s, eg_err *err)
{
    for (eg_index i = 0; i < s->m; i++)
        for (eg_index j = 0; j < s->n; j++)
            if (!isfinite(s->x[i * s->n + j]))
                return EG_FAIL(err, EG_EINVAL,
                               "neighbours: vector %td has an entry %td that "
                               "is not finite",
                               i, j);
    return EG_OK;
}

/* What a product and its sum may be too large by, relative to |a|^2 + |b|^2:
 * n roundings of n products, those of the vectors, and a safety of two. */
static double slack(eg_index n)
{
    return ((double)n + 64) * 0x1p-23;
}

/* mean [n] and the power of two that brings all entries into [-1, 1]. */
static int look_at(const egi_near_search *s, double *mean)
{
    const eg_neighbours_spec *spec = s->spec;
    double top = 0;
    int e = 0;

    for (eg_index i = 0; i < s->m; i++)
        for (eg_index j = 0; j < s->n; j++)
            mean[j] += (double)spec->x[s->row[i] * s->n + j];
    for (eg_index j = 0; j < s->n; j++) mean[j] /= (double)s->m;
    for (eg_index i = 0; i < s->m; i++)
        for (eg_index j = 0; j < s->n; j++)
            top = fmax(top,
                       fabs((double)spec->x[s->row[i] * s->n + j] - mean[j]));
    (void)frexp(top, &e);
    return -e;
}

eg_status egi_near_centre(egi_near_search *s, eg_err *err)
{
    const eg_neighbours_spec *spec = s->spec;
    double *mean, keep = 1 - slack(s->n);
    eg_status st = check(spec, err);

    if (st != EG_OK) return st;
    mean = eg_calloc((size_t)s->n, sizeof *mean);
    if (!mean) return EG_FAIL(err, EG_ENOMEM, "neighbours: no memory");
    s->exponent = look_at(s, mean);
    for (eg_index i = 0; i < s->m; i++) {
        const float *x = spec->x + s->row[i] * s->n;
        float *c = s->c + i * s->n;
        double sum = 0;

        for (eg_index j = 0; j < s->n; j++) {
            c[j] = (float)ldexp((double)x[j] - mean[j], s->exponent);
            sum += (double)c[j] * (double)c[j];
        }
        /* the constant is for products below what float32 has */
        s->norm[i] = (float)(keep * sum - 1e-30);
    }
    eg_free(mean);
    return EG_OK;
}
