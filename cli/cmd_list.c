/* engram list: what there is to run, to train on, to measure. */
#include "cli.h"

#include <jansson.h>
#include <string.h>
#include "engram/kern.h"
#include "engram/lab.h"
#include "engram/probe.h"

const cli_option cli_list_options[] = {
    {"experiments", 0, "DIR", "where the experiments are"},
    {"no-control", 0, NULL,
     "only claims that have no control and do not say why"},
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_list_help[] =
    "Without a word everything; else one of:\n"
    "\n"
    "  claims    statements `engram reproduce` judges\n"
    "  tasks     where sequences come from\n"
    "  groups    names for positions, by task: of losses, of probes\n"
    "  mixers    how positions mix, and the other parts of a model\n"
    "  probes    what is measured while a model trains\n"
    "  theories  statements checked without training (run.theory)\n"
    "  flow      dynamics of tokens as particles, and ways to compute them\n"
    "  kernels   kernel sets that run on this machine, best first\n";

/* Rows of one kind, as a table or as JSON. */
typedef struct rows {
    cli_table *table;
    json_t *json;
    char last[128]; /* a line under the table */
    bool no_memory;
} rows;

static void add(rows *r, const char *name, const char *what)
{
    if (r->json) {
        cli_json_add(r->json,
                     json_pack("{s:s, s:s}", "name", name, "about", what));
        return;
    }
    cli_table_cell(r->table, "  %s", name);
    cli_table_cell(r->table, "%s", what);
}

/* The choices of an enum or list option are the parts that exist. */
static void add_choices(rows *r, const eg_field *table, const char *key)
{
    const eg_field *f = eg_field_find(table, key);
    char one[EG_TEXT], about[EG_TEXT + 64];

    for (int i = 0; eg_choice(f->choices, i, one, sizeof one); i++) {
        char name[EG_TEXT + 64];

        snprintf(name, sizeof name, "%s: %s", key, one);
        snprintf(about, sizeof about, "%s", i == 0 ? f->help : "");
        add(r, name, about);
    }
}

static json_t *claim_json(const eg_claim_info *c)
{
    static const char *const control[] = {"missing", "none", "given"};
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:s}", "id", c->id,
                  "source", c->source, "statement", c->statement, "measure",
                  c->measure, "quick", c->in[EG_QUICK], "full", c->in[EG_FULL],
                  "expect", c->expect_refuted ? "refuted" : "holds", "control",
                  control[c->control]);

    /* for s* a lack of memory is one of a value */
    if (c->no_control)
        cli_json_set(o, "no_control", json_string(c->no_control));
    return o;
}

static int add_claims(rows *r, const cli_args *a)
{
    char dir[EG_PATH];
    eg_experiments *x = NULL;
    eg_claim_info c;
    int n[3] = {0};
    eg_err err = {0};
    eg_status st;

    if (!cli_experiments(a, dir)) return CLI_FAILED;
    st = eg_experiments_load(&x, dir, &err);
    r->no_memory = st == EG_ENOMEM;
    if (st != EG_OK) return cli_error(st, &err);
    for (int i = 0; eg_experiments_claim(x, i, &c); i++) {
        n[c.control]++;
        if (cli_flag(a, "no-control") && c.control != EG_CONTROL_MISSING)
            continue;
        if (r->json)
            cli_json_add(r->json, claim_json(&c));
        else
            add(r, c.id, c.statement);
    }
    snprintf(r->last, sizeof r->last,
             "%d claims: %d with a control, %d say why there is none, %d lack "
             "one",
             n[0] + n[1] + n[2], n[EG_CONTROL_GIVEN], n[EG_CONTROL_NONE],
             n[EG_CONTROL_MISSING]);
    eg_experiments_free(x);
    return CLI_DONE;
}

/* A table of modules: its rows by name. */
static void add_modules(rows *r, const char *key,
                        const char *(*at)(int i, const char **help))
{
    const char *help = NULL, *name;

    for (int i = 0; (name = at(i, &help)) != NULL; i++) {
        char full[EG_TEXT];

        snprintf(full, sizeof full, "%s: %s", key, name);
        add(r, full, help);
    }
}

static int add_tasks(rows *r, const cli_args *a)
{
    (void)a;
    add_modules(r, "task", eg_task_kind_name);
    return CLI_DONE;
}

