/* engram tag and engram note: what people say of a run. */
#include "cli.h"

#include <jansson.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/notes.h"

const cli_option cli_tag_options[] = {
    CLI_OPT_RUNS, CLI_OPT_JSON, {NULL, 0, NULL, NULL}};

const char cli_tag_help[] =
    "RUN is a run directory, a name (its newest run), an id or name/id. +TAG "
    "is\n"
    "added, -TAG is removed; without any, the tags of RUN are shown. Options\n"
    "stand before the first tag. A tag is a word without blanks and commas.\n"
    "\n"
    "Tags stand in notes.json of the run directory, also of a run at work:\n"
    "what the run writes itself stays as it is. `engram runs --where\n"
    "'tags = good'` finds them; `engram gc` leaves a run alone that is tagged\n"
    "keep.\n"
    "\n"
    "  engram tag birth-basic +good +figure-3 -draft\n"
    "  engram tag birth-basic\n";

const cli_option cli_note_options[] = {
    CLI_OPT_RUNS, CLI_OPT_JSON, {NULL, 0, NULL, NULL}};

const char cli_note_help[] =
    "Adds TEXT, with the time, to the notes of RUN, which is a run directory, "
    "a\n"
    "name (its newest run), an id or name/id; without TEXT its notes are\n"
    "shown. They stand in notes.json of the run directory; `engram show` and\n"
    "reports show them, and `engram runs --where 'note ~ plateau'` finds a "
    "run\n"
    "by its last one.\n"
    "\n"
    "  engram note birth-basic 'second head takes over near step 800'\n";

static int show_json(const char *dir, const eg_notes *n)
{
    json_t *list = json_array();

    for (int i = 0; i < n->n_tags; i++)
        cli_json_add(list, json_string(n->tag[i]));
    return cli_print_json(json_pack("{s:o, s:o, s:o}", "run",
                                    cli_json_string(dir), "tags", list, "notes",
                                    cli_notes_json(n)));
}

static int show(const cli_args *a, const char *dir, const eg_notes *n,
                bool tags)
{
    if (cli_flag(a, "json")) return show_json(dir, n);
    for (int i = 0; tags && i < n->n_tags; i++) cli_print("%s", n->tag[i]);
    for (int i = 0; !tags && i < n->n; i++)
        cli_print("%s %s", n->note[i].at, n->note[i].text);
    return CLI_DONE;
}

/* Shows what there is where nothing was changed, or with --json. */
static int finish(const cli_args *a, const char *dir, bool tags, eg_status st,
                  eg_err *err)
{
    eg_notes n = {0};
    int code = CLI_DONE;

    if (st == EG_OK) st = eg_notes_read(&n, dir, err);
    if (st != EG_OK) return cli_error(st, err);
    if (a->n_words == 1 || cli_flag(a, "json")) code = show(a, dir, &n, tags);
    eg_notes_release(&n);
    return code;
}

int cmd_tag(const cli_args *a)
{
    char dir[EG_PATH];
    eg_err err = {0};
    eg_status st = EG_OK;
    int code = cli_find_run(cli_runs_root(a), a->word[0], dir);

    if (code != CLI_DONE) return code;
    if (a->n_words > 1)
        st = eg_tags_change(dir, (const char *const *)a->word + 1,
                            a->n_words - 1, &err);
    return finish(a, dir, true, st, &err);
}

int cmd_note(const cli_args *a)
{
    char dir[EG_PATH], text[65536 + 2] = "";
    eg_err err = {0};
    eg_status st = EG_OK;
    size_t n = 0;
    int code = cli_find_run(cli_runs_root(a), a->word[0], dir);

    if (code != CLI_DONE) return code;
    for (int i = 1; i < a->n_words && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s",
                              i > 1 ? " " : "", a->word[i]);
    if (n >= sizeof text)
        return cli_fail(CLI_MISUSE, "note: expected at most 65536 bytes");
    if (a->n_words > 1) st = eg_note_add(dir, text, &err);
    return finish(a, dir, false, st, &err);
}
