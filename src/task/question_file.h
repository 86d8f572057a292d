/* Lines of question formation kept in memory: first halves with their tags,
 * from which the rest follows. */
#ifndef EGI_QUESTION_FILE_H
#define EGI_QUESTION_FILE_H

#include "task/question_grammar.h"

/* Lines one behind the other: line i is word[at[i]] to word[at[i + 1] - 1]. */
typedef struct egi_lines {
    int64_t n;
    uint32_t *at;   /* [n + 1] */
    uint16_t *word; /* [at[n]] */
} egi_lines;

/* The first n different lines of the law, drawn one after the other: one that
 * was there before, with the same tag, is dropped. EG_EINVAL: there are not so
 * many. */
eg_status egi_lines_draw(egi_lines *out, const egi_grammar *g, int64_t n,
                         eg_rng *rng, eg_err *err);
/* The generalisation set: two thirds with a clause of the subject, rounded, one
 * third with one of the object, in random order, all different. */
eg_status egi_lines_general(egi_lines *out, int dets, int64_t n, eg_rng *rng,
                            eg_err *err);
void egi_lines_release(egi_lines *l);

#endif
