/* Allocations that fail, in whatever library they are made: to be preloaded
 * into a program.
 *
 *     ENGRAM_NOMEM=N        the N-th allocation of the process returns NULL
 *     ENGRAM_NOMEM=N+       so do all behind it
 *     ENGRAM_NOMEM_COUNT=F  the number of allocations is written to file F
 *
 * Counted from where this library is set up, together with the processes that
 * it starts by fork. Not counted: what glibc allocates for itself past these
 * names (threads' stacks, say), and what libgfortran does, which LAPACK brings:
 * without memory for its units, while it is loaded, its report of that asks for
 * memory, without end (gcc 12). */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): glibc's switch for RTLD_NEXT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static atomic_long *made; /* NULL: not yet counted */
static long fails;        /* 0: none */
static bool and_all_behind;
static char count_file[4096];

static bool fail(const void *caller)
{
    Dl_info from;
    long n;

    if (!made) return false;
    if (dladdr(caller, &from) && from.dli_fname &&
        strstr(from.dli_fname, "libgfortran"))
        return false;
    n = atomic_fetch_add(made, 1) + 1;
    if (fails == 0 || (and_all_behind ? n < fails : n != fails)) return false;
    errno = ENOMEM;
    return true;
}

typedef void *malloc_fn(size_t);
typedef void *pair_fn(size_t, size_t); /* calloc, aligned_alloc */
typedef void *realloc_fn(void *, size_t);
typedef int posix_memalign_fn(void **, size_t, size_t);

/* The function of that name that would have been called. */
#define NEXT(type, name) \
    static type *next;   \
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, name)

void *malloc(size_t size)
{
    NEXT(malloc_fn, "malloc");
    return fail(__builtin_return_address(0)) ? NULL : next(size);
}

void *calloc(size_t n, size_t size)
{
    NEXT(pair_fn, "calloc");
    return fail(__builtin_return_address(0)) ? NULL : next(n, size);
}

void *realloc(void *block, size_t size)
{
    NEXT(realloc_fn, "realloc");
    return fail(__builtin_return_address(0)) ? NULL : next(block, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    NEXT(pair_fn, "aligned_alloc");
    return fail(__builtin_return_address(0)) ? NULL : next(align, size);
}

int posix_memalign(void **block, size_t align, size_t size)
{
    NEXT(posix_memalign_fn, "posix_memalign");
    return fail(__builtin_return_address(0)) ? ENOMEM
                                             : next(block, align, size);
}

static __attribute__((constructor)) void begin(void)
{
    const char *which = getenv("ENGRAM_NOMEM");
    const char *file = getenv("ENGRAM_NOMEM_COUNT");
    int how = MAP_SHARED | MAP_ANONYMOUS;
    void *shared;

    if (which) {
        char *end;

        fails = strtol(which, &end, 10);
        and_all_behind = *end == '+';
    }
    if (file) (void)snprintf(count_file, sizeof count_file, "%s", file);
    /* cppcheck-suppress invalidFunctionArg */
    shared = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, how, -1, 0);
    if (shared == MAP_FAILED) _exit(99);
    made = shared;
}

static __attribute__((destructor)) void end(void)
{
    char line[32];
    int fd, n;

    if (!count_file[0]) return;
    n = snprintf(line, sizeof line, "%ld\n", atomic_load(made));
    fd = open(count_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, (size_t)n) != n) _exit(99);
    (void)close(fd);
}
