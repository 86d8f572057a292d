/* What the parts of engram bench energy have in common. */
#ifndef EG_BENCH_ENERGY_H
#define EG_BENCH_ENERGY_H

#include "cli.h"
#include "engram/figures.h"
#include "engram/model.h"
#include "engram/pool.h"

enum { ENERGY_CTX = 256, ENERGY_PROMPT = 64, ENERGY_TOKENS = 16 };
enum {
    ENERGY_ROUNDS = (ENERGY_CTX - ENERGY_PROMPT) / ENERGY_TOKENS
}; /* most */

typedef struct energy_row {
    char what[24], shape[48];
    const char *unit;
    double rate, limit, share, error;
    double rates[ENERGY_ROUNDS],
        shares[ENERGY_ROUNDS]; /* of which these are medians */
    int n;
    bool verified;
} energy_row;

typedef struct energy_listing {
    cli_listing rows;
    eg_figures figures;
    int n_wrong;
    int n_rounds; /* of a token, of a text; 0: 7, 3 */
    bool turns;   /* a round waits for a line */
} energy_listing;

void cli_energy_add(energy_listing *l, energy_row *r);
/* A token of the model that cfg has, in float32 and in bfloat16. */
eg_status cli_energy_tokens(energy_listing *l, const eg_model_opts *model,
                            eg_pool *pool, const char *kern, eg_err *err);

#endif
