/* The keys in which the settings of a name differ, as axes of its figures. */
#ifndef EG_REPORT_AXES_H
#define EG_REPORT_AXES_H

#include "report/figures.h"

enum { EGI_AXIS_VALUES = 256 /* that a figure has place for */ };

/* A key that differs, with its values in order. */
typedef struct egi_axis {
    const char *name, *word; /* "optim.lr", "lr" */
    int n;
    const char *value[EGI_AXIS_VALUES];
    double x[EGI_AXIS_VALUES]; /* the numbers, or their places where one is
                                  none */
    bool numeric, log;
    int *at; /* [n_settings]: which of them each setting has */
} egi_axis;

typedef struct egi_axes {
    int n, n_settings;
    egi_axis *axis; /* [n] */
} egi_axes;

/* Of the settings of f, which outlives them. *fits false: a key has too many
 * values, or is none of a configuration. EG_ENOMEM. */
eg_status egi_axes_read(egi_axes *x, const egi_family *f, bool *fits,
                        eg_err *err);
void egi_axes_release(egi_axes *x);
/* Do settings a and b agree in all keys but these? */
bool egi_axes_agree(const egi_axes *x, int a, int b, int key, int other);
/* Is s the first of the settings that agree with it in all keys but these? */
bool egi_axes_first(const egi_axes *x, int s, int key, int other);
/* How many such there are, counted as far as most + 1. */
int egi_axes_rest(const egi_axes *x, int key, int other, int most);
/* "lr 0.1, d_model 64": what s has of all keys but these. */
void egi_axes_others(char *text, size_t size, const egi_axes *x, int s, int key,
                     int other);

#endif
