/* The one hook every allocation passes: counted, aligned, and able to fail on
 * request.
 *
 * A block carries its size in a header of one cache line in front of it, so
 * live bytes are exact; under ASan the header is poisoned. The counters, and
 * a LAPACK once it is loaded, are the only state of the process this library
 * keeps. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): RUSAGE_THREAD */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "engram/mem.h"
#include "base/asan.h"
#include "base/huge.h"

static _Atomic int64_t n_allocs, live_bytes, peak_bytes, fail_in;

static bool must_fail(void)
{
    int64_t n = atomic_load_explicit(&fail_in, memory_order_relaxed);

    if (n == 0 || n == -1) return n == -1; /* off, or all of them */
    if (n > 0) return atomic_fetch_sub(&fail_in, 1) == 1;
    atomic_fetch_add(&fail_in, 1);
    return false;
}

static void count_block(size_t bytes)
{
    int64_t live = atomic_fetch_add(&live_bytes, (int64_t)bytes);
    int64_t peak = atomic_load(&peak_bytes);

    live += (int64_t)bytes;
    atomic_fetch_add(&n_allocs, 1);
    while (live > peak &&
           !atomic_compare_exchange_weak(&peak_bytes, &peak, live)) {
    }
}

/* Activations and gradient sums are walked across rows: with 4 KiB pages every
 * few reads miss the first-level TLB (10 % of a training step), and where
 * physical pages happen to lie decides whether large products run at 95 or at
 * 76 % of peak. */
#define HUGE_PAGE ((size_t)1 << 21)

bool egi_huge_wanted(const char *path)
{
    char text[64] = "";
    FILE *f = fopen(path, "r");

    if (!f) return true;
    if (!fgets(text, sizeof text, f)) text[0] = '\0';
    (void)fclose(f);
    return !strstr(text, "[never]");
}

#if defined(__linux__) && !defined(MADV_COLLAPSE)
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

#ifdef MADV_HUGEPAGE
static void ask_huge(void *p, size_t bytes)
{
    (void)madvise(p, bytes, MADV_HUGEPAGE); /* a wish: refusal is fine */
}

/* Pages that this thread has touched first. */
static int64_t faults(void)
{
    struct rusage use = {0};

    return getrusage(RUSAGE_THREAD, &use) == 0 ? use.ru_minflt : 0;
}

/* Of a block that has just been written to, with `n` faults: one for each huge
 * page means that all is well. More of them, and none was to be had; less, and
 * malloc had the memory before, in whatever pages. To gather them later takes
 * long on a busy machine, so only then; and not where the machine wants no huge
 * pages, since nobody else would ask. */
static void make_huge(void *p, size_t bytes, int64_t n)
{
    int64_t pages = (int64_t)(bytes / HUGE_PAGE);

    if ((n < pages / 2 || n > 2 * pages + 16) &&
        egi_huge_wanted("/sys/kernel/mm/transparent_hugepage/enabled"))
        (void)madvise((unsigned char *)p - EG_ALIGN, bytes, MADV_COLLAPSE);
}
#else
static void ask_huge(void *p, size_t bytes)
{
    (void)p;
    (void)bytes;
}

static int64_t faults(void)
{
    return 0;
}

static void make_huge(void *p, size_t bytes, int64_t n)
{
    (void)p;
    (void)bytes;
    (void)n;
}
#endif

static void *block_new(size_t bytes)
{
    void *raw = NULL;
    size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : EG_ALIGN;

    if (must_fail() || bytes > (size_t)PTRDIFF_MAX - EG_ALIGN) return NULL;
    if (posix_memalign(&raw, align, bytes + EG_ALIGN) != 0) return NULL;
    if (align == HUGE_PAGE) ask_huge(raw, bytes + EG_ALIGN);
    memcpy(raw, &bytes, sizeof bytes);
    EGI_POISON(raw, EG_ALIGN);
    count_block(bytes);
    return (unsigned char *)raw + EG_ALIGN;
}

static size_t block_size(void *p)
{
    unsigned char *raw = (unsigned char *)p - EG_ALIGN;
    size_t bytes = 0;

    EGI_UNPOISON(raw, EG_ALIGN);
    memcpy(&bytes, raw, sizeof bytes);
    EGI_POISON(raw, EG_ALIGN);
    return bytes;
}

void *eg_calloc(size_t n, size_t size)
{
    void *p = NULL;

    if (size != 0 && n > SIZE_MAX / size) return NULL;
    p = block_new(n * size);
    if (p && n * size < HUGE_PAGE) {
        memset(p, 0, n * size);
    } else if (p) {
        int64_t before = faults();

        memset(p, 0, n * size);
        make_huge(p, n * size, faults() - before);
    }
    return p;
}

void *eg_realloc(void *p, size_t bytes)
{
    void *q = block_new(bytes);

    if (q && p) {
        size_t old = block_size(p);
        memcpy(q, p, old < bytes ? old : bytes);
        eg_free(p);
    }
    return q;
}

void eg_free(void *p)
{
    unsigned char *raw = p;

    if (!p) return;
    atomic_fetch_sub(&live_bytes, (int64_t)block_size(p));
    raw -= EG_ALIGN;
    EGI_UNPOISON(raw, EG_ALIGN);
    free(raw);
}

char *eg_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = eg_calloc(n, 1);

    if (p) memcpy(p, s, n);
    return p;
}

eg_mem_info eg_mem_query(void)
{
    return (eg_mem_info){.n_allocs = atomic_load(&n_allocs),
                         .live_bytes = atomic_load(&live_bytes),
                         .peak_bytes = atomic_load(&peak_bytes)};
}

void eg_mem_fail_after(int64_t n)
{
    atomic_store(&fail_in, n);
}
