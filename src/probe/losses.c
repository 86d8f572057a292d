/* Losses and accuracies, split by what the position asks for: c = 0 the global
 * bigram law, c = 1 an output that cannot be known yet, c >= 2 one that the
 * context has shown. */
#include "probe/batch.h"

enum {
    START = 10, /* acc_start: positions before this one */
    END = 500   /* acc_in_context: this many positions at the end */
};

static bool has_target(const egi_seq *s, int t)
{
    return s->targets[t] >= 0;
}

/* Mean loss over positions with lo <= c <= hi. */
static egi_ratio mean_loss(const egi_seq *s, int32_t lo, int32_t hi)
{
    egi_ratio r = {0, 0};

    for (int t = 0; t < s->n_ctx; t++) {
        if (!has_target(s, t) || s->occur[t] < lo || s->occur[t] > hi) continue;
        r.sum += s->nll[t];
        r.count += 1;
    }
    return r;
}

/* Accuracy over positions first <= t < end with lo <= c <= hi. */
static egi_ratio accuracy(const egi_seq *s, int32_t lo, int32_t hi, int first,
                          int end)
{
    egi_ratio r = {0, 0};

    for (int t = first; t < end; t++) {
        if (!has_target(s, t) || s->occur[t] < lo || s->occur[t] > hi) continue;
        r.sum += s->pred[t] == s->targets[t];
        r.count += 1;
    }
    return r;
}

egi_ratio egi_loss_global(const egi_seq *s)
{
    return mean_loss(s, 0, 0);
}

egi_ratio egi_loss_in_context(const egi_seq *s)
{
    return mean_loss(s, 2, INT32_MAX);
}

egi_ratio egi_acc_all(const egi_seq *s)
{
    return accuracy(s, 1, INT32_MAX, 0, s->n_ctx);
}

egi_ratio egi_acc_start(const egi_seq *s)
{
    return accuracy(s, 1, INT32_MAX, 0, s->n_ctx < START ? s->n_ctx : START);
}

egi_ratio egi_acc_in_context(const egi_seq *s)
{
    return accuracy(s, 2, INT32_MAX, s->n_ctx > END ? s->n_ctx - END : 0,
                    s->n_ctx);
}

egi_ratio egi_repeat_fraction(const egi_seq *s)
{
    egi_ratio r = {0, 0};

    for (int t = 0; t < s->n_ctx; t++) {
        if (!has_target(s, t) || s->occur[t] < 1) continue;
        r.sum += s->targets[t] == s->tokens[t];
        r.count += 1;
    }
    return r;
}

egi_ratio egi_loss_group(const egi_seq *s)
{
    return mean_loss(s, s->group->lo, s->group->hi);
}

egi_ratio egi_loss_at(const egi_seq *s)
{
    bool counts = has_target(s, s->at);

    return (egi_ratio){counts ? s->nll[s->at] : 0, counts};
}

egi_ratio egi_acc_group(const egi_seq *s)
{
    return accuracy(s, s->group->lo, s->group->hi, 0, s->n_ctx);
}
