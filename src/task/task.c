/* Tasks: the table of kinds, and what all of them share. */
#include <string.h>

#include "base/text.h"
#include "engram/mem.h"
#include "task/kind.h"

#define EG_FIELDS_OWNER eg_task_opts
EG_FIELDS_TABLE(eg_task_fields, EG_TASK_FIELDS)

/* In the order of task.kind. */
static const egi_task_kind *const kinds[EG_TASK_KINDS] = {
    &egi_task_bigram,
    &egi_task_markov,
    &egi_task_linear,
    &egi_task_uniform,
    &egi_task_nonlinear,
    &egi_task_regression,
    &egi_task_question_formation,
    &egi_task_text};

static const eg_group all = {"all", INT32_MIN, INT32_MAX,
                             "every position with a target"};

const char *eg_task_kind_name(int i, const char **help)
{
    if (i < 0 || i >= EG_TASK_KINDS) return NULL;
    if (help) *help = kinds[i]->help;
    return kinds[i]->name;
}

bool eg_task_option_of(int kind, const char *name)
{
    char none[8];

    return eg_field_find(kinds[kind]->fields, name) != NULL ||
           (eg_field_find(eg_task_fields, name) &&
            !eg_task_option_kinds(none, sizeof none, name));
}

bool eg_task_option_kinds(char *buf, size_t size, const char *name)
{
    egi_text t = egi_text_on(buf, size);
    int n = 0, left = 0;

    buf[0] = '\0';
    for (int k = 0; k < EG_TASK_KINDS; k++)
        left += eg_field_find(kinds[k]->fields, name) != NULL;
    for (int k = 0; left > 0; k++) {
        if (!eg_field_find(kinds[k]->fields, name)) continue;
        egi_text_add(&t, "%s%s",
                     n == 0      ? ""
                     : left == 1 ? " or "
                                 : ", ",
                     kinds[k]->name);
        n++;
        left--;
    }
    return n > 0;
}

const eg_group *eg_task_group(int kind, int i)
{
    const eg_group *g = kinds[kind]->groups;

    if (i == 0) return &all;
    for (; i > 1 && g->name; i--) g++;
    return g->name ? g : NULL;
}

const eg_group *eg_task_group_find(int kind, const char *name)
{
    const eg_group *g;

    if (!name[0]) name = kinds[kind]->loss;
    for (int i = 0; (g = eg_task_group(kind, i)); i++)
        if (strcmp(g->name, name) == 0) return g;
    return NULL;
}

/* Is the option off its default? */
static bool given(const eg_task_opts *o, const eg_field *f)
{
    eg_task_opts def;
    char now[EG_TEXT + 32], usual[EG_TEXT + 32];

    eg_fields_default(eg_task_fields, &def);
    eg_field_format(f, o, now, sizeof now);
    eg_field_format(f, &def, usual, sizeof usual);
    return strcmp(now, usual) != 0;
}

/* Options of other kinds keep their defaults, or somebody is mistaken. */
static eg_status check_options(const eg_task_opts *o, eg_err *err)
{
    for (const eg_field *f = eg_task_fields; f->name; f++) {
        char owners[EG_TEXT];

        if (eg_task_option_of((int)o->kind, f->name) || !given(o, f)) continue;
        eg_task_option_kinds(owners, sizeof owners, f->name);
        return EG_FAIL(err, EG_EINVAL,
                       "task.%s: an option of kind %s, and task.kind is %s",
                       f->name, owners, kinds[o->kind]->name);
    }
    if (o->n_ctx < 2 || o->n_ctx > 1048576)
        return EG_FAIL(err, EG_EINVAL,
                       "task.n_ctx: %lld: expected 2 to 1048576",
                       (long long)o->n_ctx);
    return EG_OK;
}

eg_status egi_option_only(const eg_task_opts *o, bool used, const char *name,
                          const char *when, eg_err *err)
{
    if (used || !given(o, eg_field_find(eg_task_fields, name))) return EG_OK;
    return EG_FAIL(err, EG_EINVAL, "task.%s: an option of %s alone", name,
                   when);
}

