/* Calls: those under way and their end, the records of those that ended, and their export. */
#include "admin/cli_int.h"
#include "admin/table.h"
#include <stdlib.h>
#include <time.h>

enum { PAGE_ARENA_MAX = 64 << 20, PAGE_TEXT_MAX = 16 << 20 };

/* ---- times ---- */

/* "90m", "12h", "7d": so long ago. */
static bool read_ago(struct str text, int64_t now_s, int64_t *out)
{
    static const struct {
        char unit;
        int64_t s;
    } units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}};
    uint64_t n;
    for (size_t i = 0; text.n > 1 && i < sizeof units / sizeof *units; i++)
        if (text.p[text.n - 1] == units[i].unit &&
            str_to_u64(str_sub(text, 0, text.n - 1), 100000, &n) == RC_OK) {
            *out = now_s - (int64_t)n * units[i].s;
            return true;
        }
    return false;
}

/* "2026-03-30", "2026-03-30 11:03", "2026-03-30T11:03:31Z": local time, or UTC with the Z. */
static bool read_date(const char *text, int64_t *out)
{
    struct tm tm = {.tm_isdst = -1};
    char sign = 'T';
    int used = 0, more = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &used) != 3)
        return false;
    const char *rest = text + used;
    if (*rest != '\0' && *rest != 'Z') {
        if (sscanf(rest, "%c%2d:%2d%n", &sign, &tm.tm_hour, &tm.tm_min, &more) != 3 ||
            (sign != 'T' && sign != ' '))
            return false;
        rest += more;
        more = 0;
        if (*rest == ':' && sscanf(rest, ":%2d%n", &tm.tm_sec, &more) != 1) return false;
        rest += more;
    }
    bool is_utc = strcmp(rest, "Z") == 0;
    if (*rest != '\0' && !is_utc) return false;
    if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60 || tm.tm_year < 1970)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    *out = is_utc ? (int64_t)timegm(&tm) : (int64_t)mktime(&tm);
    return true;
}

/* Takes --since and --until into the path; NULL and said when one cannot be read. */
static const char *take_times(struct cli *cli, struct cli_flags *f, const char *path)
{
    static const char *const names[] = {"since", "until"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = cli_flag_value(f, names[i]);
        struct str ms;
        int64_t unix_s;
        if (!text) continue;
        if (!read_ago(str_from(text), (int64_t)time(NULL), &unix_s) && !read_date(text, &unix_s)) {
            cli_usage(cli,
                      "--%s: %s is no time: use 2026-03-30, \"2026-03-30 11:03\" (with Z at the "
                      "end: UTC), or 90m, 12h, 7d ago",
                      names[i], text);
            return NULL;
        }
        if (arena_printf(&cli->arena, &ms, "%lld", unix_s > 0 ? (long long)unix_s * 1000 : 0LL) !=
            RC_OK)
            return NULL;
        path = cli_query(cli, path, names[i], ms);
    }
    return path;
}

/* ---- looking ---- */

static void add_times(json_t *rows)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
        json_object_set_new(row, "start", json_integer(cli_int(row, "start_ms") / 1000));
}

int cli_calls(struct cli *cli, const struct cli_rest *rest)
{
    static const struct cli_column columns[] = {
        {"id", "id", false},         {"start", "start", true},
        {"caller", "caller", false}, {"dialled", "dialled", false},
        {"called", "called", false}, {"called_device", "device", false},
        {"state", "state", false},   {"encrypted", "encrypted", false}};
    int status;
    if (!cli_has_words(cli, rest, 0, 1)) return ADMIN_EXIT_USAGE;
    const char *path = cli_query(cli, cli_path(cli, "calls", NULL), "number",
                                 str_from(rest->argc == 1 ? rest->argv[0] : NULL));
    json_t *rows = cli_ask_all(cli, path, "calls", "id", &status);
    if (rows && !cli_print_json(cli, rows)) {
        add_times(rows);
        if (json_array_size(rows) > 0)
            cli_print_rows(cli, rows, columns, sizeof columns / sizeof *columns);
        else
            cli_say(cli, "No call is under way%s%s.", rest->argc == 1 ? " with " : "",
                    rest->argc == 1 ? rest->argv[0] : "");
    }
    json_decref(rows);
    return status;
}

