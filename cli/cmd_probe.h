/* engram probe, between its work and what it shows. */
#ifndef EG_CLI_CMD_PROBE_H
#define EG_CLI_CMD_PROBE_H

#include "cli.h"
#include "engram/checkpoint.h"
#include "engram/probe.h"

/* What was found: values by name in the order of the table of probes, and
 * heads. */
typedef struct probed {
    int n, cap;
    bool lost;    /* no memory for one */
    char bad[96]; /* the first value that is not finite; "": none */
    struct {
        char name[96];
        double value;
    } * value;
    eg_heads heads;
} probed;

enum { PROBE_OTHERS = 16 };

/* A model that held values come from. */
typedef struct other_model {
    const char *file;
    eg_model *model;
    eg_eval *eval;
} other_model;

/* A hook of --patch. */
typedef struct held_hook {
    char hook[64];
    eg_hold hold;
    double *row; /* its mean, or NULL */
} held_hook;

typedef struct probing {
    const cli_args *args;
    eg_config *cfg;
    eg_checkpoint opened; /* cfg and model are its own */
    int64_t sequences;
    double threshold;
    const char *kern;
    eg_pool *pool;
    eg_task *task;
    eg_model *model;
    eg_probes *probes;
    eg_folder to; /* of --out; fd -1: none */
    other_model other[PROBE_OTHERS];
    held_hook *held; /* [n_held] */
    int n_others, n_held;
    probed found, patched; /* patched: where n_held > 0 */
} probing;

/* Weights from a file into a new model of the configuration. */
eg_status probe_load(probing *p, eg_model **out, const char *file, eg_err *err);
/* Reads --patch and holds what it names. */
eg_status probe_patch(probing *p, eg_err *err);
void probe_patch_free(probing *p);
/* Prints the hooks that can be held. */
int probe_hooks(const probing *p);

/* --out: made or empty. */
eg_status probe_place(probing *p, eg_err *err);
/* What was written of a probe that failed: the folder was empty. */
void probe_undo(probing *p);
eg_status probe_write(const probing *p, eg_err *err);
/* On stdout, as tables or JSON; gives the exit code. */
int probe_print(const probing *p);

#endif
