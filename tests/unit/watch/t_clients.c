/* Slow clients and many of them: who takes too long is ended, strangers first,
 * and there is room for others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "watch/clients.h"

/* Two ends of a connection. */
typedef struct wire {
    int ours, theirs;
    egi_client *client;
} wire;

static wire come(egi_clients *c, double now)
{
    int fd[2];
    wire l;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd),
                     0);
    l = (wire){.ours = fd[0],
               .theirs = fd[1],
               .client = egi_clients_enter(c, fd[0], now)};
    return l;
}

static bool is_ended(const wire *l)
{
    char byte;

    return read(l->theirs, &byte, 1) == 0;
}

static void go(egi_clients *c, wire *l)
{
    if (l->client) egi_clients_leave(c, l->client);
    (void)close(l->ours);
    (void)close(l->theirs);
}

static void test_deadlines(void **state)
{
    egi_clients c;
    wire asking, taking, stream;

    (void)state;
    egi_clients_init(&c);
    asking = come(&c, 100);
    taking = come(&c, 100);
    stream = come(&c, 100);
    egi_clients_set(&c, taking.client, EGI_TAKING, 100);
    egi_clients_set(&c, stream.client, EGI_STREAM, 100);
    assert_int_equal(egi_clients_tidy(&c, 100 + EGI_ASKING_S), 0);
    assert_int_equal(egi_clients_tidy(&c, 100.5 + EGI_ASKING_S), 1);
    assert_true(is_ended(&asking));
    assert_false(is_ended(&taking));
    egi_clients_leave(&c, asking.client);
    asking.client = NULL;
    assert_int_equal(egi_clients_tidy(&c, 100.5 + EGI_TAKING_S), 1);
    assert_true(is_ended(&taking));
    assert_false(is_ended(&stream)); /* it may last */
    /* the next question has its own time */
    egi_clients_set(&c, taking.client, EGI_ASKING, 500);
    assert_int_equal(egi_clients_tidy(&c, 501), 0);
    assert_int_equal(egi_clients_count(&c, EGI_STREAM), 1);
    assert_true(egi_clients_asked(&c) == 100);
    go(&c, &asking);
    go(&c, &taking);
    go(&c, &stream);
    assert_int_equal(egi_clients_count(&c, EGI_NOBODY), EGI_CLIENTS);
    egi_clients_release(&c);
}

/* As many strangers as like: those who had the token stay, and the newest. */
static void test_crowd(void **state)
{
    enum { CROWD = EGI_STRANGERS + 60 };
    egi_clients c;
    wire friend, one[CROWD];
    int ended = 0;

    (void)state;
    egi_clients_init(&c);
    friend = come(&c, 0);
    egi_clients_set(&c, friend.client, EGI_TAKING, 0);
    egi_clients_set(&c, friend.client, EGI_ASKING, 0);
    for (int i = 0; i < CROWD; i++) {
        one[i] = come(&c, 1 + i);
        assert_non_null(one[i].client);
        /* who is ended leaves, as the server sees to it */
        for (int k = 0; k < i; k++)
            if (one[k].client && is_ended(&one[k])) {
                assert_int_equal(k, ended); /* the oldest first */
                ended++;
                egi_clients_leave(&c, one[k].client);
                one[k].client = NULL;
            }
    }
    print_message("%d of %d strangers ended\n", ended, CROWD);
    assert_int_equal(ended, CROWD - EGI_STRANGERS);
    assert_false(is_ended(&friend));
    go(&c, &friend);
    for (int i = 0; i < CROWD; i++) go(&c, &one[i]);
    egi_clients_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_deadlines),
                                       cmocka_unit_test(test_crowd)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
