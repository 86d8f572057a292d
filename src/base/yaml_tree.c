/* YAML text to a tree of nodes, in one pass over libyaml's events.
 *
 * libyaml's own loader needs quadratic time for deep nesting and for many
 * anchors; here both are refused as they come, and nothing is read twice. */
#include "base/yaml_tree.h"

#include <string.h>
#include <yaml.h>

#include "base/grow.h"
#include "engram/mem.h"

enum { FIRST = 256 /* places of a list */ };
#define MAX_DIRECTIVES 16
#define MAX_ANCHORS 1000
/* a value has up to three events with its key and its end; the stream and the
 * document have four */
#define MAX_EVENTS (3 * (size_t)EG_YAML_MAX_NODES + 4)

typedef struct anchor {
    size_t name; /* where in the tree's text */
    int node;
} anchor;

typedef struct reader {
    yaml_parser_t parser;
    const char *name, *bytes;
    size_t size;
    egi_tree *tree;
    int open[EG_YAML_MAX_DEPTH], depth; /* lists and maps that are not ended */
    anchor *anchor;                     /* [MAX_ANCHORS]; NULL: no anchor yet */
    int n_anchors, n_documents;
    size_t n_events;
    eg_err *err;
} reader;

void egi_tree_fail_(const char *name, size_t line, size_t col,
                    const char *where, const char *why, eg_err *err)
{
    eg_fail_(err, EG_EFORMAT, where, "%s:%zu:%zu: %s", name, line, col, why);
}

static eg_status fail_at(const reader *r, yaml_mark_t at, const char *why)
{
    return EGI_TREE_FAIL(r->name, at.line + 1, at.column + 1, r->err, why);
}

static eg_status no_memory(const reader *r)
{
    return EG_FAIL(r->err, EG_ENOMEM, "%s: out of memory", r->name);
}

/* Where byte `offset` of the input stands, for errors that come without a
 * mark. */
static yaml_mark_t mark_of(const reader *r, size_t offset)
{
    yaml_mark_t at = {.line = 0};

    for (size_t i = 0; i < offset && i < r->size; i++) {
        unsigned char c = (unsigned char)r->bytes[i];

        if (c == '\n') {
            at.line++;
            at.column = 0;
        } else if ((c & 0xc0) != 0x80) {
            at.column++;
        }
    }
    return at;
}

static eg_status parser_error(const reader *r)
{
    const yaml_parser_t *p = &r->parser;
    yaml_mark_t at = p->problem_mark;
    const char *why = p->problem;

    /* libyaml does not always say so; everything else has a sentence */
    if (p->error == YAML_MEMORY_ERROR || !why) return no_memory(r);
    if (p->error == YAML_READER_ERROR) {
        at = mark_of(r, p->problem_offset);
    } else if (p->context) {
        return EG_FAIL(r->err, EG_EFORMAT, "%s:%zu:%zu: %s, %s on line %zu",
                       r->name, at.line + 1, at.column + 1, why, p->context,
                       p->context_mark.line + 1);
    }
    return fail_at(r, at, why);
}

/* libyaml compares every %TAG with all before it. */
static eg_status check_directives(const reader *r)
{
    yaml_mark_t at = {.line = 0};
    int n = 0;

    for (size_t i = 0; i < r->size; i++) {
        if (r->bytes[i] == '%' && (i == 0 || r->bytes[i - 1] == '\n')) n++;
        if (n > MAX_DIRECTIVES)
            return fail_at(r, at, "more than 16 lines begin with %");
        if (r->bytes[i] == '\n') at.line++;
    }
    return EG_OK;
}

/* ---- nodes ----------------------------------------------------------------
 */

/* Behind the children of the list or map that is open; the root has none. */
static eg_status add(reader *r, const egi_tree_node *node)
{
    egi_tree *t = r->tree;
    int at = (int)t->n;

    if (!egi_grow(&t->node, &t->room, t->n + 1, FIRST, sizeof *t->node))
        return no_memory(r);
    t->node[t->n++] = *node;
    if (r->depth > 0) {
        egi_tree_node *parent = &t->node[r->open[r->depth - 1]];

        if (parent->n++ == 0)
            parent->first = at;
        else
            t->node[parent->last].next = at;
        parent->last = at;
    }
    return EG_OK;
}

/* Text with a zero behind it, at *at. */
static eg_status keep(reader *r, const void *text, size_t length, size_t *at)
{
    egi_tree *t = r->tree;

    if (!egi_grow(&t->text, &t->text_room, (eg_index)(t->n_text + length + 1),
                  FIRST, 1))
        return no_memory(r);
    *at = t->n_text;
    memcpy(t->text + t->n_text, text, length);
    t->text[t->n_text + length] = '\0';
    t->n_text += length + 1;
    return EG_OK;
}

static egi_tree_node node_of(const yaml_event_t *e, eg_node_kind kind)
{
    return (egi_tree_node){.kind = kind,
                           .line = (int)e->start_mark.line + 1,
                           .col = (int)e->start_mark.column + 1,
                           .first = EGI_TREE_NONE,
                           .last = EGI_TREE_NONE,
                           .next = EGI_TREE_NONE,
                           .alias = EGI_TREE_NONE};
}

