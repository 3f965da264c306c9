#include "admin/cli_int.h"
#include "admin/shell_int.h"
#include <stdlib.h>

enum { CLI_ARENA_MAX = 512 << 20 };

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
            known = cli_commands[i].help && command_fits(&cli_commands[i], n, part.words);
        if (!known) continue;
        if (n < w->count)
            fprintf(cli->o->err, "there is no \"%s\" behind \"%s\": use", w->words[n],
                    w->words[n - 1]);
        else
            fprintf(cli->o->err, "\"%s\" is not all of a command: go on with", w->words[n - 1]);
        command_next(cli_commands, cli_command_count, n, part.words, put_suggestion, cli->o->err);
        fputc('\n', cli->o->err);
        return ADMIN_EXIT_USAGE;
    }
    return cli_usage(cli, "there is no command \"%s\": see \"help\"", w->words[0]);
}

static void cut_word(struct command_words *w, int at, int count)
{
    size_t left = (size_t)(w->count - at - count);
    memmove(&w->words[at], &w->words[at + count], sizeof w->words[0] * (left + 1));
    memmove(&w->starts[at], &w->starts[at + count], sizeof w->starts[0] * left);
    w->count -= count;
}

/* How many words of the line the option at takes that every command has; 0: it is another word. */
static int take_common(struct admin_cli_options *o, const struct command_words *w, int at,
                       bool *wants_help)
{
    static const char socket_eq[] = "--socket=";
    const char *word = w->words[at];
    bool is_short = word[0] == '-' && word[1] != '-';
    bool is_value = at > 0 && strncmp(w->words[at - 1], "--", 2) == 0 && is_short;
    if (is_value) return 0;
    if (strcmp(word, "--json") == 0 || strcmp(word, "-j") == 0) return o->json = true, 1;
    if (strcmp(word, "--yes") == 0 || strcmp(word, "-y") == 0) return o->assume_yes = true, 1;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) return *wants_help = true, 1;
    if (strncmp(word, socket_eq, sizeof socket_eq - 1) == 0)
        return o->socket = word + sizeof socket_eq - 1, 1;
    if (strcmp(word, "--socket") == 0 && at + 1 < w->count) return o->socket = w->words[at + 1], 2;
    return 0;
}

/* Is --name one of those its usage names? What takes fields of a noun looks for itself. */
static bool has_option(const struct command *c, const char *word)
{
    struct str name = str_sub(str_from(word), 0, strcspn(word, "=")), rest = str_from(c->args);
    if (str_find(rest, STR("--option")) != STR_NPOS || c->run == cli_run_sql) return true;
    for (ptrdiff_t at; (at = str_find(rest, STR("--"))) != STR_NPOS;) {
        rest = str_sub(rest, (size_t)at, rest.n);
        size_t n = 2;
        while (n < rest.n && !strchr(" |]", rest.p[n]))
            n++;
        if (admin_name_eq(str_sub(rest, 0, n), name)) return true;
        rest = str_sub(rest, n, rest.n);
    }
    return false;
}

static int check_options(struct cli *cli, const struct command *c, const struct cli_rest *rest)
{
    for (int i = 0; i < rest->argc; i++) {
        const char *word = rest->argv[i];
        if (strncmp(word, "--", 2) != 0 || word[2] == '\0' || has_option(c, word)) continue;
        return cli_usage(cli, "there is no option %s here: use %s", word, rest->usage);
    }
    return ADMIN_EXIT_OK;
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
    char usage[200];
    command_usage(c, w->words[0], usage, sizeof usage);
    rest.usage = usage;
    int status = check_options(cli, c, &rest);
    return status == ADMIN_EXIT_OK ? c->run(cli, &rest) : status;
}

/* --json, --yes, --socket and --help may stand anywhere and hold for the line. */
static int run_line(struct cli *cli, struct str line, struct command_words *w)
{
    struct admin_cli_options o = *cli->o;
    const struct admin_cli_options *before = cli->o;
    bool wants_help = false;
    for (int at = 0; at < w->count;) {
        int taken = take_common(&o, w, at, &wants_help);
        if (taken > 0)
            cut_word(w, at, taken);
        else
            at++;
    }
    cli->o = &o;
    struct cli_rest all = {.argc = w->count, .argv = w->words};
    int status = wants_help      ? cli_help(cli, &all)
                 : w->count == 0 ? ADMIN_EXIT_OK
                                 : run_words(cli, line, w);
    cli->o = before;
    return status;
}

int cli_line(struct cli *cli, struct str line)
{
    struct command_words *w;
    int status = ADMIN_EXIT_USAGE;
    arena_init(&cli->arena, NULL, 0, CLI_ARENA_MAX);
    w = ARENA_NEW(&cli->arena, struct command_words);
    enum rc rc = w ? command_split(line, &cli->arena, w) : RC_NOMEM;
    if (rc == RC_MALFORMED)
        cli_usage(cli, "a quote is not closed: end the word with it");
    else if (rc != RC_OK)
        cli_usage(cli, "this line is too long: at most %d bytes and %d words",
                  (int)COMMAND_LINE_MAX, (int)COMMAND_WORD_MAX);
    else
        status = run_line(cli, line, w);
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
        fprintf(options->err, "this command is too long\n");
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
