/* Tokens at random, each for itself: nothing to learn but that. For the time
 * and the memory of large vocabularies, and as a control. */
#include "task/kind.h"

#define EG_FIELDS_OWNER eg_task_opts
static EG_FIELDS_TABLE(fields, EG_UNIFORM_FIELDS)

static eg_status uniform_make(eg_task *task, eg_err *err)
{
    int64_t n = task->opts.vocabulary;

    if (n < 2 || n > EG_MOST_TOKENS)
        return EG_FAIL(err, EG_EINVAL,
                       "task.vocabulary: %lld: expected 2 to %d", (long long)n,
                       EG_MOST_TOKENS);
    task->io.d_vocab = (int)n;
    return EG_OK;
}

static void uniform_sequence(const eg_task *task, eg_split split, eg_rng *rng,
                             eg_seq *out)
{
    uint32_t n = (uint32_t)task->io.d_vocab;
    int32_t x = (int32_t)eg_rng_below(rng, n);

    (void)split;
    for (eg_index t = 0; t < task->io.n_ctx; t++) {
        out->tokens[t] = x;
        out->labels[t] = 0;
        x = (int32_t)eg_rng_below(rng, n);
        out->targets[t] = x;
    }
}

static const eg_group groups[] = {{NULL, 0, 0, NULL}};

const egi_task_kind egi_task_uniform = {
    .name = "uniform",
    .help = "tokens at random, each for itself: nothing to learn; for time "
            "and memory, and as a control",
    .fields = fields,
    .groups = groups,
    .loss = "all",
    .make = uniform_make,
    .sequence = uniform_sequence,
};
