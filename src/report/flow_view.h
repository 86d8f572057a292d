/* A flow run as pictures need it: some of its tokens at some of its times. */
#ifndef EG_REPORT_FLOW_VIEW_H
#define EG_REPORT_FLOW_VIEW_H

#include "report/report_impl.h"

enum { EGI_FLOW_TOKENS = 2000, EGI_FLOW_FRAMES = 200 };

typedef struct egi_flow {
    char dir[1024]; /* of the run */
    char model[24], space[24], norm[24];
    double beta, delta;
    bool sphere, causal;
    eg_index n, d, n_times; /* of the run */
    bool grows;             /* its arrays are not whole yet */
    /* Shown: tokens of these indices at these frames, both ascending. */
    int n_tokens, n_frames; /* n_frames 0: the run kept no tokens */
    int *token, *frame;
    double *t; /* [n_frames] */
    /* Coordinates [n_frames, n_tokens, dim]: dim = d up to 3; above, 2 along
     * the principal directions of the last state, which hold `share` of its
     * mean square. NaN: not finite. */
    int dim;
    double *x, share;
    int n_lost; /* tokens with a value that is not finite, last frame */
    /* Component of <x_i,x_j> > 1 - delta at the end, largest first; NULL
     * outside the sphere. */
    int32_t *label;
    int n_labels;
    int bins;     /* 0: no histogram */
    double *hist; /* [n_frames, bins] density over [-1, 1] */
    int n_merges;
    double *merge; /* [n_merges, 2]: time, components left */
} egi_flow;

/* Reads arrays/{x,t,hist,merges}.npy of r; max_values: at most so many
 * coordinates. Missing arrays are no error, damaged ones a sentence in
 * problems. */
eg_status egi_flow_read(egi_flow *f, const egi_run *r, int64_t max_values,
                        json_t *problems, eg_err *err);
void egi_flow_release(egi_flow *f);
/* x of one frame, [n_tokens, dim]. */
const double *egi_flow_frame(const egi_flow *f, int frame);
/* k frames for a row of snapshots: equal steps of the mean distance that
 * tokens have travelled, the first and the last among them. */
void egi_flow_moments(int *frame, int k, const egi_flow *f);
/* Frame nearest to a time. */
int egi_flow_nearest(const egi_flow *f, double t);
/* Times that grow by factors rather than steps: logarithmic axes suit. */
bool egi_flow_log(const egi_flow *f);

/* What the page carries, see page/flow.js. */
json_t *egi_flow_json(const egi_flow *f);

/* Two orthonormal directions dir [2, d] along which rows x [n, d] are largest
 * in mean square; returns the share of it they hold. work [n]. Where x spans
 * one direction only, the second is taken from other [n, d]. */
double egi_principal(double *dir, const double *x, const double *other,
                     eg_index n, eg_index d, double *work);

/* Convex hull of points x [n, dim]: dim 2, the corners in order, dim 3,
 * triangles (three corners each, counter-clockwise from outside). corner takes
 * *n_corners indices, eg_free; 0 when the points lie in a plane (a line).
 * Rows with NaN are passed over. */
eg_status egi_hull(int **corner, int *n_corners, const double *x, int n,
                   int dim, eg_err *err);

#endif
