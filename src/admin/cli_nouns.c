/* add, list, show, update, remove: the same for every noun, by its table of fields. */
#include "admin/cli_int.h"
#include "admin/wipe.h"
#include "crypto/password.h"

enum { COLUMNS = 24, FILE_MAX = 512 << 10 };

static const struct admin_noun *noun_of(const struct cli_rest *rest)
{
    struct str head = rest->head, word;
    return str_split(&head, ' ', &word) ? admin_noun_find(word) : NULL;
}

/* ---- options into JSON ---- */

static bool is_list(const struct admin_field *f)
{
    return f->kind == ADMIN_LINES || f->kind == ADMIN_WORDS || f->kind == ADMIN_ROLES ||
           f->kind == ADMIN_MEMBERS;
}

/* A list may come as several options, or in one parted by commas or blanks. */
static void add_to_list(json_t *body, const struct admin_field *f, struct str value)
{
    json_t *list = json_object_get(body, f->name);
    struct str word;
    if (!list) {
        list = json_array();
        json_object_set_new(body, f->name, list);
    }
    char by = str_find_char(value, ',') != STR_NPOS ? ',' : ' ';
    while (str_split(&value, by, &word)) {
        word = str_trim(word);
        if (word.n > 0) json_array_append_new(list, json_stringn(word.p, word.n));
    }
}

static int set_member(struct cli *cli, json_t *body, const struct admin_field *f, struct str value)
{
    if (is_list(f))
        add_to_list(body, f, value);
    else if (json_object_get(body, f->name))
        return cli_usage(cli, "--%s stands there twice: leave one out", f->name);
    else if (json_object_set_new(body, f->name, json_stringn(value.p ? value.p : "", value.n)) != 0)
        return cli_usage(cli, "--%s is not UTF-8: write it in that encoding", f->name);
    return ADMIN_EXIT_OK;
}

static bool ends(struct str *name, const char *suffix)
{
    struct str s = str_from(suffix);
    if (name->n <= s.n || !str_eq_nocase(str_sub(*name, name->n - s.n, name->n), s)) return false;
    *name = str_sub(*name, 0, name->n - s.n);
    return true;
}

static bool is_secret(const struct admin_field *f)
{
    return f && admin_field_is_secret(f);
}

/* "--password-file F", "--password-stdin", "--jwks-file F". 1: taken, 0: another option, -1: said. */
static int take_from_file(struct cli *cli, const struct admin_noun *noun, struct str name,
                          const char *value, json_t *body, bool *used_value)
{
    bool from_stdin = ends(&name, "-stdin");
    if (!from_stdin && !ends(&name, "-file")) return 0;
    const struct admin_field *f = admin_noun_field(noun, name);
    struct str text;
    if (!f || !(is_secret(f) || (f->flags & ADMIN_F_FILE))) return 0;
    if (!from_stdin && !value) {
        cli_usage(cli, "--%.*s-file needs a file: name it behind the option", STR_ARG(name));
        return -1;
    }
    *used_value = !from_stdin;
    const char *path = from_stdin ? "-" : value;
    bool ok = is_secret(f) ? cli_read_secret(cli, path, &text)
                           : cli_read_file(cli, path, FILE_MAX, &text);
    ok = ok && set_member(cli, body, f, text) == ADMIN_EXIT_OK;
    if (ok && is_secret(f)) admin_text_wipe(text);
    return ok ? 1 : -1;
}

static void put_option(FILE *to, const struct admin_field *f)
{
    fputs(" --", to);
    for (const char *p = f->name; *p; p++)
        fputc(*p == '_' ? '-' : *p, to);
    if (is_secret(f)) fputs("-file", to);
}

static int refuse_option(struct cli *cli, const struct admin_noun *noun, const char *word)
{
    fprintf(cli->o->err, "there is no option %s of %s %s: use one of", word,
            admin_article(noun->name), noun->name);
    for (size_t i = 0; i < noun->field_count; i++)
        if (!(noun->fields[i].flags & ADMIN_F_READ_ONLY)) put_option(cli->o->err, &noun->fields[i]);
    fputc('\n', cli->o->err);
    return ADMIN_EXIT_USAGE;
}

