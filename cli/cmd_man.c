/* engram man: man pages from the tables, engram.1 and engram-<command>.1. */
#include "cli.h"

#include <ctype.h>
#include <string.h>
#include "engram/file.h"

const cli_option cli_man_options[] = {
    {"out", 'o', "DIR", "folder to write to (default: man)"},
    CLI_OPT_QUIET,
    {NULL, 0, NULL, NULL}};
const char cli_man_help[] =
    "Writes engram.1 and one page a command, into a folder that is made, or "
    "is\n"
    "empty, or holds nothing but such pages.\n"
    "\n"
    "  engram man --out man && man -l man/engram-run.1\n";

/* roff: a backslash, a hyphen or a leading point means something. */
static void put(FILE *f, const char *s)
{
    bool start = true;

    for (; *s; s++) {
        if (start && (*s == '.' || *s == '\'')) fputs("\\&", f);
        if (*s == '\\' || *s == '-') fputc('\\', f);
        fputc(*s, f);
        start = *s == '\n';
    }
}

static void put_head(FILE *f, const char *title, const char *summary)
{
    fprintf(f, ".TH \"");
    for (const char *s = title; *s; s++) fputc(toupper((unsigned char)*s), f);
    fprintf(f, "\" 1 \"\" \"engram %s\" \"engram\"\n.SH NAME\n", eg_version());
    put(f, title);
    fputs(" \\- ", f);
    put(f, summary);
    fputs("\n", f);
}

static void main_page(FILE *f)
{
    put_head(f, "engram", "a laboratory for how transformers work inside");
    fputs(".SH SYNOPSIS\n.B engram\n.I COMMAND\n[options]\n.SH COMMANDS\n", f);
    for (const cli_command *c = cli_commands; c->name; c++) {
        fputs(".TP\n.B engram\\-", f);
        put(f, c->name);
        fputs("(1)\n", f);
        put(f, c->summary);
        fputs("\n", f);
    }
    for (int i = 0; cli_topic_name(i); i++) {
        fputs(".SH ", f);
        for (const char *s = cli_topic_name(i); *s; s++)
            fputc(toupper((unsigned char)*s), f);
        fputs("\n.nf\n", f);
        put(f, cli_topic_text(i));
        fputs(".fi\n", f);
    }
}

static void command_page(FILE *f, const cli_command *c)
{
    char title[64];

    snprintf(title, sizeof title, "engram-%s", c->name);
    put_head(f, title, c->summary);
    fputs(".SH SYNOPSIS\n.B engram ", f);
    put(f, c->name);
    fputs("\n", f);
    put(f, c->words);
    fputs(" [options]\n.SH DESCRIPTION\n.nf\n", f);
    put(f, c->help);
    fputs(".fi\n.SH OPTIONS\n", f);
    for (const cli_option *o = c->options; o->name; o++) {
        fputs(".TP\n.B ", f);
        if (o->letter) fprintf(f, "\\-%c, ", o->letter);
        fputs("\\-\\-", f);
        put(f, o->name);
        if (o->arg) fprintf(f, " \\fI%s\\fR", o->arg);
        fputs("\n", f);
        put(f, o->help);
        fputs("\n", f);
    }
    fputs(".SH SEE ALSO\n.BR engram (1)\n", f);
}

/* A comment: by it a page is known again. */
static const char mark[] = ".\\\" written by engram man\n";

static eg_status write_page(const eg_folder *to, const cli_command *c,
                            eg_err *err)
{
    char name[64];
    eg_outfile o;
    eg_status st;

    snprintf(name, sizeof name, "engram%s%s.1", c ? "-" : "", c ? c->name : "");
    st = eg_outfile_open_own(&o, to, name, mark, err);
    if (st != EG_OK) return st;
    fputs(mark, o.f);
    if (c)
        command_page(o.f, c);
    else
        main_page(o.f);
    return eg_outfile_commit(&o, err);
}

int cmd_man(const cli_args *a)
{
    const char *dir = cli_value(a, "out");
    eg_folder to;
    eg_err err = {0};
    eg_status st;

    if (!dir) dir = "man";
    st = eg_folder_make(&to, dir, &err);
    if (st == EG_OK) st = eg_folder_own(&to, mark, &err);
    if (st == EG_OK) st = write_page(&to, NULL, &err);
    for (const cli_command *c = cli_commands; c->name && st == EG_OK; c++)
        st = write_page(&to, c, &err);
    eg_folder_close(&to);
    if (st != EG_OK) return cli_error(st, &err);
    cli_print("%s", dir);
    return CLI_DONE;
}
