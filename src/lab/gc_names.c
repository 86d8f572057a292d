/* By which names and marks gc knows what engram makes in a run. */
#include "lab/gc_priv.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "engram/notes.h"
#include "lab/run_priv.h"

const char *const egi_gc_sub[EGI_GC_SUBS] = {"arrays", "checkpoints"};

int64_t egi_gc_step(const char *name)
{
    char plain[256];
    size_t n = strlen(name);

    if (egi_text_ends(name, ".aside")) n -= strlen(".aside");
    (void)snprintf(plain, sizeof plain, "%.*s", (int)n, name);
    return egi_checkpoint_step(plain);
}

static bool has_our_name(const char *sub, const char *name)
{
    static const char *const of_run[] = {
        "config.yaml",  "run.json",           "metrics.jsonl",
        "timing.jsonl", "metrics.jsonl.sums", "timing.jsonl.sums",
        "log",          EG_TOKENIZER_FILE,    EGI_NOTES};
    static const char *const of_arrays[] = {".npy", ".npy.sums", ".npy.part"};

    if (egi_is_unfinished(name)) return true;
    if (strcmp(sub, "checkpoints") == 0) return egi_gc_step(name) >= 0;
    if (strcmp(sub, "arrays") == 0) {
        for (size_t i = 0; i < sizeof of_arrays / sizeof *of_arrays; i++)
            if (egi_text_ends(name, of_arrays[i])) return true;
        return strcmp(name, EGI_SUMS) == 0 || strcmp(name, "profile.json") == 0;
    }
    if (strncmp(name, "config.", 7) == 0 &&
        egi_is_digit(name[7])) /* extended */
        return strcmp(name + 7 + strspn(name + 7, "0123456789"), ".yaml") == 0;
    for (size_t i = 0; i < sizeof of_run / sizeof *of_run; i++)
        if (strcmp(name, of_run[i]) == 0) return true;
    return false;
}

static bool is_our_page(const eg_folder *f, const char *name)
{
    return strcmp(name, "report.html") == 0 &&
           egi_has_mark(f->fd, name,
                        "<meta name=\"generator\" content=\"engram\">");
}

bool egi_gc_ours(const eg_folder *f, const char *sub, const char *name)
{
    return has_our_name(sub, name) || (!sub[0] && is_our_page(f, name));
}
