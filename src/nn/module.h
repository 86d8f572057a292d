/* Modules: the parts a model is made of. Each is a row of a table here and some
 * lines in a file of nn/modules: which tensors it has, and which ops it adds to
 * a program. A module knows no other; what it reads and returns are values. */
#ifndef EG_NN_MODULE_H
#define EG_NN_MODULE_H

#include "nn/prog.h"

/* ---- tensors --------------------------------------------------------------
 */

/* Adds a row to the model's table, in block l (-1: in none): "blocks.l.name".
 * Extents that are 0 stand for fewer axes. After a failure (no memory)
 * m->tensors_st says so. fan_in: of matrices, for their initial values. */
void egi_tensor_add(eg_model *m, int l, const char *name, egi_fill fill,
                    eg_index a, eg_index b, eg_index c, eg_index fan_in);

/* ---- programs -------------------------------------------------------------
 */

typedef struct egi_builder {
    egi_program *p;
    const eg_model *m;
    egi_hooks hooks;
    bool training; /* with what training drops */
} egi_builder;

/* Adds an op; -1 stands for an input that is left out. */
int egi_put(egi_builder *b, egi_kind kind, int x, int y, int z, int w,
            egi_attr attr);
int egi_put_all(egi_builder *b, egi_kind kind, const int in[EGI_INS],
                egi_attr attr);
/* The tensor of that name as a value; -1: the model has none. */
int egi_weight(egi_builder *b, int l, const char *name);
/* x W + bias; bias_name NULL or no tensor: without. */
int egi_linear(egi_builder *b, int x, int w, int l, const char *bias_name);

/* x with entries dropped, in training; masks of the name, in block l (-1: in
 * none). As attributes of an op that drops by itself: */
int egi_drop(egi_builder *b, int x, int l, const char *name, double drop);
egi_attr egi_drop_attr(const egi_builder *b, egi_attr attr, int l,
                       const char *name, double drop);

/* Value v has that hook, in block l (-1: in none). v -1: it has not. */
void egi_see(egi_builder *b, int l, const char *name, int v);
void egi_see_heads(egi_builder *b, int l, const char *name, int v, int heads);
void egi_see_as(egi_builder *b, int l, const char *name, int v, egi_look look,
                int heads);

/* ---- the tables -----------------------------------------------------------
 */

/* How positions mix: from a (a norm's output, or the stream) to what is added
 * to the stream. */
typedef struct egi_mixer {
    const char *name, *help;
    void (*tensors)(const struct egi_mixer *self, eg_model *m, int l);
    int (*emit)(egi_builder *b, const struct egi_mixer *self, int a, int l);
    egi_kind core;               /* the op that mixes */
    const struct egi_rule *rule; /* of a learner (learners.c); or NULL */
} egi_mixer;
extern const egi_mixer egi_mixers[]; /* ends with a name NULL */

/* attention.c: queries, keys and values as every mixer takes them, projected,
 * convolved, normed, turned; and W_O behind what it makes of them. */
typedef struct egi_qkv {
    int a; /* what they are made of */
    int q, k, v, k_heads, v_heads;
    double scale; /* of scores */
} egi_qkv;
void egi_qkv_tensors(eg_model *m, int l);
egi_qkv egi_qkv_emit(egi_builder *b, int a, int l);
int egi_mixed_emit(egi_builder *b, int l, const egi_qkv *in, int z);
/* x times a matrix a head, their columns side by side; bias NULL: none. */
int egi_by_heads(egi_builder *b, int x, int l, const char *w, const char *bias,
                 int heads);

/* gates.c: attn.W_<name>, attn.b_<name> of width numbers a head; the gate. */
void egi_gate_tensors(eg_model *m, int l, const char *name, eg_index width,
                      egi_fill bias);
int egi_gate_emit(egi_builder *b, int a, int l, const char *name, double top);

/* mesa.c */
void egi_mesa_tensors(const egi_mixer *self, eg_model *m, int l);
int egi_mesa_emit(egi_builder *b, const egi_mixer *self, int a, int l);
void egi_mesanet_tensors(const egi_mixer *self, eg_model *m, int l);
int egi_mesanet_emit(egi_builder *b, const egi_mixer *self, int a, int l);

/* learners.c */
void egi_learner_tensors(const egi_mixer *self, eg_model *m, int l);
int egi_learner_emit(egi_builder *b, const egi_mixer *self, int a, int l);

/* Feed-forwards: f(x W_in) W_out, gated (f(x W_gate) * x W_in) W_out, or one
 * matrix. */
typedef struct egi_mlp {
    const char *name, *help;
    int matrices; /* 0, 1, 2; 3: gated */
    egi_kind f;
} egi_mlp;
extern const egi_mlp egi_mlps[];
void egi_mlp_tensors(eg_model *m, int l);
int egi_mlp_emit(egi_builder *b, int x, int l);

/* Norms of rows, or of each of `heads` parts of a row. */
typedef struct egi_norm {
    const char *name, *help;
    bool gain, bias;
    egi_kind kind;
} egi_norm;
extern const egi_norm egi_norms[];
/* name: "ln1", "attn.q_norm", ...: tensors <name>.w and perhaps <name>.b. */
void egi_norm_tensors(eg_model *m, const egi_norm *n, int l, const char *name,
                      eg_index width);
int egi_norm_emit(egi_builder *b, const egi_norm *n, int x, int heads, int l,
                  const char *name);

/* What is summed over the positions of the loss. */
typedef struct egi_loss {
    const char *name, *help;
    bool vectors; /* of predictions that are vectors; else of logits */
    egi_kind kind;
} egi_loss;
/* The first of either sort is what a model has that does not say. */
extern const egi_loss egi_losses[];

/* The row of that name; -1: none. */
int egi_mixer_find(const char *name);
int egi_mlp_find(const char *name);
int egi_norm_find(const char *name);

/* What comes before the blocks and behind them. */
void egi_input_tensors(eg_model *m);
int egi_input_emit(egi_builder *b);
void egi_head_tensors(eg_model *m);
void egi_head_emit(egi_builder *b, int x);

#endif
