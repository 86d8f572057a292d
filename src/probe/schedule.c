/* When snapshots are taken: geometrically, since most happens early. */
#include <math.h>

#include "probe/probes.h"

/* The i-th of n times is (n_steps + 1)^(i / (n - 1)) - 1, rounded, moved up
 * where the one before has taken its place: 0, ..., n_steps. With n = 1 only
 * n_steps. */
bool egi_schedule_has(int64_t n, int64_t step, int64_t n_steps)
{
    int64_t time = -1;

    if (n < 1 || step < 0 || step > n_steps) return false;
    if (n > n_steps) return true;
    if (n == 1) return step == n_steps;
    for (int64_t i = 0; i < n && time < step; i++) {
        double at = (double)i / (double)(n - 1);
        int64_t want = llround(pow((double)n_steps + 1, at)) - 1;
        time = want > time ? want : time + 1;
    }
    return time == step;
}

bool eg_probes_snapshot_due(const eg_probes *p, int64_t step, int64_t n_steps)
{
    return egi_schedule_has(p->opts.snapshots, step, n_steps);
}
