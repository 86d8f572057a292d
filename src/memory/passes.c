/* Passes over sequences; see passes.h. */
#include "memory/passes.h"

#include <string.h>

#include "engram/mem.h"
#include "memory/dense.h"

eg_status egi_passes_init(egi_passes *p, const egi_toy *toy, eg_err *err)
{
    const eg_index n = EGI_PASS_PARTS, mm = 2 * toy->m;

    p->toy = toy;
    p->state =
        eg_calloc((size_t)(n * egi_toy_state_size(toy)), sizeof *p->state);
    p->z = eg_calloc((size_t)(n * toy->t), sizeof *p->z);
    p->parts = eg_calloc((size_t)(n * mm * mm), sizeof *p->parts);
    p->means = eg_calloc((size_t)(n * 2 * mm), sizeof *p->means);
    if (p->state && p->z && p->parts && p->means) return EG_OK;
    return EG_FAIL(err, EG_ENOMEM, "toy model of %td tokens, %td positions",
                   toy->n, toy->t);
}

void egi_passes_release(egi_passes *p)
{
    eg_free(p->state);
    eg_free(p->z);
    eg_free(p->parts);
    eg_free(p->means);
}

static void run_part(void *ctx, int part, int worker)
{
    egi_passes *p = ctx;
    eg_index mm = 2 * p->toy->m;
    double *c = p->parts + part * mm * mm;
    double *means = p->means + 2 * mm * part;
    int64_t from = p->n_sequences * part / EGI_PASS_PARTS;
    int64_t to = p->n_sequences * (part + 1) / EGI_PASS_PARTS;
    egi_toy_state s;

    (void)worker;
    egi_toy_state_init(&s, p->toy, p->state + part * egi_toy_state_size(p->toy),
                       p->z + part * p->toy->t);
    memset(c, 0, (size_t)p->size * sizeof *c);
    memset(means, 0, (size_t)(2 * mm) * sizeof *means);
    p->hits[part][0] = p->hits[part][1] = 0;
    for (int64_t i = from; i < to; i++) {
        uint64_t pass = (uint64_t)p->draw * 8 + (uint64_t)p->stage;
        eg_rng rng = eg_rng_make(p->seed, EG_RNG_THEORY,
                                 (pass << 24) + 0x800000, (uint32_t)i);
        eg_index said;

        egi_toy_sequence(p->toy, &s, &rng);
        said = egi_toy_forward(p->toy, &s);
        p->hits[part][0] += said == s.o;
        p->hits[part][1] += s.z[egi_argmax(s.a2, s.len)] == s.o;
        if (p->back) p->back(p->toy, &s, c);
        if (p->back == egi_toy_back_keys2) {
            egi_axpy(means, 1, s.bt, mm);
            egi_axpy(means + mm, -1, s.w, mm);
        }
    }
}

/* Over n fresh sequences. */
static void run(egi_passes *p, int stage, egi_toy_back *back, eg_index size,
                int64_t n)
{
    p->back = back;
    p->size = size;
    p->stage = stage;
    p->n_sequences = n;
    eg_pool_run(p->pool, EGI_PASS_PARTS, run_part, p);
}

double *egi_passes_descend(egi_passes *p, int stage, egi_toy_back *back,
                           eg_index size, int64_t n_sequences)
{
    eg_index mm = 2 * p->toy->m;

    run(p, stage, back, size, n_sequences);
    for (eg_index i = 1; i < EGI_PASS_PARTS; i++) {
        egi_axpy(p->parts, 1, p->parts + i * mm * mm, size);
        egi_axpy(p->means, 1, p->means + i * 2 * mm, 2 * mm);
    }
    egi_scale(p->parts, 1 / (double)n_sequences, size);
    egi_scale(p->means, 1 / (double)n_sequences, 2 * mm);
    return p->parts;
}

void egi_passes_evaluate(egi_passes *p, int stage, int64_t n_sequences,
                         double *accuracy, double *attended)
{
    int64_t right = 0, found = 0;

    run(p, stage, NULL, 0, n_sequences);
    for (int i = 0; i < EGI_PASS_PARTS; i++) {
        right += p->hits[i][0];
        found += p->hits[i][1];
    }
    *accuracy = (double)right / (double)n_sequences;
    if (attended) *attended = (double)found / (double)n_sequences;
}
