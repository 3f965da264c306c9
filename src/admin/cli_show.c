/* Looking: SQL, ports, registrations, traces, audit, status, diagnosis. */
#include "admin/cli_int.h"
#include "admin/ladder.h"
#include "admin/ports.h"
#include "admin/table.h"
#include <regex.h>
#include <stdlib.h>

enum { PRINT_MAX = 64 << 20 };

static void put_out(struct cli *cli, struct buf *b)
{
    if (b->n > 0) fwrite(b->p, 1, b->n, cli->o->out);
    buf_fini(b);
}

/* ---- SQL ---- */

static void print_table(struct cli *cli, json_t *answer)
{
    json_t *columns = json_object_get(answer, "columns"), *rows = json_object_get(answer, "rows");
    size_t n = json_array_size(columns), count = json_array_size(rows);
    struct str *titles = ARENA_ARRAY(&cli->arena, struct str, n);
    struct str *cells = ARENA_ARRAY(&cli->arena, struct str, n * count);
    struct buf b;
    if (!titles || !cells) return;
    for (size_t i = 0; i < n; i++)
        titles[i] = cli_cell(cli, json_array_get(columns, i));
    for (size_t i = 0; i < n * count; i++)
        cells[i] = cli_cell(cli, json_array_get(json_array_get(rows, i / n), i % n));
    buf_init(&b, PRINT_MAX);
    table_print_sql(&b, titles, n, cells, count);
    put_out(cli, &b);
    if (cli_is_true(answer, "truncated"))
        fprintf(cli->o->err, "there are more rows: narrow the question with WHERE\n");
}

/* The statement of a one-shot command: the shell took the quotes, a word with blanks was a text. */
static enum rc statement_of(struct cli *cli, const struct cli_rest *rest, struct str column,
                            struct str *out)
{
    struct buf b;
    buf_init(&b, COMMAND_LINE_MAX);
    for (int i = 0; i < rest->argc; i++) {
        struct str word = str_from(rest->argv[i]);
        bool is_text = str_find_char(word, ' ') != STR_NPOS || str_eq(word, column);
        if (i > 0) buf_put_char(&b, ' ');
        if (is_text) buf_put_char(&b, '\'');
        for (size_t k = 0; k < word.n; k++) {
            if (is_text && word.p[k] == '\'') buf_put_char(&b, '\'');
            buf_put_char(&b, word.p[k]);
        }
        if (is_text) buf_put_char(&b, '\'');
    }
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = arena_str_dup(&cli->arena, buf_str(&b), out);
    buf_fini(&b);
    return rc;
}

static json_t *ask_sql(struct cli *cli, struct str text, int *status, json_t **refusal)
{
    json_t *body = json_pack("{s:s%}", "statement", text.p, text.n);
    return cli_ask_quiet(cli, "POST", cli_path(cli, "sql", NULL), body, status, refusal);
}

/* WHERE paramname = ClusterSIPOAuthMode, as a shell leaves it: what is no column was a text. */
static json_t *ask_again_quoted(struct cli *cli, const struct cli_rest *rest, int *status,
                                json_t **refusal)
{
    static const struct str sign = STR_INIT("no such column: ");
    struct str why = cli_str(*refusal, "message"), text;
    if (!str_starts(why, sign)) return NULL;
    struct str column = str_sub(why, sign.n, why.n);
    if (statement_of(cli, rest, column, &text) != RC_OK) return NULL;
    json_t *other = NULL, *answer = ask_sql(cli, text, status, &other);
    json_decref(*refusal);
    *refusal = other;
    return answer;
}

