/* Tokenizers: text to ids and back.
 *
 * Byte-level BPE exactly as GPT-2 has it, and as the models that followed cut
 * their text before merging; characters; words. A tokenizer is constant and may
 * be shared by threads; what encodes is a thread's own.
 *
 * Source: Radford et al. 2019, section 2.2; Sennrich et al. 2016
 * (arXiv:1508.07909), algorithm 1. */
#ifndef ENGRAM_TOKENIZER_H
#define ENGRAM_TOKENIZER_H

#include "engram/file.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_tokenizer eg_tokenizer;

/* Ids, most of them in a vocabulary; a token, its bytes. */
#define EG_MOST_IDS 1048576
#define EG_TOKEN_BYTES ((size_t)1024)

typedef enum eg_tokenizer_kind {
    EG_TOKENIZER_BPE,  /* bytes, merged */
    EG_TOKENIZER_CHAR, /* an id a character; the ids follow the code points */
    EG_TOKENIZER_WORD, /* an id a run of what is no white space, and one for a
                          line's end; id 0 stands for all other words */
    EG_TOKENIZER_PIECE /* BERT's WordPiece, uncased. [CLS] and [SEP] around a
                          text are the caller's: eg_tokenizer_id */
} eg_tokenizer_kind;

/* The i-th way to cut text into the pieces inside which is merged, its name and
 * what it is; NULL past the end. "gpt2" is the first. */
EG_API const char *eg_pretokenizer_name(int i, const char **help);

/* ---- where they come from --------------------------------------------------
 *
 * What a file is, is seen from its bytes:
 *     vocab.bpe, merges.txt   a line "left right" a merge, in GPT-2's alphabet;
 *         enough by itself: merge i, from 0, makes id 256 + i, the id behind
 *         the last one is <|endoftext|>
 *     vocab.json, encoder.json   {"token": id}, where ids are others; the
 *         merges are read from merges.txt or vocab.bpe beside it
 *     tokenizer.json   Hugging Face's: byte-level BPE cut in a way that we
 *         have, and uncased WordPiece; what comes around a text is the caller's
 *     *.tiktoken   a line "base64 rank" a token; the id behind the last one is
 *         <|endoftext|>, of cl100k_base (100,256 ranks) 100257 and of
 *         o200k_base (199,998) 199999. How text is cut is not in the file: in
 *         the way in which its tokens are pieces
 *     vocab.txt   BERT's: a line a token, among them [UNK]
 *     tokenizer.engram.json   what eg_tokenizer_write writes
 * A folder stands for the first of tokenizer.engram.json, tokenizer.json,
 * vocab.json, encoder.json, vocab.bpe, merges.txt, vocab.txt and its only
 * *.tiktoken file. Files of merges cut text as gpt2 does.
 *
 * EG_EFORMAT: the file is none of these, or contradicts itself: a merge of what
 * no line before it has made, ids that leave a gap, a token twice.
 * EG_EUNSUPPORTED: a part of tokenizer.json that would change ids is none of
 * ours, or no way to cut has the tokens of a .tiktoken file. */
EG_API eg_status eg_tokenizer_open(eg_tokenizer **out, const char *path,
                                   eg_err *err);
/* The one in the folder of a file, such as weights; *out NULL and EG_OK: there
 * is none. */
EG_API eg_status eg_tokenizer_beside(eg_tokenizer **out, const char *path,
                                     eg_err *err);
/* The same as eg_tokenizer_open of a file below a folder of ours. */
EG_API eg_status eg_tokenizer_open_in(eg_tokenizer **out, const eg_folder *in,
                                      const char *name, eg_err *err);
/* From a file's bytes; a vocab.json needs merges[n_merges], the bytes of the
 * other file (else NULL, 0). name: for messages. */
EG_API eg_status eg_tokenizer_parse(eg_tokenizer **out, const char *bytes,
                                    size_t size, const char *merges,
                                    size_t n_merges, const char *name,
                                    eg_err *err);
/* Freeing NULL does nothing. */
EG_API void eg_tokenizer_free(eg_tokenizer *t);

/* A vocabulary held in memory, such as the one of a GGUF file. */
typedef struct eg_token_table {
    int n;
    const char *const *token; /* [n]; token i has id i */
    const size_t *bytes;      /* [n] lengths; NULL: they end with a 0 */
    const bool *special; /* [n] never made by merging (<|endoftext|>); NULL:
                            those that no merge makes and no byte is */
    int n_merges;
    const char *const *merge; /* [n_merges] "left right", best first; 0-ended */
    bool alphabet; /* tokens and merges are spelled in GPT-2's alphabet (GGUF);
                      false: tokens are bytes, and a merge's parts must not
                      hold a space */
    const char *pre; /* name of a way to cut; NULL: "gpt2" */
    int eot;         /* id of the end of a text; -1: <|endoftext|>, if any */
} eg_token_table;
/* Copies what it needs. EG_EFORMAT as above; EG_EUNSUPPORTED for a `pre` that
 * is not in the table. */
