/* The tables that say which metric is drawn where, in which colour, under which
 * name; and what the axes of an array snapshot are. First match wins.
 *
 * One colour a notion on the whole page (Okabe and Ito's palette, which
 * colour-blind readers can tell apart; lighter shades on dark ground):
 * vermilion is what is learnt in context, blue the global bigrams, grey the
 * whole; green, purple, orange and sky blue are the matrices W_O2, W_K2 and
 * W_K1 (all and early positions). A dash says "the test batch". */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "nn/nn.h" /* egi_match */
#include "report/report_impl.h"

const egi_panel egi_panels[] = {
    {"loss", "Loss", "loss",
     "What the model still pays for a position: cross-entropy in nats; where "
     "vectors are told, half the squared error.",
     0, 0, false, false, ""},
    {"places", "Loss by position", "loss",
     "On the test batch, as training goes on: what a longer context is worth. "
     "Dashed: solvers of least squares on this page.",
     0, 0, false, false, "place"},
    {"depths", "What a linear map reads, by depth", "half the squared error",
     "From the input (0) on behind each block, on sequences that it was not "
     "fitted to; thin: on those that it was. At the end of training.",
     0, 0, true, false, "depth"},
    {"radii", "Radius of patterns", "half the distance",
     "How far the stream of a sequence is from that of the nearest other one, "
     "halved: among a quarter of the sequences, a half, three quarters, all.",
     0, 0, false, false, "radius"},
    {"slopes", "Slopes of the first block", "norm of the gradient",
     "How the stream behind the first block, at the last position, depends on "
     "the states around there: binding is seen as it is born.",
     0, 0, false, false, ""},
    {"compressed", "A few numbers for each head", "share",
     "Of the products of weights, what blocks that are multiples of the "
     "identity keep.",
     0, 1, true, false, ""},
    {"energies", "Energies of stored patterns", "energy",
     "By distances (E), and by dot products (Hopfield), each at an inverse "
     "temperature.",
     0, 0, false, false, ""},
    {"llc", "Local learning coefficient", "coefficient",
     "By Langevin dynamics about the weights: how many directions the loss "
     "minds.",
     0, 0, true, false, ""},
    {"acc", "Accuracy", "fraction of positions",
     "How often the most probable token is the right one.", 0, 1, false, false,
     ""},
    {"recall", "Memory recall", "fraction of pairs",
     "How many stored associations a weight matrix gives back, read from the "
     "weights alone.",
     0, 1, false, false, ""},
    {"attn", "Where the heads look", "fraction of positions",
     "Tests of the most attended position against the induction circuit.", 0, 1,
     false, false, ""},
    {"kl", "Distance from the bigrams", "nats",
     "Kullback-Leibler divergence of what W_F stores from the true bigram "
     "law.",
     0, 0, false, false, ""},
    {"plateau", "Energy: plateaus", "shifted energy",
     "(1/n^{2}) sum exp(beta (<x_{i},x_{j}> - 1)). A plateau is the sum of the "
     "squared shares of the clusters; grey lines: clusters merge.",
     0, 1, false, true, ""},
    {"clusters", "Clusters", "number",
     "Connected components of the tokens with <x_{i},x_{j}> > 1 - delta.", 0, 0,
     false, true, ""},
    {"alignment", "Alignment", "value",
     "How far the tokens agree: 1 when all have met.", 0, 0, false, true, ""},
    {"hull", "Convex hull", "length, area or volume", "", 0, 0, false, true,
     ""},
    {"corners", "Corners of the hull", "number", "", 0, 0, false, true, ""},
    {"heads", "Where each head looks", "fraction of positions",
     "The same tests head by head; above, the best of them.", 0, 1, true, false,
     ""},
    {"roles", "What the heads are", "share of attention",
     "On random tokens said twice: to the token before, right behind earlier "
     "copies, to the copies, to the first token, to the token itself.",
     0, 1, true, false, ""},
    {"energy", "Energy", "energy", "", 0, 0, true, true, ""},
    {"ranks", "Effective ranks", "rank", "", 0, 0, true, true, ""},
    {"velocity", "Speed of the tokens", "|dx/dt|", "", 0, 0, true, true, ""},
    {"radius", "Length of the tokens", "|x|", "", 0, 0, true, true, ""},
    {"norm", "Norms of the weights", "Frobenius norm", "", 0, 0, true, false,
     ""},
    {"grad", "Norms of the gradients", "Frobenius norm", "", 0, 0, true, false,
     ""},
    {"lr", "Learning rate", "per step", "", 0, 0, true, false, ""},
    {"speed", "Speed", "tokens per second", "", 0, 0, true, false, ""},
    {"time", "Time", "seconds", "", 0, 0, true, false, ""},
    {"memory", "Memory", "bytes", "", 0, 0, true, false, ""},
    {"other", "Other measurements", "value", "", 0, 0, true, false, ""},
    {NULL, NULL, NULL, NULL, 0, 0, false, false, NULL}};

