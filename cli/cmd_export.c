/* engram export: a model for other programs. */
#include "cli.h"

#include <string.h>

#include "engram/export.h"
#include "engram/mem.h"

const cli_option cli_export_options[] = {
    {"to", 0, "hf|engram",
     "Hugging Face's GPT-2 (the default), or engram's own files"},
    {"out", 'o', "DIR", "where to write, a folder new or empty (required)"},
    CLI_OPT_SET,
    CLI_OPT_ALLOW_EXTRA,
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
    "--to engram writes weights.safetensors and config.yaml, so that training "
    "goes\n"
    "on from another program's model.\n"
    "\n"
    "  engram export my-gpt2 --out my-gpt2-hf\n"
    "  engram export gpt2.bin --out gpt2-hf\n"
    "  engram export gpt2 --to engram --set task.n_ctx=256 --out mine\n"
    "  engram run mine/config.yaml --set init.from=mine/weights.safetensors\n"
    "  python3 -c 'from transformers import GPT2LMHeadModel as G; print(\n"
    "      G.from_pretrained(\"my-gpt2-hf\"))'\n";

/* Weights under our names, and the configuration that they are of. */
static eg_status export_own(const eg_checkpoint *c, const char *out,
                            eg_err *err)
{
    eg_folder to = {.fd = -1};
    char *text = NULL, path[EG_PATH];
    bool made = false;
    eg_status st;

    if (snprintf(path, sizeof path, "%s/weights.safetensors", out) >=
        (int)sizeof path)
        return EG_FAIL(err, EG_EINVAL, "path too long: %s", out);
    EG_TRY(eg_config_format(c->config, &text, err));
    EG_TRY(eg_folder_make(&to, out, err));
    made = true;
    EG_TRY(eg_folder_empty(&to, NULL, err));
    EG_TRY(eg_model_save(c->model, path, err));
    EG_TRY(eg_file_write_in(&to, "config.yaml", text, strlen(text), err));
done:
    eg_free(text);
    if (made && st != EG_OK)
        eg_folder_unmake(&to); /* but for what was there before */
    else
        eg_folder_close(&to);
    return st;
}

int cmd_export(const cli_args *a)
{
    const char *out = cli_value(a, "out"), *to = cli_value(a, "to");
    eg_checkpoint c;
    eg_err err = {0};
    eg_status st;
    bool own;
    int code;

    if (!out)
        return cli_fail(CLI_MISUSE, "export: --out DIR says where to write");
    own = to && strcmp(to, "engram") == 0;
    if (to && !own && strcmp(to, "hf") != 0)
        return cli_fail(CLI_MISUSE, "--to: expected hf or engram, found '%s'",
                        to);
    /* all positions that the file knows of */
    code = cli_checkpoint(a, a->word[0], a->n_words > 1 ? a->word[1] : NULL,
                          EG_ALL_POSITIONS, &c);
    if (code != CLI_DONE) return code;
    st = own ? export_own(&c, out, &err) : eg_export_gpt2(c.model, out, &err);
    eg_checkpoint_release(&c);
    if (st != EG_OK) return cli_error(st, &err);
    cli_print("%s", out);
    return CLI_DONE;
}
