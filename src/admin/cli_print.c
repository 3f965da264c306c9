#include "admin/cli_int.h"
#include "admin/table.h"
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

enum { TEXT_MAX = 64 << 20, COLUMN_MAX = 24 };

bool cli_print_json(struct cli *cli, json_t *json)
{
    if (!cli->o->json) return false;
    json_dumpf(json, cli->o->out, JSON_INDENT(2));
    fputc('\n', cli->o->out);
    return true;
}

static void write_buf(struct cli *cli, struct buf *b)
{
    if (buf_rc(b) != RC_OK)
        fprintf(cli->o->err, "this is too much to print: use --json\n");
    else if (b->n > 0)
        fwrite(b->p, 1, b->n, cli->o->out);
    buf_fini(b);
}

void cli_print(struct cli *cli, struct str text)
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    table_put_safe(&b, text);
    write_buf(cli, &b);
}

void cli_say(struct cli *cli, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    cli_print(cli, str_from(text));
    fputc('\n', cli->o->out);
}

int cli_usage(struct cli *cli, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vfprintf(cli->o->err, fmt, args);
    va_end(args);
    fputc('\n', cli->o->err);
    return ADMIN_EXIT_USAGE;
}

struct str cli_str(json_t *object, const char *name)
{
    json_t *j = json_object_get(object, name);
    return json_is_string(j) ? str_of(json_string_value(j), json_string_length(j)) : STR("");
}

int64_t cli_int(json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

bool cli_is_true(json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static void put_value(struct buf *b, json_t *value)
{
    if (json_is_string(value)) buf_put(b, json_string_value(value), json_string_length(value));
    if (json_is_integer(value)) buf_put_i64(b, json_integer_value(value));
    if (json_is_boolean(value)) buf_put_str(b, json_is_true(value) ? STR("yes") : STR("no"));
    if (json_is_object(value)) put_value(b, json_object_get(value, "pattern"));
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i > 0) buf_put_char(b, ',');
        put_value(b, json_array_get(value, i));
    }
}

struct str cli_cell(struct cli *cli, json_t *value)
{
    struct buf b;
    struct str out;
    buf_init(&b, 1 << 20);
    put_value(&b, value);
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = arena_str_dup(&cli->arena, buf_str(&b), &out);
    buf_fini(&b);
    return rc == RC_OK ? out : STR("?");
}

struct str cli_time(struct cli *cli, int64_t unix_s)
{
    char text[40];
    struct tm tm;
    struct str out;
    time_t t = (time_t)unix_s;
    if (unix_s == 0) return STR("-");
    if (!localtime_r(&t, &tm) || strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        return STR("?");
    return arena_str_dup(&cli->arena, str_from(text), &out) == RC_OK ? out : STR("?");
}

static struct str column_cell(struct cli *cli, json_t *row, const struct cli_column *c)
{
    json_t *value = json_object_get(row, c->member);
    return c->is_time ? cli_time(cli, json_integer_value(value)) : cli_cell(cli, value);
}

void cli_print_rows(struct cli *cli, json_t *rows, const struct cli_column *columns, size_t count)
{
    size_t n = json_array_size(rows);
    struct str titles[COLUMN_MAX];
    struct str *cells = ARENA_ARRAY(&cli->arena, struct str, n * count);
    struct buf b;
    if (!cells || count > COLUMN_MAX) {
        fprintf(cli->o->err, "too many rows for this machine's memory: use --json\n");
        return;
    }
    for (size_t i = 0; i < count; i++)
        titles[i] = str_from(columns[i].title);
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < count; i++)
            cells[r * count + i] = column_cell(cli, json_array_get(rows, r), &columns[i]);
    struct table t = {titles, count, cells, n, "", 2};
    buf_init(&b, TEXT_MAX);
    table_print(&b, &t);
    write_buf(cli, &b);
}

void cli_print_pairs(struct cli *cli, json_t *object, const struct cli_column *rows, size_t count)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++)
        if (strlen(rows[i].title) > width) width = strlen(rows[i].title);
    for (size_t i = 0; i < count; i++) {
        struct str value = column_cell(cli, object, &rows[i]);
        cli_say(cli, "%-*s  %.*s", (int)width + 1, rows[i].title, STR_ARG(value));
    }
}
