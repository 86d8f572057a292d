/* The walk through a sentence; see question_grammar.h. */
#include "task/question_grammar.h"

#include <math.h>
#include <string.h>

enum place {
    DET, /* of subject or object, as walk.object says, from here to END */
    NOUN,
    AFTER,  /* the noun: a modifier, or none */
    IN_DET, /* within a modifier */
    IN_NOUN,
    RELATIVE,  /* behind `who` */
    SUBJ_VERB, /* Rel Aux | */
    OBJ_NOUN,  /* Rel Det | */
    OBJ_AUX,
    OBJ_VERB,
    END, /* of the modifier */
    VERB,
    STOP,
    TAG
};

/* One way to go on. */
typedef struct way {
    egi_words class;
    double p;
    int to;
    int only; /* its one word that may stand here; -1: any */
} way;

typedef struct ways {
    way way[4];
    int n;
} ways;

static void add(ways *w, egi_words class, double p, int to)
{
    w->way[w->n++] = (way){class, p, to, -1};
}

static egi_words aux_of(int number)
{
    return number ? EGI_AUX_P : EGI_AUX_S;
}

/* What the noun phrase is followed by. */
static void add_rest(ways *o, const egi_walk *w, double p)
{
    if (w->object)
        add(o, EGI_STOP, p, TAG);
    else
        add(o, aux_of(w->number), p, VERB);
}

static void add_nouns(ways *o, double singular, int to)
{
    add(o, EGI_NOUN_S, singular, to);
    add(o, EGI_NOUN_P, 1 - singular, to);
}

static void modifiers(ways *o, const egi_grammar *g, const egi_walk *w)
{
    const double *m = g->modifier[w->object];

    add_rest(o, w, m[EGI_BARE]);
    add(o, EGI_PREP, m[EGI_PP], IN_DET);
    add(o, EGI_REL, m[EGI_SRC_I] + m[EGI_SRC_T] + m[EGI_ORC_S] + m[EGI_ORC_P],
        RELATIVE);
}

static double share(double a, double b)
{
    return a + b > 0 ? a / (a + b) : 0;
}

/* Behind the relative pronoun: whose clause, and what it is. */
static void clause(ways *o, const egi_grammar *g, const egi_walk *w)
{
    const double *m = g->modifier[w->object];
    double src = m[EGI_SRC_I] + m[EGI_SRC_T], orc = m[EGI_ORC_S] + m[EGI_ORC_P];
    double singular =
        g->general ? !w->number : share(m[EGI_ORC_S], m[EGI_ORC_P]);

    switch (w->at) {
    case RELATIVE:
        add(o, aux_of(w->number), share(src, orc), SUBJ_VERB);
        add(o, EGI_DET, share(orc, src), OBJ_NOUN);
        return;
    case SUBJ_VERB:
        add(o, EGI_INTRANSITIVE, share(m[EGI_SRC_I], m[EGI_SRC_T]), END);
        add(o, EGI_TRANSITIVE, share(m[EGI_SRC_T], m[EGI_SRC_I]), IN_DET);
        return;
    case OBJ_NOUN:
        add_nouns(o, singular, OBJ_AUX);
        return;
    case OBJ_AUX:
        add(o, aux_of(w->inner), 1, OBJ_VERB);
        return;
    default:
        add(o, EGI_TRANSITIVE, 1, END);
    }
}

