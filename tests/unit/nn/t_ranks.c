/* Several ranks train to the bits of one: every variant of the models, with
 * slots that ranks do not divide evenly, every optimiser. The ranks are threads
 * here, each with a trainer and a pool of its own; what they exchange goes
 * through memory that all of them see. */
#include <pthread.h>

#include "engram/ranks.h"
#include "nn/trainer.h"
#include "nn_test.h"

enum { RANKS = 5, STEPS = 3 };

/* ---- ranks that are threads -----------------------------------------------
 */

typedef struct hall {
    pthread_barrier_t all;
    void *data[RANKS]; /* what each holds up for the others */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    const void *letter[RANKS][RANKS]; /* from, to; NULL: none */
} hall;

typedef struct member {
    hall *hall;
    int rank, size;
} member;

static void meet(const member *m)
{
    pthread_barrier_wait(&m->hall->all);
}

static void hall_spread(void *ctx, void *data, size_t bytes)
{
    const member *m = ctx;

    m->hall->data[m->rank] = data;
    meet(m);
    if (m->rank > 0) memcpy(data, m->hall->data[0], bytes);
    meet(m);
}

static void hall_gather(void *ctx, void *data, const size_t *from)
{
    const member *m = ctx;

    m->hall->data[m->rank] = data;
    meet(m);
    for (int r = 0; r < m->size; r++)
        if (r != m->rank)
            memcpy((char *)data + from[r],
                   (const char *)m->hall->data[r] + from[r],
                   from[r + 1] - from[r]);
    meet(m);
}

static void hall_send(void *ctx, int to, const void *data, size_t bytes)
{
    const member *m = ctx;
    hall *h = m->hall;

    (void)bytes;
    pthread_mutex_lock(&h->lock);
    assert_null(h->letter[m->rank][to]);
    h->letter[m->rank][to] = data;
    pthread_cond_broadcast(&h->moved);
    while (h->letter[m->rank][to]) pthread_cond_wait(&h->moved, &h->lock);
    pthread_mutex_unlock(&h->lock);
}

static void hall_receive(void *ctx, int from, void *data, size_t bytes)
{
    const member *m = ctx;
    hall *h = m->hall;

    pthread_mutex_lock(&h->lock);
    while (!h->letter[from][m->rank]) pthread_cond_wait(&h->moved, &h->lock);
    memcpy(data, h->letter[from][m->rank], bytes);
    h->letter[from][m->rank] = NULL;
    pthread_cond_broadcast(&h->moved);
    pthread_mutex_unlock(&h->lock);
}

/* ---- one rank -------------------------------------------------------------
 */

typedef struct actor {
    member me;
    eg_ranks ranks;
    setting set;
    eg_trainer *trainer;
    const char *optim, *train;
    const variant *v;
    bool stops; /* asks to stop at once */
    bool team;  /* threads share the operations of each of its slots */
    int code;
    eg_status st;
    eg_err err;
} actor;

static bool stop_now(void *ctx)
{
    return ((const actor *)ctx)->stops;
}

/* The sums of a large model, which a small one is taken for here. */
static void share_ops(actor *a)
{
    eg_trainer *tr = a->trainer;
    egi_engine_spec es;

    tr->vt->free(tr->engine);
    tr->program.team = true;
    es = egi_trainer_engine(tr);
    a->st = tr->vt->make(&tr->engine, &es, &a->err);
}

static void open_actor(actor *a)
{
    setting_open(&a->set, a->v, "n_ctx=11 n_triggers=2", a->team ? 2 : 1);
    set_fields(eg_train_fields, &a->set.spec.train, a->train);
    set_fields(eg_optim_fields, &a->set.spec.optim, a->optim);
    if (a->me.size > 0) a->set.spec.ranks = &a->ranks;
    a->st = eg_trainer_new(&a->trainer, &a->set.spec, &a->err);
    if (a->st == EG_OK && a->team) share_ops(a);
}

/* A rank other than 0 begins with other weights: rank 0's come with share. */
static void spoil(actor *a)
{
    eg_model *m = eg_trainer_model(a->trainer);
    size_t width = m->precision == EG_FLOAT64 ? 8 : 4;

    memset(m->params, 1, (size_t)m->n_params * width);
    if (a->trainer->m1) memset(a->trainer->m1, 1, (size_t)m->n_params * width);
}