int cli_run_sql(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    json_t *refusal;
    struct str text = rest->raw;
    bool is_split = !cli->is_shell && rest->argc > 1;
    if (!cli_has_words(cli, rest, 1, COMMAND_WORD_MAX)) return ADMIN_EXIT_USAGE;
    if (rest->argc == 1) text = str_from(rest->argv[0]); /* one quoted word is the statement */
    if (is_split && statement_of(cli, rest, STR(""), &text) != RC_OK) return ADMIN_EXIT_REFUSED;
    json_t *answer = ask_sql(cli, text, &status, &refusal);
    if (refusal && is_split) answer = ask_again_quoted(cli, rest, &status, &refusal);
    if (refusal) cli_print_refusal(cli, refusal);
    if (answer && !cli_print_json(cli, answer)) print_table(cli, answer);
    json_decref(answer);
    json_decref(refusal);
    return status;
}

/* ---- ports ---- */

static int print_ports(struct cli *cli, const regex_t *only)
{
    struct str *lines;
    size_t count;
    if (ports_list(&cli->arena, &lines, &count) != RC_OK) {
        fprintf(cli->o->err, "the sockets of this machine cannot be read: is /proc mounted?\n");
        return ADMIN_EXIT_REFUSED;
    }
    cli_say(cli, "%s", "");
    cli_say(cli, "Executing.. please wait.");
    for (size_t i = 0; i < count; i++) {
        char line[1024];
        if (str_to_cstr(lines[i], line, sizeof line) != RC_OK) continue;
        if (!only || regexec(only, line, 0, NULL, 0) == 0) cli_say(cli, "%s", line);
    }
    return ADMIN_EXIT_OK;
}

int cli_open_ports_regexp(struct cli *cli, const struct cli_rest *rest)
{
    regex_t only;
    if (!cli_has_words(cli, rest, 1, 1)) return ADMIN_EXIT_USAGE;
    if (regcomp(&only, rest->argv[0], REG_EXTENDED | REG_NOSUB) != 0)
        return cli_usage(cli, "%s is no regular expression: quote what has a meaning there with \\",
                         rest->argv[0]);
    int status = print_ports(cli, &only);
    regfree(&only);
    return status;
}

int cli_open_ports_all(struct cli *cli, const struct cli_rest *rest)
{
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    return print_ports(cli, NULL);
}

/* ---- registrations ---- */

int cli_registrations(struct cli *cli, const struct cli_rest *rest)
{
    static const struct cli_column columns[] = {
        {"device", "device", false}, {"line", "line", false},
        {"user", "user", false},     {"listener", "listener", false},
        {"peer", "peer", false},     {"expires_in_s", "expires in s", false},
        {"since", "since", true},    {"user_agent", "user agent", false}};
    int status;
    if (!cli_has_words(cli, rest, 0, 1)) return ADMIN_EXIT_USAGE;
    const char *path = cli_query(cli, cli_path(cli, "registrations", NULL), "device",
                                 str_from(rest->argc == 1 ? rest->argv[0] : NULL));
    json_t *rows = cli_ask_all(cli, path, "registrations", "id", &status);
    if (rows && !cli_print_json(cli, rows)) {
        if (json_array_size(rows) > 0)
            cli_print_rows(cli, rows, columns, sizeof columns / sizeof *columns);
        else if (rest->argc == 1)
            cli_say(cli, "%s is not registered. Why: diagnose %s", rest->argv[0], rest->argv[0]);
        else
            cli_say(cli, "Nothing is registered.");
    }
    json_decref(rows);
    return status;
}

/* ---- trunks ---- */

int cli_trunks(struct cli *cli, const struct cli_rest *rest)
{
    static const struct cli_column columns[] = {{"name", "trunk", false},
                                                {"state", "state", false},
                                                {"status", "status", false},
                                                {"since", "since", true}};
    int status;
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    json_t *rows = cli_ask_all(cli, cli_path(cli, "trunk-states", NULL), "trunks", "name", &status);
    if (rows && !cli_print_json(cli, rows)) {
        if (json_array_size(rows) > 0)
            cli_print_rows(cli, rows, columns, sizeof columns / sizeof *columns);
        else
            cli_say(cli, "No trunk has been asked yet.");
    }
    json_decref(rows);
    return status;
}

/* ---- handshakes ---- */