static ways ways_of(const egi_grammar *g, const egi_walk *w)
{
    ways o = {.n = 0};

    switch (w->at) {
    case DET:
    case IN_DET:
        add(&o, EGI_DET, 1, w->at + 1);
        break;
    case NOUN:
    case IN_NOUN:
        add_nouns(&o, 0.5, w->at == NOUN ? AFTER : END);
        break;
    case AFTER:
        modifiers(&o, g, w);
        break;
    case END:
        add_rest(&o, w, 1);
        if (g->general && !w->object) o.way[0].only = !w->polarity;
        break;
    case VERB:
        add(&o, EGI_INTRANSITIVE, g->intransitive, STOP);
        add(&o, EGI_TRANSITIVE, 1 - g->intransitive, DET);
        break;
    case STOP:
        add(&o, EGI_STOP, 1, TAG);
        break;
    case TAG:
        add(&o, EGI_QUEST, g->general ? 1 : w->relative ? 0 : 0.5, -1);
        add(&o, EGI_DECL, 1 - o.way[0].p, -1);
        break;
    default:
        clause(&o, g, w);
    }
    return o;
}

/* The k-th word of a class; the place of a word in its class. */
static int word_at(const egi_grammar *g, egi_words class, int k)
{
    if (class == EGI_DET && k >= EGI_DETS)
        return EGI_QUESTION_VOCAB + k - EGI_DETS;
    return g->word[class][k];
}

static int place_of(const egi_grammar *g, egi_words class, int word)
{
    int k = 0, known = class == EGI_DET ? EGI_DETS : g->n[class];

    if (word >= EGI_QUESTION_VOCAB) return EGI_DETS + word - EGI_QUESTION_VOCAB;
    while (k < known && g->word[class][k] != word) k++;
    return k;
}

/* Goes that way by the k-th word of its class. */
static void go(egi_walk *w, const way *by, int k)
{
    bool plural = by->class == EGI_NOUN_P || by->class == EGI_AUX_P;

    if (w->at == NOUN) w->number = plural;
    if (w->at == OBJ_NOUN) w->inner = plural;
    if (by->class == EGI_AUX_S || by->class == EGI_AUX_P) {
        w->polarity = k;
        if (by->to == VERB) w->main_at = w->words;
    }
    if (by->to == RELATIVE && !w->object) w->relative = true;
    if (w->at == VERB) w->object = true;
    w->words++;
    w->done = by->to < 0;
    w->at = by->to;
}

int egi_walk_label(const egi_walk *w)
{
    switch (w->at) {
    case DET:
    case IN_DET:
        return EGI_Q_DET;
    case NOUN:
    case IN_NOUN:
    case OBJ_NOUN:
        return EGI_Q_NOUN;
    case AFTER:
        return w->object ? EGI_Q_AFTER_OBJECT : EGI_Q_AFTER_SUBJECT;
    case END:
        return w->object ? EGI_Q_STOP : EGI_Q_AUX;
    case VERB:
        return EGI_Q_VERB;
    case STOP:
        return EGI_Q_STOP;
    case TAG:
        return EGI_Q_TAG;
    default:
        return EGI_Q_RELATIVE;
    }
}

int egi_walk_draw(const egi_grammar *g, egi_walk *w, eg_rng *rng)
{
    ways o = ways_of(g, w);
    const way *by = &o.way[0];
    double u = o.n > 1 ? eg_rng_uniform(rng) : 0, sum = by->p;
    int k;

    for (int i = 1; i < o.n && u >= sum; i++) {
        if (o.way[i].p > 0) by = &o.way[i]; /* sums may be rounded down */
        sum += o.way[i].p;
    }
    k = by->only >= 0 ? by->only
        : g->n[by->class] == 1
            ? 0
            : (int)eg_rng_below(rng, (uint32_t)g->n[by->class]);
    go(w, by, k);
    return word_at(g, by->class, k);
}

bool egi_walk_take(const egi_grammar *g, egi_walk *w, int word, double *nats)
{
    ways o = ways_of(g, w);
    int class = egi_question_class(word);

    for (int i = 0; i < o.n; i++) {
        const way *by = &o.way[i];
        int k;

        if ((int)by->class != class) continue;
        k = place_of(g, by->class, word);
        if (k >= g->n[class]) return false;
        *nats = log(by->only >= 0 ? 1 : g->n[class]) - log(by->p);
        if (by->only >= 0 && by->only != k) *nats = INFINITY;
        go(w, by, k);
        return true;
    }
    return false;
}

