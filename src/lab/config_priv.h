/* What the files of the configuration share. */
#ifndef EG_LAB_CONFIG_PRIV_H
#define EG_LAB_CONFIG_PRIV_H

#include <stdio.h>
#include "engram/config.h"

void *egi_section_opts(eg_config *cfg, const eg_section *s);
const void *egi_section_read(const eg_config *cfg, const eg_section *s);
/* To be called when run.theory may have changed from before. */
eg_status egi_config_retarget(eg_config *cfg, const char *before, eg_err *err);
/* "section.key" of the first section with such a key. */
bool egi_config_owner(const char *key, char *buf, size_t size);

#endif
