/* A search for nearest neighbours at work, between its files. */
#ifndef EGI_PROBE_NEIGHBOURS_H
#define EGI_PROBE_NEIGHBOURS_H

#include "engram/kern.h"
#include "engram/neighbours.h"

enum { EGI_NEAR_BLOCK = 256, EGI_NEAR_KEEP = 4 };

/* The least lower bounds of squared distances from one row, ascending, ties by
 * row; places without a row are infinite. */
typedef struct egi_near {
    float bound[EGI_NEAR_KEEP];
    int32_t row[EGI_NEAR_KEEP];
} egi_near;

/* Different vectors from..to, all of one part: what a subset has beyond the one
 * before. */
typedef struct egi_near_block {
    eg_index from, to;
    int part;
} egi_near_block;

/* Column block J against the row blocks I..end of tiles, I <= J. */
typedef struct egi_near_strip {
    int32_t J, I, end;
} egi_near_strip;

/* Rows and columns of tiles count the different vectors. */
typedef struct egi_near_search {
    const eg_neighbours_spec *spec;
    const eg_kern_f32 *kern;
    int threads, n_sizes;
    eg_index m, n;               /* vectors, entries */
    eg_index end[EG_NESTED_MAX]; /* how many of them each subset has */
    int32_t *row;                /* [m] where they stand in x, ascending */
    int exponent;                /* c is scaled by 2^exponent */
    float *c;                    /* [m, n] centred and scaled */
    float *norm; /* [m] |c|^2, less what rounding may have added to it and to
                    the products */
    eg_index n_blocks, n_strips, strip; /* strip: the first of those at work */
    egi_near_block *block;
    egi_near_strip *strips;
    egi_near *best; /* [threads, m, n_sizes] by part */
    float *work;    /* [threads, room]: packed columns, a tile, some rows */
    eg_index pack, room;
    double *distance; /* [m, n_sizes] squared, of each subset; infinite: none */
    int32_t *index;   /* [m, n_sizes] */
    int32_t *unsure;  /* [m] rows to look at again */
    eg_index n_unsure;
} egi_near_search;

/* Bytes that a search takes while it goes on, its answer with them, if all m
 * vectors differ. */
int64_t egi_neighbours_bytes(eg_index m, eg_index n, int n_sizes, int threads,
                             const char *kern);

/* radius.c: bytes that eg_radius_measure takes while it goes on, beside the
 * vectors. */
int64_t egi_radius_bytes(eg_index m, eg_index n, int threads, const char *kern);

/* near_rows.c: which rows of x are different vectors: first [spec->m], and
 * s->row, s->m. */
eg_status egi_near_distinct(egi_near_search *s, int32_t *first, eg_err *err);
/* Fills c, norm and exponent. EG_EINVAL names an entry that is not finite. */
eg_status egi_near_centre(egi_near_search *s, eg_err *err);

/* near_tiles.c, on a pool's threads: bounds of all pairs of strip s->strip +
 * task; of the rows of a block the lists of all threads put together and
 * summed in float64, so that distance and index are those of the candidates;
 * NEAR_AGAIN rows of `unsure` against all columns. */
enum { EGI_NEAR_AGAIN = 64 };
void egi_near_strip_task(void *ctx, int task, int worker);
void egi_near_sum_task(void *ctx, int task, int worker);
void egi_near_again_task(void *ctx, int task, int worker);
/* Could a pair that is no candidate be as near, in any subset? */
bool egi_near_unsure(const egi_near_search *s, eg_index i);

#endif
