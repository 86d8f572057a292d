/* YAML as a tree that remembers where everything stood, so that an error can
 * say file, line and column.
 *
 * A thin layer on libyaml. One document of UTF-8 a file; keys are scalars and
 * differ within a map; anchors and aliases work, within the limits below. */
#ifndef ENGRAM_YAML_H
#define ENGRAM_YAML_H

#include "engram/fields.h"
#include "engram/file.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EG_YAML_MAX_BYTES (1 << 20)
#define EG_YAML_MAX_NODES 50000 /* aliases count each time they are used */
#define EG_YAML_MAX_DEPTH 64
#define EG_YAML_MAX_KEYS 4096 /* of one map */

typedef enum eg_node_kind {
    EG_NODE_SCALAR,
    EG_NODE_SEQ,
    EG_NODE_MAP
} eg_node_kind;

/* One value. All of it lives until eg_yaml_free. */
typedef struct eg_node {
    eg_node_kind kind;
    bool quoted;           /* scalar written in quotes, or as a block */
    const char *file;      /* name given to the parser */
    int line, col;         /* 1-based; col counts characters */
    const char *key;       /* the key of this value in its map, or NULL */
    int key_line, key_col; /* 0 in a sequence */
    const char *text;      /* scalars; NULL otherwise */
    int n;                 /* children, in the order of the file */
    const struct eg_node *item;
} eg_node;

typedef struct eg_yaml eg_yaml;

/* EG_EFORMAT "file:line:col: why" for whatever is not such a document, an
 * empty one included. name stands for the file in messages. */
EG_API eg_status eg_yaml_parse(eg_yaml **out, const char *bytes, size_t size,
                               const char *name, eg_err *err);
EG_API eg_status eg_yaml_load(eg_yaml **out, const char *path, eg_err *err);
EG_API eg_status eg_yaml_load_in(eg_yaml **out, const eg_folder *in,
                                 const char *name, eg_err *err);
EG_API void eg_yaml_free(eg_yaml *y);
EG_API const eg_node *eg_yaml_root(const eg_yaml *y);

/* The child of that key; NULL when absent or when n is not a map. */
EG_API const eg_node *eg_node_get(const eg_node *n, const char *key);
/* Text of the scalar child of that key; NULL when there is none. */
EG_API const char *eg_node_text(const eg_node *n, const char *key);
/* Nothing, ~ or null, written without quotes. */
EG_API bool eg_node_is_null(const eg_node *n);
/* "a map", "a list", "nothing" or "text", for messages. */
EG_API const char *eg_node_what(const eg_node *n);

/* What EG_NODE_FAIL calls: "file:line:column: " before the message. */
EG_API eg_status eg_node_fail_(const eg_node *n, bool at_key, eg_err *err,
                               eg_status st, const char *where, const char *fmt,
                               ...) EG_PRINTF(6, 7);
/* As EG_FAIL, with "file:line:col: " of the value, or of its key, in front. */
#define EG_NODE_FAIL(node, err, st, ...) \
    (eg_node_fail_((node), false, (err), (st), EG_HERE, __VA_ARGS__), (st))
#define EG_KEY_FAIL(node, err, st, ...) \
    (eg_node_fail_((node), true, (err), (st), EG_HERE, __VA_ARGS__), (st))

/* One field from a scalar, or for lists also from a sequence of scalars. */
EG_API eg_status eg_node_field(const eg_node *n, const eg_field *f, void *opts,
                               eg_err *err);
/* Every child of map into the field of its name; fields without a child keep
 * their values. Keys in the NULL-terminated list `others` (may be NULL) are
 * the caller's and are skipped; any other key is an error that names the
 * nearest valid one. On failure *opts may be partly filled. */
EG_API eg_status eg_node_fill(const eg_node *map, const eg_field *table,
                              void *opts, const char *const *others,
                              eg_err *err);

/* text as a YAML scalar that reads back as the same text, here and in a reader
 * that guesses types (YAML 1.1 takes no, 010 and 2024-01-01 for others): bare
 * where that is safe, else in double quotes. A byte that is not UTF-8 becomes
 * the character of its number. Returns the length it needs, as snprintf. */
EG_API int eg_yaml_quote(char *buf, size_t size, const char *text);

#ifdef __cplusplus
}
#endif
#endif
