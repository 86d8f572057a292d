/* The command line: what every command shares. One table row a command, one
 * table of options a command; parsing, help, man pages and completion all read
 * these tables. Results go to stdout, talk to stderr. */
#ifndef EG_CLI_H
#define EG_CLI_H

#include <signal.h>
#include <stdio.h>
#include <sys/types.h>
#include "engram/catalogue.h"
#include "engram/checkpoint.h"
#include "engram/claim.h"
#include "engram/lab.h"
#include "engram/notes.h"
#include "engram/text.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_MISUSE = 2, CLI_INTERRUPTED = 130 };

typedef struct cli_option {
    const char *name; /* "threads"; NULL ends a table */
    char letter;      /* 0: none */
    const char *arg;  /* what its value is called; NULL: a flag */
    const char *help;
} cli_option;

#define CLI_MAX_VALUES 256

typedef struct cli_args cli_args;

typedef struct cli_command {
    const char *name;
    const char *words; /* "FILE", "[RUN...]", "" */
    int min_words, max_words;
    const char *summary; /* one line */
    const char *help;    /* a few paragraphs, with an example */
    const cli_option *options;
    int (*run)(const cli_args *a); /* gives the exit code */
} cli_command;

struct cli_args {
    const cli_command *command;
    int n_values, n_words;
    struct {
        const cli_option *option;
        const char *value;
    } value[CLI_MAX_VALUES];
    char *const *word;
};

/* The table, NULL name at its end; topics beside commands are in topics.c. */
extern const cli_command cli_commands[];
const cli_command *cli_find(const char *name);

/* Reads argv[0..argc-1], argv[0] being the command's name. CLI_DONE, or
 * CLI_MISUSE after a message. --help is answered here: *helped. */
int cli_parse(cli_args *a, const cli_command *command, int argc, char **argv,
              bool *helped);
bool cli_flag(const cli_args *a, const char *name);
/* The last value given, or NULL. */
const char *cli_value(const cli_args *a, const char *name);
/* A whole number from lo to hi; false after a message. Keeps *out when the
 * option was not given. */
bool cli_int(const cli_args *a, const char *name, int64_t lo, int64_t hi,
             int64_t *out);
/* The same for a number, text being what was given to the option, or a part of
 * it; NULL keeps *out. */
bool cli_real(const char *name, const char *text, double lo, double hi,
              double *out);

/* n bytes of whole lines to stderr at once, behind what stdout holds. */
void cli_put(const char *text, size_t n);
/* "engram: ..." on stderr; gives code back. */
int cli_fail(int code, const char *fmt, ...) EG_PRINTF(2, 3);
/* The message of err; misuse for EG_EINVAL, failure else. */
int cli_error(eg_status st, const eg_err *err);
/* From now on neither of these says anything, nor cli_say: another process does
 * that. */
void cli_mute(bool mute);
/* A line of talk, unless --quiet. */
void cli_say(const char *fmt, ...) EG_PRINTF(1, 2);
void cli_quiet(bool quiet);
bool cli_is_quiet(void);
/* A line of results on stdout. */
void cli_print(const char *fmt, ...) EG_PRINTF(1, 2);

/* What asks for an end (signals.c has the list) is noted, except for signals
 * that are ignored when the program begins; a second Ctrl-C ends at once. */
void cli_catch_signals(void);
/* Were we asked to end? Of a process of a sweep: or is its parent gone? */
bool cli_stop(void *ctx);
const char *cli_stop_name(void); /* "SIGTERM", what asked */
/* Holds them back until *before is the mask again. */
void cli_hold_signals(sigset_t *before);
/* In a process of a sweep: parent and the mask of signals to go on with. */
void cli_begin_child(pid_t parent, const sigset_t *mask);

/* The progress line and the plan, for eg_lab_opts. */
void cli_progress(void *ctx, const eg_progress *p);
void cli_progress_end(void);
/* The end of an open progress line into buf, 1 byte, or nothing; its size. */
size_t cli_progress_break(char *buf);
void cli_plan(void *ctx, const eg_lab_plan *p);
void cli_note(void *ctx, const char *text);
/* option, --resume or --extend, found no run of that configuration under root,
 * or the run at dir is of another: which keys differ, and how to go on. Nothing
 * where none does. */
void cli_tell_nearest(const eg_config *cfg, const char *root,
                      const char *option);
void cli_tell_differs(const eg_config *cfg, const char *dir,
                      const char *option);
/* "engram: warning: ..." on stderr, --quiet or not. */
void cli_warn(void *ctx, const char *text);

/* Options many commands have, for their tables. */
#define CLI_OPT_SET                                                          \
    {                                                                        \
        "set", 0, "KEY=VALUE",                                               \
            "change an option of the configuration, e.g. optim.lr=0.1; may " \
            "be "                                                            \
            "repeated"                                                       \
    }
