/* See flow_pieces.h. */
#include "lab/flow_pieces.h"

#include <math.h>

enum { MAX_PIECES = 16 }; /* of a part */

/* May the integrator start afresh at time i? Fixed steps must stay on their
 * grid. */
static bool may_begin(const egi_pieces *p, eg_index i)
{
    double k;

    if (p->h == 0) return true;
    k = (p->t[i] - p->t[0]) / p->h;
    return fabs(k - nearbyint(k)) <= fmin(1e-9 * (1 + fabs(k)), 1e-3);
}

/* A part's first and last time, each shared with its neighbour, and after how
 * many times of it the integrator may start afresh. */
typedef struct part {
    eg_index begin, end, piece;
} part;

/* The last part that begins at time i or before. */
static part part_at(const egi_pieces *p, eg_index i)
{
    const int64_t *end = p->parts.end;
    int j = 0;
    part a;

    while (j < p->parts.n && end[j] - 1 <= i) j++;
    a.begin = j > 0 ? (eg_index)end[j - 1] - 1 : 0;
    a.end = (eg_index)end[j] - 1;
    a.piece = (a.end - a.begin + MAX_PIECES - 1) / MAX_PIECES;
    if (a.piece < 1) a.piece = 1;
    return a;
}

eg_index egi_piece_begin(const egi_pieces *p, eg_index i)
{
    for (;; i--) {
        part a = part_at(p, i);

        i -= (i - a.begin) % a.piece;
        if (i <= 0 || may_begin(p, i)) return i;
    }
}

eg_index egi_piece_end(const egi_pieces *p, eg_index i)
{
    eg_index last = (eg_index)p->parts.end[p->parts.n] - 1;

    do {
        part a = part_at(p, i);

        i += a.piece - (i - a.begin) % a.piece;
        if (i > a.end) i = a.end;
    } while (i < last && !may_begin(p, i));
    return i;
}
