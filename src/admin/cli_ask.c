#include "admin/cli_int.h"
#include "admin/table.h"
#include "admin/wipe.h"
#include "base/form.h"
#include "http/client.h"
#include <stdarg.h>
#include <stdlib.h>

enum { ANSWER_MAX = 64 << 20, TIMEOUT_MS = 60000, IMPORT_TIMEOUT_MS = 3600000 };

const char *cli_path(struct cli *cli, const char *plural, ...)
{
    struct buf b;
    struct str out;
    va_list args;
    buf_init(&b, 65536);
    buf_printf(&b, "/api/v1/%s", plural);
    va_start(args, plural);
    for (const char *part; (part = va_arg(args, const char *)) != NULL;) {
        buf_put_char(&b, '/');
        form_print_value(&b, str_from(part));
    }
    va_end(args);
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = arena_str_dup(&cli->arena, buf_str(&b), &out);
    buf_fini(&b);
    return rc == RC_OK ? out.p : NULL;
}

const char *cli_query(struct cli *cli, const char *path, const char *name, struct str value)
{
    struct buf b;
    struct str out = {0};
    if (!path || value.n == 0) return path;
    buf_init(&b, 65536);
    buf_put_str(&b, str_from(path));
    if (!strchr(path, '?')) buf_put_char(&b, '?');
    form_print_pair(&b, str_from(name), value);
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = arena_str_dup(&cli->arena, buf_str(&b), &out);
    buf_fini(&b);
    return rc == RC_OK ? out.p : NULL;
}

static int exit_of(int http_status)
{
    if (http_status == 404) return ADMIN_EXIT_NOT_FOUND;
    return http_status == 401 || http_status == 403 ? ADMIN_EXIT_NO_RIGHT : ADMIN_EXIT_REFUSED;
}

static void say_unreachable(struct cli *cli, const struct http_answer *answer)
{
    if (answer->failure == HTTP_FAIL_REFUSED)
        fprintf(cli->o->err,
                "no node answers at %s: is bearlined running, and may this user use the socket? "
                "(another one: --socket PATH, or BEARLINE_SOCKET)\n",
                cli->o->socket);
    else
        fprintf(cli->o->err, "the node cannot be asked: %s\n",
                answer->why[0] ? answer->why : http_failure_name(answer->failure));
}

static json_t *fetch(struct cli *cli, const struct http_call *call, int *status, json_t **refusal)
{
    struct http_answer answer;
    json_error_t e;
    http_fetch(call, &cli->arena, &answer);
    if (answer.failure != HTTP_FAIL_NONE) {
        say_unreachable(cli, &answer);
        *status = ADMIN_EXIT_UNREACHABLE;
        return NULL;
    }
    json_t *json = json_loadb(answer.body.p ? answer.body.p : "", answer.body.n, 0, &e);
    if (json && answer.status >= 200 && answer.status < 300) return json;
    *status = exit_of(answer.status);
    if (json)
        *refusal = json;
    else
        fprintf(cli->o->err, "the node answered %d and nothing that can be read: see its log\n",
                answer.status);
    return NULL;
}

void cli_print_refusal(struct cli *cli, json_t *refusal)
{
    struct buf b;
    if (cli->o->json) {
        json_dumpf(refusal, cli->o->err, JSON_INDENT(2));
        fputc('\n', cli->o->err);
        return;
    }
    buf_init(&b, 65536);
    table_put_safe(&b, cli_str(refusal, "message"));
    fprintf(cli->o->err, "%s\n", buf_cstr(&b));
    buf_fini(&b);
}

json_t *cli_ask_quiet(struct cli *cli, const char *method, const char *path, json_t *body,
                      int *status, json_t **refusal)
{
    struct str url;
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    *refusal = NULL;
    *status = ADMIN_EXIT_REFUSED;
    if (!path || (body && !text) ||
        arena_printf(&cli->arena, &url, "http://bearline%s", path) != RC_OK) {
        fprintf(cli->o->err, "out of memory\n");
        admin_json_wipe(body);
        free(text);
        return NULL;
    }
    struct http_call call = {.method = method,
                             .url = url,
                             .body = str_from(text),
                             .content_type = text ? STR("application/json") : STR(""),
                             .unix_path = cli->o->socket,
                             .timeout_ms = TIMEOUT_MS,
                             .response_max = ANSWER_MAX};
    json_t *answer = fetch(cli, &call, status, refusal);
    if (answer) *status = ADMIN_EXIT_OK;
    if (text) explicit_bzero(text, strlen(text));
    free(text);
    admin_json_wipe(body);
    return answer;
}

json_t *cli_ask(struct cli *cli, const char *method, const char *path, json_t *body, int *status)
{
    json_t *refusal;
    json_t *answer = cli_ask_quiet(cli, method, path, body, status, &refusal);
    if (refusal) cli_print_refusal(cli, refusal);
    json_decref(refusal);
    return answer;
}

json_t *cli_send(struct cli *cli, const char *path, struct str body, struct str type, int *status,
                 json_t **refusal)
{
    struct str url;
    *refusal = NULL;
    *status = ADMIN_EXIT_REFUSED;
    if (!path || arena_printf(&cli->arena, &url, "http://bearline%s", path) != RC_OK) return NULL;
    struct http_call call = {.method = "POST",
                             .url = url,
                             .body = body,
                             .content_type = type,
                             .unix_path = cli->o->socket,
                             .timeout_ms = IMPORT_TIMEOUT_MS,
                             .response_max = ANSWER_MAX};
    json_t *answer = fetch(cli, &call, status, refusal);
    if (answer) *status = ADMIN_EXIT_OK;
    return answer;
}

static bool may_remove(struct cli *cli, const char *path, const char *said, int *status)
{
    struct str question;
    if (cli->o->assume_yes) return true;
    json_t *would = cli_ask(cli, "DELETE", cli_query(cli, path, "dry_run", STR("1")), NULL, status);
    if (!would) return false;
    struct str with = cli_str(would, "goes_with_it");
    bool ok = arena_printf(&cli->arena, &question, "Remove %s%s%.*s", said, with.n > 0 ? ": " : "",
                           STR_ARG(with)) == RC_OK &&
              cli_confirm(cli, question.p);
    json_decref(would);
    *status = ok ? ADMIN_EXIT_OK : ADMIN_EXIT_REFUSED;
    return ok;
}

int cli_remove(struct cli *cli, const char *path, const char *said)
{
    int status;
    if (!may_remove(cli, path, said, &status)) return status;
    json_t *answer = cli_ask(cli, "DELETE", path, NULL, &status);
    if (answer && !cli_print_json(cli, answer)) cli_say(cli, "%s removed.", said);
    json_decref(answer);
    return status;
}

json_t *cli_ask_all(struct cli *cli, const char *path, const char *plural, const char *after,
                    int *status)
{
    json_t *all = json_array();
    struct str at = STR("");
    bool more = true;
    path = cli_query(cli, path, "limit", STR("1000"));
    while (more) {
        json_t *page = cli_ask(cli, "GET", cli_query(cli, path, "after", at), NULL, status);
        if (!page) {
            json_decref(all);
            return NULL;
        }
        json_t *rows = json_object_get(page, plural);
        json_array_extend(all, rows);
        size_t n = json_array_size(rows);
        more = n > 0 && cli_is_true(page, "more");
        if (more) at = cli_cell(cli, json_object_get(json_array_get(rows, n - 1), after));
        json_decref(page);
    }
    return all;
}
