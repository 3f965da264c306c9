/* admin/csv.h - comma separated values (RFC 4180), record by record. Also taken: a UTF-8 mark at the
 * start, lone LF, ';' or TAB as separator where the first line shows it. Nothing is kept. */
#ifndef ADMIN_CSV_H
#define ADMIN_CSV_H
#include "base/arena.h"
#include "base/cur.h"

enum { CSV_FIELD_MAX = 64 /* fields of one record */ };

struct csv {
    struct cur at;
    size_t line; /* of the next record, from 1 */
    char separator;
};

struct csv_record {
    struct str fields[CSV_FIELD_MAX]; /* slices of the text, or in the arena where quoted */
    size_t count;
    size_t line; /* where it begins */
};

void csv_init(struct csv *csv, struct str text);
/* The next record that is not empty. RC_NOT_FOUND: the text is at its end; RC_MALFORMED: a quote
 * that stands wrong or is not closed, or a NUL (*why, constant text; reading goes on behind that
 * line); RC_TOO_BIG: over CSV_FIELD_MAX (as before); RC_NOMEM. out->line is always written. */
MUST_CHECK enum rc csv_next(struct csv *csv, struct arena *a, struct csv_record *out,
                            const char **why);

#endif
