/* A tree of nodes with positions from YAML text.
 *
 * The text becomes nodes in order (yaml_tree.c); these are measured, aliases
 * written out and the limits checked; at last nodes and text go into two blocks
 * of exactly that size. */
#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "base/folder.h"
#include "base/yaml_tree.h"

struct eg_yaml {
    eg_node *nodes;
    char *text; /* file name, keys and scalars, one after the other */
};

typedef struct builder {
    egi_tree tree;
    const char *name;
    size_t n_nodes, n_bytes; /* measured, then used up while building */
    eg_node *node;
    char *text;
    eg_err *err;
} builder;

static eg_status fail_at(const builder *b, const egi_tree_node *n,
                         const char *why)
{
    return EGI_TREE_FAIL(b->name, (size_t)n->line, (size_t)n->col, b->err, why);
}

/* What an alias stands for; a node itself. */
static egi_tree_node *node_at(const builder *b, int i)
{
    egi_tree_node *n = &b->tree.node[i];

    return n->alias == EGI_TREE_NONE ? n : &b->tree.node[n->alias];
}

/* Behind the child i, which may be an alias. */
static int next_of(const builder *b, int i)
{
    return b->tree.node[i].next;
}

static const char *scalar_text(const builder *b, const egi_tree_node *n)
{
    return b->tree.text + n->text;
}

/* Adds the text of a scalar to the measure; libyaml's escapes can make bytes
 * that C text cannot hold. */
static eg_status measure_scalar(builder *b, const egi_tree_node *n)
{
    if (memchr(scalar_text(b, n), '\0', n->length))
        return fail_at(b, n, "text holds a zero character");
    b->n_bytes += n->length + 1;
    if (b->n_bytes > 4 * (size_t)EG_YAML_MAX_BYTES)
        return fail_at(b, n, "aliases make the document too large");
    return EG_OK;
}

static eg_status check_key(const builder *b, const egi_tree_node *map, int at)
{
    const egi_tree_node *key = node_at(b, at);

    if (key->kind != EG_NODE_SCALAR)
        return fail_at(b, key, "expected a key of plain text");
    for (int i = map->first; i != at; i = next_of(b, next_of(b, i))) {
        const egi_tree_node *other = node_at(b, i);
        const char *text = scalar_text(b, key);

        if (key->length != other->length ||
            strcmp(text, scalar_text(b, other)) != 0)
            continue;
        return EG_FAIL(b->err, EG_EFORMAT,
                       "%s:%d:%d: key '%.*s' stands here a second time, "
                       "first on line %d",
                       b->name, key->line, key->col, eg_text_fit(text, 64),
                       text, other->line);
    }
    return EG_OK;
}

/* Once, however many aliases stand for the map. */
static eg_status check_keys(const builder *b, egi_tree_node *map)
{
    eg_status st = EG_OK;

    if (map->checked) return EG_OK;
    map->checked = true;
    if (map->n / 2 > EG_YAML_MAX_KEYS)
        return fail_at(b, map, "a map of more than 4096 keys");
    for (int i = map->first; i != EGI_TREE_NONE && st == EG_OK;
         i = next_of(b, next_of(b, i)))
        st = check_key(b, map, i);
    return st;
}

/* Counts nodes and bytes below one node and enforces every limit; recursion
 * ends at EG_YAML_MAX_DEPTH, also for aliases that contain themselves. */
static eg_status measure(builder *b, int index, int depth)
{
    egi_tree_node *n = node_at(b, index);
    bool map = n->kind == EG_NODE_MAP, key = map;
    eg_status st = EG_OK;

    if (depth > EG_YAML_MAX_DEPTH)
        return fail_at(b, n, "nested deeper than 64 levels");
    if (++b->n_nodes > EG_YAML_MAX_NODES)
        return fail_at(b, n, "more than 50000 values");
    if (n->kind == EG_NODE_SCALAR) return measure_scalar(b, n);
    if (map) EG_TRY(check_keys(b, n));
    for (int i = n->first; i != EGI_TREE_NONE; i = next_of(b, i)) {
        if (key)
            EG_TRY(measure_scalar(b, node_at(b, i)));
        else
            EG_TRY(measure(b, i, depth + 1));
        key = map && !key;
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
    const egi_tree_node *n = node_at(b, index);
    bool map = n->kind == EG_NODE_MAP;
    eg_node *item = NULL;
    int i = n->first;

    to->file = file;
    to->kind = n->kind;
    to->line = n->line;
    to->col = n->col;
    if (n->kind == EG_NODE_SCALAR) {
        to->quoted = n->quoted;
        to->text = keep_text(b, scalar_text(b, n));
        return;
    }
    to->n = map ? n->n / 2 : n->n;
    to->item = item = take_nodes(b, (size_t)to->n);
    for (int k = 0; k < to->n; k++) {
        if (map) {
            const egi_tree_node *key = node_at(b, i);

            item[k].key = keep_text(b, scalar_text(b, key));
            item[k].key_line = key->line;
            item[k].key_col = key->col;
            i = next_of(b, i);
        }
        build(b, &item[k], i, file);
        i = next_of(b, i);
    }
}

static eg_status build_tree(builder *b, eg_yaml **out)
{
    eg_status st = EG_OK;
    eg_yaml *y = NULL;
    int root = 0;

    if (b->tree.n == 0)
        return EGI_TREE_FAIL(b->name, (size_t)1, (size_t)1, b->err,
                             "the document is empty");
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
    EG_TRY(egi_tree_read(&b.tree, bytes, size, name, err));
    EG_TRY(build_tree(&b, out));
done:
    egi_tree_release(&b.tree);
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
