/* Processes that train one model together: ranks 0 to size - 1, each of which
 * computes its share of a step's slots. What they exchange makes every rank
 * hold the same bits, those of one process alone.
 *
 * The library knows only this table. engram-mpi.so fills it by MPI, where it
 * was built; a test may fill it otherwise. All functions are called by all
 * ranks in the same order, from one thread, and return when their data may be
 * used. They do not fail: when a rank is lost, whoever made the table ends the
 * others. */
#ifndef ENGRAM_RANKS_H
#define ENGRAM_RANKS_H

#include "engram/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EG_RANKS_MAX 1024 /* as many as a step has slots at most */

typedef struct eg_ranks {
    int rank, size;
    int beside; /* of them on this machine, this one among them */
    void *ctx;
    /* What rank 0 has, to all. */
    void (*spread)(void *ctx, void *data, size_t bytes);
    /* Every rank's part of data to all: part r lies from[r] to from[r + 1] - 1,
     * from [size + 1] in bytes. */
    void (*gather)(void *ctx, void *data, const size_t *from);
    /* From one rank to another. */
    void (*send)(void *ctx, int to, const void *data, size_t bytes);
    void (*receive)(void *ctx, int from, void *data, size_t bytes);
    /* Ends all ranks at once: does not return. */
    void (*abort)(void *ctx, int code);
    /* All ranks, at the end. */
    void (*close)(void *ctx);
} eg_ranks;

/* What a module that fills the table has, under these names. Both give NULL, or
 * in a few words what is wrong. version [size]: of whose library. */
#define EG_RANKS_OPEN "engram_ranks_open"
#define EG_RANKS_VERSION "engram_ranks_version"
typedef const char *(*eg_ranks_open_fn)(eg_ranks *out);
typedef const char *(*eg_ranks_version_fn)(char *version, size_t size);

/* The r-th of size even shares of n things: share(r) to share(r + 1) - 1. */
static inline int eg_ranks_share(const eg_ranks *ranks, int n, int r)
{
    return (int)((int64_t)n * r / ranks->size);
}

#ifdef __cplusplus
}
#endif
#endif
