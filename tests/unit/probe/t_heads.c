/* What heads are: rows counted by hand, and models whose heads are known. */
#include "built.h"

#include <math.h>

#include "engram/mem.h"
#include "probe/heads.h"
#include "probe/probes.h"

/* ---- one row ---------------------------------------------------------------
 */

static double score(const egi_ratio *r, int i)
{
    return r[i].sum / r[i].count;
}

static void check(const egi_ratio *r, int i, double want)
{
    printf("  %-10s %.6f, by hand %.6f\n", eg_head_score(i)->name, score(r, i),
           want);
    assert_true(fabs(score(r, i) - want) < 1e-15);
}

/* Tokens 7 3 7 | 7 3 7, from t = 5 in the repetition: 7 was at 0, 2, 3; behind
 * them stand 1, 3, 4. Weights 1, 2, 3, 4, 5, 5 of 20. */
static void a_row_by_hand(void **state)
{
    static const int32_t z[] = {7, 3, 7, 7, 3, 7};
    static const double a[] = {1, 2, 3, 4, 5, 5}, none[6] = {0};
    egi_ratio r[EG_HEAD_SCORES] = {{0, 0}};
    double entropy = 0;

    (void)state;
    egi_head_add(r, a, z, 5, true);
    egi_head_add(r, none, z, 5, true); /* nothing to share out */
    for (int s = 0; s < 6; s++) entropy -= a[s] / 20 * log(a[s] / 20);
    check(r, EG_HEAD_PREVIOUS, 5. / 20);
    check(r, EG_HEAD_INDUCTION, (2 + 4 + 5) / 20.);
    check(r, EG_HEAD_DUPLICATE, (1 + 3 + 4) / 20.);
    check(r, EG_HEAD_FIRST, 1. / 20);
    check(r, EG_HEAD_CURRENT, 5. / 20);
    check(r, EG_HEAD_ENTROPY, entropy);
    egi_head_add(r, a, z, 2, false); /* says nothing of copies: weights of 6 */
    assert_true(r[EG_HEAD_INDUCTION].count == 1);
    check(r, EG_HEAD_CURRENT, (5. / 20 + 3. / 6) / 2);
}

/* ---- heads by what they read -----------------------------------------------
 */

enum { CTX = 16, WIDE = V + CTX, ROLES = EG_HEAD_KINDS, BLOCKS = 3 };

/* Scores between one-hot tokens and positions: head h of block l is what
 * (h + l) modulo ROLES says, and for induction it is nothing, as that takes two
 * blocks. */
static int role(int l, int h)
{
    int r = (h + l) % ROLES;

    return r == EG_HEAD_INDUCTION ? -1 : r;
}

static void fill(double *w, int what, double c)
{
    for (int t = 0; t < CTX; t++) {
        double *row = w + (eg_index)(V + t) * WIDE;

        if (what == EG_HEAD_PREVIOUS && t > 0) row[V + t - 1] = c;
        if (what == EG_HEAD_FIRST) row[V] = c;
        if (what == EG_HEAD_CURRENT) row[V + t] = c;
        if (what == EG_HEAD_DUPLICATE) row[V + t] = -2 * c;
    }
    for (int z = 0; what == EG_HEAD_DUPLICATE && z < V; z++)
        w[z * WIDE + z] = c;
}

static void build_roles(const rig *r, double c)
{
    static double w[ROLES * WIDE * WIDE], e[V * WIDE], p[CTX * WIDE];
    static const double zero[ROLES * WIDE * WIDE];

    for (int z = 0; z < V; z++) e[z * WIDE + z] = 1;
    for (int t = 0; t < CTX; t++) p[t * WIDE + V + t] = 1;
    set(r, "W_E", e);
    set(r, "W_pos", p);
    for (int l = 0; l < BLOCKS; l++) {
        char name[64];

        memset(w, 0, sizeof w);
        for (int h = 0; h < ROLES; h++)
            fill(w + (eg_index)h * WIDE * WIDE, role(l, h), c);
        (void)snprintf(name, sizeof name, "blocks.%d.attn.W_QK", l);
        set(r, name, w);
        (void)snprintf(name, sizeof name, "blocks.%d.attn.W_O", l);
        set(r, name, zero); /* the stream stays what it is */
    }
}

static const eg_head *head_at(const eg_heads *t, int l, int h)
{
    for (int i = 0; i < t->n; i++)
        if (t->row[i].layer == l && t->row[i].head == h) return &t->row[i];
    fail_msg("no head %d.%d", l, h);
    return NULL;
}

