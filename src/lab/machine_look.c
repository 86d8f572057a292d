/* The machine that figures were measured on, from /proc and /sys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/topology.h"
#include "engram/figures.h"
#include "engram/kern.h"
#include "engram/pool.h"
#include "engram/text.h"
#include "lab/lab_priv.h"

#define CPU "/sys/devices/system/cpu/cpu0/cache/index"
#define CLOCK "/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* "48K", "2048K", "105M" */
static int64_t bytes_of(const char *text)
{
    char *unit;
    long long n = strtoll(text, &unit, 10);

    if (*unit == 'K') n <<= 10;
    if (*unit == 'M') n <<= 20;
    return n;
}

/* Data caches of the first core. */
static void look_caches(eg_machine *m)
{
    int64_t *level[] = {&m->l1, &m->l2, &m->l3};

    for (int i = 0; i < 8; i++) {
        char path[sizeof CPU + 32], text[32];
        long at;

        (void)snprintf(path, sizeof path, CPU "%d/type", i);
        egi_first_line(text, sizeof text, path);
        if (!text[0]) return;
        if (strcmp(text, "Instruction") == 0) continue;
        (void)snprintf(path, sizeof path, CPU "%d/level", i);
        egi_first_line(text, sizeof text, path);
        at = strtol(text, NULL, 10);
        if (at < 1 || at > 3) continue;
        (void)snprintf(path, sizeof path, CPU "%d/size", i);
        egi_first_line(text, sizeof text, path);
        *level[at - 1] = bytes_of(text);
    }
}

void eg_machine_look(eg_machine *m)
{
    struct utsname u;
    egi_topology t;

    *m = (eg_machine){
        .cores = eg_cpu_count(), .memory = egi_memory_total(), .load = -1};
    egi_cpu_here(m->cpu, sizeof m->cpu);
    if (uname(&u) == 0)
        (void)snprintf(m->system, sizeof m->system, "%.40s %.60s %.40s",
                       u.sysname, u.release, u.machine);
    for (int i = 0; eg_kern_name(i); i++) {
        size_t n = strlen(m->kernels);

        (void)snprintf(m->kernels + n, sizeof m->kernels - n, "%s%s",
                       n ? " " : "", eg_kern_name(i));
    }
    egi_first_line(m->clock, sizeof m->clock, CLOCK);
    egi_topology_read(&t, EGI_TOPOLOGY_FOLDER);
    m->nodes = t.n_nodes;
    look_caches(m);
    if (getloadavg(&m->load, 1) != 1) m->load = -1;
}
