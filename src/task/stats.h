/* Character statistics: the counts a bigram task is made of.
 *
 * A file of them (docs/formats.md) holds numbers only, never the text. */
#ifndef EGI_TASK_STATS_H
#define EGI_TASK_STATS_H

#include "engram/file.h"

#define EGI_STATS_MAX_SYMBOLS 65536
/* counts times symbols stay below 2^62: alias tables use exact integers */
#define EGI_STATS_MAX_LENGTH ((int64_t)1 << 46)
/* a text from a pipe is at most so many bytes */
#define EGI_STATS_PIPE ((size_t)1 << 34)
/* how a file of statistics begins, after its brace */
#define EGI_STATS_MARK "\"format\": \"engram-stats\""

typedef struct egi_stats {
    int n_symbols;    /* V, 2..EGI_STATS_MAX_SYMBOLS */
    int64_t length;   /* characters of the text = sum of unigram */
    eg_index n_pairs; /* non-zero entries of the bigram counts */
    int32_t *symbol;  /* [V] code points, ascending; the index is the token */
    int64_t *unigram; /* [V] occurrences, each >= 1 */
    eg_index *row;    /* [V+1] pairs of token i: row[i] .. row[i+1]-1 */
    int32_t *next;    /* [n_pairs] ascending within a row */
    int64_t *count;   /* [n_pairs] >= 1; all of them sum to length - 1 */
    char sha256[65];  /* of the text's bytes; "" when not recorded */
    char source[256]; /* where the text came from */
} egi_stats;

void egi_stats_release(egi_stats *s);

/* The arrays of *s for its n_symbols and n_pairs, zeroed. */
eg_status egi_stats_alloc(egi_stats *s, eg_err *err);

/* Everything the counts of a real text obey: see stats_check.c. name is for
 * messages. */
eg_status egi_stats_check(const egi_stats *s, const char *name, eg_err *err);

/* Reads the JSON form from memory; name is for messages. *s is filled only on
 * success, and released with egi_stats_release. */
eg_status egi_stats_parse(egi_stats *s, const char *bytes, size_t size,
                          const char *name, eg_err *err);
/* what: the name of statistics built into the library, else a file's path. */
eg_status egi_stats_load(egi_stats *s, const char *what, eg_err *err);
/* Writes the JSON form, atomically. */
eg_status egi_stats_write(const egi_stats *s, const char *path, eg_err *err);
/* Counts a text. */
eg_status egi_stats_count(egi_stats *s, const char *text_path,
                          const char *provenance, eg_err *err);

/* Statistics built into the library (generated from data/ by embed.cmake). */
typedef struct egi_shipped {
    const char *name;
    const char *bytes;
    size_t size;
} egi_shipped;
extern const egi_shipped egi_stats_shipped[]; /* ends with a NULL name */

#endif
