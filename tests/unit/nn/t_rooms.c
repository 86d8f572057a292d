/* A team's rooms of several sequences: losses and gradients are those of one
 * sequence a room, of the plain program, and the same bits whatever the number
 * of threads; also where the last room has fewer of them. */
#include "team_test.h"

#include "nn/trainer.h"

/* Three a room of 1,024 positions; of five, two remain. */
#define T 300
#define TASK "n_ctx=300 n_triggers=3"
#define FIVE " batch=5"
#define BOUND 1e-12

/* Logits that are not kept, in blocks of rows and columns that do not divide
 * them; dropped behind the embedding and inside. */
#define LARGE                                                            \
    "n_layers=1 d_model=520 n_heads=2 d_head=16 d_mlp=70 qk=factorised " \
    "norm=pre "
static const variant HEADS[] = {
    {"tied", LARGE "mlp=gelu pos=learned tied=true tied_scale=false",
     "loss=all slots=1" FIVE},
    {"tied, scaled, dropped",
     LARGE "pos=rotary norm_kind=rms mlp=swiglu tied=true dropout=0.1 "
           "dropout_embed=0.2 dropout_attn=0.1",
     "loss=all slots=1" FIVE},
    {"untied", LARGE "mlp=relu pos=learned", "loss=all slots=1" FIVE},
};
static const variant WIDE = {
    "wide, dropped",
    "d_model=136 d_mlp=1100 n_heads=4 n_kv_heads=2 qk=factorised norm=pre "
    "mlp=gelu pos=relative attn_bias=true mlp_bias=true dropout=0.1 "
    "dropout_attn=0.2 dropout_embed=0.1",
    "loss=all slots=1" FIVE};
static const variant PART = {"wide, a part in the loss",
                             "d_model=136 n_heads=4 qk=factorised norm=post "
                             "norm_kind=layer mlp=swiglu pos=rotary",
                             "loss=in_context slots=1 algebra=plain" FIVE};

/* A task's sequences; some positions, or a whole one, kept out of the loss. */
typedef struct masked {
    const eg_task *task;
    bool some;
} masked;

static void sequence(const void *from, uint32_t index, eg_seq *out)
{
    const masked *s = from;

    eg_task_sequence(s->task, EG_TRAIN, 0, index, out);
    for (int t = 0; s->some && t < T; t++)
        if (index == 1 || t % 3 == (int)index % 3) out->labels[t] = -1;
}

/* One of two ways to the same gradient. */
typedef struct side {
    setting s;
    eg_trainer *tr;
    double loss, **g;
} side;

static void side_open(side *a, const variant *v, const char *task,
                      const char *train, bool some)
{
    setting_open(&a->s, v, task, 2);
    set_fields(eg_train_fields, &a->s.spec.train, "precision=float64");
    set_fields(eg_train_fields, &a->s.spec.train, train);
    a->tr = trainer_open(&a->s);
    masked m = {a->s.task, some};

    if (a->tr->program.team)
        eg_trainer_gradient(a->tr, 1, NULL); /* leaves rooms used */
    if (some || a->tr->program.team)
        eg_trainer_gradient_on(a->tr, sequence, &m, &a->loss);
    else
        eg_trainer_gradient(a->tr, 0, &a->loss);
    a->g = gradients_made(a->tr);
}

static void side_close(side *a)
{
    gradients_free(a->g, eg_model_n_tensors(eg_trainer_model(a->tr)));
    eg_trainer_free(a->tr);
    setting_close(&a->s);
}

static int heads; /* programs whose logits are not kept */

static int head_of(const egi_program *p)
{
    int n = 0;

    for (int k = 0; k < p->n_ops; k++) n += p->op[k].kind == EGI_OP_head;
    return n;
}

/* The plain program with two sums. */
static void plain_open(side *a, const variant *v, const char *task, bool some)
{
    side_open(a, v, task, "slots=2 algebra=plain", some);
    assert_true(a->loss > 0);
    assert_int_equal(a->tr->program.many, 1);
}

