/* See feeds.h. A stream that has nothing to tell is suspended: the server
 * does not come back to it until it is resumed here. */
#include "watch/feeds.h"

#include <string.h>
#include "engram/mem.h"
#include "engram/pool.h"

static const double BEAT = 10; /* seconds between signs of life */

struct egi_feed {
    egi_feeds *of;
    struct MHD_Connection *connection;
    char run[EG_PATH], sweep[EG_TEXT];
    char told[EGI_NEWS], out[EGI_NEWS + 16];
    size_t n, at; /* bytes of out, and how many were taken */
    bool suspended;
    double beat;
};

void egi_feeds_init(egi_feeds *s, egi_model *model, const egi_httpd *httpd)
{
    *s = (egi_feeds){.model = model, .httpd = httpd};
    (void)pthread_mutex_init(&s->lock, NULL);
}

void egi_feeds_release(egi_feeds *s)
{
    (void)pthread_mutex_destroy(&s->lock);
}

/* The next thing to say into out; false: there is none. */
static bool say(egi_feed *t)
{
    char now[EGI_NEWS];
    double clock = eg_clock();
    int n = 0;

    egi_model_news(t->of->model, t->run[0] ? t->run : NULL,
                   t->sweep[0] ? t->sweep : NULL, now, sizeof now);
    if (strcmp(now, t->told) != 0) {
        n = snprintf(t->out, sizeof t->out, "data: %s\n\n", now);
        memcpy(t->told, now, sizeof now);
    } else if (clock - t->beat >= BEAT) {
        n = snprintf(t->out, sizeof t->out, ":\n\n");
    }
    if (n <= 0) return false;
    t->n = (size_t)n;
    t->at = 0;
    t->beat = clock;
    return true;
}

static ssize_t read_stream(void *ctx, uint64_t pos, char *buf, size_t max)
{
    egi_feed *t = ctx;
    egi_feeds *s = t->of;
    ssize_t got = 0;

    (void)pos;
    (void)pthread_mutex_lock(&s->lock);
    if (s->ending) {
        got = MHD_CONTENT_READER_END_OF_STREAM;
    } else if (t->at < t->n || say(t)) {
        size_t n = t->n - t->at < max ? t->n - t->at : max;

        memcpy(buf, t->out + t->at, n);
        t->at += n;
        got = (ssize_t)n;
    } else {
        t->suspended = true;
        s->httpd->MHD_suspend_connection(t->connection);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return got;
}

static void free_stream(void *ctx)
{
    egi_feed *t = ctx;
    egi_feeds *s = t->of;

    (void)pthread_mutex_lock(&s->lock);
    for (int i = 0; i < EGI_FEEDS; i++)
        if (s->stream[i] == t) s->stream[i] = NULL;
    (void)pthread_mutex_unlock(&s->lock);
    eg_free(t);
}

struct MHD_Response *egi_feeds_open(egi_feeds *s,
                                    struct MHD_Connection *connection,
                                    const char *run, const char *sweep)
{
    struct MHD_Response *r = NULL;
    egi_feed *t = eg_calloc(1, sizeof *t);
    int place = -1;

    if (!t) return NULL;
    t->of = s;
    t->connection = connection;
    t->beat = eg_clock();
    (void)snprintf(t->run, sizeof t->run, "%s", run);
    (void)snprintf(t->sweep, sizeof t->sweep, "%s", sweep);
    (void)pthread_mutex_lock(&s->lock);
    for (int i = 0; i < EGI_FEEDS && !s->ending; i++)
        if (!s->stream[i]) place = i;
    if (place >= 0) s->stream[place] = t;
    (void)pthread_mutex_unlock(&s->lock);
    if (place >= 0)
        r = s->httpd->MHD_create_response_from_callback(
            MHD_SIZE_UNKNOWN, 1024, read_stream, t, free_stream);
    if (!r) free_stream(t);
    return r;
}

void egi_feeds_tell(egi_feeds *s)
{
    (void)pthread_mutex_lock(&s->lock);
    for (int i = 0; i < EGI_FEEDS; i++) {
        egi_feed *t = s->stream[i];

        if (!t || !t->suspended) continue;
        t->suspended = false;
        s->httpd->MHD_resume_connection(t->connection);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void egi_feeds_end(egi_feeds *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->ending = true;
    (void)pthread_mutex_unlock(&s->lock);
    egi_feeds_tell(s);
}
