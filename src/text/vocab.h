/* What a tokenizer is inside. */
#ifndef EGI_TEXT_VOCAB_H
#define EGI_TEXT_VOCAB_H

#include <string.h>

#include "engram/tokenizer.h"
#include "text/pretok.h"

/* Two neighbours become one; the least rank first. */
typedef struct egi_pair {
    int32_t left, right; /* left -1: a free place */
    int32_t rank, id;
} egi_pair;

struct eg_tokenizer {
    eg_tokenizer_kind kind;
    const egi_pretok *pre;
    bool whole;  /* a piece that is a token becomes it, whatever the merges */
    bool by_ids; /* pairs are those of egi_vocab_pairs_of_ids */
    int n;
    char *bytes;   /* of all tokens in a row */
    size_t *at;    /* [n + 1] where each begins */
    int32_t *slot; /* [mask + 1] ids by the hash of their bytes; -1: free */
    uint32_t mask;
    egi_pair *pair; /* [pair_mask + 1] by the hash of (left, right) */
    uint32_t pair_mask;
    int n_pairs;
    int32_t byte[256]; /* the id of each byte; -1: none */
    bool *special;     /* [n] */
    int n_specials;
    int32_t *specials; /* ids, longest first */
    int32_t eot;
    egi_classes classes;
};

static inline size_t egi_token_len(const eg_tokenizer *t, int32_t id)
{
    return t->at[id + 1] - t->at[id];
}

static inline uint32_t egi_hash_pair(int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;

    key *= UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(key >> 32);
}

/* Of a token or a word. */
static inline uint32_t egi_hash_bytes(const char *s, size_t n)
{
    uint64_t h = n;
    uint64_t word;

    for (; n >= sizeof word; n -= sizeof word, s += sizeof word) {
        memcpy(&word, s, sizeof word);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, s, n);
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32);
}

/* NULL: they do not merge. */
static inline const egi_pair *egi_pair_find(const eg_tokenizer *t, int32_t left,
                                            int32_t right)
{
    uint32_t i = egi_hash_pair(left, right) & t->pair_mask;

    for (;; i = (i + 1) & t->pair_mask) {
        const egi_pair *p = &t->pair[i];

        if (p->left < 0) return NULL;
        if (p->left == left && p->right == right) return p;
    }
}

/* ---- being made ------------------------------------------------------------
 * In this order: egi_vocab_new, egi_vocab_token n times, egi_vocab_index, pairs
 * if any, egi_vocab_end. */

/* Room for n tokens of so many bytes together. EG_ENOMEM. */
eg_status egi_vocab_new(eg_tokenizer **out, eg_tokenizer_kind kind, int n,
                        size_t bytes, eg_err *err);
/* Appends a token; there must be room. */
void egi_vocab_token(eg_tokenizer *t, const char *bytes, size_t size);
/* EG_EFORMAT: a token twice, or empty. */
eg_status egi_vocab_index(eg_tokenizer *t, const char *name, eg_err *err);
/* Room for n pairs. */
eg_status egi_vocab_pairs(eg_tokenizer *t, int n, eg_err *err);
/* False: that pair is there already. */
bool egi_vocab_pair(eg_tokenizer *t, int32_t left, int32_t right, int32_t rank,
                    int32_t id);
/* All pairs of tokens whose bytes together are a token, which then has the
 * rank of its id, as tiktoken merges. */
eg_status egi_vocab_pairs_of_ids(eg_tokenizer *t, eg_err *err);
/* special [n] is set by now: lists them. eot -1: <|endoftext|>, if any. */
void egi_vocab_end(eg_tokenizer *t, int32_t eot);

/* ---- GPT-2's alphabet ------------------------------------------------------
 */

/* The code point that stands for a byte, and the other way; -1: for none. */
uint32_t egi_letter_of(unsigned char byte);
int egi_byte_of(uint32_t code);
/* The bytes that s[n], in the alphabet, stands for, into to [n]; how many, or
 * -1 where a character is none of the alphabet. */
eg_index egi_unspell(char *to, const char *s, size_t n);
/* The byte with id i in GPT-2's order of the first 256. */
unsigned char egi_base_byte(int i);

/* ---- readers of one kind of file, each in a file of its own ----------------
 */
typedef struct egi_bytes {
    const char *s;
    size_t n;
} egi_bytes;
eg_status egi_read_merges(eg_tokenizer **out, egi_bytes file, const char *name,
                          eg_err *err);
/* vocab.json, or tokenizer.json, which needs no merges (s NULL). */
eg_status egi_read_json(eg_tokenizer **out, egi_bytes file, egi_bytes merges,
                        const char *name, eg_err *err);
eg_status egi_read_tiktoken(eg_tokenizer **out, egi_bytes file,
                            const char *name, eg_err *err);
eg_status egi_read_own(eg_tokenizer **out, egi_bytes file, const char *name,
                       eg_err *err);
/* BERT's vocab.txt. */
bool egi_is_vocab_txt(egi_bytes file);
eg_status egi_read_vocab_txt(eg_tokenizer **out, egi_bytes file,
                             const char *name, eg_err *err);
/* Is its first line "base64 rank"? */
bool egi_is_tiktoken(egi_bytes file);
/* The lines of a merges file into an array of 0-ended lines, which point into
 * *text, a copy; both are released with eg_free. "#version" at the top is left
 * out. EG_EFORMAT: a line without exactly one space between two parts. */
eg_status egi_merge_lines(char **text, const char ***line, int *n,
                          egi_bytes file, const char *name, eg_err *err);

/* ---- merging ---------------------------------------------------------------
 */

/* A place of a long piece, and a merge that may still be made. */
typedef struct egi_link {
    int32_t id; /* -1: merged into the one before */
    int32_t before, behind;
} egi_link;
typedef struct egi_wait {
    int32_t rank, at;    /* the order: least rank, then leftmost */
    int32_t left, right; /* as they were when it was noted */
    int32_t id;          /* what they make */
} egi_wait;
typedef struct egi_merger {
    egi_link *link;
    egi_wait *wait;
    size_t n_waiting, room; /* room: links; waits have 3 times as many */
} egi_merger;
void egi_merger_release(egi_merger *m);
/* The ids of piece s[n], n <= INT32_MAX / 4, into ids [n]: how many. -1: no
 * memory; -2: a byte that has no token, *bad of it. */
eg_index egi_merge(const eg_tokenizer *t, egi_merger *m, const unsigned char *s,
                   size_t n, int32_t *ids, size_t *bad);

#endif
