/* docs/configuration.md, written from the schema. */
#include "lab/config_priv.h"

#include <math.h>
#include <string.h>
#include "base/num.h"
#include "engram/lab.h"
#include "base/buf.h"
#include "lab/theory_priv.h"

static void put_bound(egi_buf *b, const char *word, double bound)
{
    char text[EGI_REAL_TEXT];

    if (!isfinite(bound)) return;
    egi_real_text(text, 10, bound);
    egi_buf_add(b, ", %s %s", word, text);
}

static void put_kind(egi_buf *b, const eg_field *f)
{
    static const char *const name[] = {"whole number", "number", "true/false",
                                       "text",         "choice", "list"};

    if (f->kind == EG_FIELD_ENUM) {
        char one[EG_TEXT];

        for (int i = 0; eg_choice(f->choices, i, one, sizeof one); i++)
            egi_buf_add(b, "%s`%s`", i ? ", " : "", one);
        return;
    }
    egi_buf_add(b, "%s", name[f->kind]);
    if (f->kind == EG_FIELD_INT || f->kind == EG_FIELD_REAL) {
        put_bound(b, "from", f->min);
        put_bound(b, "to", f->max);
    }
}

/* A cell of a Markdown table: a bar inside would end it, <name> would be taken
 * for HTML, @ for a command of Doxygen. */
static void put_cell(egi_buf *b, const char *text)
{
    for (; *text; text++) {
        if (strchr("|<>@", *text)) egi_buf_put(b, "\\", 1);
        egi_buf_put(b, text, 1);
    }
}

static void put_table(egi_buf *b, const eg_field *fields)
{
    egi_buf_add(b, "| key | default | values | meaning |\n"
                   "| --- | --- | --- | --- |\n");
    for (const eg_field *f = fields; f->name; f++) {
        char owners[EG_TEXT];

        egi_buf_add(b, "| `%s` | ", f->name);
        if (f->def[0])
            egi_buf_add(b, "`%s`", f->def);
        else
            egi_buf_add(b, "(empty)");
        egi_buf_add(b, " | ");
        put_kind(b, f);
        egi_buf_add(b, " | ");
        if (fields == eg_task_fields &&
            eg_task_option_kinds(owners, sizeof owners, f->name))
            egi_buf_add(b, "%s: ", owners);
        put_cell(b, f->help);
        egi_buf_add(b, " |\n");
    }
    egi_buf_add(b, "\n");
}

static const char head[] =
    "# Configuration reference\n"
    "\n"
    "Written by `engram help --markdown` from the tables the program itself "
    "uses; do not edit.\n"
    "\n"
    "A configuration is a YAML file of sections. Whatever is left out keeps "
    "its default; an unknown\n"
    "or ill-typed key is an error that names file, line, column and the "
    "nearest valid key. Any key\n"
    "can be given on the command line as `--set section.key=value`. The "
    "resolved configuration is\n"
    "saved with every run as `config.yaml`, and running that file gives the "
    "same bits again.\n"
    "\n";

static const char about_flow[] =
    "Only with `run.kind: flow`, which has this section and `run` alone; "
    "[flow.md](flow.md) shows how.\n\n";

eg_status eg_config_markdown(char **out, eg_err *err)
{
    egi_buf b = {0};
    eg_section s;

    egi_buf_add(&b, "%s", head);
    for (int i = 0; eg_config_section(NULL, i, &s); i++) {
        egi_buf_add(&b, "## %s\n\n%c%s.\n\n", s.name, s.help[0] - 'a' + 'A',
                    s.help + 1);
        if (s.fields == eg_flow_fields) egi_buf_add(&b, "%s", about_flow);
        put_table(&b, s.fields);
    }
    egi_buf_add(&b, "## theory\n\nOnly with `run.kind: theory`: the options of "
                    "the statement named by `run.theory`.\n\n");
    for (int i = 0; eg_theory_at(i); i++) {
        egi_buf_add(&b, "### %s\n\n%s\n\n", eg_theory_at(i)->name,
                    eg_theory_at(i)->help);
        put_table(&b, eg_theory_at(i)->fields);
    }
    return egi_buf_take(&b, out, err);
}
