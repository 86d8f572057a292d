/* Question formation (McCoy, Frank and Linzen 2020, as a language model after
 * Murty et al. 2023): a line is a sentence, `decl` or `quest`, and then the
 * sentence again, or its question:
 *
 *     my walrus does giggle . quest does my walrus giggle ?
 *
 * Training reads a finite file, in another order in each epoch, or lines drawn
 * anew. Files are drawn once, whatever the seed: training, validation, test one
 * behind the other, no line twice; and the generalisation set. */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "task/kind.h"
#include "task/question_file.h"
#include "task/shuffle.h"

#define EG_FIELDS_OWNER eg_task_opts
static EG_FIELDS_TABLE(fields, EG_QUESTION_FIELDS)

typedef struct question {
    egi_grammar law;         /* of lines */
    egi_lines file, general; /* file: training, validation, test */
    int64_t first[EG_SET_FRESH], n[EG_SET_FRESH]; /* lines of a set */
    /* Facts: nats a token of the law; of each file, by the law; by label, and
     * how often the label is in a line. */
    double rate, file_rate[EG_SET_GEN];
    egi_expect by_label;
} question;

/* ---- a line ---------------------------------------------------------------
 */

static void put_at(eg_seq *out, int t, int32_t word, int label)
{
    out->targets[t] = word;
    out->labels[t] = label;
    if (t + 1 < EGI_LINE_CTX) out->tokens[t + 1] = word;
}

/* The sequence of a first half of n words, its tag the last. */
static void write_line(const eg_task *task, const int32_t *half, int n,
                       eg_seq *out)
{
    const question *q = task->state;
    int32_t answer[EGI_SENTENCE] = {0};
    egi_walk w = {.at = 0};
    bool asks;
    double nats;
    int t;

    EG_ASSERT(n > 0);
    memset(out->tokens, 0, (size_t)task->io.n_ctx * sizeof *out->tokens);
    memset(out->labels, 0, (size_t)task->io.n_ctx * sizeof *out->labels);
    memset(out->targets, 0xff, (size_t)task->io.n_ctx * sizeof *out->targets);
    out->tokens[0] = EGI_LINE_START;
    for (t = 0; t < n; t++) {
        int label = egi_walk_label(&w);
        bool known = egi_walk_take(&q->law, &w, half[t], &nats);

        EG_ASSERT(known);
        put_at(out, t, half[t], label);
    }
    asks = egi_question_class(half[n - 1]) == EGI_QUEST;
    egi_question_answer(half, &w, answer);
    for (int i = 0; i < n - 1; i++, t++)
        put_at(out, t, answer[i], asks && i == 0 ? EGI_Q_FRONT : EGI_Q_COPY);
    put_at(out, t, EGI_LINE_END, EGI_Q_END);
}

static void fresh_line(const eg_task *task, eg_rng *rng, eg_seq *out)
{
    const question *q = task->state;
    int32_t half[EGI_HALF] = {0};
    egi_walk w = {.at = 0};

    while (!w.done) {
        int at = w.words;

        half[at] = egi_walk_draw(&q->law, &w, rng);
    }
    write_line(task, half, w.words, out);
}

static void line_of(const eg_task *task, int set, int64_t i, eg_seq *out)
{
    const question *q = task->state;
    const egi_lines *l = set == EG_SET_GEN ? &q->general : &q->file;
    int64_t k = q->first[set] + i;
    int n = (int)(l->at[k + 1] - l->at[k]);
    int32_t half[EGI_HALF] = {0};

    for (int j = 0; j < n; j++) half[j] = l->word[l->at[k] + (uint32_t)j];
    write_line(task, half, n, out);
}

static void question_at(const eg_task *task, eg_split split, uint64_t step,
                        uint32_t index, eg_rng *rng, eg_seq *out)
{
    const question *q = task->state;
    const eg_task_opts *o = &task->opts;
    int set = (int)(split == EG_PROBE ? o->probe_set : o->test_set);

    if (split == EG_TRAIN)
        set = o->lines_from == EG_LINES_LAW ? EG_SET_FRESH : EG_SET_TRAIN;
    if (set == EG_SET_FRESH)
        fresh_line(task, rng, out);
    else if (split == EG_TRAIN)
        line_of(task, set, egi_shuffle_epoch(task, q->n[set], step, index, 1),
                out);
    else if (split == EG_PROBE)
        line_of(task, set, eg_rng_below(rng, (uint32_t)q->n[set]), out);
    else
        line_of(task, set, index % q->n[set], out);
}

