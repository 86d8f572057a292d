/* The lens of flow: the tokens of a sequence as points on the sphere, layer by
 * layer, and what heads do to them. Observables are those of src/flow. */
#include "engram/flow.h"
#include "lens/lens.h"
#include "probe/model.h"

#define TOGETHER 0.1 /* delta: clusters have <x, y> > 0.9 */

eg_index egi_lens_seen_room(const egi_lens *s)
{
    return (eg_index)s->T * s->D + s->T;
}

/* Directions of the tokens into x [T, D]; returns their mean length. A token of
 * length 0 stays where it is. */
static double directions(double *x, const eg_view *v, int T, eg_index D)
{
    double sum = 0;

    for (int t = 0; t < T; t++) {
        double *e = x + t * D, square = 0;

        for (eg_index j = 0; j < D; j++) {
            e[j] = eg_view_at(v, t * D + j);
            square += e[j] * e[j];
        }
        sum += sqrt(square) / T;
        for (eg_index j = 0; j < D && square > 0; j++) e[j] /= sqrt(square);
    }
    return sum;
}

void egi_lens_seen(const egi_lens *s, double *seen, const eg_acts *acts,
                   double *room)
{
    double *x = room;
    void *behind = room + (eg_index)s->T * s->D;
    int32_t *label = behind;

    for (int d = 0; d <= s->L; d++, seen += EGI_SEEN) {
        eg_view v;
        eg_flow_pairs pairs;
        eg_flow_ranks ranks = {.participation = (double)NAN};
        eg_index clusters;

        for (int k = 0; k < EGI_SEEN; k++) seen[k] = (double)NAN;
        if (!egi_stream(&v, acts, d)) continue;
        seen[EGI_SEEN_LENGTH] = directions(x, &v, s->T, s->D);
        eg_flow_pair_stats(&pairs, x, s->T, s->D, TOGETHER, NULL, 0);
        clusters = eg_flow_components(label, x, s->T, s->D, TOGETHER);
        (void)eg_flow_effective_ranks(&ranks, x, s->T, s->D, NULL);
        seen[EGI_SEEN_INNER] = pairs.mean;
        seen[EGI_SEEN_ORDER] = eg_flow_order(x, s->T, s->D);
        seen[EGI_SEEN_ENERGY] = eg_flow_energy(x, s->T, s->D, 1, NULL);
        if (clusters >= 0) seen[EGI_SEEN_CLUSTERS] = (double)clusters;
        seen[EGI_SEEN_RANK] = ranks.participation;
    }
}

/* ---- the record -------------------------------------------------------------
 */

static double mean_seen(const egi_lens *s, int depth, int what)
{
    double sum = 0;

    for (int i = 0; i < s->few; i++)
        sum += s->seen[((eg_index)i * s->ends.n_depths + depth) * EGI_SEEN +
                       what] /
               s->few;
    return sum;
}

static json_t *depths_json(const egi_lens *s, int *falls)
{
    static const char *const name[EGI_SEEN] = {"inner",    "order", "energy",
                                               "clusters", "rank",  "length"};
    json_t *list = json_array();
    bool bad = !list;

    *falls = 0;
    for (int d = 0; d <= s->L; d++) {
        json_t *o = json_object();

        bad |= !o;
        for (int k = 0; k < EGI_SEEN; k++)
            egi_lens_put(o, name[k], egi_lens_num(mean_seen(s, d, k)), &bad);
        egi_lens_add(list, o, &bad);
        if (d > 0 && mean_seen(s, d, EGI_SEEN_ENERGY) <
                         mean_seen(s, d - 1, EGI_SEEN_ENERGY))
            ++*falls;
    }
    return egi_json_whole(list, bad);
}

/* Of one head: how large, and how many of its eigenvalues draw together. */
static json_t *spectrum_json(const egi_lens *s, int k)
{
    const double *re = s->ov->re + (eg_index)k * s->dh;
    const double *im = s->ov->im + (eg_index)k * s->dh;
    double radius = 0, sum = 0, all = 0, positive = 0, lead = 0;
    json_t *o = json_object();
    bool bad = !o;

    for (int j = 0; j < s->dh; j++) {
        double size = hypot(re[j], im[j]);

        if (size > radius) lead = size > 0 ? re[j] / size : 0;
        radius = fmax(radius, size);
        sum += re[j];
        all += size;
        positive += re[j] > 0;
    }
    if (isnan(re[0])) radius = positive = lead = all = (double)NAN;
    egi_lens_put(o, "layer", json_integer(k / s->H), &bad);
    egi_lens_put(o, "head", json_integer(k % s->H), &bad);
    egi_lens_put(o, "radius", egi_lens_num(radius), &bad);
    egi_lens_put(o, "positive", egi_lens_num(positive / s->dh), &bad);
    egi_lens_put(o, "trace", egi_lens_num(sum / all), &bad);
    egi_lens_put(o, "leading", egi_lens_num(lead), &bad);
    if (!s->spec->brief && !isnan(re[0])) {
        egi_lens_put(o, "re", egi_lens_numbers(re, s->dh), &bad);
        egi_lens_put(o, "im", egi_lens_numbers(im, s->dh), &bad);
    }
    return egi_json_whole(o, bad);
}

eg_status egi_lens_flow(json_t **out, egi_lens *s, eg_err *err)
{
    json_t *o = json_object(), *list;
    bool bad = !o;
    int falls;

    egi_lens_put(o, "depths", depths_json(s, &falls), &bad);
    egi_lens_put(o, "falls", json_integer(falls), &bad);
    egi_lens_put(o, "delta", json_real(TOGETHER), &bad);
    if (s->ov) {
        list = json_array();
        bad |= !list;
        for (int k = 0; k < s->L * s->H; k++)
            if (egi_lens_has(s, k))
                egi_lens_add(list, spectrum_json(s, k), &bad);
        egi_lens_put(o, "spectrum", list, &bad);
    }
    *out = egi_json_whole(o, bad);
    return *out ? EG_OK : egi_lens_no_memory(err);
}
