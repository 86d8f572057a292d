/* Experiments in memory, as the files of the claims share them. Texts and
 * nodes point into the YAML trees. */
#ifndef EG_LAB_CLAIM_PRIV_H
#define EG_LAB_CLAIM_PRIV_H

#include "engram/claim.h"

typedef enum egi_over {
    EGI_MEAN,
    EGI_MEDIAN,
    EGI_MIN,
    EGI_MAX,
    EGI_SD,
    EGI_DISTANCE, /* |mean of the reference - mean| / sd over seeds */
    EGI_MEAN_LOW, /* ends of the intervals, see eg_estimate */
    EGI_MEAN_HIGH,
    EGI_MEDIAN_LOW,
    EGI_MEDIAN_HIGH
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

/* What takes the place of what is measured. node NULL: nothing is stated. */
typedef struct egi_control {
    const eg_node *node;
    const eg_node *runs; /* map: run -> other run, or sections on top of it */
    const char *none;    /* why there is none */
    const eg_node *measure_node;
    eg_measure *measure; /* in the place of the claim's; NULL: the same */
} egi_control;

/* What may differ between the profiles of a claim. */
typedef struct egi_terms {
    const char *expected, *tolerance, *reason;
    egi_relation relation;
    egi_tolerance tol;
    egi_over over;
    bool never_counts; /* a seed without the event comes after all others */
    const eg_node *measure_node, *reference;
    eg_measure *measure;
    egi_control control;
} egi_terms;

/* A run as it is needed: as the file has it, or changed for a control. */
typedef struct egi_variant {
    const char *run;
    const eg_node *change; /* sections on top of the profile's, or NULL */
    const char *claim;     /* id of the claim whose control changes it */
} egi_variant;

/* Profiles with the same text have the same measure. */
typedef struct egi_claim {
    eg_claim_info info;
    char id[256];
    const eg_node *node;
    egi_terms terms[2]; /* of quick, of full; measure NULL: not in it */
    int file;
} egi_claim;

/* A configuration file that runs of an experiment are based on. */
typedef struct egi_base {
    const char *name; /* as `base` has it */
    eg_yaml *yaml;
} egi_base;

/* Where runs are checked, one after the other: `cfg` was a copy of the plain
 * one, and has been runs of these kinds since. */
typedef struct egi_scratch {
    eg_config cfg;
    bool copied;
    unsigned kinds; /* 1 << EG_RUN_TRAIN and so on */
} egi_scratch;

typedef struct egi_experiment {
    char path[EG_PATH], folder[EG_PATH];
    char id[128]; /* <paper>/<file> */
    eg_yaml *yaml;
    egi_base *base; /* read once for all runs; others are read when needed */
    int n_bases;
    const eg_config *plain; /* all defaults; NULL: to be made */
    egi_scratch *scratch;   /* while the file is read; NULL: to be made */
    const eg_node *runs, *curves;
    int n_curves;
    eg_series *curve;
} egi_experiment;

struct eg_experiments {
    int n_files, n_claims;
    eg_config *plain; /* of all files */
    egi_experiment *file;
    egi_claim *claim;
};

/* That run of the file in that profile: its configuration (without seed) and
 * seeds. Errors have positions. */
eg_status egi_run_resolve(const egi_experiment *e, const egi_variant *v,
                          eg_profile profile, eg_config *cfg, eg_seeds *seeds,
                          eg_err *err);
/* Reads the files that runs are based on. One that cannot be read is left to
 * egi_run_resolve, which can say whose base it is. EG_ENOMEM. */
eg_status egi_bases_read(egi_experiment *e, eg_err *err);
void egi_bases_free(egi_experiment *e);
/* The last part of a claim's id, which is unique in its file. */
const char *egi_claim_name(const egi_claim *c);

/* A measure of the claim that reads runs of this file only; node is its
 * text. */
eg_status egi_measure_of(const egi_experiment *e, const egi_claim *c,
                         const eg_node *node, eg_measure **out, eg_err *err);
/* Frees the measures. */
void egi_claim_release(egi_claim *c);
/* Is it one event, rise(...) or fall(...), and no more? */
bool egi_measure_is_event(const eg_measure *m);
/* Of such a measure: as eg_measure_eval, but where the event never happens
 * *value is INFINITY. *until: the last step of the series. */
eg_status egi_measure_event(const eg_measure *m, double *value, double *until,
                            const eg_measure_source *from, eg_err *err);
/* Is it a run of the file? The error at `at` names the nearest. */
eg_status egi_need_run(const egi_experiment *e, const eg_node *at,
                       const char *name, eg_err *err);

/* `control` of a claim in one profile; node may be NULL. t->measure is read
 * already. */
eg_status egi_control_parse(const egi_experiment *e, egi_claim *c,
                            eg_profile profile, const eg_node *node,
                            eg_err *err);
/* Is there something to measure beside the claim? */
bool egi_control_given(const egi_control *c);
/* What the control puts in the place of run; run itself when nothing. */
egi_variant egi_control_run(const egi_claim *c, eg_profile profile,
                            const char *run);

eg_status egi_relation_parse(egi_relation *r, const char *text, eg_err *err);
/* "0.02" or "20 %". */
eg_status egi_tolerance_parse(egi_tolerance *t, const char *text, eg_err *err);
/* Is v as expected? Never when it is not finite. */
bool egi_relation_holds(const egi_relation *r, const egi_tolerance *t,
                        double v);
/* "1-10", "3" or a list of these; node is a scalar or a sequence. */
eg_status egi_seeds_parse(eg_seeds *s, const eg_node *node, eg_err *err);
bool egi_number(const char *text, double *out);

#endif
