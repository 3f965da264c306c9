#include "admin/ladder.h"
#include "admin/table.h"
#include <stdio.h>
#include <time.h>

enum { LADDER_WIDTH = 54 /* between the two columns */, LADDER_VALUE_MAX = 110 };

/* Printed where they stand, in this order. */
static const struct {
    const char *name, *compact;
} decisive[] = {
    {"CSeq", ""},
    {"Contact", "m"},
    {"Expires", ""},
    {"Min-Expires", ""},
    {"Proxy-Authenticate", ""},
    {"WWW-Authenticate", ""},
    {"Proxy-Authorization", ""},
    {"Authorization", ""},
    {"Authentication-Info", ""},
    {"Warning", ""},
    {"Retry-After", ""},
    {"Reason", ""},
    {"Bearline-Reason", ""},
    {"Unsupported", ""},
};

static void put_time(struct buf *out, int64_t unix_ms, bool utc)
{
    time_t t = (time_t)(unix_ms / 1000);
    struct tm tm;
    char text[32] = "--:--:--";
    if (utc ? gmtime_r(&t, &tm) : localtime_r(&t, &tm)) {
        size_t n = strftime(text, sizeof text, "%H:%M:%S", &tm);
        if (n == 0) text[0] = '\0';
    }
    buf_printf(out, "%s.%03d", text, (int)(unix_ms % 1000));
}

static struct str first_line(struct str text)
{
    ptrdiff_t end = str_find_char(text, '\n');
    return str_trim(end < 0 ? text : str_sub(text, 0, (size_t)end));
}

static struct str head_of(struct str text)
{
    ptrdiff_t end = str_find(text, STR("\r\n\r\n"));
    return end < 0 ? text : str_sub(text, 0, (size_t)end + 2);
}

static void put_cut(struct buf *out, struct str s, size_t max)
{
    table_put_safe(out, str_sub(s, 0, max));
    if (s.n > max) buf_put_lit(out, "...");
}

/* "SIP/2.0 403 Forbidden" -> "403 Forbidden"; "REGISTER sip:x SIP/2.0" -> "REGISTER sip:x". */
static struct str short_start(struct str line)
{
    if (str_starts(line, STR("SIP/2.0 "))) return str_sub(line, 8, line.n);
    return str_ends(line, STR(" SIP/2.0")) ? str_sub(line, 0, line.n - 8) : line;
}

/* "|-- text ----->|" or "|<-- text -----|", LADDER_WIDTH wide between the bars. */
static void put_arrow(struct buf *out, struct str what, bool to_node)
{
    struct str shown = str_sub(what, 0, LADDER_WIDTH - 8);
    size_t used = table_width(shown) + 4;
    buf_put_str(out, to_node ? STR("|-- ") : STR("|<- "));
    table_put_safe(out, shown);
    buf_put_char(out, ' ');
    for (; used < LADDER_WIDTH - 2; used++)
        buf_put_char(out, '-');
    buf_put_str(out, to_node ? STR("->|") : STR("--|"));
}

/* Of a Contact's parameters those that tell what the answer means; the rest is "...". */
static void put_contact(struct buf *out, struct str value)
{
    static const char *const kept[] = {"+u.sip!devicename", "x-cisco-newreg", "expires", "reg-id"};
    ptrdiff_t end = str_find_char(value, '>');
    struct str rest = end < 0 ? STR("") : str_sub(value, (size_t)end + 1, value.n), part;
    bool dropped = false;
    put_cut(out, end < 0 ? value : str_sub(value, 0, (size_t)end + 1), LADDER_VALUE_MAX);
    while (rest.n > 0 && str_split(&rest, ';', &part)) {
        bool keep = false;
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
            if (str_starts_nocase(str_trim(part), str_from(kept[i]))) keep = true;
        if (keep) buf_put_char(out, ';');
        if (keep) put_cut(out, str_trim(part), LADDER_VALUE_MAX);
        if (!keep && part.n > 0) dropped = true;
    }
    if (dropped) buf_put_lit(out, " ...");
}

static void put_field(struct buf *out, struct str line, size_t which)
{
    struct str name = str_from(decisive[which].name), compact = str_from(decisive[which].compact);
    ptrdiff_t colon = str_find_char(line, ':');
    if (colon < 0) return;
    struct str have = str_trim(str_sub(line, 0, (size_t)colon));
    if (!str_eq_nocase(have, name) && (compact.n == 0 || !str_eq_nocase(have, compact))) return;
    buf_printf(out, "              |     %s: ", decisive[which].name);
    struct str value = str_trim(str_sub(line, (size_t)colon + 1, line.n));
    if (compact.n > 0) /* Contact */
        put_contact(out, value);
    else
        put_cut(out, value, LADDER_VALUE_MAX);
    buf_put_char(out, '\n');
}

static void put_fields(struct buf *out, struct str text)
{
    for (size_t i = 0; i < sizeof decisive / sizeof *decisive; i++) {
        struct str rest = head_of(text), line;
        while (str_split(&rest, '\n', &line))
            put_field(out, line, i);
    }
}

static void put_full(struct buf *out, struct str text)
{
    struct str line;
    while (str_split(&text, '\n', &line)) {
        if (line.n > 0 && line.p[line.n - 1] == '\r') line.n--;
        buf_put_lit(out, "              |     ");
        table_put_safe(out, line);
        buf_put_char(out, '\n');
    }
}

/* Which phone this is, where it changes: its address, the node's, the transport. */
static void put_place(struct buf *out, const struct admin_trace_record *r, struct str node)
{
    buf_put_lit(out, "\n              ");
    size_t before = out->n;
    table_put_safe(out, r->label.n > 0 ? r->label : STR("phone"));
    buf_put_char(out, ' ');
    table_put_safe(out, r->peer);
    for (size_t used = out->n - before; used < LADDER_WIDTH - 8; used++)
        buf_put_char(out, ' ');
    buf_put_lit(out, "  ");
    table_put_safe(out, node);
    buf_put_char(out, ' ');
    table_put_safe(out, r->local);
    buf_put_char(out, ' ');
    table_put_safe(out, r->transport);
    buf_put_char(out, '\n');
}

static void put_record(struct buf *out, const struct admin_trace_record *r,
                       const struct ladder_options *o)
{
    put_time(out, r->unix_ms, o->utc);
    buf_put_lit(out, "  ");
    if (r->kind == ADMIN_TRACE_NOTE) {
        buf_put_lit(out, "|  * ");
        put_cut(out, r->text, 300);
        buf_put_char(out, '\n');
        return;
    }
    put_arrow(out, short_start(first_line(r->text)), r->kind == ADMIN_TRACE_IN);
    buf_put_char(out, '\n');
    if (o->full)
        put_full(out, r->text);
    else
        put_fields(out, r->text);
}

void ladder_print(struct buf *out, const struct admin_trace_record *records, size_t count,
                  struct str node, const struct ladder_options *options)
{
    for (size_t i = 0; i < count; i++) {
        const struct admin_trace_record *r = &records[i];
        if (i == 0 || r->flow_id != records[i - 1].flow_id) put_place(out, r, node);
        put_record(out, r, options);
    }
}
