/* Corpora: texts in files, read as a stream of documents; tokenizers learnt
 * from them; shards made of them. */
#ifndef ENGRAM_CORPUS_H
#define ENGRAM_CORPUS_H

#include "engram/pool.h"
#include "engram/shards.h"
#include "engram/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What one document is. JSON lines have one a line, whatever is said here. */
typedef enum eg_documents {
    EG_DOCUMENT_FILE,      /* a file */
    EG_DOCUMENT_LINE,      /* a line that is not empty */
    EG_DOCUMENT_PARAGRAPH, /* what stands between empty lines */
} eg_documents;

/* Files are plain, gzip or zstd, which is seen from their bytes; one whose name
 * ends in .jsonl or .ndjson, also with .gz or .zst behind it, has an object a
 * line. A folder stands for the files below it whose names end in .txt, .text,
 * .md, .jsonl or .ndjson, also with .gz, .dz or .zst behind, in the order of
 * their paths; links and hidden ones are left out. */
typedef struct eg_corpus {
    const char *const *path;
    int n;
    const char *key;   /* of JSON lines: whose string is the text; NULL: text */
    eg_documents unit; /* what a document is */
    bool replace;      /* what is no UTF-8 is read as U+FFFD; else EG_EFORMAT,
                          which names file and byte */
    double most_ratio; /* a compressed file that gives more than 64 MiB and more
                          than so many times its size is EG_EFORMAT; 0: 250 */
    int64_t most_bytes; /* text in all; more is EG_EFORMAT; 0: 2^42 */
} eg_corpus;

/* How far it is: bytes of files read, of so many (0: a pipe, nobody knows). */
typedef struct eg_corpus_progress {
    const char *what; /* "counting words", ... */
    int64_t bytes, of_bytes, tokens;
} eg_corpus_progress;
typedef struct eg_corpus_watch {
    void (*progress)(void *ctx, const eg_corpus_progress *p); /* or NULL */
    bool (*stop)(void *ctx); /* true: give up, which is EG_EBUSY; or NULL */
    void *ctx;
} eg_corpus_watch;

/* EG_EINVAL, and why, where one of the paths is a pipe: what is read twice has
 * to be files. */
EG_API eg_status eg_corpus_again(const eg_corpus *c, const char *why,
                                 eg_err *err);

/* ---- learning a vocabulary -------------------------------------------------
 */

typedef struct eg_bpe_train {
    int d_vocab;        /* ids: 256 bytes, the merges, <|endoftext|> */
    const char *cut;    /* a pre-tokenizer; NULL: gpt2 */
    int64_t most_bytes; /* of text that is looked at; 0: 2^30 */
    int64_t least;      /* a pair seen less often is not merged; 0: 2 */
} eg_bpe_train;

/* Byte-level BPE: the most frequent pair of neighbours inside a piece becomes a
 * token, again and again; of equally frequent ones the pair whose left id, then
 * right id is least. The same for any number of threads. There are fewer than
 * d_vocab ids when no pair is left. Sennrich et al. 2016 (arXiv:1508.07909),
 * algorithm 1. */
EG_API eg_status eg_tokenizer_train(eg_tokenizer **out, const eg_corpus *c,
                                    const eg_bpe_train *how, eg_pool *pool,
                                    const eg_corpus_watch *watch, eg_err *err);
/* eg_tokenizer_chars of a corpus, of all of it, and eg_tokenizer_words; that of
 * words looks at the first 2^30 bytes. */
EG_API eg_status eg_tokenizer_learn(eg_tokenizer **out, const eg_corpus *c,
                                    eg_tokenizer_kind kind, int n, eg_err *err);

/* ---- making shards ---------------------------------------------------------
 */

typedef enum eg_eot_place { EG_EOT_AFTER, EG_EOT_BEFORE, EG_EOT_NONE } eg_eot;

/* Each document goes to val with a chance of val_share, keyed by (seed, its
 * number); where the whole corpus is one file taken as one document, its last
 * val_share goes there. Shards train_000000.bin, val_000000.bin, ... (nanoGPT:
 * train.bin, val.bin), EG_TOKENIZER_FILE and EG_CORPUS_FILE are written into a
 * folder that is new or empty; after a failure none of them stays. */
#define EG_CORPUS_FILE "corpus.json"
#define EG_SUBSETS 16
typedef struct eg_tokenize {
    const char *out;
    eg_shard_format format;
    int64_t most; /* ids a shard; 0: EG_SHARD_MOST */
    double val_share;
    uint64_t seed;
    eg_eot eot;   /* where the end of a text stands; a tokenizer without one
                     has none */
    bool special; /* <|endoftext|> in the text is that id */
    bool known;   /* of characters: what the tokenizer does not have is left
                     out; else EG_EINVAL */
    /* Shares of the training tokens, at most EG_SUBSETS, each more than 0 and
     * less than 1: so large a first part of them, with all of validation, is
     * written as a corpus by itself into a folder in out, eg_subset_name.
     * EG_EINVAL: nothing for validation, or of a subset nothing at all. */
    const double *subset;
    int n_subsets;
} eg_tokenize;
typedef struct eg_tokenized {
    int64_t documents, bytes, train, val; /* texts, their bytes; ids */
    int64_t left_out;                     /* characters */
} eg_tokenized;
/* How many tokens of so many for training a first part has: task.share and
 * subsets. */
EG_API int64_t eg_subset_tokens(int64_t train, double share);
/* "share-0.01" */
#define EG_SUBSET_NAME 40
EG_API void eg_subset_name(char buf[EG_SUBSET_NAME], double share);
/* EG_EINVAL: a share that is none, or is there twice, or too many of them. */
EG_API eg_status eg_subsets_check(const double *share, int n, eg_err *err);
/* The same files for any number of threads. */
EG_API eg_status eg_corpus_tokenize(eg_tokenized *info, const eg_corpus *c,
                                    const eg_tokenizer *t,
                                    const eg_tokenize *how, eg_pool *pool,
                                    const eg_corpus_watch *watch, eg_err *err);
/* The same ids in memory, for training and for validation; how says nothing of
 * files. Whatever comes of it, the ids are released by the caller. */
EG_API eg_status eg_corpus_encode(eg_ids ids[2], eg_tokenized *info,
                                  const eg_corpus *c, const eg_tokenizer *t,
                                  const eg_tokenize *how, eg_pool *pool,
                                  eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
