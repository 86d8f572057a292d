/* Tasks: options checked, tables made, streams chosen. */
#include "engram/task.h"
#include "engram/mem.h"
#include "task/bigram.h"
#include "task/stats.h"

#include <stdlib.h>
#include <string.h>

#define EG_FIELDS_OWNER eg_task_opts
EG_FIELDS_TABLE(eg_task_fields, EG_TASK_FIELDS)

static int row_length(const egi_stats *s, int i)
{
    return (int)(s->row[i + 1] - s->row[i]);
}

static eg_status alloc_tables(eg_task *t, const egi_stats *s, eg_err *err)
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
static eg_status fill_tables(eg_task *t, const egi_stats *s, eg_err *err)
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
static void rank_triggers(eg_task *t, const egi_stats *s)
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
    if (o->n_ctx < 2 || o->n_ctx > 1048576)
        return EG_FAIL(err, EG_EINVAL,
                       "task.n_ctx: %lld: expected 2 to 1048576",
                       (long long)o->n_ctx);
    if (o->show_latents && o->n_ctx <= o->n_triggers)
        return EG_FAIL(err, EG_EINVAL,
                       "task.n_ctx: %lld: the %lld triggers shown by "
                       "task.show_latents leave no room for a sequence",
                       (long long)o->n_ctx, (long long)o->n_triggers);
    return EG_OK;
}

/* Ranges of the output laws; a pool must keep a token when no_repeat takes
 * the trigger out. */
static eg_status choose_outputs(eg_task *t, eg_err *err)
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
static eg_status check_no_repeat(const eg_task *t, eg_err *err)
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

eg_status eg_task_new(eg_task **out, const eg_task_opts *opts, uint64_t seed,
                      eg_err *err)
{
    eg_status st = EG_OK;
    egi_stats s = {0};
    eg_task *t = eg_calloc(1, sizeof *t);

    *out = NULL;
    if (!t) {
        st = EG_FAIL(err, EG_ENOMEM, "bigram task");
        goto done;
    }
    t->opts = *opts;
    t->seed = seed;
    EG_TRY(egi_stats_load(&s, opts->stats, err));
    EG_TRY(check_sizes(opts, s.n_symbols, err));
    t->n_symbols = s.n_symbols;
    EG_TRY(alloc_tables(t, &s, err));
    EG_TRY(fill_tables(t, &s, err));
    if (opts->triggers == EG_TRIGGERS_FIXED) rank_triggers(t, &s);
    EG_TRY(choose_outputs(t, err));
    EG_TRY(check_no_repeat(t, err));
    *out = t;
    t = NULL;
done:
    egi_stats_release(&s);
    eg_task_free(t);
    return st;
}

void eg_task_free(eg_task *task)
{
    if (!task) return;
    eg_free(task->symbol);
    eg_free(task->unigram);
    eg_free(task->bigram);
    eg_free(task->cells);
    eg_free(task->row);
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
    egi_bigram_sequence(task, split == EG_TEST ? &task->test : &task->train,
                        &rng, out);
}

const eg_task_opts *eg_task_options(const eg_task *task)
{
    return &task->opts;
}

int eg_task_vocab(const eg_task *task)
{
    return task->n_symbols;
}

int eg_task_ctx(const eg_task *task)
{
    return (int)task->opts.n_ctx;
}

const double *eg_task_unigram(const eg_task *task)
{
    return task->unigram;
}

const double *eg_task_bigram(const eg_task *task)
{
    return task->bigram;
}

const int32_t *eg_task_fixed_triggers(const eg_task *task, int *n)
{
    *n = task->n_fixed;
    return task->n_fixed ? task->fixed : NULL;
}

int32_t eg_task_symbol(const eg_task *task, int token)
{
    EG_ASSERT(token >= 0 && token < task->n_symbols);
    return task->symbol[token];
}