EG_API eg_status eg_tokenizer_table(eg_tokenizer **out,
                                    const eg_token_table *table,
                                    const char *name, eg_err *err);

/* Every distinct character of a UTF-8 text, by code point; at most EG_MOST_IDS
 * of them. */
EG_API eg_status eg_tokenizer_chars(eg_tokenizer **out, const char *text,
                                    size_t size, eg_err *err);
/* Its n most frequent words, those as frequent in the order of their bytes; id
 * 0 is <unk>, 1 the line's end, 2 <|endoftext|>. */
EG_API eg_status eg_tokenizer_words(eg_tokenizer **out, const char *text,
                                    size_t size, int n, eg_err *err);

/* Writes tokenizer.engram.json, atomically; in NULL: name is a path. Nothing is
 * replaced but a file of this kind. */
#define EG_TOKENIZER_FILE "tokenizer.engram.json"
EG_API eg_status eg_tokenizer_write(const eg_tokenizer *t, const eg_folder *in,
                                    const char *name, eg_err *err);

/* ---- what they hold --------------------------------------------------------
 */

/* Which of the three it is. */
EG_API eg_tokenizer_kind eg_tokenizer_kind_of(const eg_tokenizer *t);
/* How many ids; they are 0 to this less 1. */
EG_API int eg_tokenizer_vocab(const eg_tokenizer *t);
/* The bytes of a token, *n of them, as long as t lives; they need not be whole
 * characters. NULL and 0: no such id. */
EG_API const char *eg_tokenizer_bytes(const eg_tokenizer *t, int32_t id,
                                      size_t *n);
/* The id of exactly these bytes, special or not; -1: there is none. */
EG_API int32_t eg_tokenizer_id(const eg_tokenizer *t, const char *bytes,
                               size_t n);
EG_API bool eg_tokenizer_special(const eg_tokenizer *t, int32_t id);
/* The id that stands between texts; -1: none. */
EG_API int32_t eg_tokenizer_eot(const eg_tokenizer *t);
/* XXH3 of all that decides about ids, 32 hexadecimal digits: the same for a
 * vocabulary whatever kind of file it came from. */
EG_API void eg_tokenizer_sum(const eg_tokenizer *t, char hex[33]);

/* ---- encoding --------------------------------------------------------------
 */

typedef struct eg_ids {
    int32_t *id;
    size_t n, room;
} eg_ids;
EG_API void eg_ids_release(eg_ids *ids); /* n is 0 then */

/* What to do with a text; 0 is the ordinary. */
enum {
    /* <|endoftext|> and its like, where they stand in the text, become their
     * ids; else they are text like any other. */
    EG_ENCODE_SPECIAL = 1,
    /* A byte sequence that is no UTF-8 is read as U+FFFD, one for each maximal
     * part of a character (Unicode 16, section 3.9); else it is EG_EFORMAT,
     * with its place, and nothing is added. */
    EG_ENCODE_REPLACE = 2,
    /* A character that a character tokenizer does not have is left out; else it
     * is EG_EINVAL. */
    EG_ENCODE_KNOWN = 4
};

/* A thread's scratch and its memory of pieces seen; t must outlive it. */
typedef struct eg_encoder eg_encoder;
EG_API eg_status eg_encoder_new(eg_encoder **out, const eg_tokenizer *t,
                                eg_err *err);
EG_API void eg_encoder_free(eg_encoder *e);
/* Characters that it has left out so far. */
EG_API int64_t eg_encoder_left_out(const eg_encoder *e);
/* Adds the ids of text[n] to *ids. A character tokenizer refuses a character
 * that it does not have (EG_EINVAL names it). On failure ids->n is as before.
 * BPE: O(n) for text as people write it, O(n log n) for a single word. */
EG_API eg_status eg_encode(eg_encoder *e, const char *text, size_t n,
                           unsigned flags, eg_ids *ids, eg_err *err);
/* The same with an encoder of its own, for a text now and then. */
EG_API eg_status eg_tokenizer_encode(const eg_tokenizer *t, const char *text,
                                     size_t n, unsigned flags, eg_ids *ids,
                                     eg_err *err);

/* ---- decoding --------------------------------------------------------------
 */

/* The bytes of ids[n] in a row (words: with a space between two of a line),
 * with a 0 behind them; text true: what is no UTF-8 becomes U+FFFD, one for
 * each maximal part of a character. *out is released with eg_free. EG_EINVAL
 * names an id that is not in the vocabulary. */
EG_API eg_status eg_tokenizer_decode(const eg_tokenizer *t, const int32_t *ids,
                                     size_t n, bool text, char **out,
                                     size_t *size, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
