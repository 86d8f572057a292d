/* Which sets run on this CPU, and which one a name means. */
#include <stdatomic.h>
#include <string.h>

#include "kern/kern_sets.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(EG_AVX512_SETS) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#define HAS_AMX_SET
#endif

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

/* AMX tiles and their products of bfloat16: CPUID leaf 7, EDX bits 24, 22; and
 * conversions to it, AVX512-BF16: subleaf 1, EAX bit 5. */
static bool has_amx_bf16(void)
{
    const unsigned both = 1u << 24 | 1u << 22, convert = 1u << 5;
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & both) == both &&
           __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & convert);
}
#endif

#ifdef HAS_AMX_SET
/* A process asks Linux for the tiles once; the answer holds for its threads,
 * and is kept: every CPUID leaves a virtual machine, which takes microseconds,
 * and some ask for a set at each small product. */
static bool has_amx(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    static atomic_int answer; /* 0: not asked yet, 1: no, 2: yes */
    int known = atomic_load_explicit(&answer, memory_order_relaxed);

    if (!known) {
        known =
            1 + (has_avx512() && has_amx_bf16() &&
                 syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0);
        atomic_store_explicit(&answer, known, memory_order_relaxed);
    }
    return known == 2;
}
#endif

static const struct {
    const eg_kern_f32 *set, *bf16;
    const eg_kern_f64 *wide;
    const egi_half *half;
    const egi_peak *peak[2]; /* in float32, in float64 */
    bool (*runs)(void);
} sets[] = {
/* best first */
#ifdef HAS_AMX_SET
    {&egi_kern_amx,
     &egi_kern_amx_bf16,
     &egi_kern_avx512_f64, /* tiles do not multiply doubles */
     &egi_half_amx,
     {&egi_peak_amx, &egi_peak_avx512_f64},
     has_amx},
#endif
#ifdef EG_AVX512_SETS
    {&egi_kern_avx512,
     &egi_kern_avx512_bf16,
     &egi_kern_avx512_f64,
     &egi_half_avx512,
     {&egi_peak_avx512, &egi_peak_avx512_f64},
     has_avx512},
#endif
#ifdef EG_X86_SETS
    {&egi_kern_avx2,
     &egi_kern_avx2_bf16,
     &egi_kern_avx2_f64,
     &egi_half_avx2,
     {&egi_peak_avx2, &egi_peak_avx2_f64},
     has_avx2},
#endif
    {&egi_kern_generic,
     &egi_kern_generic_bf16,
     &egi_kern_generic_f64,
     &egi_half_generic,
     {&egi_peak_generic, &egi_peak_generic_f64},
     always},
    {&egi_kern_ref_f32,
     &egi_kern_ref_bf16,
     &egi_kern_ref_f64,
     &egi_half_ref,
     {&egi_peak_generic, &egi_peak_generic_f64},
     always},
};

enum { N_SETS = sizeof sets / sizeof sets[0] };

const char *eg_kern_name(int i)
{
    for (int s = 0; s < N_SETS; s++) {
        if (sets[s].runs() && i-- == 0) return sets[s].set->name;
    }
    return NULL;
}

/* The place of a runnable set in the table, NULL the best; -1 if there is none.
 */
static int find(const char *name)
{
    bool any = !name || strcmp(name, "auto") == 0;

    for (int s = 0; s < N_SETS; s++) {
        if (!any && strcmp(name, sets[s].set->name) != 0 &&
            strcmp(name, sets[s].bf16->name) != 0)
            continue;
        if (sets[s].runs()) return s;
    }
    return -1;
}

static bool is_bf16(int s, const char *name)
{
    return s >= 0 && name && strcmp(name, sets[s].bf16->name) == 0;
}

const eg_kern_f32 *eg_kern_pick(const char *name)
{
    int s = find(name);

    if (s < 0) return NULL;
    return is_bf16(s, name) ? sets[s].bf16 : sets[s].set;
}

const eg_kern_f32 *eg_kern_pick_bf16(const char *name)
{
    int s = find(name);
    return s < 0 ? NULL : sets[s].bf16;
}

eg_status eg_kern_check(const char *name, eg_err *err)
{
    if (!eg_kern_pick(name))
        return EG_FAIL(err, EG_EINVAL,
                       "kernel set \"%s\" is unknown or does not run on this "
                       "machine (engram doctor lists them)",
                       name);
    return EG_OK;
}

const char *eg_kern_beside(const char *name)
{
    int s = find(name);

    return is_bf16(s, name) ? sets[s].set->name : NULL;
}

const egi_half *egi_half_pick(const char *name)
{
    int s = find(name);
    return s < 0 ? NULL : sets[s].half;
}

const egi_peak *egi_peak_pick(const char *name, bool wide)
{
    int s = find(name);
    return s < 0 ? NULL : sets[s].peak[wide];
}

const eg_kern_f64 *eg_kern_pick_f64(const char *name)
{
    int s = find(name);
    return s < 0 || eg_kern_beside(name) ? NULL : sets[s].wide;
}

#if defined(__x86_64__)
const char *eg_cpu_features(void)
{
    if (!has_avx2()) return "x86-64";
    if (!has_avx512()) return "avx2 fma";
    return has_amx_bf16() ? "avx512f avx2 fma amx-bf16" : "avx512f avx2 fma";
}
#elif defined(__aarch64__)
const char *eg_cpu_features(void)
{
    return "arm64 neon";
}
#else
const char *eg_cpu_features(void)
{
    return "no vector unit known";
}
#endif
