/* The grammar of question formation (McCoy, Frank and Linzen 2020) as a walk
 * from word to word. What has been said tells where in a sentence one stands,
 * so that drawing a sentence, finding its place in the grammar and telling its
 * probability are one walk.
 *
 * Number c is S or P. A sentence is NP_c VP_c `.`, with
 *
 *     NP_c = Det N_c + modifier
 *     VP_c = Aux_c V_i | Aux_c V_t Det N + modifier
 *     modifier = nothing | Prep Det N | Rel Aux_c V_i | Rel Aux_c V_t Det N
 *              | Rel Det N_m Aux_m V_t
 *
 * and behind it stands `decl`, or `quest`. Words are uniform in their class. */
#ifndef EGI_QUESTION_GRAMMAR_H
#define EGI_QUESTION_GRAMMAR_H

#include "engram/task.h"

/* Classes of words. */
typedef enum egi_words {
    EGI_DET,
    EGI_NOUN_S, /* singular, then plural */
    EGI_NOUN_P,
    EGI_INTRANSITIVE,
    EGI_TRANSITIVE,
    EGI_AUX_S, /* does, doesn't */
    EGI_AUX_P, /* do, don't */
    EGI_PREP,
    EGI_REL,
    EGI_STOP,
    EGI_ASK,
    EGI_DECL,
    EGI_QUEST,
    EGI_WORD_CLASSES
} egi_words;

enum {
    EGI_PAD = 0,
    EGI_WORDS = 68, /* ids 1 to 68, by code point */
    EGI_LINE_END = 69,
    EGI_LINE_START = 70,
    EGI_QUESTION_VOCAB = 71, /* further determiners have ids from here on */
    EGI_DETS = 6,            /* of those 68 */
    EGI_MOST_DETS = 4096,
    EGI_SENTENCE = 17,                  /* words at most, with `.` */
    EGI_HALF = EGI_SENTENCE + 1,        /* and with the tag */
    EGI_LINE_CTX = 2 * EGI_SENTENCE + 2 /* positions of the longest line */
};

/* What a position's target is: its label. */
enum {
    EGI_Q_TAG = 1,
    EGI_Q_DET, /* from here to EGI_Q_STOP: words of the sentence */
    EGI_Q_NOUN,
    EGI_Q_AFTER_SUBJECT, /* auxiliary, preposition or relative pronoun */
    EGI_Q_AFTER_OBJECT,
    EGI_Q_RELATIVE, /* what is open in a relative clause */
    EGI_Q_AUX,      /* the main auxiliary behind a modifier */
    EGI_Q_VERB,
    EGI_Q_STOP,  /* `.` where it alone can stand */
    EGI_Q_FRONT, /* the first word behind `quest` */
    EGI_Q_COPY,  /* every other word behind the tag */
    EGI_Q_END,
    EGI_Q_LABELS
};

/* Modifiers of a noun. */
enum {
    EGI_BARE,
    EGI_PP,
    EGI_SRC_I,
    EGI_SRC_T,
    EGI_ORC_S,
    EGI_ORC_P,
    EGI_MODIFIERS
};

typedef struct egi_grammar {
    int n[EGI_WORD_CLASSES];            /* words of a class */
    uint8_t word[EGI_WORD_CLASSES][16]; /* their ids, as far as below 69 */
    /* The law of lines: of a subject's modifier, of an object's; and that the
     * verb is intransitive. */
    double modifier[2][EGI_MODIFIERS];
    double intransitive;
    /* The generalisation set: always a question, the subject always with a
     * relative clause, in which number is the subject's and polarity the other
     * one; objects without. */
    bool general;
} egi_grammar;

/* weights: EG_WEIGHTS_...; of lines, not of sentences: a question about a
 * subject with a relative clause is dropped, so that such subjects count half.
 */
void egi_grammar_make(egi_grammar *g, int weights, int dets);
/* The generalisation set's, all with one sort of clause: subject's or object's.
 */
void egi_grammar_general(egi_grammar *g, bool object_clause, int dets);

/* Where one stands, all zeros at the beginning. */
typedef struct egi_walk {
    int at;
    bool object, relative; /* within the object; the subject had a clause */
    int number, inner;     /* 0 S, 1 P: of the noun phrase, of its clause */
    int polarity;          /* of the clause's auxiliary: 0 does, 1 doesn't */
    int main_at, words;    /* where the main auxiliary stands; words so far */
    bool done;
} egi_walk;

/* The label of the word to come. */
int egi_walk_label(const egi_walk *w);
/* Takes one more word (or tag) at random; its id. */
int egi_walk_draw(const egi_grammar *g, egi_walk *w, eg_rng *rng);
/* Takes that word; *nats is -log of its probability, infinite where the law
 * never takes it (`quest` behind a relative clause). False: the grammar has no
 * such sentence, and w is of no use any more. */
bool egi_walk_take(const egi_grammar *g, egi_walk *w, int word, double *nats);

/* The second half: what follows the tag of half [n words, its tag the last].
 * Writes n words: the sentence again, or its question. */
void egi_question_answer(const int32_t *half, const egi_walk *done,
                         int32_t *answer);

/* Expectations over lines: nats and how often, by label. */
typedef struct egi_expect {
    double nats[EGI_Q_LABELS], count[EGI_Q_LABELS];
} egi_expect;
void egi_grammar_expect(const egi_grammar *g, egi_expect *out);

/* Words as text; the number of a word, or -1. */
const char *egi_question_word(int id, char buf[16]);
int egi_question_find(const char *text, size_t n, int dets);
/* EGI_DET, ... of a word or tag; -1: of none. */
int egi_question_class(int id);

#endif
