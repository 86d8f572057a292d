/* The plain program of a model: the formula, op by op, without a shortcut; and
 * where its hooks are. Modules add the ops; here is how they are joined. */
#include "nn/module.h"

#include <stdio.h>
#include <string.h>

/* ---- for the modules ------------------------------------------------------
 */

int egi_put(egi_builder *b, egi_kind kind, int x, int y, int z, int w,
            egi_attr attr)
{
    return egi_op_add(b->p, kind, EGI_INPUTS(x, y, z, w), attr);
}

int egi_put_all(egi_builder *b, egi_kind kind, const int in[EGI_INS],
                egi_attr attr)
{
    return egi_op_add(b->p, kind, in, attr);
}

static void full_name(char buf[64], int l, const char *name)
{
    if (l >= 0)
        (void)snprintf(buf, 64, "blocks.%d.%s", l, name);
    else
        (void)snprintf(buf, 64, "%s", name);
}

int egi_weight(egi_builder *b, int l, const char *name)
{
    char full[64];
    int i;

    full_name(full, l, name);
    i = eg_model_find(b->m, full);
    return i < 0 ? -1 : egi_tensor_value(b->p, i);
}

int egi_linear(egi_builder *b, int x, int w, int l, const char *bias_name)
{
    int bias = bias_name ? egi_weight(b, l, bias_name) : -1;

    return egi_put(b, EGI_OP_linear, x, w, -1, bias, (egi_attr){0});
}

/* The first hook that shows the value itself names it; a norm's value has none
 * and is called as the norm is. */
static void name_value(egi_value *v, const egi_hook *h)
{
    const char *end = strstr(h->name, ".hook_scale");
    bool itself = h->look == EGI_LOOK_ROWS || h->look == EGI_LOOK_HEADS;

    if (v->name[0] || (!itself && !end)) return;
    (void)snprintf(v->name, sizeof v->name, "%.*s",
                   end ? (int)(end - h->name) : (int)strlen(h->name), h->name);
}

void egi_see_as(egi_builder *b, int l, const char *name, int v, egi_look look,
                int heads)
{
    egi_hook h = {.value = v, .look = look, .heads = heads};
    bool large = look == EGI_LOOK_SCORES || look == EGI_LOOK_RESULT;

    if (v < 0 || b->p->st != EG_OK) return;
    full_name(h.name, l, name);
    name_value(&b->p->value[v], &h);
    if (b->hooks == EGI_HOOKS_NONE) return;
    if (large && b->hooks != EGI_HOOKS_FULL) return;
    egi_hook_add(b->p, &h);
}

void egi_see(egi_builder *b, int l, const char *name, int v)
{
    egi_see_as(b, l, name, v, EGI_LOOK_ROWS, 0);
}

void egi_see_heads(egi_builder *b, int l, const char *name, int v, int heads)
{
    egi_see_as(b, l, name, v, EGI_LOOK_HEADS, heads);
}

egi_attr egi_drop_attr(const egi_builder *b, egi_attr attr, int l,
                       const char *name, double drop)
{
    char full[64];

    if (!b->training || drop <= 0) return attr;
    full_name(full, l, name);
    attr.drop = drop;
    attr.stream = egi_name_hash(full);
    return attr;
}

int egi_drop(egi_builder *b, int x, int l, const char *name, double drop)
{
    egi_attr attr = egi_drop_attr(b, (egi_attr){0}, l, name, drop);

    return attr.drop > 0 ? egi_put(b, EGI_OP_dropout, x, -1, -1, -1, attr) : x;
}

/* ---- a model --------------------------------------------------------------
 */

static int norm(egi_builder *b, int x, int l, const char *name)
{
    return egi_norm_emit(b, &egi_norms[b->m->opts.norm_kind], x, 1, l, name);
}

/* x + y, clipped where the model says so. */
static int sum(egi_builder *b, int x, int y)
{
    double top = b->m->opts.resid_clip;

    x = egi_put(b, EGI_OP_add, x, y, -1, -1, (egi_attr){0});
    if (top <= 0) return x;
    return egi_put(b, EGI_OP_clip, x, -1, -1, -1, (egi_attr){.scale = top});
}

/* Block l from the residual stream x to the next. */
static int block(egi_builder *b, int x, int l)
{
    const egi_mixer *mixer = &egi_mixers[b->m->mixer[l]];
    int norms = b->m->opts.norm, a = x, mid, in;
    bool post = norms == EG_NORM_POST;
    double dropout = b->m->opts.dropout;

    egi_see(b, l, "hook_resid_pre", x);
    if (egi_norm_first(b->m)) a = norm(b, x, l, "ln1");
    mid = egi_drop(b, mixer->emit(b, mixer, a, l), l, "attn", dropout);
    mid = sum(b, x, mid);
    if (post) mid = norm(b, mid, l, "ln1");
    egi_see(b, l, "hook_resid_mid", mid);
    if (egi_mlps[b->m->mlp[l]].matrices > 0) {
        in = norms == EG_NORM_PARALLEL ? x : mid;
        if (egi_norm_first(b->m)) in = norm(b, in, l, "ln2");
        in = egi_drop(b, egi_mlp_emit(b, in, l), l, "mlp", dropout);
        mid = sum(b, mid, in);
        if (post) mid = norm(b, mid, l, "ln2");
    }
    egi_see(b, l, "hook_resid_post", mid);
    return mid;
}

eg_status egi_program_build(egi_program *p, const eg_model *m,
                            const eg_group *loss, egi_hooks hooks, eg_err *err)
{
    egi_builder b = {.p = p,
                     .m = m,
                     .hooks = hooks & ~EGI_TRAINING,
                     .training = (hooks & EGI_TRAINING) != 0};
    int x;

    egi_program_init(p, m);
    p->loss = loss;
    x = egi_input_emit(&b);
    for (int l = 0; l < m->n_layers; l++) x = block(&b, x, l);
    if (egi_norm_first(m)) x = norm(&b, x, -1, "ln_final");
    egi_head_emit(&b, x);
    if (p->st == EG_OK) return EG_OK;
    egi_program_release(p);
    return EG_FAIL(err, EG_ENOMEM, "a program of %d blocks", m->n_layers);
}
