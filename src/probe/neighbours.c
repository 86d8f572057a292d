/* Nearest neighbours: the search from its parts. */
#include "probe/neighbours.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"

enum { TALL = 8 }; /* row blocks of a strip: columns are packed once for them */

/* ---- life -----------------------------------------------------------------
 */

static eg_status check(const eg_neighbours_spec *spec, eg_err *err)
{
    if (spec->m < 1 || spec->n < 1 || spec->m > INT32_MAX)
        return EG_FAIL(err, EG_EINVAL,
                       "neighbours: expected 1 to %d vectors of 1 entry or "
                       "more, found %td of %td",
                       INT32_MAX, spec->m, spec->n);
    if (spec->n_sizes < 0 || spec->n_sizes > EG_NESTED_MAX)
        return EG_FAIL(err, EG_EINVAL,
                       "neighbours: expected at most %d subsets, found %d",
                       EG_NESTED_MAX, spec->n_sizes);
    for (int k = 0; k < spec->n_sizes; k++)
        if (spec->size[k] < 1 || spec->size[k] > spec->m ||
            (k > 0 && spec->size[k] <= spec->size[k - 1]))
            return EG_FAIL(err, EG_EINVAL,
                           "neighbours: sizes of subsets ascend from 1 to %td, "
                           "found %td",
                           spec->m, spec->size[k]);
    return EG_OK;
}

static void release(egi_near_search *s)
{
    eg_free(s->row);
    eg_free(s->c);
    eg_free(s->norm);
    eg_free(s->block);
    eg_free(s->strips);
    eg_free(s->best);
    eg_free(s->work);
    eg_free(s->distance);
    eg_free(s->index);
    eg_free(s->unsure);
}

void eg_neighbours_release(eg_neighbours *r)
{
    eg_free(r->first);
    eg_free(r->index);
    eg_free(r->distance);
    *r = (eg_neighbours){0};
}

/* The sizes, and how many different vectors each subset has. */
static void nest(egi_near_search *s, eg_neighbours *out)
{
    const eg_neighbours_spec *spec = s->spec;

    out->n_sizes = s->n_sizes;
    for (int k = 0; k < s->n_sizes; k++) {
        out->size[k] = spec->n_sizes ? spec->size[k] : spec->m;
        while (s->end[k] < s->m && s->row[s->end[k]] < out->size[k])
            s->end[k]++;
        out->distinct[k] = s->end[k];
    }
}

/* Blocks of one part each. */
static void cut(egi_near_search *s)
{
    for (int k = 0; k < s->n_sizes; k++)
        for (eg_index i = k ? s->end[k - 1] : 0; i < s->end[k];) {
            eg_index to = i + EGI_NEAR_BLOCK;

            if (to > s->end[k]) to = s->end[k];
            s->block[s->n_blocks++] = (egi_near_block){i, to, k};
            i = to;
        }
}

/* Strips, those of most work in front. */
static void lay(egi_near_search *s)
{
    for (eg_index J = s->n_blocks - 1; J >= 0; J--)
        for (eg_index I = 0; I <= J; I += TALL) {
            eg_index end = I + TALL < J + 1 ? I + TALL : J + 1;

            s->strips[s->n_strips++] =
                (egi_near_strip){(int32_t)J, (int32_t)I, (int32_t)end};
        }
}

static void empty_lists(egi_near_search *s)
{
    for (eg_index i = 0; i < s->m * s->n_sizes * s->threads; i++)
        for (int k = 0; k < EGI_NEAR_KEEP; k++) {
            s->best[i].bound[k] = INFINITY;
            s->best[i].row[k] = INT32_MAX;
        }
    for (eg_index i = 0; i < s->m * s->n_sizes; i++) {
        s->distance[i] = INFINITY;
        s->index[i] = -1;
    }
}

static size_t most_blocks(const egi_near_search *s)
{
    return (size_t)s->m / EGI_NEAR_BLOCK + (size_t)s->n_sizes + 1;
}

static void measure_room(egi_near_search *s)
{
    s->pack = s->kern->pack_size(s->n, EGI_NEAR_BLOCK);
    s->room = s->pack + (eg_index)EGI_NEAR_BLOCK * EGI_NEAR_BLOCK +
              EGI_NEAR_AGAIN * s->n + 16;
    s->room -= s->room % 16;
}

int64_t egi_neighbours_bytes(eg_index m, eg_index n, int n_sizes, int threads,
                             const char *kern)
{
    egi_near_search s = {.kern = eg_kern_pick(kern),
                         .threads = threads,
                         .n_sizes = n_sizes,
                         .m = m,
                         .n = n};
    eg_neighbours *out = NULL; /* for its types */
    size_t k = (size_t)n_sizes, blocks = most_blocks(&s);
    size_t row = (size_t)n * sizeof *s.c + sizeof *s.norm +
                 k * (size_t)threads * sizeof *s.best +
                 k * (sizeof *s.distance + sizeof *s.index) + sizeof *s.unsure +
                 2 * sizeof *s.row + sizeof *out->first +
                 k * (sizeof *out->index + sizeof *out->distance);

    measure_room(&s);
    return (int64_t)((size_t)m * row + blocks * sizeof *s.block +
                     blocks * (blocks / TALL + 1) * sizeof *s.strips +
                     (size_t)s.room * (size_t)threads * sizeof *s.work);
}

