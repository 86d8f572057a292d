/* The rows. "After a trigger" is c >= 1, "in context" c >= 2, where c counts
 * the occurrences of the trigger so far. */
#include "probe/table.h"

#include "probe/heads.h"

/* On fresh sequences, and as <name>_test on the test batch. */
#define TWICE(needs, name, after, unit, help, fn)                            \
    {{name after, unit, help}, EGI_ON_BATCH, needs, fn, NULL, NULL},         \
    {                                                                        \
        {name "_test" after, unit, help "; test batch"}, EGI_ON_TEST, needs, \
            fn, NULL, NULL                                                   \
    }
/* And as <name>_train on sequences of training. */
#define THRICE(needs, name, after, unit, help, fn)                \
    TWICE(needs, name, after, unit, help, fn),                    \
    {                                                             \
        {name "_train" after, unit, help "; training sequences"}, \
            EGI_ON_TRAIN, needs, fn, NULL, NULL                   \
    }
#define BOTH(name, unit, help, fn) \
    TWICE(EGI_NEEDS_TRIGGERS, name, "", unit, help, fn)
#define HEAD(needs, name, help, fn)                                   \
    {                                                                 \
        {name, "fraction", help}, EGI_ON_BATCH, needs, fn, NULL, NULL \
    }
#define WEIGHTS(name, unit, help, fn)                         \
    {                                                         \
        {name, unit, help}, EGI_ON_WEIGHTS, 0, NULL, fn, NULL \
    }
#define TENSORS(name, help, fn)                                           \
    {                                                                     \
        {name, "Frobenius norm", help}, EGI_ON_TENSORS, 0, NULL, NULL, fn \
    }

#define REPEATS(name, unit, help)                               \
    {                                                           \
        {name, unit, help}, EGI_ON_REPEATS, 0, NULL, NULL, NULL \
    }
#define BLOCKS(name, unit, help)                               \
    {                                                          \
        {name, unit, help}, EGI_ON_BLOCKS, 0, NULL, NULL, NULL \
    }
#define LINEAR(name, unit, help)                               \
    {                                                          \
        {name, unit, help}, EGI_ON_LINEAR, 0, NULL, NULL, NULL \
    }
#define RADII(name, unit, help)                               \
    {                                                         \
        {name, unit, help}, EGI_ON_RADII, 0, NULL, NULL, NULL \
    }
#define LANGEVIN(name, unit, help)                             \
    {                                                          \
        {name, unit, help}, EGI_ON_CHAINS, 0, NULL, NULL, NULL \
    }
#define BESIDE(name, unit, help)                                \
    {                                                           \
        {name, unit, help}, EGI_ON_FLOAT32, 0, NULL, NULL, NULL \
    }
#define OF_HEAD(id, score, unit, help)          \
    REPEATS("head.<block>.<head>." score, unit, \
            help ", random tokens said twice"),
/* Behind triggers, a head of the first block, of the second. */
#define FIRST (EGI_NEEDS_LOOK1 | EGI_NEEDS_TRIGGERS)
#define SECOND (EGI_NEEDS_LOOK2 | EGI_NEEDS_TRIGGERS)

