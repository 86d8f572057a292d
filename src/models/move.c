/* Matrices from a file into a model, row by row. */
#include "models/models.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "engram/mem.h"
#include "nn/schedule.h"

typedef struct mover {
    eg_model *m;
    egi_source *s;
    const egi_found *f;
    float *row; /* of the longest */
    eg_err *err;
} mover;

egi_sides egi_sides_of(const eg_tensor *t)
{
    if (t->ndim == 1) return (egi_sides){1, t->size, t->size};
    if (t->ndim == 2) return (egi_sides){t->shape[0], t->shape[1], t->shape[1]};
    if (strstr(t->name, "attn.W_O"))
        return (egi_sides){t->shape[0] * t->shape[1], t->shape[2], t->shape[2]};
    return (egi_sides){t->shape[1], t->shape[0] * t->shape[2], t->shape[2]};
}

eg_index egi_place(const egi_sides *s, eg_index i, eg_index o)
{
    return (o / s->width * s->in + i) * s->width + o % s->width;
}

static eg_status read_row(const mover *v, const egi_in *t, eg_index r)
{
    egi_in_row(t, r, v->row);
    for (eg_index k = 0; k < egi_in_cols(t); k++)
        if (!isfinite(v->row[k]))
            return EG_FAIL(v->err, EG_EFORMAT,
                           "%s: %s: expected finite numbers, found %g in row "
                           "%td, place %td",
                           v->s->path, t->name, (double)v->row[k], r, k);
    return EG_OK;
}

static eg_status wrong_shape(const mover *v, const egi_in *t, eg_index rows,
                             eg_index cols)
{
    char have[96];

    egi_in_shape(t, have, sizeof have);
    return EG_FAIL(v->err, EG_ESHAPE, "%s: %s: expected [%td,%td], found %s",
                   v->s->path, t->name, rows, cols, have);
}

/* As it is: a vector, or a part of it; or the first rows of a table. */
static eg_status as_it_is(const mover *v, const egi_move *how, const egi_in *t,
                          const eg_tensor *to)
{
    bool table = strcmp(to->name, "W_E") == 0 || strcmp(to->name, "W_pos") == 0;
    eg_index cols = table ? to->shape[1] : to->size;
    eg_index parts = how->parts ? how->parts : 1;
    eg_index rows = table ? to->shape[0] : 1;
    eg_status st = EG_OK;

    if (egi_in_cols(t) != cols * parts ||
        (table ? egi_in_rows(t) < rows : egi_in_rows(t) != 1))
        return wrong_shape(v, t, rows, cols * parts);
    for (eg_index r = 0; st == EG_OK && r < rows; r++) {
        st = read_row(v, t, r);
        for (eg_index k = 0; st == EG_OK && k < cols; k++)
            egi_entry_set(v->m, to, r * cols + k,
                          (double)v->row[how->part * cols + k]);
    }
    return st;
}

static eg_status matrix(const mover *v, const egi_move *how, const egi_in *t,
                        const eg_tensor *to, bool in_out)
{
    egi_sides s = egi_sides_of(to);
    eg_index parts = how->parts ? how->parts : 1, all = s.out * parts;
    eg_index first = how->part * s.out;
    eg_status st = EG_OK;

    if (egi_in_rows(t) != (in_out ? s.in : all) ||
        egi_in_cols(t) != (in_out ? all : s.in) || t->ndim != 2)
        return wrong_shape(v, t, in_out ? s.in : all, in_out ? all : s.in);
    for (eg_index r = 0; r < (in_out ? s.in : s.out); r++) {
        st = read_row(v, t, in_out ? r : first + r);
        if (st != EG_OK) return st;
        for (eg_index k = 0; k < (in_out ? s.out : s.in); k++)
            egi_entry_set(v->m, to,
                          in_out ? egi_place(&s, r, k) : egi_place(&s, k, r),
                          (double)v->row[in_out ? first + k : k]);
    }
    return st;
}

