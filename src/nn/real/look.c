/* Names for activations: kept values of a room, and what is made of them. */
#include <string.h>

#include "engram/mem.h"
#include "nn/real/layout.h"
#include "nn/real/look.h"

static const egi_op *op_of(const N(exec) * e, const egi_hook *h)
{
    return &e->p->op[e->p->value[h->value].maker];
}

/* The columns of what the hook shows, and whether it is made here. */
static bool made_here(egi_look look)
{
    return look == EGI_LOOK_SCALE || look == EGI_LOOK_PATTERN ||
           look == EGI_LOOK_SCORES || look == EGI_LOOK_RESULT;
}

static eg_view shape_of(const N(exec) * e, const egi_hook *h)
{
    eg_index T = e->p->m->T, cols = e->p->value[h->value].cols;
    eg_view v = {.dtype = sizeof(real) == 8 ? EG_F64 : EG_F32,
                 .ndim = 2,
                 .shape = {T, cols}};

    switch (h->look) {
    case EGI_LOOK_SCALE:
        v.shape[1] = 1;
        break;
    case EGI_LOOK_HEADS:
        v.ndim = 3;
        v.shape[1] = h->heads;
        v.shape[2] = cols / h->heads;
        break;
    case EGI_LOOK_RESULT:
        v.ndim = 3;
        v.shape[1] = h->heads;
        v.shape[2] = cols;
        break;
    case EGI_LOOK_PATTERN:
    case EGI_LOOK_SCORES:
        v.ndim = 3;
        v.shape[0] = h->heads;
        v.shape[1] = v.shape[2] = T;
        break;
    default:
        break;
    }
    return v;
}

static size_t looks_lay(N(looks) * l, const N(exec) * e, char *base)
{
    layout at = {base, 0};

    for (int i = 0; i < e->p->n_hooks; i++) {
        const egi_hook *h = &e->p->hook[i];
        eg_view v = shape_of(e, h);
        real *own = made_here(h->look) ? lay_real(&at, eg_view_size(&v)) : NULL;

        if (base) l->look[i].own = own;
    }
    return at.used;
}

size_t N(looks_bytes)(const N(exec) * e)
{
    return looks_lay(NULL, e, NULL);
}

eg_status N(looks_init)(N(looks) * l, const N(exec) * e, const N(room) * r,
                        eg_err *err)
{
    size_t bytes = N(looks_bytes)(e);

    *l = (N(looks)){.n = e->p->n_hooks};
    l->look = eg_calloc((size_t)l->n + 1, sizeof *l->look);
    l->block = eg_calloc(1, bytes + 1);
    if (!l->look || !l->block) {
        N(looks_release)(l);
        return EG_FAIL(err, EG_ENOMEM, "hooks of %zu bytes", bytes);
    }
    looks_lay(l, e, l->block);
    for (int i = 0; i < l->n; i++) {
        const egi_hook *h = &e->p->hook[i];
        N(look) *k = &l->look[i];
        int v = h->look == EGI_LOOK_NORMALIZED ? op_of(e, h)->out[1] : h->value;

        k->name = h->name;
        k->hook = h;
        k->view = shape_of(e, h);
        k->view.data = k->own ? k->own : r->base + e->room.at[v].x;
    }
    return EG_OK;
}

void N(looks_release)(N(looks) * l)
{
    eg_free(l->look);
    eg_free(l->block);
    *l = (N(looks)){.n = 0};
}

/* ---- what is made ---------------------------------------------------------
 */

static void fill_pattern(real *own, const N(call) * c)
{
    eg_index T = c->out[0].rows;

    for (eg_index h = 0; h < c->op->attr.heads; h++)
        N(kinds)[c->op->kind]->pattern(own + h * T * T, c, h);
}

static void fill_scores(real *own, const N(call) * c)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *far = &c->in[3];
    const egi_attr *a = &c->op->attr;
    eg_index T = q->rows, w = q->cols / a->heads;

    for (eg_index h = 0; h < a->heads; h++)
        for (eg_index t = 0; t < T; t++) {
            real *row = own + (h * T + t) * T;
            c->K->attn_scores(row, q->x + t * q->ld + h * w,
                              k->x + h * a->k_heads / a->heads * w, k->ld,
                              c->sees[t], w, (real)a->scale);
            for (eg_index s = 0; far->x && s <= t; s++)
                row[s] += (real)a->scale *
                          (real)c->K->dot(q->x + t * q->ld + h * w,
                                          far->x + (t - s) * far->ld, w);
            for (eg_index s = c->sees[t]; s < T; s++)
                row[s] = -(real)__builtin_inf();
        }
}

/* result[t, h] = z[t, h] W_O[h]; without W_O head h's columns, zeros beside. */
static void fill_result(real *own, const N(call) * c, eg_index heads)
{
    const N(arg) *z = &c->in[0], *w = &c->in[1], *y = &c->out[0];
    bool mapped = c->op->kind == EGI_OP_linear;
    eg_index d = y->cols, vw = (mapped ? z->cols : d) / heads;

    for (eg_index h = 0; h < heads; h++)
        for (eg_index t = 0; t < y->rows; t++) {
            real *to = own + (t * heads + h) * d;
            memset(to, 0, (size_t)d * sizeof *to);
            if (!mapped)
                memcpy(to + h * vw, y->x + t * y->ld + h * vw,
                       (size_t)vw * sizeof *to);
            for (eg_index i = 0; mapped && i < vw; i++)
                c->K->axpy(to, z->x[t * z->ld + h * vw + i],
                           w->x + (h * vw + i) * w->ld, d);
        }
}

void N(looks_fill)(const N(looks) * l, const N(exec) * e, const N(room) * r)
{
    for (int i = 0; i < l->n; i++) {
        const N(look) *k = &l->look[i];
        int maker = e->p->value[k->hook->value].maker;
        N(call) c;

        if (!k->own) continue;
        c = N(bind)(e, r, (N(sums)){NULL, NULL}, maker);
        switch (k->hook->look) {
        case EGI_LOOK_SCALE:
            for (eg_index t = 0; t < eg_view_size(&k->view); t++)
                k->own[t] = 1 / c.out[2].x[t];
            break;
        case EGI_LOOK_PATTERN:
            fill_pattern(k->own, &c);
            break;
        case EGI_LOOK_SCORES:
            fill_scores(k->own, &c);
            break;
        default:
            fill_result(k->own, &c, k->hook->heads);
        }
    }
}