#define INK "#4a4f57", "#c3c8d0"
#define BLUE "#0072b2", "#56a8e0"
#define VERMILION "#d55e00", "#ff8a3d"
#define GREEN "#009e73", "#35c99b"
#define PURPLE "#b0529c", "#dd8fc9"
#define ORANGE "#d08a00", "#f0b429"
#define SKY "#3aa0dc", "#7cc8f5"
#define BROWN "#8c5a2b", "#c9986a"
#define NONE "", ""

const egi_quantity egi_quantities[] = {
    {"loss", "loss", "training loss", INK, "solid",
     "the loss that is trained on, on the training batch", false},
    {"loss_in_context", "loss", "in context", VERMILION, "solid",
     "second and later occurrences of triggers", false},
    {"loss_in_context_test", "loss", "in context, test", VERMILION, "dash",
     "the same on the fixed test batch", false},
    {"loss_global", "loss", "global", BLUE, "solid",
     "positions whose token is not a trigger", false},
    {"loss_global_test", "loss", "global, test", BLUE, "dash",
     "the same on the fixed test batch", true},
    {"acc_in_context", "acc", "in context", VERMILION, "solid",
     "second and later occurrences of triggers", false},
    {"acc_in_context_test", "acc", "in context, test", VERMILION, "dash",
     "the same on the fixed test batch", false},
    {"acc_all", "acc", "all triggers", INK, "solid",
     "all occurrences of triggers; the first one cannot be predicted", false},
    {"acc_all_test", "acc", "all triggers, test", INK, "dash",
     "the same on the fixed test batch", true},
    {"acc_start", "acc", "first 10 positions", SKY, "solid",
     "triggers among the first ten positions", true},
    {"acc_start_test", "acc", "first 10, test", SKY, "dash",
     "the same on the fixed test batch", true},
    {"repeat_fraction", "acc", "plain repeats", BROWN, "dot",
     "triggers followed by themselves: the easy part", true},
    {"repeat_fraction_test", "acc", "plain repeats, test", BROWN, "dot",
     "the same on the fixed test batch", true},
    {"recall_W_O2", "recall", "W_{O}^{2}", GREEN, "solid",
     "output of the second layer: attended token to prediction", false},
    {"recall_W_K2", "recall", "W_{K}^{2}", PURPLE, "solid",
     "keys of the second layer: a token finds the place that followed it",
     false},
    {"recall_W_K1_early", "recall", "W_{K}^{1}, t < 64", SKY, "solid",
     "keys of the first layer: previous position, early positions", false},
    {"recall_W_K1", "recall", "W_{K}^{1}, all t", ORANGE, "solid",
     "keys of the first layer: previous position, all positions", false},
    {"kl_W_F", "kl", "W_{F}", BLUE, "solid",
     "uniform mean over tokens of KL(bigram law || softmax(W_U W_F w_E))",
     false},
    {"attn_prev_first", "attn", "layer 1 looks one back, first time", SKY,
     "solid", "after the first occurrence of a trigger", true},
    {"attn_prev_all*", "attn", "layer 1 looks one back, everywhere", ORANGE,
     "dash", "at any position", true},
    {"attn_prev*", "attn", "layer 1 looks one back", ORANGE, "solid",
     "at the position after a trigger", false},
    {"attn_answer*", "attn", "layer 2 finds the answer", VERMILION, "solid",
     "the attended token is the right answer", false},
    {"attn_match_other*", "attn", "layer 2 finds a copy, other tokens", PURPLE,
     "dash", "the same for tokens that are no triggers", true},
    {"attn_match*", "attn", "layer 2 finds a copy", PURPLE, "solid",
     "it attends right after an earlier copy of the query token", false},
    {"attn_cond*", "attn", "that place looked one back", BROWN, "solid",
     "the attended place itself attended the place before it", false},
    {"attn_repeat_0*", "attn", "layer 1 finds a repeat", ORANGE, "dot",
     "where the answer repeats the trigger: layer 1 attends the answer", true},
    {"attn_repeat_1*", "attn", "layer 2 finds a repeat", VERMILION, "dot",
     "where the answer repeats the trigger: layer 2 attends the answer", true},
    {"pred_attended*", "attn", "prediction is the attended token", GREEN,
     "solid", "the head copies what it attends", false},
    {"energy_shifted", "plateau", "shifted energy", VERMILION, "solid",
     "in [1/n, 1]", false},
    {"components", "clusters", "clusters", BLUE, "solid",
     "connected components", false},
    {"largest_cluster", "clusters", "tokens in the largest", ORANGE, "solid",
     "", true},
    {"order", "alignment", "|mean token|", INK, "solid",
     "order parameter R, Kuramoto's in d = 2", false},
    {"inner_mean", "alignment", "mean inner product", BLUE, "solid",
     "over pairs i, j that differ", false},
    {"inner_min", "alignment", "smallest inner product", SKY, "solid",
     "over pairs i, j that differ", false},
    {"inner_max", "alignment", "largest inner product", SKY, "dash",
     "over pairs i, j that differ", true},
    {"density", "alignment", "pairs together", VERMILION, "solid",
     "share of pairs with <x_i,x_j> > 1 - delta", false},
    {"hull", "hull", "convex hull", BLUE, "solid", "", false},
    {"hull_vertices", "corners", "corners", PURPLE, "solid", "", false},
    {"energy", "energy", "energy", GREEN, "solid",
     "(1/(2 beta n^2)) sum exp(beta <x_i,x_j>)", false},
    {"rank_entropy", "ranks", "entropy rank", GREEN, "solid",
     "exp of the entropy of squared singular values", false},
    {"rank_participation", "ranks", "participation ratio", PURPLE, "solid",
     "(tr G)^2 / tr G^2", false},
    {"rank_above", "ranks", "eigenvalues above 1e-3", ORANGE, "solid",
     "of the Gram matrix", false},
    {"attention_rank", "ranks", "rank of the attention matrix", BLUE, "solid",
     "numerical", false},
    {"attention_entropy", "ranks", "attention entropy (nats)", BLUE, "dash",
     "mean over tokens", false},
    {"speed_max", "velocity", "fastest token", VERMILION, "solid", "", false},
    {"speed_rms", "velocity", "root mean square", INK, "solid", "", false},
    {"radius_max", "radius", "longest token", VERMILION, "solid", "", false},
    {"radius_rms", "radius", "root mean square", INK, "solid", "", false},
    {"grad_norm", "grad", "all", INK, "solid", "all gradients together", false},
    {"norm.blocks.1.attn.W_O*", "norm", "W_{O}^{2}", GREEN, "solid", "", false},
    {"norm.blocks.1.attn.W_QK*", "norm", "W_{K}^{2}", PURPLE, "solid", "",
     false},
    {"norm.blocks.0.attn.W_QK*", "norm", "W_{K}^{1}", ORANGE, "solid", "",
     false},
    {"norm.blocks.*.mlp.W", "norm", "W_{F}", BLUE, "solid", "", false},
    {"norm.*", "norm", "*", NONE, "solid", "", false},
    {"grad_norm.blocks.1.attn.W_O*", "grad", "W_{O}^{2}", GREEN, "solid", "",
     false},
    {"grad_norm.blocks.1.attn.W_QK*", "grad", "W_{K}^{2}", PURPLE, "solid", "",
     false},
    {"grad_norm.blocks.0.attn.W_QK*", "grad", "W_{K}^{1}", ORANGE, "solid", "",
     false},
    {"grad_norm.blocks.*.mlp.W", "grad", "W_{F}", BLUE, "solid", "", false},
    {"grad_norm.*", "grad", "*", NONE, "solid", "", false},
    {"head.*.previous", "roles", "*", NONE, "solid",
     "mean attention to the token before", false},
    {"head.*.induction", "roles", "*", NONE, "solid",
     "mean attention right behind earlier copies of the token", false},
    {"head.*.duplicate", "roles", "*", NONE, "dash",
     "mean attention to earlier copies of the token", true},
    {"head.*.first", "roles", "*", NONE, "dash",
     "mean attention to the first token", true},
    {"head.*.current", "roles", "*", NONE, "dot",
     "mean attention to the token itself", true},
    {"loss_at.*", "places", "position *", NONE, "solid",
     "loss of the test batch at that position, from 1", false},
    {"linear_held.*", "depths", "*", NONE, "solid", "sequences held out",
     false},
    {"linear.*", "depths", "*, fitted", NONE, "dot", "sequences fitted to",
     false},
    {"radius_dimension.*", "radii", "dimension, depth *", NONE, "solid",
     "in which distances shrink as vectors are added", true},
    {"radius_copies.*", "radii", "copies, depth *", NONE, "solid", "", true},
    {"radius_null.*", "radii", "dealt out anew, depth *", NONE, "dash",
     "each coordinate by itself: what is left without patterns", true},
    {"radius_median.*", "radii", "median, depth *", NONE, "dot", "", true},
    {"radius.*", "radii", "*", NONE, "solid", "depth and per cent", false},
    {"sensitivity.rest", "slopes", "all before", INK, "dash", "their mean",
     false},
    {"sensitivity.*", "slopes", "* back", NONE, "solid",
     "states between it and the last one", false},
    {"loss_compressed", "loss", "heads compressed", GREEN, "dash",
     "blocks of multiples of the identity in the place of each product", false},
    {"loss_interpolated", "loss", "half way to that", PURPLE, "dash",
     "the products' means with their blocks", false},
    {"compressed_qk", "compressed", "W_{Q} W_{K}", ORANGE, "solid", "", false},
    {"compressed_ov", "compressed", "W_{V} W_{O}", GREEN, "solid", "", false},
    {"llc", "llc", "coefficient", INK, "solid", "", false},
    {"llc_se", "llc", "standard error", INK, "dot", "over chains", true},
    {"repeat_loss_first", "loss", "random tokens", BROWN, "dash",
     "which nobody can know", true},
    {"repeat_loss_again", "loss", "random tokens, said again", BROWN, "solid",
     "which the context tells", true},
    {"lr", "lr", "learning rate", INK, "solid", "", false},
    {"tokens_per_s*", "speed", "tokens per second", INK, "solid", "", false},
    {"seconds*", "time", "since the start", INK, "solid", "", false},
    {"memory_bytes", "memory", "resident", INK, "solid", "", false},
    {"loss_test.*", "loss", "*, test", NONE, "dash", "group of the test batch",
     false},
    {"loss_train.all", "loss", "all, training", NONE, "dot",
     "training sequences, without dropout", false},
    {"loss_train.*", "loss", "*, training", NONE, "dot",
     "group of training sequences, without dropout", true},
    {"loss.*", "loss", "*", NONE, "solid", "group of positions", false},
    {"loss*", "loss", "*", NONE, "solid", "", false},
    {"acc_test.*", "acc", "*, test", NONE, "dash", "group of the test batch",
     false},
    {"acc_train.all", "acc", "all, training", NONE, "dot",
     "training sequences, without dropout", false},
    {"acc_train.*", "acc", "*, training", NONE, "dot",
     "group of training sequences, without dropout", true},
    {"acc.*", "acc", "*", NONE, "solid", "group of positions", false},
    {"acc*", "acc", "*", NONE, "solid", "", false},
    {"recall*", "recall", "*", NONE, "solid", "", false},
    {"attn*", "attn", "*", NONE, "solid", "", false},
    {"kl*", "kl", "*", NONE, "solid", "", false},
    {"E_*", "energies", "*: distance energy", NONE, "solid",
     "behind the underscore: beta", false},
    {"M_*", "energies", "*: modern Hopfield network", NONE, "dash",
     "behind the underscore: beta", false},
    {"attract_*", "energies", "*: what attracts", NONE, "dot",
     "minus the logarithm of the sum", true},
    {"bowl_*", "energies", "*: the bowl", NONE, "dot",
     "half the square, and constants", true},
    {"compressed*", "compressed", "*", NONE, "solid", "", false},
    {"*", "other", "*", NONE, "solid", "", false},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, false}};

