/* Changing the node as a whole: the mode, services, keys, certificates, import. */
#include "admin/cli_int.h"

enum { PEM_MAX = 1 << 20, CSV_MAX = 64 << 20 };

/* ---- SIP OAuth mode ---- */

static void print_lines(struct cli *cli, json_t *lines)
{
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line) cli_say(cli, "%s", json_string_value(line));
}

static void print_checks(struct cli *cli, json_t *checks)
{
    size_t i;
    json_t *check;
    json_array_foreach(checks, i, check)
    {
        struct str fix = cli_str(check, "fix");
        cli_say(cli, "  %s  %.*s: %.*s", cli_is_true(check, "ok") ? "ok  " : "FAIL",
                STR_ARG(cli_str(check, "name")), STR_ARG(cli_str(check, "text")));
        if (fix.n > 0) cli_say(cli, "        -> %.*s", STR_ARG(fix));
    }
}

static int mode(struct cli *cli, const struct cli_rest *rest, const char *method, const char *verb)
{
    int status;
    json_t *refusal;
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    json_t *answer = cli_ask_quiet(cli, method, cli_path(cli, "sip-oauth-mode", verb, NULL), NULL,
                                   &status, &refusal);
    if (refusal) {
        cli_print_refusal(cli, refusal);
        if (!cli->o->json) print_checks(cli, json_object_get(refusal, "checks"));
    }
    if (answer && !cli_print_json(cli, answer)) {
        print_lines(cli, json_object_get(answer, "lines"));
        print_checks(cli, json_object_get(answer, "checks"));
    }
    json_decref(answer);
    json_decref(refusal);
    return status;
}

int cli_mode_enable(struct cli *cli, const struct cli_rest *rest)
{
    return mode(cli, rest, "POST", "enable");
}
int cli_mode_disable(struct cli *cli, const struct cli_rest *rest)
{
    return mode(cli, rest, "POST", "disable");
}
int cli_mode_status(struct cli *cli, const struct cli_rest *rest)
{
    return mode(cli, rest, "GET", NULL);
}

/* ---- services ---- */

struct service {
    const char *name;
    const char *listeners[4];
};

/* STARTED when one of its ports is open; otherwise why not. */
static void print_service(struct cli *cli, const struct service *s, json_t *listeners, bool mode_on)
{
    size_t i;
    json_t *l;
    bool is_open = false;
    struct str why = STR("");
    json_array_foreach(listeners, i, l) for (size_t k = 0; k < 4 && s->listeners[k]; k++)
    {
        if (!str_eq(cli_str(l, "name"), str_from(s->listeners[k]))) continue;
        if (str_eq(cli_str(l, "state"), STR("open"))) is_open = true;
        if (cli_str(l, "why").n > 0) why = cli_str(l, "why");
    }
    if (!is_open && why.n == 0)
        why = mode_on ? STR("Commanded Out of Service")
                      : STR("Commanded Out of Service (SIP OAuth mode is disabled)");
    cli_say(cli, "%s[%s]%s%.*s", s->name, is_open ? "STARTED" : "STOPPED", is_open ? "" : "  ",
            is_open ? 0 : (int)why.n, why.p ? why.p : "");
}

int cli_service_list(struct cli *cli, const struct cli_rest *rest)
{
    static const struct service services[] = {
        {"Bearline Call Server", {"SIP", "SIP secure"}},
        {"Bearline SIP OAuth Lines", {"SIP OAuth", "SIP OAuth MRA"}},
        {"Bearline Device Configuration", {"device configuration"}},
        {"Bearline Sign-in and Operator API", {"HTTPS"}}};
    int status;
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    json_t *s = cli_ask(cli, "GET", cli_path(cli, "status", NULL), NULL, &status);
    if (s && !cli_print_json(cli, s)) {
        cli_say(cli, "Requesting service status, please wait...");
        for (size_t i = 0; i < sizeof services / sizeof *services; i++)
            print_service(cli, &services[i], json_object_get(s, "listeners"),
                          i != 1 || cli_is_true(s, "sip_oauth_mode"));
    }
    json_decref(s);
    return status;
}

