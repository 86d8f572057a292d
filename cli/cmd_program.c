/* engram show --program: the operations of a training step, and what they
 * cost. */
#include "cli.h"

#include <jansson.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/program.h"

typedef struct program {
    eg_config *cfg;
    eg_pool *pool;
    eg_task *task;
    eg_program_table table;
} program;

const char *cli_count(char buf[16], double x)
{
    static const char unit[] = " kMGTPE";
    int u = 0;

    while (x >= 999.5 && u < 6) {
        x /= 1000;
        u++;
    }
    if (u == 0)
        (void)snprintf(buf, 16, "%.4g", x);
    else
        (void)snprintf(buf, 16, "%.3g %c", x, unit[u]);
    return buf;
}

static double share(const eg_program_table *t, const eg_op_row *op)
{
    double all = t->forward + t->backward;

    return all > 0 ? (op->forward + op->backward) / all : 0;
}

/* ---- JSON ----------------------------------------------------------------
 */

static json_t *op_json(const eg_program_table *t, const eg_op_row *op)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:[I,I], s:f, s:f, s:f, s:f, s:I, "
                     "s:f}",
                     "kind", op->kind, "value", op->name, "reads", op->reads,
                     "rows_of", op->rows_of, "shape", (json_int_t)op->rows,
                     (json_int_t)op->cols, "rows_per_step", op->rows_step,
                     "madds_forward", op->forward, "madds_backward",
                     op->backward, "madds_looked_up", op->looked_up, "bytes",
                     (json_int_t)op->bytes, "share", share(t, op));
}

static json_t *rewrite_json(const eg_rewrite_row *r)
{
    return json_pack("{s:s, s:s, s:b, s:b, s:s, s:i, s:i, s:f, s:f, s:i, s:f}",
                     "name", r->name, "about", r->help, "tried", r->tried,
                     "changed", r->changed, "why_not", r->why, "places",
                     r->places, "taken", r->taken, "cost", r->cost, "gain",
                     r->gain, "ops", r->n_ops, "madds", r->madds);
}

static json_t *tensor_json(const eg_tensor_row *row)
{
    const eg_tensor *t = &row->tensor;
    json_t *shape = json_array();

    for (int k = 0; k < t->ndim; k++)
        cli_json_add(shape, json_integer(t->shape[k]));
    return json_pack("{s:s, s:o, s:b}", "name", t->name, "shape", shape,
                     "trained", row->trained);
}

static int print_json(const eg_program_table *t)
{
    json_t *ops = json_array(), *rewrites = json_array(),
           *tensors = json_array();

    for (int k = 0; k < t->n_ops; k++) cli_json_add(ops, op_json(t, &t->op[k]));
    for (int i = 0; i < t->n_rewrites; i++)
        cli_json_add(rewrites, rewrite_json(&t->rewrite[i]));
    for (int i = 0; i < t->n_tensors; i++)
        cli_json_add(tensors, tensor_json(&t->tensor[i]));
    return cli_print_json(json_pack(
        "{s:o, s:o, s:o, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:i, s:s}",
        "ops", ops, "rewrites", rewrites, "tensors", tensors, "tokens_per_step",
        t->tokens, "madds_forward", t->forward, "madds_backward", t->backward,
        "flops_per_token", t->plan.flops_per_token, "value_bytes",
        (json_int_t)t->bytes, "total_bytes", (json_int_t)t->plan.total,
        "n_params", (json_int_t)t->plan.n_params, "n_trained",
        (json_int_t)t->plan.n_trained, "slots", t->plan.slots, "kernels",
        t->plan.kern));
}

/* ---- text ----------------------------------------------------------------
 */

static int print_ops(const eg_program_table *t)
{
    static const char *const head[] = {"#",     "op",    "value",   "rows of",
                                       "shape", "reads", "forward", "backward",
                                       "bytes", "share"};
    cli_table *table = cli_table_new(10);
    char a[16], b[16], c[16];

    for (int i = 0; i < 10; i++) cli_table_cell(table, "%s", head[i]);
    for (int k = 0; k < t->n_ops; k++) {
        const eg_op_row *op = &t->op[k];

        cli_table_cell(table, "%d", k);
        cli_table_cell(table, "%s", op->kind);
        cli_table_cell(table, "%s", op->name[0] ? op->name : "-");
        cli_table_cell(table, "%s", op->rows_of);
        cli_table_cell(table, "%td x %td", op->rows, op->cols);
        cli_table_cell(table, "%s", op->reads);
        cli_table_cell(table, "%s", cli_count(a, op->forward));
        cli_table_cell(table, "%s", cli_count(b, op->backward));
        cli_table_cell(table, "%s", cli_count(c, (double)op->bytes));
        cli_table_cell(table, "%.1f %%", 100 * share(t, op));
    }
    return cli_table_print(table);
}

