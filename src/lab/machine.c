/* This build and this machine, in words, for records and `doctor`. */
#include "engram/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "engram/pool.h"
#include "base/num.h"
#include "lab/lab_priv.h"
#include "lab_version.h"

const char *eg_version(void)
{
    return EG_VERSION;
}

const char *eg_commit(void)
{
    return EG_COMMIT;
}

const char *egi_compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}

/* The value of a line "key : value" of /proc/cpuinfo; NULL for other keys. */
static char *value_of(char *line, const char *key)
{
    char *colon = strchr(line, ':');

    if (strncmp(line, key, strlen(key)) != 0 || !colon) return NULL;
    colon += 1 + strspn(colon + 1, " \t");
    colon[strcspn(colon, "\n")] = '\0';
    return colon;
}

void egi_cpu_model(char *buf, size_t size, FILE *cpuinfo)
{
    char line[256], maker[32] = "", *v;

    snprintf(buf, size, "unknown CPU");
    while (cpuinfo && fgets(line, sizeof line, cpuinfo)) {
        if ((v = value_of(line, "model name"))) {
            snprintf(buf, size, "%s", v);
            return;
        }
        /* arm64 has numbers for names */
        if ((v = value_of(line, "CPU implementer"))) {
            snprintf(maker, sizeof maker, "%.31s", v);
        } else if ((v = value_of(line, "CPU part"))) {
            snprintf(buf, size, "CPU of implementer %s, part %s", maker, v);
            return;
        }
    }
}

void egi_cpu_here(char *buf, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "re");

    egi_cpu_model(buf, size, f);
    if (f) fclose(f);
}

int64_t egi_memory_total(void)
{
    int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

    return pages > 0 && page > 0 ? pages * page : 0;
}

void eg_machine_describe(char *buf, size_t size)
{
    struct utsname u;
    char cpu[128];
    double gib = (double)egi_memory_total() / 1073741824.0;

    egi_cpu_here(cpu, sizeof cpu);
    if (uname(&u) != 0) memset(&u, 0, sizeof u);
    egi_snprintf(buf, size, "%s, %d cores, %.1f GiB, %s %s %s", cpu,
                 eg_cpu_count(), gib, u.sysname, u.release, u.machine);
}

int64_t eg_memory_peak(void)
{
    struct rusage r;

    if (getrusage(RUSAGE_SELF, &r) != 0) return 0;
    return (int64_t)r.ru_maxrss * 1024;
}

int64_t eg_memory_now(void)
{
    char line[128] = "", *end;
    long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (!f) return 0;
    if (fgets(line, sizeof line, f)) {
        strtoll(line, &end, 10); /* size, then what is resident */
        pages = strtoll(end, NULL, 10);
    }
    fclose(f);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}
