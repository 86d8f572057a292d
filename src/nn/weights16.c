/* Weights that 16 bits hold, in 16 bits. */
#include "nn/weights16.h"

#include <math.h>

#include "base/array.h"
#include "engram/mem.h"

/* x in 16 bits, which stand for it and nothing else. */
static bool fits(uint16_t *h, float x, egi_half_form form)
{
    float wide;

    *h = egi_half_bits(x, form == EGI_BFLOAT16 ? EG_BF16 : EG_F16);
    wide = egi_half_wide(*h, form);
    return isfinite(x) && wide == x && !signbit(wide) == !signbit(x);
}

static bool all_fit(const float *w, eg_index ld, eg_index rows, eg_index cols,
                    egi_half_form form)
{
    uint16_t h;

    for (eg_index i = 0; i < rows; i++)
        for (eg_index j = 0; j < cols; j++)
            if (!fits(&h, w[i * ld + j], form)) return false;
    return true;
}

eg_status egi_weights16_init(egi_weights16 *n, const float *w, eg_index ld,
                             eg_index rows, eg_index cols, eg_err *err)
{
    *n = (egi_weights16){.rows = rows, .cols = cols};
    if (all_fit(w, ld, rows, cols, EGI_BFLOAT16))
        n->form = EGI_BFLOAT16;
    else if (all_fit(w, ld, rows, cols, EGI_FLOAT16))
        n->form = EGI_FLOAT16;
    if (n->form == EGI_WHOLE) return EG_OK;
    n->a = eg_calloc((size_t)(rows * cols), sizeof *n->a);
    if (!n->a)
        return EG_FAIL(err, EG_ENOMEM, "%td weights in 16 bits", rows * cols);
    for (eg_index i = 0; i < rows; i++)
        for (eg_index j = 0; j < cols; j++)
            (void)fits(&n->a[i * cols + j], w[i * ld + j], n->form);
    return EG_OK;
}

void egi_weights16_release(egi_weights16 *n)
{
    eg_free(n->a);
    *n = (egi_weights16){0};
}
