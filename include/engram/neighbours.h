/* Nearest neighbours of many vectors, exactly. */
#ifndef ENGRAM_NEIGHBOURS_H
#define ENGRAM_NEIGHBOURS_H

#include "engram/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { EG_NESTED_MAX = 8 }; /* nested subsets at most */

/* Zero-initialised with m and n is one set, all of it, on one thread. */
typedef struct eg_neighbours_spec {
    eg_index m, n;        /* vectors, and their entries; m below 2^31 */
    const float *x;       /* [m, n] */
    int n_sizes;          /* nested subsets, 0: one, all of x */
    const eg_index *size; /* [n_sizes] the first so many rows, ascending */
    eg_pool *pool;        /* NULL: one thread; plays no part in the result */
    const char *kern;     /* kernel set, NULL: auto; nor does this */
    /* Told the share done, now and then, from the caller's thread; false ends
     * the search. NULL: nobody asks. */
    bool (*more)(void *ctx, double done);
    void *ctx;
} eg_neighbours_spec;

typedef struct eg_neighbours {
    eg_index m;
    int n_sizes;
    eg_index size[EG_NESTED_MAX];
    /* The first row that equals row i, entry by entry; i itself as a rule.
     * Copies are no neighbours: they share one. */
    int32_t *first; /* [m] */
    /* Of row i among the first size[k]: the nearest row that is not equal to it
     * (of several the first, and of its copies the first), and the Euclidean
     * distance, not squared. -1 and NaN: i is not among them, or nothing else
     * is. */
    int32_t *index;   /* [n_sizes, m] */
    double *distance; /* [n_sizes, m] */
    /* Of the first size[k]: different vectors, and rows that have a copy. */
    eg_index distinct[EG_NESTED_MAX], copies[EG_NESTED_MAX];
    /* Rows whose answer float32 alone could not vouch for, and which were
     * looked at a second time: nearly always few. */
    eg_index again;
    bool stopped; /* by more: nothing of the above */
} eg_neighbours;

/* For each row the nearest other one, in every nested subset, in one pass over
 * all pairs by blocks: products of matrices in float32 of the centred and
 * scaled vectors bound |a - b|^2 = |a|^2 + |b|^2 - 2 ab from below, the four
 * least bounds are kept (of each part by which a subset is larger than the one
 * before), and their distances are summed in float64 from differences of the
 * vectors as given. Where the fourth bound does not lie above the least of
 * these, every pair of that row whose bound does not is summed too: what comes
 * back are the nearest neighbours that float64 sums know.
 * Cost: m^2 n multiplications and as many additions (each pair once), m (m + n)
 * of memory traffic between caches; memory m n floats and for each thread 32 m
 * n_sizes bytes. Many vectors within rounding of each other cost float64 sums
 * over all pairs of them.
 * EG_EINVAL: no vectors, sizes that do not ascend to m at most, an entry that
 * is not finite (named); EG_ENOMEM. */
EG_API eg_status eg_neighbours_find(eg_neighbours *out,
                                    const eg_neighbours_spec *spec,
                                    eg_err *err);
EG_API void eg_neighbours_release(eg_neighbours *r);

#ifdef __cplusplus
}
#endif
#endif
