/* Snapshots: attention on one fixed sequence and the associative memories as
 * matrices, written as .npy while the run goes on. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "probe/model.h"
#include "probe/probes.h"

static eg_index least(eg_index a, eg_index b)
{
    return a < b ? a : b;
}

/* ------------------------------------------------------ demo sequence -- */

/* Worth showing: many different tokens whose answer is known from the context
 * and is not the token itself, within the crop. */
static int interest(const eg_probes *p, bool *seen, int vocab)
{
    int n = 0;
    eg_index end = least(eg_model_ctx(p->model), EGI_CROP);

    memset(seen, 0, sizeof *seen * (size_t)vocab);
    for (eg_index t = 0; t < end; t++) {
        int32_t z = p->demo.tokens[t], y = p->demo.targets[t];
        if (p->demo.labels[t] < 2 || y < 0 || y == z || seen[z]) continue;
        seen[z] = true;
        n++;
    }
    return n;
}

static void make_demo(eg_probes *p, uint32_t index)
{
    p->demo_index = index;
    eg_task_sequence(p->task, EG_TEST, 0, index, &p->demo);
}

static eg_status choose_demo(eg_probes *p, eg_err *err)
{
    int vocab = eg_model_vocab(p->model), best = -1;
    uint32_t choice = 0;
    bool *seen = eg_calloc((size_t)vocab, sizeof *seen);

    if (!seen) return EG_FAIL(err, EG_ENOMEM, "demo sequence");
    for (uint32_t i = 0; vocab > 0 && i < EGI_DEMO_AMONG; i++) {
        make_demo(p, i);
        int n = interest(p, seen, vocab);
        if (n <= best) continue;
        best = n;
        choice = i;
    }
    make_demo(p, choice);
    eg_free(seen);
    return EG_OK;
}

eg_status egi_snapshot_init(eg_probes *p, eg_err *err)
{
    eg_status st = eg_seq_new(&p->demo, p->task, err);
    eg_index q = least(eg_model_ctx(p->model), EGI_SIDE_MAX);
    eg_index v = least(eg_model_vocab(p->model), EGI_SIDE_MAX);
    eg_index heads = egi_most_heads(p->model, eg_model_heads);
    eg_index room = heads * q * q > v * v ? heads * q * q : v * v;

    if (st != EG_OK) return st;
    p->array = eg_calloc((size_t)room, sizeof *p->array);
    if (!p->array) return EG_FAIL(err, EG_ENOMEM, "snapshots");
    return choose_demo(p, err);
}

void egi_snapshot_release(eg_probes *p)
{
    eg_seq_release(&p->demo);
    eg_free(p->array);
}

/* -------------------------------------------------------------- files -- */

typedef struct snapshot {
    eg_probes *p;
    const eg_folder *to;
    int64_t step;  /* -1: a file without a step in its name */
    eg_index side; /* of what runs over positions */
    eg_status st;
    eg_err *err;
} snapshot;

static eg_status write_array(const snapshot *s, const char *name,
                             const eg_view *v)
{
    char file[64];

    if (s->step >= 0) {
        (void)snprintf(file, sizeof file, "%s.%lld.npy", name,
                       (long long)s->step);
    } else {
        (void)snprintf(file, sizeof file, "%s.npy", name);
    }
    return eg_npy_write_in(s->to, file, v, s->err);
}

static eg_status write_square(const snapshot *s, const char *name, eg_index n)
{
    eg_view v = {s->p->array, EG_F32, 2, {n, n}};

    return write_array(s, name, &v);
}

/* The corner of every head's map. */
static eg_status write_pattern(const snapshot *s, const eg_view *pattern,
                               int layer)
{
    eg_index H = pattern->shape[0], T = pattern->shape[2], q = s->side;
    eg_view v = {s->p->array, EG_F32, 3, {H, q, q}};
    float *to = s->p->array;
    char name[32];

    for (eg_index r = 0; r < H * q; r++) {
        eg_index from = (r / q * T + r % q) * T;
        for (eg_index k = 0; k < q; k++) {
            *to++ = (float)eg_view_at(pattern, from + k);
        }
    }
    (void)snprintf(name, sizeof name, "pattern_L%d", layer);
    return write_array(s, name, &v);
}

