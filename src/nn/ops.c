/* What is said of the kinds of op whatever the precision: names, helps, shapes
 * and the flags of their files. */
#include "nn/real/op.h"

static const char *const help[EGI_N_KINDS] = {
#define HELP(name, text) text,
    EGI_OPS(HELP)
#undef HELP
};

const egi_kind_info *egi_op_info(egi_kind k)
{
    return &N(kinds)[k]->info;
}

const char *egi_kind_help(egi_kind k)
{
    return help[k];
}

eg_status egi_op_shape(egi_program *p, egi_op *op)
{
    return N(kinds)[op->kind]->shape(p, op);
}

bool egi_op_patterned(const egi_op *op)
{
    return N(kinds)[op->kind]->pattern && op->attr.steps <= 1 &&
           !op->attr.across;
}
