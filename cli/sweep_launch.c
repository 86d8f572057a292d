/* Which of several processes is this? MPI's launchers and Slurm say it in the
 * environment; no library is needed to ask. */
#include "sweep_cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first of these that is set to a whole number; none: otherwise. */
static int number_of(const char *const *name, int otherwise)
{
    for (; *name; name++) {
        const char *text = getenv(*name);
        char *end;
        long v = text ? strtol(text, &end, 10) : 0;

        if (text && end != text && !*end && v >= 0 && v <= INT32_MAX)
            return (int)v;
    }
    return otherwise;
}

/* Names one launch, the same in all of its processes. */
static void name_launch(char id[EG_TEXT])
{
    /* of Open MPI with the address of its mpirun; of PMIx; of MPICH */
    static const char *const name[] = {"OMPI_MCA_orte_hnp_uri",
                                       "PMIX_NAMESPACE", "PMI_JOBID"};
    const char *job = getenv("SLURM_JOB_ID"), *step = getenv("SLURM_STEP_ID");

    id[0] = '\0';
    for (size_t i = 0; i < sizeof name / sizeof *name && !id[0]; i++)
        if (getenv(name[i]))
            (void)snprintf(id, EG_TEXT, "mpi %.200s", getenv(name[i]));
    if (!id[0] && job)
        (void)snprintf(id, EG_TEXT, "slurm %.100s.%.100s", job,
                       step ? step : "");
    if (!id[0]) /* of one machine, whose launcher started them all */
        (void)snprintf(id, EG_TEXT, "process %ld", (long)getppid());
}

void launch_read(launch *l)
{
    static const char *const rank[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK",
                                       "PMI_RANK", "SLURM_PROCID", NULL};
    static const char *const size[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
                                       "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS",
                                       NULL};
    static const char *const here[] = {"OMPI_COMM_WORLD_LOCAL_SIZE",
                                       "MPI_LOCALNRANKS",
                                       "SLURM_NTASKS_PER_NODE", NULL};

    l->size = number_of(size, 1);
    l->rank = l->size > 1 ? number_of(rank, 0) : 0;
    l->here = number_of(here, 1);
    if (l->size < 1) l->size = 1;
    if (l->here < 1 || l->size == 1) l->here = 1;
    l->id[0] = '\0';
    if (l->size > 1) name_launch(l->id);
}
