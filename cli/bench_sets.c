/* The models that training benchmarks time, as configurations. */
#include "bench_sets.h"

#include <stddef.h>
#include <string.h>

static const char *const basic_set[] = {"run.name=bench-birth",
                                        "task.n_ctx=256", "model.d_model=128",
                                        "train.batch=128", NULL};
/* One of the many runs of a sweep. */
static const char *const small_set[] = {"run.name=bench-small", "task.n_ctx=64",
                                        "model.d_model=64", "train.batch=32",
                                        NULL};
const char *const cli_bench_paper[] = {
    "train.freeze=W_E, W_U, blocks.0.attn.W_V, blocks.0.attn.W_O, "
    "blocks.1.attn.W_V",
    NULL};
static const char *const gpt2_set[] = {"run.name=bench-gpt2",
                                       "task.kind=uniform",
                                       "task.vocabulary=50257",
                                       "task.n_ctx=256",
                                       "model.n_layers=12",
                                       "model.d_model=768",
                                       "model.n_heads=12",
                                       "model.norm=pre",
                                       "model.mlp=gelu",
                                       "model.qk=factorised",
                                       "model.pos=learned",
                                       "model.attn_bias=true",
                                       "model.mlp_bias=true",
                                       "model.tied=true",
                                       "model.tied_scale=false",
                                       "model.init=normal",
                                       "model.init_std=0.02",
                                       "model.embed_std=0.02",
                                       "optim.kind=adamw",
                                       "optim.lr=1e-4",
                                       "optim.weight_decay=0.1",
                                       "train.batch=4",
                                       NULL};
static const char *const full_set[] = {
    "run.name=bench-full",     "task.n_ctx=256",
    "model.d_model=128",       "model.n_heads=4",
    "model.norm=parallel",     "model.mlp=relu",
    "model.qk=factorised",     "model.pos=learned",
    "optim.kind=adamw",        "optim.lr=1e-3",
    "optim.weight_decay=0.01", "train.batch=64",
    "train.loss=all",          NULL};

/* von Oswald et al. 2023 (2309.05858) on fully observed linear systems, T 50:
 * heads of 4 x 20 on a stream of 40. Networks of constructed tokens have no
 * matrices at their ends. Initial values are larger than the paper's 0.0002, of
 * which gradients to compare are all but 0. */
#define MESA                                                            \
    "task.kind=linear", "task.n_ctx=50", "model.d_model=40",            \
        "model.n_heads=4", "model.d_head=20", "model.qk=factorised",    \
        "model.init=normal", "model.init_std=0.05", "optim.kind=adamw", \
        "optim.beta2=0.999", "optim.weight_decay=0.1", "optim.lr=1e-4", \
        "train.batch=256"
#define CONSTRUCTED                                                  \
    "model.input=identity", "model.readout=first", "model.pos=none", \
        "model.scale_scores=false", "model.resid_clip=4"
#define RAW "model.pos=concatenated", "model.pos_layers=1"

static const char *const mesa1_set[] = {"run.name=bench-mesa1",
                                        MESA,
                                        CONSTRUCTED,
                                        "task.tokens=constructed_one",
                                        "model.n_layers=1",
                                        "model.mixer=mesa",
                                        NULL};
static const char *const lsa6_set[] = {"run.name=bench-lsa6",
                                       MESA,
                                       CONSTRUCTED,
                                       "task.tokens=constructed",
                                       "model.n_layers=6",
                                       "model.mixer=linear",
                                       NULL};
static const char *const softmax7_set[] = {"run.name=bench-softmax7", MESA, RAW,
                                           "model.n_layers=7", NULL};
static const char *const hybrid_set[] = {"run.name=bench-hybrid",
                                         MESA,
                                         RAW,
                                         "model.n_layers=2",
                                         "model.mixer=[softmax, mesa]",
                                         "model.resid_clip=1",
                                         NULL};

const cli_bench_set cli_bench_sets[] = {
    {"birth", "birth", basic_set, CLI_PART_STEP},
    {"full", "full", full_set, CLI_PART_STEP},
    {"gpt2", "gpt2", gpt2_set, CLI_PART_STEP},
    {"small", "small", small_set, CLI_PART_STEP},
    {"mesa", "layer", mesa1_set, CLI_PART_MESA},
    {"mesa", "mesa1", mesa1_set, CLI_PART_GIVEN},
    {"mesa", "lsa6", lsa6_set, CLI_PART_GIVEN},
    {"mesa", "softmax7", softmax7_set, CLI_PART_GIVEN},
    {"mesa", "hybrid", hybrid_set, CLI_PART_GIVEN},
    {NULL, NULL, NULL, CLI_PART_STEP}};

eg_status cli_bench_set_all(eg_config *cfg, const char *const *set, eg_err *err)
{
    eg_status st = EG_OK;

    for (; *set && st == EG_OK; set++) st = eg_config_set(cfg, *set, err);
    return st;
}

eg_status cli_bench_config(eg_config *cfg, const cli_bench_set *set,
                           eg_err *err)
{
    eg_status st;

    eg_config_default(cfg);
    st = cli_bench_set_all(cfg, set->set, err);
    if (st == EG_OK && strcmp(set->bench, "birth") == 0)
        st = cli_bench_set_all(cfg, cli_bench_paper, err);
    return st;
}
