/* jose/object.h - one JSON object as a flat list of members: how headers and claims are read.
 * Strict: UTF-8 without NUL, no name twice, nothing behind the object, bounded depth and count. */
#ifndef JOSE_OBJECT_H
#define JOSE_OBJECT_H
#include "base/arena.h"

enum {
    JOSE_OBJECT_MAX = 16384,   /* bytes of JSON text */
    JOSE_OBJECT_DEPTH_MAX = 8, /* brackets inside one another, the object's own counted */
    JOSE_MEMBER_MAX = 64,
    JOSE_LIST_MAX = 64, /* strings of one array; a longer array reads as JOSE_OTHER */
};

enum jose_kind {
    JOSE_STRING,
    JOSE_INTEGER,
    JOSE_REAL,
    JOSE_BOOL,
    JOSE_STRINGS, /* an array of strings only, possibly empty */
    JOSE_OTHER,   /* null, objects, other arrays: present, but not looked into */
};

struct jose_member {
    struct str name;
    enum jose_kind kind;
    struct str s;     /* JOSE_STRING */
    int64_t i;        /* JOSE_INTEGER, JOSE_BOOL (0, 1) */
    double real;      /* JOSE_REAL */
    struct str *list; /* JOSE_STRINGS */
    size_t list_count;
};

struct jose_object {
    struct jose_member *members;
    size_t count;
};

/* RC_MALFORMED, RC_TOO_BIG, RC_NOMEM. Everything is copied into arena; json may die. */
MUST_CHECK enum rc jose_object_parse(struct str json, struct arena *arena, struct jose_object *out);
/* NULL when there is no such member. */
const struct jose_member *jose_object_find(const struct jose_object *o, struct str name);
/* A string member, or "" when it is missing. RC_INVALID when it is of another kind. */
MUST_CHECK enum rc jose_object_str(const struct jose_object *o, struct str name, struct str *out);
/* A NumericDate (RFC 7519, 2) in whole seconds, rounded down; RC_NOT_FOUND, or RC_INVALID for
 * another kind, a negative or an absurd number (from 2^53). */
MUST_CHECK enum rc jose_object_date(const struct jose_object *o, struct str name,
                                    int64_t *out_unix_s);
/* value is the string of that name, or one of its array of strings ("aud", RFC 7519, 4.1.3). */
bool jose_object_has(const struct jose_object *o, struct str name, struct str value);

struct buf;
/* Prints s as a JSON string with its quotes. Bytes that are not UTF-8 print as U+FFFD. */
void jose_print_string(struct buf *out, struct str s);

#endif
