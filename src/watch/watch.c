/* The live page: what reads and what serves, together. See engram/watch.h. */
#include "engram/watch.h"

#include "engram/mem.h"
#include "engram/pool.h"
#include "watch/model.h"
#include "watch/serve.h"

static const double BEAT = 5, /* seconds between signs of life */
    ALONE = 4;                /* between looks while nobody watches */

struct eg_watch {
    egi_model model;
    bool has_model;
    egi_server *server;
    double told, looked;
};

bool eg_watch_able(char *text, size_t size)
{
    return egi_server_able(text, size);
}

eg_status eg_watch_open(eg_watch **out, const eg_watch_opts *opts, eg_err *err)
{
    eg_watch *w = eg_calloc(1, sizeof *w);
    eg_status st = EG_OK;

    *out = NULL;
    if (!w) return EG_FAIL(err, EG_ENOMEM, "watch: out of memory");
    w->looked = -ALONE;
    EG_TRY(egi_model_open(&w->model, opts, err));
    w->has_model = true;
    EG_TRY(egi_server_open(&w->server, &w->model, opts->port, err));
    *out = w;
done:
    if (st != EG_OK) eg_watch_close(w);
    return st;
}

const char *eg_watch_address(const eg_watch *w)
{
    return egi_server_address(w->server);
}

eg_status eg_watch_turn(eg_watch *w, double seconds, eg_err *err)
{
    bool changed = false;
    double now = eg_clock();
    eg_status st = EG_OK;

    egi_server_tidy(w->server);
    if (egi_server_busy(w->server) || now - w->looked >= ALONE) {
        st = egi_model_turn(&w->model, &changed, err);
        w->looked = now;
    }
    if (changed || now - w->told >= BEAT) {
        egi_server_tell(w->server);
        w->told = now;
    }
    if (st == EG_OK) egi_model_wait(&w->model, seconds);
    return st;
}

void eg_watch_close(eg_watch *w)
{
    if (!w) return;
    egi_server_close(w->server);
    if (w->has_model) egi_model_close(&w->model);
    eg_free(w);
}
