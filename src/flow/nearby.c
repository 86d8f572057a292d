/* A tree of halves, each found by selection; no tree is kept. */
#include "flow/nearby.h"

enum { SPREAD = 32, SAMPLE = 31 };

/* The coordinate of most spread, by a sample. */
static eg_index widest(const egi_place *p, const double *x, eg_index n,
                       eg_index d)
{
    eg_index step = n / SPREAD + 1, best = 0;
    double most = -1;

    for (eg_index k = 0; k < d; k++) {
        double low = x[p[0].token * d + k], high = low;

        for (eg_index i = step; i < n; i += step) {
            double v = x[p[i].token * d + k];
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
        if (high - low > most) {
            most = high - low;
            best = k;
        }
    }
    return best;
}

/* Keys below the pivot (or equal, if asked) to the front; how many. Without a
 * branch, since nobody could foretell it. */
static eg_index divide(egi_place *p, eg_index n, float pivot, bool equal)
{
    eg_index m = 0;

    for (eg_index i = 0; i < n; i++) {
        egi_place a = p[i];

        p[i] = p[m];
        p[m] = a;
        m += equal ? a.key <= pivot : a.key < pivot;
    }
    return m;
}

/* A key of rank about r, on the side of the middle: then r lies in the smaller
 * part. */
static float pivot_near(const egi_place *p, eg_index n, eg_index r)
{
    eg_index size = n < SAMPLE ? n : SAMPLE, at = r * size / n;
    float s[SAMPLE] = {0};

    for (eg_index i = 0; i < size; i++) {
        float v = p[i * n / size].key;
        eg_index j = i;

        for (; j > 0 && s[j - 1] > v; j--) s[j] = s[j - 1];
        s[j] = v;
    }
    at += 2 * r < n ? size / 10 : -(size / 10);
    return s[at < 0 ? 0 : at < size ? at : size - 1];
}

/* The r smallest keys to the front. */
static void select_first(egi_place *p, eg_index n, eg_index r)
{
    while (r > 0 && r < n) {
        float pivot = pivot_near(p, n, r);
        eg_index m = divide(p, n, pivot, false);

        if (m == 0) m = divide(p, n, pivot, true);
        if (m == 0 || m == n) return; /* all the same, or not numbers */
        if (r < m) {
            n = m;
        } else {
            p += m;
            n -= m;
            r -= m;
        }
    }
}

static void halve(egi_place *p, const double *x, eg_index n, eg_index d,
                  eg_index block)
{
    while (n > block) {
        eg_index k = widest(p, x, n, d), cut = (n / block + 1) / 2 * block;

        for (eg_index i = 0; i < n; i++)
            p[i].key = (float)x[p[i].token * d + k];
        select_first(p, n, cut);
        halve(p + cut, x, n - cut, d, block); // NOLINT(misc-no-recursion)
        n = cut;
    }
}

void egi_nearby(egi_place *p, const double *x, eg_index n, eg_index d,
                eg_index block)
{
    for (eg_index i = 0; i < n; i++) p[i].token = (int32_t)i;
    halve(p, x, n, d, block);
}
