#include "admin/shell_int.h"

struct completion {
    struct cli *cli;
    struct str begun; /* what is typed of the word so far */
    void (*fn)(void *ctx, struct str word);
    void *ctx;
};

static void offer(void *ctx, struct str word)
{
    struct completion *c = ctx;
    if (str_starts_nocase(word, c->begun)) c->fn(c->ctx, word);
}

/* Quoted where it has blanks. */
static void offer_name(struct completion *c, struct str name)
{
    struct str quoted;
    char copy[STORE_KEY_MAX + 1];
    char *words[] = {copy};
    if (str_to_cstr(name, copy, sizeof copy) != RC_OK ||
        command_join(1, words, &c->cli->arena, &quoted) != RC_OK)
        return;
    struct str begun = c->begun;
    if (begun.n > 0 && begun.p[0] == '"') begun = str_sub(begun, 1, begun.n);
    if (str_starts_nocase(name, begun)) c->fn(c->ctx, quoted);
}

/* The node is asked; one that does not answer offers nothing. */
static void offer_names(struct completion *c, const char *plural, const char *key)
{
    int status;
    size_t i;
    json_t *row, *refusal;
    const char *path = cli_query(c->cli, cli_path(c->cli, plural, NULL), "limit", STR("200"));
    struct str match = c->begun;
    if (match.n > 0 && match.p[0] == '"') match = str_sub(match, 1, match.n);
    json_t *page = cli_ask_quiet(c->cli, "GET", cli_query(c->cli, path, "match", match), NULL,
                                 &status, &refusal);
    json_array_foreach(json_object_get(page, plural), i, row)
        offer_name(c, cli_cell(c->cli, json_object_get(row, key)));
    json_decref(page);
    json_decref(refusal);
}

static void offer_options(struct completion *c, const struct admin_noun *noun)
{
    for (size_t i = 0; i < noun->field_count; i++) {
        const struct admin_field *f = &noun->fields[i];
        bool file = admin_field_is_secret(f) || (f->flags & ADMIN_F_FILE);
        struct str text;
        if ((f->flags & (ADMIN_F_READ_ONLY | ADMIN_F_KEY)) != 0) continue;
        if (arena_printf(&c->cli->arena, &text, "--%s%s", f->name, file ? "-file" : "") != RC_OK)
            continue;
        char *p = (char *)(uintptr_t)text.p; /* our own copy */
        for (size_t k = 0; k < text.n; k++)
            if (p[k] == '_') p[k] = '-';
        offer(c, text);
    }
}

/* Values an option of a noun takes: other nouns' names, choices, yes and no. */
static void offer_values(struct completion *c, const struct admin_noun *noun, const char *option)
{
    const struct admin_field *f = admin_noun_field(noun, str_from(option + 2));
    if (!f) return;
    if (f->kind == ADMIN_LINES || f->kind == ADMIN_MEMBERS || strcmp(f->name, "line") == 0 ||
        strncmp(f->name, "forward_", 8) == 0)
        offer_names(c, "lines", "pattern");
    if (strcmp(f->name, "hunt_group") == 0) offer_names(c, "hunt-groups", "number");
    if (strcmp(f->name, "trunk") == 0) offer_names(c, "trunks", "name");
    if (strcmp(f->name, "owner") == 0) offer_names(c, "users", "id");
    if (strcmp(f->name, "profile") == 0) offer_names(c, "profiles", "name");
    for (const struct admin_choice *ch = f->choices; ch && ch->name; ch++)
        offer_name(c, str_from(ch->name));
    if (f->kind == ADMIN_BOOL) offer(c, STR("yes"));
    if (f->kind == ADMIN_BOOL) offer(c, STR("no"));
    if (f->kind == ADMIN_ROLES) {
        offer(c, STR("administrator"));
        offer(c, STR("axl"));
    }
    if (f->kind == ADMIN_ROLES) offer(c, STR("user"));
}

static bool is_device_command(const char *word)
{
    static const char *const names[] = {"trace", "diagnose"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (admin_name_eq(str_from(word), str_from(names[i]))) return true;
    return false;
}

static void offer_behind(struct completion *c, const struct command_words *w)
{
    const struct admin_noun *noun = admin_noun_find(str_from(w->words[0]));
    const char *last = w->words[w->count - 1];
    if (is_device_command(w->words[0]) && w->count == 1) offer_names(c, "devices", "name");
    if (w->count == 2 && admin_name_eq(str_from(w->words[0]), STR("show")) &&
        admin_name_eq(str_from(last), STR("registrations")))
        offer_names(c, "devices", "name");
    if (w->count == 2 && admin_name_eq(str_from(w->words[0]), STR("show")) &&
        (admin_name_eq(str_from(last), STR("calls")) || admin_name_eq(str_from(last), STR("cdr"))))
        offer_names(c, "lines", "pattern");
    if (w->count == 2 && admin_name_eq(str_from(w->words[0]), STR("call")))
        offer_names(c, "calls", "id");
    if (w->count == 2 && admin_name_eq(str_from(w->words[0]), STR("param")))
        offer_names(c, "params", "name");
    if (!noun || !noun->can_change || w->count < 2) return;
    bool is_add = admin_name_eq(str_from(w->words[1]), STR("add"));
    bool is_update = admin_name_eq(str_from(w->words[1]), STR("update"));
    if (w->count == 2 && !is_add) offer_names(c, noun->plural, admin_noun_key(noun)->name);
    if (w->count < 3 || !(is_add || is_update)) return;
    if (strncmp(last, "--", 2) == 0 && !str_starts(c->begun, STR("--")))
        offer_values(c, noun, last);
    else
        offer_options(c, noun);
}

/* Where the last word begins: behind the last blank outside quotes. */
static size_t last_word(struct str line)
{
    size_t start = 0;
    char quote = 0;
    for (size_t i = 0; i < line.n; i++) {
        if (quote != 0) {
            if (line.p[i] == quote) quote = 0;
        } else if (line.p[i] == '"' || line.p[i] == '\'') {
            quote = line.p[i];
        } else if (line.p[i] == ' ' || line.p[i] == '\t') {
            start = i + 1;
        }
    }
    return start;
}

void shell_complete(struct cli *cli, struct str line, size_t *word_start,
                    void (*fn)(void *ctx, struct str word), void *ctx)
{
    *word_start = last_word(line);
    struct completion c = {cli, str_sub(line, *word_start, line.n), fn, ctx};
    struct command_words *w = ARENA_NEW(&cli->arena, struct command_words);
    if (!w || command_split(str_sub(line, 0, *word_start), &cli->arena, w) != RC_OK) return;
    if (w->count > 0 && admin_name_eq(str_from(w->words[0]), STR("help"))) {
        command_next(cli_commands, cli_command_count, w->count - 1, w->words + 1, offer, &c);
        return;
    }
    command_next(cli_commands, cli_command_count, w->count, w->words, offer, &c);
    if (w->count > 0) offer_behind(&c, w);
}