static void on_demo(void *ctx, int index, int worker, const eg_acts *acts)
{
    snapshot *s = ctx;
    int n_layers = (int)eg_model_options(s->p->model)->n_layers;

    (void)index;
    (void)worker;
    for (int l = 0; l < n_layers && s->st == EG_OK; l++) {
        char hook[64];
        eg_view pattern = {.data = NULL};

        (void)snprintf(hook, sizeof hook, "blocks.%d.attn.hook_pattern", l);
        if (!eg_acts_hook(acts, hook, &pattern)) continue; /* has none */
        s->st = write_pattern(s, &pattern, l);
    }
}

static eg_status write_memories(const snapshot *s)
{
    static const struct {
        const char *name;
        egi_memory which;
    } memories[] = {{"memory_W_O2", EGI_MEM_O2},
                    {"memory_W_K2", EGI_MEM_K2},
                    {"memory_W_K1", EGI_MEM_K1},
                    {"memory_W_F", EGI_MEM_F}};
    eg_probes *p = s->p;
    eg_status st = EG_OK;

    egi_weights_refresh(&p->weights, p->model);
    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
        egi_scores scores;

        if (!egi_memory_scores(&scores, &p->weights, memories[i].which)) {
            continue;
        }
        eg_index n = memories[i].which == EGI_MEM_K1
                         ? s->side
                         : least(scores.n, EGI_SIDE_MAX);
        egi_scores_write(p->array, &p->weights, &scores, n, n);
        EG_TRY(write_square(s, memories[i].name, n));
    }
done:
    return st;
}

static eg_status write_log_bigram(const snapshot *s, const double *bigram)
{
    eg_index V = eg_model_vocab(s->p->model), n = least(V, EGI_SIDE_MAX);

    for (eg_index i = 0; i < n * n; i++) {
        double prob = bigram[i / n * V + i % n];
        s->p->array[i] = prob > 0 ? (float)log(prob) : -INFINITY;
    }
    return write_square(s, "log_bigram", n);
}

/* What never changes: the target of memory_W_F, where there is one, and the
 * demo sequence. Written once by every process that takes part in a run. */
static eg_status write_constants(snapshot *s)
{
    eg_probes *p = s->p;
    eg_io io = eg_task_io(p->task);
    const struct {
        const char *name;
        eg_view view;
    } demo[] = {
        {"demo_tokens", {p->demo.tokens, EG_I32, 1, {io.n_ctx}}},
        {"demo_targets", {p->demo.targets, EG_I32, 1, {io.n_ctx}}},
        {"demo_labels", {p->demo.labels, EG_I32, 1, {io.n_ctx}}},
        {"demo_inputs", {p->demo.inputs, EG_F64, 2, {io.n_ctx, io.n_in}}},
        {"demo_outputs", {p->demo.outputs, EG_F64, 2, {io.n_ctx, io.n_out}}},
    };
    const double *bigram = eg_task_bigram(p->task);
    eg_status st = EG_OK;

    s->step = -1;
    if (bigram) EG_TRY(write_log_bigram(s, bigram));
    for (size_t i = 0; i < sizeof demo / sizeof *demo; i++)
        if (demo[i].view.data)
            EG_TRY(write_array(s, demo[i].name, &demo[i].view));
    p->constants_written = true;
done:
    return st;
}

eg_status eg_probes_snapshot(eg_probes *p, int64_t step, int64_t n_steps,
                             const eg_folder *to, eg_err *err)
{
    eg_index all = least(eg_model_ctx(p->model), EGI_SIDE_MAX);
    bool last = step >= n_steps;
    snapshot s = {p, to, step, last ? all : least(all, EGI_CROP), EG_OK, err};
    eg_status st = EG_OK;

    EG_ASSERT(p->array);
    eg_eval_run(p->eval, EG_TEST, 0, p->demo_index, 1, on_demo, &s);
    EG_TRY(s.st);
    EG_TRY(write_memories(&s));
    if (!p->constants_written) EG_TRY(write_constants(&s));
done:
    return st;
}