#define CLI_OPT_THREADS                                         \
    {                                                           \
        "threads", 't', "N",                                    \
            "worker threads (default: one a core); the result " \
            "does not depend on it"                             \
    }
#define CLI_OPT_KERN                                             \
    {                                                            \
        "kern", 0, "NAME",                                       \
            "kernel set: auto, ref or one that `engram doctor` " \
            "lists"                                              \
    }
#define CLI_OPT_RUNS                                                      \
    {                                                                     \
        "runs", 0, "DIR", "folder of the run directories (default: runs)" \
    }
#define CLI_OPT_ALLOW_EXTRA                                             \
    {                                                                   \
        "allow-extra", 0, NULL,                                         \
            "leave out tensors of WEIGHTS that the model does not have" \
    }
#define CLI_OPT_QUIET                                        \
    {                                                        \
        "quiet", 'q', NULL, "no talk on stderr, only errors" \
    }
#define CLI_OPT_JSON                                      \
    {                                                     \
        "json", 0, NULL, "print JSON in place of a table" \
    }

/* x in four digits and a letter: "12.3 M". */
const char *cli_count(char buf[16], double x);
bool cli_is_folder(const char *path);
const char *cli_runs_root(const cli_args *a);
/* Loads file, or the config.yaml of a run directory, then --set and --seed.
 * file NULL: over what cfg holds. */
int cli_config(const cli_args *a, const char *file, eg_config *cfg);
/* Says so where the config.yaml of a run is not what the run wrote. */
void cli_warn_config(const char *dir);
/* Opens the trained model that word stands for: a file or folder, or a run as
 * cli_find_run finds it; config (NULL: none) is the configuration of weights
 * that carry none; then --set, --seed and --allow-extra, where the command has
 * them. n_ctx: as in eg_checkpoint_how. CLI_DONE, or after a message another
 * code. To be released with eg_checkpoint_release. */
int cli_checkpoint(const cli_args *a, const char *word, const char *config,
                   int n_ctx, eg_checkpoint *out);
/* The same with what else how says; assignments, seed and extra tensors are
 * those of the command. */
int cli_checkpoint_as(const cli_args *a, const char *word,
                      eg_checkpoint_how how, eg_checkpoint *out);
int cli_pool(const cli_args *a, eg_pool **pool);
/* The same, of so many threads where --threads is not given; 0: one a core. */
int cli_pool_of(const cli_args *a, int64_t threads, eg_pool **pool);
/* Finds a run by directory, name/id, id, or name (its newest). CLI_DONE, or
 * after a message another code. */
int cli_find_run(const char *root, const char *word, char dir[EG_PATH]);
/* Are there runs of that name, whatever else is called so? */
bool cli_names_runs(const char *root, const char *word);
/* Run directories, or other paths a report may be made of. */
typedef struct cli_paths {
    char (*path)[EG_PATH];
    int n, cap;
} cli_paths;
bool cli_paths_add(cli_paths *p, const char *path); /* false: no memory */
/* Adds what word stands for: a path that holds runs or claims; a run as
 * cli_find_run finds it; or, of a name and of a folder of runs, all its runs,
 * the newest of each configuration and seed (one that finished before one that
 * did not), whose folder then stands in folder. CLI_DONE, or after a message
 * another code. */
int cli_find_runs(cli_paths *p, const char *root, const char *word,
                  char folder[EG_PATH]);
/* The experiments folder, from --experiments, the environment, or where the
 * program lies; false after a message. */
bool cli_experiments(const cli_args *a, char dir[EG_PATH]);

#define CLI_MOST_COLUMNS 64
/* Text in columns: rows of cells, widths found by themselves. */
typedef struct cli_table cli_table;
cli_table *cli_table_new(int columns);
void cli_table_cell(cli_table *t, const char *fmt, ...) EG_PRINTF(2, 3);
/* On stdout; frees the table. CLI_FAILED when memory ran out on the way: then
 * nothing is printed. */
int cli_table_print(cli_table *t);
void cli_table_free(cli_table *t);
/* Columns s takes on a terminal; bytes of s that take at most so many. */
int cli_columns(const char *s);
size_t cli_fit(const char *s, int columns);

struct json_t;
/* As jansson's _set_new and _append_new. What does not fit in for lack of
 * memory, or is NULL, is missing: cli_print_json fails then. */
void cli_json_set(struct json_t *object, const char *key, struct json_t *value);
void cli_json_add(struct json_t *array, struct json_t *value);
/* Rows as they come: in a table with these headings, or with --json in an
 * array; the other one is NULL. */
typedef struct cli_listing {
    cli_table *table;
    struct json_t *json;
} cli_listing;
void cli_listing_begin(cli_listing *l, const cli_args *a,
                       const char *const *head, int columns);
