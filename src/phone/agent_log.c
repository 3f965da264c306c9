/* What a person sees of a running phone: one line an event, and whole messages with --trace. */
#include "phone/agent_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { SAY_MAX = 1024 };

static void put_all(int fd, struct str s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n <= 0) return; /* nobody reads: the phone goes on */
        s = str_sub(s, (size_t)n, s.n);
    }
}

static bool print_record(void *ctx, const struct siptx_trace_record *r)
{
    struct agent *a = ctx;
    struct buf b;
    buf_init(&b, SIPTX_TRACE_MESSAGE_MAX * 2 + 1024);
    siptx_trace_print(&b, r);
    buf_put_char(&b, '\n');
    agent_terminal_clear(a);
    if (buf_rc(&b) == RC_OK) put_all(a->config->trace_fd, buf_str(&b));
    buf_fini(&b);
    a->traced_seq = r->seq;
    return true;
}

void agent_trace_flush(struct agent *a)
{
    if (!a->trace) return;
    struct siptx_trace_filter filter = {.after_seq = a->traced_seq};
    siptx_trace_query(a->trace, &filter, print_record, a);
}

void agent_say(struct agent *a, const char *fmt, ...)
{
    char text[SAY_MAX];
    va_list ap;
    struct tm tm;
    time_t now = (time_t)clock_unix_s(&a->clock);
    if (a->config->log_fd < 0) return;
    agent_trace_flush(a); /* the message stands before what came of it */
    size_t n = localtime_r(&now, &tm) ? strftime(text, sizeof text, "%H:%M:%S ", &tm) : 0;
    va_start(ap, fmt);
    int m = vsnprintf(text + n, sizeof text - n - 1, fmt, ap);
    va_end(ap);
    if (m > 0) n += (size_t)m < sizeof text - n - 1 ? (size_t)m : sizeof text - n - 2;
    for (size_t i = 0; i < n; i++) /* a peer's words forge no line */
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) text[i] = '?';
    text[n++] = '\n';
    agent_terminal_clear(a);
    put_all(a->config->log_fd, str_of(text, n));
    agent_terminal_draw(a);
}
