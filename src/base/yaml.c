/* YAML text to a tree of nodes with positions.
 *
 * libyaml needs quadratic time for deep nesting and for many anchors, so a
 * first pass over its events refuses both. The document is then loaded and
 * measured, aliases written out and the limits checked; at last nodes and text
 * go into two blocks of exactly that size. */
#include <string.h>
#include <yaml.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "engram/yaml.h"
#include "base/folder.h"

#define MAX_DIRECTIVES 16
#define MAX_ANCHORS 1000
/* a value has up to three events with its key and its end; the stream and the
 * document have four */
#define MAX_EVENTS (3 * (size_t)EG_YAML_MAX_NODES + 4)

struct eg_yaml {
    eg_node *nodes;
    char *text; /* file name, keys and scalars, one after the other */
};

typedef struct builder {
    yaml_parser_t parser;
    yaml_document_t doc;
    bool has_parser, has_doc;
    const char *name;
    size_t n_nodes, n_bytes; /* measured, then used up while building */
    eg_node *node;
    char *text;
    eg_err *err;
} builder;

#define MARK_FAIL(b, mark, st, ...) \
    mark_fail((b), (mark), (st), EG_HERE, __VA_ARGS__)

static eg_status mark_fail(const builder *b, yaml_mark_t at, eg_status st,
                           const char *where, const char *why)
{
    eg_fail_(b->err, st, where, "%s:%zu:%zu: %s", b->name, at.line + 1,
             at.column + 1, why);
    return st;
}

/* Where byte `offset` of the input stands, for errors that come without a
 * mark. */
static yaml_mark_t mark_of(const char *bytes, size_t size, size_t offset)
{
    yaml_mark_t at = {.line = 0};

    for (size_t i = 0; i < offset && i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c == '\n') {
            at.line++;
            at.column = 0;
        } else if ((c & 0xc0) != 0x80) {
            at.column++;
        }
    }
    return at;
}

static eg_status parser_error(const builder *b, const char *bytes, size_t size)
{
    const yaml_parser_t *p = &b->parser;
    yaml_mark_t at = p->problem_mark;
    const char *why = p->problem;

    /* libyaml does not always say so; everything else has a sentence */
    if (p->error == YAML_MEMORY_ERROR || !why) {
        return EG_FAIL(b->err, EG_ENOMEM, "%s: out of memory", b->name);
    }
    if (p->error == YAML_READER_ERROR) {
        at = mark_of(bytes, size, p->problem_offset);
    } else if (p->context) {
        return EG_FAIL(b->err, EG_EFORMAT, "%s:%zu:%zu: %s, %s on line %zu",
                       b->name, at.line + 1, at.column + 1, why, p->context,
                       p->context_mark.line + 1);
    }
    return MARK_FAIL(b, at, EG_EFORMAT, why);
}

static eg_status open_parser(builder *b, const char *bytes, size_t size)
{
    if (b->has_parser) yaml_parser_delete(&b->parser);
    b->has_parser = yaml_parser_initialize(&b->parser) != 0;
    if (!b->has_parser) {
        return EG_FAIL(b->err, EG_ENOMEM, "%s: out of memory", b->name);
    }
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)bytes,
                                 size);
    return EG_OK;
}

/* libyaml compares every %TAG with all before it. */
static eg_status check_directives(const builder *b, const char *bytes,
                                  size_t size)
{
    yaml_mark_t at = {.line = 0};
    int n = 0;

    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '%' && (i == 0 || bytes[i - 1] == '\n')) n++;
        if (n > MAX_DIRECTIVES) {
            return MARK_FAIL(b, at, EG_EFORMAT,
                             "more than 16 lines begin with %");
        }
        if (bytes[i] == '\n') at.line++;
    }
    return EG_OK;
}

static bool has_anchor(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return e->data.scalar.anchor != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.anchor != NULL;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.anchor != NULL;
    default:
        return false;
    }
}

/* What the events so far amount to. */
typedef struct tally {
    int depth, n_documents, n_anchors;
    size_t n_events;
} tally;

/* Counts one event; the complaint when it is one too many, else NULL. */
static const char *count_event(tally *t, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++t->n_documents > 1) {
            return "expected one document, a second begins here";
        }
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        if (++t->depth > EG_YAML_MAX_DEPTH) {
            return "nested deeper than 64 levels";
        }
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        t->depth--;
        break;
    default:
        break;
    }
    if (has_anchor(e) && ++t->n_anchors > MAX_ANCHORS) {
        return "more than 1000 anchors";
    }
    if (++t->n_events > MAX_EVENTS) return "more than 50000 values";
    return NULL;
}