const egi_heat_kind egi_heat_kinds[] = {
    {"pattern_L*", "Attention pattern", "query token", "key token", "token",
     "token", "attention weight",
     "A row is a query and sums to 1: where does this token look?", false},
    {"memory_W_O2*", "W_{O}^{2}: attended token to prediction",
     "attended token", "predicted token", "symbol", "symbol", "score",
     "Learnt when the largest entry of each row (dots) is on the diagonal.",
     true},
    {"memory_W_K2*", "W_{K}^{2}: who followed this token?", "query token",
     "token before the key", "symbol", "symbol", "score",
     "Learnt when the largest entry of each row (dots) is on the diagonal.",
     true},
    {"memory_W_K1*", "W_{K}^{1}: previous position", "query position",
     "key position", "index", "index", "score",
     "Learnt when the largest entry of each row (dots) is just left of the "
     "diagonal.",
     true},
    {"memory_W_F*", "W_{F}: global bigrams", "token", "next token", "symbol",
     "symbol", "score", "Approaches the logarithm of the bigram law.", false},
    {"*", "", "row", "column", "index", "index", "value", "", false},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false}};

const egi_panel *egi_panel_find(const char *id)
{
    const egi_panel *p = egi_panels;

    while (p->id && strcmp(p->id, id) != 0) p++;
    return p->id ? p : NULL;
}

