#include "admin/shell_int.h"
#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HISTORY_MAX = 1000, CANDIDATE_MAX = 512 };

struct shell {
    struct cli *cli;
    EditLine *edit;
    History *history;
    char history_file[1024];
};

struct candidates {
    struct str words[CANDIDATE_MAX];
    size_t count;
};

static char *prompt(EditLine *el)
{
    (void)el;
    static char text[] = "admin:";
    return text;
}

/* ---- completion ---- */

static void collect(void *ctx, struct str word)
{
    struct candidates *c = ctx;
    for (size_t i = 0; i < c->count; i++)
        if (str_eq(c->words[i], word)) return;
    if (c->count < CANDIDATE_MAX) c->words[c->count++] = word;
}

static size_t shared_length(const struct candidates *c)
{
    size_t n = c->words[0].n;
    for (size_t i = 1; i < c->count; i++) {
        size_t k = 0;
        while (k < n && k < c->words[i].n &&
               str_eq_nocase(str_sub(c->words[0], k, k + 1), str_sub(c->words[i], k, k + 1)))
            k++;
        n = k;
    }
    return n;
}

static void show_candidates(struct shell *s, const struct candidates *c)
{
    struct winsize size;
    size_t width = 1, columns = 80;
    FILE *out = s->cli->o->out;
    for (size_t i = 0; i < c->count; i++)
        if (c->words[i].n + 2 > width) width = c->words[i].n + 2;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) columns = size.ws_col;
    size_t per_line = columns > width ? columns / width : 1;
    for (size_t i = 0; i < c->count; i++)
        fprintf(out, "%s%-*.*s", i % per_line == 0 ? "\n" : "", (int)width, STR_ARG(c->words[i]));
    fputc('\n', out);
    fflush(out);
}

/* Puts word in place of the one begun at the cursor. */
static void replace(EditLine *el, size_t begun, struct str word, bool whole)
{
    char text[STORE_KEY_MAX * 2 + 2];
    if (str_to_cstr(word, text, sizeof text - 1) != RC_OK) return;
    if (whole) strcat(text, " ");
    el_deletestr(el, (int)begun);
    el_insertstr(el, text);
}

static unsigned char complete(EditLine *el, int ch)
{
    struct shell *s;
    const LineInfo *info = el_line(el);
    size_t start;
    unsigned char result = CC_ERROR;
    (void)ch;
    el_get(el, EL_CLIENTDATA, &s);
    arena_init(&s->cli->arena, NULL, 0, 16 << 20);
    struct candidates *c = ARENA_NEW(&s->cli->arena, struct candidates);
    struct str line = str_of(info->buffer, (size_t)(info->cursor - info->buffer));
    if (c) shell_complete(s->cli, line, &start, collect, c);
    if (c && c->count > 0) {
        size_t begun = line.n - start, shared = shared_length(c);
        if (c->count == 1 || shared > begun)
            replace(el, begun, str_sub(c->words[0], 0, shared), c->count == 1);
        else
            show_candidates(s, c);
        result = c->count == 1 || shared > begun ? CC_REFRESH : CC_REDISPLAY;
    }
    arena_fini(&s->cli->arena);
    return result;
}

/* '?' outside quotes: what may come next; the line stays. */
static unsigned char question(EditLine *el, int ch)
{
    struct shell *s;
    const LineInfo *info = el_line(el);
    size_t start;
    (void)ch;
    el_get(el, EL_CLIENTDATA, &s);
    struct str line = str_of(info->buffer, (size_t)(info->cursor - info->buffer));
    size_t quotes = 0;
    for (size_t i = 0; i < line.n; i++)
        quotes += line.p[i] == '"' || line.p[i] == '\'';
    if (quotes % 2 == 1 || str_starts_nocase(line, STR("run sql"))) {
        el_insertstr(el, "?");
        return CC_REFRESH;
    }
    arena_init(&s->cli->arena, NULL, 0, 16 << 20);
    struct candidates *c = ARENA_NEW(&s->cli->arena, struct candidates);
    if (c) shell_complete(s->cli, line, &start, collect, c);
    if (c && c->count > 0) show_candidates(s, c);
    arena_fini(&s->cli->arena);
    return CC_REDISPLAY;
}