static void train(actor *a)
{
    eg_step_info info;

    for (int i = 0; i < STEPS; i++) {
        if (i == 1) eg_trainer_look(a->trainer, &info);
        eg_trainer_step(a->trainer, &info);
    }
}

static void *play(void *ctx)
{
    actor *a = ctx;

    if (a->me.rank == 0) {
        eg_trainer_share(a->trainer, "same");
        train(a);
        eg_ranks_end(&a->ranks, 42);
        return NULL;
    }
    spoil(a);
    a->st = eg_trainer_serve(&a->code, a->trainer, &a->ranks, "same", stop_now,
                             a, &a->err);
    return NULL;
}

static void close_actor(actor *a)
{
    eg_trainer_free(a->trainer);
    setting_close(&a->set);
}

/* ---- all of them ----------------------------------------------------------
 */

static void gather_ranks(actor *a, hall *h, int n)
{
    memset(h, 0, sizeof *h);
    pthread_barrier_init(&h->all, NULL, (unsigned)n);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->moved, NULL);
    for (int r = 0; r < n; r++) {
        a[r].me = (member){h, r, n};
        a[r].ranks = (eg_ranks){.rank = r,
                                .size = n,
                                .beside = n,
                                .ctx = &a[r].me,
                                .spread = hall_spread,
                                .gather = hall_gather,
                                .send = hall_send,
                                .receive = hall_receive};
    }
}

static void play_all(actor *a, int n)
{
    pthread_t thread[RANKS];

    for (int r = 0; r < n; r++)
        assert_int_equal(pthread_create(&thread[r], NULL, play, &a[r]), 0);
    for (int r = 0; r < n; r++) pthread_join(thread[r], NULL);
}

static void leave(hall *h)
{
    pthread_barrier_destroy(&h->all);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->moved);
}

static void same_block(const actor *a, const actor *b, const void *x,
                       const void *y, const char *what)
{
    const eg_model *m = a->trainer->m;
    size_t bytes = (size_t)m->n_params * (m->precision == EG_FLOAT64 ? 8 : 4);

    assert_int_equal(x == NULL, y == NULL);
    if (!x || !y) return;
    if (memcmp(x, y, bytes) == 0) return;
    fail_msg("%s, %s: %s of rank %d of %d differ", a->v->name, a->train, what,
             b->me.rank, b->me.size);
}

/* n ranks against one process. */
static void check_as(const variant *v, const char *optim,
                     const char *train_text, int n, bool team)
{
    static actor one, a[RANKS];
    static hall h;

    memset(&one, 0, sizeof one);
    memset(a, 0, sizeof a);
    one.v = v;
    one.optim = optim;
    one.train = train_text;
    one.team = team;
    open_actor(&one);
    assert_int_equal(one.st, EG_OK);
    train(&one);
    gather_ranks(a, &h, n);
    for (int r = 0; r < n; r++) {
        a[r].v = v;
        a[r].optim = optim;
        a[r].train = train_text;
        a[r].team = team;
        open_actor(&a[r]);
        if (a[r].st != EG_OK) fail_msg("%s: %s", v->name, a[r].err.msg);
    }
    play_all(a, n);
    for (int r = 0; r < n; r++) {
        eg_trainer *t = a[r].trainer;

        if (a[r].st != EG_OK) fail_msg("%s: %s", v->name, a[r].err.msg);
        assert_int_equal(t->step, STEPS);
        if (r > 0) assert_int_equal(a[r].code, 42);
        same_block(&one, &a[r], one.trainer->m->params, t->m->params,
                   "weights");
        same_block(&one, &a[r], one.trainer->m1, t->m1, "first moments");
        same_block(&one, &a[r], one.trainer->m2, t->m2, "second moments");
    }
    for (int r = 0; r < n; r++) close_actor(&a[r]);
    close_actor(&one);
    leave(&h);
}

static void check(const variant *v, const char *optim, const char *train_text,
                  int n)
{
    check_as(v, optim, train_text, n, false);
}

static void test_variants(void **state)
{
    const variant *v;

    (void)state;
    for (int k = 0; (v = variant_at(k)); k++)
        check(v, "lr=0.05", "batch=4", 2 + k % 2);
}

