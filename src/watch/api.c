/* See api.h. */
#include "watch/api.h"

#include <math.h>
#include <string.h>
#include "engram/mem.h"

#define JSON "application/json; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

enum { POINTS = 600, MOST_POINTS = 2000 }; /* buckets of an answer */

/* Nothing but what comes from here: no script within the page, no other host,
 * no frame. Styles may stand in the page, as the plotting library puts some
 * there; its pictures are data, which are asked for when one is taken away. */
#define POLICY                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self' "                \
    "'unsafe-inline'; "                                                       \
    "img-src 'self' data: blob:; connect-src 'self' data:; base-uri 'none'; " \
    "form-action 'none'; frame-ancestors 'none'"

const egi_header egi_api_headers[] = {
    {"Content-Security-Policy", POLICY},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
    {NULL, NULL}};

/* The page's own files, and those of the report, by their names there. */
static const struct {
    const char *path, *type, *text;
} asset[] = {{"", "text/html; charset=utf-8", egi_watch_html},
             {"watch.css", "text/css; charset=utf-8", egi_watch_css},
             {"live.js", SCRIPT, egi_live_js},
             {"list.js", SCRIPT, egi_live_list_js},
             {"run.js", SCRIPT, egi_live_run_js},
             {"sweep.js", SCRIPT, egi_live_sweep_js},
             {"plotly.js", SCRIPT, egi_plotly_js},
             {"report/page.css", "text/css; charset=utf-8", NULL},
             {"report/core.js", SCRIPT, NULL},
             {"report/take.js", SCRIPT, NULL},
             {"report/curves.js", SCRIPT, NULL},
             {"report/heat.js", SCRIPT, NULL},
             {"report/scene.js", SCRIPT, NULL},
             {"report/tokens.js", SCRIPT, NULL},
             {"report/flow.js", SCRIPT, NULL},
             {"report/fold.js", SCRIPT, NULL}};

static void tell(egi_answer *a, int status, const char *type, const char *text)
{
    a->status = status;
    a->type = type;
    a->text = text;
    a->size = strlen(text);
}

void egi_api_refusal(egi_answer *a, int status)
{
    static const struct {
        int status;
        const char *text;
    } why[] = {
        {400, "engram: this question has a part that is not understood\n"},
        {403, "engram: the address that `engram watch` printed opens the "
              "page; nothing else does\n"},
        {404, "engram: there is nothing here\n"},
        {405, "engram: only GET and HEAD: the page reads, and no more\n"},
        {413, "engram: nothing is taken here\n"},
        {414, "engram: this address is too long\n"},
        {503, "engram: too much at once; try again\n"}};

    *a = (egi_answer){0};
    for (size_t i = 0; i < sizeof why / sizeof *why; i++)
        if (why[i].status == status)
            tell(a, status, "text/plain; charset=utf-8", why[i].text);
    EG_ASSERT(a->status);
}

/* What was put together, or why it cannot be told. */
static void give(egi_answer *a, egi_buf *b, egi_found found)
{
    char *text;

    if (found == EGI_UNKNOWN || found == EGI_FULL) {
        egi_buf_release(b);
        egi_api_refusal(a, found == EGI_UNKNOWN ? 404 : 503);
    } else if (found == EGI_LATER) {
        egi_buf_release(b);
        tell(a, 200, JSON, "{\"later\":true}");
    } else if (egi_buf_take(b, &text, NULL) != EG_OK) {
        egi_api_refusal(a, 503);
    } else {
        tell(a, 200, JSON, text);
        a->text = NULL;
        a->owned = text;
    }
}

/* ---- questions about curves ------------------------------------------------
 */

typedef struct question {
    egi_query_fn query;
    void *ctx;
    bool bad;
} question;

static int64_t ask_int(question *q, const char *name)
{
    const char *text = q->query(q->ctx, name);
    int64_t v = 0;

    if (text && !egi_query_int(text, &v)) q->bad = true;
    return v;
}

