/* The radius of patterns: half of the distance from a vector to the nearest
 * other one, beside what theory expects of memories that fill their space. */
#ifndef ENGRAM_RADIUS_H
#define ENGRAM_RADIUS_H

#include "engram/neighbours.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { EG_RADIUS_PARTS = 4, EG_RADIUS_BINS = 40 };

/* Of different vectors, each counted once; distances are Euclidean. NaN where
 * there are less than two. */
typedef struct eg_radius {
    eg_index m, n; /* vectors, and their entries */
    struct {
        eg_index size, distinct, copies; /* rows; see eg_neighbours */
        double mean, median;             /* of the nearest distances */
        int64_t bin[EG_RADIUS_BINS];     /* how many there are in each of the
                                            bins from 0 to `top`, a number in
                                            common */
    } part[EG_RADIUS_PARTS]; /* the first 25, 50, 75, 100 % of the vectors */
    double top;              /* above the largest distance */
    double radius;           /* half of the mean over all */
    double expected;         /* eg_radius_expected(n) */
    double null_mean;        /* the mean distance of vectors whose coordinates
                                were dealt out anew, each by itself */
    /* log(mean) = intercept - log(size) / dimension, by least squares over the
     * four: infinite where they do not fall with size, NaN below two. */
    double dimension, intercept;
    eg_index again; /* as eg_neighbours */
} eg_radius;

/* sqrt(n / (2 pi e)): the ball of that radius in R^n has a volume near 1
 * (1 / sqrt(pi n), by Stirling's formula), which is what disjoint basins of as
 * many patterns as fit would have [arXiv 2405.08707, section 4]. */
EG_API double eg_radius_expected(eg_index n);
/* Of the vectors of spec, in an order that is random already; its sizes play no
 * part. Two searches of eg_neighbours_find, with its cost and errors, memory
 * for a copy of the vectors, and what is found first in *near, which the caller
 * releases; NULL: not wanted. seed deals coordinates out. Where spec->more
 * stops, *stopped is true and nothing else is said. */
EG_API eg_status eg_radius_measure(eg_radius *out, eg_neighbours *near,
                                   bool *stopped,
                                   const eg_neighbours_spec *spec,
                                   uint64_t seed, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