void egi_question_answer(const int32_t *half, const egi_walk *done,
                         int32_t *answer)
{
    int n = done->words - 1, at = done->main_at; /* without the tag */

    if (egi_question_class(half[n]) == EGI_DECL) {
        memcpy(answer, half, (size_t)n * sizeof *half);
        return;
    }
    answer[0] = half[at];
    memcpy(answer + 1, half, (size_t)at * sizeof *half);
    memcpy(answer + 1 + at, half + at + 1, (size_t)(n - at - 1) * sizeof *half);
    answer[n - 1] = egi_question_find("?", 1, 0);
}

/* ---- laws -----------------------------------------------------------------
 */

static void classes_make(egi_grammar *g, int dets)
{
    for (int id = 1; id <= EGI_WORDS; id++) {
        int c = egi_question_class(id);

        g->word[c][g->n[c]++] = (uint8_t)id;
    }
    g->n[EGI_DET] = dets;
}

static void shares(double *m, const double *weight, double scale)
{
    double sum = 0;

    for (int i = 0; i < EGI_MODIFIERS; i++) {
        m[i] = weight[i] * (i > EGI_PP ? scale : 1);
        sum += m[i];
    }
    for (int i = 0; i < EGI_MODIFIERS; i++) m[i] /= sum;
}

void egi_grammar_make(egi_grammar *g, int weights, int dets)
{
    static const double subject[2][EGI_MODIFIERS] = {{50, 20, 7, 7, 7, 7},
                                                     {6, 6, 2, 2, 1, 1}};
    static const double object[2][EGI_MODIFIERS] = {{3, 3, 2, 1, .5, .5},
                                                    {3, 3, 1, 1, .5, .5}};
    static const double verb[2][2] = {{3, 10}, {9, 9}}; /* V_i, V_t */

    *g = (egi_grammar){.general = false};
    classes_make(g, dets);
    shares(g->modifier[0], subject[weights], 0.5);
    shares(g->modifier[1], object[weights], 1);
    g->intransitive = verb[weights][0] / (verb[weights][0] + verb[weights][1]);
}

void egi_grammar_general(egi_grammar *g, bool object_clause, int dets)
{
    static const double subject[2][EGI_MODIFIERS] = {{0, 0, 1, 1, 0, 0},
                                                     {0, 0, 0, 0, 1, 1}};
    static const double object[EGI_MODIFIERS] = {1, 1};

    *g = (egi_grammar){.general = true, .intransitive = 0.6};
    classes_make(g, dets);
    shares(g->modifier[0], subject[object_clause], 1);
    shares(g->modifier[1], object, 1);
}

/* All ways from here, each with its words at once: they cost the same. */
static void expect(const egi_grammar *g, const egi_walk *w, double p,
                   egi_expect *out)
{
    ways o = ways_of(g, w);
    int label = egi_walk_label(w);

    for (int i = 0; i < o.n; i++) {
        const way *by = &o.way[i];
        double q = p * by->p;
        egi_walk next = *w;

        if (!(by->p > 0)) continue;
        out->nats[label] +=
            q * (log(by->only >= 0 ? 1 : g->n[by->class]) - log(by->p));
        out->count[label] += q;
        go(&next, by, 0);
        if (!next.done) {
            expect(g, &next, q, out);
            continue;
        }
        /* the second half, one word fewer than the first, and the end */
        out->count[EGI_Q_FRONT] += by->class == EGI_QUEST ? q : 0;
        out->count[EGI_Q_COPY] +=
            q * (next.words - (by->class == EGI_QUEST ? 2 : 1));
        out->count[EGI_Q_END] += q;
    }
}

void egi_grammar_expect(const egi_grammar *g, egi_expect *out)
{
    egi_walk w = {.at = DET};

    *out = (egi_expect){.nats = {0}};
    expect(g, &w, 1, out);
}