static void print_handshake(struct cli *cli, json_t *row)
{
    int64_t count = cli_int(row, "count");
    cli_say(cli, "%.*s  %.*s, %.*s%s", STR_ARG(cli_time(cli, cli_int(row, "last"))),
            STR_ARG(cli_str(row, "listener")), STR_ARG(cli_str(row, "peer")),
            count > 1 ? ", again and again" : "");
    cli_say(cli, "  %.*s", STR_ARG(cli_str(row, "text")));
    cli_say(cli, "  -> %.*s", STR_ARG(cli_str(row, "fix")));
}

int cli_handshakes(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    size_t i;
    json_t *row;
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    json_t *rows = cli_ask_all(cli, cli_path(cli, "handshakes", NULL), "handshakes", "last",
                               &status);
    if (rows && !cli_print_json(cli, rows)) {
        json_array_foreach(rows, i, row) print_handshake(cli, row);
        if (json_array_size(rows) == 0)
            cli_say(cli, "No handshake has failed since the last success.");
    }
    json_decref(rows);
    return status;
}

/* ---- traces ---- */

static struct admin_trace_record record_of(json_t *j)
{
    struct str kind = cli_str(j, "kind");
    struct str flow = cli_str(j, "flow");
    return (struct admin_trace_record){
        .seq = (uint64_t)cli_int(j, "seq"),
        .flow_id = flow.n > 0 ? strtoull(flow.p, NULL, 16) : 0,
        .unix_ms = cli_int(j, "at_ms"),
        .kind = str_eq(kind, STR("in"))    ? ADMIN_TRACE_IN
                : str_eq(kind, STR("out")) ? ADMIN_TRACE_OUT
                                           : ADMIN_TRACE_NOTE,
        .transport = cli_str(j, "transport"),
        .local = cli_str(j, "local"),
        .peer = cli_str(j, "peer"),
        .label = cli_str(j, "device"),
        .text = cli_str(j, "text"),
    };
}

static void print_ladder(struct cli *cli, json_t *records, struct str node, bool full)
{
    size_t n = json_array_size(records);
    struct admin_trace_record *rows = ARENA_ARRAY(&cli->arena, struct admin_trace_record, n);
    struct ladder_options o = {.full = full};
    struct buf b;
    if (!rows) return;
    for (size_t i = 0; i < n; i++)
        rows[i] = record_of(json_array_get(records, i));
    buf_init(&b, PRINT_MAX);
    ladder_print(&b, rows, n, node, &o);
    put_out(cli, &b);
}

int cli_trace(struct cli *cli, const struct cli_rest *rest)
{
    struct cli_flags f;
    int status;
    cli_flags_init(&f, rest);
    bool full = cli_flag_take(&f, "full");
    struct str limit = str_from(cli_flag_value(&f, "limit"));
    status = cli_flags_done(cli, &f, 0, 1, "trace [device] [--full] [--limit N]");
    if (status != ADMIN_EXIT_OK) return status;
    const char *path = cli_query(cli, cli_path(cli, "traces", NULL), "device",
                                 str_from(f.count == 1 ? f.words[0] : NULL));
    json_t *node = cli_ask(cli, "GET", cli_path(cli, "status", NULL), NULL, &status);
    json_t *answer = node ? cli_ask(cli, "GET", cli_query(cli, path, "limit", limit), NULL, &status)
                          : NULL;
    json_t *records = json_object_get(answer, "records");
    if (answer && !cli_print_json(cli, answer)) {
        if (json_array_size(records) > 0)
            print_ladder(cli, records, cli_str(node, "node"), full);
        else
            cli_say(cli, f.count == 1 ? "No message of %s is kept." : "No message is kept%s.",
                    f.count == 1 ? f.words[0] : "");
    }
    json_decref(answer);
    json_decref(node);
    return status;
}

