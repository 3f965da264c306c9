/* What the commands are and take, for a screen of 80 columns. */
#include "admin/cli_int.h"

enum { SCREEN = 80, COMMAND_WIDTH = 38, OPTION_WIDTH = 30, TEXT_MAX = 700 };

static const char import_help[] =
    "The first row names the columns; case, '-' and '_' do not count. A row makes\n"
    "  a device, when it fills \"device\": with its owner (user), its lines (line;\n"
    "    several parted by blanks) and its profile. A user or line that does not\n"
    "    exist yet is made too; one that does gets what the row says of it.\n"
    "  a user, when it fills \"user\" alone, or a line, when it fills \"line\" alone.\n"
    "A column \"kind\" (user, device, line) decides where that is not clear.\n"
    "An empty field leaves what is stored. A new device without a profile gets the\n"
    "standard Non-Secure one, which is said. Example:\n"
    "  user,first_name,last_name,email,device,line,profile\n"
    "  rado,Rado,Novak,rado@example.com,CSFrado,1010,\"... - OAuth auth\"\n"
    "A column \"password\" is taken and kept as a hash; such a file is a danger,\n"
    "remove it after. All rows are applied together, or none: --skip-bad applies the\n"
    "good ones, --dry-run none.";

/* left, then text in a column of its own, word by word. */
static void print_wrapped(struct cli *cli, const char *left, size_t indent, const char *text)
{
    struct str rest = str_from(text), word;
    size_t at = strlen(left);
    fputs(left, cli->o->out);
    if (at + 2 > indent) {
        fputc('\n', cli->o->out);
        at = 0;
    }
    fprintf(cli->o->out, "%*s", (int)(indent - at), "");
    at = indent;
    while (str_split(&rest, ' ', &word)) {
        bool is_first = at == indent;
        if (!is_first && at + 1 + word.n > SCREEN - 1) {
            fprintf(cli->o->out, "\n%*s", (int)indent, "");
            at = indent;
            is_first = true;
        }
        fprintf(cli->o->out, "%s%.*s", is_first ? "" : " ", STR_ARG(word));
        at += word.n + !is_first;
    }
    fputc('\n', cli->o->out);
}

/* Another name of the same choice is not shown. */
static bool is_other_name(const struct admin_choice *choices, const struct admin_choice *one)
{
    for (; choices != one; choices++)
        if (choices->value == one->value) return true;
    return false;
}

static void field_help(const struct admin_field *f, char *out, size_t cap)
{
    size_t n = (size_t)snprintf(out, cap, "%s", f->help);
    if (f->kind == ADMIN_BOOL && n < cap) snprintf(out + n, cap - n, " (yes, no)");
    for (const struct admin_choice *ch = f->choices; ch && ch->name && n < cap; ch++)
        if (!is_other_name(f->choices, ch))
            n += (size_t)snprintf(out + n, cap - n, "%s%s", ch == f->choices ? " (" : ", ",
                                  ch->name);
    if (f->choices && n < cap) snprintf(out + n, cap - n, ")");
}

static void help_fields(struct cli *cli, const struct admin_noun *noun)
{
    cli_say(cli, "Options of %s %s (%s):", admin_article(noun->name), noun->name, noun->help);
    for (size_t i = 0; i < noun->field_count; i++) {
        const struct admin_field *f = &noun->fields[i];
        bool secret = admin_field_is_secret(f);
        char name[64], text[TEXT_MAX];
        if (f->flags & ADMIN_F_READ_ONLY) continue;
        snprintf(name, sizeof name, "  --%s%s", f->name,
                 secret || (f->flags & ADMIN_F_FILE) ? "-file" : "");
        for (char *p = name; *p; p++)
            if (*p == '_') *p = '-';
        field_help(f, text, sizeof text);
        print_wrapped(cli, name, OPTION_WIDTH, text);
    }
}

static void print_nouns(struct cli *cli)
{
    char text[TEXT_MAX] = "";
    size_t n = 0;
    for (int i = 0; i < ADMIN_NOUN_COUNT && n < sizeof text; i++) {
        const struct admin_noun *noun = admin_noun((enum admin_noun_id)i);
        if (noun->can_change)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n > 0 ? ", " : "", noun->name);
    }
    fputc('\n', cli->o->out);
    print_wrapped(cli, "<noun> is one of", 18, text);
}

int cli_help(struct cli *cli, const struct cli_rest *rest)
{
    size_t shown = 0;
    const struct admin_noun *noun = rest->argc > 0 ? admin_noun_find(str_from(rest->argv[0]))
                                                   : NULL;
    for (size_t i = 0; i < cli_command_count; i++) {
        const struct command *c = &cli_commands[i];
        char text[200];
        if (!c->help || !command_fits(c, rest->argc, rest->argv)) continue;
        command_usage(c, noun ? noun->name : "<noun>", text, sizeof text);
        print_wrapped(cli, text, COMMAND_WIDTH + 2, c->help);
        shown++;
    }
    if (noun && noun->can_change) help_fields(cli, noun);
    if (rest->argc > 0 && admin_name_eq(str_from(rest->argv[0]), STR("import")))
        fprintf(cli->o->out, "%s\n", import_help);
    if (rest->argc == 0) print_nouns(cli);
    if (rest->argc == 0)
        fprintf(cli->o->out, "Every command takes --json, --yes and --help. "
                             "More about one: user add --help\n");
    if (shown > 0) return ADMIN_EXIT_OK;
    return cli_usage(cli, "there is no such command: see \"help\"");
}
