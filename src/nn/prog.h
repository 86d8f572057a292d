/* A network as a program of operations.
 *
 * A value is a named matrix; its class says what a row of it is. An operation
 * ("op") reads values and makes values; its kind is one row of EGI_OPS and one
 * file nn/ops/<kind>.h with shapes, forward, backward, costs. A program is the
 * list of ops in the order in which they run; it is built once (build.c), told
 * which gradients anybody wants (need.c), rewritten by exact shortcuts
 * (rewrite.c), and is constant from then on, shared by all threads. Nothing
 * here depends on the precision. */
#ifndef EG_NN_PROG_H
#define EG_NN_PROG_H

#include "nn/nn.h"

#define EGI_INS 8
#define EGI_OUTS 3
/* The inputs of an op that has no more than four. */
#define EGI_INPUTS(a, b, c, d) \
    ((const int[EGI_INS]){(a), (b), (c), (d), -1, -1, -1, -1})

/* What a row of a value is. */
typedef enum egi_class {
    EGI_WEIGHT,   /* a row of a matrix that is the same all step long */
    EGI_PAIR,     /* a distinct (token, position) of the batch */
    EGI_POSITION, /* a position of the sequence, the first n of them */
    EGI_LOSS      /* a position in the loss, or that a reader asked for */
} egi_class;

typedef struct egi_value {
    char name[64];       /* hook name, tensor name, or "" */
    eg_index rows, cols; /* rows: of a weight; n_ctx, the most, of the others */
    eg_index entries;    /* of a by-product that is no matrix of rows; or 0 */
    egi_class cls;
    int maker;       /* op that makes it; -1: a tensor */
    int tensor;      /* index into the model's table; -1 */
    bool grad;       /* its gradient is wanted (need.c) */
    bool kept;       /* read from outside after the pass */
    bool cached;     /* nobody else has its place, at any time */
    bool by_product; /* kept for a backward pass: never an input */
} egi_value;

/* X(kind, help): a row here and a file nn/ops/<kind>.h is a kind of op. */
#define EGI_OPS(X)                                                            \
    X(embed, "y = E[token] (+ P[position]): rows of tables")                  \
    X(gather, "y = s (E[token] (+ P[position])) + b: the same behind a norm") \
    X(rstd, "y = 1 / std(x)")                                                 \
    X(spread, "y = x[pair of t] (+ r): a pair of the batch at its places")    \
    X(place, "y = P[position]")                                               \
    X(vectors, "y = the input at that position, of a task of vectors")        \
    X(prompt, "y = x + P[prompt of t]: the model's own vectors")              \
    X(linear, "y = x W (+ r) (+ b)")                                          \
    X(add, "y = a + b")                                                       \
    X(layernorm, "y = (x - mean) / std * w + b")                              \
    X(rmsnorm, "y = x / rms(x) * w")                                          \
    X(unitnorm, "y = x / |x|")                                                \
    X(tile, "y = [x, x, ...]: once for each head")                            \
    X(rotary, "pairs of columns of each head, turned by their position")      \
    X(softmax, "causal softmax attention of all heads")                       \
    X(lookup, "the same, with scores that stand in tables")                   \
    X(attend, "softmax attention with relative positions, or dropped")        \
    X(linatt, "causal attention by scores as they are, of all heads")         \
    X(mesa, "y = (sum_{s <= t} k k^T + I / lambda)^-1 q: of the mesa layer")  \
    X(recur, "a state of all heads that learns key by key, and is read")      \
    X(ttt, "a linear model of all heads that is trained while it reads")      \
    X(conv, "y = silu(w * x): a causal convolution of each column")           \
    X(byhead, "y = s g x: the columns of a head times a number of its own")   \
    X(retain, "y = 1 - 2^(-5 - h) in head h")                                 \
    X(stepsize, "y = b / (1 + b |k|^2), or b / |k|^2")                        \
    X(precond, "y = k over its running second moment, within bounds")         \
    X(sigmoid, "y = s / (1 + exp(-x)): a gate")                               \
    X(mesanet, "y = (H_t + Lambda)^-1 q, H = g H + b k k^T: of MesaNet")      \
    X(relu, "y = max(x, 0)")                                                  \
    X(gelu, "y = x / 2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))")            \
    X(gelu_erf, "y = x Phi(x)")                                               \
    X(silu, "y = x / (1 + exp(-x))")                                          \
    X(mul, "y = a * b, entry by entry")                                       \
    X(clip, "y = min(max(x, -c), c)")                                         \
    X(cat, "y = [x, P[position]]: columns side by side")                      \
    X(columns, "y = the first columns of x")                                  \
    X(dropout, "y = m x: entries dropped at random in training")              \
    X(pick, "y = rows of x that are in the loss")                             \
    X(xent, "-log softmax(x)[target], summed over the loss")                  \
    X(sqerr, "|x - target|^2 / 2, summed over the loss")                      \
    X(head, "linear and xent at once: logits in blocks of rows, not kept")    \
    X(beside, "[heads d, w] to [d, heads w]: the heads' columns in a row")    \
    X(transpose, "Y = s X^T")                                                 \
    X(centre, "Y = X, each row minus its mean")                               \
    X(scaled, "Y = s X")                                                      \
    X(gain, "Y = diag(w) X")                                                  \
    X(stack, "Y = [A; 0; B]")                                                 \
    X(pairs, "Y = s A X^T of each head: all scores of rows with rows")        \
    X(product, "Y = A B (+ C)")

