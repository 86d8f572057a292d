/* Static figures as SVG text: what svg.c, svg_plot.c and svg_heat.c share. */
#ifndef EG_REPORT_SVG_H
#define EG_REPORT_SVG_H

#include "report/report_impl.h"

/* One curve: points over seeds, ascending in x. */
typedef struct egi_curve {
    const egi_quantity *q;
    const char *label;
    const char *colour;
    int n;
    double *x, *mean, *lo, *hi; /* one block, released by x */
} egi_curve;

typedef struct egi_plot {
    const char *title, *x_label, *y_label;
    double y_lo, y_hi; /* y_lo == y_hi: from the data, with 0 */
    bool log_x;
    bool points; /* a mark at each value */
    int n;
    const egi_curve *curve;
} egi_plot;

/* Points of metric name over runs [n]; c->n = 0 when there is none. */
eg_status egi_curve_pool(egi_curve *c, const egi_run *runs, int n,
                         const char *name, eg_err *err);
void egi_curve_release(egi_curve *c);

void egi_svg_plot(FILE *f, const egi_plot *p);
/* x [heads, rows, cols] of map, its given head. */
void egi_svg_heat(FILE *f, const egi_heat *map, const double *x, int head,
                  const char *title);

/* <text> with _{sub} and ^{sup}; anchor "start", "middle" or "end"; extra are
 * further attributes, "" for none. */
void egi_svg_text(FILE *f, double x, double y, const char *anchor,
                  const char *extra, const char *label);
void egi_svg_open(FILE *f, double width, double height);

/* At most 8 round numbers within [lo, hi]; returns how many. */
int egi_nice_ticks(double *tick, double lo, double hi);

#endif
