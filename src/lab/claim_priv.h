/* Experiments in memory, as the files of the claims share them. Texts and
 * nodes point into the YAML trees. */
#ifndef EG_LAB_CLAIM_PRIV_H
#define EG_LAB_CLAIM_PRIV_H

#include "engram/claim.h"

typedef struct egi_seeds {
    int n;
    int64_t seed[EG_SEEDS_MAX];
} egi_seeds;

typedef enum egi_over {
    EGI_MEAN,
    EGI_MEDIAN,
    EGI_MIN,
    EGI_MAX,
    EGI_SD,
    EGI_DISTANCE /* |mean of the reference - mean| / sd over seeds */
} egi_over;

typedef enum egi_relation_op {
    EGI_EQ,
    EGI_GE,
    EGI_GT,
    EGI_LE,
    EGI_LT,
    EGI_BETWEEN
} egi_relation_op;

typedef struct egi_relation {
    egi_relation_op op;
    double a, b;
} egi_relation;

typedef struct egi_tolerance {
    double value;
    bool relative; /* to the expected number */
} egi_tolerance;

/* What may differ between the profiles of a claim. */
typedef struct egi_terms {
    const char *expected, *tolerance, *reason;
    egi_relation relation;
    egi_tolerance tol;
    egi_over over;
    const eg_node *measure_node, *reference;
    eg_measure *measure;
} egi_terms;

typedef struct egi_claim {
    eg_claim_info info;
    char id[256];
    const eg_node *node;
    const eg_node *control; /* map: run -> run that takes its place */
    egi_terms terms[2];     /* of quick, of full; measure NULL: not in it */
    int file;
} egi_claim;

typedef struct egi_experiment {
    char path[EG_PATH], folder[EG_PATH];
    char id[128]; /* <paper>/<file> */
    eg_yaml *yaml;
    const eg_node *runs, *curves;
    int n_curves;
    eg_series *curve;
} egi_experiment;

struct eg_experiments {
    int n_files, n_claims;
    egi_experiment *file;
    egi_claim *claim;
};

/* The run of that name in that file and profile: its configuration (without
 * seed) and seeds. Errors have positions. */
eg_status egi_run_resolve(const egi_experiment *e, const char *name,
                          eg_profile profile, eg_config *cfg, egi_seeds *seeds,
                          eg_err *err);

eg_status egi_relation_parse(egi_relation *r, const char *text, eg_err *err);
/* "0.02" or "20 %". */
eg_status egi_tolerance_parse(egi_tolerance *t, const char *text, eg_err *err);
/* Is v as expected? Never for NaN. */
bool egi_relation_holds(const egi_relation *r, const egi_tolerance *t,
                        double v);
/* "1-10", "3" or a list of these; node is a scalar or a sequence. */
eg_status egi_seeds_parse(egi_seeds *s, const eg_node *node, eg_err *err);
eg_status egi_seeds_text(egi_seeds *s, const char *text, eg_err *err);
bool egi_number(const char *text, double *out);

#endif
