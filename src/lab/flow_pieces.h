/* At which of its times a flow starts its integrator afresh: some, chosen by
 * the configuration alone, so that a run which was stopped goes on from the
 * last one that it has reached and ends with the same bytes. A run that was
 * extended has those of each of its parts, whose last times are among them. */
#ifndef EG_LAB_FLOW_PIECES_H
#define EG_LAB_FLOW_PIECES_H

#include "base/parts.h"

typedef struct egi_pieces {
    const double *t; /* the times */
    double h; /* of steps of one length, which stay on their grid; or 0 */
    egi_parts parts; /* how many times each part ends with */
} egi_pieces;

/* The first time of the piece that holds time i. */
eg_index egi_piece_begin(const egi_pieces *p, eg_index i);
/* The last time of the piece that begins at time i. */
eg_index egi_piece_end(const egi_pieces *p, eg_index i);

#endif
