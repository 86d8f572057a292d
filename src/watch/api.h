/* Paths of the page and what is answered there; knows no network. */
#ifndef EG_WATCH_API_H
#define EG_WATCH_API_H

#include "watch/guard.h"
#include "watch/model.h"

/* The value of a name in the question behind the path; NULL: it has none. */
typedef const char *(*egi_query_fn)(void *ctx, const char *name);

typedef struct egi_answer {
    int status;       /* of HTTP */
    const char *type; /* of what is told */
    const char *text; /* told as it is; or */
    char *owned;      /* told, and released with eg_free */
    size_t size;
    bool events; /* a stream of news, of a run and a sweep ("": none) */
    char run[EG_PATH], sweep[EG_TEXT];
} egi_answer;

/* What lies at path, as egi_guard_judge gives it. */
void egi_api_answer(egi_answer *a, egi_model *m, const char *path,
                    egi_query_fn query, void *ctx);
/* The answer to one that is refused with that status. */
void egi_api_refusal(egi_answer *a, int status);
/* Headers that every answer has; the last one has no name. */
typedef struct egi_header {
    const char *name, *value;
} egi_header;
extern const egi_header egi_api_headers[];

/* --- embed.c, made by watch.cmake --- */
extern const char egi_watch_html[], egi_watch_css[], egi_live_js[],
    egi_live_list_js[], egi_live_run_js[], egi_live_sweep_js[];

#endif
