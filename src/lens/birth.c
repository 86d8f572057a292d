/* The lens of birth: what heads are, and what they copy. */
#include <string.h>

#include "lens/lens.h"

enum { HEAD_SEQUENCES = 16 };

static json_t *scores_json(const eg_head *h)
{
    json_t *o = json_object();
    bool bad = !o;

    for (int i = 0; eg_head_score(i); i++)
        egi_lens_put(o, eg_head_score(i)->name, egi_lens_num(h->score[i]),
                     &bad);
    return egi_json_whole(o, bad);
}

static json_t *heads_json(const eg_heads *heads)
{
    json_t *list = json_array();
    bool bad = !list;

    for (int i = 0; i < heads->n; i++) {
        const eg_head *h = &heads->row[i];
        json_t *o = scores_json(h);

        egi_lens_put(o, "layer", json_integer(h->layer), &bad);
        egi_lens_put(o, "head", json_integer(h->head), &bad);
        egi_lens_put(o, "is",
                     h->kind < 0 ? json_null()
                                 : json_string(eg_head_score(h->kind)->name),
                     &bad);
        egi_lens_add(list, o, &bad);
    }
    return egi_json_whole(list, bad);
}

eg_status egi_lens_birth(json_t **out, egi_lens *s, eg_err *err)
{
    eg_heads heads = {0};
    eg_err why = {0};
    json_t *o = NULL;
    bool bad = false;
    eg_status st = EG_OK;
    int count = s->count < HEAD_SEQUENCES ? s->count : HEAD_SEQUENCES;

    *out = NULL;
    if (s->V == 0) {
        why.msg[0] = '\0';
        st = EG_FAIL(&why, EG_EUNSUPPORTED,
                     "birth: vectors cannot be said twice, and are in no "
                     "table");
        return egi_lens_note(s, st, &why, err);
    }
    EG_TRY(eg_heads_measure(&heads, s->eval, s->m, s->spec->pool, count,
                            s->spec->seed, err));
    eg_heads_rank(&heads, 0.4);
    o = json_object();
    bad = !o;
    egi_lens_put(o, "even", scores_json(&heads.even), &bad);
    egi_lens_put(o, "heads", heads_json(&heads), &bad);
    egi_lens_put(o, "loss_first", egi_lens_num(heads.loss_first), &bad);
    egi_lens_put(o, "loss_again", egi_lens_num(heads.loss_again), &bad);
    if (bad) {
        st = egi_lens_no_memory(err);
        goto done;
    }
    if (!egi_lens_more(s, "memories", 0.66)) goto done;
    EG_TRY(egi_lens_memories(o, s, err));
    if (!s->spec->brief) EG_TRY(egi_lens_patterns(o, s, &heads, err));
done:
    eg_heads_release(&heads);
    if (st == EG_OK)
        *out = o;
    else
        json_decref(o);
    return st;
}

/* ---- the patterns of the two heads that matter ----------------------------
 */

enum { CROP = 48 };

typedef struct shown {
    const egi_lens *s;
    const eg_head *head[2];
    double *z; /* [2, n, n] */
    int n;
} shown;

static void say(const void *from, uint32_t index, eg_seq *out)
{
    const egi_lens *s = ((const shown *)from)->s;

    (void)index;
    memcpy(out->tokens, s->tokens, (size_t)s->T * sizeof *out->tokens);
    for (int t = 0; t < s->T; t++) {
        out->targets[t] = -1;
        out->labels[t] = 0;
    }
}

static void look(void *ctx, int index, int worker, const eg_acts *acts)
{
    const shown *w = ctx;

    (void)index;
    (void)worker;
    for (int k = 0; k < 2; k++) {
        char hook[64];
        eg_view v;

        if (!w->head[k]) continue;
        (void)snprintf(hook, sizeof hook, "blocks.%d.attn.hook_pattern",
                       w->head[k]->layer);
        if (!eg_acts_hook(acts, hook, &v)) continue;
        for (int t = 0; t < w->n; t++)
            for (int c = 0; c < w->n; c++)
                w->z[((eg_index)k * w->n + t) * w->n + c] = eg_view_at(
                    &v,
                    ((eg_index)w->head[k]->head * w->s->T + t) * w->s->T + c);
    }
}

static const eg_head *best(const eg_heads *heads, int score)
{
    const eg_head *top = NULL;

    for (int i = 0; i < heads->n; i++)
        if (isfinite(heads->row[i].score[score]) &&
            (!top || heads->row[i].score[score] > top->score[score]))
            top = &heads->row[i];
    return top;
}

static json_t *square(const double *z, int n)
{
    json_t *rows = json_array();
    bool bad = !rows;

    for (int t = 0; t < n; t++)
        egi_lens_add(rows, egi_lens_numbers(z + (eg_index)t * n, n), &bad);
    return egi_json_whole(rows, bad);
}

static json_t *tokens_json(const egi_lens *s, int n)
{
    json_t *list = json_array();
    bool bad = !list;

    for (int t = 0; t < n; t++) {
        char symbol[64];

        egi_lens_symbol(s, s->tokens[t], symbol, sizeof symbol);
        egi_lens_add(list, egi_json_text(symbol), &bad);
    }
    return egi_json_whole(list, bad);
}

eg_status egi_lens_patterns(json_t *birth, egi_lens *s, const eg_heads *heads,
                            eg_err *err)
{
    static const int scores[2] = {EG_HEAD_PREVIOUS, EG_HEAD_INDUCTION};
    shown w = {.s = s, .n = s->T < CROP ? s->T : CROP};
    json_t *list = json_array(), *both = json_object();
    bool bad = !list || !both;

    w.z = eg_calloc(2 * (size_t)w.n * (size_t)w.n, sizeof *w.z);
    for (int k = 0; k < 2; k++) w.head[k] = best(heads, scores[k]);
    if (w.z) eg_eval_run_on(s->eval, say, &w, 1, look, &w);
    for (int k = 0; w.z && k < 2; k++) {
        json_t *o;

        if (!w.head[k]) continue;
        o = json_object();
        bad |= !o;
        egi_lens_put(o, "as", json_string(eg_head_score(scores[k])->name),
                     &bad);
        egi_lens_put(o, "layer", json_integer(w.head[k]->layer), &bad);
        egi_lens_put(o, "head", json_integer(w.head[k]->head), &bad);
        egi_lens_put(o, "z", square(w.z + (eg_index)k * w.n * w.n, w.n), &bad);
        egi_lens_add(list, o, &bad);
    }
    egi_lens_put(both, "tokens", tokens_json(s, w.n), &bad);
    egi_lens_put(both, "maps", list, &bad);
    bad |= !w.z;
    eg_free(w.z);
    egi_lens_put(birth, "patterns", both, &bad);
    return bad ? egi_lens_no_memory(err) : EG_OK;
}