static void heads_of(eg_heads *t, const rig *r, int count, uint64_t seed)
{
    eg_err err = {0};

    if (eg_heads_measure(t, eg_probes_eval(r->probes), r->probes->model,
                         r->pool, count, seed, &err) != EG_OK)
        fail_msg("%s", err.msg);
}

static const setting roles[] = {
    {"task.n_ctx", "16"},     {"model.d_model", "81"},
    {"model.n_heads", "5"},   {"model.n_layers", "3"},
    {"model.d_head", "4"},    {"model.pos", "learned"},
    {"train.batch", "1"},     {"probe.batch", "2"},
    {"probe.test", "0"},      {"probe.norms", "false"},
    {"probe.snapshots", "0"}, {NULL, NULL}};

/* Every head of every block is called what it was made to be. */
static void every_head_of_every_block(void **state)
{
    eg_heads t;
    rig r;

    (void)state;
    rig_new(&r, 2, roles);
    build_roles(&r, 300);
    heads_of(&t, &r, 32, 1);
    eg_heads_rank(&t, 0.4);
    assert_int_equal(t.n, ROLES * BLOCKS);
    for (int l = 0; l < BLOCKS; l++)
        for (int h = 0; h < ROLES; h++) {
            const eg_head *head = head_at(&t, l, h);

            printf("  %d.%d is %d, made to be %d\n", l, h, head->kind,
                   role(l, h));
            assert_int_equal(head->kind, role(l, h));
            if (head->kind >= 0) {
                assert_true(head->score[head->kind] > 1 - 1e-6);
                continue;
            }
            for (int i = 0; i < EG_HEAD_SCORES; i++) /* scores of 0: even */
                assert_true(fabs(head->score[i] - t.even.score[i]) < 1e-6);
        }
    for (int i = 1; i < t.n; i++) { /* in the order of kinds, none behind */
        int a = t.row[i - 1].kind, b = t.row[i].kind;

        assert_true(b < 0 || (a >= 0 && a <= b));
    }
    assert_true(t.row[0].layer == 0 && t.row[0].kind == EG_HEAD_PREVIOUS);
    eg_heads_release(&t);
    rig_free(&r);
}

/* Rows that are no shares: a linear mixer has the scores themselves, here 300
 * at one place and 0 elsewhere. */
static void linear_heads(void **state)
{
    setting linear[16];
    eg_heads t;
    rig r;

    (void)state;
    memcpy(linear, roles, sizeof roles);
    linear[sizeof roles / sizeof *roles - 1] =
        (setting){"model.mixer", "linear"};
    linear[sizeof roles / sizeof *roles] = (setting){NULL, NULL};
    rig_new(&r, 2, linear);
    build_roles(&r, 300);
    heads_of(&t, &r, 32, 1);
    eg_heads_rank(&t, 0.4);
    assert_int_equal(t.n, ROLES * BLOCKS);
    for (int l = 0; l < BLOCKS; l++)
        for (int h = 0; h < ROLES; h++) {
            int want = role(l, h);
            const eg_head *head = head_at(&t, l, h);

            /* half of a duplicate head's weight is minus, on the token */
            if (want == EG_HEAD_DUPLICATE) continue;
            assert_int_equal(head->kind, want);
            if (want >= 0) assert_true(head->score[want] == 1);
            if (want < 0) assert_true(isnan(head->score[EG_HEAD_FIRST]));
        }
    eg_heads_release(&t);
    rig_free(&r);
}

/* The memories of the paper: block 0 previous-token, block 1 induction, and
 * what is said again is known. */
static void induction_built_by_hand(void **state)
{
    static const setting settings[] = {
        BUILT_SETTINGS,       {"probe.batch", "1"},     {"probe.test", "0"},
        {"train.batch", "1"}, {"probe.snapshots", "0"}, {NULL, NULL}};
    eg_heads t;
    rig r;

    (void)state;
    rig_new(&r, 2, settings);
    build_memories(&r);
    heads_of(&t, &r, 8, 1);
    eg_heads_rank(&t, 0.4);
    assert_int_equal(t.n, 2);
    for (int i = 0; i < 2; i++)
        printf("  %d.%d kind %d: previous %.3f induction %.3f\n",
               t.row[i].layer, t.row[i].head, t.row[i].kind,
               t.row[i].score[EG_HEAD_PREVIOUS],
               t.row[i].score[EG_HEAD_INDUCTION]);
    printf("  loss %.3f, again %.3f\n", t.loss_first, t.loss_again);
    assert_int_equal(t.row[0].layer, 0);
    assert_int_equal(t.row[0].kind, EG_HEAD_PREVIOUS);
    assert_int_equal(t.row[1].kind, EG_HEAD_INDUCTION);
    assert_true(t.row[1].score[EG_HEAD_INDUCTION] > .9);
    assert_true(t.row[1].score[EG_HEAD_PREVIOUS] < .2);
    assert_true(t.loss_again < t.loss_first);
    eg_heads_release(&t);
    rig_free(&r);
}

