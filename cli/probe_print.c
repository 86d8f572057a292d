/* What engram probe found, as tables, JSON and files. */
#include "cmd_probe.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "engram/mem.h"

/* ---- JSON -----------------------------------------------------------------
 */

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *head_json(const eg_head *h)
{
    json_t *o = json_object();

    for (int i = 0; eg_head_score(i); i++)
        cli_json_set(o, eg_head_score(i)->name, number(h->score[i]));
    return o;
}

static json_t *heads_json(const eg_heads *heads)
{
    json_t *list = json_array();

    for (int i = 0; i < heads->n; i++) {
        const eg_head *h = &heads->row[i];
        json_t *o = head_json(h);

        cli_json_set(o, "layer", json_integer(h->layer));
        cli_json_set(o, "head", json_integer(h->head));
        cli_json_set(o, "is",
                     h->kind < 0 ? json_null()
                                 : json_string(eg_head_score(h->kind)->name));
        cli_json_add(list, o);
    }
    return list;
}

static void put_found(json_t *o, const probed *r)
{
    json_t *values = json_object();

    for (int i = 0; i < r->n; i++)
        cli_json_set(values, r->value[i].name, number(r->value[i].value));
    cli_json_set(o, "values", values);
    cli_json_set(o, "heads", heads_json(&r->heads));
    cli_json_set(o, "even", head_json(&r->heads.even));
}

/* What was asked for, word by word. */
static json_t *patch_json(const cli_args *a)
{
    json_t *list = json_array();

    for (int i = 0; i < a->n_values; i++)
        if (strcmp(a->value[i].option->name, "patch") == 0)
            cli_json_add(list, cli_json_string(a->value[i].value));
    return list;
}

static json_t *all_json(const probing *p)
{
    json_t *o = json_pack("{s:o, s:I, s:f}", "weights",
                          cli_json_string(p->opened.path), "sequences",
                          (json_int_t)p->sequences, "threshold", p->threshold);

    put_found(o, &p->found);
    if (p->n_held > 0) {
        json_t *patched = json_object();

        put_found(patched, &p->patched);
        cli_json_set(o, "patch", patch_json(p->args));
        cli_json_set(o, "patched", patched);
    }
    if (p->opened.note[0])
        cli_json_set(o, "left_out", cli_json_string(p->opened.note));
    return o;
}

/* ---- files ----------------------------------------------------------------
 */

eg_status probe_place(probing *p, eg_err *err)
{
    const char *dir = cli_value(p->args, "out");
    eg_status st;

    if (!dir) return EG_OK;
    st = eg_folder_make(&p->to, dir, err);
    if (st == EG_OK) st = eg_folder_empty(&p->to, NULL, err);
    if (st != EG_OK) eg_folder_close(&p->to);
    return st;
}

void probe_undo(probing *p)
{
    if (p->to.fd < 0) return;
    (void)eg_folder_remove(&p->to, "config.yaml");
    (void)eg_folder_remove(&p->to, "probe.json");
    eg_folder_unmake(&p->to);
}

eg_status probe_write(const probing *p, eg_err *err)
{
    char *text = NULL;
    eg_status st;

    if (p->to.fd < 0) return EG_OK;
    st = eg_config_format(p->cfg, &text, err);
    if (st != EG_OK) return st;
    st = eg_file_write_in(&p->to, "config.yaml", text, strlen(text), err);
    eg_free(text);
    if (st != EG_OK) return st;
    text = cli_json_text(all_json(p));
    if (!text) return EG_FAIL(err, EG_ENOMEM, "probe: out of memory");
    st = eg_file_write_in(&p->to, "probe.json", text, strlen(text), err);
    eg_free(text);
    return st;
}

/* ---- tables ---------------------------------------------------------------
 */

/* Unit and meaning of a name; NULL: of one head among several, or of none. */
static const eg_probe_info *about(const char *name)
{
    for (int i = 0; eg_probe_list(i); i++) {
        const char *row = eg_probe_list(i)->name; /* perhaps "loss.<group>" */
        size_t n = strcspn(row, "<");

        if (row[n] ? strncmp(row, name, n) == 0 : strcmp(row, name) == 0)
            return eg_probe_list(i);
    }
    return NULL;
}

/* A value of that name; NaN: not measured. */
static double value_of(const probed *r, const char *name)
{
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->value[i].name, name) == 0) return r->value[i].value;
    return NAN;
}

static void add_value(cli_table *t, double x)
{
    if (isnan(x))
        cli_table_cell(t, "-");
    else
        cli_table_cell(t, "%.4g", x);
}

static int print_values(const probing *p)
{
    bool twice = p->n_held > 0;
    cli_table *t = cli_table_new(twice ? 5 : 4);

    if (twice) {
        cli_table_cell(t, "value");
        cli_table_cell(t, "before");
        cli_table_cell(t, "patched");
        cli_table_cell(t, "unit");
        cli_table_cell(t, "%s", "");
    }
    for (int i = 0; i < p->found.n; i++) {
        const char *name = p->found.value[i].name;
        const eg_probe_info *info = about(name);

        if (!info) continue;
        cli_table_cell(t, "%s", name);
        add_value(t, p->found.value[i].value);
        if (twice) add_value(t, value_of(&p->patched, name));
        cli_table_cell(t, "%s", info->unit);
        cli_table_cell(t, "%s", info->help);
    }
    return cli_table_print(t);
}

static void add_scores(cli_table *t, const eg_head *h)
{
    for (int i = 0; i < EG_HEAD_SCORES; i++)
        if (isnan(h->score[i])) /* a head that attends to nothing */
            cli_table_cell(t, "-");
        else
            cli_table_cell(t, "%.3f", h->score[i]);
}

static int print_heads(const eg_heads *heads)
{
    cli_table *t = cli_table_new(3 + EG_HEAD_SCORES);

    cli_table_cell(t, "layer");
    cli_table_cell(t, "head");
    cli_table_cell(t, "is");
    for (int i = 0; i < EG_HEAD_SCORES; i++)
        cli_table_cell(t, "%s", eg_head_score(i)->name);
    for (int i = 0; i < heads->n; i++) {
        const eg_head *h = &heads->row[i];

        cli_table_cell(t, "%d", h->layer);
        cli_table_cell(t, "%d", h->head);
        cli_table_cell(t, "%s",
                       h->kind < 0 ? "-" : eg_head_score(h->kind)->name);
        add_scores(t, h);
    }
    cli_table_cell(t, "even");
    cli_table_cell(t, "-");
    cli_table_cell(t, "-");
    add_scores(t, &heads->even);
    return cli_table_print(t);
}

int probe_print(const probing *p)
{
    int code;

    if (cli_flag(p->args, "json")) return cli_print_json(all_json(p));
    code = print_values(p);
    if (code != CLI_DONE) return code;
    puts("");
    if (p->found.heads.n == 0) {
        puts(eg_task_vocab(p->task) > 0
                 ? "no mixer of this model has a pattern of attention"
                 : "heads are named by what they do with random tokens said "
                   "twice, and this task gives vectors");
        return CLI_DONE;
    }
    code = print_heads(&p->found.heads);
    if (p->n_held == 0 || code != CLI_DONE) return code;
    puts("\npatched:");
    return print_heads(&p->patched.heads);
}
