/* The points of a sweep: every combination of the grid with every seed. */
#ifndef EG_CLI_GRID_H
#define EG_CLI_GRID_H

#include "cli.h"

#define GRID_AXES 16
#define GRID_VALUES 64

typedef struct grid {
    int n_axes;
    char key[GRID_AXES][128];
    int n_values[GRID_AXES];
    char value[GRID_AXES][GRID_VALUES][96];
    eg_seeds seeds;
} grid;

/* From --grid key=a,b (repeated) and --seeds 0-9; CLI_DONE or a message. */
int grid_parse(grid *g, const cli_args *a);
int grid_size(const grid *g); /* INT_MAX: that many or more */
/* Sets point i on cfg and names it "key=value ... seed=n" in label. */
int grid_apply(const grid *g, int i, eg_config *cfg, char *label, size_t size);

#endif
