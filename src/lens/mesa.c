/* The lens of mesa: what is learnt along the context, and how linear attention
 * is. */
#include <stdio.h>

#include "lens/lens.h"

/* ---- loss by position ------------------------------------------------------
 */

/* at [T]: means over the sequences. */
static void by_position(const egi_lens *s, double *at)
{
    for (int t = 0; t < s->T; t++) {
        double sum = 0, n = 0;

        for (int i = 0; i < s->count; i++) {
            double x = s->loss[(eg_index)i * s->T + t];

            if (isnan(x)) continue;
            sum += x;
            n += 1;
        }
        at[t] = n > 0 ? sum / n : (double)NAN;
    }
}

static double mean_of(const double *at, int from, int to)
{
    double sum = 0, n = 0;

    for (int t = from; t < to; t++)
        if (isfinite(at[t])) {
            sum += at[t];
            n += 1;
        }
    return n > 0 ? sum / n : (double)NAN;
}

/* b of at[t] = a - b log t, t counted from 1, by least squares from the second
 * position on: nats for each e-fold of context. */
static double slope(const double *at, int T)
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;

    for (int t = 1; t < T; t++) {
        double u = log((double)t + 1);

        if (!isfinite(at[t])) continue;
        n += 1;
        x += u;
        y += at[t];
        xx += u * u;
        xy += u * at[t];
    }
    return n < 2 ? (double)NAN : -(n * xy - x * y) / (n * xx - x * x);
}

static eg_status put_losses(json_t *o, const egi_lens *s, eg_err *err)
{
    int T = s->T, part = T / 8 > 0 ? T / 8 : 1;
    double *at = eg_calloc((size_t)T, sizeof *at);
    bool bad = !at;

    if (!at) return egi_lens_no_memory(err);
    by_position(s, at);
    egi_lens_put(o, "loss", egi_lens_num(mean_of(at, 0, T)), &bad);
    egi_lens_put(o, "early", egi_lens_num(mean_of(at, 0, part)), &bad);
    egi_lens_put(o, "late", egi_lens_num(mean_of(at, T - part, T)), &bad);
    egi_lens_put(o, "slope", egi_lens_num(slope(at, T)), &bad);
    egi_lens_put(o, "loss_at", egi_lens_numbers(at, T), &bad);
    eg_free(at);
    return bad ? egi_lens_no_memory(err) : EG_OK;
}

/* ---- attention as its first order ------------------------------------------
 *
 * A row of softmax over n scores is 1/n (1 + score - mean score) + ... : values
 * are averaged, u, and to first order weighed by scores, w. How much of z is
 * a u + b w? Scores are log P up to a constant. */

eg_index egi_lens_parts_room(const egi_lens *s)
{
    return (eg_index)s->T * s->T + 2 * (eg_index)s->T * s->dh +
           (eg_index)2 * s->dh;
}

static void take(double *out, const eg_view *v, eg_index rows, eg_index step,
                 eg_index from, eg_index n)
{
    for (eg_index t = 0; t < rows; t++)
        for (eg_index k = 0; k < n; k++)
            out[t * n + k] = eg_view_at(v, t * step + from + k);
}

/* Row t of p, n entries of which are not masked. */
static void add_row(egi_linearised *r, const double *p, int n, const double *v,
                    const double *z, double *u, double *w, int dh)
{
    double mean = 0;

    for (int c = 0; c < n; c++) mean += log(fmax(p[c], 1e-30)) / n;
    for (int k = 0; k < dh; k++) u[k] = w[k] = 0;
    for (int c = 0; c < n; c++) {
        double off = (log(fmax(p[c], 1e-30)) - mean) / n;

        for (int k = 0; k < dh; k++) {
            u[k] += v[(eg_index)c * dh + k] / n;
            w[k] += off * v[(eg_index)c * dh + k];
        }
    }
    for (int k = 0; k < dh; k++) {
        r->zz += z[k] * z[k];
        r->zu += z[k] * u[k];
        r->zw += z[k] * w[k];
        r->uu += u[k] * u[k];
        r->uw += u[k] * w[k];
        r->ww += w[k] * w[k];
    }
}