#define EGI_OP_ENUM(name, help) EGI_OP_##name,
typedef enum egi_kind { EGI_OPS(EGI_OP_ENUM) EGI_N_KINDS } egi_kind;
#undef EGI_OP_ENUM

/* Numbers that belong to an op; what they mean is said in its kind's file. */
typedef struct egi_attr {
    int heads, k_heads, v_heads; /* groups of columns of x or q, of k, of v */
    double scale, eps, theta;
    eg_index at;     /* first row of the second of two parts */
    eg_index width;  /* of keys whose scores are in a table; columns; steps */
    double drop;     /* probability that an entry is dropped */
    uint32_t stream; /* of its masks */
    bool turned;     /* a matrix lies with rows for columns */
    int steps;       /* of a recurrent state, a token; of a solver, at most */
    bool guarded;    /* a solver's denominators */
    bool whole;      /* attention sees every position */
    bool halves; /* columns i and i + width / 2 are a pair; else 2i, 2i + 1 */
    /* That state: something is erased; by what is read before it is forgotten
     * in part; z is made along its other axis (real/recur.h). */
    bool erases, before, across;
} egi_attr;

typedef struct egi_op {
    egi_kind kind;
    int in[EGI_INS];   /* values; -1: an input that is left out */
    int out[EGI_OUTS]; /* values; -1 */
    egi_attr attr;
    double key; /* its place among the others, before they are ordered */
} egi_op;

/* What a reader from outside is shown of a value, or of the op behind it. */
typedef enum egi_look {
    EGI_LOOK_ROWS,       /* [n_ctx, cols] */
    EGI_LOOK_HEADS,      /* [n_ctx, heads, cols / heads] */
    EGI_LOOK_SCALE,      /* of a norm: std [n_ctx, 1] */
    EGI_LOOK_NORMALIZED, /* of a norm: before gain and bias */
    EGI_LOOK_PATTERN,    /* of attention: [heads, n_ctx, n_ctx] */
    EGI_LOOK_SCORES,     /* the same, -inf for what is not seen */
    EGI_LOOK_RESULT      /* of the map behind it: [n_ctx, heads, d] */
} egi_look;

typedef struct egi_hook {
    char name[64];
    int value;
    egi_look look;
    int heads;
} egi_hook;

/* Places where the rewrite that was last applied asked whether it pays, in
 * multiply-adds a step; why: it could do nothing. */
typedef struct egi_weighed {
    int places, taken;
    double cost, gain;
    const char *why; /* static, or NULL */
} egi_weighed;

typedef struct egi_program {
    const eg_model *m;
    int n_values, n_ops, n_hooks;
    eg_index cap_values, cap_ops, cap_hooks;
    egi_value *value;
    egi_op *op;
    egi_hook *hook;
    const eg_group *loss; /* the positions that it is over */
    bool team;   /* all threads share each op of a sequence: of one sum, or of
                    sums that are large, one after the other */
    bool direct; /* one sum: gradients of tensors go where the update reads */
    int many;    /* sequences that a room holds side by side */
    egi_weighed weighed;
    eg_status st; /* of the first egi_value_add, egi_op_add that failed */
} egi_program;

void egi_program_init(egi_program *p, const eg_model *m);
void egi_program_release(egi_program *p);

