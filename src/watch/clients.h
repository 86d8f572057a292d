/* Who is connected, and for how long: a client that sends or takes its bytes
 * slowly is ended, and many of them do not keep out others. */
#ifndef EG_WATCH_CLIENTS_H
#define EG_WATCH_CLIENTS_H

#include <pthread.h>
#include "engram/status.h"

enum {
    EGI_CLIENTS = 256,   /* connections at once */
    EGI_STRANGERS = 128, /* of them, that have asked nothing yet */
    EGI_ASKING_S = 10,   /* a question is whole after so many seconds, */
    EGI_TAKING_S = 60    /* and its answer taken after so many */
};

typedef enum egi_doing {
    EGI_NOBODY,
    EGI_ASKING,
    EGI_TAKING,
    EGI_STREAM
} egi_doing;

typedef struct egi_client {
    int fd;
    egi_doing doing;
    bool known; /* had the token */
    double since;
} egi_client;

typedef struct egi_clients {
    pthread_mutex_t lock;
    egi_client client[EGI_CLIENTS];
    double asked; /* when a question with the token came last */
} egi_clients;

void egi_clients_init(egi_clients *c);
void egi_clients_release(egi_clients *c);
/* A connection that begins at that time (eg_clock); NULL: too many. Where
 * strangers are many, the oldest of them is ended. */
egi_client *egi_clients_enter(egi_clients *c, int fd, double now);
void egi_clients_leave(egi_clients *c, egi_client *one);
/* It now asks, takes an answer, or has a stream of news. */
void egi_clients_set(egi_clients *c, egi_client *one, egi_doing doing,
                     double now);
/* Ends those that took too long; how many. */
int egi_clients_tidy(egi_clients *c, double now);
/* When a question with the token came last. */
double egi_clients_asked(egi_clients *c);
/* How many do that. */
int egi_clients_count(egi_clients *c, egi_doing doing);

#endif
