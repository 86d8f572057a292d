/* The sequences that all lenses look at, read once: windows of a text, or what
 * the task makes. */
#include <stdio.h>
#include <string.h>

#include "lens/lens.h"

/* A step that no run makes. */
#define STEP (((uint64_t)1 << 39) + 2)
/* Floats of the stream at places of linear probes, at most. */
#define PLACES_MOST ((eg_index)64 << 20)
enum { PROBED_MOST = 1024 }; /* sequences of linear probes */

/* ---- where they come from -------------------------------------------------
 */

/* Windows of T + 1 ids, spread over the text evenly. */
static void window(const egi_lens *s, uint32_t index, eg_seq *out)
{
    eg_index free = s->spec->n_ids - s->T - 1;
    eg_index at = s->count > 1 ? (eg_index)index * free / (s->count - 1) : 0;

    for (int t = 0; t < s->T; t++) {
        out->tokens[t] = s->spec->ids[at + t];
        out->targets[t] = s->spec->ids[at + t + 1];
        out->labels[t] = 0;
    }
}

static void sequence(const void *from, uint32_t index, eg_seq *out)
{
    const egi_lens *s = from;

    index += (uint32_t)s->first;
    if (s->spec->ids)
        window(s, index, out);
    else
        eg_task_sequence(s->spec->task, EG_PROBE, STEP, index, out);
}

/* ---- what is kept of them -------------------------------------------------
 */

static void keep(void *ctx, int index, int worker, const eg_acts *a)
{
    egi_lens *s = ctx;
    eg_io io = eg_task_io(s->spec->task);
    double *room = s->room + worker * s->room_size;
    size_t T = (size_t)s->T;

    index += s->first;
    for (int t = 0; t < s->T; t++)
        s->loss[(eg_index)index * s->T + t] =
            a->targets[t] >= 0 ? a->nll[t] : (double)NAN;
    if (s->tokens)
        memcpy(s->tokens + (eg_index)index * s->T, a->tokens,
               T * sizeof *s->tokens);
    if (s->inputs)
        memcpy(s->inputs + (eg_index)index * s->T * io.n_in, a->inputs,
               T * (size_t)io.n_in * sizeof *s->inputs);
    egi_gather_take(&s->ends, index, a);
    if (index < s->probed) egi_gather_take(&s->places, index, a);
    if (index >= s->few) return;
    egi_lens_seen(s, s->seen + (eg_index)index * s->ends.n_depths * EGI_SEEN, a,
                  room);
    egi_lens_parts(s, s->parts + (eg_index)index * s->L * s->H, a, room);
}

/* ---- life -----------------------------------------------------------------
 */

/* Sequences and places for linear probes: spread over the sequence, each with a
 * token before and one behind; as many as PLACES_MOST leaves room for. */
static void choose_places(egi_lens *s)
{
    eg_index one = (s->L + 2) * s->D, n;

    s->probed = s->count < PROBED_MOST ? s->count : PROBED_MOST;
    while (s->probed > 8 && one * s->probed > PLACES_MOST) s->probed /= 2;
    n = PLACES_MOST / (one * s->probed);
    if (n > EGI_LENS_PLACES) n = EGI_LENS_PLACES;
    if (n * s->probed > 8192) n = (8192 + s->probed - 1) / s->probed;
    if (n > s->T - 2) n = s->T - 2;
    if (n < 1) n = 1;
    s->n_places = (int)n;
    for (int i = 0; i < s->n_places; i++)
        s->place[i] =
            s->T > 2 ? 1 + (int)((eg_index)(s->T - 2) * (i + 1) / (n + 1)) : 0;
}

