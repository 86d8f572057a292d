/* What the files of src/report share. */
#ifndef EG_REPORT_IMPL_H
#define EG_REPORT_IMPL_H

#include "base/json.h"
#include "engram/file.h"
#include "engram/mem.h"
#include "engram/report.h"
#include "base/json.h"

struct egi_run;

/* --- panels.c: the tables of figures and quantities; panel_find.c --- */

typedef struct egi_panel {
    const char *id, *title, *unit, *note;
    double lo, hi; /* fixed vertical range; lo == hi: from the data */
    bool fold;     /* folded away at first */
    bool flow;     /* of flow runs only; others show its metrics in "other" */
    /* Against what: "" the step; "place" the number that a metric's name ends
     * with; "depth" the last but one; "radius" as radius.<depth>.<share>. */
    const char *draw;
} egi_panel;

typedef struct egi_quantity {
    const char *pattern; /* metric name; one * matches any text */
    const char *panel;   /* egi_panel.id */
    const char *label;   /* _{x} and ^{x} are sub- and superscripts */
    const char *light, *dark;
    const char *dash; /* "solid", "dash", "dot", "dashdot" */
    const char *help;
    bool off; /* shown only when its legend is clicked */
} egi_quantity;

/* What the rows and columns of an array snapshot are. */
typedef struct egi_heat_kind {
    const char *pattern, *title, *rows, *cols;
    const char *row_axis, *col_axis; /* "token", "symbol", "index" */
    const char *value, *help;
    bool peaks; /* mark the largest entry of each row */
} egi_heat_kind;

/* What a phase diagram of NAME is called, when NAME_T are its columns. */
typedef struct egi_phase_kind {
    const char *pattern; /* of NAME */
    const char *title;   /* a * stands for what is behind its last _ */
    const char *value, *note;
} egi_phase_kind;

extern const egi_panel egi_panels[];
extern const egi_quantity egi_quantities[];
extern const egi_heat_kind egi_heat_kinds[];
extern const egi_phase_kind egi_phase_kinds[];
extern const char egi_boundary_help[]; /* what the line on it says */
const egi_panel *egi_panel_find(const char *id);
/* The panel of a metric in runs of flows, or in other runs. Never NULL. */
const egi_panel *egi_panel_of(const char *name, bool flow);
/* k of a probe of one head, "name.h<k>", else -1; *length: of the rest. */
int egi_head_of(const char *name, size_t *length);
/* Never NULL: the last row of each table matches everything. A head's probe
 * has the quantity of all heads. */
const egi_quantity *egi_quantity_find(const char *name);
/* The label, in which * is the metric's name behind its first dot. */
void egi_quantity_label(char *out, size_t size, const egi_quantity *q,
                        const char *name);
const egi_heat_kind *egi_heat_kind_find(const char *name);
const egi_phase_kind *egi_phase_kind_find(const char *name);
void egi_phase_title(char *buf, size_t size, const char *name);
/* "density_2.5" to "density" and 2.5 (svg_phase.c); false: that is no time of
 * the run. */
bool egi_phase_split(const struct egi_run *r, const char *metric, char *name,
                     size_t size, double *t);
/* Those of a theory run: {NAME: {"title", "value", "note", "boundary"}}. */
json_t *egi_phases_json(const struct egi_run *r);
/* The rows that the metrics of all groups use, as JSON; NULL: no memory. */
json_t *egi_panels_json(void);
json_t *egi_quantities_json(const json_t *groups);

/* --- series.c: metrics.jsonl --- */

typedef struct egi_series {
    char *name;
    int n, cap;
    double *step, *value; /* value may be NaN or infinite */
} egi_series;

typedef struct egi_table {
    int n, cap;
    egi_series *series;
    int64_t n_rows, n_bad; /* lines read, lines damaged or with one series
                              more than 4096 */
    int64_t first_bad;     /* number of the first skipped line, from 1 */
} egi_table;

/* Adds the rows of text, which is changed while it is read. first_bad counts
 * lines of this text. On failure the table holds what was read so far. */
eg_status egi_table_parse(egi_table *t, char *text, eg_err *err);
void egi_table_release(egi_table *t);
const egi_series *egi_table_find(const egi_table *t, const char *name);
/* Steps become the values of the series clock at the same step, which must
 * ascend; what has none is dropped, and so is the clock. */
void egi_table_retime(egi_table *t, const char *clock);
/* {"axes": [[step, ...]], "series": {name: [axis, [value or null, ...]]},
 *  "bad": {name: [how many not finite, first step]}, "thin": k, "head": h}: the
 * first h points of a series and then every k-th and the last, about max_points
 * of the longest; h is EGI_HEAD_ROWS for EGI_MAX_POINTS, the most. */
#define EGI_HEAD_ROWS 200
#define EGI_MAX_POINTS 1200
json_t *egi_table_json(const egi_table *t, int max_points);

/* --- run.c: one run directory --- */

enum { EGI_TIMES = 256 };

typedef struct egi_run {
    char *dir, *name;
    char *group;     /* its setting: what differs from others of its name, "lr
                        0.1, tied true", behind the name where there are several */
    json_t *differs; /* the same, [[key, value], ...]; NULL: nothing does */
    char *config;    /* text of config.yaml; NULL: none */
    bool read;       /* this engram knows all that stands in it, */
    char *resolved;  /* and would write it so; NULL: as it stands */
    bool theory, flow;
    const char *axis, *help; /* what step counts; what a theory run shows */
    double times[EGI_TIMES]; /* theory.times: when a theory run looks */
    int n_times;
    int64_t seed; /* -1: unknown */
    json_t *record, *problems;
    json_t *profile; /* arrays/profile.json; NULL: none */
    egi_table table;
} egi_run;