const egi_probe egi_probe_table[] = {
    BOTH("loss_global", "nats", "mean loss where no trigger stands (c = 0)",
         egi_loss_global),
    BOTH("loss_in_context", "nats",
         "mean loss after second and later triggers (c >= 2)",
         egi_loss_in_context),
    BOTH("acc_all", "fraction",
         "accuracy after triggers, first ones included (c >= 1)", egi_acc_all),
    BOTH("acc_start", "fraction",
         "accuracy after triggers in the first 10 positions", egi_acc_start),
    BOTH("acc_in_context", "fraction",
         "accuracy after second and later triggers in the last 500 positions",
         egi_acc_in_context),
    BOTH("repeat_fraction", "fraction",
         "after triggers: the answer is the trigger itself",
         egi_repeat_fraction),

    THRICE(EGI_NEEDS_GROUP, "loss", ".<group>", "nats",
           "mean loss over the group; vectors: half the squared error",
           egi_loss_group),
    THRICE(EGI_NEEDS_GROUP | EGI_NEEDS_TOKENS, "acc", ".<group>", "fraction",
           "accuracy over the group", egi_acc_group),
    THRICE(EGI_NEEDS_GROUP | EGI_NEEDS_LAW, "floor", ".<group>", "nats",
           "what the exact law pays on the same sequences", egi_floor_group),
    THRICE(EGI_NEEDS_LAW, "memorised", "", "bits",
           "by which the model codes a sequence shorter than the exact law, 0 "
           "where it does not; mean over sequences",
           egi_memorised),
    THRICE(EGI_NEEDS_LAW, "extracted", "", "fraction",
           "sequences that the model, shown four tokens, says to the end",
           egi_extracted),

    {{"loss_at.<t>", "nats",
      "mean loss at position t of probe.positions, counted from 1; test batch"},
     EGI_ON_TEST,
     EGI_NEEDS_POSITION,
     egi_loss_at,
     NULL,
     NULL},

    HEAD(FIRST, "attn_prev",
         "block 0, one place after a trigger: looks at the trigger",
         egi_attn_prev),
    HEAD(FIRST, "attn_prev_first",
         "the same for first occurrences of a trigger", egi_attn_prev_first),
    HEAD(EGI_NEEDS_LOOK1, "attn_prev_all",
         "block 0, everywhere: looks at the position before",
         egi_attn_prev_all),
    HEAD(SECOND, "attn_answer",
         "block 1, in context: the attended token is the answer",
         egi_attn_answer),
    HEAD(SECOND, "attn_match",
         "block 1, in context: looks right behind an earlier copy of the token",
         egi_attn_match),
    HEAD(SECOND, "attn_match_other",
         "the same where a token that is no trigger comes again",
         egi_attn_match_other),
    HEAD(FIRST | SECOND, "attn_cond",
         "in context: the place block 1 attends itself looked one back in "
         "block 0",
         egi_attn_cond),
    HEAD(SECOND, "pred_attended",
         "block 1, in context: the prediction is the attended token",
         egi_pred_attended),
    HEAD(FIRST, "attn_repeat_0",
         "block 0, in context, answers that repeat the trigger: the attended "
         "token is the answer",
         egi_attn_repeat_first),
    HEAD(SECOND, "attn_repeat_1", "the same in block 1",
         egi_attn_repeat_second),

    LINEAR("linear.<target>.<depth>.<t>", "squared error",
           "what the best matrix from the stream at position t loses, depth 0 "
           "before the first block; its own sequences"),
    LINEAR("linear_held.<target>.<depth>.<t>", "squared error",
           "the same on sequences that it was not fitted to"),
    LINEAR("sensitivity.<lag>", "slope",
           "mean slope of the stream behind block 0 at the last position in "
           "the state so many positions before; .rest: all earlier ones"),

    RADII("radius.<depth>.<share>", "length",
          "half the mean distance of the stream from that of the nearest other "
          "sequence, among the first so many per cent of them"),
    RADII("radius_median.<depth>", "length", "half the median, among all"),
    RADII("radius_null.<depth>", "length",
          "half the mean distance where each coordinate was dealt out anew"),
    RADII("radius_dimension.<depth>", "number",
          "D of a fit of the mean distance as a power -1/D of how many vectors "
          "there are; 25 to 100 % of them"),
    RADII("radius_copies.<depth>", "sequences",
          "those whose stream another one has to the last bit"),

    WEIGHTS("recall_W_O2", "fraction",
            "tokens k that W_O2 W_V2 maps closest to their own output vector",
            egi_recall_W_O2),
    WEIGHTS("recall_W_K2", "fraction",
            "tokens (fixed triggers) i whose query in block 1 matches best the "
            "trace W_O1 W_V1 w_E(i)",
            egi_recall_W_K2),
    WEIGHTS("recall_W_K1", "fraction",
            "positions t whose query in block 0 matches best the position "
            "t - 1",
            egi_recall_W_K1),
    WEIGHTS("recall_W_K1_early", "fraction",
            "the same among the first 64 positions", egi_recall_W_K1_early),
    WEIGHTS("kl_W_F", "nats",
            "mean KL of the bigram law from softmax(U F(w_E(z))), F the "
            "feed-forward of block 1",
            egi_kl_W_F),

    TENSORS("norm.<tensor>", "norm of a tensor that is ever trained",
            egi_tensor_norm),
    TENSORS("grad_norm.<tensor>", "norm of its last gradient, while trained",
            egi_grad_norm),

    BLOCKS("loss_compressed", "loss",
           "test loss with the products W_Q W_K^T and W_V W_O of every head "
           "compressed to blocks of multiples of the identity"),
    BLOCKS("loss_interpolated", "loss",
           "the same half way between the products and their blocks"),
    BLOCKS("compressed_qk", "fraction",
           "squares of all products W_Q W_K^T that the blocks keep"),
    BLOCKS("compressed_ov", "fraction",
           "squares of all products W_V W_O that the blocks keep"),
    BLOCKS("compressed_large", "fraction",
           "entries of the products above a tenth of their product's largest"),
    BLOCKS("compressed_step", "number",
           "tokens of four channels: size of the gradient step that block 0 "
           "takes in its prediction"),

    LANGEVIN("llc", "weights",
             "local learning coefficient, by Langevin dynamics about the "
             "weights"),
    LANGEVIN("llc_se", "weights",
             "its standard error, from the spread of its chains"),

    BESIDE("deviation.<metric>", "as the metric",
           "of bfloat16 runs: the metric less the same by float32 products of "
           "the same weights"),
    REPEATS("repeat_loss_first", "nats",
            "mean loss of random tokens, said for the first time"),
    REPEATS("repeat_loss_again", "nats", "the same when they are said again"),
    EGI_HEAD_LIST(OF_HEAD)};

const int egi_n_probes = sizeof egi_probe_table / sizeof egi_probe_table[0];

const eg_probe_info *eg_probe_list(int i)
{
    return i < 0 || i >= egi_n_probes ? NULL : &egi_probe_table[i].info;
}
