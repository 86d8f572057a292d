/* Where the heads look. m1, m2: the most attended position of a head of the
 * first and of the second block. */
#include "probe/batch.h"

static bool counts(const egi_seq *s, int t, int32_t at_least)
{
    return s->targets[t] >= 0 && s->occur[t] >= at_least;
}

/* m1[t + 1] = t after a trigger at t with lo <= c <= hi. */
static egi_ratio looks_back(const egi_seq *s, int32_t lo, int32_t hi)
{
    egi_ratio r = {0, 0};

    for (int t = 0; t + 1 < s->n_ctx; t++) {
        if (!counts(s, t, lo) || s->occur[t] > hi) continue;
        r.sum += s->look1[t + 1] == t;
        r.count += 1;
    }
    return r;
}

egi_ratio egi_attn_prev(const egi_seq *s)
{
    return looks_back(s, 1, INT32_MAX);
}

egi_ratio egi_attn_prev_first(const egi_seq *s)
{
    return looks_back(s, 1, 1);
}

/* Everywhere, not only behind triggers. */
egi_ratio egi_attn_prev_all(const egi_seq *s)
{
    egi_ratio r = {0, 0};

    for (int t = 1; t < s->n_ctx; t++) {
        if (!counts(s, t, 0)) continue;
        r.sum += s->look1[t] == t - 1;
        r.count += 1;
    }
    return r;
}

/* The token at m2[t] is want[t], over c >= 2. */
static egi_ratio attends_token(const egi_seq *s, const int32_t *want)
{
    egi_ratio r = {0, 0};

    for (int t = 0; t < s->n_ctx; t++) {
        if (!counts(s, t, 2)) continue;
        r.sum += s->tokens[s->look2[t]] == want[t];
        r.count += 1;
    }
    return r;
}

egi_ratio egi_attn_answer(const egi_seq *s)
{
    return attends_token(s, s->targets);
}

egi_ratio egi_pred_attended(const egi_seq *s)
{
    return attends_token(s, s->pred);
}

/* The place before m2[t] holds an earlier copy of z_t. */
static bool finds_copy(const egi_seq *s, int t)
{
    int32_t m = s->look2[t];

    return m >= 1 && s->tokens[m - 1] == s->tokens[t];
}

egi_ratio egi_attn_match(const egi_seq *s)
{
    egi_ratio r = {0, 0};

    for (int t = 0; t < s->n_ctx; t++) {
        if (!counts(s, t, 2)) continue;
        r.sum += finds_copy(s, t);
        r.count += 1;
    }
    return r;
}

static bool seen_before(const egi_seq *s, int t)
{
    for (int i = 0; i < t; i++)
        if (s->tokens[i] == s->tokens[t]) return true;
    return false;
}

/* The same where no trigger stands, over tokens that were there before. */
egi_ratio egi_attn_match_other(const egi_seq *s)
{
    egi_ratio r = {0, 0};

    for (int t = 0; t < s->n_ctx; t++) {
        if (!counts(s, t, 0) || s->occur[t] > 0 || !seen_before(s, t)) continue;
        r.sum += finds_copy(s, t);
        r.count += 1;
    }
    return r;
}

/* The attended place itself looked one back: m1[m2[t]] = m2[t] - 1. */
egi_ratio egi_attn_cond(const egi_seq *s)
{
    egi_ratio r = {0, 0};

    for (int t = 0; t < s->n_ctx; t++) {
        if (!counts(s, t, 2) || s->look2[t] < 1) continue;
        int32_t m = s->look2[t];
        r.sum += s->look1[m] == m - 1;
        r.count += 1;
    }
    return r;
}

/* Where the answer repeats the trigger: the token at look[t] is the answer. */
static egi_ratio on_repeats(const egi_seq *s, const int32_t *look)
{
    egi_ratio r = {0, 0};

    for (int t = 0; t < s->n_ctx; t++) {
        if (!counts(s, t, 2) || s->targets[t] != s->tokens[t]) continue;
        r.sum += s->tokens[look[t]] == s->targets[t];
        r.count += 1;
    }
    return r;
}

egi_ratio egi_attn_repeat_first(const egi_seq *s)
{
    return on_repeats(s, s->look1);
}

egi_ratio egi_attn_repeat_second(const egi_seq *s)
{
    return on_repeats(s, s->look2);
}

#define ARGMAX(name, type)                         \
    static int32_t name(const type *x, eg_index n) \
    {                                              \
        eg_index best = 0;                         \
                                                   \
        for (eg_index i = 1; i < n; i++) {         \
            if (x[i] > x[best]) best = i;          \
        }                                          \
        return (int32_t)best;                      \
    }
ARGMAX(argmax_f32, float)
ARGMAX(argmax_f64, double)

void egi_attn_look(int32_t *look, const eg_view *pattern)
{
    eg_index T = pattern->shape[2], rows = pattern->shape[0] * T;

    for (eg_index r = 0; r < rows; r++) {
        eg_index visible = r % T + 1;

        if (pattern->dtype == EG_F64) {
            look[r] =
                argmax_f64((const double *)pattern->data + r * T, visible);
        } else {
            look[r] = argmax_f32((const float *)pattern->data + r * T, visible);
        }
    }
}
