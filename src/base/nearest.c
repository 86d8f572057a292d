/* "Did you mean": how far two words are apart, and which is nearest. */
#include <string.h>

#include "engram/text.h"

#define EDIT_MAX 64 /* longer words are compared up to here */

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;

    return m < c ? m : c;
}

/* Optimal string alignment: insert, delete, replace, swap of neighbours. */
int eg_edit_distance(const char *a, const char *b)
{
    int row[3][EDIT_MAX + 1];
    int *old = row[0], *prev = row[1], *cur = row[2];
    int na = (int)strnlen(a, EDIT_MAX), nb = (int)strnlen(b, EDIT_MAX);

    for (int j = 0; j <= nb; j++) prev[j] = j;
    memcpy(old, prev, sizeof row[0]);
    for (int i = 1; i <= na; i++) {
        int *spare = old;

        cur[0] = i;
        for (int j = 1; j <= nb; j++) {
            int same = a[i - 1] == b[j - 1] ? 0 : 1;
            int d = min3(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + same);

            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && old[j - 2] + 1 < d) {
                d = old[j - 2] + 1;
            }
            cur[j] = d;
        }
        old = prev;
        prev = cur;
        cur = spare;
    }
    return prev[nb];
}

void eg_nearest_try(eg_nearest *n, const char *candidate)
{
    int len = (int)strnlen(n->asked, EDIT_MAX);
    int d = eg_edit_distance(n->asked, candidate);

    /* two slips in four letters are another word */
    if (d >= len || d > (len < 3 ? 1 : (len + 1) / 3)) return;
    if (!n->best || d < n->distance) {
        n->best = candidate;
        n->distance = d;
    }
}
