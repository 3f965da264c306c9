#include "admin/table.h"

enum { TABLE_COLUMN_MAX = 64, TABLE_CELL_WIDTH_MAX = 80 /* wider ones do not widen the others */ };

void table_put_safe(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool is_c1 = c == 0xC2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xA0;
        if (is_c1) i++;
        if (c == '\n')
            buf_put_char(out, ' ');
        else if (c < 0x20 || c == 0x7f || is_c1)
            buf_put_char(out, '?');
        else
            buf_put_char(out, (char)c);
    }
}

size_t table_width(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

static void put_row(struct buf *out, const struct table *t, const struct str *cells,
                    const size_t *widths)
{
    for (size_t i = 0; i < t->column_count; i++) {
        table_put_safe(out, cells[i]);
        if (i + 1 == t->column_count) break;
        size_t have = table_width(cells[i]);
        for (size_t pad = have < widths[i] ? widths[i] - have : 0; pad > 0; pad--)
            buf_put_char(out, ' ');
        for (unsigned gap = 0; gap < t->gap; gap++)
            buf_put_char(out, ' ');
    }
    buf_put_char(out, '\n');
}

void table_print(struct buf *out, const struct table *t)
{
    size_t widths[TABLE_COLUMN_MAX] = {0};
    if (t->column_count == 0 || t->column_count > TABLE_COLUMN_MAX) return;
    for (size_t i = 0; i < t->column_count; i++)
        widths[i] = table_width(t->columns[i]);
    for (size_t i = 0; i < t->row_count * t->column_count; i++) {
        size_t w = table_width(t->cells[i]);
        size_t *widest = &widths[i % t->column_count];
        if (w > *widest) *widest = w < TABLE_CELL_WIDTH_MAX ? w : TABLE_CELL_WIDTH_MAX;
    }
    put_row(out, t, t->columns, widths);
    if (t->ruler[0] != '\0') buf_printf(out, "%s\n", t->ruler);
    for (size_t i = 0; i < t->row_count; i++)
        put_row(out, t, t->cells + i * t->column_count, widths);
}

void table_print_sql(struct buf *out, const struct str *columns, size_t column_count,
                     const struct str *cells, size_t row_count)
{
    struct table t = {columns, column_count, cells, row_count, "=====", 1};
    table_print(out, &t);
}
