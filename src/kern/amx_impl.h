/* What makes the sets of the matrix unit of a fast set of AVX-512: matrix
 * products and attention, of operands in PARTS parts (amx_tile.h). */
#include "kern/bf16.h"
#include "kern/amx_tile.h"
#include "kern/amx_cell.h"
#include "kern/amx_product.h"
#include "kern/amx_lone.h"
#include "kern/amx_gemm.h"
#include "kern/amx_attn_cell.h"
#include "kern/amx_softmax.h"
#include "kern/amx_attn.h"
#include "kern/amx_attn_grads.h"
#include "kern/amx_attn_back.h"
#include "kern/amx_attn_pick.h"
