/* engram gc: what of the runs can go. */
#include "cli.h"

#include <jansson.h>
#include <string.h>
#include "engram/gc.h"

const cli_option cli_gc_options[] = {
    {"yes", 'y', NULL, "remove it; without, it is only listed"},
    {"keep", 0, "N", "checkpoints of a finished run that stay (default: 1)"},
    {"where", 'w', "CONDITION", "only of these runs, as in `engram runs`"},
    CLI_OPT_RUNS,
    CLI_OPT_QUIET,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_gc_help[] =
    "Lists what can go, with its size; --yes removes it. All of these, or "
    "those\n"
    "that are named:\n"
    "\n"
    "  checkpoints  of finished runs, all but the last --keep\n"
    "  temporary    files that a killed process left half written, an hour "
    "ago\n"
    "               or longer\n"
    "  diverged     runs that diverged\n"
    "\n"
    "Removed are files that engram makes, by their names and places, none\n"
    "through a link; a folder goes when nothing else is in it. Left alone are\n"
    "runs at work, those tagged keep (`engram tag RUN +keep`), those whose\n"
    "record, configuration or notes cannot be read, weights that another run\n"
    "begins with (init.from), and, as a whole, runs of a sweep or with notes.\n"
    "\n"
    "  engram gc\n"
    "  engram gc checkpoints --keep 2 --where 'start < 2026-06-01' --yes\n";

typedef struct report {
    cli_listing rows;
    int64_t bytes;
    int n, left;
} report;

static void add(void *ctx, const eg_gc_item *item)
{
    report *r = ctx;
    const char *slash = item->name[0] ? "/" : "";
    char path[EG_PATH + 700];

    (void)snprintf(path, sizeof path, "%s%s%s", item->dir, slash, item->name);
    r->n++;
    r->bytes += item->bytes;
    r->left += item->left[0] != '\0';
    if (r->rows.json) {
        cli_json_add(r->rows.json,
                     json_pack("{s:s, s:I, s:o, s:b, s:o}", "kind",
                               eg_gc_name(item->kind), "bytes",
                               (json_int_t)item->bytes, "path",
                               cli_json_string(path), "removed", item->gone,
                               "left", cli_json_string(item->left)));
        return;
    }
    cli_table_cell(r->rows.table, "%s", eg_gc_name(item->kind));
    cli_table_cell(r->rows.table, "%lld", (long long)item->bytes);
    cli_table_cell(r->rows.table, "%s", path);
    cli_table_cell(r->rows.table, "%s", item->left);
}

/* The words; none: all. False after a message. */
static bool read_kinds(const cli_args *a, eg_gc_opts *o)
{
    for (int i = 0; i < a->n_words; i++) {
        int k = 0;

        while (k < EG_GC_KINDS &&
               strcmp(a->word[i], eg_gc_name((eg_gc_kind)k)) != 0)
            k++;
        if (k == EG_GC_KINDS) {
            cli_fail(CLI_MISUSE,
                     "gc: expected checkpoints, temporary or diverged, "
                     "found '%s'",
                     a->word[i]);
            return false;
        }
        o->kind[k] = true;
    }
    for (int k = 0; k < EG_GC_KINDS && a->n_words == 0; k++) o->kind[k] = true;
    return true;
}

static int finish(report *r, const eg_gc_opts *o)
{
    double mib = (double)r->bytes / 1048576.0;

    if (o->remove)
        cli_say("%.1f MiB freed%s", mib,
                r->left ? "; some of it stays, as the list says" : "");
    else if (r->n > 0)
        cli_say("%.1f MiB can be freed: --yes removes all of this", mib);
    else
        cli_say("nothing to remove");
    if (r->rows.json)
        return cli_print_json(json_pack("{s:b, s:I, s:o}", "removed", o->remove,
                                        "bytes", (json_int_t)r->bytes, "items",
                                        r->rows.json));
    if (r->n > 0) return cli_table_print(r->rows.table);
    cli_table_free(r->rows.table);
    return CLI_DONE;
}

int cmd_gc(const cli_args *a)
{
    static const char *const head[] = {"what", "bytes", "path", "left"};
    const char *root = cli_runs_root(a);
    eg_gc_opts o = {.where = cli_value(a, "where"),
                    .remove = cli_flag(a, "yes")};
    int64_t keep = 1;
    report r = {.n = 0};
    eg_err err = {0};
    eg_status st;

    if (!read_kinds(a, &o) || !cli_int(a, "keep", 1, 1000000, &keep))
        return CLI_MISUSE;
    o.keep = (int)keep;
    if (!eg_file_exists(root))
        return cli_fail(CLI_FAILED, "no folder %s: nothing has run here yet",
                        root);
    cli_listing_begin(&r.rows, a, head, 4);
    st = eg_gc(root, &o, add, &r, &err);
    if (st == EG_OK) return finish(&r, &o);
    cli_listing_drop(&r.rows);
    return cli_error(st, &err);
}