static int trace_switch(struct cli *cli, bool on)
{
    int status;
    json_t *answer = cli_ask(cli, "PUT", cli_path(cli, "traces", "switch", NULL),
                             json_pack("{s:b}", "on", on), &status);
    if (answer && !cli_print_json(cli, answer))
        cli_say(cli, on ? "SIP messages are kept in memory from now on."
                        : "SIP messages are no longer kept.");
    json_decref(answer);
    return status;
}

int cli_trace_on(struct cli *cli, const struct cli_rest *rest)
{
    return cli_has_words(cli, rest, 0, 0) ? trace_switch(cli, true) : ADMIN_EXIT_USAGE;
}
int cli_trace_off(struct cli *cli, const struct cli_rest *rest)
{
    return cli_has_words(cli, rest, 0, 0) ? trace_switch(cli, false) : ADMIN_EXIT_USAGE;
}

/* ---- audit, counters, status ---- */

int cli_audit(struct cli *cli, const struct cli_rest *rest)
{
    static const struct cli_column columns[] = {
        {"at", "at", true},          {"who", "who", false},   {"from", "from", false},
        {"action", "action", false}, {"kind", "kind", false}, {"key", "key", false},
        {"result", "result", false}};
    struct cli_flags f;
    int status;
    size_t i;
    json_t *row;
    cli_flags_init(&f, rest);
    struct str limit = str_from(cli_flag_value(&f, "limit"));
    status = cli_flags_done(cli, &f, 0, 0, "show audit [--limit N]");
    if (status != ADMIN_EXIT_OK) return status;
    json_t *answer = cli_ask(
        cli, "GET", cli_query(cli, cli_path(cli, "audit", NULL), "limit", limit), NULL, &status);
    json_t *rows = json_object_get(answer, "audit");
    json_array_foreach(rows, i, row)
        json_object_set_new(row, "at", json_integer(cli_int(row, "at_ms") / 1000));
    if (answer && !cli_print_json(cli, rows))
        cli_print_rows(cli, rows, columns, sizeof columns / sizeof *columns);
    json_decref(answer);
    return status;
}

int cli_counters(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    const char *name;
    json_t *value;
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    json_t *answer = cli_ask(cli, "GET", cli_path(cli, "counters", NULL), NULL, &status);
    json_t *counters = json_object_get(answer, "counters");
    if (answer && !cli_print_json(cli, counters))
        json_object_foreach(counters, name, value)
            cli_say(cli, "%-44s %lld", name, (long long)json_integer_value(value));
    json_decref(answer);
    return status;
}

static void print_listeners(struct cli *cli, json_t *listeners)
{
    static const struct cli_column columns[] = {{"name", "listener", false},
                                                {"transport", "transport", false},
                                                {"address", "address", false},
                                                {"state", "state", false},
                                                {"why", "", false}};
    cli_print_rows(cli, listeners, columns, sizeof columns / sizeof *columns);
}

/* What keeps the node from being whole. */
static void print_problems(struct cli *cli, json_t *problems)
{
    size_t i;
    json_t *p;
    if (json_array_size(problems) > 0) cli_say(cli, "%s", "");
    json_array_foreach(problems, i, p)
    {
        struct str fix = cli_str(p, "fix");
        cli_say(cli, "FAIL  %.*s: %.*s", STR_ARG(cli_str(p, "name")), STR_ARG(cli_str(p, "text")));
        if (fix.n > 0) cli_say(cli, "      -> %.*s", STR_ARG(fix));
    }
}

static void print_load(struct cli *cli, json_t *load)
{
    long long now = (long long)cli_int(load, "overloaded_workers");
    long long refused = (long long)cli_int(load, "refused_calls");
    if (now > 0) cli_say(cli, "load:            too much: %lld worker(s) refuse new calls", now);
    if (now > 0 || refused > 0) cli_say(cli, "calls refused:   %lld for too much load", refused);
}

