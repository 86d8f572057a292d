/* A fast set as a template: avx512.c, avx2.c and generic.c define VEC_BYTES,
 * avx512_f64.c and so on VEC_F64 too, and include this file, each compiled with
 * its own flags (isa.cmake). Products and sums may be contracted into FMAs;
 * nothing else is relaxed. */
#include "kern/kern_sets.h"
#include "kern/vec.h"
#include "kern/dvec.h"

#include "kern/fast_gemm.h"
#include "kern/attn_block.h"
#include "kern/fast_attn.h"
#include "kern/fast_attn_table.h"
#include "kern/fast_elem.h"
#include "kern/fast_rows.h"
#include "kern/fast_table.h"
#include "kern/fast_linatt.h"
#include "kern/fast_mesa.h"
#include "kern/fast_state.h"
#include "kern/fast_gemv.h"

/* clang-format off */
/* product: the prefix of matrix products and attention */
#define FAST_TABLE(set_name, product)                                          \
    {                                                                          \
        .name = (set_name),                                                    \
        .pack_size = product##_pack_size, .pack = product##_pack,              \
        .gemm_packed = product##_gemm_packed, .gemm = product##_gemm,          \
        .attn_size = fast_attn_size, .attn_work = product##_attn_work,         \
        .attn = product##_attn, .attn_scores = product##_attn_scores,          \
        .attn_back = product##_attn_back,                                      \
        .attn_table_work = fast_attn_table_work,                               \
        .attn_table = fast_attn_table,                                         \
        .attn_table_back = fast_attn_table_back,                               \
        .layernorm = fast_layernorm, .layernorm_back = fast_layernorm_back,    \
        .relu = fast_relu, .relu_back = fast_relu_back,                        \
        .gelu = fast_gelu, .gelu_back = fast_gelu_back,                        \
        .clip = fast_clip, .clip_back = fast_clip_back,                        \
        .xent = fast_xent,                                                     \
        .add = fast_add, .axpy = fast_axpy, .scale = fast_scale,               \
        .dot = fast_dot, .sumsq = fast_sumsq, .embed = fast_embed,             \
        .gather = fast_gather, .gather_back = fast_gather_back,                \
        .linatt_work = fast_linatt_work, .linatt = fast_linatt,                \
        .linatt_back = fast_linatt_back,                                       \
        .mesa_work = fast_mesa_work, .mesa = fast_mesa,                        \
        .mesa_again = fast_mesa_again,                                         \
        .vecmat = fast_vecmat, .rowdot = fast_rowdot, .rank1 = fast_rank1,     \
        .muladd = fast_muladd,                                                 \
        .gemv = fast_gemv, .gemv_t = fast_gemv_t, .softmax = fast_softmax,     \
        .sgd = fast_sgd, .adam = fast_adam,                                    \
    }
/* clang-format on */