static eg_status move_one(const mover *v, const egi_move *how, int block,
                          bool *filled)
{
    char theirs[128], ours[128];
    egi_in *t;
    int i;

    egi_name_of(theirs, how->theirs, block);
    egi_name_of(ours, how->ours, block);
    i = eg_model_find(v->m, ours);
    t = egi_source_find(v->s, theirs);
    if (i < 0 || filled[i]) return EG_OK; /* an alternative, or not needed */
    if (!t) return EG_OK;
    if (t->stored == EGI_OTHER)
        return EG_FAIL(v->err, EG_EFORMAT,
                       "%s: %s: expected real numbers, found %s", v->s->path,
                       theirs, t->what);
    t->used = filled[i] = true;
    if (how->lie == EGI_AS_IS) return as_it_is(v, how, t, &v->m->tensor[i]);
    return matrix(v, how, t, &v->m->tensor[i],
                  how->lie == EGI_IN_OUT && !v->f->flip);
}

static eg_status move_all(const mover *v, bool *filled)
{
    eg_status st = EG_OK;

    for (const egi_move *how = v->f->family->moves; how->theirs; how++) {
        int blocks = strchr(how->theirs, '#') ? v->m->n_layers : 1;

        for (int l = 0; l < blocks; l++) EG_TRY(move_one(v, how, l, filled));
    }
    for (int i = 0; i < v->m->n_tensors; i++)
        if (!filled[i] && v->m->tensor[i].fill != EGI_FILL_SINUSOIDS)
            return EG_FAIL(v->err, EG_EFORMAT,
                           "%s: has nothing for %s of the model", v->s->path,
                           v->m->tensor[i].name);
done:
    return st;
}

static bool any_of(const char *const *patterns, const char *name)
{
    for (; patterns && *patterns; patterns++)
        if (egi_match(*patterns, name)) return true;
    return false;
}

/* What was not used and is neither a mask nor known to have no place. */
static eg_status leftovers(const mover *v, bool allow_extra, char *note,
                           size_t size)
{
    egi_text text = egi_text_on(note, size);
    egi_listing list = {.t = &text, .keep = 48};
    int strange = 0;
    char one[256], shape[96];

    note[0] = '\0';
    for (int i = 0; i < v->s->n; i++) {
        const egi_in *t = &v->s->in[i];

        if (t->used || any_of(v->f->family->skip, t->name)) continue;
        strange += !any_of(v->f->family->left, t->name);
        if (list.n == 0) egi_text_add(&text, "%s: left out ", v->s->path);
        egi_in_shape(t, shape, sizeof shape);
        (void)snprintf(one, sizeof one, "%s %s", t->name, shape);
        egi_listing_add(&list, one);
    }
    if (list.n > 0) egi_listing_end(&list);
    if (strange == 0 || allow_extra) return EG_OK;
    return EG_FAIL(v->err, EG_EFORMAT,
                   "%s (--allow-extra leaves out what the model does not have)",
                   note);
}

eg_status egi_found_model(eg_model **out, const egi_found *f, egi_source *s,
                          int n_ctx, eg_precision precision, bool allow_extra,
                          char *note, size_t size, eg_err *err)
{
    mover v = {.s = s, .f = f, .err = err};
    eg_index longest = 1;
    bool *filled = NULL;
    eg_status st = EG_OK;

    *out = NULL;
    EG_TRY(egi_model_blank(&v.m, &f->opts,
                           (eg_io){.n_ctx = n_ctx, .d_vocab = f->vocab},
                           precision, err));
    for (int i = 0; i < s->n; i++)
        if (egi_in_rows(&s->in[i]) > 0 && egi_in_cols(&s->in[i]) > longest)
            longest = egi_in_cols(&s->in[i]);
    v.row = eg_calloc((size_t)longest, sizeof *v.row);
    filled = eg_calloc((size_t)v.m->n_tensors + 1, sizeof *filled);
    if (!v.row || !filled) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: a row of %td", s->path, longest);
        goto done;
    }
    EG_TRY(move_all(&v, filled));
    if (f->family->finish) EG_TRY(f->family->finish(v.m, s, err));
    EG_TRY(leftovers(&v, allow_extra, note, size));
    *out = v.m;
    v.m = NULL;
done:
    eg_model_free(v.m);
    eg_free(v.row);
    eg_free(filled);
    return st;
}
