/* engram probe, between its work and what it shows. */
#ifndef EG_CLI_CMD_PROBE_H
#define EG_CLI_CMD_PROBE_H

#include "cli.h"
#include "engram/probe.h"

/* What was found: values by name in the order of the table of probes, and
 * heads. */
typedef struct probed {
    int n, cap;
    bool lost; /* no memory for one */
    struct {
        char name[96];
        double value;
    } * value;
    eg_heads heads;
} probed;

typedef struct probing {
    const cli_args *args;
    eg_config *cfg;
    char weights[EG_PATH], left_out[512];
    int64_t sequences;
    double threshold;
    eg_pool *pool;
    eg_task *task;
    eg_model *model;
    eg_probes *probes;
    eg_folder to; /* of --out; fd -1: none */
    probed found;
} probing;

/* --out: made or empty. */
eg_status probe_place(probing *p, eg_err *err);
/* What was written of a probe that failed: the folder was empty. */
void probe_undo(probing *p);
eg_status probe_write(const probing *p, eg_err *err);
/* On stdout, as tables or JSON; gives the exit code. */
int probe_print(const probing *p);

#endif
