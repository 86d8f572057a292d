/* engram stats: the characters of a text, counted. */
#include "cli.h"

#include "engram/task.h"

const cli_option cli_stats_options[] = {
    {"out", 'o', "FILE",
     "the statistics file to write, new or such a file (required)"},
    {"provenance", 0, "TEXT", "where the text comes from, kept in the file"},
    CLI_OPT_QUIET,
    {NULL, 0, NULL, NULL}};

const char cli_stats_help[] =
    "Counts the characters of a UTF-8 text, plain, gzip or zstd, a file or a\n"
    "pipe of at most 16 GiB, and their adjacent pairs. The file that it "
    "writes\n"
    "is what task.stats reads, so that the bigram task speaks your language:\n"
    "\n"
    "  engram stats mytext.txt --out mytext.stats\n"
    "  engram stats corpus.txt.gz --out corpus.stats\n"
    "  engram run experiments/birth/basic.yaml --set task.stats=mytext.stats\n";

int cmd_stats(const cli_args *a)
{
    const char *out = cli_value(a, "out"), *from = cli_value(a, "provenance");
    eg_err err = {0};
    eg_status st;

    if (!out)
        return cli_fail(CLI_MISUSE, "stats: --out FILE says where to write");
    st = eg_stats_measure(a->word[0], out, from ? from : a->word[0], &err);
    if (st != EG_OK) return cli_error(st, &err);
    cli_print("%s", out);
    return CLI_DONE;
}
