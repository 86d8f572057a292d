/* Figures as files, one each: pictures (SVG) or the numbers in them (CSV). What
 * figures.c, figure_plots.c, figure_maps.c and csv.c share. */
#ifndef EG_REPORT_FIGURES_H
#define EG_REPORT_FIGURES_H

#include "report/flow_view.h"
#include "report/svg.h"

/* The figures of one setting. */
typedef struct egi_figures {
    const eg_folder *to;
    bool csv;          /* numbers in the place of pictures */
    bool whole;        /* fractions on an axis from 0 to 1 */
    char setting[512]; /* its name, with that of its runs before it */
    char number[16];   /* "-2": another setting has its letters */
    const egi_run *runs;
    int n, n_files;
    const double *times; /* of snapshots; NULL: chosen here */
    int n_times;
    egi_flow flow; /* of the first run that has one; n_frames 0: none */
} egi_figures;

/* The settings of one name. */
typedef struct egi_family {
    egi_figures all; /* whose setting is the name */
    bool whole;
    const eg_report_opts *opts; /* who is told what is left out; or NULL */
    int n;
    egi_figures *of; /* [n] */
} egi_family;

/* The name that a figure gets, without its end: <setting>-<what>, of letters
 * that every system takes, and of two names perhaps the same. */
enum { EGI_FIGURE_NAME = 240 };
void egi_figure_name(char name[EGI_FIGURE_NAME], const egi_figures *j,
                     const char *what);
/* Names of figures that are drawn one after the other. */
typedef struct egi_figure_names {
    char (*name)[EGI_FIGURE_NAME];
    int n, cap;
} egi_figure_names;
/* One more of them: j->number tells it from those before it of one name.
 * EG_ENOMEM. */
eg_status egi_figure_apart(egi_figures *j, egi_figure_names *before,
                           const char *what, eg_err *err);
/* Begins <setting>-<what>.svg, or .csv. */
eg_status egi_figure_open(eg_outfile *o, const egi_figures *j, const char *what,
                          eg_err *err);
/* Curves of panels, phase diagrams and the bars of a profile; heat maps;
 * tokens. */
eg_status egi_figure_plots(egi_figures *j, eg_err *err);
eg_status egi_figure_profile(egi_figures *j, eg_err *err);
eg_status egi_figure_heats(egi_figures *j, eg_err *err);
eg_status egi_figure_flows(egi_figures *j, eg_err *err);
/* The settings of a name together: the values at the end of each metric that is
 * drawn at once, against and over their keys, and its curves. Left out, and
 * told, are figures of more than 24 lines, pairs of keys whose maps would be
 * more than 24 of a metric together with those before, and all where a key has
 * more than 256 values. */
eg_status egi_figure_sweep(const egi_family *f, int *n_files, eg_err *err);

/* The key (0) or the value (1) of pair k of what differs; "": none. */
const char *egi_differs_part(const egi_run *r, size_t k, size_t part);
/* The last number of a metric; NaN: there is none. */
double egi_run_last(const egi_run *r, const char *metric);

/* By it a file of numbers of engram's is known again: its first columns. */
#define EGI_CSV_MARK "figure,setting,"
/* The line of names: the mark and these columns. */
void egi_csv_head(FILE *f, const char *columns);
/* The cells of the mark, with commas behind them. */
void egi_csv_row(FILE *f, const egi_figures *j, const char *figure);
void egi_csv_number(FILE *f, double v); /* empty: not finite */
void egi_csv_plot(FILE *f, const egi_figures *j, const char *figure,
                  const egi_plot *p);
void egi_csv_phase(FILE *f, const egi_figures *j, const char *name,
                   const egi_phase *m);
void egi_csv_heat(FILE *f, const egi_figures *j, const egi_heat *map,
                  const double *x, int head);
/* The settings of one name: their keys, and the last values. */
void egi_csv_settings(FILE *f, const egi_family *m);
/* Tokens at the times kept; false: their distribution, where there is one. */
void egi_csv_tokens(FILE *f, const egi_figures *j);
bool egi_csv_inner(FILE *f, const egi_figures *j);

#endif
