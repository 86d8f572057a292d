/* engram-mpi.so: ranks by MPI. It stands apart from the library and the tool,
 * which load it when they are one of several ranks, so that neither needs MPI
 * to be built, installed or started. An error of MPI ends all ranks, with MPI's
 * own message. */
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#include "engram/ranks.h"

/* EG_RANKS_OPEN and EG_RANKS_VERSION. */
EG_API const char *engram_ranks_open(eg_ranks *out);
EG_API const char *engram_ranks_version(char *version, size_t size);

/* MPI counts in int. */
#define PART ((size_t)1 << 30)
enum { TAG = 7 };

static int part(size_t left)
{
    return (int)(left < PART ? left : PART);
}

static void spread_from(int root, char *data, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += PART)
        MPI_Bcast(data + at, part(bytes - at), MPI_BYTE, root, MPI_COMM_WORLD);
}

static void mpi_spread(void *ctx, void *data, size_t bytes)
{
    (void)ctx;
    spread_from(0, data, bytes);
}

enum { RANKS_AT_ONCE = 256 };

static void mpi_gather(void *ctx, void *data, const size_t *from)
{
    int count[RANKS_AT_ONCE], at[RANKS_AT_ONCE], n;

    (void)ctx;
    MPI_Comm_size(MPI_COMM_WORLD, &n);
    if (from[n] > PART || n > RANKS_AT_ONCE) {
        for (int r = 0; r < n; r++)
            spread_from(r, (char *)data + from[r], from[r + 1] - from[r]);
        return;
    }
    for (int r = 0; r < n; r++) {
        count[r] = (int)(from[r + 1] - from[r]);
        at[r] = (int)from[r];
    }
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data, count, at,
                   MPI_BYTE, MPI_COMM_WORLD);
}

static void mpi_send(void *ctx, int to, const void *data, size_t bytes)
{
    (void)ctx;
    for (size_t at = 0; at < bytes; at += PART)
        MPI_Send((const char *)data + at, part(bytes - at), MPI_BYTE, to, TAG,
                 MPI_COMM_WORLD);
}

static void mpi_receive(void *ctx, int from, void *data, size_t bytes)
{
    (void)ctx;
    for (size_t at = 0; at < bytes; at += PART)
        MPI_Recv((char *)data + at, part(bytes - at), MPI_BYTE, from, TAG,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void mpi_abort(void *ctx, int code)
{
    (void)ctx;
    MPI_Abort(MPI_COMM_WORLD, code);
}

static void mpi_close(void *ctx)
{
    (void)ctx;
    MPI_Finalize();
}

/* Of this machine's. */
static int count_beside(void)
{
    MPI_Comm here;
    int n = 1;

    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL,
                        &here);
    MPI_Comm_size(here, &n);
    MPI_Comm_free(&here);
    return n;
}

const char *engram_ranks_open(eg_ranks *out)
{
    int level = MPI_THREAD_SINGLE;

    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS)
        return "MPI cannot be started";
    if (level < MPI_THREAD_FUNNELED)
        return "this MPI does not bear programs with threads";
    *out = (eg_ranks){.spread = mpi_spread,
                      .gather = mpi_gather,
                      .send = mpi_send,
                      .receive = mpi_receive,
                      .abort = mpi_abort,
                      .close = mpi_close};
    MPI_Comm_rank(MPI_COMM_WORLD, &out->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &out->size);
    out->beside = count_beside();
    return NULL;
}

const char *engram_ranks_version(char *version, size_t size)
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int n = 0;

    if (MPI_Get_library_version(text, &n) != MPI_SUCCESS)
        return "MPI does not say which it is";
    text[strcspn(text, ",\n")] = '\0';
    snprintf(version, size, "%s", text);
    return NULL;
}
