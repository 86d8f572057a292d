/* Which cores are near which memory: nodes of a NUMA machine, of those cores
 * that this process may run on. */
#ifndef EG_BASE_TOPOLOGY_H
#define EG_BASE_TOPOLOGY_H

#include "engram/status.h"

enum { EGI_CPUS = 1024, EGI_NODES = 64 };
#define EGI_TOPOLOGY_FOLDER "/sys/devices/system/node"

typedef struct egi_topology {
    int n_nodes; /* at least 1 */
    int n_cpus[EGI_NODES];
    int first[EGI_NODES]; /* of a node's cores in cpu */
    short cpu[EGI_CPUS];  /* node by node */
} egi_topology;

/* From the files node<i>/cpulist of a folder ("0-3,8-11"). What cannot be read
 * makes one node, of all cores. Nodes without cores of ours are left out. */
void egi_topology_read(egi_topology *t, const char *folder);

/* The node of worker w of n: they are dealt to nodes by how many cores these
 * have, the first ones to the first node. */
int egi_topology_node(const egi_topology *t, int worker, int n);

/* The calling thread runs on a node's cores from now on. */
void egi_topology_bind(const egi_topology *t, int node);

/* The first line of a file of /sys, without its end; "" where there is none. */
void egi_first_line(char *buf, size_t size, const char *path);

#endif
