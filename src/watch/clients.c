/* See clients.h. A connection is ended by shutting its socket down: whoever
 * serves it sees its end, and leaves; until then the socket stays ours. */
#include "watch/clients.h"

#include <sys/socket.h>

void egi_clients_init(egi_clients *c)
{
    *c = (egi_clients){0};
    (void)pthread_mutex_init(&c->lock, NULL);
}

void egi_clients_release(egi_clients *c)
{
    (void)pthread_mutex_destroy(&c->lock);
}

static void end_oldest_stranger(egi_clients *c)
{
    egi_client *oldest = NULL;
    int n = 0;

    for (int i = 0; i < EGI_CLIENTS; i++) {
        egi_client *one = &c->client[i];

        if (one->doing != EGI_ASKING || one->known) continue;
        n++;
        if (!oldest || one->since < oldest->since) oldest = one;
    }
    if (n < EGI_STRANGERS) return;
    (void)shutdown(oldest->fd, SHUT_RDWR);
    oldest->known = true; /* is not ended twice: the next one is */
}

egi_client *egi_clients_enter(egi_clients *c, int fd, double now)
{
    egi_client *one = NULL;

    (void)pthread_mutex_lock(&c->lock);
    end_oldest_stranger(c);
    for (int i = 0; i < EGI_CLIENTS && !one; i++)
        if (c->client[i].doing == EGI_NOBODY) one = &c->client[i];
    if (one) *one = (egi_client){.fd = fd, .doing = EGI_ASKING, .since = now};
    (void)pthread_mutex_unlock(&c->lock);
    return one;
}

void egi_clients_leave(egi_clients *c, egi_client *one)
{
    (void)pthread_mutex_lock(&c->lock);
    *one = (egi_client){.fd = -1};
    (void)pthread_mutex_unlock(&c->lock);
}

void egi_clients_set(egi_clients *c, egi_client *one, egi_doing doing,
                     double now)
{
    (void)pthread_mutex_lock(&c->lock);
    one->doing = doing;
    one->since = now;
    if (doing != EGI_ASKING) {
        one->known = true;
        c->asked = now;
    }
    (void)pthread_mutex_unlock(&c->lock);
}

int egi_clients_tidy(egi_clients *c, double now)
{
    int n = 0;

    (void)pthread_mutex_lock(&c->lock);
    for (int i = 0; i < EGI_CLIENTS; i++) {
        const egi_client *one = &c->client[i];
        double most = one->doing == EGI_ASKING ? EGI_ASKING_S : EGI_TAKING_S;

        if (one->doing != EGI_ASKING && one->doing != EGI_TAKING) continue;
        if (now - one->since <= most) continue;
        (void)shutdown(one->fd, SHUT_RDWR);
        n++;
    }
    (void)pthread_mutex_unlock(&c->lock);
    return n;
}

double egi_clients_asked(egi_clients *c)
{
    double when;

    (void)pthread_mutex_lock(&c->lock);
    when = c->asked;
    (void)pthread_mutex_unlock(&c->lock);
    return when;
}

int egi_clients_count(egi_clients *c, egi_doing doing)
{
    int n = 0;

    (void)pthread_mutex_lock(&c->lock);
    for (int i = 0; i < EGI_CLIENTS; i++)
        if (c->client[i].doing == doing) n++;
    (void)pthread_mutex_unlock(&c->lock);
    return n;
}
