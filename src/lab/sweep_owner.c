/* Whose a point is: a process, by the machine it runs on, its number, and when
 * it began, as numbers come again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/num.h"
#include "lab/sweep_priv.h"

enum { HOST = 100, STAT = 1024, START_FIELD = 22 };

static void host_name(char buf[HOST])
{
    if (gethostname(buf, HOST) != 0) memcpy(buf, "localhost", 10);
    buf[HOST - 1] = '\0';
    for (char *s = buf; *s; s++)
        if (!egi_is_alnum(*s) && *s != '.') *s = '-';
}

/* In clock ticks since the machine started, field 22 of /proc/PID/stat, behind
 * a name that may hold anything but ends with the last bracket; 0: there is no
 * such process (or nothing says so), or it is dead and not yet waited for. */
static unsigned long long start_of(long pid)
{
    char path[64], text[STAT];
    const char *s;
    eg_infile f;
    size_t n = 0;

    (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if (eg_infile_open(&f, path, 0, NULL) != EG_OK) return 0;
    if (eg_infile_read(&f, text, sizeof text - 1, &n, NULL) != EG_OK) n = 0;
    eg_infile_close(&f);
    text[n] = '\0';
    s = strrchr(text, ')');
    if (s && s[1] == ' ' && (s[2] == 'Z' || s[2] == 'X')) return 0;
    for (int field = 2; s && field < START_FIELD; field++) {
        s = strchr(s, ' ');
        if (s) s++;
    }
    return s ? strtoull(s, NULL, 10) : 0;
}

void egi_worker_name(char buf[160])
{
    char host[HOST];

    host_name(host);
    (void)snprintf(buf, 160, "%s:%ld:%llu", host, (long)getpid(),
                   start_of((long)getpid()));
}

bool egi_worker_alive(const char *worker, int64_t heartbeat, int64_t now)
{
    char host[HOST];
    const char *colon = strchr(worker, ':');
    char *end;
    long pid;
    unsigned long long start;

    host_name(host);
    if (strcmp(worker, EGI_WORKER_UNKNOWN) == 0)
        return now - heartbeat < EGI_STALE_UNKNOWN;
    if (!colon || (size_t)(colon - worker) != strlen(host) ||
        strncmp(worker, host, strlen(host)) != 0)
        return now - heartbeat < EGI_STALE;
    pid = strtol(colon + 1, &end, 10);
    if (pid <= 0 || *end != ':') return now - heartbeat < EGI_STALE;
    start = start_of(pid);
    return start != 0 && start == strtoull(end + 1, NULL, 10);
}