/* ---- anchors --------------------------------------------------------------
 */

static const anchor *find_anchor(const reader *r, const yaml_char_t *name)
{
    for (int i = 0; i < r->n_anchors; i++)
        if (strcmp(r->tree->text + r->anchor[i].name, (const char *)name) == 0)
            return &r->anchor[i];
    return NULL;
}

/* The node that comes next has that name; NULL: it has none. */
static eg_status add_anchor(reader *r, const yaml_char_t *name, yaml_mark_t at)
{
    const anchor *other;
    anchor *a;

    if (!name) return EG_OK;
    if (r->n_anchors == MAX_ANCHORS)
        return fail_at(r, at, "more than 1000 anchors");
    if (!r->anchor) r->anchor = eg_calloc(MAX_ANCHORS, sizeof *r->anchor);
    if (!r->anchor) return no_memory(r);
    other = find_anchor(r, name);
    if (other)
        return EG_FAIL(r->err, EG_EFORMAT,
                       "%s:%zu:%zu: second occurrence, found duplicate anchor; "
                       "first occurrence on line %d",
                       r->name, at.line + 1, at.column + 1,
                       r->tree->node[other->node].line);
    a = &r->anchor[r->n_anchors];
    a->node = (int)r->tree->n;
    r->n_anchors++;
    return keep(r, name, strlen((const char *)name), &a->name);
}

static eg_status take_alias(reader *r, const yaml_event_t *e)
{
    const anchor *a = find_anchor(r, e->data.alias.anchor);
    egi_tree_node node = node_of(e, EG_NODE_SCALAR);

    if (!a) return fail_at(r, e->start_mark, "found undefined alias");
    node.alias = a->node;
    return add(r, &node);
}

/* ---- events ---------------------------------------------------------------
 */

static eg_status take_scalar(reader *r, const yaml_event_t *e)
{
    egi_tree_node node = node_of(e, EG_NODE_SCALAR);
    eg_status st;

    node.quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node.length = e->data.scalar.length;
    EG_TRY(add_anchor(r, e->data.scalar.anchor, e->start_mark));
    EG_TRY(keep(r, e->data.scalar.value, node.length, &node.text));
    EG_TRY(add(r, &node));
done:
    return st;
}

/* A list or a map: what comes up to its end are its children. */
static eg_status take_start(reader *r, const yaml_event_t *e, eg_node_kind kind)
{
    const yaml_char_t *name = kind == EG_NODE_SEQ
                                  ? e->data.sequence_start.anchor
                                  : e->data.mapping_start.anchor;
    egi_tree_node node = node_of(e, kind);
    int at = (int)r->tree->n;
    eg_status st;

    if (r->depth == EG_YAML_MAX_DEPTH)
        return fail_at(r, e->start_mark, "nested deeper than 64 levels");
    EG_TRY(add_anchor(r, name, e->start_mark));
    EG_TRY(add(r, &node));
    r->open[r->depth++] = at;
done:
    return st;
}

static eg_status take(reader *r, const yaml_event_t *e)
{
    if (++r->n_events > MAX_EVENTS)
        return fail_at(r, e->start_mark, "more than 50000 values");
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++r->n_documents > 1)
            return fail_at(r, e->start_mark,
                           "expected one document, a second begins here");
        break;
    case YAML_SEQUENCE_START_EVENT:
        return take_start(r, e, EG_NODE_SEQ);
    case YAML_MAPPING_START_EVENT:
        return take_start(r, e, EG_NODE_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        r->depth--;
        break;
    case YAML_SCALAR_EVENT:
        return take_scalar(r, e);
    case YAML_ALIAS_EVENT:
        return take_alias(r, e);
    default:
        break;
    }
    return EG_OK;
}

/* Room for what a document of that size mostly holds; more is made later. */
static eg_status reserve(reader *r)
{
    egi_tree *t = r->tree;

    if (egi_grow(&t->node, &t->room, (eg_index)r->size / 16, FIRST,
                 sizeof *t->node) &&
        egi_grow(&t->text, &t->text_room, (eg_index)r->size, FIRST, 1))
        return EG_OK;
    return no_memory(r);
}

static eg_status read_events(reader *r)
{
    eg_status st = reserve(r);
    bool end = false;

    while (!end && st == EG_OK) {
        yaml_event_t e;

        if (!yaml_parser_parse(&r->parser, &e)) return parser_error(r);
        st = take(r, &e);
        end = e.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&e);
    }
    return st;
}

eg_status egi_tree_read(egi_tree *t, const char *bytes, size_t size,
                        const char *name, eg_err *err)
{
    reader r = {
        .name = name, .bytes = bytes, .size = size, .tree = t, .err = err};
    eg_status st;

    *t = (egi_tree){0};
    st = check_directives(&r);
    if (st != EG_OK) return st;
    if (!yaml_parser_initialize(&r.parser)) return no_memory(&r);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, size);
    st = read_events(&r);
    yaml_parser_delete(&r.parser);
    eg_free(r.anchor);
    if (st != EG_OK) egi_tree_release(t);
    return st;
}

void egi_tree_release(egi_tree *t)
{
    eg_free(t->node);
    eg_free(t->text);
    *t = (egi_tree){0};
}