void cli_listing_drop(cli_listing *l); /* what is not to be printed */
/* A jansson object as text, which is released with eg_free; releases the
 * object. NULL: no memory. */
char *cli_json_text(struct json_t *json);
/* Prints and releases a jansson object; CLI_DONE or CLI_FAILED. */
int cli_print_json(struct json_t *json);
/* The same for a JSON text. */
int cli_print_json_text(const char *text);
/* {"metric": its last value in the run at dir, ...}; null: not readable; NULL:
 * no memory. */
struct json_t *cli_last_values(const char *dir);
/* What is known of a run, as `engram runs --json` and `show --json` have it. */
struct json_t *cli_info_json(const eg_run_info *r);
/* A value of a run; a list is an array. */
struct json_t *cli_value_json(const eg_value *v);
/* [{"at": time, "text": what was said}, ...] */
struct json_t *cli_notes_json(const eg_notes *notes);
/* s as a JSON string, cleaned where it is no UTF-8; NULL: no memory. */
struct json_t *cli_json_string(const char *s);

int cmd_run(const cli_args *a);
int cmd_reproduce(const cli_args *a);
int cmd_sweep(const cli_args *a);
int cmd_aggregate(const cli_args *a);
int cmd_list(const cli_args *a);
int cmd_runs(const cli_args *a);
int cmd_show(const cli_args *a);
int cmd_show_program(const cli_args *a);
int cmd_report(const cli_args *a);
int cmd_lens(const cli_args *a);
int cmd_dump(const cli_args *a);
int cmd_probe(const cli_args *a);
int cmd_generate(const cli_args *a);
int cmd_export(const cli_args *a);
int cmd_stats(const cli_args *a);
int cmd_recall(const cli_args *a);
int cmd_tokenize(const cli_args *a);
int cmd_bench(const cli_args *a);
int cmd_bench_kernels(const cli_args *a);
int cmd_bench_profile(const cli_args *a);
int cmd_bench_flow(const cli_args *a);
int cmd_bench_energy(const cli_args *a);
int cmd_bench_limits(const cli_args *a);
int cmd_bench_scaling(const cli_args *a);
int cmd_doctor(const cli_args *a);
int cmd_help(const cli_args *a);
int cmd_version(const cli_args *a);
int cmd_completion(const cli_args *a);
int cmd_man(const cli_args *a);
int cmd_verify(const cli_args *a);
int cmd_task(const cli_args *a);
int cmd_watch(const cli_args *a);
int cmd_top(const cli_args *a);
int cmd_tag(const cli_args *a);
int cmd_note(const cli_args *a);
int cmd_sql(const cli_args *a);
int cmd_compare(const cli_args *a);
int cmd_gc(const cli_args *a);

extern const cli_option cli_run_options[], cli_reproduce_options[],
    cli_sweep_options[], cli_list_options[], cli_runs_options[],
    cli_show_options[], cli_report_options[], cli_dump_options[],
    cli_probe_options[], cli_stats_options[], cli_bench_options[],
    cli_doctor_options[], cli_help_options[], cli_version_options[],
    cli_completion_options[], cli_man_options[], cli_verify_options[],
    cli_recall_options[], cli_generate_options[];
extern const char cli_run_help[], cli_reproduce_help[], cli_sweep_help[],
    cli_list_help[], cli_runs_help[], cli_show_help[], cli_report_help[],
    cli_dump_help[], cli_stats_help[], cli_bench_help[], cli_doctor_help[],
    cli_help_help[], cli_version_help[], cli_completion_help[], cli_man_help[],
    cli_verify_help[], cli_probe_help[], cli_recall_help[], cli_generate_help[];

extern const cli_option cli_aggregate_options[];
extern const char cli_aggregate_help[];
extern const cli_option cli_export_options[];
extern const char cli_export_help[];
extern const cli_option cli_task_options[];
extern const char cli_task_help[];

extern const cli_option cli_tokenize_options[];
extern const char cli_tokenize_help[];

extern const cli_option cli_watch_options[], cli_top_options[];
extern const char cli_watch_help[], cli_top_help[];

/* What is done with many runs. */
extern const cli_option cli_tag_options[], cli_note_options[],
    cli_sql_options[], cli_compare_options[], cli_gc_options[];
extern const char cli_tag_help[], cli_note_help[], cli_sql_help[],
    cli_compare_help[], cli_gc_help[];

extern const cli_option cli_lens_options[];
extern const char cli_lens_help[];

/* Blocks of less than a MiB stay with the process (heap.c). */
void cli_tune_heap(void);

/* Help pages, from the tables. */
void cli_usage(FILE *f);
void cli_command_help(FILE *f, const cli_command *c);
/* Topics beside the commands: "config", "claims", ...; NULL past the end. */
const char *cli_topic_name(int i);
const char *cli_topic_text(int i);

#endif
