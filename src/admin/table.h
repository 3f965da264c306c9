/* admin/table.h - text for a terminal: columns, and values that came from elsewhere made harmless.
 * Pure functions into a buffer. */
#ifndef ADMIN_TABLE_H
#define ADMIN_TABLE_H
#include "base/buf.h"

/* s without control characters: each becomes '?', so that no phone's User-Agent moves a cursor. A
 * line feed becomes a blank. */
void table_put_safe(struct buf *out, struct str s);
/* Columns a terminal shows s in (UTF-8, one a character). */
size_t table_width(struct str s);

/* A header, then the rows; cells row by row. Columns are as wide as their widest cell and gap blanks
 * apart, the last one is not filled up. ruler "" is none. */
struct table {
    const struct str *columns;
    size_t column_count;
    const struct str *cells;
    size_t row_count;
    const char *ruler; /* a line of its own under the header */
    unsigned gap;
};
void table_print(struct buf *out, const struct table *t);
/* How "run sql" answers: columns one blank apart, the ruler "=====". */
void table_print_sql(struct buf *out, const struct str *columns, size_t column_count,
                     const struct str *cells, size_t row_count);

#endif
