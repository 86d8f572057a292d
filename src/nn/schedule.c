#include "nn/schedule.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "engram/text.h"

double egi_learning_rate(const eg_optim_opts *o, int64_t step, int64_t steps)
{
    double warm = (double)o->warmup, s = (double)step;

    if (step < o->warmup) return o->lr * (s + 1) / warm;
    double span = (double)steps - 1 - warm;
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
    if (end == at + 1 || *end || n < 0 || errno != 0)
        return EG_FAIL(err, EG_EINVAL,
                       "train.freeze: expected NAME or NAME@STEP, found '%s'",
                       item);
    *step = n;
    return EG_OK;
}

eg_status egi_freeze_parse(int64_t *from, const eg_model *m,
                           const eg_train_opts *o, eg_err *err)
{
    for (int i = 0; i < m->n_tensors; i++)
        from[i] = m->tensor[i].fixed ? EGI_NEVER : 0;
    for (int k = 0; k < o->freeze.n; k++) {
        char pattern[EG_STRS_LEN];
        int64_t step;
        int hits = 0;
        eg_status st = split_item(o->freeze.item[k], pattern, &step, err);
        if (st != EG_OK) return st;
        for (int i = 0; i < m->n_tensors; i++) {
            if (!egi_match(pattern, m->tensor[i].name)) continue;
            hits++;
            if (step > from[i]) from[i] = step;
        }
        if (hits > 0) continue;
        const char *near = NULL;
        int best = 1 << 30;
        for (int i = 0; i < m->n_tensors; i++) {
            int d = eg_edit_distance(pattern, m->tensor[i].name);
            if (d < best) {
                best = d;
                near = m->tensor[i].name;
            }
        }
        return EG_FAIL(err, EG_EINVAL,
                       "train.freeze: no tensor matches '%s'; did you mean "
                       "'%s'?",
                       pattern, near);
    }
    return EG_OK;
}
