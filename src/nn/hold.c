#include "nn/hold.h"

#include <string.h>

#include "engram/text.h"

const egi_hook *egi_hook_find(const egi_program *p, const char *name)
{
    for (int i = 0; i < p->n_hooks; i++)
        if (strcmp(p->hook[i].name, name) == 0) return &p->hook[i];
    return NULL;
}

/* Is the hook a value itself, which an op makes in every pass? */
static bool is_value(const egi_program *p, const egi_hook *h)
{
    const egi_value *v = &p->value[h->value];

    return v->maker >= 0 && v->cls != EGI_WEIGHT &&
           (h->look == EGI_LOOK_ROWS || h->look == EGI_LOOK_HEADS);
}

eg_index egi_hold_columns(const egi_program *p, const char *hook, int head)
{
    const egi_hook *h = egi_hook_find(p, hook);

    if (!h || !is_value(p, h)) return 0;
    if (head < 0) return p->value[h->value].cols;
    if (h->look != EGI_LOOK_HEADS || head >= h->heads) return 0;
    return p->value[h->value].cols / h->heads;
}

/* Why there is nothing to hold. */
static eg_status refuse(const egi_program *p, const char *hook, int head,
                        eg_err *err)
{
    const egi_hook *h = egi_hook_find(p, hook);
    eg_nearest near = {.asked = hook};

    if (h && !is_value(p, h))
        return EG_FAIL(err, EG_EINVAL,
                       "%s is made of other values and can only be read; "
                       "expected a hook such as hook_z, hook_attn_out, "
                       "hook_mlp_out",
                       hook);
    if (h && h->look == EGI_LOOK_HEADS)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: expected a head from 0 to %d, found %d", hook,
                       h->heads - 1, head);
    if (h) return EG_FAIL(err, EG_EINVAL, "%s has no heads", hook);
    for (int i = 0; i < p->n_hooks; i++) eg_nearest_try(&near, p->hook[i].name);
    return EG_FAIL(err, EG_EINVAL, "this model has no hook '%s'%s%s%s", hook,
                   near.best ? "; did you mean '" : "",
                   near.best ? near.best : "", near.best ? "'?" : "");
}

eg_status egi_hold_find(egi_hold *out, const egi_program *p, const char *hook,
                        int head, eg_err *err)
{
    const egi_hook *h = egi_hook_find(p, hook);
    eg_index cols = egi_hold_columns(p, hook, head);

    if (!h || cols == 0) return refuse(p, hook, head, err);
    *out = (egi_hold){.value = h->value,
                      .first = head < 0 ? 0 : head * cols,
                      .cols = cols,
                      .to = INT64_MAX};
    return EG_OK;
}

/* Rows of a hook by heads are one behind the other. */
void eg_hook_sum(double *sum, const eg_view *shown, int n_ctx, eg_index first,
                 eg_index cols)
{
    eg_index wide = eg_view_size(shown) / n_ctx;

    memset(sum, 0, (size_t)cols * sizeof *sum);
    for (eg_index t = 0; t < n_ctx; t++)
        for (eg_index c = 0; c < cols; c++)
            sum[c] += eg_view_at(shown, t * wide + first + c);
}

int eg_hook_head(char *hook)
{
    char *dot = strrchr(hook, '.');
    int head = 0;

    if (!dot || dot[1] != 'h' || !dot[2] || strlen(dot) > 6) return -1;
    for (const char *c = dot + 2; *c; c++) {
        if (*c < '0' || *c > '9') return -1;
        head = 10 * head + (*c - '0');
    }
    *dot = '\0';
    return head;
}
