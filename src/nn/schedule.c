#include "nn/schedule.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "engram/text.h"

double egi_learning_rate(const eg_optim_opts *o, int64_t step, int64_t steps)
{
    double warm = (double)o->warmup, s = (double)step;

    double end = (double)(o->schedule_end > 0 ? o->schedule_end : steps - 1);

    if (step < o->warmup)
        return o->lr * (s + (o->warmup_zero ? 0 : 1)) /
               (warm + (o->warmup_below ? 1 : 0));
    double span = end - warm;
    double x = span > 0 ? (s - warm) / span : 1;
    if (x > 1) x = 1;
    switch (o->schedule) {
    case EG_LR_LINEAR:
        return o->lr + (o->lr_end - o->lr) * x;
    case EG_LR_COSINE:
        return o->lr_end + (o->lr - o->lr_end) * 0.5 * (1 + cos(M_PI * x));
    case EG_LR_INVERSE_SQRT:
        return o->lr * sqrt((warm > 0 ? warm : 1) / (s + 1 > 1 ? s + 1 : 1));
    default:
        return o->lr;
    }
}

bool egi_match(const char *pattern, const char *name)
{
    for (; *pattern; pattern++, name++) {
        if (*pattern == '*') {
            while (*pattern == '*') pattern++;
            for (;; name++) {
                if (egi_match(pattern, name)) return true;
                if (!*name) return false;
            }
        }
        if (*pattern != *name) return false;
    }
    return *name == 0;
}

/* "NAME@STEP" into its halves. */
static eg_status split_item(const char *item, char *pattern, int64_t *step,
                            eg_err *err)
{
    const char *at = strchr(item, '@');
    size_t len = at ? (size_t)(at - item) : strlen(item);
    char *end;

    *step = EGI_NEVER;
    memcpy(pattern, item, len);
    pattern[len] = 0;
    if (!at) return EG_OK;
    errno = 0;
    long long n = strtoll(at + 1, &end, 10);
    if (!egi_is_digit(at[1]) || *end || errno != 0)
        return EG_FAIL(err, EG_EINVAL,
                       "train.freeze: expected NAME or NAME@STEP, found '%s'",
                       item);
    *step = n;
    return EG_OK;
}

/* Tensors that the pattern matches are not trained before step. */
static int freeze(int64_t *from, const eg_model *m, const char *pattern,
                  int64_t step)
{
    int hits = 0;

    for (int i = 0; i < m->n_tensors; i++) {
        if (!egi_match(pattern, m->tensor[i].name)) continue;
        hits++;
        if (from && step > from[i]) from[i] = step;
    }
    return hits;
}

/* Does the pattern speak of a block beyond the last, and would a block with
 * these options, whatever its MLP, have what it names? */
static eg_status beyond_last(bool *yes, const eg_model *m, const char *pattern,
                             eg_err *err)
{
    static const char head[] = "blocks.";
    static const char *const mlp[] = {"linear", "gelu"};
    char first[EG_STRS_LEN + 8], *end = NULL;
    const char *number = pattern + sizeof head - 1;

    *yes = false;
    if (strncmp(pattern, head, sizeof head - 1) != 0 || !egi_is_digit(*number))
        return EG_OK;
    if (strtoll(number, &end, 10) < m->n_layers) return EG_OK;
    snprintf(first, sizeof first, "%s0%s", head, end);
    for (size_t k = 0; k < sizeof mlp / sizeof *mlp && !*yes; k++) {
        eg_model_opts o = m->opts;
        eg_model *one = NULL;
        eg_status st = EG_OK;

        o.n_layers = 1;
        o.mlp = (eg_strs){.n = 1};
        snprintf(o.mlp.item[0], sizeof o.mlp.item[0], "%s", mlp[k]);
        st = egi_model_shape(&one, &o, m->io, m->precision, err);
        if (st != EG_OK) return st;
        *yes = freeze(NULL, one, first, 0) > 0;
        eg_model_free(one);
    }
    return EG_OK;
}

static void add_blocks(egi_text *t, const eg_model *m)
{
    if (m->n_layers == 1)
        egi_text_add(t, "; the model has block 0 alone");
    else
        egi_text_add(t, "; the model has blocks 0 to %d", m->n_layers - 1);
}

static eg_status no_match(const eg_model *m, const char *pattern, eg_err *err)
{
    eg_nearest near = {.asked = pattern};

    for (int i = 0; i < m->n_tensors; i++)
        eg_nearest_try(&near, m->tensor[i].name);
    return EG_FAIL(err, EG_EINVAL, "train.freeze: no tensor matches '%s'%s%s%s",
                   pattern, near.best ? "; did you mean '" : "",
                   near.best ? near.best : "", near.best ? "'?" : "");
}

eg_status egi_freeze_parse(int64_t *from, const eg_model *m,
                           const eg_train_opts *o, bool strict, char *note,
                           size_t size, eg_err *err)
{
    egi_text t = egi_text_on(note, size);
    egi_listing list = {.t = &t, .keep = 48}; /* add_blocks */
    eg_status st = EG_OK;

    note[0] = '\0';
    for (int i = 0; i < m->n_tensors; i++)
        from[i] = m->tensor[i].fixed ? EGI_NEVER : 0;
    for (int k = 0; k < o->freeze.n; k++) {
        char pattern[EG_STRS_LEN];
        int64_t step;
        bool beyond;

        EG_TRY(split_item(o->freeze.item[k], pattern, &step, err));
        if (freeze(from, m, pattern, step) > 0) continue;
        EG_TRY(beyond_last(&beyond, m, pattern, err));
        if (!beyond) return no_match(m, pattern, err);
        if (list.n == 0) egi_text_add(&t, "train.freeze: no block for ");
        egi_listing_add(&list, pattern);
    }
    if (list.n == 0) return EG_OK;
    egi_listing_end(&list);
    add_blocks(&t, m);
    if (strict) st = EG_FAIL(err, EG_EINVAL, "%s", note);
done:
    return st;
}