/* One "--name [value]" at words[*at]; moves *at behind it. */
static int take_option(struct cli *cli, const struct admin_noun *noun, const struct cli_rest *rest,
                       int *at, json_t *body)
{
    const char *word = rest->argv[*at], *eq = strchr(word, '=');
    struct str name = eq ? str_of(word + 2, (size_t)(eq - word) - 2) : str_from(word + 2);
    bool has_next = *at + 1 < rest->argc;
    const char *value = eq ? eq + 1 : has_next ? rest->argv[*at + 1] : NULL;
    bool used_value = true;
    int took = take_from_file(cli, noun, name, value, body, &used_value);
    if (took < 0) return ADMIN_EXIT_USAGE;
    const struct admin_field *f = admin_noun_field(noun, name);
    int status = ADMIN_EXIT_OK;
    if (took == 0 && (!f || (f->flags & ADMIN_F_READ_ONLY))) return refuse_option(cli, noun, word);
    if (took == 0 && is_secret(f))
        return cli_usage(cli,
                         "a password on a command line is seen by everybody: use --%s-file FILE or "
                         "--%s-stdin, or leave it out to be asked",
                         f->name, f->name);
    if (took == 0) {
        bool alone = f->kind == ADMIN_BOOL && !eq && (!value || strncmp(value, "--", 2) == 0);
        if (!alone && (!value || (!eq && strncmp(value, "--", 2) == 0)))
            return cli_usage(cli, "%s needs a value: write it behind the option", word);
        used_value = !alone;
        status = set_member(cli, body, f, alone ? STR("yes") : str_from(value));
    }
    *at += used_value && !eq ? 2 : 1;
    return status;
}

/* All words: the first plain one is the key. */
static int read_words(struct cli *cli, const struct admin_noun *noun, const struct cli_rest *rest,
                      json_t *body, const char **key)
{
    *key = NULL;
    for (int at = 0; at < rest->argc;) {
        const char *word = rest->argv[at];
        if (strncmp(word, "--", 2) == 0 && word[2] != '\0') {
            int status = take_option(cli, noun, rest, &at, body);
            if (status != ADMIN_EXIT_OK) return status;
            continue;
        }
        if (*key)
            return cli_usage(cli, "\"%s\" is a word too many: values with blanks need quotes",
                             word);
        *key = word;
        at++;
    }
    return ADMIN_EXIT_OK;
}

static const struct admin_field *first_field(const struct admin_noun *noun)
{
    for (size_t i = 0; i < noun->field_count; i++)
        if (noun->fields[i].flags & ADMIN_F_FIRST) return &noun->fields[i];
    return admin_noun_key(noun);
}

static void done(struct cli *cli, const struct admin_noun *noun, json_t *row, const char *what)
{
    if (cli_print_json(cli, row)) return;
    const struct admin_field *f = first_field(noun);
    cli_say(cli, "%s %.*s %s.", noun->name, STR_ARG(cli_str(row, f->name)), what);
}

int cli_noun_add(struct cli *cli, const struct cli_rest *rest)
{
    const struct admin_noun *noun = noun_of(rest);
    const struct admin_field *first = first_field(noun);
    const char *key;
    json_t *body = json_object();
    int status = read_words(cli, noun, rest, body, &key);
    if (status == ADMIN_EXIT_OK && !key && !json_object_get(body, first->name))
        status = cli_usage(cli, "it must be said which: use %s add <%s> [--option value]...",
                           noun->name, first->name);
    if (status == ADMIN_EXIT_OK && key) json_object_set_new(body, first->name, json_string(key));
    if (status == ADMIN_EXIT_OK && !cli_user_ask_password(cli, noun, body))
        status = ADMIN_EXIT_REFUSED;
    if (status != ADMIN_EXIT_OK) {
        json_decref(body);
        return status;
    }
    json_t *row = cli_ask(cli, "POST", cli_path(cli, noun->plural, NULL), body, &status);
    if (row) {
        done(cli, noun, row, "added");
        cli_user_tell(cli, noun, row);
    }
    json_decref(row);
    return status;
}

