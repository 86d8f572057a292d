/* How often each pair of neighbours is there, over all words, and which words
 * may hold it: what a vocabulary is learnt by.
 *
 * A heap has the most frequent on top; what it says may be too much, since
 * counts fall while it waits, and is corrected when it comes up. */
#ifndef EGI_TEXT_PAIRS_TABLE_H
#define EGI_TEXT_PAIRS_TABLE_H

#include "engram/status.h"

/* Words that may hold a pair; some twice. */
typedef struct egi_pair_words {
    int32_t *word;
    int32_t n, room;
} egi_pair_words;

typedef struct egi_pair_count {
    int32_t left, right; /* left -1: a free place */
    int64_t times;
    egi_pair_words in;
    bool fresh; /* counted up since the last egi_pairs_settle */
} egi_pair_count;

typedef struct egi_pair_wait {
    int64_t times;
    int32_t left, right;
} egi_pair_wait;

typedef struct egi_pairs {
    egi_pair_count *table; /* [size] */
    uint32_t size;
    int64_t n;
    egi_pair_wait *heap;
    size_t n_heap, room_heap;
    egi_pair_wait *fresh; /* pairs that are, their times of no meaning */
    size_t n_fresh, room_fresh;
    bool failed; /* no memory: what was counted is not all */
} egi_pairs;

/* Of a struct of zeros; false: no memory. */
bool egi_pairs_init(egi_pairs *p);
void egi_pairs_release(egi_pairs *p);
/* So many less of a pair. */
void egi_pairs_lose(egi_pairs *p, int32_t left, int32_t right, int64_t times);
/* So many more, in that word. */
void egi_pairs_gain(egi_pairs *p, int32_t left, int32_t right, int64_t times,
                    int32_t word);
/* What was counted up is as frequent as it will be: into the heap. */
void egi_pairs_settle(egi_pairs *p);
/* The most frequent pair, off the heap; false when none is there `least` times,
 * or it failed. */
bool egi_pairs_next(egi_pairs *p, int64_t least, int32_t *left, int32_t *right);
/* The words of a pair about to be merged in them; the caller's to free. */
egi_pair_words egi_pairs_take(egi_pairs *p, int32_t left, int32_t right);
/* After that none of it is left. */
void egi_pairs_gone(egi_pairs *p, int32_t left, int32_t right);

#endif