static void print_rewrite(cli_table *table, const eg_rewrite_row *r)
{
    char a[16], b[16];

    cli_table_cell(table, "%s", r->name);
    cli_table_cell(table, "%s",
                   !r->tried    ? "off"
                   : r->changed ? "taken"
                                : "not taken");
    cli_table_cell(table, "%d", r->n_ops);
    cli_table_cell(table, "%s", cli_count(a, r->madds));
    if (r->places > 0)
        cli_table_cell(table, "pays at %d of %d: %s against %s", r->taken,
                       r->places, cli_count(a, r->cost), cli_count(b, r->gain));
    else if (r->why[0])
        cli_table_cell(table, "%s", r->why);
    else
        cli_table_cell(table, "%s",
                       r->changed ? "always pays" : "finds nothing to do");
    cli_table_cell(table, "%s", r->help);
}

static int print_rewrites(const eg_program_table *t)
{
    static const char *const head[] = {"rewrite", "",    "ops",
                                       "madds",   "why", "what it does"};
    cli_table *table = cli_table_new(6);

    for (int i = 0; i < 6; i++) cli_table_cell(table, "%s", head[i]);
    for (int i = 0; i < t->n_rewrites; i++)
        print_rewrite(table, &t->rewrite[i]);
    return cli_table_print(table);
}

static int print_tensors(const eg_program_table *t)
{
    cli_table *table = cli_table_new(4);
    char a[16];

    cli_table_cell(table, "tensor");
    cli_table_cell(table, "shape");
    cli_table_cell(table, "numbers");
    cli_table_cell(table, "trained");
    for (int i = 0; i < t->n_tensors; i++) {
        const eg_tensor *x = &t->tensor[i].tensor;
        char shape[64] = "";
        size_t at = 0;

        for (int k = 0; k < x->ndim; k++)
            at += (size_t)snprintf(shape + at, sizeof shape - at, "%s%td",
                                   k ? " x " : "", x->shape[k]);
        cli_table_cell(table, "%s", x->name);
        cli_table_cell(table, "%s", shape);
        cli_table_cell(table, "%s", cli_count(a, (double)x->size));
        cli_table_cell(table, "%s", t->tensor[i].trained ? "yes" : "no");
    }
    return cli_table_print(table);
}

static int print_text(const eg_program_table *t)
{
    char a[16], b[16], c[16], d[16];
    int code = print_ops(t);

    puts("");
    cli_print("a step of %.0f tokens: %s multiply-adds forward, %s backward; "
              "values of a sequence %sB before they share places",
              t->tokens, cli_count(a, t->forward), cli_count(b, t->backward),
              cli_count(c, (double)t->bytes));
    cli_print("training takes %sB with %s of %s parameters trained, in %d "
              "gradient sum%s; kernels %s",
              cli_count(a, (double)t->plan.total),
              cli_count(b, (double)t->plan.n_trained),
              cli_count(d, (double)t->plan.n_params), t->plan.slots,
              t->plan.slots == 1 ? "" : "s", t->plan.kern);
    puts("");
    if (print_rewrites(t) != CLI_DONE) code = CLI_FAILED;
    puts("");
    if (print_tensors(t) != CLI_DONE) code = CLI_FAILED;
    return code;
}

/* ---- the command ---------------------------------------------------------
 */

static eg_status describe(program *p, const cli_args *a, eg_err *err)
{
    eg_train_spec spec = eg_config_train(p->cfg);
    eg_status st = EG_OK;

    if (p->cfg->run.kind != EG_RUN_TRAIN)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: run.kind: expected train, which has a program, "
                       "found %s",
                       a->word[0],
                       p->cfg->run.kind == EG_RUN_FLOW ? "flow" : "theory");
    EG_TRY(eg_config_task(&p->task, p->cfg, err));
    spec.task = p->task;
    spec.pool = p->pool;
    spec.kern = "auto";
    if (cli_flag(a, "plain")) spec.train.algebra = EG_ALGEBRA_PLAIN;
    EG_TRY(eg_program_table_make(&p->table, &spec, err));
done:
    return st;
}

int cmd_show_program(const cli_args *a)
{
    program p = {.cfg = eg_calloc(1, sizeof *p.cfg)};
    eg_err err = {0};
    int code;

    if (!p.cfg) return cli_fail(CLI_FAILED, "out of memory");
    code = cli_config(a, a->word[0], p.cfg);
    if (code == CLI_DONE) code = cli_pool(a, &p.pool);
    if (code == CLI_DONE) {
        eg_status st = describe(&p, a, &err);

        if (st != EG_OK)
            code = cli_error(st, &err);
        else
            code = cli_flag(a, "json") ? print_json(&p.table)
                                       : print_text(&p.table);
    }
    eg_program_table_release(&p.table);
    eg_task_free(p.task);
    eg_pool_free(p.pool);
    eg_free(p.cfg);
    return code;
}