int cli_noun_update(struct cli *cli, const struct cli_rest *rest)
{
    const struct admin_noun *noun = noun_of(rest);
    const char *key;
    json_t *body = json_object();
    int status = read_words(cli, noun, rest, body, &key);
    if (status == ADMIN_EXIT_OK && (!key || json_object_size(body) == 0))
        status = cli_usage(cli, "%s: use %s update <%s> --option value...",
                           key ? "nothing is to be changed" : "it must be said which", noun->name,
                           admin_noun_key(noun)->name);
    if (status != ADMIN_EXIT_OK) {
        json_decref(body);
        return status;
    }
    json_t *row = cli_ask(cli, "PATCH", cli_path(cli, noun->plural, key, NULL), body, &status);
    if (row) done(cli, noun, row, "updated");
    json_decref(row);
    return status;
}

int cli_noun_remove(struct cli *cli, const struct cli_rest *rest)
{
    const struct admin_noun *noun = noun_of(rest);
    struct str said;
    if (!cli_has_words(cli, rest, 1, 1)) return ADMIN_EXIT_USAGE;
    if (arena_printf(&cli->arena, &said, "%s %s", noun->name, rest->argv[0]) != RC_OK)
        return ADMIN_EXIT_REFUSED;
    return cli_remove(cli, cli_path(cli, noun->plural, rest->argv[0], NULL), said.p);
}

static size_t columns_of(const struct admin_noun *noun, unsigned flags, struct cli_column *out)
{
    size_t n = 0;
    for (size_t i = 0; i < noun->field_count && n < COLUMNS; i++) {
        const struct admin_field *f = &noun->fields[i];
        if ((f->flags & flags) == flags)
            out[n++] = (struct cli_column){f->name, f->name, f->kind == ADMIN_TIME};
    }
    return n;
}

/* Gives each trunk its "state", as show trunks has it: up, down, or unknown while it has not been
 * asked. A node that does not tell knows none. */
static void add_trunk_states(struct cli *cli, json_t *rows)
{
    int status;
    size_t i, k;
    json_t *row, *one, *refusal;
    json_t *answer = cli_ask_quiet(cli, "GET", cli_path(cli, "trunk-states", NULL), NULL, &status,
                                   &refusal);
    json_array_foreach(rows, i, row)
    {
        json_t *state = json_string("unknown");
        json_array_foreach(json_object_get(answer, "trunks"), k, one)
        {
            if (!str_eq(cli_str(one, "name"), cli_str(row, "name"))) continue;
            json_decref(state);
            state = json_incref(json_object_get(one, "state"));
        }
        json_object_set_new(row, "state", state);
    }
    json_decref(answer);
    json_decref(refusal);
}

int cli_noun_list(struct cli *cli, const struct cli_rest *rest)
{
    const struct admin_noun *noun = noun_of(rest);
    struct cli_column columns[COLUMNS];
    int status;
    if (!cli_has_words(cli, rest, 0, 1)) return ADMIN_EXIT_USAGE;
    const char *path = cli_query(cli, cli_path(cli, noun->plural, NULL), "match",
                                 str_from(rest->argc == 1 ? rest->argv[0] : NULL));
    json_t *rows = cli_ask_all(cli, path, noun->plural, admin_noun_key(noun)->name, &status);
    if (!rows) return status;
    size_t n = columns_of(noun, ADMIN_F_COLUMN, columns);
    if (noun->kind == STORE_TRUNK && n < COLUMNS) {
        add_trunk_states(cli, rows);
        columns[n++] = (struct cli_column){"state", "state", false};
    }
    if (!cli_print_json(cli, rows)) {
        if (json_array_size(rows) > 0)
            cli_print_rows(cli, rows, columns, n);
        else
            cli_say(cli, "There are no %s%s.", noun->plural, rest->argc == 1 ? " like that" : "");
    }
    json_decref(rows);
    return status;
}

