/* The phone on its person's terminal: keys are read by a thread of their own (the loop watches
 * sockets) and handled on the loop; what terminal.h draws stands below the log. */
#include "phone/agent_int.h"

#include "media/session.h"
#include "phone/terminal.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { KEYS_MAX = 256, TICK_MS = 1000 };

struct agent_terminal {
    struct agent *agent;
    struct phone_terminal screen;
    struct termios before;
    bool is_raw;
    int out_fd;
    unsigned selected_number; /* of the call selected; 0: none */
    struct wheel_timer tick;

    pthread_t thread;
    bool has_thread;
    int stop_pipe[2];
    pthread_mutex_t lock; /* of keys */
    char keys[KEYS_MAX];
    size_t key_count;
};

/* ---- what is there to see ---- */

static void put_all(int fd, struct str s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        s = str_sub(s, (size_t)n, s.n);
    }
}

static void print_line(const struct agent *a, char *out, size_t cap)
{
    const struct phone_status *st = &a->status;
    if (a->line.active != PHONE_NO_NODE && st->line[0])
        snprintf(out, cap, "%s registered at %s (%s)", st->line, st->node, st->transport);
    else
        snprintf(out, cap, "%.100s: not registered (%s)", a->tokens.device,
                 phone_line_state_name(a->line.state));
}

static struct phone_call *make_view(struct agent_terminal *t, struct phone_terminal_view *v,
                                    char *line, size_t cap)
{
    struct agent *a = t->agent;
    struct phone_call *call, *selected = NULL;
    *v = (struct phone_terminal_view){.line = line, .now_mono_ms = clock_mono_ms(&a->clock)};
    print_line(a, line, cap);
    v->is_registered = a->call_flow != NULL;
    while (a->calls && v->count < PHONE_CALL_MAX &&
           (call = phone_calls_at(a->calls, v->count)) != NULL) {
        struct phone_terminal_call *c = &v->calls[v->count];
        struct media_session *s = agent_call_session(call);
        struct media_stats stats;
        struct buf b;
        c->info = phone_call_info(call);
        c->is_muted = agent_call_is_muted(call);
        buf_init_fixed(&b, c->quality, sizeof c->quality - 1);
        if (s) media_session_stats(s, &stats);
        if (s && stats.active && c->info->answered_mono_ms >= 0) media_stats_print(&b, &stats);
        c->quality[b.n] = '\0';
        if (c->info->number == t->selected_number) {
            v->selected = v->count;
            selected = call;
        }
        v->count++;
    }
    if (!selected && v->count > 0) {
        selected = phone_calls_at(a->calls, 0);
        t->selected_number = v->calls[0].info->number;
    }
    return selected;
}

void agent_terminal_clear(struct agent *a)
{
    char text[64];
    struct buf b;
    if (!a->terminal) return;
    buf_init_fixed(&b, text, sizeof text);
    phone_terminal_clear(&b, &a->terminal->screen);
    put_all(a->terminal->out_fd, buf_str(&b));
}

static void on_tick(void *ctx)
{
    agent_terminal_draw(ctx);
}

void agent_terminal_draw(struct agent *a)
{
    struct agent_terminal *t = a->terminal;
    struct phone_terminal_view v;
    struct winsize size;
    char line[PHONE_TERMINAL_LINE_MAX], text[8192];
    struct buf b;
    if (!t) return;
    if (ioctl(t->out_fd, TIOCGWINSZ, &size) == 0) {
        t->screen.columns = size.ws_col;
        t->screen.rows = size.ws_row;
    }
    (void)make_view(t, &v, line, sizeof line);
    buf_init_fixed(&b, text, sizeof text);
    phone_terminal_draw(&b, &t->screen, &v);
    put_all(t->out_fd, buf_str(&b));
    if (v.count > 0 && !t->screen.is_dumb) net_timer_start(a->loop, &t->tick, TICK_MS, on_tick, a);
}

/* A new call rings: it is what the keys are about, unless one is being talked in. */
void agent_terminal_select(struct agent *a, const struct phone_call *call)
{
    struct agent_terminal *t = a->terminal;
    if (!t) return;
    t->selected_number = phone_call_info(call)->number;
    if (phone_call_info(call)->state == PHONE_CALL_INCOMING) put_all(t->out_fd, STR("\a"));
}

/* ---- what keys do ---- */

static struct phone_call *other_talking(struct agent *a, const struct phone_call *but)
{
    struct phone_call *call;
    for (size_t i = 0; (call = phone_calls_at(a->calls, i)) != NULL; i++)
        if (call != but && phone_call_info(call)->state == PHONE_CALL_TALKING) return call;
    return NULL;
}

static void select_next(struct agent_terminal *t, const struct phone_terminal_view *v)
{
    if (v->count > 0) t->selected_number = v->calls[(v->selected + 1) % v->count].info->number;
}

static enum rc dial(struct agent *a, struct str text)
{
    struct phone_call *call;
    enum rc rc = phone_call_dial(a->calls, text, &call);
    if (rc == RC_OK) agent_terminal_select(a, call);
    return rc;
}

