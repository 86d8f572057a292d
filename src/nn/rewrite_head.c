/* head: logits of a large vocabulary, and their gradients, are made in blocks
 * of rows that are dropped at once; a tied head reads W_E as it lies. */
#include "nn/rewrite.h"

/* Of so many logits a block has a row: 256 rows by default. */
#define LOGITS_A_ROW 0x1p14
/* Rows of W_U from which on arithmetic hides that logits come and go; packed,
 * such a matrix takes three times its size. */
#define WIDE 512

void egi_rewrite_head(egi_program *p, const egi_load *load)
{
    int loss = p->n_ops - 1;
    const egi_op *y, *turned;
    egi_attr attr = {.scale = 1, .at = 5};
    double most = load->logits;
    int w;

    if (p->op[loss].kind != EGI_OP_xent) return;
    y = egi_inner(p, p->op[loss].in[0], EGI_OP_linear);
    if (!y || y->in[2] >= 0 || y->in[3] >= 0) return;
    w = y->in[1];
    if (p->value[w].rows >= WIDE) most /= 4;
    if ((double)p->m->T * (double)p->value[w].cols <= most) {
        (void)egi_refuse(p, "logits of a sequence are few enough to be kept");
        return;
    }
    turned = egi_inner(p, w, EGI_OP_transpose);
    if (turned) {
        w = turned->in[0];
        attr.scale = turned->attr.scale;
        attr.turned = true;
    }
    if (load->logits > 5 * LOGITS_A_ROW)
        attr.at = (eg_index)(load->logits / LOGITS_A_ROW);
    attr.width = 3 * attr.at;
    egi_op_beside(p, loss, EGI_OP_head, EGI_INPUTS(y->in[0], w, -1, -1), attr);
}
