/* One token of a distribution, by temperature, top-k and top-p. */
#include <math.h>

#include "engram/generate.h"

#define EG_FIELDS_OWNER eg_sample_opts
EG_FIELDS_TABLE(eg_sample_fields, EG_SAMPLE_FIELDS)

/* A heap of tokens, the likeliest at its top; of two alike the smaller one. */
typedef struct heap {
    const double *p;
    double *token; /* [n] */
    int n;
} heap;

static bool before(const heap *h, double a, double b)
{
    double x = h->p[(int)a], y = h->p[(int)b];

    return x > y || (x >= y && a < b);
}

static void sift(heap *h, int i)
{
    double moved = h->token[i];

    for (int child = 2 * i + 1; child < h->n; child = 2 * i + 1) {
        if (child + 1 < h->n && before(h, h->token[child + 1], h->token[child]))
            child++;
        if (!before(h, h->token[child], moved)) break;
        h->token[i] = h->token[child];
        i = child;
    }
    h->token[i] = moved;
}

/* Takes the top off, and puts it behind the others. */
static int take(heap *h)
{
    double top = h->token[0];

    h->token[0] = h->token[--h->n];
    h->token[h->n] = top;
    if (h->n > 0) sift(h, 0);
    return (int)top;
}

static int32_t best(const double *x, int n)
{
    int32_t top = -1;

    for (int32_t i = 0; i < n; i++)
        if (!isnan(x[i]) && (top < 0 || x[i] > x[top])) top = i;
    return top;
}

/* p = exp((x - x[top]) / t); returns the sum. */
static double weigh(double *p, const double *x, int n, double most, double t)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        p[i] = isnan(x[i]) ? 0 : x[i] < most ? exp((x[i] - most) / t) : 1;
        sum += p[i];
    }
    return sum;
}

int32_t eg_sample(const double *logits, int n, const eg_sample_opts *o,
                  eg_rng *rng, double *work)
{
    int32_t top = best(logits, n), token = top;
    bool some = (o->top_k > 0 && o->top_k < n) || o->top_p < 1;
    heap h = {work, work + n, n};
    double all, kept = 0, u;
    int most = o->top_k > 0 && o->top_k < n ? (int)o->top_k : n, count = 0;
    int taken = 0;

    if (top < 0 || o->temperature <= 0) return top;
    all = weigh(work, logits, n, logits[top], o->temperature);
    u = eg_rng_uniform(rng);
    if (!some) { /* in the order of the vocabulary */
        for (int32_t i = 0; i < n && u >= 0; i++) {
            if (work[i] <= 0) continue;
            token = i;
            u -= work[i] / all;
        }
        return token;
    }
    for (int i = 0; i < n; i++) h.token[i] = i;
    for (int i = n / 2 - 1; i >= 0; i--) sift(&h, i);
    if (most < n) /* top_p is of what top_k leaves */
        for (all = 0; taken < most; taken++) all += work[take(&h)];
    for (; count < most && (count == 0 || kept < o->top_p * all); count++)
        kept += work[count < taken ? (int)h.token[n - 1 - count] : take(&h)];
    u *= kept;
    for (int i = n - 1; i >= n - count && u >= 0; i--) {
        token = (int32_t)h.token[i];
        u -= work[token];
    }
    return token;
}
