/* admin/import_int.h - one CSV file on its way into the store: its columns, what the rows made so
 * far, what was wrong. import.c runs the file, import_row.c makes one row. */
#ifndef ADMIN_IMPORT_INT_H
#define ADMIN_IMPORT_INT_H
#include "admin/api_int.h"
#include "admin/csv.h"
#include "base/hash.h"
#include "base/map.h"

enum {
    IMPORT_ERRORS_MAX = 1000,      /* that are told */
    IMPORT_ARENA_MAX = 1 << 30,    /* bytes one file may take */
    IMPORT_PASSWORDS_MAX = 100000, /* of one file: each costs tens of milliseconds */
};

enum part { PART_USER, PART_DEVICE, PART_LINE, PART_COUNT };
extern const char *const import_part_names[PART_COUNT];

struct import_column {
    const struct admin_field *field[PART_COUNT]; /* NULL: not of that noun */
    bool is_kind;
};

struct import_tally {
    size_t added, updated;
};

/* A record this file has written. */
struct import_seen {
    size_t line;  /* of the row that did */
    uint64_t own; /* what that row said of it, hashed; 0: nothing but its name */
};

/* What the present row wrote: taken back when the row turns out bad. */
struct import_undo {
    struct import_undo *before;
    enum part part;
    struct str key;
    void *old; /* NULL: it was added */
};

/* A password a row sets: in the clear while the file is checked, then as a hash. */
struct import_password {
    struct import_password *next;
    size_t line;
    struct str text, hash;
};

struct import {
    struct admin_call *c;
    struct arena arena; /* what outlives a row: keys in the maps lie here */
    struct arena row_arena;
    struct hash_key key;
    struct import_column columns[CSV_FIELD_MAX];
    struct str names[CSV_FIELD_MAX];
    size_t column_count;
    struct map seen[PART_COUNT]; /* key -> struct import_seen */
    struct import_tally tally[PART_COUNT];
    size_t rows, bad;
    json_t *errors, *warnings;
    size_t line;              /* of the present row; 0: the file as a whole */
    struct import_undo *undo; /* of the present row, the last first */
    bool cannot_undo;         /* half a row would stay: nothing may */
    bool has_password;
    bool is_check; /* nothing of this pass will stay: passwords are gathered, not hashed */
    struct import_password *passwords, **password_end, *password_next;
    size_t password_count;
    size_t unprofiled, unprofiled_line; /* new devices without a profile, the first one's row */
};

/* Tells what is wrong with the present row. */
void import_complain(struct import *im, const char *column, const char *fmt, ...) PRINTF_LIKE(3, 4);
const struct admin_noun *import_noun(enum part part);
/* Applies one record of the file; false when it is bad (told). */
bool import_row(struct import *im, const struct csv_record *r);

#endif