static eg_status make_room(egi_near_search *s, eg_err *err)
{
    size_t m = (size_t)s->m, n = (size_t)s->n, k = (size_t)s->n_sizes;
    size_t blocks = most_blocks(s);

    measure_room(s);
    s->c = eg_calloc(m * n, sizeof *s->c);
    s->norm = eg_calloc(m, sizeof *s->norm);
    s->block = eg_calloc(blocks, sizeof *s->block);
    s->strips = eg_calloc(blocks * (blocks / TALL + 1), sizeof *s->strips);
    s->best = eg_calloc(m * k * (size_t)s->threads, sizeof *s->best);
    s->work = eg_calloc((size_t)s->room * (size_t)s->threads, sizeof *s->work);
    s->distance = eg_calloc(m * k, sizeof *s->distance);
    s->index = eg_calloc(m * k, sizeof *s->index);
    s->unsure = eg_calloc(m, sizeof *s->unsure);
    if (s->c && s->norm && s->block && s->strips && s->best && s->work &&
        s->distance && s->index && s->unsure)
        return EG_OK;
    return EG_FAIL(err, EG_ENOMEM,
                   "neighbours: no memory for %td vectors of %td entries", s->m,
                   s->n);
}

static eg_status answer_room(eg_neighbours *out, const egi_near_search *s,
                             eg_err *err)
{
    size_t m = (size_t)s->spec->m, k = (size_t)s->n_sizes;

    out->m = s->spec->m;
    out->first = eg_calloc(m, sizeof *out->first);
    out->index = eg_calloc(m * k, sizeof *out->index);
    out->distance = eg_calloc(m * k, sizeof *out->distance);
    if (out->first && out->index && out->distance) return EG_OK;
    return EG_FAIL(err, EG_ENOMEM, "neighbours: no memory for %td vectors",
                   s->spec->m);
}

/* ---- the search -----------------------------------------------------------
 */

static void run(egi_near_search *s, int n_tasks, eg_task_fn fn)
{
    if (s->spec->pool) {
        eg_pool_run(s->spec->pool, n_tasks, fn, s);
        return;
    }
    for (int i = 0; i < n_tasks; i++) fn(s, i, 0);
}

static bool go_on(const egi_near_search *s, double done)
{
    return !s->spec->more || s->spec->more(s->spec->ctx, done);
}

/* False: it was stopped. */
static bool search(egi_near_search *s)
{
    eg_index group = s->n_strips / 200 + 4 * (eg_index)s->threads;

    for (s->strip = 0; s->strip < s->n_strips; s->strip += group) {
        eg_index n = s->n_strips - s->strip;

        if (!go_on(s, (double)s->strip / (double)s->n_strips)) return false;
        run(s, (int)(n < group ? n : group), egi_near_strip_task);
    }
    run(s, (int)s->n_blocks, egi_near_sum_task);
    for (eg_index i = 0; i < s->m; i++)
        if (egi_near_unsure(s, i)) s->unsure[s->n_unsure++] = (int32_t)i;
    run(s, (int)((s->n_unsure + EGI_NEAR_AGAIN - 1) / EGI_NEAR_AGAIN),
        egi_near_again_task);
    return go_on(s, 1);
}

/* From different vectors to rows of x. */
static eg_status answer(eg_neighbours *out, const egi_near_search *s,
                        eg_err *err)
{
    eg_index m = out->m;
    int32_t *number = eg_calloc((size_t)m, sizeof *number);

    if (!number) return EG_FAIL(err, EG_ENOMEM, "neighbours: %td rows", m);
    for (eg_index i = 0; i < s->m; i++) number[s->row[i]] = (int32_t)i;
    for (int k = 0; k < s->n_sizes; k++)
        for (eg_index i = 0; i < m; i++) {
            eg_index at = (eg_index)number[out->first[i]] * s->n_sizes + k;
            bool there = i < out->size[k] && s->index[at] >= 0;

            out->index[k * m + i] = there ? s->row[s->index[at]] : -1;
            out->distance[k * m + i] =
                there ? sqrt(s->distance[at]) : (double)NAN;
        }
    /* copies: rows whose vector another row of the subset has too */
    for (int k = 0; k < s->n_sizes; k++) {
        memset(number, 0, (size_t)m * sizeof *number);
        for (eg_index i = 0; i < out->size[k]; i++) number[out->first[i]]++;
        for (eg_index i = 0; i < out->size[k]; i++)
            out->copies[k] += number[out->first[i]] > 1;
    }
    out->again = s->n_unsure;
    eg_free(number);
    return EG_OK;
}

eg_status eg_neighbours_find(eg_neighbours *out, const eg_neighbours_spec *spec,
                             eg_err *err)
{
    egi_near_search s = {.spec = spec, .n = spec->n};
    eg_status st;

    *out = (eg_neighbours){0};
    EG_TRY(check(spec, err));
    EG_TRY(eg_kern_check(spec->kern, err));
    s.kern = eg_kern_pick(spec->kern);
    s.threads = spec->pool ? eg_pool_size(spec->pool) : 1;
    s.n_sizes = spec->n_sizes ? spec->n_sizes : 1;
    EG_TRY(answer_room(out, &s, err));
    s.row = eg_calloc((size_t)spec->m, sizeof *s.row);
    if (!s.row) {
        st = EG_FAIL(err, EG_ENOMEM, "neighbours: %td rows", spec->m);
        goto done;
    }
    EG_TRY(egi_near_distinct(&s, out->first, err));
    EG_TRY(make_room(&s, err));
    EG_TRY(egi_near_centre(&s, err));
    nest(&s, out);
    cut(&s);
    lay(&s);
    empty_lists(&s);
    if (search(&s)) {
        EG_TRY(answer(out, &s, err));
    } else {
        eg_neighbours_release(out);
        out->stopped = true;
    }
done:
    if (st != EG_OK) eg_neighbours_release(out);
    release(&s);
    return st;
}
