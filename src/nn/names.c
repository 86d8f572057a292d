/* Weights under the names that TransformerLens gives them. Its shapes are ours:
 * W_Q [n_heads, d_model, d_head], W_O [n_heads, d_head, d_model], W_in
 * [d_model, d_mlp]; what differs are prefixes, an underscore before grouped
 * keys and values, and tensors that are no weights.
 * github.com/TransformerLensOrg/TransformerLens: state_dict of
 * HookedTransformer
 */
#include <stdio.h>
#include <string.h>

#include "nn/nn.h"
#include "nn/weights.h"

/* How the end of a name is said there and here. */
static const struct {
    const char *theirs, *ours;
} names[] = {{"embed.W_E", "W_E"},      {"pos_embed.W_pos", "W_pos"},
             {"unembed.W_U", "W_U"},    {"unembed.b_U", "b_U"},
             {"attn._W_K", "attn.W_K"}, {"attn._W_V", "attn.W_V"},
             {"attn._b_K", "attn.b_K"}, {"attn._b_V", "attn.b_V"}};

/* Masks, and tables of a position code. */
static const char *const constants[] = {"attn.mask", "attn.IGNORE",
                                        "attn.rotary_sin", "attn.rotary_cos"};

/* The end of name, behind "blocks.l." where it begins so. */
static const char *behind_block(const char *name)
{
    const char *end;

    if (strncmp(name, "blocks.", 7) != 0) return name;
    end = strchr(name + 7, '.');
    return end ? end + 1 : name;
}

static bool is_constant(const char *name)
{
    const char *part = behind_block(name);

    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (part != name && strcmp(part, constants[i]) == 0) return true;
    return false;
}

/* A bias of zeros, which the model need not have: the library writes them for
 * models without biases. */
static bool is_nothing(const eg_st_entry *e)
{
    const char *part = strrchr(e->name, '.');

    if (!part || part[1] != 'b' || (part[2] && part[2] != '_')) return false;
    for (eg_index i = 0, n = eg_view_size(&e->view); i < n; i++)
        if (eg_view_at(&e->view, i) != 0) return false;
    return true;
}

/* Our name for an entry of theirs, where the model has such a tensor. A file
 * with both names keeps theirs, which is then a tensor too many. */
static void translate(eg_st_entry *e, const eg_safetensors *s,
                      const eg_model *m)
{
    const char *part = behind_block(e->name);
    char ours[sizeof e->name];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(part, names[i].theirs) != 0) continue;
        (void)snprintf(ours, sizeof ours, "%.*s%s", (int)(part - e->name),
                       e->name, names[i].ours);
        if (eg_model_find(m, ours) >= 0 && !eg_st_find(s, ours))
            memcpy(e->name, ours, sizeof ours);
        return;
    }
}

bool egi_names_adopt(eg_safetensors *s, const eg_model *m)
{
    int kept = 0;

    if (!eg_st_find(s, "embed.W_E") || eg_st_find(s, "W_E")) return false;
    for (int i = 0; i < s->n_entries; i++) {
        eg_st_entry *e = &s->entry[i];

        translate(e, s, m);
        if (eg_model_find(m, e->name) < 0 &&
            (is_constant(e->name) || is_nothing(e)))
            continue;
        if (kept != i) s->entry[kept] = *e;
        kept++;
    }
    s->n_entries = kept;
    return true;
}
