/* The float32 set for the matrix unit (AMX with bfloat16) beside AVX-512. */
#define VEC_BYTES 64
#include "kern/fast_impl.h"
#include "kern/amx_tile.h"
#include "kern/amx_cell.h"
#include "kern/amx_product.h"
#include "kern/amx_lone.h"
#include "kern/amx_gemm.h"
#include "kern/amx_attn.h"
#include "kern/amx_attn_back.h"
#include "kern/amx_attn_pick.h"

const eg_kern_f32 egi_kern_amx = FAST_TABLE("amx", amx);
