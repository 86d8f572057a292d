/* engram export: a model, or what runs measured, for other programs. */
#include "cli.h"

#include <string.h>

#include "engram/export.h"
#include "engram/mem.h"
#include "export_runs.h"

const cli_option cli_export_options[] = {
    {"to", 0, "FORMAT",
     "of a model: hf (Hugging Face's GPT-2, the default), engram (its own "
     "files); of runs: tensorboard, csv, npz"},
    {"out", 'o', "PATH",
     "where to write (required): a folder new or empty; of csv, and of npz "
     "of one run, a file that is not there yet"},
    {"dtype", 0, "TYPE",
     "hf: weights in float32 (default), float16 or bfloat16"},
    {"long", 0, NULL, "csv: a row a number, not a row a step"},
    CLI_OPT_SET,
    CLI_OPT_ALLOW_EXTRA,
    CLI_OPT_RUNS,
    CLI_OPT_QUIET,
    {NULL, 0, NULL, NULL}};

const char cli_export_help[] =
    "A model, WEIGHTS [CONFIG] as in `engram probe`:\n"
    "\n"
    "--to hf writes a model of GPT-2's form as model.safetensors and\n"
    "config.json, which transformers' GPT2LMHeadModel.from_pretrained(DIR)\n"
    "reads: norms before each branch, softmax attention, a table of "
    "positions,\n"
    "a feed-forward of two matrices. Biases that the model does not have are\n"
    "zeros there; --dtype bfloat16 rounds weights. What does not fit is "
    "named.\n"
    "--to engram writes\n"
    "weights.safetensors and config.yaml, so that training goes on from "
    "another\n"
    "program's model.\n"
    "\n"
    "  engram export my-gpt2 --out my-gpt2-hf\n"
    "  engram export gpt2.bin --out gpt2-hf\n"
    "  engram export gpt2 --to engram --set task.n_ctx=256 --out mine\n"
    "  engram run mine/config.yaml --set init.from=mine/weights.safetensors\n"
    "  python3 -c 'from transformers import GPT2LMHeadModel as G; print(\n"
    "      G.from_pretrained(\"my-gpt2-hf\"))'\n"
    "\n"
    "What runs measured, RUN... a sweep, a run, or a name that stands for all\n"
    "its runs:\n"
    "\n"
    "--to csv writes a row a step, or with --long a row a number; of several\n"
    "runs with the keys in which they differ, and the seed, as columns. --to\n"
    "tensorboard writes event files, a folder a run, with hparams. --to npz\n"
    "writes series and snapshots as NumPy's numpy.load reads them, a file a "
    "run.\n"
    "docs/formats.md says what stands where.\n"
    "\n"
    "  engram export birth-basic --to csv --out birth.csv\n"
    "  engram export birth-basic --to tensorboard --out tb   # then: "
    "tensorboard --logdir tb\n"
    "  engram export runs/birth-basic/20260131-120000 --to npz --out run.npz\n";

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

static int read_dtype(const cli_args *a, eg_dtype *out)
{
    static const eg_dtype types[] = {EG_F32, EG_F16, EG_BF16};
    const char *name = cli_value(a, "dtype");

    *out = EG_F32;
    for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
        if (strcmp(name, eg_dtype_name(types[i])) == 0) {
            *out = types[i];
            name = NULL;
        }
    if (!name) return CLI_DONE;
    return cli_fail(CLI_MISUSE,
                    "--dtype: expected float32, float16 or bfloat16, found "
                    "'%s'",
                    name);
}

static int export_model(const cli_args *a, bool own)
{
    const char *out = cli_value(a, "out");
    eg_dtype dtype;
    eg_checkpoint c;
    eg_err err = {0};
    eg_status st;
    int code;

    if (a->n_words > 2)
        return cli_fail(CLI_MISUSE,
                        "export: expected WEIGHTS [CONFIG], found %d words; "
                        "several runs go with --to csv, npz or tensorboard",
                        a->n_words);
    code = read_dtype(a, &dtype);
    if (code != CLI_DONE) return code;
    /* all positions that the file knows of */
    code = cli_checkpoint(a, a->word[0], a->n_words > 1 ? a->word[1] : NULL,
                          EG_ALL_POSITIONS, &c);
    if (code != CLI_DONE) return code;
    st = own ? export_own(&c, out, &err)
             : eg_export_gpt2(c.model, out, dtype, &err);
    eg_checkpoint_release(&c);
    if (st != EG_OK) return cli_error(st, &err);
    cli_print("%s", out);
    return CLI_DONE;
}

/* An option that would do nothing. */
static int check_options(const cli_args *a, const char *to, bool model)
{
    static const char *const of_models[] = {"set", "allow-extra"};

    for (size_t i = 0; !model && i < sizeof of_models / sizeof *of_models; i++)
        if (cli_flag(a, of_models[i]))
            return cli_fail(CLI_MISUSE, "--%s does nothing with --to %s",
                            of_models[i], to);
    if (cli_value(a, "dtype") && strcmp(to, "hf") != 0)
        return cli_fail(CLI_MISUSE, "--dtype does nothing with --to %s", to);
    if (cli_flag(a, "long") && strcmp(to, "csv") != 0)
        return cli_fail(CLI_MISUSE, "--long does nothing with --to %s", to);
    return CLI_DONE;
}

int cmd_export(const cli_args *a)
{
    static const char *const forms[] = {"hf", "engram", "tensorboard", "csv",
                                        "npz"};
    enum { N = sizeof forms / sizeof *forms, MODELS = 2 };
    const char *to = cli_value(a, "to");
    int form = 0, code;

    if (!to) to = forms[0];
    while (form < N && strcmp(to, forms[form]) != 0) form++;
    if (form == N)
        return cli_fail(CLI_MISUSE,
                        "--to: expected hf, engram, tensorboard, csv or npz, "
                        "found '%s'",
                        to);
    if (!cli_value(a, "out"))
        return cli_fail(CLI_MISUSE, "export: --out PATH says where to write");
    code = check_options(a, to, form < MODELS);
    if (code != CLI_DONE) return code;
    return form < MODELS ? export_model(a, form == 1) : export_runs(a, to);
}
