/* Static figures as SVG text: what figures.c and svg_*.c share. */
#ifndef EG_REPORT_SVG_H
#define EG_REPORT_SVG_H

#include "report/report_impl.h"

/* By it a figure of engram's is known again. */
#define EGI_SVG_MARK "<!-- a figure by engram -->"

/* One curve: points over seeds, ascending in x. */
typedef struct egi_curve {
    const egi_quantity *q;
    const char *name; /* of the metric */
    char label[160];
    const char *colour;
    int n;
    double *x, *mean, *lo, *hi, *count; /* of seeds; one block, released by x */
} egi_curve;

typedef struct egi_plot {
    const char *title, *x_label, *y_label;
    double y_lo, y_hi;    /* y_lo == y_hi: from the data, with 0 */
    bool log_x, log_y;    /* all values must be > 0 then */
    bool points;          /* a mark at each value */
    bool stairs;          /* values last until the next one */
    const double *x_tick; /* [n_ticks] of the axis, thinned to eight; NULL:
                             round numbers */
    int n_ticks;
    const char *const *x_word; /* [n_ticks]: what they are called; NULL: by
                                  their numbers */
    int n_marks;        /* thin upright lines, every second number: merges */
    const double *mark; /* [n_marks, 2] */
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

/* Where the time goes: a bar for each operation of a profile (profile.json),
 * forward and back, the longest first; false: it has no rows. */
bool egi_svg_bars(FILE *f, const json_t *profile, const char *title);

/* A rectangle of the figure and the data it shows, in log10 where log. */
typedef struct egi_frame {
    double x0, x1, y0, y1;
    bool log_x, log_y;
    bool bare;                 /* no lines across: a map lies there */
    const char *const *x_word; /* of ticks; NULL: by their numbers */
    double left, width, top, height;
} egi_frame;
double egi_svg_x(const egi_frame *fr, double x);
double egi_svg_y(const egi_frame *fr, double y);
/* Axes with labels; x_tick NULL: round numbers. */
void egi_svg_axes(FILE *f, const egi_frame *fr, const char *x_label,
                  const char *y_label, const double *x_tick, int n_x);

/* The colours of a map in so many levels, right of its frame, with five labels
 * from the bottom to the top and a name above. */
void egi_svg_scale(FILE *f, const egi_frame *fr, int levels,
                   void (*shade)(char text[8], double part), char tick[5][16],
                   const char *name);

/* Colours of heat maps on light ground, "#rrggbb" into text: part in [0, 1] of
 * the way from white to dark blue, or, two-sided, from blue over white to
 * orange. */
void egi_svg_shade(char text[8], double part, bool two_sided);
void egi_svg_ramp(char text[8], double part); /* the one from white */
/* Even steps to the eye (viridis), part in [0, 1]. */
void egi_svg_even(char text[8], double part);
/* A rainbow of equal lightness, turn in [0, 1]. */
void egi_svg_rainbow(char text[8], double turn);

/* Figures of a flow, svg_tokens.c and svg_flow.c. */
struct egi_flow;
typedef enum egi_drawn { EGI_DRAWN, EGI_NOTHING, EGI_NO_MEMORY } egi_drawn;
/* Tokens at frames [k], side by side; nothing for d = 1. */
egi_drawn egi_svg_tokens(FILE *out, const struct egi_flow *f, const int *frame,
                         int k, const char *title);
/* Angle (d = 2) or coordinate (d = 1) of every token over time. */
egi_drawn egi_svg_tracks(FILE *out, const struct egi_flow *f,
                         const char *title);
/* Distribution of inner products over time. */
egi_drawn egi_svg_inner(FILE *out, const struct egi_flow *f, const char *title);

/* A phase diagram: NAME at times T from the metrics NAME_T. */
typedef struct egi_phase_column {
    double t;
    egi_curve curve; /* over what is swept */
} egi_phase_column;
typedef struct egi_phase {
    int n;
    egi_phase_column *column; /* ascending in t */
    egi_curve boundary;       /* metric `boundary`: a time for each value */
} egi_phase;
eg_status egi_phase_read(egi_phase *m, const egi_run *runs, int n,
                         const char *name, eg_err *err);
void egi_phase_release(egi_phase *m);
/* value: what the colours say; axis: what is swept, "1000 beta" for
 * thousandths; false: fewer than three times or two values. */
bool egi_svg_phase(FILE *f, const egi_phase *m, const char *value,
                   const char *axis, const char *title);

/* A value over two keys: cell [n_y, n_x], NaN where there is none; the first
 * row is the lowest one. */
typedef struct egi_grid_map {
    int n_x, n_y;
    const char *const *x_value, *const *y_value;
    const char *x_label, *y_label, *value, *title;
    const double *cell;
} egi_grid_map;
void egi_svg_grid(FILE *f, const egi_grid_map *m);

/* <text> with _{sub} and ^{sup}; anchor "start", "middle" or "end"; extra are
 * further attributes, "" for none. */
void egi_svg_text(FILE *f, double x, double y, const char *anchor,
                  const char *extra, const char *label);
void egi_svg_open(FILE *f, double width, double height);

/* At most 8 round numbers within [lo, hi]; returns how many. */
int egi_nice_ticks(double *tick, double lo, double hi);

#endif