static double ask_real(question *q, const char *name)
{
    const char *text = q->query(q->ctx, name);
    double v = 0;

    if (text && !egi_query_real(text, &v)) q->bad = true;
    return v;
}

static void answer_curves(egi_answer *a, egi_model *m, const char *run,
                          question *q)
{
    egi_buf b = {0};
    egi_ask_curves ask[2];
    int64_t most = ask_int(q, "most"), names = ask_int(q, "names");

    if (most == 0) most = POINTS;
    for (int i = 0; i < 2; i++)
        ask[i] = (egi_ask_curves){.width = ask_int(q, i ? "width1" : "width0"),
                                  .from = ask_int(q, i ? "from1" : "from0"),
                                  .lo = ask_real(q, "lo"),
                                  .hi = ask_real(q, "hi"),
                                  .most = most > MOST_POINTS ? MOST_POINTS
                                                             : (int)most};
    if (q->bad)
        egi_api_refusal(a, 400);
    else
        give(a, &b, egi_model_curves(m, run, ask, names, &b));
}

/* ---- paths -----------------------------------------------------------------
 */

static bool answer_asset(egi_answer *a, const char *path)
{
    for (size_t i = 0; i < sizeof asset / sizeof *asset; i++) {
        if (strcmp(asset[i].path, path) != 0) continue;
        tell(a, 200, asset[i].type,
             asset[i].text ? asset[i].text
                           : egi_page_text(strchr(path, '/') + 1));
        return true;
    }
    return false;
}

/* Of all runs, or sweeps. */
static bool answer_list(egi_answer *a, egi_model *m, const char *path)
{
    static const struct {
        const char *path;
        egi_lists which;
    } list[] = {{"api/runs", EGI_RUNS},
                {"api/live", EGI_LIVE},
                {"api/sweeps", EGI_SWEEPS}};
    egi_buf b = {0};

    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        if (strcmp(list[i].path, path) != 0) continue;
        give(a, &b, egi_model_list(m, list[i].which, &b));
        return true;
    }
    return false;
}

static bool answer_part(egi_answer *a, egi_model *m, const char *path,
                        const char *run)
{
    static const struct {
        const char *path;
        egi_what what;
    } part[] = {{"api/run", EGI_HEAD},
                {"api/maps", EGI_MAPS},
                {"api/tokens", EGI_TOKENS}};
    egi_buf b = {0};

    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        if (strcmp(part[i].path, path) != 0) continue;
        give(a, &b, egi_model_part(m, run, part[i].what, &b));
        return true;
    }
    return false;
}

static void answer_events(egi_answer *a, const char *run, const char *sweep)
{
    tell(a, 200, "text/event-stream; charset=utf-8", "");
    a->events = true;
    if (run) (void)snprintf(a->run, sizeof a->run, "%s", run);
    if (sweep) (void)snprintf(a->sweep, sizeof a->sweep, "%s", sweep);
}

static void answer_sweep(egi_answer *a, egi_model *m, const char *sweep,
                         const char *metric)
{
    egi_buf b = {0};

    give(a, &b, egi_model_sweep(m, sweep, metric, &b));
}

void egi_api_answer(egi_answer *a, egi_model *m, const char *path,
                    egi_query_fn query, void *ctx)
{
    question q = {.query = query, .ctx = ctx};
    const char *run = query(ctx, "run"), *sweep = query(ctx, "sweep");

    *a = (egi_answer){0};
    if (answer_asset(a, path) || answer_list(a, m, path)) return;
    if ((run && strlen(run) >= sizeof a->run) ||
        (sweep && strlen(sweep) >= sizeof a->sweep))
        egi_api_refusal(a, 414);
    else if (strcmp(path, "events") == 0)
        answer_events(a, run, sweep);
    else if (sweep && strcmp(path, "api/sweep") == 0)
        answer_sweep(a, m, sweep, query(ctx, "metric"));
    else if (run && strcmp(path, "api/curves") == 0)
        answer_curves(a, m, run, &q);
    else if (!run || !answer_part(a, m, path, run))
        egi_api_refusal(a, 404);
}
