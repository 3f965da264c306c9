#include "admin/csv.h"

/* What the header separates its fields with. */
static char guess_separator(struct str text)
{
    size_t commas = 0, semicolons = 0, tabs = 0;
    for (size_t i = 0; i < text.n && text.p[i] != '\n'; i++) {
        commas += text.p[i] == ',';
        semicolons += text.p[i] == ';';
        tabs += text.p[i] == '\t';
    }
    if (commas == 0 && semicolons > 0 && semicolons >= tabs) return ';';
    return commas == 0 && tabs > 0 ? '\t' : ',';
}

void csv_init(struct csv *csv, struct str text)
{
    if (str_starts(text, STR("\xEF\xBB\xBF"))) text = str_sub(text, 3, text.n);
    *csv = (struct csv){.at = cur_of(text), .line = 1, .separator = guess_separator(text)};
}

/* escaped = DQUOTE *(TEXTDATA / COMMA / CR / LF / 2DQUOTE) DQUOTE ... RFC 4180, 2 */
static enum rc quoted(struct csv *csv, struct arena *a, struct str *out, const char **why)
{
    const char *start = ++csv->at.p;
    size_t doubled = 0;
    for (;; csv->at.p++) {
        int ch = cur_peek(&csv->at);
        if (ch < 0) return *why = "a quote is not closed", RC_MALFORMED;
        if (ch == '\n') csv->line++;
        if (ch != '"') continue;
        if (cur_left(&csv->at) < 2 || csv->at.p[1] != '"') break;
        csv->at.p++;
        doubled++;
    }
    struct str raw = cur_since(&csv->at, start);
    csv->at.p++;
    *out = raw;
    if (doubled == 0) return RC_OK;
    char *copy = arena_alloc(a, raw.n);
    if (!copy) return RC_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        copy[n++] = raw.p[i];
        if (raw.p[i] == '"') i++;
    }
    *out = str_of(copy, n);
    return RC_OK;
}

static enum rc plain(struct csv *csv, struct str *out, const char **why)
{
    const char *start = csv->at.p;
    for (int ch; (ch = cur_peek(&csv->at)) >= 0 && ch != '\n' && ch != csv->separator; csv->at.p++)
        if (ch == '"') return *why = "a quote stands within an unquoted field", RC_MALFORMED;
    *out = str_trim(cur_since(&csv->at, start));
    return RC_OK;
}

static void skip_line(struct csv *csv)
{
    while (!cur_at_end(&csv->at) && *csv->at.p != '\n')
        csv->at.p++;
    if (cur_char(&csv->at, '\n')) csv->line++;
}

/* True at the end of the record, which is then taken. */
static bool take_end(struct csv *csv)
{
    if (cur_left(&csv->at) >= 2 && csv->at.p[0] == '\r' && csv->at.p[1] == '\n') csv->at.p++;
    if (cur_char(&csv->at, '\n')) {
        csv->line++;
        return true;
    }
    return cur_at_end(&csv->at);
}

static enum rc one_field(struct csv *csv, struct arena *a, struct str *out, const char **why)
{
    while (csv->separator != ' ' && cur_peek(&csv->at) == ' ')
        csv->at.p++;
    enum rc rc = cur_peek(&csv->at) == '"' ? quoted(csv, a, out, why) : plain(csv, out, why);
    if (rc == RC_OK && out->n > 0 && memchr(out->p, 0, out->n))
        return *why = "a NUL byte stands in a field", RC_MALFORMED;
    return rc;
}

static enum rc record(struct csv *csv, struct arena *a, struct csv_record *out, const char **why)
{
    out->count = 0;
    for (;;) {
        if (out->count == CSV_FIELD_MAX) return *why = "too many fields", RC_TOO_BIG;
        enum rc rc = one_field(csv, a, &out->fields[out->count], why);
        if (rc != RC_OK) return rc;
        out->count++;
        while (cur_peek(&csv->at) == ' ')
            csv->at.p++;
        if (cur_char(&csv->at, csv->separator)) continue;
        if (take_end(csv)) return RC_OK;
        return *why = "text stands behind a closing quote", RC_MALFORMED;
    }
}

static bool is_blank(const struct csv_record *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->fields[i].n > 0) return false;
    return true;
}

enum rc csv_next(struct csv *csv, struct arena *a, struct csv_record *out, const char **why)
{
    for (;;) {
        out->line = csv->line;
        if (cur_at_end(&csv->at)) return RC_NOT_FOUND;
        enum rc rc = record(csv, a, out, why);
        if (rc == RC_MALFORMED || rc == RC_TOO_BIG) skip_line(csv);
        if (rc != RC_OK || !is_blank(out)) return rc;
    }
}