/* A team against it, within 1e-12; how many sequences a room of the team
 * holds. */
static int against(const side *plain, const variant *v, const char *task,
                   const char *train, bool some, double *worst)
{
    side team;
    const eg_model *m;
    int many;

    side_open(&team, v, task, train, some);
    m = eg_trainer_model(team.tr);
    many = team.tr->program.many;
    heads += head_of(&team.tr->program);
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        const eg_tensor *t = eg_model_tensor(m, i);
        double d;

        assert_true(!team.g[i] == !plain->g[i]);
        if (!team.g[i] || no_gradient(v, t->name)) continue;
        d = distance(team.g[i], plain->g[i], t->size, NULL);
        if (!(d <= *worst)) *worst = d;
        if (!(d < BOUND))
            fail_msg("%s: %s: %s: %g", v->name, train, t->name, d);
    }
    if (!(fabs(team.loss - plain->loss) <= BOUND * fabs(plain->loss)))
        fail_msg("%s: %s: loss %.17g, not %.17g", v->name, train, team.loss,
                 plain->loss);
    side_close(&team);
    return many;
}

static int compare(const variant *v, const char *task, const char *train,
                   bool some, double *worst)
{
    side plain;
    int many;

    plain_open(&plain, v, task, some);
    many = against(&plain, v, task, train, some, worst);
    side_close(&plain);
    return many;
}

/* With a sanitizer all take minutes, and t_program goes through every variant:
 * there one in thirteen, and of a head one sequence, compared with nothing. */
enum { STRIDE = SANITIZED ? 13 : 1, N_HEADS = sizeof HEADS / sizeof *HEADS };

/* Every kind of op. Where few rows are in the loss, shortcuts take them alone,
 * and sequences one by one. */
static void test_variants(void **state)
{
    const variant *v;
    double worst = 0;
    int several = 0, n = 0;

    (void)state;
    for (; (v = variant_at(STRIDE * n)); n++) {
        variant five = *v;
        char train[256];
        bool some = n % 2;
        side plain;

        (void)snprintf(train, sizeof train, "%s" FIVE, v->train);
        five.train = train;
        plain_open(&plain, &five, TASK, some);
        assert_int_equal(
            against(&plain, &five, TASK, "slots=1 algebra=plain", some, &worst),
            3);
        several += against(&plain, &five, TASK, "slots=1", some, &worst) == 3;
        side_close(&plain);
    }
    printf("  %d variants, %d with shortcuts: %.1e\n", n, several, worst);
    assert_true(several > n / 3);
}

/* One sequence, which is more than a block of rows. */
static void look_at_head(const char *task)
{
    side a;

    side_open(&a, &HEADS[1], task, "slots=1 batch=1", false);
    assert_int_equal(head_of(&a.tr->program), 1);
    side_close(&a);
}

/* V is no multiple of a span, nor rows of a block. */
static void test_heads(void **state)
{
    char path[64], task[128];
    double worst = 0;

    (void)state;
    heads = 0;
    many_symbols(path, sizeof path, 3600);
    (void)snprintf(task, sizeof task, "n_ctx=%d stats=%s", T, path);
    for (int i = 0; !SANITIZED && i < N_HEADS; i++) {
        for (int some = 0; some < 2 - i % 2; some++)
            assert_int_equal(compare(&HEADS[i], task, "slots=1", some, &worst),
                             3);
    }
    printf("  %d heads: %.1e\n", heads, worst);
    assert_int_equal(heads, SANITIZED ? 0 : 5);
    if (SANITIZED)
        look_at_head(task);
    else
        same_bits(&HEADS[1], task);
    (void)remove(path);
}

static void test_threads(void **state)
{
    double worst = 0;

    (void)state;
    assert_int_equal(compare(&WIDE, TASK, "", true, &worst), 3);
    assert_int_equal(compare(&PART, TASK, "", false, &worst), 3);
    printf("  wide: %.1e\n", worst);
    if (!SANITIZED) same_bits(&WIDE, TASK);
    same_bits(&PART, TASK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
