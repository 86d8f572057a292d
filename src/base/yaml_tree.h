/* A YAML document as it is read: nodes in order, aliases not yet written out.
 * yaml.c makes an eg_yaml of it. */
#ifndef EG_BASE_YAML_TREE_H
#define EG_BASE_YAML_TREE_H

#include <stdint.h>

#include "engram/yaml.h"

enum { EGI_TREE_NONE = -1 };

/* Of a map, children are key, value, key, value. */
typedef struct egi_tree_node {
    eg_node_kind kind;
    bool quoted, checked; /* its keys were looked at */
    int line, col;        /* 1-based */
    size_t text, length;  /* of a scalar: where in the tree's text, and bytes */
    int n, first, last;   /* children: how many, and a list by `next` */
    int next;             /* the sibling; EGI_TREE_NONE: the last */
    int alias;            /* another node stands here; EGI_TREE_NONE: itself */
} egi_tree_node;

typedef struct egi_tree {
    egi_tree_node *node; /* the root first; none: an empty document */
    eg_index n, room;
    char *text; /* of scalars, each with a zero behind it */
    size_t n_text;
    eg_index text_room;
} egi_tree;

/* EG_EFORMAT "name:line:col: why": no YAML, several documents, more than
 * EG_YAML_MAX_NODES values, nested deeper than EG_YAML_MAX_DEPTH, too many
 * anchors or directives. Time and memory are linear in size. */
eg_status egi_tree_read(egi_tree *t, const char *bytes, size_t size,
                        const char *name, eg_err *err);
void egi_tree_release(egi_tree *t);

/* As EG_FAIL, with "name:line:col: " in front. */
#define EGI_TREE_FAIL(name, line, col, err, ...)                         \
    (egi_tree_fail_((name), (line), (col), EG_HERE, __VA_ARGS__, (err)), \
     EG_EFORMAT)
void egi_tree_fail_(const char *name, size_t line, size_t col,
                    const char *where, const char *why, eg_err *err);

#endif