static bool question_nats(const eg_task *task, const int32_t *targets,
                          double *nats)
{
    const question *q = task->state;
    egi_walk w = {.at = 0};
    int t = 0;

    memset(nats, 0, (size_t)task->io.n_ctx * sizeof *nats);
    while (!w.done)
        if (!egi_walk_take(&q->law, &w, targets[t], &nats[t]))
            return false;
        else
            t++;
    return true;
}

/* ---- sets by name, for whoever writes them out ----------------------------
 */

static bool question_set(const eg_task *task, int i, const char **name,
                         int64_t *lines)
{
    static const char *const names[] = {"train", "val", "test", "gen", "fresh"};
    const question *q = task->state;

    if (i > EG_SET_FRESH) return false;
    *name = names[i];
    *lines = i == EG_SET_FRESH ? -1 : q->n[i];
    return true;
}

static void question_line(const eg_task *task, int set, int64_t i, eg_seq *out)
{
    eg_rng rng =
        eg_rng_make(task->seed, EG_RNG_USER, (uint64_t)i >> 32, (uint32_t)i);

    if (set == EG_SET_FRESH)
        fresh_line(task, &rng, out);
    else
        line_of(task, set, i, out);
}

/* As the released files: a tab behind the tag. */
static void question_print(const eg_task *task, const eg_seq *s,
                           eg_task_put put, void *ctx)
{
    char buf[EG_TASK_WORD];

    (void)task;
    for (int t = 0; s->targets[t] != EGI_LINE_END; t++) {
        const char *word = egi_question_word(s->targets[t], buf);
        bool tag = t > 0 && s->labels[t - 1] == EGI_Q_TAG;

        if (t > 0) put(ctx, tag ? "\t" : " ", 1);
        put(ctx, word, strlen(word));
    }
}

static const char *question_word(const eg_task *task, int token,
                                 char buf[EG_TASK_WORD])
{
    (void)task;
    return egi_question_word(token, buf);
}

/* ---- making ---------------------------------------------------------------
 */

static double total(const double *by_label)
{
    double sum = 0;

    for (int i = 0; i < EGI_Q_LABELS; i++) sum += by_label[i];
    return sum;
}

/* Mean -log p a token of lines of the file, by the law of lines. */
static double rate_of(const question *q, int64_t first, int64_t n)
{
    const egi_lines *l = &q->file;
    double nats = 0, tokens = 0, one = 0;

    for (int64_t k = first; k < first + n; k++) {
        egi_walk w = {.at = 0};

        for (uint32_t j = l->at[k]; j < l->at[k + 1]; j++) {
            (void)egi_walk_take(&q->law, &w, l->word[j], &one);
            nats += one;
        }
        tokens += 2 * w.words; /* and the second half, and the end */
    }
    return n > 0 ? nats / tokens : 0;
}

static eg_status check(const eg_task *task, eg_err *err)
{
    const eg_task_opts *o = &task->opts;
    bool endless = o->lines_from == EG_LINES_LAW;
    const int64_t lines[] = {endless ? 0 : o->lines, o->val_lines,
                             o->test_lines, o->gen_lines, 1};
    const struct {
        const char *key;
        int64_t set;
    } reads[] = {{"probe_set", o->probe_set}, {"test_set", o->test_set}};

    if (task->io.n_ctx < EGI_LINE_CTX)
        return EG_FAIL(err, EG_EINVAL,
                       "task.n_ctx: expected at least %d, the longest line, "
                       "found %d",
                       EGI_LINE_CTX, task->io.n_ctx);
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        bool train = reads[i].set == EG_SET_TRAIN;
        char name[16];

        if (lines[reads[i].set] > 0) continue;
        (void)eg_choice(eg_field_find(fields, reads[i].key)->choices,
                        (int)reads[i].set, name, sizeof name);
        return EG_FAIL(err, EG_EINVAL,
                       "task.%s: %s: expected a set with lines, found "
                       "task.%s%s",
                       reads[i].key, name, train ? "lines_from" : name,
                       train ? ": law" : "_lines: 0");
    }
    return EG_OK;
}

static void question_free(void *state)
{
    question *q = state;

    if (!q) return;
    egi_lines_release(&q->file);
    egi_lines_release(&q->general);
    eg_free(q);
}