static int add_groups(rows *r, const cli_args *a)
{
    (void)a;
    for (int k = 0; eg_task_kind_name(k, NULL); k++) {
        const eg_group *g;

        for (int i = 0; (g = eg_task_group(k, i)) != NULL; i++) {
            char full[EG_TEXT];

            snprintf(full, sizeof full, "%s: %s", eg_task_kind_name(k, NULL),
                     g->name);
            add(r, full, g->help);
        }
    }
    return CLI_DONE;
}

static int add_mixers(rows *r, const cli_args *a)
{
    static const char *const key[] = {"qk",        "value", "output", "norm",
                                      "norm_kind", "pos",   "init"};

    (void)a;
    add_modules(r, "mixer", eg_model_mixer_name);
    add_modules(r, "mlp", eg_model_mlp_name);
    add_modules(r, "error", eg_model_error_name);
    add_modules(r, "qk_norm", eg_model_qk_norm_name);
    for (size_t i = 0; i < sizeof key / sizeof *key; i++)
        add_choices(r, eg_model_fields, key[i]);
    return CLI_DONE;
}

static int add_probes(rows *r, const cli_args *a)
{
    (void)a;
    for (int i = 0; eg_probe_list(i); i++)
        add(r, eg_probe_list(i)->name, eg_probe_list(i)->help);
    return CLI_DONE;
}

static int add_theories(rows *r, const cli_args *a)
{
    (void)a;
    for (int i = 0; eg_theory_at(i); i++)
        add(r, eg_theory_at(i)->name, eg_theory_at(i)->help);
    return CLI_DONE;
}

static int add_flow(rows *r, const cli_args *a)
{
    static const char *const key[] = {"model", "space",  "norm", "ffn",
                                      "units", "method", "sum",  "precision"};

    (void)a;
    for (size_t i = 0; i < sizeof key / sizeof *key; i++)
        add_choices(r, eg_flow_fields, key[i]);
    add(r, "x0: uniform hemisphere cap equiangular ring cube gaussian FILE",
        "tokens at the start");
    return CLI_DONE;
}

static int add_kernels(rows *r, const cli_args *a)
{
    (void)a;
    for (int i = 0; eg_kern_name(i); i++) add(r, eg_kern_name(i), "");
    return CLI_DONE;
}

static const struct {
    const char *name;
    int (*add)(rows *r, const cli_args *a);
} kind[] = {{"claims", add_claims}, {"tasks", add_tasks},
            {"groups", add_groups}, {"mixers", add_mixers},
            {"probes", add_probes}, {"theories", add_theories},
            {"flow", add_flow},     {"kernels", add_kernels}};

int cmd_list(const cli_args *a)
{
    const char *only = a->n_words                  ? a->word[0]
                       : cli_flag(a, "no-control") ? "claims"
                                                   : NULL;
    bool json = cli_flag(a, "json"), found = false;
    json_t *all = json ? json_object() : NULL;
    int code = CLI_DONE;

    if (json && !all) return cli_fail(CLI_FAILED, "out of memory");
    if (cli_flag(a, "no-control") && only && strcmp(only, "claims") != 0) {
        json_decref(all);
        return cli_fail(CLI_MISUSE, "list: --no-control is about claims");
    }
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        rows r = {0};
        int one;

        if (only && strcmp(only, kind[i].name) != 0) continue;
        found = true;
        if (json)
            r.json = json_array();
        else
            r.table = cli_table_new(2);
        one = kind[i].add(&r, a);
        /* without a word, missing experiments do not hide the rest */
        if (only || one == CLI_MISUSE || r.no_memory) code = one;
        if (all) {
            cli_json_set(all, kind[i].name, r.json);
        } else {
            if (!only) printf("%s%s:\n", i ? "\n" : "", kind[i].name);
            one = cli_table_print(r.table);
            if (one != CLI_DONE) code = one;
            if (r.last[0]) puts(r.last);
        }
    }
    if (!found)
        code = cli_fail(CLI_MISUSE, "list: '%s' is not one of %s", only,
                        a->command->words);
    if (all && code == CLI_DONE) return cli_print_json(all);
    json_decref(all);
    return code;
}
