/* Things to be stored as patterns of an energy (energy.h), and cues to recall
 * them from: lines of text, vectors of numbers, small pictures. */
#ifndef ENGRAM_RECALL_H
#define ENGRAM_RECALL_H

#include "engram/energy.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum eg_store_kind {
    EG_STORE_AUTO, /* by the file's ending: .npy .csv, .pgm .pbm .art, else
                      lines */
    EG_STORE_LINES,
    EG_STORE_NUMBERS,
    EG_STORE_PICTURES
} eg_store_kind;

typedef struct eg_store_opts {
    eg_store_kind kind;
    int code; /* entries that stand for a character, 1 to 1024; 0: 32 */
    uint64_t seed;
} eg_store_opts;

/* A pattern has width x height places: characters, numbers, or pixels row by
 * row; a place has `code` entries. Lines: each character of the text is a word
 * of random signs, shorter lines end in blanks. Pictures: from 1, black, or a
 * mark of ASCII art, to -1. */
typedef struct eg_store {
    eg_store_kind kind;
    eg_index d, n;   /* patterns, entries = width height code */
    double *pattern; /* [d, n] */
    eg_index width, height;
    int code;
    /* lines only */
    int n_symbols;
    uint32_t *symbol; /* [n_symbols] code points, ascending */
    double *word;     /* [n_symbols, code] */
    int *at;          /* [d, width] which symbol stands there */
} eg_store;

/* Reads all files into one store. A .npy file holds [d, n] or [n], a .csv file
 * a vector a line; a .pgm or .pbm file one picture, an .art file pictures
 * parted by empty lines, in which a blank or a point is no mark; other files
 * are UTF-8 text, a line a pattern, empty ones left out. EG_ESHAPE: files of
 * several kinds or sizes; EG_EFORMAT: not what it should be, with the place;
 * EG_EINVAL: nothing to store, or more than 2^27 entries. On failure *s is
 * released. */
EG_API eg_status eg_store_read(eg_store *s, const char *const *path,
                               int n_paths, const eg_store_opts *o,
                               eg_err *err);
EG_API void eg_store_release(eg_store *s);

/* Pictures as signs: gray levels above the middle become 1, others -1. */
EG_API void eg_store_signs(eg_store *s);

/* A beta at which the patterns are far from one another: (5 + log d) over the
 * smallest squared distance of two that differ, among the first 300; *gap is
 * that distance, 0 where no two differ. For mchn twice as much does the same
 * where lengths are alike. */
EG_API double eg_store_beta(const eg_store *s, double *gap);

/* The pattern that is nearest to x, the lowest on ties; *far its distance. */
EG_API eg_index eg_store_nearest(const eg_store *s, const double *x,
                                 double *far);

/* x as text, allocated, '\0' at its end: a line; a picture in the characters
 * " .:-=+*#%@", at most `columns` wide; the first numbers. known (NULL: all)
 * marks places that are not as '?'. EG_ENOMEM. */
EG_API eg_status eg_store_text(char **out, const eg_store *s, const double *x,
                               const unsigned char *known, int columns,
                               eg_err *err);

/* ---- Cues
 * ------------------------------------------------------------------*/

typedef struct eg_cue {
    double *x;            /* [n] */
    unsigned char *known; /* [n], 0 where nothing is known, and x is 0 */
} eg_cue;

EG_API void eg_cue_release(eg_cue *c); /* nothing when empty */
/* A stored pattern, i from 0; EG_EINVAL out of range. */
EG_API eg_status eg_cue_stored(eg_cue *c, const eg_store *s, eg_index i,
                               eg_err *err);
/* Lines: part of a line, '?' for what is not known, put where it agrees best
 * with a stored one, or from place `at` on (-1: best); *placed says where.
 * Numbers: as many as a pattern has, parted by commas, '?' for what is not
 * known, or a file. Pictures: a file, in ASCII art '?' for what is not known.
 * EG_EINVAL says what does not fit. */
EG_API eg_status eg_cue_read(eg_cue *c, const eg_store *s, const char *text,
                             eg_index at, eg_index *placed, eg_err *err);
/* Makes a share of the places unknown: the first, the last, or random ones. */
typedef enum eg_hide { EG_HIDE_START, EG_HIDE_END, EG_HIDE_RANDOM } eg_hide;
EG_API void eg_cue_hide(eg_cue *c, const eg_store *s, eg_hide how, double share,
                        uint64_t seed);
/* Wrong marks at a random share of the known places: another character, the
 * sign or gray level turned round; numbers get normal noise of `share` standard
 * deviations of all that is stored. */
EG_API void eg_cue_noise(eg_cue *c, const eg_store *s, double share,
                         uint64_t seed);
/* What is not known, 0 till now, becomes what the known part says: the mean of
 * the patterns with weights softmax(-beta |x - rho|^2), distances over the
 * known entries only. EG_ENOMEM. */
EG_API eg_status eg_cue_fill(eg_cue *c, const eg_store *s, double beta,
                             eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
