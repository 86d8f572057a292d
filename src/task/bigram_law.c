/* The bigram task: options checked, the law's tables made. */
#include <string.h>

#include "engram/mem.h"
#include "task/bigram.h"
#include "task/stats.h"

#define EG_FIELDS_OWNER eg_task_opts
static EG_FIELDS_TABLE(fields, EG_BIGRAM_FIELDS)

static int row_length(const egi_stats *s, int i)
{
    return (int)(s->row[i + 1] - s->row[i]);
}

static eg_status alloc_tables(egi_bigram *t, const egi_stats *s, eg_err *err)
{
    size_t v = (size_t)s->n_symbols;

    t->symbol = eg_calloc(v, sizeof *t->symbol);
    t->unigram = eg_calloc(v, sizeof *t->unigram);
    t->bigram = eg_calloc(v * v, sizeof *t->bigram);
    t->cells = eg_calloc(v + (size_t)s->n_pairs, sizeof *t->cells);
    t->row = eg_calloc(v, sizeof *t->row);
    if (!t->symbol || !t->unigram || !t->bigram || !t->cells || !t->row)
        return EG_FAIL(err, EG_ENOMEM, "bigram task of %d symbols",
                       s->n_symbols);
    return EG_OK;
}

/* pi_u, pi_b and their alias tables. A symbol without a successor (the last
 * character of the text, if it occurs once) is followed by pi_u: the text
 * says nothing about it. */
static eg_status fill_tables(egi_bigram *t, const egi_stats *s, eg_err *err)
{
    int v = s->n_symbols;
    egi_alias_cell *cell = t->cells;
    int64_t *work = eg_calloc(2 * (size_t)v, sizeof *work);

    if (!work) return EG_FAIL(err, EG_ENOMEM, "bigram task of %d symbols", v);
    memcpy(t->symbol, s->symbol, (size_t)v * sizeof *t->symbol);
    for (int i = 0; i < v; i++)
        t->unigram[i] = (double)s->unigram[i] / (double)s->length;
    egi_alias_fill(cell, NULL, s->unigram, v, work);
    t->first = (egi_law){cell, (uint32_t)v};
    cell += v;
    for (int i = 0; i < v; i++) {
        double *row = t->bigram + (eg_index)i * v;
        eg_index at = s->row[i];
        int n = row_length(s, i);
        int64_t sum = 0;

        if (n == 0) {
            t->row[i] = t->first;
            memcpy(row, t->unigram, (size_t)v * sizeof *row);
            continue;
        }
        egi_alias_fill(cell, s->next + at, s->count + at, n, work);
        t->row[i] = (egi_law){cell, (uint32_t)n};
        cell += n;
        for (int p = 0; p < n; p++) sum += s->count[at + p];
        for (int p = 0; p < n; p++)
            row[s->next[at + p]] = (double)s->count[at + p] / (double)sum;
    }
    eg_free(work);
    return EG_OK;
}

/* The K most frequent tokens after the first `skip`, ascending; of equally
 * frequent ones the higher token counts as the more frequent. */
static void rank_triggers(egi_bigram *t, const egi_stats *s)
{
    int n = (int)t->opts.n_triggers, skip = (int)t->opts.trigger_skip;

    for (int i = 0; i < s->n_symbols; i++) {
        int above = 0;

        for (int j = 0; j < s->n_symbols; j++)
            above += s->unigram[j] > s->unigram[i] ||
                     (j > i && s->unigram[j] == s->unigram[i]);
        if (above >= skip && above < skip + n)
            t->fixed[n - 1 - (above - skip)] = i;
    }
    t->n_fixed = n;
}

static eg_status check_sizes(const eg_task_opts *o, int v, eg_err *err)
{
    if (v > EGI_TASK_MAX_SYMBOLS)
        return EG_FAIL(err, EG_EINVAL,
                       "task.stats: \"%s\" has %d symbols: the bigram task "
                       "takes %d at most",
                       o->stats, v, EGI_TASK_MAX_SYMBOLS);
    if (o->n_triggers < 1 || o->n_triggers > EGI_MAX_TRIGGERS)
        return EG_FAIL(err, EG_EINVAL,
                       "task.n_triggers: %lld: expected 1 to %d",
                       (long long)o->n_triggers, EGI_MAX_TRIGGERS);
    if (o->n_triggers > v)
        return EG_FAIL(err, EG_EINVAL,
                       "task.n_triggers: %lld triggers, but \"%s\" has only "
                       "%d symbols",
                       (long long)o->n_triggers, o->stats, v);
    if (o->triggers == EG_TRIGGERS_FIXED &&
        (o->trigger_skip < 0 || o->trigger_skip > v - o->n_triggers))
        return EG_FAIL(err, EG_EINVAL,
                       "task.trigger_skip: %lld skipped and %lld triggers, "
                       "but \"%s\" has only %d symbols",
                       (long long)o->trigger_skip, (long long)o->n_triggers,
                       o->stats, v);
    if (o->triggers != EG_TRIGGERS_FIXED && o->trigger_skip != 0)
        return EG_FAIL(err, EG_EINVAL,
                       "task.trigger_skip: %lld: only fixed triggers can skip",
                       (long long)o->trigger_skip);
    if (o->show_latents && o->n_ctx <= o->n_triggers)
        return EG_FAIL(err, EG_EINVAL,
                       "task.n_ctx: %lld: the %lld triggers shown by "
                       "task.show_latents leave no room for a sequence",
                       (long long)o->n_ctx, (long long)o->n_triggers);
    return EG_OK;
}