static eg_status check(const egi_lens *s, eg_err *err)
{
    const eg_lens_spec *spec = s->spec;

    if (s->count < 8)
        return EG_FAIL(err, EG_EINVAL,
                       "lens: expected 8 sequences or more, found %d",
                       s->count);
    if (s->T < 4)
        return EG_FAIL(err, EG_EINVAL,
                       "lens: expected sequences of 4 positions or more, found "
                       "%d",
                       s->T);
    if (!spec->ids) return EG_OK;
    if (s->V == 0)
        return EG_FAIL(err, EG_EINVAL,
                       "lens: this model reads vectors, not a "
                       "text");
    if (spec->n_ids < s->T + 1)
        return EG_FAIL(err, EG_EINVAL,
                       "lens: the text has %td tokens; expected %d, a context "
                       "and its last answer",
                       spec->n_ids, s->T + 1);
    for (eg_index i = 0; i < spec->n_ids; i++)
        if (spec->ids[i] < 0 || spec->ids[i] >= s->V)
            return EG_FAIL(err, EG_EINVAL,
                           "lens: token %td of the text has the id %d; this "
                           "model has %d",
                           i, (int)spec->ids[i], s->V);
    return EG_OK;
}

static eg_status make_room(egi_lens *s, eg_err *err)
{
    eg_io io = eg_task_io(s->spec->task);
    size_t rows = (size_t)s->count * (size_t)s->T;
    size_t few = (size_t)s->few;
    eg_index a = egi_lens_seen_room(s), b = egi_lens_parts_room(s);

    s->room_size = a > b ? a : b;
    s->loss = eg_calloc(rows, sizeof *s->loss);
    if (s->V > 0) s->tokens = eg_calloc(rows, sizeof *s->tokens);
    if (s->V == 0)
        s->inputs = eg_calloc(rows * (size_t)io.n_in, sizeof *s->inputs);
    s->seen =
        eg_calloc(few * (size_t)s->ends.n_depths * EGI_SEEN, sizeof *s->seen);
    s->parts = eg_calloc(few * (size_t)s->L * (size_t)s->H, sizeof *s->parts);
    s->room =
        eg_calloc((size_t)s->room_size * (size_t)eg_pool_size(s->spec->pool),
                  sizeof *s->room);
    if (!s->loss || !s->seen || !s->parts || !s->room ||
        (s->V > 0 ? !s->tokens : !s->inputs))
        return egi_lens_no_memory(err);
    return EG_OK;
}

/* The k-th of what was seen, by sequence and depth. */
static const double *seen_at(const egi_lens *s, eg_index k)
{
    return s->seen +
           (k / (s->L + 1) * s->ends.n_depths + k % (s->L + 1)) * EGI_SEEN;
}

eg_status egi_lens_read(egi_lens *s, eg_err *err)
{
    eg_status st;
    int step = 4 * eg_pool_size(s->spec->pool);

    EG_TRY(check(s, err));
    EG_TRY(eg_eval_new(&s->eval, s->m, s->spec->task, s->spec->pool,
                       s->spec->kern ? s->spec->kern : "auto", EG_EVAL_BASIC,
                       err));
    s->last = s->T - 1;
    choose_places(s);
    EG_TRY(
        egi_gather_init(&s->ends, s->eval, s->m, s->count, &s->last, 1, err));
    EG_TRY(egi_gather_init(&s->places, s->eval, s->m, s->probed, s->place,
                           s->n_places, err));
    EG_TRY(make_room(s, err));
    for (s->first = 0; s->first < s->count; s->first += step) {
        int left = s->count - s->first;

        if (!egi_lens_more(s, "sequences", 0.6 * s->first / (double)s->count))
            break;
        eg_eval_run_on(s->eval, sequence, s, left < step ? left : step, keep,
                       s);
    }
    if (!s->spec->ids) EG_TRY(eg_task_trouble(s->spec->task, err));
    /* clusters are not found for want of memory alone */
    for (eg_index k = 0; !s->stopped && k < (eg_index)s->few * (s->L + 1); k++)
        if (isnan(seen_at(s, k)[EGI_SEEN_CLUSTERS]) &&
            isfinite(seen_at(s, k)[EGI_SEEN_LENGTH]))
            st = egi_lens_no_memory(err);
done:
    return st;
}

void egi_lens_release(egi_lens *s)
{
    eg_eval_free(s->eval);
    egi_gather_release(&s->ends);
    egi_gather_release(&s->places);
    egi_lens_ov_free(s->ov);
    json_decref(s->notes);
    eg_free(s->tokens);
    eg_free(s->loss);
    eg_free(s->inputs);
    eg_free(s->seen);
    eg_free(s->parts);
    eg_free(s->room);
}
