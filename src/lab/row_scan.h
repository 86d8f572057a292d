/* Rows of metrics as this laboratory writes them, read fast.
 *
 * A file of metrics repeats its names in every row. A row of a shape that was
 * seen before is compared with that shape's text, and only its values are
 * looked at. What is not as plain as our own rows (a name with an escape, a
 * name twice, a value that is neither a number nor null, a number that jansson
 * would refuse) is left to jansson; what is taken means what jansson says. */
#ifndef EG_LAB_ROW_SCAN_H
#define EG_LAB_ROW_SCAN_H

#include "engram/status.h"

typedef struct egi_cell {
    const char *text; /* in the row */
    size_t size;
    enum { EGI_NULL, EGI_INTEGER, EGI_REAL } kind;
} egi_cell;

typedef struct egi_shape {
    int n;         /* cells, "step" among them */
    int step;      /* which of them that is */
    char *text;    /* all of a row but its values */
    size_t *piece; /* [n + 2]: where the text before value i begins, its end */
    char **name;   /* [n] */
    int *tag;      /* [n], the caller's; -1 at first */
} egi_shape;

enum { EGI_SHAPES = 8 };

/* All zero is ready for use. */
typedef struct egi_scan {
    egi_shape shape[EGI_SHAPES];
    int n, last, oldest;
    int64_t taken, learnt; /* rows, shapes */
    egi_cell *cell;        /* of the row that was taken last */
    double *value;         /* after egi_scan_values */
    int cap;
} egi_scan;

/* Reads a row of a shape that is known, into cell; NULL when it has none.
 * line[size] is readable, and no character of a number. */
egi_shape *egi_scan_row(egi_scan *s, const char *line, size_t size);
/* Makes the shape of a row, which jansson has found to be an object, known for
 * later ones; NULL when it is not plain, there is no memory, or shapes that are
 * learnt hardly ever come again. Shapes learnt before may be forgotten. */
egi_shape *egi_scan_learn(egi_scan *s, const char *line, size_t size);
/* The values of its cells; NaN for null, never infinite. */
void egi_scan_values(egi_scan *s, const egi_shape *h);
void egi_scan_release(egi_scan *s);

#endif
