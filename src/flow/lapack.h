/* LAPACK, loaded when a matrix first needs it: the library itself links none,
 * so that a program that never asks for eigenvalues starts no threads and
 * reserves no memory for them.
 *
 *     const egi_lapack *lapack;
 *     EG_TRY(egi_lapack_enter(&lapack, err));
 *     info = lapack->dsyev(...);
 *     egi_lapack_leave();
 */
#ifndef EG_FLOW_LAPACK_H
#define EG_FLOW_LAPACK_H

#include <lapacke.h>

#include "engram/status.h"

/* Row by row the functions in use, as lapacke.h declares them. */
#define EGI_LAPACK_LIST(X) \
    X(dsyev)               \
    X(dgeev)               \
    X(dgesdd)              \
    X(dgelsy)              \
    X(dposv)

typedef struct egi_lapack {
#define EGI_LAPACK_ENTRY(name) __typeof__(LAPACKE_##name) *name;
    EGI_LAPACK_LIST(EGI_LAPACK_ENTRY)
#undef EGI_LAPACK_ENTRY
} egi_lapack;

/* The functions, good until egi_lapack_leave, which must follow; between the
 * two, calls run on one thread. From any thread. EG_EUNSUPPORTED where there
 * is no LAPACK, EG_ENOMEM without room for it. Some microseconds; the first
 * call loads it, some milliseconds. */
eg_status egi_lapack_enter(const egi_lapack **lapack, eg_err *err);
void egi_lapack_leave(void);
/* Loads it and solves one problem of that size, [rows, cols]: what it keeps for
 * itself from then on shows in what the process has. */
eg_status egi_lapack_touch(int rows, int cols, eg_err *err);

/* What a result other than 0 means: EG_ENOMEM, or EG_EINVAL for a matrix
 * [n, m] whose `what` were not found. */
eg_status egi_lapack_fail(int info, const char *what, eg_index n, eg_index m,
                          eg_err *err);

#endif