static void show_lines(struct cli *cli, json_t *row)
{
    json_t *lines = json_object_get(row, "lines"), *line;
    size_t i;
    json_array_foreach(lines, i, line)
    {
        struct str label = cli_str(line, "label"), contact = cli_str(line, "contact");
        cli_say(cli, "line %lld: %.*s%s%.*s, contact %.*s", (long long)cli_int(line, "index"),
                STR_ARG(cli_str(line, "pattern")), label.n > 0 ? " " : "", STR_ARG(label),
                STR_ARG(contact));
    }
}

int cli_noun_show(struct cli *cli, const struct cli_rest *rest)
{
    const struct admin_noun *noun = noun_of(rest);
    struct cli_column columns[COLUMNS];
    int status;
    if (!cli_has_words(cli, rest, 1, 1)) return ADMIN_EXIT_USAGE;
    json_t *row = cli_ask(cli, "GET", cli_path(cli, noun->plural, rest->argv[0], NULL), NULL,
                          &status);
    if (!row) return status;
    if (!cli_print_json(cli, row)) {
        size_t n = 0;
        for (size_t i = 0; i < noun->field_count && n < COLUMNS; i++) {
            const struct admin_field *f = &noun->fields[i];
            if (is_secret(f))
                columns[n++] = (struct cli_column){
                    f->kind != ADMIN_DIGEST_SECRET
                        ? strcmp(f->name, "secret") == 0 ? "has_secret" : "has_password"
                        : "has_digest_password",
                    f->name, false};
            else if (f->kind != ADMIN_LINES) /* show_lines() */
                columns[n++] = (struct cli_column){f->name, f->name, f->kind == ADMIN_TIME};
        }
        cli_print_pairs(cli, row, columns, n);
        show_lines(cli, row);
    }
    json_decref(row);
    return status;
}

int cli_device_reset(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    if (!cli_has_words(cli, rest, 1, 1)) return ADMIN_EXIT_USAGE;
    json_t *answer = cli_ask(cli, "DELETE", cli_path(cli, "registrations", rest->argv[0], NULL),
                             NULL, &status);
    if (answer && !cli_print_json(cli, answer))
        cli_say(cli, "%lld registration(s) of %s let go.", (long long)cli_int(answer, "released"),
                rest->argv[0]);
    json_decref(answer);
    return status;
}

/* ---- parameters ---- */

static const struct cli_column param_columns[] = {
    {"name", "name", false},
    {"value", "value", false},
    {"default", "default", false},
    {"label", "label", false},
};

int cli_param_list(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    size_t i;
    json_t *p, *shown = json_array();
    struct str part = str_from(rest->argc == 1 ? rest->argv[0] : NULL);
    if (!cli_has_words(cli, rest, 0, 1)) return ADMIN_EXIT_USAGE;
    json_t *all = cli_ask(cli, "GET", cli_path(cli, "params", NULL), NULL, &status);
    json_array_foreach(json_object_get(all, "params"), i, p)
    {
        struct str name = cli_str(p, "name");
        bool fits = part.n == 0;
        for (size_t at = 0; !fits && at + part.n <= name.n; at++)
            fits = str_starts_nocase(str_sub(name, at, name.n), part);
        if (fits) json_array_append(shown, p);
    }
    if (all && !cli_print_json(cli, shown))
        cli_print_rows(cli, shown, param_columns, sizeof param_columns / sizeof *param_columns);
    json_decref(shown);
    json_decref(all);
    return status;
}

