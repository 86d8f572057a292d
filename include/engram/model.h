/* Models: one configurable residual-stream transformer, as a table of tensors.
 *
 * Row-vector convention: a weight acts from the right, y = x W. With x_t the
 * residual stream at position t (n_heads = H, d_head = D, d_model = M):
 *
 *     score(t, s) = (x_t W_Q) . (x_s W_K) / sqrt(D)           factorised
 *     score(t, s) = (x_t W_QK) . x_s / sqrt(M)                merged
 *     score(t, s) = x_t . (x_s W_QK^T) / sqrt(M)              merged_key
 *     z_t = sum_{s <= t} softmax_s(score(t, s)) x_s W_V,  attn_out = z W_O
 *
 * The merged forms are birth's W_Q = identity: W_QK is the paper's W_K itself,
 * W_V, W_O, W_F, W_U are the transposes of the paper's (columns there). The two
 * are one function, except where rotary positions turn both factors of a score
 * between the matrix and the product: with R_t the rotation at t, merged has
 * (R_t W_QK^T x_t) . (R_s x_s) and merged_key (R_t x_t) . (R_s W_QK x_s), which
 * is the original program's. */
#ifndef ENGRAM_MODEL_H
#define ENGRAM_MODEL_H

#include "engram/fields.h"
#include "engram/file.h"
#include "engram/task.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EG_MODEL_FIELDS(I, R, B, T, E, L)                                      \
    I(n_layers, "2", 1, 64, "transformer blocks")                              \
    I(d_model, "128", 1, 16384, "width of the residual stream")                \
    I(n_heads, "1", 1, 256, "attention heads in a block")                      \
    I(n_kv_heads, "0", 0, 256,                                                 \
      "heads of keys and values, each read by n_heads / n_kv_heads heads of "  \
      "queries; 0: n_heads")                                                   \
    I(d_head, "0", 0, 16384, "width of a head; 0: d_model / n_heads")          \
    I(d_mlp, "0", 0, 65536, "hidden width of the MLP; 0: 4 d_model")           \
    L(heads, "",                                                               \
      "heads of each block where they differ, in the place of n_heads: an "    \
      "item for every block; with model.d_head")                               \
    L(kv_heads, "", "the same of keys and values, in the place of n_kv_heads") \
    L(mlp_widths, "", "the same of feed-forwards, in the place of d_mlp")      \
    E(norm, "none", "none|pre|post|parallel",                                  \
      "LayerNorm: none; before each branch; after each sum; or before both "   \
      "branches, which then read the block input in parallel")                 \
    E(norm_kind, "layer", "layer|layer_no_bias|rms",                           \
      "what a norm computes: LayerNorm, with or without bias, or RMSNorm")     \
    L(mixer, "softmax",                                                        \
      "how positions mix in each block: rows `mixer` of `engram list "         \
      "mixers`; "                                                              \
      "one item stands for all blocks")                                        \
    L(mlp, "none",                                                             \
      "feed-forward of each block: rows `mlp` of `engram list mixers`; one "   \
      "item stands for all blocks")                                            \
    T(error, "",                                                               \
      "what is summed over the positions of train.loss: a row `error` of "     \
      "`engram list mixers`; empty: cross_entropy of tokens, squared of "      \
      "vectors")                                                               \
    E(qk, "merged", "merged|factorised|merged_key",                            \
      "one matrix W_QK a head, (x_t W_QK) . x_s, or W_Q and W_K; merged_key "  \
      "is x_t . (x_s W_QK^T): the same, except with rotary positions, and "    \
      "there the original program's")                                          \
    L(qk_norm, "none",                                                         \
      "norm of each head's queries and keys in each block: none, or a row "    \
      "`qk_norm` of `engram list mixers`; one item stands for all blocks")     \
    L(head_norm, "none",                                                       \
      "norm of what each head makes, before W_O: as qk_norm; MesaNet has rms") \
    I(qk_conv, "0", 0, 64,                                                     \
      "queries and keys pass a causal convolution of so many positions, "      \
      "column by column, with SiLU; 0: not")                                   \
    R(beta_max, "1", 1e-3, 2,                                                  \
      "of mixers with a strength of writing: it is beta_max / (1 + exp(-x "    \
      "W_beta - b_beta)); above 1 an erased entry may change its sign")        \
    R(decay_init, "0.98", 1e-6, 0.999999,                                      \
      "of mixers that forget: what their gates 1 / (1 + exp(-x W_decay - "     \
      "b_decay)) are at the start where x is 0")                               \
    I(delta_steps, "2", 1, 16,                                                 \
      "of mixer delta_product: steps a position, each with a key and a value " \
      "of its own")                                                            \
    I(mesa_steps, "30", 1, 1000,                                               \
      "mixer mesanet: conjugate gradient steps at most, a query, and back")    \
    R(mesa_tol, "1e-6", 0, 1,                                                  \
      "mixer mesanet: a query's residual, over its length, at which it stops") \
    E(mesa_guard, "none", "none|fla",                                          \
      "mixer mesanet: fla adds 1e-5 to both denominators of a step and takes " \
      "all steps, as the public kernels do; the solver then stalls near 1e-3") \
    I(ttt_batch, "16", 1, 65536,                                               \
      "of mixer ttt: positions whose gradients are taken at one state")        \
    B(causal, "true",                                                          \
      "a position sees itself and what is before it; false: all positions, "   \
      "of mixer softmax")                                                      \
    B(embed_norm, "false",                                                     \
      "a norm embed.ln of embeddings with positions, as BERT has")             \
    B(attn_bias, "false", "biases b_Q, b_K, b_V, b_O")                         \
    B(mlp_bias, "false", "biases b_in, b_out of feed-forwards")                \
    R(resid_clip, "0", 0, 1e30,                                                \
      "entries of the residual stream are clipped to [-c, c] after each sum; " \
      "0: not")                                                                \
    E(value, "matrix", "matrix|identity", "W_V, or the identity in its place") \
    E(output, "matrix", "matrix|identity", "W_O, or the identity")             \
    E(input, "matrix", "matrix|identity",                                      \
      "vectors enter by W_in, or as they are: d_model is then their width")    \
    E(readout, "matrix", "matrix|first",                                       \
      "vectors are predicted by W_out, or are the first entries of the "       \
      "stream")                                                                \
    E(pos, "random",                                                           \
      "none|learned|random|sinusoidal|rotary|sinusoidal_scaled|relative|"      \
      "concatenated",                                                          \
      "position code: trained, frozen random, sinusoids, rotated queries and " \
      "keys, sinusoids over the root of d_model, as the original program's "   \
      "beside embeddings of variance 1/d_model; relative: a trained row of "   \
      "W_rel for each distance is added to the keys; concatenated: queries "   \
      "and keys are made of [x, sinusoids]")                                   \
    E(rotary_pairs, "adjacent", "adjacent|halves",                             \
      "columns of a head that are turned together: 2i and 2i + 1, or i and i " \
      "+ width / 2, as in the files of GPT-NeoX and Llama on Hugging Face")    \
    I(pos_layers, "0", 0, 64,                                                  \
      "relative and concatenated positions in the first so many blocks; 0: "   \
      "in all")                                                                \
    R(rotary_theta, "10000", 1, 1e12, "base of the rotary frequencies")        \
    I(rotary_layers, "0", 0, 64,                                               \
      "rotary positions in the first so many blocks; 0: in all")               \
    B(scale_scores, "true", "divide scores by the root of the key width")      \
    R(embed_std, "1", 0, 1e6,                                                  \
      "standard deviation of embedding entries; 0: 1 / sqrt(d_model)")         \
    R(embed_scale, "1", 0, 1e6,                                                \
      "embeddings of tokens are multiplied by it where they enter, as "        \
      "Vaswani "                                                               \
      "et al. 2017 do by sqrt(d_model); 0: sqrt(d_model)")                     \
    E(init, "uniform", "uniform|normal|zero",                                  \
      "entries of matrices: U(-1, 1) / sqrt(fan_in), N(0, 1 / fan_in), or 0")  \
    R(init_std, "0", 0, 1e6,                                                   \
      "standard deviation of the entries of matrices, normal; 0: by fan-in, "  \
      "as init says")                                                          \
    B(init_residual, "false",                                                  \
      "divide what writes to the residual stream by sqrt(2 n_layers) at the "  \
      "start")                                                                 \
    B(unembed_bias, "false", "a bias b_U of the logits")                       \
    B(tied, "false",                                                           \
      "output matrix tied to the embeddings: logits = x W_E^T / d_model")      \
    B(tied_scale, "true",                                                      \
      "with tied: divide by d_model; false: logits = x W_E^T, as the "         \
      "original's full program")                                               \
    R(norm_eps, "1e-5", 0, 1, "added to the variance in LayerNorm")            \
    R(dropout, "0", 0, 0.99,                                                   \
      "share of the entries of what attention and feed-forward add to the "    \
      "stream that training drops, the rest growing by 1 / (1 - share); the "  \
      "masks follow from seed, step and sequence")                             \
    R(dropout_embed, "0", 0, 0.99, "the same of embeddings with positions")    \
    R(dropout_attn, "0", 0, 0.99, "the same of attention patterns")            \
    R(dropout_mlp, "0", 0, 0.99, "the same inside feed-forwards, of f(x W_in)")