int cli_call_hangup(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    if (!cli_has_words(cli, rest, 1, 1)) return ADMIN_EXIT_USAGE;
    json_t *call = cli_ask(cli, "DELETE", cli_path(cli, "calls", rest->argv[0], NULL), NULL,
                           &status);
    if (call && !cli_print_json(cli, call)) {
        struct str caller = cli_str(call, "caller"), called = cli_str(call, "called");
        struct str since = cli_time(cli, cli_int(call, "answer_ms") / 1000);
        cli_say(cli, "Call %lld between %.*s and %.*s, answered %.*s, is ended.",
                (long long)cli_int(call, "id"), STR_ARG(caller), STR_ARG(called), STR_ARG(since));
    }
    json_decref(call);
    return status;
}

int cli_cdr_show(struct cli *cli, const struct cli_rest *rest)
{
    static const char usage[] = "show cdr [number] [--since T] [--until T] [--limit N]";
    static const struct cli_column columns[] = {
        {"start", "start", true},        {"caller", "caller", false},
        {"dialled", "dialled", false},   {"called", "called", false},
        {"duration_s", "s", false},      {"status", "status", false},
        {"ended_by", "ended by", false}, {"encrypted", "encrypted", false},
        {"reason", "reason", false}};
    struct cli_flags f;
    cli_flags_init(&f, rest);
    struct str limit = str_from(cli_flag_value(&f, "limit"));
    const char *path = take_times(cli, &f,
                                  cli_query(cli, cli_path(cli, "cdrs", NULL), "limit", limit));
    if (!path) return ADMIN_EXIT_USAGE;
    int status = cli_flags_done(cli, &f, 0, 1, usage);
    if (status != ADMIN_EXIT_OK) return status;
    if (f.count == 1) path = cli_query(cli, path, "number", str_from(f.words[0]));
    json_t *answer = cli_ask(cli, "GET", path, NULL, &status);
    json_t *rows = json_object_get(answer, "cdrs");
    if (answer && !cli_print_json(cli, rows)) {
        add_times(rows);
        if (json_array_size(rows) > 0)
            cli_print_rows(cli, rows, columns, sizeof columns / sizeof *columns);
        else
            cli_say(cli, "There are no records of such calls.");
    }
    json_decref(answer);
    return status;
}

/* ---- export ---- */

static const struct export_column {
    const char *name, *member;
    bool is_time;
} export_columns[] = {
    {"id", "id", false},
    {"call", "call", false},
    {"node", "node", false},
    {"caller", "caller", false},
    {"caller_device", "caller_device", false},
    {"dialled", "dialled", false},
    {"called", "called", false},
    {"called_device", "called_device", false},
    {"trunk_in", "trunk_in", false},
    {"trunk_out", "trunk_out", false},
    {"start", "start_ms", true},
    {"answer", "answer_ms", true},
    {"end", "end_ms", true},
    {"duration_s", "duration_s", false},
    {"status", "status", false},
    {"cause", "cause", false},
    {"reason", "reason", false},
    {"ended_by", "ended_by", false},
    {"encrypted", "encrypted", false},
};
enum { EXPORT_COLUMNS = sizeof export_columns / sizeof *export_columns };

/* A spreadsheet takes a text that begins like a formula for one, and a caller says what he likes:
 * such a text gets a ' before it. A number with its plus sign stays as it is. */
