/* One sequence of the bigram model. Draws are made in this order: triggers,
 * outputs, first token, then one draw for each token after a non-trigger (and,
 * with `shuffle`, after every trigger). */
#include "task/bigram.h"

#include <string.h>

/* Rejection is exact whenever it stops; after this many misses the draw is
 * made from the renormalised law by a scan, which has the same law. */
#define MAX_MISSES 32

typedef struct triggers {
    int n;
    int32_t token[EGI_MAX_TRIGGERS], output[EGI_MAX_TRIGGERS];
    int32_t seen[EGI_MAX_TRIGGERS];
    uint8_t place[EGI_TASK_MAX_SYMBOLS]; /* k + 1 for trigger k, else 0 */
} triggers;

static void add_trigger(triggers *q, int32_t x)
{
    q->token[q->n++] = x;
    q->place[x] = (uint8_t)q->n;
}

/* From p[n] restricted to what is no trigger (skip < 0) or is not skip. */
static int32_t draw_rest(const double *p, int n, const triggers *q, int skip,
                         eg_rng *rng)
{
    double mass = 0, u = eg_rng_uniform(rng);
    int32_t last = 0;

    for (int pass = 0; pass < 2; pass++) {
        double at = 0;

        for (int32_t i = 0; i < n; i++) {
            if (p[i] <= 0 || (skip < 0 ? q->place[i] : i == skip)) continue;
            at += p[i];
            last = i;
            if (pass == 1 && at > u * mass) return i;
        }
        mass = at;
    }
    return last; /* u * mass rounded up to mass */
}

/* Step 1: K distinct tokens, each drawn from pi_u without those before. */
static void draw_triggers(const egi_bigram *task, triggers *q, eg_rng *rng)
{
    int misses = 0;

    while (q->n < task->opts.n_triggers) {
        int32_t x = egi_alias_draw(task->first.cell, task->first.n, rng);

        if (q->place[x]) {
            if (++misses < MAX_MISSES) continue;
            x = draw_rest(task->unigram, task->n_symbols, q, -1, rng);
        }
        add_trigger(q, x);
        misses = 0;
    }
}

/* Step 2: what follows trigger x. */
static int32_t draw_output(const egi_bigram *task, const egi_outputs *o,
                           const triggers *q, int32_t x, eg_rng *rng)
{
    bool no_repeat = task->opts.no_repeat;

    if (o->bigram) {
        egi_law law = task->row[x];

        for (int misses = 0; misses < MAX_MISSES; misses++) {
            int32_t y = egi_alias_draw(law.cell, law.n, rng);

            if (!no_repeat || y != x) return y;
        }
        return draw_rest(task->bigram + (eg_index)x * task->n_symbols,
                         task->n_symbols, q, x, rng);
    }
    if (no_repeat && x >= o->lo && x < o->hi) {
        uint32_t n = (uint32_t)(o->hi - o->lo - 1);
        int32_t y = o->lo + (int32_t)eg_rng_below(rng, n);

        return y < x ? y : y + 1;
    }
    return o->lo + (int32_t)eg_rng_below(rng, (uint32_t)(o->hi - o->lo));
}

/* The triggers as the first tokens: no label, no target. */
static eg_index write_latents(const triggers *q, eg_seq *out)
{
    for (int k = 0; k < q->n; k++) {
        out->tokens[k] = q->token[k];
        out->targets[k] = -1;
        out->labels[k] = -1;
    }
    return q->n;
}

void egi_bigram_sequence(const egi_bigram *task, const egi_outputs *outputs,
                         eg_rng *rng, eg_seq *out)
{
    triggers q;
    eg_index T = (eg_index)task->opts.n_ctx, t = 0;
    bool counted = task->opts.occurrences == EG_OCCUR_COUNTED;
    int32_t x = 0;

    q.n = 0;
    memset(q.place, 0, (size_t)task->n_symbols);
    for (int k = 0; k < task->n_fixed; k++) add_trigger(&q, task->fixed[k]);
    if (task->n_fixed == 0) draw_triggers(task, &q, rng);
    for (int k = 0; k < q.n; k++) {
        q.output[k] = draw_output(task, outputs, &q, q.token[k], rng);
        q.seen[k] = 0;
    }
    if (task->opts.show_latents) t = write_latents(&q, out);

    /* steps 3 to 5 */
    x = egi_alias_draw(task->first.cell, task->first.n, rng);
    for (; t < T; t++) {
        out->tokens[t] = x;
        out->labels[t] = 0;
        if (q.place[x]) {
            int k = q.place[x] - 1;

            q.seen[k]++;
            out->labels[t] = counted ? q.seen[k] : 1;
            x = task->opts.shuffle ? draw_output(task, outputs, &q, x, rng)
                                   : q.output[k];
        } else {
            x = egi_alias_draw(task->row[x].cell, task->row[x].n, rng);
        }
        out->targets[t] = x;
    }
}
