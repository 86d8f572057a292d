/* What --resume and --extend say when they do not go on: which run may have
 * been meant, in which keys it differs, and what can be done. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include "engram/mem.h"

/* A line for each key. */
static void tell_keys(const char *keys)
{
    for (const char *end; keys && *keys; keys = end + (*end == '\n')) {
        end = keys + strcspn(keys, "\n");
        (void)cli_fail(CLI_MISUSE, "  %.*s", (int)(end - keys), keys);
    }
}

/* Asked for more steps than it has, and for nothing else? */
static void tell_longer(const eg_lab_near *near, const eg_config *cfg)
{
    static const char key[] = "train.steps: ";
    const char *at = near->keys ? strstr(near->keys, key) : NULL;

    if (at && near->n_fixed == 1 &&
        strtoll(at + sizeof key - 1, NULL, 10) < cfg->train.steps)
        (void)cli_fail(CLI_MISUSE,
                       "to make it longer: engram run %s --extend "
                       "train.steps=%lld",
                       near->dir, (long long)cfg->train.steps);
}

static void tell_ways(const eg_lab_near *near, const eg_config *cfg,
                      const char *option, const char *where)
{
    (void)cli_fail(CLI_MISUSE,
                   "to go on with it as it was begun: engram run %s --resume",
                   near->dir);
    tell_longer(near, cfg);
    (void)cli_fail(CLI_MISUSE,
                   "to begin a run of this configuration: without %s%s", option,
                   where);
}

void cli_tell_nearest(const eg_config *cfg, const char *root,
                      const char *option)
{
    eg_lab_near near;

    if (!eg_lab_nearest(&near, root, cfg)) return;
    if (near.n_keys == 0 && near.status[0])
        (void)cli_fail(CLI_MISUSE,
                       "the nearest, %s (%s), has this configuration under "
                       "another name: engram run %s --resume",
                       near.dir, near.status, near.dir);
    else if (near.n_keys == 0)
        (void)cli_fail(CLI_MISUSE,
                       "the nearest, %s, has this configuration, but no "
                       "run.json that can be read: engram run %s --resume",
                       near.dir, near.dir);
    else
        (void)cli_fail(CLI_MISUSE,
                       "the nearest, %s (%s), differs in %d key%s:", near.dir,
                       near.status[0] ? near.status : "its run.json is lost",
                       near.n_keys, near.n_keys == 1 ? "" : "s");
    tell_keys(near.keys);
    if (near.n_keys > 0 && near.n_fixed == 0)
        (void)cli_fail(CLI_MISUSE,
                       "to go on with it, changed so: the same command with "
                       "--out %s",
                       near.dir);
    else if (near.n_keys > 0)
        tell_ways(&near, cfg, option, "");
    eg_free(near.keys);
}

void cli_tell_differs(const eg_config *cfg, const char *dir, const char *option)
{
    eg_lab_near near;

    if (!eg_lab_compare(&near, dir, cfg)) return;
    if (near.n_fixed > 0) {
        if (near.n_keys > 1) tell_keys(near.keys);
        tell_ways(&near, cfg, option, ", in another folder");
    }
    eg_free(near.keys);
}
