/* What the files of the configuration share. */
#ifndef EG_LAB_CONFIG_PRIV_H
#define EG_LAB_CONFIG_PRIV_H

#include <stdio.h>
#include "engram/config.h"

void *egi_section_opts(eg_config *cfg, const eg_section *s);
const void *egi_section_read(const eg_config *cfg, const eg_section *s);
/* Of a copy of plain that has been runs of these kinds (1 << kind) since: it
 * is one again. */
void egi_config_restore(eg_config *cfg, const eg_config *plain, unsigned kinds);
/* To be called when run.theory may have changed from before. */
eg_status egi_config_retarget(eg_config *cfg, const char *before, eg_err *err);
/* eg_config_load_run of another file there. */
eg_status egi_config_load_named(eg_config *cfg, const eg_folder *run,
                                const char *name, eg_err *err);
/* "section.key" of the first section of cfg (NULL: of any) with such a key. */
bool egi_config_owner(const eg_config *cfg, const char *key, char *buf,
                      size_t size);
/* "train", "theory" or "flow". */
const char *egi_kind_name(const eg_config *cfg);
/* Equal values are equal bytes (fields.h). */
bool egi_field_same(const eg_field *f, const void *a, const void *b);
/* Has it no say in the results? */
bool egi_config_idle(const eg_section *s, const eg_field *f);
/* OPTION=CHECKSUM of run.inputs, where OPTION has n bytes; NULL: none. */
const char *egi_input_item(const eg_strs *list, const char *option, size_t n);
/* The same of option f of section s. */
const char *egi_config_summed(const eg_config *cfg, const eg_section *s,
                              const eg_field *f);
/* Is it an option of another kind of task? */
bool egi_config_foreign(const eg_config *cfg, const eg_section *s,
                        const eg_field *f);
/* The row of "section.key" of cfg (NULL: of any), or NULL; its section in *s.
 */
const eg_field *egi_config_find(const eg_config *cfg, const char *path,
                                eg_section *s);
/* Files named by option f of section flow are meant to lie in the current
 * folder: makes their paths absolute when cfg has a folder of its own. */
eg_status egi_flow_from_here(eg_config *cfg, const eg_field *f, eg_err *err);

#endif
