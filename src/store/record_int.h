/* store/record_int.h - one engine for all plain records: a table of fields says which column holds which
 * member of a struct; get, list, put and remove follow from it. What a noun adds stands in its hooks. */
#ifndef STORE_RECORD_INT_H
#define STORE_RECORD_INT_H
#include "store/records.h"
#include "store/store_int.h"

enum record_type { RECORD_STR, RECORD_I64, RECORD_INT, RECORD_BOOL };
enum {
    RECORD_KEY = 1,      /* the first field only */
    RECORD_REQUIRED = 2, /* not "" */
    RECORD_LINES = 4,    /* newlines and tabs allowed */
    RECORD_SECRET = 8,   /* not in lists; "" in an update keeps it, STORE_CLEAR empties it */
    RECORD_NULL = 16,    /* "" is NULL: a reference that may be missing */
};

struct record_field {
    const char *column;
    size_t offset;
    enum record_type type;
    int flags;
    size_t max; /* bytes of text; 0: STORE_TEXT_MAX */
};

struct record_table {
    enum store_kind kind;
    const char *table;
    const char *match_column; /* searched besides the key */
    size_t size;              /* of the struct */
    const struct record_field *fields;
    size_t field_count;
    size_t pkid_offset; /* SIZE_MAX: the key is the pkid */
    size_t version_offset;
    /* Hooks, each may be NULL. key is the stored spelling. */
    enum rc (*check)(const void *row, struct store_tx *tx, struct store_why *why);
    enum rc (*after_put)(const void *row, struct str key, struct store_tx *tx,
                         struct store_why *why);
    enum rc (*before_remove)(struct str key, struct store_tx *tx, struct store_why *why);
    enum rc (*after_read)(void *row, struct db *db, struct arena *a, struct store_why *why);
};

MUST_CHECK enum rc record_get(struct store *s, const struct record_table *t, struct str key,
                              struct arena *a, void *out, struct store_why *why);
/* *rows is an array of structs of t->size. */
MUST_CHECK enum rc record_list(struct store *s, const struct record_table *t,
                               const struct store_page *page, struct arena *a, void **rows,
                               size_t *count, bool *more, struct store_why *why);
MUST_CHECK enum rc record_put(struct store *s, const struct record_table *t,
                              const struct store_by *by, enum store_put how, const void *row,
                              struct store_why *why);
MUST_CHECK enum rc record_remove(struct store *s, const struct record_table *t,
                                 const struct store_by *by, struct str key, struct store_why *why);

/* Runs sql (one text parameter) and gives the first column of its first row; RC_NOT_FOUND. For checks of
 * what a row refers to and what refers to it. */
MUST_CHECK enum rc record_lookup(struct db *db, const char *sql, struct str key, char *out,
                                 size_t cap, struct store_why *why);
/* What else may name a record. sql (one text parameter, the key) gives the name of one that does. */
struct record_use {
    const char *sql;
    const char *how;    /* "is on device" */
    const char *advice; /* "take it off there first" */
};
/* RC_CONFLICT with the sentence when the record is in use. */
MUST_CHECK enum rc record_check_unused(struct store_tx *tx, enum store_kind kind, struct str key,
                                       const struct record_use *uses, size_t count,
                                       struct store_why *why);

/* line.c: numbers of lines, groups and forward targets. */
enum { RECORD_NUMBER_MAX = 48 };
MUST_CHECK enum rc record_number_check(struct str number, const char *what, struct store_why *why);
/* RC_INVALID when a line, a hunt group or a pattern of one number has it, besides those of a kind. */
MUST_CHECK enum rc record_number_is_free(struct str number, enum store_kind besides,
                                         struct store_tx *tx, struct store_why *why);

/* The names a one-parameter query gives, into a. */
MUST_CHECK enum rc record_names(struct store *s, const char *sql, struct str key, struct arena *a,
                                struct store_names *out, struct store_why *why);

#define RECORD_F(type_, member, kind_, flags_, max_)                                               \
    {                                                                                              \
        .column = #member, .offset = offsetof(type_, member), .type = (kind_), .flags = (flags_),  \
        .max = (max_)                                                                              \
    }

/* The four public calls of a noun from its table. */
#define RECORD_NOUN(noun, table)                                                                   \
    enum rc store_##noun##_get(struct store *s, struct str key, struct arena *a,                   \
                               struct store_##noun *out, struct store_why *why)                    \
    {                                                                                              \
        return record_get(s, &(table), key, a, out, why);                                          \
    }                                                                                              \
    enum rc store_##noun##_list(struct store *s, const struct store_page *page, struct arena *a,   \
                                struct store_##noun##s *out, struct store_why *why)                \
    {                                                                                              \
        void *rows = NULL;                                                                         \
        enum rc rc = record_list(s, &(table), page, a, &rows, &out->count, &out->more, why);       \
        out->rows = rows;                                                                          \
        return rc;                                                                                 \
    }                                                                                              \
    enum rc store_##noun##_put(struct store *s, const struct store_by *by, enum store_put how,     \
                               const struct store_##noun *row, struct store_why *why)              \
    {                                                                                              \
        return record_put(s, &(table), by, how, row, why);                                         \
    }                                                                                              \
    enum rc store_##noun##_remove(struct store *s, const struct store_by *by, struct str key,      \
                                  struct store_why *why)                                           \
    {                                                                                              \
        return record_remove(s, &(table), by, key, why);                                           \
    }

#endif