/* The value of tensor i, as a matrix: leading dimensions are rows. */
int egi_tensor_value(egi_program *p, int tensor);
/* Adds op with its outputs, shaped by its kind, and returns the first output.
 * in ends with the op's last input. After a failure (no memory) p->st says so
 * and every further call returns 0: one check at the end is enough. */
int egi_op_add(egi_program *p, egi_kind kind, const int in[EGI_INS],
               egi_attr attr);
/* The hook's value, and what its look needs, is kept. */
void egi_hook_add(egi_program *p, const egi_hook *hook);
/* For the kinds: an output of op, and what it keeps for its backward pass,
 * [rows, cols] or so many entries. */
int egi_out(egi_program *p, egi_op *op, int i, egi_class cls, eg_index rows,
            eg_index cols);
int egi_by_product(egi_program *p, egi_op *op, int i, egi_class cls,
                   eg_index rows, eg_index cols, eg_index entries);
/* Makes the outputs of op, by its kind. */
eg_status egi_op_shape(egi_program *p, egi_op *op);

typedef enum egi_hooks {
    EGI_HOOKS_NONE,
    EGI_HOOKS_BASIC,
    EGI_HOOKS_FULL,  /* scores and results too: large */
    EGI_TRAINING = 8 /* a bit beside these: with what training drops */
} egi_hooks;

/* The plain program, exactly the formula: model to loss, over the positions of
 * that group. The values that its
 * hooks show are kept. */
eg_status egi_program_build(egi_program *p, const eg_model *m,
                            const eg_group *loss, egi_hooks hooks, eg_err *err);
/* Which gradients are wanted: those of values that depend on a trained tensor
 * and that the loss depends on. trains [n_tensors]; NULL: nothing is. */
eg_status egi_program_need(egi_program *p, const bool *trains);

/* Multiply-adds of an op, forwards and back. */
typedef struct egi_cost {
    double madds, attention; /* attention: part of madds */
    double looked_up;        /* part of both: what a table saves */
} egi_cost;

/* What a kind says of its ops, apart from the arithmetic. */
typedef struct egi_kind_info {
    const char *name;
    /* Bits: inputs of which output row r reads row r alone; and those that it
     * reads by position. */
    unsigned by_row, by_place;
    /* The output may have any rows: of all positions, of those in the loss, of
     * the batch's pairs. */
    bool any_rows;
    /* Bits: inputs, outputs that backward reads. */
    unsigned reads_in, reads_out;
    /* Input i may give its place to output 0 (when nobody reads it later); its
     * gradient may take the place of output 0's. */
    unsigned in_place, grad_in_place;
    /* Backward of the op that made input 0 may read output 0 in its stead. */
    bool stands_in;
    /* z = P v with a P that does not depend on v, input 2. */
    bool mixes;
    /* Its masks are of the sequence in hand: a pair of the batch has none. */
    bool draws;
    bool seeds; /* forward writes the gradient of input 0, in its place */
    bool still; /* the output is the same whatever the inputs hold: no backward
                 */
    bool apart; /* forwards and back, rows have nothing to do with each other */
    bool joint; /* takes the rows of several sequences at once; so do those of
                   rows apart without masks */
    bool
        steps; /* it also runs position by position, on a state: N(kind).step */
    /* For `rows` rows of output, which see `pairs` pairs of a query and a key;
     * NULL: nothing that counts. */
    void (*cost)(const egi_program *p, const egi_op *op, double rows,
                 double pairs, egi_cost *out);
} egi_kind_info;
const egi_kind_info *egi_op_info(egi_kind k);
const char *egi_kind_help(egi_kind k);
/* Is z = P v with a P that can be shown? */
bool egi_op_patterned(const egi_op *op);

/* Does op k run once for all sequences of a room, or for each by itself? */
static inline bool egi_op_joint(egi_kind k)
{
    const egi_kind_info *info = egi_op_info(k);

    return info->joint || (info->apart && !info->draws);
}

/* Rows of v in a room, of all its sequences. */
static inline eg_index egi_rows(const egi_program *p, const egi_value *v)
{
    return v->rows * p->many;
}

static inline const egi_value *egi_value_of(const egi_program *p, int i)
{
    return &p->value[i];
}

/* A run of one op belongs to the once-a-step part of the program? */
static inline bool egi_op_weight(const egi_program *p, const egi_op *op)
{
    return p->value[op->out[0]].cls == EGI_WEIGHT;
}

#endif
