/* See topology.h. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): glibc's switch for affinity */
#define _GNU_SOURCE
#include "base/topology.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

void egi_first_line(char *buf, size_t size, const char *path)
{
    FILE *f = fopen(path, "re");

    buf[0] = '\0';
    if (!f) return;
    if (!fgets(buf, (int)size, f)) buf[0] = '\0';
    buf[strcspn(buf, "\n")] = '\0';
    (void)fclose(f);
}

/* "0-3,8-11": adds those that are allowed to the node that is last. false: no
 * such list. */
static bool add_list(egi_topology *t, const char *s, const cpu_set_t *allowed)
{
    int node = t->n_nodes - 1, at = t->first[node];

    while (egi_is_digit(*s)) {
        char *end;
        long from = strtol(s, &end, 10), to = from;

        if (*end == '-') to = strtol(end + 1, &end, 10);
        for (long c = from; c <= to && c < EGI_CPUS && c < CPU_SETSIZE; c++)
            if (CPU_ISSET((size_t)c, allowed) &&
                at + t->n_cpus[node] < EGI_CPUS)
                t->cpu[at + t->n_cpus[node]++] = (short)c;
        s = *end == ',' ? end + 1 : end;
    }
    return *s == '\0';
}

static void begin_node(egi_topology *t)
{
    int i = t->n_nodes++;

    t->first[i] = i > 0 ? t->first[i - 1] + t->n_cpus[i - 1] : 0;
    t->n_cpus[i] = 0;
}

static void one_node(egi_topology *t, const cpu_set_t *allowed)
{
    *t = (egi_topology){0};
    begin_node(t);
    for (int c = 0; c < EGI_CPUS && c < CPU_SETSIZE; c++)
        if (CPU_ISSET((size_t)c, allowed)) t->cpu[t->n_cpus[0]++] = (short)c;
}

/* Every allowed core is in one of the nodes, or they are not believed. */
static bool is_whole(const egi_topology *t, const cpu_set_t *allowed)
{
    int last = t->n_nodes - 1, n = t->first[last] + t->n_cpus[last];
    cpu_set_t found;

    CPU_ZERO(&found);
    for (int i = 0; i < n; i++) CPU_SET((size_t)t->cpu[i], &found);
    return n == CPU_COUNT(allowed) && CPU_EQUAL(&found, allowed);
}

void egi_topology_read(egi_topology *t, const char *folder)
{
    cpu_set_t allowed;
    bool good = true;

    *t = (egi_topology){0};
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        t->n_nodes = 1;
        return;
    }
    for (int i = 0; i < EGI_NODES && good; i++) {
        char path[512], line[1024];

        (void)snprintf(path, sizeof path, "%.400s/node%d/cpulist", folder, i);
        egi_first_line(line, sizeof line, path);
        if (!line[0]) continue; /* numbers may be missing, memory lack cores */
        begin_node(t);
        good = add_list(t, line, &allowed);
        if (t->n_cpus[t->n_nodes - 1] == 0) t->n_nodes--;
    }
    if (!good || t->n_nodes == 0 || !is_whole(t, &allowed))
        one_node(t, &allowed);
}

/* Of n workers dealt to cores in turns, those before core c. */
static int workers_before(int c, int n_cpus, int n)
{
    return (int)((int64_t)c * n / n_cpus);
}

int egi_topology_node(const egi_topology *t, int worker, int n)
{
    int last = t->n_nodes - 1;
    int all = t->first[last] + t->n_cpus[last];

    for (int i = 0; i < last; i++)
        if (worker < workers_before(t->first[i] + t->n_cpus[i], all, n))
            return i;
    return last;
}

void egi_topology_bind(const egi_topology *t, int node)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (int i = 0; i < t->n_cpus[node]; i++)
        CPU_SET((size_t)t->cpu[t->first[node] + i], &set);
    /* a wish: where it is refused the thread runs anywhere */
    (void)sched_setaffinity(0, sizeof set, &set);
}
