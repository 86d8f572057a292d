/* engram export: a model for other programs. */
#include "cli.h"

#include <string.h>

#include "engram/export.h"

const cli_option cli_export_options[] = {
    {"to", 0, "hf", "the form: hf, Hugging Face's GPT-2 (the default)"},
    {"out", 'o', "DIR", "where to write, a folder new or empty (required)"},
    CLI_OPT_SET,
    {"allow-extra", 0, NULL,
     "leave out tensors of WEIGHTS that the model does not have"},
    CLI_OPT_RUNS,
    CLI_OPT_QUIET,
    {NULL, 0, NULL, NULL}};

const char cli_export_help[] =
    "Writes a model of GPT-2's form as model.safetensors and config.json, "
    "which\n"
    "transformers' GPT2LMHeadModel.from_pretrained(DIR) reads: norms before "
    "each\n"
    "branch, softmax attention, a table of positions, a feed-forward of two\n"
    "matrices. Biases that the model does not have are zeros there. What does "
    "not\n"
    "fit is named. WEIGHTS and CONFIG are as in `engram probe`.\n"
    "\n"
    "  engram export my-gpt2 --out my-gpt2-hf\n"
    "  engram export gpt2.bin --out gpt2-hf\n"
    "  python3 -c 'from transformers import GPT2LMHeadModel as G; print(\n"
    "      G.from_pretrained(\"my-gpt2-hf\"))'\n";

int cmd_export(const cli_args *a)
{
    const char *out = cli_value(a, "out"), *to = cli_value(a, "to");
    eg_checkpoint c;
    eg_err err = {0};
    eg_status st;
    int code;

    if (!out)
        return cli_fail(CLI_MISUSE, "export: --out DIR says where to write");
    if (to && strcmp(to, "hf") != 0)
        return cli_fail(CLI_MISUSE, "--to: expected hf, found '%s'", to);
    /* all positions that the file knows of */
    code = cli_checkpoint(a, a->word[0], a->n_words > 1 ? a->word[1] : NULL,
                          EG_ALL_POSITIONS, &c);
    if (code != CLI_DONE) return code;
    st = eg_export_gpt2(c.model, out, &err);
    eg_checkpoint_release(&c);
    if (st != EG_OK) return cli_error(st, &err);
    cli_print("%s", out);
    return CLI_DONE;
}
