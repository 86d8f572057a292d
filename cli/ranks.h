/* Ranks of a parallel job, from the tool's side. */
#ifndef EG_CLI_RANKS_H
#define EG_CLI_RANKS_H

#include "cli.h"
#include "engram/ranks.h"

/* The ranks of this job; alone, size is 1 and nothing was loaded. From then on
 * only rank 0 talks. CLI_DONE, or after a message another code. */
int cli_ranks_open(eg_ranks *r);
/* Waits for all. */
void cli_ranks_close(const eg_ranks *r);
/* Every rank's code to all: gives rank 0's, where others got another one *torn
 * is set. */
int cli_ranks_agree(const eg_ranks *r, int code, bool *torn);
/* Threads of one rank, where the user does not say; 0: as of any process. */
int cli_ranks_threads(const eg_ranks *r);
/* Is MPI there? text says which, or why not. */
bool cli_ranks_module(char *text, size_t size);

#endif