/* ---- history ---- */

/* Made 0600 before libedit writes it. */
static void history_open(struct shell *s)
{
    HistEvent event;
    const char *home = getenv("HOME");
    s->history = history_init();
    if (!s->history) return;
    history(s->history, &event, H_SETSIZE, HISTORY_MAX);
    history(s->history, &event, H_SETUNIQUE, 1);
    if (!home || home[0] != '/') return;
    snprintf(s->history_file, sizeof s->history_file, "%s/.bearline_history", home);
    int fd = open(s->history_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fchmod(fd, 0600) != 0) s->history_file[0] = '\0';
    if (fd >= 0) close(fd);
    if (s->history_file[0]) history(s->history, &event, H_LOAD, s->history_file);
    el_set(s->edit, EL_HIST, history, s->history);
}

static void history_keep(struct shell *s, const char *line)
{
    HistEvent event;
    if (!s->history || line[strspn(line, " \t\r\n")] == '\0') return;
    history(s->history, &event, H_ENTER, line);
    if (s->history_file[0]) history(s->history, &event, H_SAVE, s->history_file);
}

/* ---- the loop ---- */

static bool start(struct shell *s)
{
    const struct admin_cli_options *o = s->cli->o;
    s->edit = el_init("bearline", o->in, o->out, o->err);
    if (!s->edit) return false;
    el_set(s->edit, EL_CLIENTDATA, s);
    el_set(s->edit, EL_PROMPT, prompt);
    el_set(s->edit, EL_EDITOR, "emacs");
    el_set(s->edit, EL_ADDFN, "complete", "complete the word", complete);
    el_set(s->edit, EL_ADDFN, "question", "what may come next", question);
    el_set(s->edit, EL_BIND, "^I", "complete", NULL);
    el_set(s->edit, EL_BIND, "?", "question", NULL);
    el_set(s->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    history_open(s);
    return true;
}

static void stop(struct shell *s)
{
    if (s->history) history_end(s->history);
    if (s->edit) el_end(s->edit);
}

static void on_interrupt(int signal)
{
    (void)signal; /* it ends the read, no more */
}

/* The next line. Ctrl-C drops the one being typed; while a command runs it ends the program. */
static const char *next_line(struct shell *s, int *count)
{
    struct sigaction drop = {.sa_handler = on_interrupt}, before;
    const char *line;
    sigaction(SIGINT, &drop, &before);
    for (;;) {
        errno = 0;
        line = el_gets(s->edit, count);
        if (line || *count >= 0 || errno != EINTR) break;
        fputs("^C\n", s->cli->o->out);
        el_reset(s->edit);
    }
    sigaction(SIGINT, &before, NULL);
    return line && *count > 0 ? line : NULL;
}

int shell_run(struct cli *cli)
{
    struct shell s = {.cli = cli};
    int status = ADMIN_EXIT_OK, count = 0;
    const char *line = NULL;
    if (!start(&s)) {
        fprintf(cli->o->err,
                "this terminal cannot be used for editing: give commands on standard input\n");
        return ADMIN_EXIT_REFUSED;
    }
    fprintf(cli->o->out, "Bearline administration. help or ? shows the commands, TAB completes.\n");
    while (!cli->leave && (line = next_line(&s, &count)) != NULL) {
        history_keep(&s, line);
        int one = cli_line(cli, str_of(line, (size_t)count));
        if (one != ADMIN_EXIT_OK) status = one;
    }
    if (!cli->leave) fputc('\n', cli->o->out);
    stop(&s);
    return status;
}
