/* Tasks as sets of sequences in an order, and tokens as words. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "task/kind.h"

bool eg_task_set(const eg_task *task, int i, const char **name, int64_t *lines)
{
    static const char *const splits[] = {"train", "probe", "test"};

    if (i < 0) return false;
    if (task->kind->set) return task->kind->set(task, i, name, lines);
    if (i > 2) return false;
    *name = splits[i];
    *lines = -1;
    return true;
}

/* Of splits, what training reads, and what steps of probes would: one behind
 * the other. */
void eg_task_line(const eg_task *task, int i, int64_t k, eg_seq *out)
{
    static const eg_split splits[] = {EG_TRAIN, EG_PROBE, EG_TEST};

    if (task->kind->line) {
        task->kind->line(task, i, k, out);
        return;
    }
    eg_task_sequence(task, splits[i], (uint64_t)(k / task->batch),
                     (uint32_t)(i == 2 ? k : k % task->batch), out);
}

static void put_word(const eg_task *task, int token, bool spaced,
                     eg_task_put put, void *ctx)
{
    char buf[EG_TASK_WORD];
    const char *word = eg_task_word(task, token, buf);

    if (spaced) put(ctx, " ", 1);
    put(ctx, word, strlen(word));
}

void eg_task_print(const eg_task *task, const eg_seq *s, eg_task_put put,
                   void *ctx)
{
    bool spaced = !task->kind->symbol;

    if (task->kind->print) {
        task->kind->print(task, s, put, ctx);
        return;
    }
    put_word(task, s->tokens[0], false, put, ctx);
    for (int t = 0; t < task->io.n_ctx && s->targets[t] >= 0; t++)
        put_word(task, s->targets[t], spaced, put, ctx);
}

const char *eg_task_fact_name(const eg_task *task, int i)
{
    const char *const *names = task->kind->facts;

    if (!names || i < 0) return NULL;
    for (; i > 0 && *names; i--) names++;
    return *names;
}

bool eg_task_nats(const eg_task *task, const int32_t *targets, double *nats)
{
    if (!task->kind->nats) return false;
    return !nats || task->kind->nats(task, targets, nats);
}

const char *eg_task_word(const eg_task *task, int token, char buf[EG_TASK_WORD])
{
    int32_t c;

    EG_ASSERT(token >= 0 && token < task->io.d_vocab);
    if (task->kind->word) return task->kind->word(task, token, buf);
    c = eg_task_symbol(task, token);
    if (c == 0)
        (void)snprintf(buf, EG_TASK_WORD, "%d", token);
    else if (c == '\n' || c == '\r' || c == '\t' || c == '\\')
        (void)snprintf(buf, EG_TASK_WORD, "\\%c",
                       c == '\n'   ? 'n'
                       : c == '\r' ? 'r'
                       : c == '\t' ? 't'
                                   : '\\');
    else
        buf[egi_utf8_put(buf, (uint32_t)c)] = '\0';
    return buf;
}