/* arrays/<name>.npy of a run. */
eg_status egi_array_read(eg_view *v, const char *run_dir, const char *name,
                         eg_err *err);
eg_status egi_run_read(egi_run *r, const char *dir, const char *name,
                       eg_err *err);
/* The same without what was measured: configuration, record, name. */
eg_status egi_run_head(egi_run *r, const char *dir, eg_err *err);
void egi_run_release(egi_run *r);
/* The configuration as this engram would write it, which others of its version
 * are compared with; NULL: it cannot. */
static inline const char *egi_run_resolved(const egi_run *r)
{
    return r->resolved || !r->read ? r->resolved : r->config;
}
json_t *egi_run_json(const egi_run *r, int max_points);

/* --- yaml.c: the resolved configuration --- */

/* The scalar at section.key; false when absent. */
bool egi_yaml_get(const char *text, const char *section, const char *key,
                  char *out, size_t size);
/* The numbers of the list there, at most max. */
int egi_yaml_numbers(const char *text, const char *section, const char *key,
                     double *out, int max);

/* --- collect.c: paths to runs and claims --- */

typedef struct egi_collection {
    int n, cap;
    egi_run *run; /* in the order of groups, then seeds */
    json_t *claims, *problems;
    json_t
        *sweeps; /* that were named: [{"name", "created", "axes", "points"}] */
    char claims_dir[1024];
} egi_collection;

eg_status egi_collect(egi_collection *c, const char *const *paths, int n,
                      eg_err *err);
/* All problems of the collection and its runs, to opts->note. */
void egi_collection_tell(const egi_collection *c, const eg_report_opts *opts);
void egi_collection_release(egi_collection *c);
/* Gives every run its group and what differs (groups.c). */
eg_status egi_collection_group(egi_collection *c, eg_err *err);

/* --- sweep_json.c: all settings of a name --- */

/* [{"name", "laws": {key: {metric: {when: [law, ...]}}}}] of the names with
 * several settings, when "last", "low" or "high"; and into groups "estimates":
 * {metric: {when: [low, high]}}, the 95 % intervals of means over seeds. */
eg_status egi_families_json(json_t **out, json_t *groups,
                            const egi_collection *c, eg_err *err);

/* --- heats.c: heat maps from arrays/ --- */

typedef struct egi_heat {
    char name[128];
    int n_steps, cap;
    int64_t *steps; /* ascending */
    int heads, rows, cols;
    bool full;      /* the last snapshot alone, larger than the others */
    bool causal;    /* square, and zero above the diagonal */
    bool is_signed; /* otherwise all values are >= 0 */
    double max;     /* largest finite magnitude */
    const egi_heat_kind *kind;
} egi_heat;

typedef struct egi_heats {
    char dir[1024]; /* of the run */
    int n, cap;
    egi_heat *heat;
    /* what it takes in the page before base64; the whole-sequence ones apart */
    int64_t bytes, full_bytes;
} egi_heats;

/* Finds name.<step>.npy under <run>/arrays and their ranges. Damaged files
 * are left out and named in problems. */
eg_status egi_heats_find(egi_heats *m, const char *run_dir, json_t *problems,
                         eg_err *err);
void egi_heats_release(egi_heats *m);
/* "Attention pattern, layer 1": the kind's title, or the name itself. */
void egi_heat_label(const egi_heat *h, char *buf, size_t size);
/* One snapshot as [heads, rows, cols] float64, released with eg_free. */
eg_status egi_heat_read(double **out, const egi_heats *m, const egi_heat *h,
                        int64_t step, eg_err *err);
/* Bytes of one snapshot in the page. */
int64_t egi_heat_size(const egi_heat *h);
/* keep: at most this fraction of the snapshots of each map, but two; below 1
 * the whole-sequence ones are left out. */
json_t *egi_heats_json(const egi_heats *m, double keep, json_t *problems);
/* Token ids of the sequence shown, and the character of each id where the
 * run's task has characters: {"tokens": [...], "symbols": [...]}, each absent
 * when not known. */
json_t *egi_labels_json(const egi_run *r);

/* --- json.c: small JSON tools --- */

/* All that gives a json_t gives NULL for one reason only: no memory. */
eg_status egi_report_no_memory(eg_err *err);
/* printf into an array of sentences, the problems of a run or of all. */
eg_status egi_note(json_t *list, eg_err *err, const char *fmt, ...)
    EG_PRINTF(3, 4);
/* An error that the report can do without becomes a sentence; memory that ran
 * out stays an error. */
eg_status egi_note_why(json_t *list, eg_status st, const eg_err *why,
                       eg_err *err);
/* Bytes as base64 text in a JSON string. */
json_t *egi_json_base64(const unsigned char *p, size_t n);
/* &, <, >, " and ' as entities; to be released with eg_free. */
char *egi_html_escape(const char *s);

/* --- page.c: a page from a skeleton --- */

/* What pages of engram's have in their first bytes. */
extern const char egi_page_mark[];
/* When and by what the page is made, into root; 0, or out of memory. */
int egi_page_facts(json_t *root);
/* The skeleton with every {{name}} replaced, which may hold others; data has
 * "title". Atomic; nothing is replaced but a page of engram's. */
eg_status egi_page_write(const char *out, const char *skeleton,
                         const json_t *data, eg_err *err);

/* --- embed.c, made by report.cmake: the fixed parts of pages, as texts --- */

/* A file of src/report/page by its name, or "plotly"; the last has no name. */
typedef struct egi_page_part {
    const char *name, *text;
} egi_page_part;
extern const egi_page_part egi_page_parts[];
extern const char egi_plotly_js[]; /* "" when the build had none */
/* Never NULL. */
const char *egi_page_text(const char *name);

#endif
