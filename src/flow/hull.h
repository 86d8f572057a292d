/* Convex hulls: exact signs of determinants, and the hull in space. */
#ifndef EG_FLOW_HULL_H
#define EG_FLOW_HULL_H

#include "engram/flow.h"

/* Sign of det[b - a, c - a]: 1 when a, b, c turn left, exact for finite
 * numbers whose products neither overflow nor underflow. Two of each point's
 * coordinates are used: x[p], x[q]. */
int egi_orient2(const double *a, const double *b, const double *c, int p,
                int q);
/* Sign of det[b - a, c - a, e - a]: 1 when e lies on the side of the plane from
 * which a, b, c turn left. The same care. */
int egi_orient3(const double *a, const double *b, const double *c,
                const double *e);

/* Triangles of a hull in R^3. */
typedef struct egi_hull3 {
    int32_t (*face)[3]; /* counterclockwise from outside */
    eg_index n_faces;
    double volume;
} egi_hull3;

/* Of x [n, 3], distinct points, the four of start [4] not in a plane.
 * is_vertex [n] is filled. */
eg_status egi_hull3_init(egi_hull3 *h, bool *is_vertex, const double *x,
                         eg_index n, const eg_index start[4], eg_err *err);
void egi_hull3_release(egi_hull3 *h);

#endif