/* Named by what it does beyond a head that looks everywhere alike, and ranked
 * by hand. */
static void names_by_hand(void **state)
{
    static eg_head rows[] = {
        {0, 0, 0, {.06, .34, .43, .1, .1, 2}},   /* a little over even */
        {0, 1, 0, {.35, .34, .45, .1, .1, 2}},   /* .30 on the way, and .17 */
        {1, 0, 0, {.05, .3, .34, .05, .05, 2}},  /* less than even */
        {1, 1, 0, {.1, .1, 1, .1, .1, 0}},       /* nothing else */
        {2, 0, 0, {.525, .34, .34, .2, .2, 2}}}; /* half the way */
    eg_heads t = {
        .n = 5, .row = rows, .even = {.score = {.05, .34, .34, .1, .1}}};
    static const int want[][3] = {{2, 0, EG_HEAD_PREVIOUS},
                                  {0, 1, EG_HEAD_PREVIOUS},
                                  {1, 1, EG_HEAD_DUPLICATE},
                                  {0, 0, -1},
                                  {1, 0, -1}};

    (void)state;
    eg_heads_rank(&t, .3);
    for (int i = 0; i < 5; i++) {
        printf("  %d.%d is %d\n", rows[i].layer, rows[i].head, rows[i].kind);
        assert_int_equal(rows[i].layer, want[i][0]);
        assert_int_equal(rows[i].head, want[i][1]);
        assert_int_equal(rows[i].kind, want[i][2]);
    }
    eg_heads_rank(&t, .5);
    assert_true(rows[0].layer == 2 && rows[0].kind == EG_HEAD_PREVIOUS);
    assert_true(rows[2].layer == 0 && rows[2].kind == -1);
}

/* The same bits on any number of threads; other tokens from another seed. */
static void threads_and_seeds(void **state)
{
    eg_heads t[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        rig r;

        rig_new(&r, i == 0 ? 1 : 3, roles);
        heads_of(&t[i], &r, 5, i == 2 ? 2 : 1);
        rig_free(&r);
    }
    for (int k = 0; k < t[0].n; k++)
        assert_memory_equal(t[0].row[k].score, t[1].row[k].score,
                            sizeof t[0].row[k].score);
    assert_true(t[0].even.score[EG_HEAD_DUPLICATE] !=
                t[2].even.score[EG_HEAD_DUPLICATE]);
    for (int i = 0; i < 3; i++) eg_heads_release(&t[i]);
}

/* probe.heads: the same scores as metrics, nothing allocated on the way; and
 * none of them when it is not asked for. */
static void heads_as_metrics(void **state)
{
    setting asked[16];
    seen s = {.quiet = true};
    eg_heads t;
    int64_t before;
    rig r;

    (void)state;
    memcpy(asked, roles, sizeof roles);
    asked[sizeof roles / sizeof *roles - 1] = (setting){"probe.heads", "true"};
    asked[sizeof roles / sizeof *roles] = (setting){NULL, NULL};
    rig_new(&r, 2, asked);
    build_roles(&r, 300);
    before = eg_mem_query().n_allocs;
    eg_probes_before(r.probes, 0, keep, &s);
    assert_int_equal(eg_mem_query().n_allocs, before);
    heads_of(&t, &r, 2, 0); /* as many as probe.batch */
    for (int i = 0; i < t.n; i++)
        for (int k = 0; k < EG_HEAD_SCORES; k++) {
            char name[64];

            (void)snprintf(name, sizeof name, "head.%d.%d.%s", t.row[i].layer,
                           t.row[i].head, eg_head_score(k)->name);
            assert_true(value_of(&s, name) == t.row[i].score[k]);
        }
    assert_true(value_of(&s, "head.2.3.previous") > .999);
    assert_true(value_of(&s, "repeat_loss_again") == t.loss_again);
    eg_heads_release(&t);
    rig_free(&r);

    s.n = 0;
    rig_new(&r, 1, roles);
    eg_probes_before(r.probes, 0, keep, &s);
    assert_false(has(&s, "head.0.0.previous"));
    assert_false(has(&s, "repeat_loss_again"));
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_by_hand),
        cmocka_unit_test(names_by_hand),
        cmocka_unit_test(every_head_of_every_block),
        cmocka_unit_test(linear_heads),
        cmocka_unit_test(induction_built_by_hand),
        cmocka_unit_test(threads_and_seeds),
        cmocka_unit_test(heads_as_metrics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
