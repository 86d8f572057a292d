/* Small models in other programs' files: tensors whose numbers follow from
 * their names, as models/record.py has them. */
#ifndef FORMS_H
#define FORMS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram/checkpoint.h"
#include "engram/eval.h"
#include "engram/export.h"
#include "engram/file.h"
#include "engram/mem.h"

enum { V = 19, T = 12, D = 16, L = 2, N = 10 };

/* u - 1/2 of entry k. */
static inline double form_number(const char *name, uint32_t k)
{
    uint32_t h = 2166136261u;

    for (const char *c = name; *c; c++) h = (h ^ (unsigned char)*c) * 16777619u;
    h += k * 2654435761u;
    h ^= h >> 15;
    h *= 2246822519u;
    h ^= h >> 13;
    return (double)(h >> 8) / 16777216 - 0.5;
}

static inline bool form_gain(const char *name)
{
    static const char *const ends[] = {"ln_1.weight",      "ln_2.weight",
                                       "ln_f.weight",      "LayerNorm.weight",
                                       "layernorm.weight", "norm.weight"};
    size_t n = strlen(name);

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t len = strlen(ends[i]);

        if (n >= len && strcmp(name + n - len, ends[i]) == 0) return true;
    }
    return false;
}

/* Tensors of a file that is being made. */
typedef struct form {
    eg_st_entry entry[80];
    void *own[80]; /* their numbers */
    int n;
} form;

static inline float *form_add(form *f, const char *name, int ndim, eg_index a,
                              eg_index b)
{
    eg_st_entry *e = &f->entry[f->n];
    eg_index n = a * (ndim > 1 ? b : 1);
    float *x = eg_calloc((size_t)n + 1, sizeof *x);

    assert_non_null(x);
    f->own[f->n++] = x;
    assert_true(f->n < 80);
    snprintf(e->name, sizeof e->name, "%s", name);
    e->view =
        (eg_view){.data = x, .dtype = EG_F32, .ndim = ndim, .shape = {a, b}};
    for (eg_index k = 0; k < n; k++) {
        double u = form_number(name, (uint32_t)k);

        x[k] = (float)(form_gain(name) ? 1 + u / 2 : u);
    }
    return x;
}

static inline void form_release(form *f)
{
    for (int i = 0; i < f->n; i++) eg_free(f->own[i]);
    f->n = 0;
}

/* A tensor of that name, which is there. */
static inline eg_st_entry *form_find(form *f, const char *name)
{
    for (int i = 0; i < f->n; i++)
        if (strcmp(f->entry[i].name, name) == 0) return &f->entry[i];
    fail_msg("no tensor %s", name);
    return &f->entry[0];
}

#endif