int cli_service_restart(struct cli *cli, const struct cli_rest *rest)
{
    (void)rest;
    cli_say(cli,
            "Nothing was restarted, and nothing needs to be: mode, ports, certificates and keys "
            "take effect at once. The whole node restarts with its service manager "
            "(systemctl restart bearlined).");
    return ADMIN_EXIT_OK;
}

/* ---- keys ---- */

static const struct cli_column key_rows[] = {{"kid", "key id", false},
                                             {"alg", "algorithm", false},
                                             {"checksum", "checksum", false},
                                             {"created", "created", true},
                                             {"former_count", "former keys still valid", false}};

static int key(struct cli *cli, const struct cli_rest *rest, const char *use, const char *verb)
{
    int status;
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    json_t *k = cli_ask(cli, verb ? "POST" : "GET", cli_path(cli, "keys", use, verb, NULL), NULL,
                        &status);
    if (k && !cli_print_json(cli, k)) {
        if (verb) cli_say(cli, "The %s key is new.", use);
        cli_print_pairs(cli, k, key_rows, sizeof key_rows / sizeof *key_rows);
    }
    json_decref(k);
    return status;
}

static int key_regen(struct cli *cli, const struct cli_rest *rest, const char *use)
{
    if (rest->argc == 0 &&
        !cli_confirm(cli, "Every access token issued so far ends now and phones must renew theirs. "
                          "Go on"))
        return ADMIN_EXIT_REFUSED;
    return key(cli, rest, use, "regen");
}

int cli_key_show_signing(struct cli *cli, const struct cli_rest *rest)
{
    return key(cli, rest, "signing", NULL);
}
int cli_key_show_encryption(struct cli *cli, const struct cli_rest *rest)
{
    return key(cli, rest, "encryption", NULL);
}
int cli_key_regen_signing(struct cli *cli, const struct cli_rest *rest)
{
    return key_regen(cli, rest, "signing");
}
int cli_key_regen_encryption(struct cli *cli, const struct cli_rest *rest)
{
    return key_regen(cli, rest, "encryption");
}
int cli_key_rotate_signing(struct cli *cli, const struct cli_rest *rest)
{
    return key(cli, rest, "signing", "rotate");
}
int cli_key_rotate_encryption(struct cli *cli, const struct cli_rest *rest)
{
    return key(cli, rest, "encryption", "rotate");
}

/* ---- certificates ---- */

static int cert_list(struct cli *cli, const struct cli_rest *rest, const char *plural)
{
    static const struct cli_column columns[] = {
        {"name", "name", false}, {"subject", "subject", false}, {"not_after", "valid until", true}};
    int status;
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    json_t *rows = cli_ask_all(cli, cli_path(cli, plural, NULL), plural, "name", &status);
    if (rows && !cli_print_json(cli, rows))
        cli_print_rows(cli, rows, columns, sizeof columns / sizeof *columns);
    json_decref(rows);
    return status;
}

int cli_cert_list_own(struct cli *cli, const struct cli_rest *rest)
{
    return cert_list(cli, rest, "certs");
}
int cli_cert_list_trust(struct cli *cli, const struct cli_rest *rest)
{
    return cert_list(cli, rest, "trust");
}

static void print_cert(struct cli *cli, json_t *c)
{
    static const struct cli_column rows[] = {{"name", "name", false},
                                             {"subject", "subject", false},
                                             {"not_before", "valid from", true},
                                             {"not_after", "valid until", true}};
    cli_print_pairs(cli, c, rows, sizeof rows / sizeof *rows);
}

