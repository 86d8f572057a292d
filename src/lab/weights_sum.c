/* The weights that a training run reads, by their content: what a run began
 * with is part of what it is, wherever the file lies. */
#include "lab/weights_sum.h"

#include <string.h>
#include <sys/stat.h>

#include "base/num.h"
#include "base/sum.h"
#include "lab/lab_priv.h"

const char *egi_weights_option(int i, const eg_config *cfg, const char **text)
{
    static const char *const option[] = {"init.from", "probe.compressed_with"};
    const char *const texts[] = {cfg->init.from, cfg->probe.compressed_with};

    if (i >= (int)(sizeof option / sizeof *option) ||
        cfg->run.kind != EG_RUN_TRAIN)
        return NULL;
    *text = texts[i];
    return option[i];
}

/* The place of OPTION=... in the list; its end when it is not there. */
static int place_of(const eg_strs *list, const char *option)
{
    size_t n = strlen(option);
    int i = 0;

    while (i < list->n &&
           (strncmp(list->item[i], option, n) != 0 || list->item[i][n] != '='))
        i++;
    return i;
}

/* A file with holes may be larger than any disk. */
static bool no_memory_holds(const struct stat *info)
{
    int64_t have = egi_memory_total();

    return have > 0 && info->st_size > have;
}

static eg_status take(eg_strs *list, const char *option, const char *path,
                      eg_err *err)
{
    char now[EGI_SUM_HEX], line[EG_STRS_LEN] = "";
    int at = place_of(list, option);
    eg_infile f;
    struct stat info;
    int64_t bytes;
    egi_sum sum;
    eg_status st;

    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) ||
        no_memory_holds(&info))
        return EG_OK; /* who reads it says so */
    st = eg_infile_open(&f, path, 0, err);
    if (st == EG_OK) st = egi_sum_file(&sum, &bytes, f.fd, path, err);
    eg_infile_close(&f);
    if (st != EG_OK) return st;
    egi_sum_print(sum, now);
    egi_snprintf(line, sizeof line, "%s=%s", option, now);
    if (at == EG_STRS_MAX)
        return EG_FAIL(err, EG_EINVAL, "run.inputs: more than %d", at - 1);
    if (at == list->n) memcpy(list->item[list->n++], line, sizeof line);
    if (strcmp(list->item[at], line) == 0) return EG_OK;
    return EG_FAIL(err, EG_EFORMAT,
                   "run.inputs: %.150s has changed: expected %.60s, found %s",
                   path, list->item[at], now);
}

/* What is said of must be an option that names a file. */
static eg_status check_said(const eg_config *cfg, eg_err *err)
{
    for (int k = 0; k < cfg->run.inputs.n; k++) {
        const char *said = cfg->run.inputs.item[k], *option, *text = "";

        for (int i = 0; (option = egi_weights_option(i, cfg, &text)); i++)
            if (strncmp(said, option, strlen(option)) == 0 &&
                said[strlen(option)] == '=' && text[0])
                break;
        if (!option)
            return EG_FAIL(err, EG_EINVAL,
                           "run.inputs: expected the checksum of a file that "
                           "this run reads, init.from=... or "
                           "probe.compressed_with=..., found '%s'",
                           said);
    }
    return EG_OK;
}

eg_status egi_weights_sum(eg_config *cfg, eg_err *err)
{
    const char *option, *path;
    eg_status st = check_said(cfg, err);

    for (int i = 0; st == EG_OK && (option = egi_weights_option(i, cfg, &path));
         i++)
        if (path[0]) st = take(&cfg->run.inputs, option, path, err);
    return st;
}
