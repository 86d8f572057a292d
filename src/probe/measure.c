#include "probe/measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "engram/mem.h"

static const char *const patterns[2] = {"blocks.0.attn.hook_pattern",
                                        "blocks.1.attn.hook_pattern"};

unsigned egi_measure_offers(const eg_eval *eval)
{
    const char *hook;
    unsigned has = EGI_NEEDS_NOTHING;

    for (int i = 0; (hook = eg_eval_hook_name(eval, i)) != NULL; i++) {
        if (strcmp(hook, patterns[0]) == 0) has |= EGI_NEEDS_LOOK1;
        if (strcmp(hook, patterns[1]) == 0) has |= EGI_NEEDS_LOOK2;
    }
    return has;
}

unsigned egi_measure_told(const eg_task *task)
{
    bool triggers =
        eg_task_group_find(eg_task_options(task)->kind, "triggers") != NULL;
    unsigned has = triggers ? EGI_NEEDS_TRIGGERS : EGI_NEEDS_GROUP;

    has |= EGI_NEEDS_POSITION;
    if (eg_task_nats(task, NULL, NULL)) has |= EGI_NEEDS_LAW;
    return eg_task_vocab(task) > 0 ? has | EGI_NEEDS_TOKENS : has;
}

/* Columns of a probe here; 0: not measured. */
static int width_of(const egi_measure *m, const egi_probe *p, egi_probe_kind on)
{
    int width = 1;

    if (p->kind != on) return 0;
    if (p->needs & ~m->has) return 0;
    if (p->needs & EGI_NEEDS_LOOK1) width *= m->n_heads;
    if (p->needs & EGI_NEEDS_LOOK2) width *= m->n_heads;
    return width;
}

static void add_row(egi_measure *m, const egi_probe *p, int width,
                    const eg_group *group, int at, int *n_names)
{
    EG_ASSERT(m->n_rows < EGI_PROBES_MAX);
    m->row[m->n_rows++] =
        (egi_measured){p, m->n_cols, width, *n_names, group, at};
    m->n_cols += width;
    if (width > 1) *n_names += m->n_heads;
    if (group || at >= 0) *n_names += 1;
}

static int choose_rows(egi_measure *m, egi_probe_kind on)
{
    int n_names = 0;

    for (int i = 0; i < egi_n_probes; i++) {
        const egi_probe *p = &egi_probe_table[i];
        int width = width_of(m, p, on);
        const eg_group *g;

        if (width == 0) continue;
        if (p->needs & EGI_NEEDS_GROUP)
            for (int k = 0; (g = eg_task_group(m->task, k)); k++)
                add_row(m, p, width, g, -1, &n_names);
        else if (p->needs & EGI_NEEDS_POSITION)
            for (int k = 0; k < m->n_at; k++)
                add_row(m, p, width, NULL, m->at[k], &n_names);
        else
            add_row(m, p, width, NULL, -1, &n_names);
    }
    return n_names;
}

/* "attn_prev.h3"; "loss.later" where the row says "loss.<group>"; "loss_at.1".
 */
static void name_row(egi_measure *m, const egi_measured *row)
{
    const char *name = row->probe->info.name;

    if (row->group)
        (void)snprintf(m->name[row->names], EGI_NAME, "%.*s%s",
                       (int)strcspn(name, "<"), name, row->group->name);
    if (row->at >= 0)
        (void)snprintf(m->name[row->names], EGI_NAME, "%.*s%d",
                       (int)strcspn(name, "<"), name, row->at + 1);
    for (int h = 0; row->width > 1 && h < m->n_heads; h++)
        (void)snprintf(m->name[row->names + h], EGI_NAME, "%s.h%d", name, h);
}

static bool is_named(const egi_measure *m, int at)
{
    for (int k = 0; k < m->n_at; k++)
        if (m->at[k] == at) return true;
    return false;
}

eg_status egi_measure_at(egi_measure *m, const eg_strs *list, eg_err *err)
{
    for (int i = 0; i < list->n; i++) {
        int64_t t;

        if (!egi_int_parse(list->item[i], &t) || t < 1 || t > m->n_ctx)
            return EG_FAIL(err, EG_EINVAL,
                           "probe.positions: expected 1 to %d, found '%s'",
                           m->n_ctx, list->item[i]);
        if (is_named(m, (int)t - 1)) /* a row has a name once */
            return EG_FAIL(err, EG_EINVAL,
                           "probe.positions: expected each once, found '%s' a "
                           "second time",
                           list->item[i]);
        m->at[m->n_at++] = (int)t - 1;
    }
    return EG_OK;
}

