/* From metrics to verdicts; see judge.c. */
#ifndef EG_LAB_JUDGE_H
#define EG_LAB_JUDGE_H

#include "lab/jobs.h"

/* Fills everything of r; jobs not done make the verdict "not run". */
void egi_judge(eg_claim_result *r, const egi_claim *c, const egi_experiment *e,
               eg_profile profile, egi_jobs *jobs);
/* r's spread over its values, and the reduction the claim asks for. until: how
 * long each seed was watched, where a value may be INFINITY; NULL: none is. */
double egi_reduce(eg_claim_result *r, const egi_terms *t, const double *until);

#endif