/* Slots that do not divide, more of them than sequences, float64, clips. */
static void test_shares(void **state)
{
    static const char *const optim[] = {
        "lr=0.05 clip=norm clip_at=0.01", "kind=adamw lr=0.01",
        "kind=adam lr=0.01 clip=value clip_at=0.001", "momentum=0 lr=0.1"};
    static const char *const train_text[] = {
        "batch=8 slots=8", "batch=13 slots=7", "batch=9 slots=5",
        "batch=16 slots=11 precision=float64", "batch=6 slots=64"};

    (void)state;
    for (int i = 0; i < 5; i++)
        for (int n = 2; n <= RANKS; n++) {
            check(&VARIANTS[0], optim[(i + n) % 4], train_text[i], n);
            check(&VARIANTS[21], optim[(i + n) % 4], train_text[i], n);
        }
}

/* Several sums whose operations are shared by threads, as those of a large
 * model are. */
static void test_large(void **state)
{
    const variant *v;

    (void)state;
    for (int k = 0; (v = variant_at(k)); k += 5)
        check_as(v, "kind=adamw lr=0.01", "batch=6 slots=3", 2 + k % 2, true);
}

static void test_refused(void **state)
{
    static actor a[2];
    static hall h;

    (void)state;
    memset(a, 0, sizeof a);
    gather_ranks(a, &h, 2);
    a[0].v = &VARIANTS[0];
    a[0].optim = "lr=0.1";
    a[0].train = "batch=4 slots=1";
    open_actor(&a[0]);
    assert_int_equal(a[0].st, EG_EINVAL);
    print_message("%s\n", a[0].err.msg);
    assert_non_null(strstr(a[0].err.msg, "the 1 slot of"));
    setting_close(&a[0].set);
    a[0].ranks.size = 4;
    a[0].train = "batch=4 slots=3";
    open_actor(&a[0]);
    assert_int_equal(a[0].st, EG_EINVAL);
    print_message("%s\n", a[0].err.msg);
    assert_non_null(strstr(a[0].err.msg, "start 3 at most"));
    setting_close(&a[0].set);
    leave(&h);
}

static void *serve_other(void *ctx)
{
    actor *a = ctx;

    a->st = eg_trainer_serve(&a->code, a->trainer, &a->ranks, "other", NULL,
                             NULL, &a->err);
    return NULL;
}

/* Ranks that train something else, or have no trainer, say so; a rank that was
 * asked to stop is heard. */
static void test_strangers(void **state)
{
    static actor a[2];
    static hall h;
    char mark[128] = "same";
    eg_step_info info;

    (void)state;
    for (int without = 0; without < 2; without++) {
        pthread_t thread;
        eg_trainer *kept;

        memset(a, 0, sizeof a);
        gather_ranks(a, &h, 2);
        for (int r = 0; r < 2; r++) {
            a[r].v = &VARIANTS[0];
            a[r].optim = "lr=0.1";
            a[r].train = "batch=4 slots=4";
            open_actor(&a[r]);
        }
        kept = a[1].trainer;
        if (without) a[1].trainer = NULL;
        assert_int_equal(pthread_create(&thread, NULL, serve_other, &a[1]), 0);
        egi_ranks_tell(a[0].trainer, EGI_TELL_SHARE); /* as far as its mark */
        pthread_join(thread, NULL);
        print_message("%s\n", a[1].err.msg);
        assert_int_equal(a[1].st, EG_EINVAL);
        a[1].trainer = kept;
        for (int r = 0; r < 2; r++) close_actor(&a[r]);
        leave(&h);
    }
    memset(a, 0, sizeof a);
    gather_ranks(a, &h, 2);
    for (int r = 0; r < 2; r++) {
        a[r].v = &VARIANTS[0];
        a[r].optim = "lr=0.1";
        a[r].train = "batch=4 slots=4";
        open_actor(&a[r]);
    }
    a[1].stops = true;
    {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, play, &a[1]), 0);
        eg_trainer_share(a[0].trainer, mark);
        assert_false(eg_trainer_asked(a[0].trainer));
        eg_trainer_step(a[0].trainer, &info);
        assert_true(eg_trainer_asked(a[0].trainer));
        eg_ranks_end(&a[0].ranks, 7);
        pthread_join(thread, NULL);
        assert_int_equal(a[1].code, 7);
    }
    for (int r = 0; r < 2; r++) close_actor(&a[r]);
    leave(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants),  cmocka_unit_test(test_shares),
        cmocka_unit_test(test_large),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_strangers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
