/* A configuration's hash: equal for those that give the same results. */
#include "lab/config_priv.h"

#include <string.h>
#include "base/sum.h"
#include "engram/mem.h"

/* Room for a list, every byte of it escaped. */
enum { VALUE = EG_STRS_MAX * 8 * EG_STRS_LEN };

static void add_section(egi_summer *sum, const eg_config *cfg,
                        const eg_config *def, const eg_section *s, char *value)
{
    const void *opts = egi_section_read(cfg, s);
    const void *usual = egi_section_read(def, s);

    for (const eg_field *f = s->fields; f->name; f++) {
        if (egi_config_idle(s, f) || egi_config_foreign(cfg, s, f) ||
            egi_config_summed(cfg, s, f) || egi_field_same(f, opts, usual))
            continue;
        eg_field_format(f, opts, value, VALUE);
        egi_summer_add(sum, s->name, strlen(s->name) + 1);
        egi_summer_add(sum, f->name, strlen(f->name) + 1);
        egi_summer_add(sum, value, strlen(value) + 1);
    }
}

eg_status eg_config_hash(char hex[EG_CONFIG_HASH], const eg_config *cfg,
                         eg_err *err)
{
    eg_config *def = eg_calloc(1, sizeof *def);
    char *value = eg_calloc(1, VALUE);
    eg_status st = EG_OK;
    egi_summer sum;
    eg_section s;

    hex[0] = '\0';
    if (!def || !value) {
        st = EG_FAIL(err, EG_ENOMEM, "configuration: out of memory");
        goto done;
    }
    eg_config_default(def);
    memcpy(def->run.theory, cfg->run.theory, sizeof def->run.theory);
    if (egi_config_retarget(def, "", NULL) != EG_OK)
        memset(&def->theory, 0, sizeof def->theory); /* no such statement */
    def->run.theory[0] = '\0'; /* that one is set says something */
    egi_summer_init(&sum);
    for (int i = 0; eg_config_section(cfg, i, &s); i++)
        add_section(&sum, cfg, def, &s, value);
    egi_sum_print(egi_summer_end(&sum), hex);
done:
    eg_free(def);
    eg_free(value);
    return st;
}
