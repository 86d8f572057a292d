/* Lookups in the tables of panels.c, and the tables as JSON. */

#include <stdlib.h>
#include <string.h>
#include "nn/nn.h" /* egi_match */
#include "report/report_impl.h"

const egi_panel *egi_panel_find(const char *id)
{
    const egi_panel *p = egi_panels;

    while (p->id && strcmp(p->id, id) != 0) p++;
    return p->id ? p : NULL;
}

int egi_head_of(const char *name, size_t *length)
{
    const char *dot = strrchr(name, '.');
    size_t digits = dot && dot[1] == 'h' ? strspn(dot + 2, "0123456789") : 0;

    *length = strlen(name);
    if (digits == 0 || digits > 4 || dot[2 + digits]) return -1;
    *length = (size_t)(dot - name);
    return (int)strtol(dot + 2, NULL, 10);
}

const egi_panel *egi_panel_of(const char *name, bool flow)
{
    const egi_panel *p = egi_panel_find(egi_quantity_find(name)->panel);
    size_t n;

    if (p && strcmp(p->id, "attn") == 0 && egi_head_of(name, &n) >= 0)
        p = egi_panel_find("heads");
    EG_ASSERT(p); /* every quantity names a panel of the table */
    return p->flow && !flow ? egi_panel_find("other") : p;
}

const egi_quantity *egi_quantity_find(const char *name)
{
    const egi_quantity *q = egi_quantities;
    char whole[128];
    size_t n;

    (void)egi_head_of(name, &n);
    if (n >= sizeof whole) n = sizeof whole - 1;
    memcpy(whole, name, n);
    whole[n] = '\0';
    while (q[1].pattern && !egi_match(q->pattern, whole)) q++;
    return q;
}

const egi_heat_kind *egi_heat_kind_find(const char *name)
{
    const egi_heat_kind *k = egi_heat_kinds;

    while (k[1].pattern && !egi_match(k->pattern, name)) k++;
    return k;
}

json_t *egi_panels_json(void)
{
    json_t *list = json_array();
    int bad = 0;

    for (const egi_panel *p = egi_panels; p->id; p++)
        bad |= json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:b, s:b, s:s}", "id",
                      p->id, "title", p->title, "unit", p->unit, "note",
                      p->note, "lo", p->lo, "hi", p->hi, "fold", (int)p->fold,
                      "flow", (int)p->flow, "draw", p->draw));
    return egi_json_whole(list, bad);
}

void egi_quantity_label(char *out, size_t size, const egi_quantity *q,
                        const char *name)
{
    const char *star = strchr(q->label, '*'), *dot = strchr(name, '.');
    size_t length;
    int head = egi_head_of(name, &length);

    if (star)
        (void)snprintf(out, size, "%.*s%s%s", (int)(star - q->label), q->label,
                       dot && dot[1] ? dot + 1 : name, star + 1);
    else if (head >= 0)
        (void)snprintf(out, size, "%s, head %d", q->label, head);
    else
        (void)snprintf(out, size, "%s", q->label);
}

json_t *egi_quantities_json(const json_t *groups)
{
    static const char *const dash[] = {"solid", "dash", "dot"};
    json_t *all = json_object();
    size_t i, k;
    json_t *group, *run, *value;
    const char *name;
    int bad = 0;

    json_array_foreach(groups, i, group)
        json_array_foreach(json_object_get(group, "runs"), k, run)
            json_object_foreach(json_object_get(run, "series"), name, value)
    {
        const egi_quantity *q = egi_quantity_find(name);
        char label[160];
        size_t n;
        int head = egi_head_of(name, &n);

        if (json_object_get(all, name)) continue;
        egi_quantity_label(label, sizeof label, q, name);
        bad |= json_object_set_new(
            all, name,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:b}", "panel",
                      egi_panel_of(name, true)->id, "label", label, "light",
                      q->light, "dark", q->dark, "dash",
                      head < 0 ? q->dash : dash[head % 3], "help", q->help,
                      "order", (int)(q - egi_quantities), "off", (int)q->off));
    }
    return egi_json_whole(all, bad);
}

const egi_phase_kind *egi_phase_kind_find(const char *name)
{
    const egi_phase_kind *k = egi_phase_kinds;

    while (k[1].pattern && !egi_match(k->pattern, name)) k++;
    return k;
}

void egi_phase_title(char *buf, size_t size, const char *name)
{
    const egi_phase_kind *k = egi_phase_kind_find(name);
    const char *star = strchr(k->title, '*');
    const char *end = strcmp(k->pattern, "*") ? strrchr(name, '_') : NULL;

    if (!star)
        (void)snprintf(buf, size, "%s", k->title);
    else
        (void)snprintf(buf, size, "%s%s", end ? end + 1 : name, star + 1);
}

json_t *egi_phases_json(const egi_run *r)
{
    json_t *all = json_object();
    int bad = 0;

    for (int i = 0; r->theory && i < r->table.n && !bad; i++) {
        char name[128], title[160];
        double t;
        const egi_phase_kind *k;

        if (!egi_phase_split(r, r->table.series[i].name, name, sizeof name,
                             &t) ||
            json_object_get(all, name))
            continue;
        k = egi_phase_kind_find(name);
        egi_phase_title(title, sizeof title, name);
        bad |= json_object_set_new(all, name,
                                   json_pack("{s:o, s:s, s:s, s:s}", "title",
                                             egi_json_text(title), "value",
                                             k->value, "note", k->note,
                                             "boundary", egi_boundary_help));
    }
    return egi_json_whole(all, bad);
}