static eg_status scan(builder *b, const char *bytes, size_t size)
{
    eg_status st = EG_OK;
    yaml_event_t e;
    bool end = false;
    tally t = {0};

    EG_TRY(check_directives(b, bytes, size));
    EG_TRY(open_parser(b, bytes, size));
    while (!end) {
        const char *why = NULL;

        if (!yaml_parser_parse(&b->parser, &e)) {
            return parser_error(b, bytes, size);
        }
        why = count_event(&t, &e);
        if (why) st = MARK_FAIL(b, e.start_mark, EG_EFORMAT, why);
        end = why || e.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&e);
    }
done:
    return st;
}

static eg_status load_document(builder *b, const char *bytes, size_t size)
{
    eg_status st = EG_OK;
    yaml_mark_t start = {.line = 0};

    EG_TRY(scan(b, bytes, size));
    EG_TRY(open_parser(b, bytes, size));
    if (!yaml_parser_load(&b->parser, &b->doc)) {
        return parser_error(b, bytes, size);
    }
    b->has_doc = true;
    if (!yaml_document_get_root_node(&b->doc)) {
        st = MARK_FAIL(b, start, EG_EFORMAT, "the document is empty");
    }
done:
    return st;
}

static yaml_node_t *node_at(builder *b, int index)
{
    yaml_node_t *n = yaml_document_get_node(&b->doc, index);

    EG_ASSERT(n);
    return n;
}

static const char *scalar_text(const yaml_node_t *n)
{
    return (const char *)n->data.scalar.value;
}

/* Adds the text of a scalar to the measure; libyaml's escapes can make bytes
 * that C text cannot hold. */
static eg_status measure_scalar(builder *b, const yaml_node_t *n)
{
    size_t length = n->data.scalar.length;

    if (memchr(scalar_text(n), '\0', length)) {
        return MARK_FAIL(b, n->start_mark, EG_EFORMAT,
                         "text holds a zero character");
    }
    b->n_bytes += length + 1;
    if (b->n_bytes > 4 * (size_t)EG_YAML_MAX_BYTES) {
        return MARK_FAIL(b, n->start_mark, EG_EFORMAT,
                         "aliases make the document too large");
    }
    return EG_OK;
}

static eg_status check_keys(builder *b, const yaml_node_t *map)
{
    const yaml_node_pair_t *from = map->data.mapping.pairs.start;
    const yaml_node_pair_t *end = map->data.mapping.pairs.top;

    if (end - from > EG_YAML_MAX_KEYS) {
        return MARK_FAIL(b, map->start_mark, EG_EFORMAT,
                         "a map of more than 4096 keys");
    }
    for (const yaml_node_pair_t *p = from; p < end; p++) {
        const yaml_node_t *key = node_at(b, p->key);

        if (key->type != YAML_SCALAR_NODE) {
            return MARK_FAIL(b, key->start_mark, EG_EFORMAT,
                             "expected a key of plain text");
        }
        for (const yaml_node_pair_t *q = from; q < p; q++) {
            const yaml_node_t *other = node_at(b, q->key);

            if (strcmp(scalar_text(key), scalar_text(other)) == 0) {
                eg_fail_(b->err, EG_EFORMAT, EG_HERE,
                         "%s:%zu:%zu: key '%.*s' stands here a second time, "
                         "first on line %zu",
                         b->name, key->start_mark.line + 1,
                         key->start_mark.column + 1,
                         eg_text_fit(scalar_text(key), 64), scalar_text(key),
                         other->start_mark.line + 1);
                return EG_EFORMAT;
            }
        }
    }
    return EG_OK;
}

/* Counts nodes and bytes below one node and enforces every limit; recursion
 * ends at EG_YAML_MAX_DEPTH, also for aliases that contain themselves. */
static eg_status measure(builder *b, int index, int depth)
{
    eg_status st = EG_OK;
    const yaml_node_t *n = node_at(b, index);

    if (depth > EG_YAML_MAX_DEPTH) {
        return MARK_FAIL(b, n->start_mark, EG_EFORMAT,
                         "nested deeper than 64 levels");
    }
    if (++b->n_nodes > EG_YAML_MAX_NODES) {
        return MARK_FAIL(b, n->start_mark, EG_EFORMAT,
                         "more than 50000 values");
    }
    if (n->type == YAML_SCALAR_NODE) {
        EG_TRY(measure_scalar(b, n));
    } else if (n->type == YAML_SEQUENCE_NODE) {
        const yaml_node_item_t *end = n->data.sequence.items.top;

        for (const yaml_node_item_t *i = n->data.sequence.items.start; i < end;
             i++) {
            EG_TRY(measure(b, *i, depth + 1));
        }
    } else {
        const yaml_node_pair_t *end = n->data.mapping.pairs.top;

        EG_TRY(check_keys(b, n));
        for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < end;
             p++) {
            EG_TRY(measure_scalar(b, node_at(b, p->key)));
            EG_TRY(measure(b, p->value, depth + 1));
        }
    }