eg_status egi_measure_init(egi_measure *m, egi_probe_kind on, int threads,
                           eg_err *err)
{
    int n_names = choose_rows(m, on);
    size_t cells = (m->has & EGI_NEEDS_LOOKS ? 2 : 0) * (size_t)threads *
                   (size_t)m->n_heads;

    m->name = eg_calloc((size_t)n_names, sizeof *m->name);
    m->part = eg_calloc((size_t)m->count * (size_t)m->n_cols, sizeof *m->part);
    m->sum = eg_calloc((size_t)m->n_cols, sizeof *m->sum);
    m->look = eg_calloc(cells * (size_t)m->n_ctx, sizeof *m->look);
    if (m->has & EGI_NEEDS_LAW)
        m->law = eg_calloc((size_t)threads * (size_t)m->n_ctx, sizeof *m->law);
    if (!m->name || !m->part || !m->sum || !m->look ||
        (m->has & EGI_NEEDS_LAW && !m->law)) {
        egi_measure_release(m);
        return EG_FAIL(err, EG_ENOMEM, "probes on %d sequences", m->count);
    }
    for (int r = 0; r < m->n_rows; r++) name_row(m, &m->row[r]);
    return EG_OK;
}

void egi_measure_release(egi_measure *m)
{
    eg_free(m->name);
    eg_free(m->part);
    eg_free(m->sum);
    eg_free(m->look);
    eg_free(m->law);
    *m = (egi_measure){0};
}

void egi_measure_add(egi_measure *m, int index, int worker, egi_seq *seq,
                     const eg_view *pattern)
{
    eg_index T = m->n_ctx, map = m->n_heads * T;
    int32_t *look =
        m->look + (m->has & EGI_NEEDS_LOOKS ? (eg_index)worker * 2 * map : 0);
    egi_ratio *part = m->part + (eg_index)index * m->n_cols;

    if (pattern && m->has & EGI_NEEDS_LOOK1) egi_attn_look(look, &pattern[0]);
    if (pattern && m->has & EGI_NEEDS_LOOK2)
        egi_attn_look(look + map, &pattern[1]);
    for (int r = 0; r < m->n_rows; r++) {
        const egi_measured *row = &m->row[r];
        unsigned needs = row->probe->needs;
        bool pairs = (needs & EGI_NEEDS_LOOKS) == EGI_NEEDS_LOOKS;

        seq->group = row->group;
        seq->at = row->at;
        for (int c = 0; c < row->width; c++) {
            int h1 = pairs ? c % m->n_heads : c;
            int h2 = pairs ? c / m->n_heads : c;
            seq->look1 = needs & EGI_NEEDS_LOOK1 ? look + h1 * T : NULL;
            seq->look2 = needs & EGI_NEEDS_LOOK2 ? look + map + h2 * T : NULL;
            part[row->first + c] = row->probe->batch(seq);
        }
    }
}

/* Raises *best to the ratio's value; false where there was nothing to count. */
static bool raise(double *best, bool any, const egi_ratio *r)
{
    if (!(r->count > 0)) return any;
    double value = r->sum / r->count;
    if (!any || value > *best || isnan(value)) *best = value;
    return true;
}

static void emit_row(const egi_measure *m, const egi_measured *row,
                     eg_probe_emit emit, void *ctx)
{
    int per_head = row->width == 1 ? 1 : row->width / m->n_heads;
    double best = 0;
    bool any = false;

    for (int c = 0; c < row->width; c += per_head) {
        double value = 0;
        bool has = false;

        for (int k = c; k < c + per_head; k++) {
            has = raise(&value, has, &m->sum[row->first + k]);
            any = raise(&best, any, &m->sum[row->first + k]);
        }
        if (has && row->width > 1) {
            emit(ctx, m->name[row->names + c / per_head], value);
        }
    }
    if (any)
        emit(ctx,
             row->group || row->at >= 0 ? m->name[row->names]
                                        : row->probe->info.name,
             best);
}

void egi_measure_emit(egi_measure *m, eg_probe_emit emit, void *ctx)
{
    memset(m->sum, 0, sizeof *m->sum * (size_t)m->n_cols);
    for (int i = 0; i < m->count; i++) {
        const egi_ratio *part = m->part + (eg_index)i * m->n_cols;
        for (int c = 0; c < m->n_cols; c++) {
            m->sum[c].sum += part[c].sum;
            m->sum[c].count += part[c].count;
        }
    }
    for (int r = 0; r < m->n_rows; r++) emit_row(m, &m->row[r], emit, ctx);
}

static void on_sequence(void *ctx, int index, int worker, const eg_acts *acts)
{
    egi_measure *m = ctx;
    eg_view pattern[2] = {{.data = NULL}, {.data = NULL}};
    egi_seq seq = {.n_ctx = acts->n_ctx,
                   .tokens = acts->tokens,
                   .targets = acts->targets,
                   .occur = acts->labels,
                   .pred = acts->pred,
                   .nll = acts->nll};

    if (m->law) {
        double *law = m->law + (eg_index)worker * m->n_ctx;

        if (eg_task_nats(m->from, acts->targets, law)) seq.law = law;
    }
    for (int i = 0; i < 2 && (m->has & EGI_NEEDS_LOOKS); i++)
        (void)eg_acts_hook(acts, patterns[i], &pattern[i]);
    egi_measure_add(m, index, worker, &seq, pattern);
}

void egi_measure_run(egi_measure *m, eg_eval *eval, eg_split split,
                     uint64_t step)
{
    eg_eval_run(eval, split, step, 0, m->count, on_sequence, m);
}
