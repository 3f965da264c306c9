#include "admin/cli_int.h"
#include "admin/shell_int.h"
#include <stdlib.h>

enum { CLI_ARENA_MAX = 512 << 20 };

/* ---- help ---- */

static const char import_help[] =
    "The first row names the columns; case, '-' and '_' do not count. A row makes\n"
    "  a device, when it fills \"device\": with its owner (user), its lines (line; several parted\n"
    "    by blanks) and its profile. A user or line that does not exist yet is made too.\n"
    "  a user, when it fills \"user\" alone, or a line, when it fills \"line\" alone.\n"
    "A column \"kind\" (user, device, line) decides where that is not clear.\n"
    "An empty field leaves what is stored. Example:\n"
    "  user,first_name,last_name,email,device,line,profile\n"
    "  rado,Rado,Novak,rado@example.com,CSFrado,1010,\"... - OAuth auth\"\n"
    "A column \"password\" is taken and kept as a hash; such a file is a danger, remove it after.\n"
    "All rows are applied together, or none: --skip-bad applies the good ones, --dry-run none.";

static void help_fields(struct cli *cli, const struct admin_noun *noun)
{
    cli_say(cli, "Options of a %s (%s):", noun->name, noun->help);
    for (size_t i = 0; i < noun->field_count; i++) {
        const struct admin_field *f = &noun->fields[i];
        bool secret = f->kind == ADMIN_PASSWORD || f->kind == ADMIN_DIGEST_SECRET;
        char name[64];
        if (f->flags & ADMIN_F_READ_ONLY) continue;
        snprintf(name, sizeof name, "--%s%s", f->name,
                 secret || (f->flags & ADMIN_F_FILE) ? "-file" : "");
        for (char *p = name; *p; p++)
            if (*p == '_') *p = '-';
        cli_say(cli, "  %-28s %s", name, f->help);
    }
}

static bool fits(const struct command *c, const struct cli_rest *rest)
{
    struct str words = str_from(c->words), word;
    for (int i = 0; i < rest->argc; i++) {
        if (!str_split(&words, ' ', &word)) return true;
        const struct admin_noun *noun = admin_noun_find(str_from(rest->argv[i]));
        bool star = str_eq(word, STR("*")) && noun && noun->can_change;
        if (!star && !admin_name_eq(word, str_from(rest->argv[i]))) return false;
    }
    return true;
}

int cli_help(struct cli *cli, const struct cli_rest *rest)
{
    size_t shown = 0;
    const struct admin_noun *noun = rest->argc > 0 ? admin_noun_find(str_from(rest->argv[0]))
                                                   : NULL;
    for (size_t i = 0; i < cli_command_count; i++) {
        const struct command *c = &cli_commands[i];
        char text[200];
        if (!c->help || !fits(c, rest)) continue;
        bool star = c->words[0] == '*';
        snprintf(text, sizeof text, "%s%s%s%s", star ? (noun ? noun->name : "<noun>") : c->words,
                 star ? c->words + 1 : "", c->args[0] ? " " : "", c->args);
        cli_say(cli, strlen(text) > 46 ? "%-46s\n%48s%s" : "%-46s%2s%s", text, "", c->help);
        shown++;
    }
    if (noun && noun->can_change) help_fields(cli, noun);
    if (rest->argc > 0 && admin_name_eq(str_from(rest->argv[0]), STR("import")))
        fprintf(cli->o->out, "%s\n", import_help);
    if (shown > 0) return ADMIN_EXIT_OK;
    return cli_usage(cli, "There is no such command. Try: help");
}

int cli_quit(struct cli *cli, const struct cli_rest *rest)
{
    (void)rest;
    cli->leave = true;
    return ADMIN_EXIT_OK;
}

/* ---- one line ---- */

static void put_suggestion(void *ctx, struct str word)
{
    FILE *err = ctx;
    fprintf(err, " %.*s", STR_ARG(word));
}

static int unknown(struct cli *cli, const struct command_words *w)
{
    for (int n = w->count; n > 0; n--) {
        struct command_words part = *w;
        part.count = n;
        bool known = false;
        for (size_t i = 0; i < cli_command_count && !known; i++)
            known = cli_commands[i].help &&
                    fits(&cli_commands[i], &(struct cli_rest){.argc = n, .argv = part.words});
        if (!known) continue;
        fprintf(cli->o->err, "%s \"%s\"... may be followed by:",
                n < w->count ? "This is no command." : "This is not all.", w->words[n - 1]);
        command_next(cli_commands, cli_command_count, n, part.words, put_suggestion, cli->o->err);
        fputc('\n', cli->o->err);
        return ADMIN_EXIT_USAGE;
    }
    return cli_usage(cli, "There is no command \"%s\". Try: help", w->words[0]);
}

static int run_words(struct cli *cli, struct str line, const struct command_words *w)
{
    int used;
    const struct command *c = command_find(cli_commands, cli_command_count, w->count, w->words,
                                           &used);
    if (!c) return unknown(cli, w);
    struct cli_rest rest = {.argc = w->count - used, .argv = w->words + used};
    size_t head_end = used < w->count ? w->starts[used] : line.n;
    rest.raw = str_trim(str_sub(line, head_end, line.n));
    rest.head = str_trim(str_sub(line, w->starts[0], head_end));
    return c->run(cli, &rest);
}

int cli_line(struct cli *cli, struct str line)
{
    struct command_words *w;
    int status = ADMIN_EXIT_USAGE;
    arena_init(&cli->arena, NULL, 0, CLI_ARENA_MAX);
    w = ARENA_NEW(&cli->arena, struct command_words);
    enum rc rc = w ? command_split(line, &cli->arena, w) : RC_NOMEM;
    if (rc == RC_MALFORMED)
        cli_usage(cli, "A quote is not closed.");
    else if (rc != RC_OK)
        cli_usage(cli, "This line is too long.");
    else
        status = w->count > 0 ? run_words(cli, line, w) : ADMIN_EXIT_OK;
    fflush(cli->o->out);
    arena_fini(&cli->arena);
    return status;
}

int admin_cli_run(const struct admin_cli_options *options, int argc, char *const *argv)
{
    struct cli cli = {.o = options};
    struct arena a;
    struct str line;
    int status = ADMIN_EXIT_USAGE;
    arena_init(&a, NULL, 0, 1 << 20);
    /* one word with blanks is a whole command, quotes and all: bearline "run sql ..." */
    cli.is_shell = argc == 1 && strchr(argv[0], ' ') != NULL;
    if (cli.is_shell)
        status = cli_line(&cli, str_from(argv[0]));
    else if (command_join(argc, argv, &a, &line) == RC_OK)
        status = cli_line(&cli, line);
    else
        fprintf(options->err, "This command is too long.\n");
    arena_fini(&a);
    return status;
}

/* ---- many lines ---- */

static int run_script(struct cli *cli)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int status = ADMIN_EXIT_OK;
    while (!cli->leave && (n = getline(&line, &cap, cli->o->in)) >= 0) {
        int one = cli_line(cli, str_of(line, (size_t)n));
        if (one != ADMIN_EXIT_OK) status = one;
    }
    free(line);
    return status;
}

int admin_cli_shell(const struct admin_cli_options *options)
{
    struct cli cli = {.o = options, .is_shell = true};
    return cli_is_terminal(&cli) ? shell_run(&cli) : run_script(&cli);
}