EG_FIELDS_STRUCT(eg_model_opts, EG_MODEL_FIELDS)
/* The options above as a table, for eg_fields_default and its kin. */
EG_API extern const eg_field eg_model_fields[];

enum { EG_NORM_NONE, EG_NORM_PRE, EG_NORM_POST, EG_NORM_PARALLEL };
enum {
    EG_MLP_NONE,
    EG_MLP_LINEAR,
    EG_MLP_RELU,
    EG_MLP_GELU,
    EG_MLP_GELU_ERF,
    EG_MLP_SILU,
    EG_MLP_SWIGLU,
    EG_MLP_GEGLU
};
enum { EG_QK_MERGED, EG_QK_FACTORISED, EG_QK_MERGED_KEY };
enum { EG_MAT_MATRIX, EG_MAT_IDENTITY };
enum { EG_MESA_EXACT, EG_MESA_FLA };
enum { EG_READOUT_MATRIX, EG_READOUT_FIRST };
enum {
    EG_POS_NONE,
    EG_POS_LEARNED,
    EG_POS_RANDOM,
    EG_POS_SIN,
    EG_POS_ROTARY,
    EG_POS_SIN_SCALED,
    EG_POS_RELATIVE,
    EG_POS_CONCATENATED
};
enum { EG_ROTARY_ADJACENT, EG_ROTARY_HALVES };
enum { EG_INIT_UNIFORM, EG_INIT_NORMAL, EG_INIT_ZERO };

