/* Runs of an experiment that read the weights of other runs of its file. */
#ifndef EG_LAB_LINKS_H
#define EG_LAB_LINKS_H

#include "lab/claim_priv.h"

enum { EGI_LINKS = 2 };

/* An option that names a file of weights names a run of the file, RUN or
 * RUN@STEP: the checkpoint of its last step, or of that one. */
typedef struct egi_link {
    char run[EG_TEXT];
    int64_t step; /* -1: the last */
    ptrdiff_t at; /* of the option in the configuration */
    const char *option;
} egi_link;

/* The links of a configuration, at most EGI_LINKS; returns how many. */
int egi_links(egi_link out[EGI_LINKS], const egi_experiment *e,
              const eg_config *cfg);

/* Will each of them be there: is it a run that trains, with as many seeds, that
 * keeps such a checkpoint, and is there no circle? Errors stand at `at`. */
eg_status egi_links_check(const egi_experiment *e, const eg_node *at,
                          eg_profile profile, const eg_config *cfg,
                          const eg_seeds *seeds, eg_err *err);

/* Puts the checkpoint of a finished run in dir, whose configuration is `of`, in
 * the place of its name. */
eg_status egi_link_set(const egi_link *link, eg_config *cfg, const char *dir,
                       const eg_config *of, eg_err *err);

#endif
