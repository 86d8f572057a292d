/* Loads LAPACK, and keeps OpenBLAS, where it is that, to one thread.
 *
 * OpenBLAS makes its threads while it is loaded, one for each processor that
 * the loading thread may run on; what cannot be made it answers with a SIGINT
 * to the process. So it is loaded by a thread that for this moment may run on
 * one processor only: no thread is made, and neither the environment nor
 * another thread of the host sees anything of it. A host may have loaded it
 * before with threads; its number is then 1 for the time of our calls.
 *
 * A thread's first product takes a buffer of 128 MiB, which OpenBLAS tries for
 * ever to get when there is no room. So room for as many as there are calls is
 * looked for first. */
#ifndef _GNU_SOURCE
/* NOLINTNEXTLINE(bugprone-reserved-identifier): glibc's switch for threads */
#define _GNU_SOURCE
#endif
#include "flow/lapack.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include "engram/flow.h"
#include "engram/mem.h"

#define LIBRARY "liblapacke.so.3"
#define BUFFER ((size_t)160 << 20)  /* with what else a call takes */
#define TO_LOAD ((size_t)256 << 20) /* code, data, a first buffer */

/* One for the process, as the library it stands for is. */
static struct {
    pthread_mutex_t lock;
    void *handle; /* NULL before the first call */
    egi_lapack table;
    int calls;         /* entered and not left */
    int threads_found; /* before the first of them */
    /* NULL where it is not OpenBLAS */
    int (*get_threads)(void);
    void (*set_threads)(int n);
    const char *(*config)(void);
} lapack = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool has_room(size_t bytes)
{
    int how = MAP_PRIVATE | MAP_ANONYMOUS;
    /* cppcheck-suppress invalidFunctionArg */
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, how, -1, 0);

    if (p == MAP_FAILED) return false;
    (void)munmap(p, bytes);
    return true;
}

static void *load_on_one_processor(void)
{
    void *handle;
#if defined(__linux__)
    cpu_set_t before, one;
    bool narrowed = sched_getaffinity(0, sizeof before, &before) == 0;
    int cpu = sched_getcpu();

    CPU_ZERO(&one);
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &one);
    narrowed = narrowed && sched_setaffinity(0, sizeof one, &one) == 0;
#endif
    handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
#if defined(__linux__)
    if (narrowed) (void)sched_setaffinity(0, sizeof before, &before);
#endif
    return handle;
}

/* *function, a pointer to a function, is what the library calls so; C knows no
 * conversion to one. False when there is no such name. */
static bool find(void *function, const char *name)
{
    void *symbol = dlsym(lapack.handle, name);

    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static eg_status load(eg_err *err)
{
    bool all = true;

    if (lapack.handle) return EG_OK;
    if (!has_room(TO_LOAD))
        return EG_FAIL(err, EG_ENOMEM,
                       "no room for LAPACK: it needs %zu MiB of address space",
                       TO_LOAD >> 20);
    errno = 0;
    lapack.handle = load_on_one_processor();
    if (!lapack.handle && errno == ENOMEM)
        return EG_FAIL(err, EG_ENOMEM, "no memory for LAPACK: %s", dlerror());
    if (!lapack.handle)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "eigenvalues and ranks need LAPACK: %s (on Debian, the "
                       "package liblapacke has it)",
                       dlerror());
#define FIND(name) all = find(&lapack.table.name, "LAPACKE_" #name) && all;
    EGI_LAPACK_LIST(FIND)
#undef FIND
    if (!all) {
        (void)dlclose(lapack.handle);
        lapack.handle = NULL;
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       LIBRARY " lacks functions of LAPACKE");
    }
    if (!find(&lapack.get_threads, "openblas_get_num_threads") ||
        !find(&lapack.set_threads, "openblas_set_num_threads"))
        lapack.get_threads = NULL;
    (void)find(&lapack.config, "openblas_get_config");
    return EG_OK;
}

/* With the lock held. */
static eg_status enter(eg_err *err)
{
    eg_status st = load(err);

    if (st != EG_OK) return st;
    if (!has_room((size_t)(lapack.calls + 1) * BUFFER))
        return EG_FAIL(err, EG_ENOMEM,
                       "no room for LAPACK: a call needs %zu MiB of address "
                       "space",
                       BUFFER >> 20);
    if (lapack.calls++ == 0 && lapack.get_threads) {
        lapack.threads_found = lapack.get_threads();
        if (lapack.threads_found != 1) lapack.set_threads(1);
    }
    return EG_OK;
}

eg_status egi_lapack_enter(const egi_lapack **out, eg_err *err)
{
    eg_status st;

    *out = NULL;
    (void)pthread_mutex_lock(&lapack.lock);
    st = enter(err);
    (void)pthread_mutex_unlock(&lapack.lock);
    if (st == EG_OK) *out = &lapack.table;
    return st;
}

void egi_lapack_leave(void)
{
    (void)pthread_mutex_lock(&lapack.lock);
    if (--lapack.calls == 0 && lapack.get_threads && lapack.threads_found != 1)
        lapack.set_threads(lapack.threads_found);
    (void)pthread_mutex_unlock(&lapack.lock);
}

eg_status egi_lapack_touch(int rows, int cols, eg_err *err)
{
    const egi_lapack *lapack_now;
    size_t n = (size_t)rows, m = (size_t)cols, tall = n > m ? n : m;
    double *a = eg_calloc(n * m + tall, sizeof *a), *b = a ? a + n * m : NULL;
    int32_t *pivot = eg_calloc(m, sizeof *pivot), rank = 0;
    eg_status st = EG_OK;
    int info;

    if (!a || !pivot) {
        st = EG_FAIL(err, EG_ENOMEM, "a matrix of [%d,%d]", rows, cols);
        goto done;
    }
    for (size_t i = 0; i < n * m; i++) a[i] = (double)(i * i % 17) + 1;
    for (size_t i = 0; i < n; i++) b[i] = (double)i;
    EG_TRY(egi_lapack_enter(&lapack_now, err));
    info = lapack_now->dgelsy(LAPACK_COL_MAJOR, rows, cols, 1, a, rows, b,
                              (int)tall, pivot, 1e-6, &rank);
    egi_lapack_leave();
    if (info != 0) st = egi_lapack_fail(info, "least squares", rows, cols, err);
done:
    eg_free(a);
    eg_free(pivot);
    return st;
}

eg_status egi_lapack_fail(int info, const char *what, eg_index n, eg_index m,
                          eg_err *err)
{
    if (info == LAPACK_WORK_MEMORY_ERROR ||
        info == LAPACK_TRANSPOSE_MEMORY_ERROR)
        return EG_FAIL(err, EG_ENOMEM, "%s of [%td,%td]: out of memory", what,
                       n, m);
    return EG_FAIL(err, EG_EINVAL,
                   "%s of [%td,%td]: not found (LAPACK says %d)", what, n, m,
                   info);
}

eg_status eg_flow_lapack(char *text, size_t size, eg_err *err)
{
    const egi_lapack *functions;
    eg_status st = egi_lapack_enter(&functions, err);

    if (st != EG_OK) return st;
    if (lapack.config)
        (void)snprintf(text, size, LIBRARY " with %s", lapack.config());
    else
        (void)snprintf(text, size, LIBRARY);
    egi_lapack_leave();
    return EG_OK;
}
