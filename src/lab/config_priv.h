/* What the files of the configuration share. */
#ifndef EG_LAB_CONFIG_PRIV_H
#define EG_LAB_CONFIG_PRIV_H

#include <stdio.h>
#include "engram/config.h"

void *egi_section_opts(eg_config *cfg, const eg_section *s);
const void *egi_section_read(const eg_config *cfg, const eg_section *s);
/* To be called when run.theory may have changed from before. */
eg_status egi_config_retarget(eg_config *cfg, const char *before, eg_err *err);
/* "section.key" of the first section of cfg (NULL: of any) with such a key. */
bool egi_config_owner(const eg_config *cfg, const char *key, char *buf,
                      size_t size);
/* "train", "theory" or "flow". */
const char *egi_kind_name(const eg_config *cfg);
/* Files named by option f of section flow are meant to lie in the current
 * folder: makes their paths absolute when cfg has a folder of its own. */
eg_status egi_flow_from_here(eg_config *cfg, const eg_field *f, eg_err *err);

#endif