static eg_status question_make(eg_task *task, eg_err *err)
{
    const eg_task_opts *o = &task->opts;
    int dets = (int)o->determiners;
    bool endless = o->lines_from == EG_LINES_LAW;
    eg_rng rng = eg_rng_make((uint64_t)o->file_draw, EG_RNG_TASK, 0, 2);
    question *q;
    eg_status st = check(task, err);

    if (st != EG_OK) return st;
    task->io.d_vocab =
        EGI_QUESTION_VOCAB + (dets > EGI_DETS ? dets - EGI_DETS : 0);
    task->state = q = eg_calloc(1, sizeof *q);
    if (!q) return EG_FAIL(err, EG_ENOMEM, "question formation");
    egi_grammar_make(&q->law, (int)o->weights, dets);
    q->n[EG_SET_TRAIN] = endless ? 0 : o->lines;
    q->n[EG_SET_VAL] = o->val_lines;
    q->n[EG_SET_TEST] = o->test_lines;
    q->n[EG_SET_GEN] = o->gen_lines;
    q->first[EG_SET_VAL] = q->n[EG_SET_TRAIN];
    q->first[EG_SET_TEST] = q->first[EG_SET_VAL] + o->val_lines;
    EG_TRY(egi_lines_draw(&q->file, &q->law,
                          q->first[EG_SET_TEST] + o->test_lines, &rng, err));
    rng = eg_rng_make((uint64_t)o->file_draw, EG_RNG_TASK, 0, 3);
    EG_TRY(egi_lines_general(&q->general, dets, o->gen_lines, &rng, err));
    egi_grammar_expect(&q->law, &q->by_label);
    q->rate = total(q->by_label.nats) / total(q->by_label.count);
    for (int i = 0; i < EG_SET_GEN; i++)
        q->file_rate[i] = rate_of(q, q->first[i], q->n[i]);
done:
    return st;
}

static bool question_fact(const eg_task *task, const char *name, eg_view *out)
{
    question *q = task->state;
    const struct {
        const char *name;
        double *data;
        eg_index n;
    } fact[] = {{"rate", &q->rate, 1},
                {"rate_train", &q->file_rate[EG_SET_TRAIN], 1},
                {"rate_val", &q->file_rate[EG_SET_VAL], 1},
                {"rate_test", &q->file_rate[EG_SET_TEST], 1},
                {"label_nats", q->by_label.nats, EGI_Q_LABELS},
                {"label_count", q->by_label.count, EGI_Q_LABELS}};

    for (size_t i = 0; i < sizeof fact / sizeof *fact; i++) {
        if (strcmp(fact[i].name, name) != 0) continue;
        *out = (eg_view){.data = fact[i].data,
                         .dtype = EG_F64,
                         .ndim = 1,
                         .shape = {fact[i].n}};
        return fact[i].n > 1 || *fact[i].data > 0; /* of no lines: none */
    }
    return false;
}

static const char *const facts[] = {"rate", "rate_train", "rate_val",
                                    "rate_test", NULL};

static const eg_group groups[] = {
    {"first", EGI_Q_TAG, EGI_Q_STOP, "the sentence and its tag"},
    {"second", EGI_Q_FRONT, EGI_Q_END,
     "what follows the tag, a function of the first half"},
    {"tag", EGI_Q_TAG, EGI_Q_TAG, "decl or quest"},
    {"untagged", EGI_Q_DET, EGI_Q_END, "all but the tag"},
    {"sentence", EGI_Q_DET, EGI_Q_STOP, "the first half without its tag"},
    {"det", EGI_Q_DET, EGI_Q_DET, "determiners of the sentence"},
    {"noun", EGI_Q_NOUN, EGI_Q_NOUN, "its nouns"},
    {"after_subject", EGI_Q_AFTER_SUBJECT, EGI_Q_AFTER_SUBJECT,
     "behind the subject's noun: auxiliary, preposition or relative pronoun"},
    {"after_object", EGI_Q_AFTER_OBJECT, EGI_Q_AFTER_OBJECT,
     "behind the object's noun: its end, preposition or relative pronoun"},
    {"relative", EGI_Q_RELATIVE, EGI_Q_RELATIVE,
     "in relative clauses, determiners and nouns left out"},
    {"aux", EGI_Q_AUX, EGI_Q_AUX, "the main auxiliary behind a modifier"},
    {"verb", EGI_Q_VERB, EGI_Q_VERB, "the main verb"},
    {"front", EGI_Q_FRONT, EGI_Q_FRONT,
     "the first word behind quest: which auxiliary moves"},
    {NULL, 0, 0, NULL}};

const egi_task_kind egi_task_question_formation = {
    .name = "question_formation",
    .help = "English sentences of a small grammar, said again or turned into "
            "questions (McCoy et al. 2020), with exact probabilities",
    .fields = fields,
    .groups = groups,
    .loss = "all",
    .make = question_make,
    .free = question_free,
    .at = question_at,
    .fact = question_fact,
    .nats = question_nats,
    .set = question_set,
    .line = question_line,
    .word = question_word,
    .print = question_print,
    .facts = facts,
};
