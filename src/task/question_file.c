/* Lines drawn one after the other, each once; see question_file.h. */
#include "task/question_file.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"

/* Draws of one line that was there before, after which there are no more. */
enum { TRIES = 100000 };

/* The set of lines: places in a table of twice as many, at least. */
typedef struct set {
    uint32_t *slot; /* line + 1; 0: free */
    uint64_t mask;
} set;

static uint64_t hash(const uint16_t *word, size_t n)
{
    uint64_t h = 0xcbf29ce484222325; /* FNV-1a */

    for (size_t i = 0; i < n; i++) h = (h ^ word[i]) * 0x100000001b3;
    return h ^ h >> 29;
}

/* Adds the line behind the last; false: it is there already. */
static bool add(set *s, egi_lines *l)
{
    const uint16_t *line = l->word + l->at[l->n];
    size_t n = l->at[l->n + 1] - l->at[l->n];
    uint64_t i = hash(line, n) & s->mask;

    for (; s->slot[i]; i = (i + 1) & s->mask) {
        uint32_t k = s->slot[i] - 1;

        if (l->at[k + 1] - l->at[k] == n &&
            memcmp(l->word + l->at[k], line, n * sizeof *line) == 0)
            return false;
    }
    s->slot[i] = (uint32_t)++l->n;
    return true;
}

/* Room for n lines, and the set. */
static eg_status make(egi_lines *l, set *s, int64_t n, eg_err *err)
{
    uint64_t slots = 4;

    while (slots < 2 * (uint64_t)n) slots *= 2;
    s->mask = slots - 1;
    s->slot = eg_calloc(slots, sizeof *s->slot);
    l->at = eg_calloc((size_t)n + 1, sizeof *l->at);
    l->word = eg_calloc((size_t)n * EGI_HALF, sizeof *l->word);
    if (s->slot && l->at && l->word) return EG_OK;
    return EG_FAIL(err, EG_ENOMEM, "%lld lines", (long long)n);
}

/* One more line, other than all before. */
static eg_status next(egi_lines *l, set *s, const egi_grammar *g, eg_rng *rng,
                      eg_err *err)
{
    for (int i = 0; i < TRIES; i++) {
        egi_walk w = {.at = 0};
        uint32_t at = l->at[l->n];

        while (!w.done) l->word[at++] = (uint16_t)egi_walk_draw(g, &w, rng);
        l->at[l->n + 1] = at;
        if (add(s, l)) return EG_OK;
    }
    return EG_FAIL(err, EG_EINVAL,
                   "task.lines: expected lines that are all different, found "
                   "none after %lld in %d draws",
                   (long long)l->n, TRIES);
}

/* Gives back what lines shorter than the longest have left. */
static void shrink(egi_lines *l)
{
    uint16_t *word = eg_realloc(l->word, l->at[l->n] * sizeof *word);

    if (word) l->word = word;
}

eg_status egi_lines_draw(egi_lines *out, const egi_grammar *g, int64_t n,
                         eg_rng *rng, eg_err *err)
{
    set s = {.slot = NULL};
    eg_status st;

    *out = (egi_lines){.n = 0};
    EG_TRY(make(out, &s, n, err));
    while (out->n < n) EG_TRY(next(out, &s, g, rng, err));
    shrink(out);
done:
    eg_free(s.slot);
    if (st != EG_OK) egi_lines_release(out);
    return st;
}

eg_status egi_lines_general(egi_lines *out, int dets, int64_t n, eg_rng *rng,
                            eg_err *err)
{
    egi_grammar g[2];
    set s = {.slot = NULL};
    int64_t left[2] = {llround(2 * (double)n / 3)}; /* of each sort */
    eg_status st;

    left[1] = n - left[0];
    for (int k = 0; k < 2; k++) egi_grammar_general(&g[k], k == 1, dets);
    *out = (egi_lines){.n = 0};
    EG_TRY(make(out, &s, n, err));
    while (out->n < n) {
        int k = eg_rng_below(rng, (uint32_t)(left[0] + left[1])) >= left[0];

        EG_TRY(next(out, &s, &g[k], rng, err));
        left[k]--;
    }
    shrink(out);
done:
    eg_free(s.slot);
    if (st != EG_OK) egi_lines_release(out);
    return st;
}

void egi_lines_release(egi_lines *l)
{
    eg_free(l->at);
    eg_free(l->word);
    *l = (egi_lines){.n = 0};
}