int cli_param_show(struct cli *cli, const struct cli_rest *rest)
{
    static const struct cli_column rows[] = {
        {"name", "name", false}, {"label", "label", false},     {"value", "value", false},
        {"unit", "unit", false}, {"default", "default", false}, {"type", "type", false},
        {"min", "min", false},   {"max", "max", false},         {"choices", "choices", false},
        {"help", "help", false}};
    int status;
    if (!cli_has_words(cli, rest, 1, 1)) return ADMIN_EXIT_USAGE;
    json_t *p = cli_ask(cli, "GET", cli_path(cli, "params", rest->argv[0], NULL), NULL, &status);
    if (p && !cli_print_json(cli, p)) cli_print_pairs(cli, p, rows, sizeof rows / sizeof *rows);
    json_decref(p);
    return status;
}

int cli_param_update(struct cli *cli, const struct cli_rest *rest)
{
    struct cli_flags f;
    int status;
    cli_flags_init(&f, rest);
    const char *value = cli_flag_value(&f, "value");
    status = cli_flags_done(cli, &f, value ? 1 : 2, value ? 1 : 2, "param update <name> <value>");
    if (status != ADMIN_EXIT_OK) return status;
    json_t *body = json_pack("{s:s}", "value", value ? value : f.words[1]);
    json_t *p = cli_ask(cli, "PATCH", cli_path(cli, "params", f.words[0], NULL), body, &status);
    if (p && !cli_print_json(cli, p))
        cli_say(cli, "%.*s is %.*s now.", STR_ARG(cli_str(p, "name")),
                STR_ARG(cli_str(p, "value")));
    json_decref(p);
    return status;
}

/* ---- grants ---- */

static const char *grant_query(struct cli *cli, struct cli_flags *f, bool *narrowed)
{
    static const char *const names[] = {"user", "client", "device"};
    const char *path = cli_path(cli, "grants", NULL);
    *narrowed = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str value = str_from(cli_flag_value(f, names[i]));
        if (value.n > 0) *narrowed = true;
        path = cli_query(cli, path, names[i], value);
    }
    return path;
}

int cli_grant_list(struct cli *cli, const struct cli_rest *rest)
{
    static const struct cli_column columns[] = {
        {"id", "id", false},          {"user", "user", false},
        {"client", "client", false},  {"device", "device", false},
        {"created", "created", true}, {"last_used", "last used", true},
        {"expires", "expires", true}, {"revoked", "revoked", true}};
    struct cli_flags f;
    bool narrowed;
    cli_flags_init(&f, rest);
    const char *path = grant_query(cli, &f, &narrowed);
    if (cli_flag_take(&f, "all")) path = cli_query(cli, path, "all", STR("1"));
    int status = cli_flags_done(cli, &f, 0, 0,
                                "grant list [--user U] [--client C] [--device D] [--all]");
    if (status != ADMIN_EXIT_OK) return status;
    json_t *rows = cli_ask_all(cli, path, "grants", "id", &status);
    if (rows && !cli_print_json(cli, rows)) {
        if (json_array_size(rows) > 0)
            cli_print_rows(cli, rows, columns, sizeof columns / sizeof *columns);
        else
            cli_say(cli, "Nobody is signed in.");
    }
    json_decref(rows);
    return status;
}

int cli_grant_revoke(struct cli *cli, const struct cli_rest *rest)
{
    static const char usage[] = "grant revoke <id>, or --user U, --client C, --device D";
    struct cli_flags f;
    bool narrowed;
    cli_flags_init(&f, rest);
    const char *path = grant_query(cli, &f, &narrowed);
    int status = cli_flags_done(cli, &f, narrowed ? 0 : 1, narrowed ? 0 : 1, usage);
    if (status != ADMIN_EXIT_OK) return status;
    if (!narrowed) path = cli_path(cli, "grants", f.words[0], NULL);
    json_t *answer = cli_ask(cli, "DELETE", path, NULL, &status);
    if (answer && !cli_print_json(cli, answer))
        cli_say(cli, "%lld sign-in(s) revoked; their registrations go with them.",
                (long long)cli_int(answer, "revoked"));
    json_decref(answer);
    return status;
}