/* Ranges of the output laws; a pool must keep a token when no_repeat takes
 * the trigger out. */
static eg_status choose_outputs(egi_bigram *t, eg_err *err)
{
    const eg_task_opts *o = &t->opts;
    int v = t->n_symbols, cut = (int)((int64_t)v * 3 / 4);

    t->train = (egi_outputs){o->outputs == EG_OUTPUTS_BIGRAM, 0, v};
    t->test = t->train;
    if (o->test_outputs != EG_TEST_SAME)
        t->test.bigram = o->test_outputs == EG_TEST_BIGRAM;
    if (o->output_pool == EG_POOL_ALL) return EG_OK;
    if (t->train.bigram && t->test.bigram)
        return EG_FAIL(err, EG_EINVAL,
                       "task.output_pool: split cuts the pool of uniform "
                       "outputs, but outputs and test_outputs are bigram");
    if (cut - o->no_repeat < 1 || v - cut - o->no_repeat < 1)
        return EG_FAIL(err, EG_EINVAL,
                       "task.output_pool: split leaves too few of the %d "
                       "symbols: %d for training, %d for tests%s",
                       v, cut, v - cut,
                       o->no_repeat ? ", less the trigger itself" : "");
    t->train.hi = cut;
    t->test.lo = cut;
    return EG_OK;
}

/* With bigram outputs and no_repeat, every possible trigger needs a successor
 * other than itself. */
static eg_status check_no_repeat(const egi_bigram *t, eg_err *err)
{
    int n = t->n_fixed ? t->n_fixed : t->n_symbols;

    if (!t->opts.no_repeat || !(t->train.bigram || t->test.bigram))
        return EG_OK;
    for (int k = 0; k < n; k++) {
        int x = t->n_fixed ? t->fixed[k] : k;
        egi_law law = t->row[x];

        if (law.n == 1 && law.cell[0].self == x)
            return EG_FAIL(err, EG_EINVAL,
                           "task.no_repeat: U+%04X is only ever followed by "
                           "itself in \"%s\": as a trigger it has no output",
                           (unsigned)t->symbol[x], t->opts.stats);
    }
    return EG_OK;
}

static void bigram_free(void *state)
{
    egi_bigram *t = state;

    if (!t) return;
    eg_free(t->symbol);
    eg_free(t->unigram);
    eg_free(t->bigram);
    eg_free(t->cells);
    eg_free(t->row);
    eg_free(t);
}

static eg_status bigram_make(eg_task *task, eg_err *err)
{
    const eg_task_opts *opts = &task->opts;
    eg_status st = EG_OK;
    egi_stats s = {0};
    egi_bigram *t = eg_calloc(1, sizeof *t);

    if (!t) return EG_FAIL(err, EG_ENOMEM, "bigram task");
    task->state = t;
    t->opts = *opts;
    EG_TRY(egi_stats_load(&s, opts->stats, err));
    EG_TRY(check_sizes(opts, s.n_symbols, err));
    t->n_symbols = s.n_symbols;
    EG_TRY(alloc_tables(t, &s, err));
    EG_TRY(fill_tables(t, &s, err));
    if (opts->triggers == EG_TRIGGERS_FIXED) rank_triggers(t, &s);
    EG_TRY(choose_outputs(t, err));
    EG_TRY(check_no_repeat(t, err));
    task->io.d_vocab = s.n_symbols;
done:
    egi_stats_release(&s);
    return st;
}

static void bigram_sequence(const eg_task *task, eg_split split, eg_rng *rng,
                            eg_seq *out)
{
    const egi_bigram *t = task->state;

    egi_bigram_sequence(t, split == EG_TEST ? &t->test : &t->train, rng, out);
}

static bool bigram_fact(const eg_task *task, const char *name, eg_view *out)
{
    egi_bigram *t = task->state;
    eg_index v = t->n_symbols;

    if (strcmp(name, "unigram") == 0)
        *out = (eg_view){t->unigram, EG_F64, 1, {v}};
    else if (strcmp(name, "bigram") == 0)
        *out = (eg_view){t->bigram, EG_F64, 2, {v, v}};
    else if (strcmp(name, "triggers") == 0 && t->n_fixed > 0)
        *out = (eg_view){t->fixed, EG_I32, 1, {t->n_fixed}};
    else
        return false;
    return true;
}

static int32_t bigram_symbol(const eg_task *task, int token)
{
    const egi_bigram *t = task->state;

    return t->symbol[token];
}

/* A position's label is 0, or which occurrence of its trigger stands there (1,
 * 2, ...; with occurrences: one always 1); -1 for a token shown by
 * show_latents. */
static const eg_group groups[] = {
    {"global", 0, 0, "no trigger stands here: the bigram law is all there is"},
    {"first", 1, 1, "the first occurrence of a trigger: nobody can know"},
    {"later", 2, INT32_MAX,
     "second and later occurrences of triggers: the context has the answer"},
    {"triggers", 1, INT32_MAX, "all occurrences of triggers"},
    {"in_context", 2, INT32_MAX, "the same as later"},
    {NULL, 0, 0, NULL}};

const egi_task_kind egi_task_bigram = {
    .name = "bigram",
    .help = "text-like chains of characters in which every trigger has an "
            "output of its own (arXiv 2306.00802)",
    .fields = fields,
    .groups = groups,
    .loss = "later",
    .make = bigram_make,
    .free = bigram_free,
    .sequence = bigram_sequence,
    .fact = bigram_fact,
    .symbol = bigram_symbol,
};
