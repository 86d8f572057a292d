/* Bottom-up merge sort over short runs put in order by insertion. */
#include "flow/sorting.h"

#include <string.h>

enum { RUN = 16 };

static void insertion(egi_keyed *a, eg_index n)
{
    for (eg_index i = 1; i < n; i++) {
        egi_keyed v = a[i];
        eg_index j = i;

        for (; j > 0 && a[j - 1].key > v.key; j--) a[j] = a[j - 1];
        a[j] = v;
    }
}

/* a[0, mid) and a[mid, n) are in order; the left one waits in tmp. */
static void merge(egi_keyed *a, egi_keyed *tmp, eg_index mid, eg_index n)
{
    eg_index l = 0, r = mid, to = 0;

    if (a[mid - 1].key <= a[mid].key) return;
    memcpy(tmp, a, (size_t)mid * sizeof *a);
    while (l < mid && r < n)
        a[to++] = tmp[l].key <= a[r].key ? tmp[l++] : a[r++];
    memcpy(a + to, tmp + l, (size_t)(mid - l) * sizeof *a);
}

void egi_sort_keyed(egi_keyed *a, egi_keyed *tmp, eg_index n)
{
    for (eg_index i = 0; i < n; i += RUN)
        insertion(a + i, n - i < RUN ? n - i : RUN);
    for (eg_index w = RUN; w < n; w *= 2)
        for (eg_index i = 0; i + w < n; i += 2 * w)
            merge(a + i, tmp, w, n - i < 2 * w ? n - i : 2 * w);
}