int cli_cert_show(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    if (!cli_has_words(cli, rest, 1, 1)) return ADMIN_EXIT_USAGE;
    json_t *c = cli_ask(cli, "GET", cli_path(cli, "certs", rest->argv[0], NULL), NULL, &status);
    if (c && !cli_print_json(cli, c)) {
        print_cert(cli, c);
        fprintf(cli->o->out, "%s", json_string_value(json_object_get(c, "chain_pem")));
    }
    json_decref(c);
    return status;
}

static int new_cert(struct cli *cli, json_t *c, int status)
{
    if (c && !cli_print_json(cli, c)) {
        cli_say(cli, "New connections get this certificate now; no restart is needed.");
        print_cert(cli, c);
    }
    json_decref(c);
    return status;
}

int cli_cert_regen(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    if (!cli_has_words(cli, rest, 1, 1)) return ADMIN_EXIT_USAGE;
    json_t *c = cli_ask(cli, "POST", cli_path(cli, "certs", rest->argv[0], "regen", NULL), NULL,
                        &status);
    return new_cert(cli, c, status);
}

int cli_cert_import_own(struct cli *cli, const struct cli_rest *rest)
{
    struct str chain, private_key;
    int status;
    if (!cli_has_words(cli, rest, 3, 3)) return ADMIN_EXIT_USAGE;
    if (!cli_read_file(cli, rest->argv[1], PEM_MAX, &chain) ||
        !cli_read_file(cli, rest->argv[2], PEM_MAX, &private_key))
        return ADMIN_EXIT_REFUSED;
    json_t *body = json_pack("{s:s%, s:s%}", "chain_pem", chain.p, chain.n, "key_pem",
                             private_key.p, private_key.n);
    if (!body)
        return cli_usage(cli, "these are no PEM files: bring text that begins with -----BEGIN");
    json_t *c = cli_ask(cli, "PUT", cli_path(cli, "certs", rest->argv[0], NULL), body, &status);
    return new_cert(cli, c, status);
}

int cli_cert_import_trust(struct cli *cli, const struct cli_rest *rest)
{
    struct str pem, store;
    size_t i;
    json_t *c;
    int status;
    if (!cli_has_words(cli, rest, 2, 2)) return ADMIN_EXIT_USAGE;
    if (!cli_read_file(cli, rest->argv[1], PEM_MAX, &pem)) return ADMIN_EXIT_REFUSED;
    store = str_from(rest->argv[0]);
    if (!str_ends(store, STR("-trust")) &&
        arena_printf(&cli->arena, &store, "%s-trust", rest->argv[0]) != RC_OK)
        return ADMIN_EXIT_REFUSED;
    json_t *body = json_pack("{s:s%, s:s%}", "store", store.p, store.n, "pem", pem.p, pem.n);
    if (!body)
        return cli_usage(cli, "%s is no PEM file: bring text that begins with -----BEGIN",
                         rest->argv[1]);
    json_t *answer = cli_ask(cli, "POST", cli_path(cli, "trust", NULL), body, &status);
    if (answer && !cli_print_json(cli, answer))
        json_array_foreach(json_object_get(answer, "trust"), i, c)
            cli_say(cli, "Trusted now: %.*s (%.*s)", STR_ARG(cli_str(c, "subject")),
                    STR_ARG(cli_str(c, "name")));
    json_decref(answer);
    return status;
}

int cli_cert_delete_trust(struct cli *cli, const struct cli_rest *rest)
{
    struct str said;
    if (!cli_has_words(cli, rest, 1, 1)) return ADMIN_EXIT_USAGE;
    if (arena_printf(&cli->arena, &said, "trusted certificate %s", rest->argv[0]) != RC_OK)
        return ADMIN_EXIT_REFUSED;
    return cli_remove(cli, cli_path(cli, "trust", rest->argv[0], NULL), said.p);
}

/* ---- import ---- */