static bool looks_like_formula(struct str s)
{
    if (s.n == 0 || !strchr("=+-@\t\r", s.p[0])) return false;
    if (s.p[0] != '+') return true;
    for (size_t i = 1; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9') return true;
    return false;
}

/* RFC 4180, 2. */
static void put_csv_text(struct buf *out, struct str s)
{
    buf_put_char(out, '"');
    if (looks_like_formula(s)) buf_put_char(out, '\'');
    for (struct str rest = s, part; str_split(&rest, '"', &part);) {
        table_put_safe(out, part);
        if (rest.p) buf_put_lit(out, "\"\"");
    }
    buf_put_char(out, '"');
}

/* 2026-03-30T11:03:31.120Z; nothing for 0. */
static void put_csv_time(struct buf *out, int64_t unix_ms)
{
    char text[40];
    struct tm tm;
    time_t t = (time_t)(unix_ms / 1000);
    if (unix_ms == 0 || !gmtime_r(&t, &tm) ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        return;
    buf_printf(out, "%s.%03dZ", text, (int)(unix_ms % 1000));
}

static void put_csv_row(struct buf *out, json_t *row)
{
    for (size_t i = 0; i < EXPORT_COLUMNS; i++) {
        json_t *value = json_object_get(row, export_columns[i].member);
        if (i > 0) buf_put_char(out, ',');
        if (export_columns[i].is_time)
            put_csv_time(out, json_integer_value(value));
        else if (json_is_integer(value))
            buf_put_i64(out, json_integer_value(value));
        else if (json_is_boolean(value))
            buf_put_str(out, json_is_true(value) ? STR("yes") : STR("no"));
        else
            put_csv_text(out, cli_str(row, export_columns[i].member));
    }
    buf_put_lit(out, "\r\n");
}

static int put_json(const char *p, size_t n, void *ctx)
{
    buf_put(ctx, p, n);
    return 0;
}

/* One object a line; what is no ASCII is escaped, so that no terminal is moved. */
static void put_json_row(struct buf *out, json_t *row)
{
    if (json_dump_callback(row, put_json, out, JSON_COMPACT | JSON_ENSURE_ASCII) != 0)
        out->rc = RC_NOMEM;
    buf_put_char(out, '\n');
}

static int put_page(struct cli *cli, json_t *rows, bool as_csv)
{
    size_t i;
    json_t *row;
    struct buf b;
    buf_init(&b, PAGE_TEXT_MAX);
    json_array_foreach(rows, i, row)
    {
        if (as_csv)
            put_csv_row(&b, row);
        else
            put_json_row(&b, row);
    }
    bool ok = buf_rc(&b) == RC_OK && (b.n == 0 || fwrite(b.p, 1, b.n, cli->o->out) == b.n) &&
              fflush(cli->o->out) == 0;
    buf_fini(&b);
    if (ok) return ADMIN_EXIT_OK;
    fprintf(cli->o->err, "the records cannot be written: is the disk full?\n");
    return ADMIN_EXIT_REFUSED;
}

/* One page; *before gets where the next one begins, 0 at the end. */
static int export_page(struct cli *cli, const char *path, bool as_csv, int64_t *before)
{
    struct str at = STR("");
    int status = ADMIN_EXIT_REFUSED;
    if (*before > 0 && arena_printf(&cli->arena, &at, "%lld", (long long)*before) != RC_OK)
        return status;
    json_t *answer = cli_ask(cli, "GET", cli_query(cli, path, "before", at), NULL, &status);
    json_t *rows = json_object_get(answer, "cdrs");
    size_t n = json_array_size(rows);
    *before = n > 0 && cli_is_true(answer, "more") ? cli_int(json_array_get(rows, n - 1), "id") : 0;
    if (answer) status = put_page(cli, rows, as_csv);
    json_decref(answer);
    return status;
}

/* Page by page, each in memory of its own: there may be millions. */
static int export_all(struct cli *cli, const char *path, bool as_csv)
{
    struct arena whole = cli->arena;
    int64_t before = 0;
    int status;
    for (size_t i = 0; as_csv && i < EXPORT_COLUMNS; i++)
        fprintf(cli->o->out, "%s%s", export_columns[i].name, i + 1 < EXPORT_COLUMNS ? "," : "\r\n");
    do {
        arena_init(&cli->arena, NULL, 0, PAGE_ARENA_MAX);
        status = export_page(cli, path, as_csv, &before);
        arena_fini(&cli->arena);
    } while (status == ADMIN_EXIT_OK && before > 0);
    cli->arena = whole;
    return status;
}

int cli_cdr_export(struct cli *cli, const struct cli_rest *rest)
{
    static const char usage[] = "cdr export --csv|--json [--number N] [--since T] [--until T]";
    struct cli_flags f;
    cli_flags_init(&f, rest);
    bool as_csv = cli_flag_take(&f, "csv");
    bool as_json = cli_flag_take(&f, "json") || cli->o->json;
    const char *path = cli_query(cli, cli_path(cli, "cdrs", NULL), "limit", STR("1000"));
    path = cli_query(cli, path, "number", str_from(cli_flag_value(&f, "number")));
    if (!(path = take_times(cli, &f, path))) return ADMIN_EXIT_USAGE;
    int status = cli_flags_done(cli, &f, 0, 0, usage);
    if (status != ADMIN_EXIT_OK) return status;
    if (as_csv == as_json) return cli_usage(cli, "it must be said as what: use %s", usage);
    return export_all(cli, path, as_csv);
}