int egi_head_of(const char *name, size_t *length)
{
    const char *dot = strrchr(name, '.');
    size_t digits = dot && dot[1] == 'h' ? strspn(dot + 2, "0123456789") : 0;

    *length = strlen(name);
    if (digits == 0 || digits > 4 || dot[2 + digits]) return -1;
    *length = (size_t)(dot - name);
    return (int)strtol(dot + 2, NULL, 10);
}

const egi_panel *egi_panel_of(const char *name, bool flow)
{
    const egi_panel *p = egi_panel_find(egi_quantity_find(name)->panel);
    size_t n;

    if (p && strcmp(p->id, "attn") == 0 && egi_head_of(name, &n) >= 0)
        p = egi_panel_find("heads");
    EG_ASSERT(p); /* every quantity names a panel of the table */
    return p->flow && !flow ? egi_panel_find("other") : p;
}

const egi_quantity *egi_quantity_find(const char *name)
{
    const egi_quantity *q = egi_quantities;
    char whole[128];
    size_t n;

    (void)egi_head_of(name, &n);
    if (n >= sizeof whole) n = sizeof whole - 1;
    memcpy(whole, name, n);
    whole[n] = '\0';
    while (q[1].pattern && !egi_match(q->pattern, whole)) q++;
    return q;
}

