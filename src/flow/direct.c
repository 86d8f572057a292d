/* Direct sums over all pairs. Tokens are cut into groups; the pairs of groups
 * are run through in rounds as in a tournament, so that in every round each
 * group plays once: both sides can be added to, and the order in which a token
 * receives its sums is the same for any number of threads. */
#include <math.h>

#include "engram/mem.h"
#include "flow/nearby.h"
#include "flow/sums_priv.h"

struct egi_direct {
    const egi_particles *kern;
    eg_pool *pool;
    eg_index n, d; /* room */
    double beta;
    bool single;
    egi_cloud_f64 wide;
    egi_cloud_f32 narrow;
    double *block; /* S, F, and the cloud of float64 */
    float *floats;
    egi_place *order; /* tokens in the clouds' order */
    /* of one evaluation */
    eg_index padded, group, n_groups, round;
};

enum { LARGE_D_ROWS = 64 };

static eg_index pad(eg_index n)
{
    return (n + EGI_CLOUD_PAD - 1) / EGI_CLOUD_PAD * EGI_CLOUD_PAD;
}

static eg_index whole_blocks(eg_index n)
{
    return (n + EGI_CLOUD_BLOCK - 1) / EGI_CLOUD_BLOCK * EGI_CLOUD_BLOCK;
}

/* Rows of a matrix of tokens, kept off multiples of a page. */
static eg_index leading(eg_index n)
{
    eg_index ld = pad(n);
    return ld % 512 == 0 ? ld + EGI_CLOUD_PAD : ld;
}

eg_status egi_direct_new(egi_direct **out, eg_index n, eg_index d, double beta,
                         bool single, const egi_particles *kern, eg_pool *pool,
                         eg_err *err)
{
    egi_direct *s = eg_calloc(1, sizeof *s);
    size_t ld = (size_t)leading(n), rows = (size_t)d;

    *out = NULL;
    if (!s) return EG_FAIL(err, EG_ENOMEM, "direct sums: out of memory");
    s->kern = kern;
    s->pool = pool;
    s->n = n;
    s->d = d;
    s->beta = beta;
    s->single = single;
    s->block =
        eg_calloc(ld * (single ? rows + 1 : 4 * rows + 2), sizeof(double));
    s->order = eg_calloc((size_t)n, sizeof *s->order);
    s->floats = single ? eg_calloc(ld * (3 * rows + 1), sizeof(float)) : NULL;
    if (!s->block || !s->order || (single && !s->floats)) {
        egi_direct_free(s);
        return EG_FAIL(err, EG_ENOMEM,
                       "direct sums of %td tokens in R^%td: out of memory", n,
                       d);
    }
    *out = s;
    return EG_OK;
}

void egi_direct_free(egi_direct *s)
{
    if (!s) return;
    eg_free(s->block);
    eg_free(s->floats);
    eg_free(s->order);
    eg_free(s);
}

/* The cloud of these tokens; see particles.h. */
static void load(egi_direct *s, const egi_tokens *t)
{
    eg_index d = s->d, ld = leading(t->n);
    double scale = sqrt(0.5 * fabs(s->beta) * M_LOG2E);
    double turn = s->beta < 0 ? -1 : 1, shift = -fabs(s->beta) * M_LOG2E;
    double *q = s->block + (d + 1) * ld;
    float *f = s->floats;

    s->wide = (egi_cloud_f64){.ld = ld,
                              .d = d,
                              .shift = shift,
                              .q = q,
                              .r = q + d * ld,
                              .mx = q + 2 * d * ld,
                              .m = q + 3 * d * ld,
                              .S = s->block,
                              .F = s->block + ld};
    s->narrow = (egi_cloud_f32){.ld = ld,
                                .d = d,
                                .shift = (float)shift,
                                .q = f,
                                .r = f + d * ld,
                                .mx = f + 2 * d * ld,
                                .m = f + 3 * d * ld,
                                .S = s->block,
                                .F = s->block + ld};
    for (eg_index i = 0; i < ld * (d + 1); i++) s->block[i] = 0;
    for (eg_index i = 0; i < ld && t->n > 0; i++) {
        bool in = i < t->n;
        eg_index token = s->order[in ? i : t->n - 1].token;
        double m = in ? (t->mass ? t->mass[token] : 1) : 0;

        for (eg_index k = 0; k < d; k++) {
            double x = t->x[token * d + k];
            eg_index at = k * ld + i;
            if (s->single) {
                f[at] = (float)(scale * x);
                f[d * ld + at] = (float)(turn * scale * x);
                f[2 * d * ld + at] = (float)(m * x);
            } else {
                q[at] = scale * x;
                q[d * ld + at] = turn * (scale * x);
                q[2 * d * ld + at] = m * x;
            }
        }
        if (s->single)
            f[3 * d * ld + i] = (float)m;
        else
            q[3 * d * ld + i] = m;
    }
    s->padded = pad(t->n);
}

