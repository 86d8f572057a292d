/* The reference set as a template: ref_f32.c and ref_f64.c define `real` and
 * include this file. Plain loops in the order of the formulas, sums in
 * float64, no contraction of products and sums (see isa.cmake). Slow on
 * purpose; nothing here is ever tuned. */
#include <math.h>

#include "kern/kern_sets.h"

#include "kern/ref_gemm.h"
#include "kern/ref_attn.h"
#include "kern/ref_attn_table.h"
#include "kern/ref_rows.h"
#include "kern/ref_elem.h"
#include "kern/ref_table.h"
#include "kern/ref_linatt.h"
#include "kern/ref_mesa.h"
#include "kern/ref_state.h"
#include "kern/ref_gemv.h"

/* clang-format off */
/* product: the prefix of matrix products and attention */
#define REF_TABLE(set_name, product)                                           \
    {                                                                          \
        .name = (set_name),                                                    \
        .pack_size = product##_pack_size, .pack = product##_pack,              \
        .gemm_packed = product##_gemm_packed, .gemm = product##_gemm,          \
        .attn_size = ref_attn_size, .attn_work = product##_attn_work,          \
        .attn = product##_attn, .attn_scores = product##_attn_scores,          \
        .attn_back = product##_attn_back,                                      \
        .attn_table_work = ref_attn_table_work,                                \
        .attn_table = ref_attn_table,                                          \
        .attn_table_back = ref_attn_table_back,                                \
        .layernorm = ref_layernorm, .layernorm_back = ref_layernorm_back,      \
        .relu = ref_relu, .relu_back = ref_relu_back,                          \
        .gelu = ref_gelu, .gelu_back = ref_gelu_back,                          \
        .clip = ref_clip, .clip_back = ref_clip_back,                          \
        .xent = ref_xent,                                                      \
        .add = ref_add, .axpy = ref_axpy, .scale = ref_scale,                  \
        .dot = ref_dot, .sumsq = ref_sumsq, .embed = ref_embed,                \
        .gather = ref_gather, .gather_back = ref_gather_back,                  \
        .linatt_work = ref_linatt_work, .linatt = ref_linatt,                  \
        .linatt_back = ref_linatt_back,                                        \
        .mesa_work = ref_mesa_work, .mesa = ref_mesa,                          \
        .mesa_again = ref_mesa_again,                                          \
        .vecmat = ref_vecmat, .rowdot = ref_rowdot, .rank1 = ref_rank1,        \
        .muladd = ref_muladd,                                                  \
        .gemv = ref_gemv, .gemv_t = ref_gemv_t, .softmax = ref_softmax,        \
        .sgd = ref_sgd, .adam = ref_adam,                                      \
    }
/* clang-format on */