static bool is_softmax(const double *p, int T)
{
    double sum = 0;

    for (int c = 0; c < T; c++) {
        if (p[c] < 0) return false;
        sum += p[c];
    }
    return fabs(sum - 1) < 1e-3;
}

void egi_lens_parts(const egi_lens *s, egi_linearised *parts,
                    const eg_acts *acts, double *room)
{
    eg_index T = s->T, dh = s->dh;
    double *p = room, *v = p + T * T, *z = v + T * dh, *u = z + T * dh;

    for (int l = 0; l < s->L; l++) {
        static const char *const name[] = {"pattern", "v", "z"};
        int heads = eg_model_heads(s->m, l), kv = eg_model_kv_heads(s->m, l);
        eg_view seen[3];
        bool all = true;

        for (int k = 0; k < 3; k++) {
            char hook[64];

            (void)snprintf(hook, sizeof hook, "blocks.%d.attn.hook_%s", l,
                           name[k]);
            all = all && eg_acts_hook(acts, hook, &seen[k]);
        }
        if (!all || eg_view_size(&seen[1]) != T * kv * dh) continue;
        for (int h = 0; h < heads; h++) {
            egi_linearised *r = &parts[(eg_index)l * s->H + h];
            bool masked;

            take(p, &seen[0], T, T, h * T * T, T);
            if (!is_softmax(p + T * (T - 1), s->T)) continue;
            masked = T > 1 && p[1] == 0;
            take(v, &seen[1], T, kv * dh, (h * kv / heads) * dh, dh);
            take(z, &seen[2], T, heads * dh, h * dh, dh);
            for (int t = 0; t < s->T; t++)
                add_row(r, p + t * T, masked ? t + 1 : s->T, v, z + t * dh, u,
                        u + dh, s->dh);
        }
    }
}

static json_t *head_json(const egi_lens *s, int k)
{
    egi_linearised r = {0};
    double det, both;
    json_t *o = json_object();
    bool bad = !o;

    for (int i = 0; i < s->few; i++) {
        const egi_linearised *p = &s->parts[(eg_index)i * s->L * s->H + k];

        r.zz += p->zz;
        r.zu += p->zu;
        r.zw += p->zw;
        r.uu += p->uu;
        r.uw += p->uw;
        r.ww += p->ww;
    }
    det = r.uu * r.ww - r.uw * r.uw;
    /* the share of |z|^2 within the plane of u and w */
    both = det > 1e-12 * r.uu * r.ww
               ? (r.zu * r.zu * r.ww - 2 * r.zu * r.zw * r.uw +
                  r.zw * r.zw * r.uu) /
                     det / r.zz
               : r.zu * r.zu / r.uu / r.zz;
    egi_lens_put(o, "layer", json_integer(k / s->H), &bad);
    egi_lens_put(o, "head", json_integer(k % s->H), &bad);
    egi_lens_put(o, "uniform", egi_lens_num(r.zu * r.zu / r.uu / r.zz), &bad);
    egi_lens_put(o, "linear", egi_lens_num(both), &bad);
    return egi_json_whole(o, bad);
}

static json_t *heads_json(const egi_lens *s)
{
    json_t *list = json_array();
    bool bad = !list;

    for (int k = 0; k < s->L * s->H; k++)
        if (egi_lens_has(s, k)) egi_lens_add(list, head_json(s, k), &bad);
    return egi_json_whole(list, bad);
}

eg_status egi_lens_mesa(json_t **out, egi_lens *s, eg_err *err)
{
    json_t *o = json_object();
    bool bad = !o;
    eg_status st = EG_OK;

    *out = NULL;
    EG_TRY(put_losses(o, s, err));
    egi_lens_put(o, "linear", heads_json(s), &bad);
    if (bad) {
        st = egi_lens_no_memory(err);
        goto done;
    }
    if (egi_lens_more(s, "linear probes", 0.82))
        EG_TRY(egi_lens_linear(o, s, err));
done:
    if (st == EG_OK)
        *out = o;
    else
        json_decref(o);
    return st;
}
