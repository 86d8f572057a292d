/* engram aggregate: what was asked of which runs, and the rows of the answer.
 */
#ifndef EG_CLI_AGGREGATE_H
#define EG_CLI_AGGREGATE_H

#include "engram/aggregate.h"
#include "sheet.h"

enum { MAX_METRICS = 32 };

typedef struct aggregate {
    const cli_args *args;
    cli_paths paths;
    eg_ensemble x;
    eg_bootstrap how;
    eg_at at;
    char at_text[200];
    int n; /* metrics */
    eg_question ask[MAX_METRICS];
    sheet out;
} aggregate;

void aggregate_estimates(aggregate *j, const eg_aggregate *all);
/* CLI_DONE, or after a message another code. */
int aggregate_bands(aggregate *j);
int aggregate_laws(aggregate *j, const eg_aggregate *all, const char *key);
/* What is said of all rows; NULL but for JSON. */
struct json_t *aggregate_about(const aggregate *j);

#endif
