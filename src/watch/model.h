/* What pages can ask for, ready to be told.
 *
 * One thread reads runs (egi_model_turn), others answer (egi_model_*_text); the
 * lock is held for what is in memory and for a few megabytes of rows at a time,
 * never for a folder of runs or of arrays. */
#ifndef EG_WATCH_MODEL_H
#define EG_WATCH_MODEL_H

#include <pthread.h>
#include "engram/watch.h"
#include "report/report_impl.h"
#include "watch/curves.h"
#include "watch/swept.h"

enum { EGI_SHOWN = 16, EGI_LISTED = 2000, EGI_SWEPT = 4 };

/* A text that is made anew now and then. */
typedef struct egi_part {
    char *text;
    size_t size;
    int64_t version; /* counts; 0: not made yet */
    int64_t stamp;   /* of the files it was made of */
    double next;     /* not before, by eg_clock */
    bool wanted;     /* somebody asked for it */
} egi_part;

/* A run that a page shows. */
typedef struct egi_shown {
    char id[EG_PATH], dir[EG_PATH];
    eg_follow *follow[2]; /* metrics, timing */
    egi_curves curves[2];
    bool flow, kind_known;
    bool reading;  /* not all of its rows are read */
    int64_t rows;  /* changes counted */
    double used;   /* when it was asked for */
    egi_part head; /* configuration, kind */
    egi_part maps, tokens;
    char *row; /* its row of the list, as JSON */
    int64_t row_version;
    char problem[512]; /* why its rows cannot be read; "": they can */
} egi_shown;

typedef struct egi_model {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool awake; /* somebody wants to be told soon */
    char root[EG_PATH], open[EG_PATH];
    eg_board *board; /* the reading thread's own */
    egi_part list;   /* every run */
    egi_part live;   /* those that run */
    struct egi_place {
        char *id, *dir;
    } * place; /* where the runs of the list are */
    int n_places;
    uint64_t sum; /* of the list */
    egi_shown *shown[EGI_SHOWN];
    egi_part sweeps;        /* the names of all sweeps, as JSON */
    char (*sweep)[EG_TEXT]; /* [n_sweeps] */
    int n_sweeps;
    egi_swept *swept[EGI_SWEPT];
    char problem[512]; /* why runs cannot be listed */
} egi_model;

eg_status egi_model_open(egi_model *m, const eg_watch_opts *opts, eg_err *err);
void egi_model_close(egi_model *m);
/* Reads what is new; *changed: there was something. EG_ENOMEM. */
eg_status egi_model_turn(egi_model *m, bool *changed, eg_err *err);
/* Until somebody wants something, or so many seconds. */
void egi_model_wait(egi_model *m, double seconds);
void egi_model_wake(egi_model *m);

/* ---- answers, from any thread ---- */

typedef enum egi_found { EGI_HERE, EGI_LATER, EGI_UNKNOWN, EGI_FULL } egi_found;

/* The text of a part, copied: the list, the live ones, or the sweeps. */
typedef enum egi_lists { EGI_RUNS, EGI_LIVE, EGI_SWEEPS } egi_lists;
egi_found egi_model_list(egi_model *m, egi_lists which, egi_buf *out);
/* The sweep of that name, which is read from now on; metric NULL: any. */
egi_found egi_model_sweep(egi_model *m, const char *name, const char *metric,
                          egi_buf *out);
/* Of the run of that id, which is read from now on: what it is; its maps; its
 * tokens. */
typedef enum egi_what { EGI_HEAD, EGI_MAPS, EGI_TOKENS } egi_what;
egi_found egi_model_part(egi_model *m, const char *id, egi_what what,
                         egi_buf *out);
/* Its curves, from metrics and timing; quantities too unless their number is
 * `names`. */
egi_found egi_model_curves(egi_model *m, const char *id,
                           const egi_ask_curves ask[2], int64_t names,
                           egi_buf *out);
/* What has which version: a page asks again for what has another one. Keeps
 * the run and the sweep (NULL: none; not both) open; "full": no place for it
 * now. */
void egi_model_news(egi_model *m, const char *id, const char *sweep, char *buf,
                    size_t size);

/* ---- for the reading thread: shown.c, arrays.c ---- */

eg_status egi_shown_new(egi_shown **out, const char *id, const char *dir,
                        eg_err *err);
void egi_shown_free(egi_shown *s);
/* Reads on: rows under the lock, a part at a time; what it is, and arrays that
 * were asked for, without it. */
eg_status egi_shown_look(egi_shown *s, egi_model *m, bool *changed,
                         eg_err *err);
eg_status egi_head_look(egi_shown *s, egi_model *m, bool *changed, eg_err *err);
eg_status egi_arrays_look(egi_shown *s, egi_model *m, bool *changed,
                          eg_err *err);
/* text takes the place of the part's own, under the lock. */
void egi_part_set(egi_part *p, egi_model *m, char *text);
/* A row of the list as JSON. */
void egi_put_run(egi_buf *out, const eg_board_run *r);

#endif