const egi_heat_kind *egi_heat_kind_find(const char *name)
{
    const egi_heat_kind *k = egi_heat_kinds;

    while (k[1].pattern && !egi_match(k->pattern, name)) k++;
    return k;
}

json_t *egi_panels_json(void)
{
    json_t *list = json_array();
    int bad = 0;

    for (const egi_panel *p = egi_panels; p->id; p++)
        bad |= json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:b, s:b, s:s}", "id",
                      p->id, "title", p->title, "unit", p->unit, "note",
                      p->note, "lo", p->lo, "hi", p->hi, "fold", (int)p->fold,
                      "flow", (int)p->flow, "draw", p->draw));
    return egi_json_whole(list, bad);
}

/* The label, in which * is the metric's name behind its first dot. */
static void label_of(char *out, size_t size, const egi_quantity *q,
                     const char *name)
{
    const char *star = strchr(q->label, '*'), *dot = strchr(name, '.');
    size_t length;
    int head = egi_head_of(name, &length);

    if (star)
        (void)snprintf(out, size, "%.*s%s%s", (int)(star - q->label), q->label,
                       dot && dot[1] ? dot + 1 : name, star + 1);
    else if (head >= 0)
        (void)snprintf(out, size, "%s, head %d", q->label, head);
    else
        (void)snprintf(out, size, "%s", q->label);
}

json_t *egi_quantities_json(const json_t *groups)
{
    static const char *const dash[] = {"solid", "dash", "dot"};
    json_t *all = json_object();
    size_t i, k;
    json_t *group, *run, *value;
    const char *name;
    int bad = 0;

    json_array_foreach(groups, i, group)
        json_array_foreach(json_object_get(group, "runs"), k, run)
            json_object_foreach(json_object_get(run, "series"), name, value)
    {
        const egi_quantity *q = egi_quantity_find(name);
        char label[160];
        size_t n;
        int head = egi_head_of(name, &n);

        if (json_object_get(all, name)) continue;
        label_of(label, sizeof label, q, name);
        bad |= json_object_set_new(
            all, name,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:b}", "panel",
                      egi_panel_of(name, true)->id, "label", label, "light",
                      q->light, "dark", q->dark, "dash",
                      head < 0 ? q->dash : dash[head % 3], "help", q->help,
                      "order", (int)(q - egi_quantities), "off", (int)q->off));
    }
    return egi_json_whole(all, bad);
}
