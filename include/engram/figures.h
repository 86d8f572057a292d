/* Figures of a benchmark: what was measured, on which machine, and how far it
 * scatters. One file of JSON holds them (docs/bench.md has the schema), and two
 * such files are compared. */
#ifndef ENGRAM_FIGURES_H
#define ENGRAM_FIGURES_H

#include "engram/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { EG_FIGURE_PEERS = 4 };

/* Another program's figure of the same work, measured beside it. */
typedef struct eg_figure_peer {
    char name[24];
    double value;
} eg_figure_peer;

typedef struct eg_figure {
    char name[112], unit[24]; /* a name stands once in a file */
    bool less;                /* less of it is better, as of seconds */
    int n;                    /* samples, at least 1 */
    double median, low, high; /* low and high are the quartiles */
    double best;
    double limit;                        /* what this machine allows at best */
    double share, share_low, share_high; /* of that; NAN, all: unknown */
    int n_peers;
    eg_figure_peer peer[EG_FIGURE_PEERS];
} eg_figure;

/* The machine that they were measured on. */
typedef struct eg_machine {
    char cpu[128], system[160]; /* "Intel ...", "Linux 6.1.0 x86_64" */
    char kernels[128];          /* sets that run here, "amx avx512 avx2 ..." */
    char clock[32];             /* source of the clock, "tsc" */
    int cores, nodes;           /* this process may use; of memory */
    int64_t l1, l2, l3, memory; /* bytes; 0: unknown */
    double load;                /* the minute before; -1: unknown */
} eg_machine;

/* Cost: a dozen small files of /proc and /sys. */
EG_API void eg_machine_look(eg_machine *m);

typedef struct eg_figures {
    char bench[24];   /* "kernels" */
    char kernels[16]; /* the set that was used */
    char version[32], commit[48], date[32];
    int threads;
    eg_machine machine;
    int n;
    eg_figure *row;
    bool no_memory; /* some figure is missing */
    eg_figure lost; /* where it was completed */
} eg_figures;

/* No figures yet, of this machine and now. */
EG_API void eg_figures_begin(eg_figures *f, const char *bench,
                             const char *kernels, int threads);
/* One more, of n >= 1 samples, which get sorted. Until the next one is added it
 * may be completed: eg_figure_share, eg_figure_peer_add. Where no memory is
 * left it is dropped, which eg_figures_json says. */
EG_API eg_figure *eg_figures_add(eg_figures *f, const char *name,
                                 const char *unit, bool less, double *sample,
                                 int n);
/* The same from quartiles. */
EG_API eg_figure *eg_figures_put(eg_figures *f, const char *name,
                                 const char *unit, bool less, int n, double low,
                                 double median, double high, double best);
/* Shares of the limit, sample by sample, which get sorted. */
EG_API void eg_figure_share(eg_figure *r, double limit, double *share, int n);
/* The same from quartiles. */
EG_API void eg_figure_share_put(eg_figure *r, double limit, double low,
                                double median, double high);
EG_API void eg_figure_peer_add(eg_figure *r, const char *name, double value);

/* As JSON text, to be released with eg_free; EG_ENOMEM. */
EG_API eg_status eg_figures_json(char **out, const eg_figures *f, eg_err *err);
/* What the files say they are, and the text by which one is known (file.h). */
#define EG_FIGURES_FORMAT "engram bench 1"
#define EG_FIGURES_MARK "\"format\": \"" EG_FIGURES_FORMAT "\""
/* Replaces nothing but such a file. EG_EINVAL, EG_EIO, EG_ENOMEM. */
EG_API eg_status eg_figures_write(const eg_figures *f, const char *path,
                                  eg_err *err);
/* EG_EFORMAT "FILE: ..." says what is missing or wrong in it. */
EG_API eg_status eg_figures_read(eg_figures *f, const char *path, eg_err *err);
EG_API void eg_figures_release(eg_figures *f);

/* ---- two files ------------------------------------------------------------
 */

typedef enum eg_change {
    EG_CHANGE_NONE, /* within the noise */
    EG_CHANGE_FASTER,
    EG_CHANGE_SLOWER,
    EG_CHANGE_ONLY_A, /* of one of the files alone */
    EG_CHANGE_ONLY_B,
    EG_CHANGE_UNKNOWN /* of other machines, and without shares */
} eg_change;

/* Medians that differ by less are the same, whatever the quartiles say; of
 * fewer than EG_FIGURE_FEW samples, which have no quartiles to speak of, those
 * that differ by less than the second. */
#define EG_FIGURE_NOISE 0.03
#define EG_FIGURE_NOISE_FEW 0.10
enum { EG_FIGURE_FEW = 4 };

typedef struct eg_figure_change {
    const eg_figure *a, *b; /* NULL: not in that file */
    eg_change what;
    double ratio; /* speed of b over that of a: above 1 it is faster */
    double noise; /* of it: what the ratio may differ from 1 */
} eg_figure_change;

typedef struct eg_figures_change {
    bool by_share; /* other machines: shares of their limits are compared */
    char why[256]; /* what differs between the files beside figures, or "" */
    int n, n_faster, n_slower, n_same;
    eg_figure_change *row; /* in a's order, then those of b alone */
} eg_figures_change;

/* A figure changed where medians differ by more than the larger of the two
 * interquartile ranges and by more than EG_FIGURE_NOISE of a's. Where CPU or
 * number of cores differ, the same is asked of the shares. The rows point into
 * a and b. EG_EINVAL: of other benchmarks, or no figure is in both. */
EG_API eg_status eg_figures_compare(eg_figures_change *out, const eg_figures *a,
                                    const eg_figures *b, eg_err *err);
EG_API void eg_figures_change_release(eg_figures_change *c);

#ifdef __cplusplus
}
#endif
#endif
