/* Is this process one of several that mpirun or srun started? Then MPI is
 * loaded; no other process ever sees it. */
#include "ranks.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How many ranks whoever started us says there are; 1: it says nothing. */
static int announced(void)
{
    static const char *const name[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
                                       "MV2_COMM_WORLD_SIZE"};
    int n = 1;

    for (size_t i = 0; i < sizeof name / sizeof *name && n == 1; i++) {
        const char *text = getenv(name[i]);

        if (text) n = (int)strtol(text, NULL, 10);
    }
    return n > 1 ? n : 1;
}

/* Beside the tool, or where it is installed. RTLD_GLOBAL: MPI's own parts look
 * for it among what is loaded. */
static void *load(char *why, size_t size)
{
    static const char *const place[] = {"engram-mpi.so", ENGRAM_MODULE_PLACE};
    const char *given = getenv("ENGRAM_MPI");
    char dir[EG_PATH] = "", path[EG_PATH + 256];
    ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
    char *slash = n > 0 ? strrchr(dir, '/') : NULL;

    if (given) {
        void *module = dlopen(given, RTLD_NOW | RTLD_GLOBAL);

        if (!module) snprintf(why, size, "%s", dlerror());
        return module;
    }
    snprintf(why, size, "this engram was built without MPI");
    if (!slash) return NULL;
    *slash = '\0';
    for (size_t i = 0; i < sizeof place / sizeof *place; i++) {
        void *module;

        snprintf(path, sizeof path, "%s/%s", dir, place[i]);
        if (access(path, F_OK) != 0) continue;
        module = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
        if (module) return module;
        snprintf(why, size, "%s", dlerror());
    }
    return NULL;
}

/* A function of the module, which C does not let a pointer to data become. */
static bool find(void *fn, size_t size, void *module, const char *name)
{
    void *p = dlsym(module, name);

    EG_ASSERT(size == sizeof p);
    memcpy(fn, &p, sizeof p);
    return p != NULL;
}

int cli_ranks_open(eg_ranks *r)
{
    int n = announced();
    char why[512];
    const char *wrong;
    eg_ranks_open_fn fn = NULL;
    void *module;

    *r = (eg_ranks){.size = 1, .beside = 1};
    if (n == 1) return CLI_DONE;
    module = load(why, sizeof why);
    if (!module)
        return cli_fail(CLI_FAILED,
                        "started as one of %d ranks, which would all do the "
                        "same: %s (`engram doctor`)",
                        n, why);
    if (!find(&fn, sizeof fn, module, EG_RANKS_OPEN))
        return cli_fail(CLI_FAILED, "engram-mpi.so: %s", dlerror());
    wrong = fn(r);
    if (wrong) return cli_fail(CLI_FAILED, "%s", wrong);
    if (r->size > EG_RANKS_MAX)
        return cli_fail(CLI_FAILED, "%d ranks: expected %d at most", r->size,
                        EG_RANKS_MAX);
    if (r->size != n)
        return cli_fail(CLI_FAILED,
                        "started as one of %d ranks, but MPI counts %d: the "
                        "engram-mpi.so of this engram is of another MPI",
                        n, r->size);
    cli_mute(r->rank > 0);
    return CLI_DONE;
}

void cli_ranks_close(const eg_ranks *r)
{
    if (r->close) r->close(r->ctx);
}

int cli_ranks_agree(const eg_ranks *r, int code, bool *torn)
{
    size_t from[EG_RANKS_MAX + 1];
    unsigned char all[EG_RANKS_MAX];

    *torn = false;
    if (r->size == 1) return code;
    for (int i = 0; i <= r->size; i++) from[i] = (size_t)i;
    all[r->rank] = (unsigned char)code;
    r->gather(r->ctx, all, from);
    for (int i = 1; i < r->size; i++) *torn |= all[i] != all[0];
    return all[0];
}

/* Where ranks are bound to cores of their own, these; else an even share. */
int cli_ranks_threads(const eg_ranks *r)
{
    int mine = eg_cpu_count(), all = (int)sysconf(_SC_NPROCESSORS_ONLN);

    if (r->size == 1) return 0;
    if (r->beside <= 1 || mine < all) return mine;
    return mine / r->beside > 1 ? mine / r->beside : 1;
}

bool cli_ranks_module(char *text, size_t size)
{
    char why[512], version[200];
    void *module = load(why, sizeof why);
    eg_ranks_version_fn fn = NULL;
    const char *wrong;

    if (!module || !find(&fn, sizeof fn, module, EG_RANKS_VERSION)) {
        snprintf(text, size, "%s: training on several ranks is not there",
                 module ? "a module of another engram" : why);
        return false;
    }
    wrong = fn(version, sizeof version);
    snprintf(text, size, "%s", wrong ? wrong : version);
    return !wrong;
}
