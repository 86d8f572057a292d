/* engram export --to csv, npz and tensorboard. */
#ifndef EG_CLI_EXPORT_RUNS_H
#define EG_CLI_EXPORT_RUNS_H

#include "cli.h"

/* The runs that the words stand for, in the form `to`; gives the exit code. */
int export_runs(const cli_args *a, const char *to);

#endif