typedef enum eg_precision { EG_FLOAT32, EG_FLOAT64 } eg_precision;

/* One row of the table. */
typedef struct eg_tensor {
    char name[64]; /* TransformerLens spelling: "blocks.0.attn.W_V" */
    int ndim;
    eg_index shape[3];
    eg_index size;   /* entries */
    eg_index offset; /* first entry in the parameter block */
    eg_index fan_in; /* for the initialisation; of a bias its matrix's; or 0 */
    int fill;        /* how its initial values are made (nn/nn.h) */
    bool fixed;      /* never trained whatever the options (random W_pos) */
    bool undecayed;  /* weight decay leaves it as it is */
} eg_tensor;

typedef struct eg_model eg_model;

/* io comes from the task (eg_task_io). Checks the options (EG_EINVAL names the
 * key), builds the table and draws the initial values: tensor by tensor from
 * (seed, EG_RNG_INIT, name), so that one tensor never shifts another. */
EG_API eg_status eg_model_new(eg_model **out, const eg_model_opts *opts,
                              eg_io io, eg_precision precision, uint64_t seed,
                              eg_err *err);
EG_API void eg_model_free(eg_model *m);
EG_API const eg_model_opts *eg_model_options(const eg_model *m);
EG_API eg_precision eg_model_precision(const eg_model *m);
EG_API eg_io eg_model_io(const eg_model *m);
EG_API int eg_model_vocab(const eg_model *m);
EG_API int eg_model_ctx(const eg_model *m);
/* The i-th item that model.mixer, model.mlp take, and what it computes; NULL
 * past the end. */
EG_API const char *eg_model_mixer_name(int i, const char **help);
EG_API const char *eg_model_mlp_name(int i, const char **help);
EG_API const char *eg_model_error_name(int i, const char **help); /* .error */
EG_API const char *eg_model_qk_norm_name(int i, const char **help);
/* EG_MLP_... of block l. */
EG_API int eg_model_mlp(const eg_model *m, int l);
/* Sizes as the options resolve: heads of queries, of keys and values, and
 * hidden width of block l; width of a head. */
EG_API int eg_model_heads(const eg_model *m, int l);
EG_API int eg_model_kv_heads(const eg_model *m, int l);
EG_API int eg_model_mlp_width(const eg_model *m, int l);
EG_API int eg_model_head_width(const eg_model *m);

/* The table: how many rows, and row i, which lives as long as the model. */
EG_API int eg_model_n_tensors(const eg_model *m);
EG_API const eg_tensor *eg_model_tensor(const eg_model *m, int i);
/* Index of a tensor, or -1. */
EG_API int eg_model_find(const eg_model *m, const char *name);
/* The values, widened to or narrowed from float64; out [size]. */
EG_API void eg_model_get(const eg_model *m, int i, double *out);
EG_API void eg_model_set(eg_model *m, int i, const double *in);
EG_API eg_view eg_model_view(const eg_model *m, int i);

/* safetensors, one entry a tensor, written in the model's precision, read from
 * float32, float64, float16 or bfloat16, under our names or TransformerLens's
 * (embed.W_E, unembed.W_U, ...), which a file shows by itself. Loading demands
 * every tensor of the table with its shape ("W_E: expected [65,128], found
 * [64,128] in FILE"), and no other: a file with more is another model's. What a
 * checkpoint holds beside the weights is passed over. */
EG_API eg_status eg_model_save(const eg_model *m, const char *path,
                               eg_err *err);
EG_API eg_status eg_model_load(eg_model *m, const char *path, eg_err *err);
/* The same of a file that may hold tensors which the model does not have: with
 * allow_extra they are left out, and note [size], which may be NULL, names them
 * ("" when there are none). */
EG_API eg_status eg_model_load_from(eg_model *m, const char *path,
                                    bool allow_extra, char *note, size_t size,
                                    eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
