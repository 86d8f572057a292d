/* Configurations: everything that determines a run's result, and nothing else
 * (threads, folders and kernel sets are not part of it).
 *
 * A configuration is sections of options; the schema is the modules' own
 * field tables (fields.h). One walk over eg_section rows gives defaults, YAML,
 * --set, help, manual, documentation and completion. */
#ifndef ENGRAM_CONFIG_H
#define ENGRAM_CONFIG_H

#include "engram/flow.h"
#include "engram/model.h"
#include "engram/probe.h"
#include "engram/task.h"
#include "engram/train.h"
#include "engram/yaml.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EG_PATH 1024
#define EG_SEED_MAX 9007199254740992 /* 2^53: exact in a double */

#define EG_RUN_FIELDS(I, R, B, T, E, L)                                        \
    T(name, "run", "folder of the run: runs/<name>/<id>/")                     \
    E(kind, "train", "train|theory|flow",                                      \
      "train a model, evaluate a statement of the theory, or let tokens flow " \
      "as particles")                                                          \
    T(theory, "", "theory runs: which statement (`engram list` shows them)")   \
    I(seed, "1", 0, EG_SEED_MAX,                                               \
      "keys every random draw: data, initial values, theory")                  \
    L(inputs, "",                                                              \
      "checksums of the files that it reads (weights, texts), "                \
      "OPTION=CHECKSUM as xxhsum -H2 prints it, written by engram: where one " \
      "stands, that file must be the same")
EG_FIELDS_STRUCT(eg_run_opts, EG_RUN_FIELDS)
/* The options above as a table, for eg_fields_default and its kin. */
EG_API extern const eg_field eg_run_fields[];

enum { EG_RUN_TRAIN, EG_RUN_THEORY, EG_RUN_FLOW };

#define EG_CHECKPOINT_FIELDS(I, R, B, T, E, L)                               \
    I(every, "100", 0, 1000000000,                                           \
      "steps between checkpoints; 0: only the last step's")                  \
    I(keep, "2", 1, 1000000,                                                 \
      "how many checkpoints stay on disk, the newest, besides those of "     \
      "per_decade")                                                          \
    I(per_decade, "0", 0, 1000,                                              \
      "besides, so many checkpoints a decade, which all stay: after 0 and, " \
      "rounded, 10^(i/n) steps, i = 0, 1, ...; 0: none")
EG_FIELDS_STRUCT(eg_checkpoint_opts, EG_CHECKPOINT_FIELDS)
/* The options above as a table, for eg_fields_default and its kin. */
EG_API extern const eg_field eg_checkpoint_fields[];

#define EG_THEORY_BYTES 32768 /* room for any theory's own options */

typedef struct eg_config {
    eg_run_opts run;
    eg_task_opts task;
    eg_model_opts model;
    eg_optim_opts optim;
    eg_init_opts init;
    eg_train_opts train;
    eg_probe_opts probe;
    eg_checkpoint_opts checkpoint;
    eg_flow_opts flow;
    /* Where files named in section flow are looked for: the folder of the file
     * that was loaded; "": the current one. No option, and not compared. */
    char folder[EG_PATH];
    bool typed_freeze; /* train.freeze was set by eg_config_set, not by a file:
                          what it names must be there */
    union {
        double align;
        unsigned char bytes[EG_THEORY_BYTES];
    } theory; /* the options of run.theory, as its field table lays them out */
} eg_config;

/* One section of the schema. */
typedef struct eg_section {
    const char *name, *help;
    const eg_field *fields;
    size_t offset; /* of the section's options in eg_config */
} eg_section;

/* The i-th section this configuration has: run, task, ..., checkpoint for
 * training; run, theory for a theory run; run, flow for a flow. cfg NULL: every
 * section but theory.
 * False past the end. */
EG_API bool eg_config_section(const eg_config *cfg, int i, eg_section *out);

/* Every option at its default. */
EG_API void eg_config_default(eg_config *cfg);
/* "section.key=value", as in --set. Errors name the nearest valid key. A file
 * named here lies in the current folder, wherever the rest was loaded from. */
EG_API eg_status eg_config_set(eg_config *cfg, const char *assignment,
                               eg_err *err);
/* Reads a file over the defaults. Unknown or ill-typed keys are errors:
 * "file:line:column: ... did you mean ...?". */
EG_API eg_status eg_config_load(eg_config *cfg, const char *path, eg_err *err);
/* The config.yaml of a run directory. */
EG_API eg_status eg_config_load_run(eg_config *cfg, const eg_folder *run,
                                    eg_err *err);
/* The same for a mapping already read: keys of node over what cfg holds. skip:
 * names of top-level keys that are not sections (may be NULL; NULL-ended). */
EG_API eg_status eg_config_apply(eg_config *cfg, const eg_node *node,
                                 const char *const *skip, eg_err *err);
/* The whole configuration as YAML that reads back to the same bits.
 * *out is released with eg_free. */
EG_API eg_status eg_config_format(const eg_config *cfg, char **out,
                                  eg_err *err);
/* What a trainer needs of it; task, pool and kern are the caller's to fill. */
EG_API eg_train_spec eg_config_train(const eg_config *cfg);
/* Are the files that its task reads, text, tokenizer, statistics, those whose
 * checksums are in run.inputs? What has none there, or is gone, is passed over.
 * EG_EFORMAT: one has changed. Cost: each is read once. */
EG_API eg_status eg_config_unchanged(const eg_config *cfg, eg_err *err);
/* The task that it trains on, which knows how many sequences a step takes. */
EG_API eg_status eg_config_task(eg_task **out, const eg_config *cfg,
                                eg_err *err);
/* The keys in which two configurations differ, all but run.name and
 * train.profile, which have no say in the results, with both values (long lists
 * are cut); gives their number. fn may be NULL. */
typedef void (*eg_config_diff_fn)(void *ctx, const char *key, const char *a,
                                  const char *b);
EG_API int eg_config_diff(const eg_config *a, const eg_config *b,
                          eg_config_diff_fn fn, void *ctx);
/* May a run that goes on have another value of that key ("section.key") than it
 * began with? Those that have no say in what it computes and measures:
 * run.name, train.profile, and all of section checkpoint. */
EG_API bool eg_config_may_change(const char *key);
/* Do two configurations give the same results? */
EG_API bool eg_config_same(const eg_config *a, const eg_config *b);
/* What they then have in common, in 32 hexadecimal digits: a hash of the keys
 * that differ from their defaults, but for those that eg_config_diff leaves
 * out. A key that a later engram adds changes it only where it is set. */
#define EG_CONFIG_HASH 33
EG_API eg_status eg_config_hash(char hex[EG_CONFIG_HASH], const eg_config *cfg,
                                eg_err *err);

/* docs/configuration.md, from the schema; release with eg_free. */
EG_API eg_status eg_config_markdown(char **out, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