done:
    return st;
}

static const char *keep_text(builder *b, const char *s)
{
    char *kept = b->text;
    size_t n = strlen(s) + 1;

    EG_ASSERT(n <= b->n_bytes);
    memcpy(kept, s, n);
    b->text += n;
    b->n_bytes -= n;
    return kept;
}

static eg_node *take_nodes(builder *b, size_t n)
{
    eg_node *first = b->node;

    EG_ASSERT(n <= b->n_nodes);
    b->node += n;
    b->n_nodes -= n;
    return first;
}

static void build(builder *b, eg_node *to, int index, const char *file)
{
    const yaml_node_t *n = node_at(b, index);
    eg_node *item = NULL;

    to->file = file;
    to->line = (int)n->start_mark.line + 1;
    to->col = (int)n->start_mark.column + 1;
    if (n->type == YAML_SCALAR_NODE) {
        to->kind = EG_NODE_SCALAR;
        to->quoted = n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        to->text = keep_text(b, scalar_text(n));
    } else if (n->type == YAML_SEQUENCE_NODE) {
        const yaml_node_item_t *from = n->data.sequence.items.start;

        to->kind = EG_NODE_SEQ;
        to->n = (int)(n->data.sequence.items.top - from);
        to->item = item = take_nodes(b, (size_t)to->n);
        for (int i = 0; i < to->n; i++) build(b, &item[i], from[i], file);
    } else {
        const yaml_node_pair_t *from = n->data.mapping.pairs.start;

        to->kind = EG_NODE_MAP;
        to->n = (int)(n->data.mapping.pairs.top - from);
        to->item = item = take_nodes(b, (size_t)to->n);
        for (int i = 0; i < to->n; i++) {
            const yaml_node_t *key = node_at(b, from[i].key);

            item[i].key = keep_text(b, scalar_text(key));
            item[i].key_line = (int)key->start_mark.line + 1;
            item[i].key_col = (int)key->start_mark.column + 1;
            build(b, &item[i], from[i].value, file);
        }
    }
}

static eg_status build_tree(builder *b, eg_yaml **out)
{
    eg_status st = EG_OK;
    eg_yaml *y = NULL;
    int root = 1; /* libyaml counts nodes from 1, the root first */

    b->n_bytes = strlen(b->name) + 1;
    EG_TRY(measure(b, root, 1));
    y = eg_calloc(1, sizeof *y);
    if (y) y->nodes = eg_calloc(b->n_nodes, sizeof *y->nodes);
    if (y) y->text = eg_calloc(b->n_bytes, 1);
    if (!y || !y->nodes || !y->text) {
        st = EG_FAIL(b->err, EG_ENOMEM, "%s: out of memory", b->name);
        goto done;
    }
    b->node = y->nodes;
    b->text = y->text;
    build(b, take_nodes(b, 1), root, keep_text(b, b->name));
    *out = y;
    y = NULL;
done:
    eg_yaml_free(y);
    return st;
}

eg_status eg_yaml_parse(eg_yaml **out, const char *bytes, size_t size,
                        const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    builder b = {.name = name, .err = err};

    *out = NULL;
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3; /* libyaml would count the mark as a column */
        size -= 3;
    }
    if (size > EG_YAML_MAX_BYTES) {
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: expected at most %d bytes, found %zu", name,
                       EG_YAML_MAX_BYTES, size);
    }
    EG_TRY(load_document(&b, bytes, size));
    EG_TRY(build_tree(&b, out));
done:
    if (b.has_doc) yaml_document_delete(&b.doc);
    if (b.has_parser) yaml_parser_delete(&b.parser);
    return st;
}

eg_status eg_yaml_load(eg_yaml **out, const char *path, eg_err *err)
{
    return eg_yaml_load_in(out, NULL, path, err);
}

eg_status eg_yaml_load_in(eg_yaml **out, const eg_folder *in, const char *name,
                          eg_err *err)
{
    eg_status st = EG_OK;
    char *bytes = NULL, path[EGI_PATH];
    size_t size = 0;

    *out = NULL;
    EG_TRY(eg_file_read_in(&bytes, &size, in, name, EG_YAML_MAX_BYTES, err));
    EG_TRY(eg_yaml_parse(out, bytes, size, egi_path_in(path, in, name), err));
done:
    eg_free(bytes);
    return st;
}

void eg_yaml_free(eg_yaml *y)
{
    if (!y) return;
    eg_free(y->nodes);
    eg_free(y->text);
    eg_free(y);
}

const eg_node *eg_yaml_root(const eg_yaml *y)
{
    return y->nodes;
}