static enum rc obey_in_call(struct agent *a, struct phone_call *call,
                            enum phone_terminal_command command, struct str text)
{
    struct media_session *s = agent_call_session(call);
    struct phone_call *other = other_talking(a, call);
    switch ((int)command) {
    case PHONE_CMD_ANSWER: return phone_call_answer(call);
    case PHONE_CMD_BUSY: return phone_call_reject(call, 486);
    case PHONE_CMD_DECLINE: return phone_call_reject(call, 603);
    case PHONE_CMD_HANG_UP: phone_call_hang_up(call); return RC_OK;
    case PHONE_CMD_HOLD: return phone_call_hold(call, !phone_call_info(call)->holding);
    case PHONE_CMD_MUTE: agent_call_mute(call, !agent_call_is_muted(call)); return RC_OK;
    case PHONE_CMD_TRANSFER: return phone_call_transfer(call, text);
    case PHONE_CMD_JOIN: return other ? phone_call_transfer_to(other, call) : RC_NOT_FOUND;
    case PHONE_CMD_DIGIT: return s ? media_session_dtmf(s, text) : RC_NOT_FOUND;
    default: return RC_OK;
    }
}

static void obey(struct agent *a, const struct phone_terminal_view *v, struct phone_call *call,
                 enum phone_terminal_command command, struct str text)
{
    enum rc rc = RC_OK;
    if (command == PHONE_CMD_QUIT)
        agent_stop(a);
    else if (command == PHONE_CMD_CALL)
        rc = dial(a, text);
    else if (command == PHONE_CMD_NEXT)
        select_next(a->terminal, v);
    else if (call)
        rc = obey_in_call(a, call, command, text);
    if (rc != RC_OK)
        agent_say(a, "that cannot be done%s (%s)", rc == RC_CONFLICT ? " just now" : "",
                  rc_name(rc));
}

/* On the loop: the keys typed since the last time. */
static void on_keys(void *ctx)
{
    struct agent *a = ctx;
    struct agent_terminal *t = a->terminal;
    char keys[KEYS_MAX], line[PHONE_TERMINAL_LINE_MAX];
    if (!t) return;
    pthread_mutex_lock(&t->lock);
    size_t n = t->key_count;
    memcpy(keys, t->keys, n);
    t->key_count = 0;
    pthread_mutex_unlock(&t->lock);
    for (size_t i = 0; i < n && !a->is_over && a->calls; i++) {
        struct phone_terminal_view v;
        struct str text = STR("");
        struct phone_call *call = make_view(t, &v, line, sizeof line);
        enum phone_terminal_command c = phone_terminal_key(&t->screen, &v, keys[i], &text);
        if (c != PHONE_CMD_NONE) obey(a, &v, call, c, text);
    }
    agent_terminal_draw(a);
}

/* The thread: ends when the pipe says so or nobody types any more. */
static void *read_keys(void *ctx)
{
    struct agent_terminal *t = ctx;
    char bytes[64];
    for (;;) {
        struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                {.fd = t->stop_pipe[0], .events = POLLIN}};
        if (poll(fds, 2, -1) < 0) {
            if (errno == EINTR) continue;
            return NULL;
        }
        if (fds[1].revents) return NULL;
        ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return NULL;
        pthread_mutex_lock(&t->lock);
        for (ssize_t i = 0; i < n && t->key_count < KEYS_MAX; i++)
            t->keys[t->key_count++] = bytes[i];
        pthread_mutex_unlock(&t->lock);
        net_loop_post(t->agent->loop, &t->agent->keys_post, on_keys, t->agent);
    }
}

/* ---- the terminal itself ---- */

static void make_raw(struct agent_terminal *t)
{
    struct termios raw;
    if (tcgetattr(STDIN_FILENO, &t->before) != 0) return;
    raw = t->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    t->is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

enum rc agent_terminal_open(struct agent *a)
{
    const char *term = getenv("TERM");
    if (!a->config->interactive || a->terminal) return RC_OK;
    struct agent_terminal *t = calloc(1, sizeof *t);
    if (!t) return RC_NOMEM;
    t->agent = a;
    t->out_fd = a->config->log_fd >= 0 ? a->config->log_fd : STDOUT_FILENO;
    t->screen.is_dumb = !isatty(t->out_fd) || !term || !*term || strcmp(term, "dumb") == 0;
    pthread_mutex_init(&t->lock, NULL);
    if (pipe2(t->stop_pipe, O_CLOEXEC) != 0) {
        free(t);
        return RC_IO;
    }
    make_raw(t);
    a->terminal = t;
    t->has_thread = pthread_create(&t->thread, NULL, read_keys, t) == 0;
    return RC_OK;
}

void agent_terminal_close(struct agent *a)
{
    struct agent_terminal *t = a->terminal;
    if (!t) return;
    agent_terminal_clear(a);
    a->terminal = NULL;
    if (t->has_thread) {
        put_all(t->stop_pipe[1], STR("x"));
        pthread_join(t->thread, NULL);
    }
    net_timer_stop(a->loop, &t->tick);
    if (t->is_raw) tcsetattr(STDIN_FILENO, TCSADRAIN, &t->before);
    close(t->stop_pipe[0]);
    close(t->stop_pipe[1]);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
