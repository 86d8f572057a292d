/* What a run shows of itself in few words: on the progress line, at its end,
 * in the table of a sweep. */
#include <stdio.h>
#include <string.h>

#include "lab/lab_priv.h"

typedef struct line {
    const char *name; /* <group>: the one whose loss is trained */
    const char *brief;
    bool swept;
    unsigned of; /* bits, where it is the task's business */
} line;

/* Tasks with triggers have names of their own for what they count. */
enum { TRIGGERS = 1, GROUPS = 2 };

static const line of_training[] = {
    {"loss", "", true, 0},
    {"acc_in_context", "acc", false, TRIGGERS},
    {"acc_in_context_test", "", true, TRIGGERS},
    {"acc.<group>", "acc", false, GROUPS},
    {"acc_test.<group>", "", true, GROUPS},
    {"loss_test.<group>", "", true, GROUPS},
    {"recall_W_O2", "W_O2", false, TRIGGERS},
    {"recall_W_K2", "W_K2", false, TRIGGERS},
    {"recall_W_K1_early", "W_K1", false, TRIGGERS},
    {"recall_W_K1", "", false, TRIGGERS},
    {"kl_W_F", "", false, TRIGGERS},
    {NULL, NULL, false, 0}};

static const line of_flow[] = {{"t", "", false, 0},
                               {"energy", "energy", true, 0},
                               {"order", "", true, 0},
                               {"inner_mean", "", false, 0},
                               {"components", "components", true, 0},
                               {"hull", "", true, 0},
                               {NULL, NULL, false, 0}};

static const line *lines_of(const eg_config *cfg)
{
    static const line none[] = {{NULL, NULL, false, 0}};

    if (cfg->run.kind == EG_RUN_TRAIN) return of_training;
    return cfg->run.kind == EG_RUN_FLOW ? of_flow : none;
}

bool eg_headline_at(eg_headline *out, const eg_config *cfg, int i)
{
    int kind = (int)cfg->task.kind;
    bool triggers = eg_task_group_find(kind, "triggers") != NULL;
    unsigned has = triggers ? TRIGGERS : GROUPS;
    const line *l = lines_of(cfg);
    const eg_group *trained = eg_task_group_find(kind, "");

    for (; l->name; l++) {
        size_t head = strcspn(l->name, "<");

        if ((l->of & ~has) || i-- > 0) continue;
        (void)snprintf(out->name, sizeof out->name, "%.*s%s", (int)head,
                       l->name, l->name[head] ? trained->name : "");
        out->brief = l->brief;
        out->swept = l->swept;
        return true;
    }
    return false;
}

void egi_news_put(eg_progress *p, const eg_config *cfg, const char *name,
                  double value)
{
    eg_headline h;

    for (int i = 0; eg_headline_at(&h, cfg, i); i++) {
        if (!h.brief[0] || strcmp(h.name, name) != 0) continue;
        for (i = 0; i < p->n_news && p->news[i].brief != h.brief;) i++;
        if (i == EG_NEWS) return;
        if (i == p->n_news) p->n_news++;
        p->news[i] = (eg_news){h.brief, value};
        return;
    }
}
