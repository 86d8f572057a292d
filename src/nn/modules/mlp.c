/* Feed-forward layers. */
#include "nn/module.h"

const egi_mlp egi_mlps[] = {
    {"none", "no feed-forward", 0, 0},
    {"linear", "x W_F", 1, 0},
    {"relu", "max(x W_in, 0) W_out", 2, EGI_OP_relu},
    {"gelu",
     "gelu(x W_in) W_out, gelu(x) = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 "
     "x^3))) (GPT-2's)",
     2, EGI_OP_gelu},
    {"gelu_erf", "gelu(x W_in) W_out, gelu(x) = x Phi(x)", 2, EGI_OP_gelu_erf},
    {"silu", "silu(x W_in) W_out", 2, EGI_OP_silu},
    {"swiglu", "(silu(x W_gate) * x W_in) W_out", 3, EGI_OP_silu},
    {"geglu", "(gelu(x W_gate) * x W_in) W_out, the tanh form", 3, EGI_OP_gelu},
    {NULL, NULL, 0, 0}};

void egi_mlp_tensors(eg_model *m, int l)
{
    const egi_mlp *mlp = &egi_mlps[m->mlp[l]];
    eg_index d = m->d_model, n = m->mlp_width[l];
    bool bias = m->opts.mlp_bias;

    if (mlp->matrices == 0) return;
    if (mlp->matrices == 1) {
        egi_tensor_add(m, l, "mlp.W_F", EGI_FILL_RESIDUAL, d, d, 0, d);
        if (bias) egi_tensor_add(m, l, "mlp.b_F", EGI_FILL_ZERO, d, 0, 0, d);
        return;
    }
    if (mlp->matrices == 3)
        egi_tensor_add(m, l, "mlp.W_gate", EGI_FILL_MATRIX, d, n, 0, d);
    egi_tensor_add(m, l, "mlp.W_in", EGI_FILL_MATRIX, d, n, 0, d);
    if (bias) egi_tensor_add(m, l, "mlp.b_in", EGI_FILL_ZERO, n, 0, 0, d);
    egi_tensor_add(m, l, "mlp.W_out", EGI_FILL_RESIDUAL, n, d, 0, n);
    if (bias) egi_tensor_add(m, l, "mlp.b_out", EGI_FILL_ZERO, d, 0, 0, n);
}

int egi_mlp_emit(egi_builder *b, int x, int l)
{
    const egi_mlp *mlp = &egi_mlps[b->m->mlp[l]];
    int y = x, in;

    if (mlp->matrices == 1) {
        y = egi_linear(b, x, egi_weight(b, l, "mlp.W_F"), l, "mlp.b_F");
        egi_see(b, l, "hook_mlp_out", y);
        return y;
    }
    in = egi_linear(b, x, egi_weight(b, l, "mlp.W_in"), l, "mlp.b_in");
    y = in;
    if (mlp->matrices == 3)
        y = egi_linear(b, x, egi_weight(b, l, "mlp.W_gate"), l, NULL);
    egi_see(b, l, "mlp.hook_pre", y);
    if (mlp->matrices == 3) egi_see(b, l, "mlp.hook_pre_linear", in);
    y = egi_put(b, mlp->f, y, -1, -1, -1, (egi_attr){0});
    if (mlp->matrices == 3)
        y = egi_put(b, EGI_OP_mul, y, in, -1, -1, (egi_attr){0});
    egi_see(b, l, "mlp.hook_post", y);
    y = egi_drop(b, y, l, "mlp.post", b->m->opts.dropout_mlp);
    y = egi_linear(b, y, egi_weight(b, l, "mlp.W_out"), l, "mlp.b_out");
    egi_see(b, l, "hook_mlp_out", y);
    return y;
}
