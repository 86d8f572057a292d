/* Runs while they run: a list of them that keeps itself up to date, and a page
 * in a browser on this machine that draws them as they grow. Both read; a run
 * does not know that it is watched.
 *
 * The page is served on loopback only, to whoever knows the address, of which a
 * random word is part; it can be asked for nothing but what it shows
 * (docs/watch.md). */
#ifndef ENGRAM_WATCH_H
#define ENGRAM_WATCH_H

#include "engram/run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the list -------------------------------------------------------------
 */

enum { EG_SPARK = 48 };

/* A run as it is now. Numbers that are not known are NaN, -1 for steps. */
typedef struct eg_board_run {
    eg_run_info info;
    const char *id;  /* its folder below the root, "name/20260131-120000" */
    int64_t step;    /* steps done (of a flow: times), as last measured */
    double per_s;    /* of them a second, lately */
    double eta;      /* seconds left; of one that runs */
    char metric[96]; /* what is shown of it: "loss" where it has one; "" */
    double value;    /* its last value */
    int n_spark;     /* of one that was seen running: its past */
    double spark[EG_SPARK]; /* means of equal parts, the oldest first */
} eg_board_run;

typedef struct eg_board eg_board;
/* Of the runs below the folder root, which need not be there yet. */
EG_API eg_status eg_board_new(eg_board **out, const char *root, eg_err *err);
EG_API void eg_board_free(eg_board *b);
/* Looks at what has changed: at running ones each time, at the list of runs
 * every two seconds, or less often where that takes long. *changed (may be
 * NULL): anything at all. */
EG_API eg_status eg_board_look(eg_board *b, bool *changed, eg_err *err);
/* The i-th run, newest first; valid until the next look. */
EG_API int eg_board_count(const eg_board *b);
EG_API const eg_board_run *eg_board_at(const eg_board *b, int i);
/* By id; NULL: there is none. */
EG_API const eg_board_run *eg_board_find(const eg_board *b, const char *id);

/* ---- the page -------------------------------------------------------------
 */

/* Can this build on this machine serve it? text: by what, or what to do. */
EG_API bool eg_watch_able(char *text, size_t size);

/* All zero but root is valid. */
typedef struct eg_watch_opts {
    const char *root; /* folder of the runs */
    int port;         /* 0: any that is free */
    const char *open; /* what the page shows first: an id as above, a name of
                         runs, or "sweeps/NAME"; NULL: the list */
} eg_watch_opts;

typedef struct eg_watch eg_watch;
/* Begins to serve. EG_EUNSUPPORTED: not able; EG_EIO: the port is taken. */
EG_API eg_status eg_watch_open(eg_watch **out, const eg_watch_opts *opts,
                               eg_err *err);
/* "http://127.0.0.1:8642/0123.../"; whoever has it can see the page. */
EG_API const char *eg_watch_address(const eg_watch *w);
/* Looks at the runs and tells the open pages what is new, then waits so many
 * seconds, or less when somebody asks for something that is not read yet. To be
 * called again and again; what cannot be read is said on the page. */
EG_API eg_status eg_watch_turn(eg_watch *w, double seconds, eg_err *err);
EG_API void eg_watch_close(eg_watch *w);

#ifdef __cplusplus
}
#endif
#endif