static void print_tally(struct cli *cli, json_t *answer, const char *what, bool applied)
{
    json_t *t = json_object_get(answer, what);
    cli_say(cli, "%-8s %lld %s, %lld %s", what, (long long)cli_int(t, "added"),
            applied ? "added" : "to add", (long long)cli_int(t, "updated"),
            applied ? "updated" : "to update");
}

static void print_errors(struct cli *cli, json_t *errors)
{
    size_t i;
    json_t *e;
    json_array_foreach(errors, i, e)
    {
        struct str column = cli_str(e, "column"), message = cli_str(e, "message");
        if (cli_int(e, "row") == 0)
            cli_say(cli, "%.*s", STR_ARG(message));
        else
            cli_say(cli, "row %lld%s%.*s: %.*s", (long long)cli_int(e, "row"),
                    column.n > 0 ? ", " : "", STR_ARG(column), STR_ARG(message));
    }
}

static const char *import_end(json_t *answer, int64_t rows, int64_t bad)
{
    bool applied = cli_is_true(answer, "applied");
    if (rows == 0 && json_array_size(json_object_get(answer, "errors")) > 0)
        return "Nothing was changed. Mend the first row and import the file again.";
    if (cli_is_true(answer, "dry_run")) return "This was a dry run: nothing was changed.";
    if (rows == 0) return "The file has no rows behind the first one. Nothing was changed.";
    if (!applied)
        return "Nothing was changed. Mend these rows, or add --skip-bad to leave them out.";
    return bad > 0 ? "The good rows were applied." : "All rows were applied.";
}

static void print_import(struct cli *cli, json_t *answer)
{
    size_t i;
    json_t *warning, *errors = json_object_get(answer, "errors");
    int64_t rows = cli_int(answer, "rows"), bad = cli_int(answer, "bad");
    bool applied = cli_is_true(answer, "applied");
    print_errors(cli, errors);
    if (bad > (int64_t)json_array_size(errors))
        cli_say(cli, "... and %lld more", (long long)(bad - (int64_t)json_array_size(errors)));
    if (rows > 0) {
        const char *s = rows == 1 ? "" : "s";
        if (bad > 0)
            cli_say(cli, "%lld row%s read, %lld of them bad.", (long long)rows, s, (long long)bad);
        else
            cli_say(cli, "%lld row%s read, all good.", (long long)rows, s);
        print_tally(cli, answer, "users", applied);
        print_tally(cli, answer, "devices", applied);
        print_tally(cli, answer, "lines", applied);
    }
    json_array_foreach(json_object_get(answer, "warnings"), i, warning)
        cli_say(cli, "%s", json_string_value(warning));
    cli_say(cli, "%s", import_end(answer, rows, bad));
}

int cli_import(struct cli *cli, const struct cli_rest *rest)
{
    struct cli_flags f;
    struct str text;
    json_t *refusal;
    cli_flags_init(&f, rest);
    const char *path = cli_path(cli, "import", NULL);
    if (cli_flag_take(&f, "dry-run")) path = cli_query(cli, path, "dry_run", STR("1"));
    if (cli_flag_take(&f, "skip-bad")) path = cli_query(cli, path, "skip_bad", STR("1"));
    int status = cli_flags_done(cli, &f, 1, 1, "import <file.csv> [--dry-run] [--skip-bad]");
    if (status != ADMIN_EXIT_OK) return status;
    if (!cli_read_file(cli, f.words[0], CSV_MAX, &text)) return ADMIN_EXIT_REFUSED;
    const char *base = strrchr(f.words[0], '/');
    path = cli_query(cli, path, "name", str_from(base ? base + 1 : f.words[0]));
    json_t *answer = cli_send(cli, path, text, STR("text/csv"), &status, &refusal);
    json_t *found = answer ? answer : refusal;
    if (refusal && !json_object_get(refusal, "errors"))
        cli_print_refusal(cli, refusal);
    else if (found && !cli_print_json(cli, found))
        print_import(cli, found);
    json_decref(answer);
    json_decref(refusal);
    return status;
}