static void pairs(const egi_direct *s, eg_index i0, eg_index i1, eg_index j0,
                  eg_index j1, bool both)
{
    if (s->single)
        s->kern->pairs_f32(&s->narrow, i0, i1, j0, j1, both);
    else
        s->kern->pairs_f64(&s->wide, i0, i1, j0, j1, both);
}

/* All pairs of a group with itself: halves against each other, then each. */
static void within(const egi_direct *s, eg_index i0, eg_index i1) // NOLINT
{
    eg_index half = whole_blocks((i1 - i0) / 2);

    if (i1 - i0 <= EGI_CLOUD_BLOCK) {
        pairs(s, i0, i1, i0, i1, false);
        return;
    }
    pairs(s, i0, i0 + half, i0 + half, i1, true);
    within(s, i0, i0 + half);
    within(s, i0 + half, i1);
}

static eg_index group_end(const egi_direct *s, eg_index g)
{
    eg_index end = (g + 1) * s->group;
    return end < s->padded ? end : s->padded;
}

/* Task a of a round: group a meets the group b with a + b = round. */
static void play(void *ctx, int task, int worker)
{
    const egi_direct *s = ctx;
    eg_index a = task, b = (s->round - a + s->n_groups) % s->n_groups;

    (void)worker;
    if (a == b)
        within(s, a * s->group, group_end(s, a));
    else if (a < b)
        pairs(s, a * s->group, group_end(s, a), b * s->group, group_end(s, b),
              true);
}

static void large_rows(void *ctx, int task, int worker)
{
    const egi_direct *s = ctx;
    eg_index i0 = (eg_index)task * LARGE_D_ROWS;
    eg_index i1 = i0 + LARGE_D_ROWS < s->padded ? i0 + LARGE_D_ROWS : s->padded;

    (void)worker;
    if (s->single)
        s->kern->rows_f32(&s->narrow, i0, i1, 0, s->padded);
    else
        s->kern->rows_f64(&s->wide, i0, i1, 0, s->padded);
}

/* A sixteenth of the tokens, within limits: enough tasks for every core, and
 * float32 sums over no more than 2048 of them. */
static eg_index group_size(eg_index padded)
{
    eg_index g = whole_blocks(padded / 16);

    if (g < 128) g = 128;
    return g > 2048 ? 2048 : g;
}

void egi_direct_eval(egi_direct *s, const egi_tokens *t)
{
    EG_ASSERT(t->n <= s->n);
    egi_nearby(s->order, t->x, t->n, s->d,
               s->d <= EGI_CLOUD_SMALL_D ? EGI_CLOUD_BLOCK : t->n);
    load(s, t);
    if (s->d <= EGI_CLOUD_SMALL_D) {
        s->group = group_size(s->padded);
        s->n_groups = (s->padded + s->group - 1) / s->group;
        for (s->round = 0; s->round < s->n_groups; s->round++)
            egi_pool_tasks(s->pool, (int)s->n_groups, play, s);
    } else {
        eg_index tasks = (s->padded + LARGE_D_ROWS - 1) / LARGE_D_ROWS;
        egi_pool_tasks(s->pool, (int)tasks, large_rows, s);
    }
    for (eg_index i = 0; i < t->n; i++) {
        eg_index token = s->order[i].token;

        t->S[token] = s->wide.S[i];
        for (eg_index k = 0; k < s->d; k++)
            t->F[token * s->d + k] = s->wide.F[k * s->wide.ld + i];
    }
}