static void print_edge(struct cli *cli, json_t *s)
{
    int64_t up = cli_int(s, "uptime_s");
    cli_say(cli, "edge:            %.*s (%.*s), Bearline %.*s", STR_ARG(cli_str(s, "node")),
            STR_ARG(cli_str(s, "role")), STR_ARG(cli_str(s, "version")));
    cli_say(cli, "running for:     %lld d %lld h %lld min %lld s", (long long)(up / 86400),
            (long long)(up / 3600 % 24), (long long)(up / 60 % 60), (long long)(up % 60));
    cli_say(cli, "mode:            %s", cli_is_true(s, "mra") ? "Mobile and Remote Access" : "Off");
    cli_say(cli, "%s", "");
    if (str_eq(cli_str(s, "role"), STR("inner")))
        cli_print_ucms(cli, json_object_get(s, "ucms"));
    else
        print_listeners(cli, json_object_get(s, "listeners"));
    cli_say(cli, "%s", "");
    cli_print_zones(cli, json_object_get(s, "zones"));
    print_problems(cli, json_object_get(s, "problems"));
}

int cli_status(struct cli *cli, const struct cli_rest *rest)
{
    static const char *const counts[] = {"users", "devices", "lines", "profiles", "registrations"};
    int status;
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    json_t *s = cli_ask(cli, "GET", cli_path(cli, "status", NULL), NULL, &status);
    bool is_edge = cli_str(s, "role").n > 0;
    if (s && is_edge && !cli_print_json(cli, s)) print_edge(cli, s);
    if (s && !is_edge && !cli_print_json(cli, s)) {
        int64_t up = cli_int(s, "uptime_s");
        cli_say(cli, "node:            %.*s, Bearline %.*s", STR_ARG(cli_str(s, "node")),
                STR_ARG(cli_str(s, "version")));
        cli_say(cli, "running for:     %lld d %lld h %lld min %lld s", (long long)(up / 86400),
                (long long)(up / 3600 % 24), (long long)(up / 60 % 60), (long long)(up % 60));
        cli_say(cli, "SIP OAuth mode:  %s",
                cli_is_true(s, "sip_oauth_mode") ? "enabled" : "disabled");
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            cli_say(cli, "%s:%*s%lld", counts[i], (int)(16 - strlen(counts[i])), "",
                    (long long)cli_int(json_object_get(s, "counts"), counts[i]));
        print_load(cli, json_object_get(s, "load"));
        cli_say(cli, "%s", "");
        print_listeners(cli, json_object_get(s, "listeners"));
        print_problems(cli, json_object_get(s, "problems"));
    }
    if (json_array_size(json_object_get(s, "problems")) > 0) status = ADMIN_EXIT_REFUSED;
    json_decref(s);
    return status;
}

int cli_version(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    json_t *s = cli_ask(cli, "GET", cli_path(cli, "status", NULL), NULL, &status);
    if (s && !cli_print_json(cli, s))
        cli_say(cli, "Active Master Version: %.*s", STR_ARG(cli_str(s, "version")));
    json_decref(s);
    return status;
}

int cli_diagnose(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    size_t i;
    json_t *step;
    if (!cli_has_words(cli, rest, 0, 1)) return ADMIN_EXIT_USAGE;
    json_t *d = cli_ask(cli, "GET",
                        cli_path(cli, "diagnose", rest->argc == 1 ? rest->argv[0] : NULL, NULL),
                        NULL, &status);
    if (!d) return status;
    if (!cli_print_json(cli, d)) json_array_foreach(json_object_get(d, "steps"), i, step)
        {
            struct str fix = cli_str(step, "fix");
            cli_say(cli, "%s  %.*s: %.*s", cli_is_true(step, "ok") ? "ok  " : "FAIL",
                    STR_ARG(cli_str(step, "name")), STR_ARG(cli_str(step, "text")));
            if (fix.n > 0) cli_say(cli, "      -> %.*s", STR_ARG(fix));
        }
    if (!cli_is_true(d, "ok")) status = ADMIN_EXIT_REFUSED;
    json_decref(d);
    return status;
}
