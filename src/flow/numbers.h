/* Arrays of numbers a user hands in: .npy or .csv files. */
#ifndef EG_FLOW_NUMBERS_H
#define EG_FLOW_NUMBERS_H

#include "engram/file.h"

typedef struct egi_numbers {
    double *data; /* row-major; release with egi_numbers_release */
    int ndim;     /* of a .csv file: 2 */
    eg_index shape[EG_MAX_DIMS];
    bool single; /* was float32 */
} egi_numbers;

/* Lines of numbers separated by commas, the same count in each; empty lines
 * and those that start with # are skipped, and so is a first line of names, in
 * which no cell begins as a number, or a program's numbering 0,1,2 above
 * reals; 0,1 above reals is refused, as it may be numbers. bytes[size] is 0;
 * name is for messages, which tell the line. */
eg_status egi_csv_parse(egi_numbers *out, const char *bytes, size_t size,
                        const char *name, eg_err *err);
/* A file by its ending, below the folder `in` (NULL: at a path). */
eg_status egi_numbers_read(egi_numbers *out, const eg_folder *in,
                           const char *path, eg_err *err);
void egi_numbers_release(egi_numbers *a);
eg_index egi_numbers_size(const egi_numbers *a);
/* Does the word end as a file of numbers does? */
bool egi_is_numbers_file(const char *word);
/* Reads and checks a shape; rows or columns -1: any. what names the array. A
 * vector [n] passes as [1, n] and as [n, 1]. */
eg_status egi_numbers_expect(egi_numbers *out, const eg_folder *in,
                             const char *path, const char *what, eg_index rows,
                             eg_index columns, eg_err *err);
/* A whole word as a number. */
bool egi_word_number(const char *word, double *value);

#endif
