/* Options among the words, and what is asked of the person: yes, passwords, files. */
#include "admin/cli_int.h"
#include "admin/table.h"
#include "crypto/password.h"
#include "crypto/secret.h"
#include <errno.h>
#include <termios.h>
#include <unistd.h>

enum { READ_CHUNK = 65536 };

void cli_flags_init(struct cli_flags *f, const struct cli_rest *rest)
{
    f->count = 0;
    for (int i = 0; i < rest->argc && i < COMMAND_WORD_MAX; i++)
        f->words[f->count++] = rest->argv[i];
    f->words[f->count] = NULL;
}

static char *cut(struct cli_flags *f, int at)
{
    char *word = f->words[at];
    memmove(&f->words[at], &f->words[at + 1], sizeof f->words[0] * (size_t)(f->count - at));
    f->count--;
    return word;
}

/* Where "--name" or "--name=value" stands; -1. *value points behind '='. */
static int find_flag(const struct cli_flags *f, const char *name, char **value)
{
    for (int i = 0; i < f->count; i++) {
        char *w = f->words[i];
        if (strncmp(w, "--", 2) != 0) continue;
        char *eq = strchr(w, '=');
        struct str have = eq ? str_of(w + 2, (size_t)(eq - w) - 2) : str_from(w + 2);
        if (have.n == 0 || !admin_name_eq(have, str_from(name))) continue;
        *value = eq ? eq + 1 : NULL;
        return i;
    }
    return -1;
}

bool cli_flag_take(struct cli_flags *f, const char *name)
{
    char *value;
    int at = find_flag(f, name, &value);
    if (at < 0 || value) return false;
    cut(f, at);
    return true;
}

const char *cli_flag_value(struct cli_flags *f, const char *name)
{
    char *value;
    int at = find_flag(f, name, &value);
    if (at < 0) return NULL;
    if (!value && at + 1 == f->count) return NULL; /* left for cli_flags_done to name */
    cut(f, at);
    return value ? value : cut(f, at);
}

static int count_is_wrong(struct cli *cli, int argc, char *const *argv, int max, const char *usage)
{
    if (argc > max)
        return cli_usage(cli, "\"%s\" is a word too many: use %s (words with blanks need quotes)",
                         argv[max], usage);
    return cli_usage(cli, "a word is missing: use %s", usage);
}

bool cli_has_words(struct cli *cli, const struct cli_rest *rest, int min, int max)
{
    if (rest->argc >= min && rest->argc <= max) return true;
    count_is_wrong(cli, rest->argc, rest->argv, max, rest->usage);
    return false;
}

int cli_flags_done(struct cli *cli, const struct cli_flags *f, int min, int max, const char *usage)
{
    for (int i = 0; i < f->count; i++)
        if (strncmp(f->words[i], "--", 2) == 0)
            return cli_usage(cli, "%s needs a value: use %s", f->words[i], usage);
    if (f->count < min || f->count > max)
        return count_is_wrong(cli, f->count, f->words, max, usage);
    return ADMIN_EXIT_OK;
}

/* ---- the person ---- */

bool cli_is_terminal(const struct cli *cli)
{
    return isatty(fileno(cli->o->in)) == 1;
}

bool cli_confirm(struct cli *cli, const char *question)
{
    char answer[64] = "";
    struct buf safe;
    if (cli->o->assume_yes) return true;
    bool is_terminal = cli_is_terminal(cli);
    buf_init(&safe, 65536);
    table_put_safe(&safe, str_from(question));
    fprintf(cli->o->err,
            is_terminal
                ? "%s (yes/no)? "
                : "%s? nobody can be asked here and nothing was changed: add --yes to do it\n",
            buf_cstr(&safe));
    buf_fini(&safe);
    fflush(cli->o->err);
    if (!is_terminal) return false;
    if (!fgets(answer, sizeof answer, cli->o->in)) fputc('\n', cli->o->err);
    bool yes = admin_name_eq(str_trim(str_from(answer)), STR("yes")) ||
               admin_name_eq(str_trim(str_from(answer)), STR("y"));
    if (!yes) fprintf(cli->o->err, "Nothing was changed.\n");
    return yes;
}

static bool type_line(struct cli *cli, const char *prompt, char *out, size_t cap)
{
    struct termios shown, hidden;
    int fd = fileno(cli->o->in);
    if (tcgetattr(fd, &shown) != 0) return false;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG); /* Ctrl-C comes as a character */
    fprintf(cli->o->err, "%s", prompt);
    fflush(cli->o->err);
    if (tcsetattr(fd, TCSAFLUSH, &hidden) != 0) return false;
    bool ok = fgets(out, (int)cap, cli->o->in) != NULL && !strchr(out, '\003');
    tcsetattr(fd, TCSAFLUSH, &shown);
    fputc('\n', cli->o->err);
    if (ok) out[strcspn(out, "\r\n")] = '\0';
    return ok;
}

bool cli_ask_password(struct cli *cli, const char *what, struct str *out)
{
    char first[CRYPTO_PASSWORD_MAX + 2] = "", again[CRYPTO_PASSWORD_MAX + 2] = "", prompt[200];
    snprintf(prompt, sizeof prompt, "%s: ", what);
    bool ok = type_line(cli, prompt, first, sizeof first) &&
              type_line(cli, "Once more: ", again, sizeof again);
    bool same = ok && strcmp(first, again) == 0;
    if (!ok) fprintf(cli->o->err, "Nothing was changed.\n");
    if (ok && !same)
        fprintf(cli->o->err, "the two are not the same and nothing was changed: try again\n");
    if (same) same = arena_str_dup(&cli->arena, str_from(first), out) == RC_OK;
    crypto_wipe(first, sizeof first);
    crypto_wipe(again, sizeof again);
    return same;
}

/* ---- files ---- */

bool cli_read_file(struct cli *cli, const char *path, size_t max, struct str *out)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? cli->o->in : fopen(path, "re");
    struct buf b;
    size_t n;
    if (!f) {
        fprintf(cli->o->err, "%s cannot be read: %s\n", path, strerror(errno));
        return false;
    }
    buf_init(&b, max + READ_CHUNK);
    do {
        char *at = buf_reserve(&b, READ_CHUNK);
        n = at ? fread(at, 1, READ_CHUNK, f) : 0;
        buf_add_n(&b, n);
    } while (n > 0 && b.n <= max);
    bool failed = ferror(f) != 0;
    int error = errno;
    if (!is_stdin) fclose(f);
    bool too_big = b.n > max;
    bool ok = !failed && !too_big && buf_rc(&b) == RC_OK &&
              arena_str_dup(&cli->arena, buf_str(&b), out) == RC_OK;
    if (!ok)
        fprintf(cli->o->err, "%s cannot be read: %s\n", path,
                failed    ? strerror(error)
                : too_big ? "it is too big"
                          : "out of memory");
    if (b.p) crypto_wipe(b.p, b.n);
    buf_fini(&b);
    return ok;
}

bool cli_read_secret(struct cli *cli, const char *path, struct str *out)
{
    struct str text, first;
    if (!cli_read_file(cli, path, 65536, &text)) return false;
    first = text;
    if (text.n == 0 || !str_split(&text, '\n', &first)) first = STR("");
    if (first.n > 0 && first.p[first.n - 1] == '\r') first.n--;
    if (first.n == 0)
        fprintf(cli->o->err, "%s holds nothing in its first line: write the secret there\n", path);
    *out = first;
    return first.n > 0;
}
