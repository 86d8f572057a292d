/* Streams of news, as browsers read them (server-sent events). */
#ifndef EG_WATCH_FEEDS_H
#define EG_WATCH_FEEDS_H

#include "watch/httpd.h"
#include "watch/model.h"

enum { EGI_FEEDS = 32, EGI_NEWS = 600 };

typedef struct egi_feed egi_feed;
typedef struct egi_feeds {
    pthread_mutex_t lock;
    egi_model *model;
    const egi_httpd *httpd;
    bool ending;
    egi_feed *stream[EGI_FEEDS];
} egi_feeds;

void egi_feeds_init(egi_feeds *s, egi_model *model, const egi_httpd *httpd);
void egi_feeds_release(egi_feeds *s);
/* A response that tells news of that run and sweep ("": none) for as long as
 * the client listens; NULL: there are too many, or no memory. */
struct MHD_Response *egi_feeds_open(egi_feeds *s,
                                    struct MHD_Connection *connection,
                                    const char *run, const char *sweep);
/* All look for news. */
void egi_feeds_tell(egi_feeds *s);
/* None goes on, nor does a new one begin. */
void egi_feeds_end(egi_feeds *s);

#endif