eg_status eg_task_new(eg_task **out, const eg_task_opts *opts, uint64_t seed,
                      eg_err *err)
{
    eg_status st = EG_OK;
    eg_task *t = eg_calloc(1, sizeof *t);

    *out = NULL;
    if (!t) return EG_FAIL(err, EG_ENOMEM, "task");
    EG_ASSERT(opts->kind >= 0 && opts->kind < EG_TASK_KINDS);
    t->kind = kinds[opts->kind];
    t->opts = *opts;
    t->seed = seed;
    t->batch = 1;
    t->io.n_ctx = (int)opts->n_ctx;
    EG_TRY(check_options(opts, err));
    EG_TRY(t->kind->make(t, err));
    *out = t;
    t = NULL;
done:
    eg_task_free(t);
    return st;
}

void eg_task_free(eg_task *task)
{
    if (!task) return;
    if (task->kind->free) task->kind->free(task->state);
    eg_free(task);
}

void eg_task_sequence(const eg_task *task, eg_split split, uint64_t step,
                      uint32_t index, eg_seq *out)
{
    eg_rng rng;

    if (split == EG_TEST)
        rng = eg_rng_make(0, EG_RNG_TEST, 0, index);
    else
        rng = eg_rng_make(task->seed,
                          split == EG_TRAIN ? EG_RNG_TRAIN : EG_RNG_PROBE, step,
                          index);
    if (task->kind->at)
        task->kind->at(task, split, step, index, &rng, out);
    else
        task->kind->sequence(task, split, &rng, out);
}

void eg_task_set_batch(eg_task *task, int64_t batch)
{
    EG_ASSERT(batch > 0);
    task->batch = batch;
}

eg_status eg_task_trouble(const eg_task *task, eg_err *err)
{
    return task->kind->trouble ? task->kind->trouble(task, err) : EG_OK;
}

const eg_tokenizer *eg_task_tokenizer(const eg_task *task)
{
    return task->kind->tokenizer ? task->kind->tokenizer(task) : NULL;
}

const eg_task_opts *eg_task_options(const eg_task *task)
{
    return &task->opts;
}

eg_io eg_task_io(const eg_task *task)
{
    return task->io;
}

int eg_task_vocab(const eg_task *task)
{
    return task->io.d_vocab;
}

int eg_task_ctx(const eg_task *task)
{
    return task->io.n_ctx;
}

bool eg_task_fact(const eg_task *task, const char *name, eg_view *out)
{
    return task->kind->fact && task->kind->fact(task, name, out);
}

bool eg_task_features(const eg_task *task, double *out, const double *state)
{
    if (!task->kind->features) return false;
    if (out) task->kind->features(task, out, state);
    return true;
}

static const double *law(const eg_task *task, const char *name)
{
    eg_view v;

    return eg_task_fact(task, name, &v) ? v.data : NULL;
}

const double *eg_task_unigram(const eg_task *task)
{
    return law(task, "unigram");
}

const double *eg_task_bigram(const eg_task *task)
{
    return law(task, "bigram");
}

int32_t eg_task_symbol(const eg_task *task, int token)
{
    EG_ASSERT(token >= 0 && token < task->io.d_vocab);
    return task->kind->symbol ? task->kind->symbol(task, token) : 0;
}

eg_status eg_seq_new(eg_seq *s, const eg_task *task, eg_err *err)
{
    eg_io io = task->io;
    size_t T = (size_t)io.n_ctx;

    *s = (eg_seq){.targets = eg_calloc(T, sizeof *s->targets),
                  .labels = eg_calloc(T, sizeof *s->labels)};
    if (io.d_vocab > 0) s->tokens = eg_calloc(T, sizeof *s->tokens);
    if (io.n_in > 0) s->inputs = eg_calloc(T * (size_t)io.n_in, sizeof(double));
    if (io.n_out > 0)
        s->outputs = eg_calloc(T * (size_t)io.n_out, sizeof(double));
    if (io.n_eos + io.n_prefix > 0)
        s->prompts = eg_calloc(T, sizeof *s->prompts);
    if (s->targets && s->labels && (s->tokens || io.d_vocab == 0) &&
        (s->inputs || io.n_in == 0) && (s->outputs || io.n_out == 0) &&
        (s->prompts || io.n_eos + io.n_prefix == 0))
        return EG_OK;
    eg_seq_release(s);
    return EG_FAIL(err, EG_ENOMEM, "a sequence of %d positions", io.n_ctx);
}

void eg_seq_release(eg_seq *s)
{
    eg_free(s->tokens);
    eg_free(s->targets);
    eg_free(s->labels);
    eg_free(s->inputs);
    eg_free(s->outputs);
    eg_free(s->prompts);
    *s = (eg_seq){0};
}
