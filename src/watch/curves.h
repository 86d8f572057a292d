/* Curves of any length in little memory: rows fall into buckets of a power of
 * two of them, of which each curve keeps its lowest and highest value and where
 * they are. What is drawn of them has the peaks of the whole. */
#ifndef EG_WATCH_CURVES_H
#define EG_WATCH_CURVES_H

#include "base/buf.h"
#include "engram/follow.h"

typedef struct egi_bucket {
    int64_t at;      /* its number: row / width */
    double x_lo, lo; /* the lowest value and where; NaN: none is finite */
    double x_hi, hi;
} egi_bucket;

/* a becomes both. */
void egi_bucket_merge(egi_bucket *a, const egi_bucket *b);

typedef struct egi_curve {
    egi_bucket *bucket; /* by number; those without a value are left out */
    int n, cap;
    int64_t points, bad; /* values, and those that are not finite */
    double first_bad;    /* where the first of these is */
    double x, value;     /* the last one */
} egi_curve;

typedef struct egi_curves {
    int room;     /* buckets that a curve may have, as asked for */
    int most;     /* and now: fewer where there are many curves */
    int64_t held; /* buckets of all curves */
    int64_t rows, width;
    double *start; /* [room]: where each bucket begins */
    egi_curve *curve;
    int n, cap; /* curves, by the numbers of their names */
    int clock;  /* number of the name that stands for x; -1: the step does */
} egi_curves;

/* Of all curves together no more than EGI_BUCKETS buckets are kept: where there
 * would be more, all have half as many, each twice as wide, but EGI_LEAST. */
enum { EGI_BUCKETS = 1 << 21, EGI_LEAST = 1 << 9 };
/* most: buckets of a curve, a power of two. Half of them at least are in use
 * once there are so many rows and no more curves than have place. */
eg_status egi_curves_init(egi_curves *c, int most, eg_err *err);
void egi_curves_release(egi_curves *c);
/* Forgets all rows. */
void egi_curves_clear(egi_curves *c);
/* x: where the row is drawn. */
eg_status egi_curves_add(egi_curves *c, double x, const eg_follow_row *row,
                         eg_err *err);

/* What is asked for. Without a window (lo == hi), and of the width that the
 * whole has now, only what lies from bucket `from` on. */
typedef struct egi_ask_curves {
    int64_t width, from; /* of the last answer; 0: none */
    double lo, hi;       /* a window of x; lo == hi: everything */
    int most;            /* buckets of the answer for a curve; fewer where
                            that would be more than EGI_TOLD for all */
} egi_ask_curves;
enum { EGI_TOLD = 1 << 18 };
/* As JSON: "width" and "next", for the next question; "whole", all points are
 * told anew; "cut", else: points from this x on are told anew; "rows";
 * "series": {name: [[x...], [value or null...]]}, two points a bucket at most,
 * x ascending; "last": {name: value}; "bad": {name: [how many, where first]}.
 * name(ctx, id): NULL leaves one out. */
typedef const char *(*egi_curve_name)(const void *ctx, int id);
void egi_curves_json(egi_buf *out, const egi_curves *c, egi_curve_name name,
                     const void *ctx, const egi_ask_curves *ask);

/* A number of JSON with so many digits, or null. */
void egi_put_real(egi_buf *out, double v, int digits);
/* A text of JSON, cleaned where it is no UTF-8. */
void egi_put_text(egi_buf *out, const char *s);

#endif
