/* client.c - the simulated phones' connections. Kept quick so that the server is what is measured:
 * one read a message (read-ahead), refreshes renumbered in place, no timers. */
#include "client.h"
#include "call.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A phone of today: TLS 1.3, AES-128-GCM, X25519, an ECDSA certificate. The certificate is not
 * checked: its cost would be the client's. */
static SSL_CTX *tls_new(void)
{
    char groups[] = "X25519:P-256", signatures[] = "ECDSA+SHA256"; /* the macros drop const */
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (!tls) return NULL;
    SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(tls, 1);
    SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") == 1 &&
        SSL_CTX_set1_groups_list(tls, groups) == 1 &&
        SSL_CTX_set1_sigalgs_list(tls, signatures) == 1)
        return tls;
    SSL_CTX_free(tls);
    return NULL;
}

struct client *client_new(const struct client_options *options, const struct phone *phones,
                          size_t phone_count, client_line_fn *on_line, void *ctx)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->options = *options;
    c->on_line = on_line;
    c->ctx = ctx;
    c->tls = tls_new();
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->lines = calloc(phone_count, sizeof *c->lines);
    if (!c->tls || c->epoll < 0 || !c->lines) return client_free(c);
    c->line_count = phone_count;
    for (size_t i = 0; i < phone_count; i++)
        c->lines[i] = (struct line){.phone = phones[i], .fd = -1, .cseq = PHONE_CSEQ_FIRST};
    return c;
}

struct client *client_free(struct client *c)
{
    if (!c) return NULL;
    for (size_t i = 0; i < c->line_count; i++)
        line_close(c, &c->lines[i]);
    free(c->lines);
    if (c->epoll >= 0) close(c->epoll);
    SSL_CTX_free(c->tls);
    free(c);
    return NULL;
}

in_addr_t client_source(uint32_t number, uint32_t per_source)
{
    enum { ADDRESSES_A_BYTE = 250 };
    uint32_t n = number / per_source;
    uint32_t last = 1 + n % ADDRESSES_A_BYTE;
    uint32_t third = n / ADDRESSES_A_BYTE % ADDRESSES_A_BYTE;
    uint32_t second = 16 + n / ADDRESSES_A_BYTE / ADDRESSES_A_BYTE % 128;
    return htonl(127u << 24 | second << 16 | third << 8 | last);
}

/* Lets go of the connection without a word on it. */
static void line_drop(struct line *line)
{
    SSL_free(line->ssl);
    if (line->fd >= 0) close(line->fd);
    free(line->rest);
    free(line->refresh);
    free(line->answer);
    line->ssl = NULL;
    line->answer = NULL;
    line->fd = -1;
    line->rest = line->refresh = NULL;
    line->rest_n = line->refresh_n = 0;
    line->state = LINE_CLOSED;
    line->lives++;
    ERR_clear_error();
}

void line_close(struct client *c, struct line *line)
{
    (void)c;
    if (line->ssl && line->state > LINE_CONNECTING) SSL_shutdown(line->ssl);
    line_drop(line);
}

static void line_fail(struct client *c, struct line *line, uint64_t *counter)
{
    (*counter)++;
    line_drop(line);
    c->on_line(c->ctx, line, LINE_FAILED);
}

/* Gives the line a socket of its source address, connecting. -1 on failure. */
static int line_connect(struct client *c, struct line *line)
{
    line->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (line->fd < 0) return -1;
    setsockopt(line->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct sockaddr_in own = {.sin_family = AF_INET};
    own.sin_addr.s_addr = client_source(line->phone.number, c->options.per_source);
    if (bind(line->fd, (struct sockaddr *)&own, sizeof own) < 0) return -1;
    const struct sockaddr *to = (const struct sockaddr *)&c->options.server;
    if (connect(line->fd, to, sizeof c->options.server) < 0 && errno != EINPROGRESS) return -1;
    socklen_t own_n = sizeof own;
    if (getsockname(line->fd, (struct sockaddr *)&own, &own_n) < 0) return -1;
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &own.sin_addr, text, sizeof text);
    snprintf(line->phone.address, sizeof line->phone.address, "%s:%u", text, ntohs(own.sin_port));
    struct epoll_event ev = {.events = EPOLLOUT, .data.ptr = line};
    return epoll_ctl(c->epoll, EPOLL_CTL_ADD, line->fd, &ev);
}

void line_open(struct client *c, struct line *line)
{
    if (line_connect(c, line) < 0) {
        line_fail(c, line, &c->counts.tcp_failed);
        return;
    }
    line->ssl = SSL_new(c->tls);
    if (!line->ssl || SSL_set_fd(line->ssl, line->fd) != 1) {
        line_fail(c, line, &c->counts.out_of_memory);
        return;
    }
    SSL_set_connect_state(line->ssl);
    line->state = LINE_CONNECTING;
}

/* One message out. It fits the socket's buffer, since only one is under way. */
static void line_send(struct client *c, struct line *line, const char *message, size_t n)
{
    c->counts.bytes_out += n;
    ERR_clear_error();
    if (n == 0 || SSL_write(line->ssl, message, (int)n) != (int)n)
        line_fail(c, line, &c->counts.closed_by_server);
}

static void line_send_register(struct client *c, struct line *line, enum phone_register kind)
{
    char message[PHONE_MESSAGE_MAX];
    size_t n = phone_print(&line->phone, kind, line->cseq++, message, sizeof message);
    line_send(c, line, message, n);
}

static int refresh_print(struct client *c, struct line *line)
{
    char message[PHONE_MESSAGE_MAX];
    enum phone_register kind = c->options.refresh_with_token ? PHONE_REFRESH_TOKEN : PHONE_REFRESH;
    size_t n = phone_print(&line->phone, kind, line->cseq, message, sizeof message);
    line->refresh = n > 0 ? malloc(n) : NULL;
    if (!line->refresh) return -1;
    memcpy(line->refresh, message, n);
    line->refresh_n = n;
    return 0;
}

void line_refresh(struct client *c, struct line *line)
{
    if (!line->refresh && refresh_print(c, line) < 0) {
        line_fail(c, line, &c->counts.out_of_memory);
        return;
    }
    phone_renumber(line->refresh, line->refresh_n, line->cseq++);
    line->state = LINE_REFRESHING;
    line_send(c, line, line->refresh, line->refresh_n);
}

static void line_handshake(struct client *c, struct line *line)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(line->ssl);
    int why = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(line->ssl, rc);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = line};
    if (why == SSL_ERROR_WANT_WRITE)
        ev.events |= EPOLLOUT;
    else if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ) {
        line_fail(c, line, &c->counts.tls_failed);
        return;
    }
    epoll_ctl(c->epoll, EPOLL_CTL_MOD, line->fd, &ev);
    if (why != SSL_ERROR_NONE) return;
    line->state = LINE_CHALLENGED;
    if (c->options.handshake_only) {
        line->state = LINE_READY;
        c->on_line(c->ctx, line, LINE_REGISTERED);
        return;
    }
    line_send_register(c, line, PHONE_FIRST);
}

/* A final answer (or, from an echo server, any message): the line's next step. */
static void line_answered(struct client *c, struct line *line, int status)
{
    int echo = c->options.echo;
    switch (line->state) {
    case LINE_CHALLENGED:
        if (status != 407 && !echo) break;
        line->state = LINE_TOKEN;
        line_send_register(c, line, PHONE_TOKEN);
        return;
    case LINE_TOKEN:
        if (status != 200 && !echo) break;
        line->state = LINE_READY;
        c->on_line(c->ctx, line, LINE_REGISTERED);
        return;
    case LINE_REFRESHING:
        if (status != 200 && !echo) break;
        line->state = LINE_READY;
        c->on_line(c->ctx, line, LINE_REFRESHED);
        return;
    case LINE_CLOSED:
    case LINE_CONNECTING:
    case LINE_READY:
    case LINE_CALLING:
    case LINE_TALKING:
    case LINE_ENDING:
    case LINE_CALLED: return; /* nobody waits for it */
    }
    line_fail(c, line, &c->counts.unexpected);
}

/* ---- calls ---- */

void line_call(struct client *c, struct line *caller, struct line *callee)
{
    char message[PHONE_MESSAGE_MAX];
    caller->peer = callee;
    callee->peer = caller;
    caller->state = LINE_CALLING;
    callee->state = LINE_CALLED;
    line_send(c, caller, message,
              call_print_invite(&caller->phone, &callee->phone, ++caller->calls, message,
                                sizeof message));
}

static void line_follow(struct client *c, struct line *line, const char *method)
{
    char message[PHONE_MESSAGE_MAX];
    line_send(c, line, message,
              call_print_follow(&line->phone, method, line->answer, line->answer_n, line->calls,
                                message, sizeof message));
}

void line_hang_up(struct client *c, struct line *caller)
{
    caller->state = LINE_ENDING;
    line_follow(c, caller, "BYE");
}

static void line_say(struct client *c, struct line *line, const char *request, size_t n, int status)
{
    char message[PHONE_MESSAGE_MAX];
    line_send(c, line, message,
              call_print_answer(&line->phone, request, n, status, message, sizeof message));
}

static void call_answered(struct client *c, struct line *line, const char *p, size_t n)
{
    free(line->answer);
    line->answer = malloc(n);
    if (!line->answer) {
        line_fail(c, line, &c->counts.out_of_memory);
        return;
    }
    memcpy(line->answer, p, n);
    line->answer_n = n;
    line->state = LINE_TALKING;
    const uint32_t life = line->lives;
    line_follow(c, line, "ACK");
    if (line->lives == life) c->on_line(c->ctx, line, LINE_ANSWERED);
}

/* A message that came on a line in a call. */
static void line_in_call(struct client *c, struct line *line, const char *p, size_t n, int status)
{
    const uint32_t life = line->lives;
    if (line->state == LINE_CALLED) {
        if (call_is(p, n, "INVITE") && status == 0) {
            line_say(c, line, p, n, 180);
            if (line->lives == life) line_say(c, line, p, n, 200);
        } else if (call_is(p, n, "BYE") && status == 0) {
            line_say(c, line, p, n, 200);
        }
    } else if (status >= 300) {
        line_fail(c, line, &c->counts.unexpected);
    } else if (line->state == LINE_CALLING && status >= 200 && call_is(p, n, "INVITE")) {
        call_answered(c, line, p, n);
    } else if (line->state == LINE_ENDING && status >= 200 && call_is(p, n, "BYE")) {
        line->state = LINE_READY;
        if (line->peer->state == LINE_CALLED) line->peer->state = LINE_READY;
        c->on_line(c->ctx, line, LINE_ENDED);
    }
}

/* Keeps the first part of an answer until the rest has come. */
static void rest_keep(struct client *c, struct line *line, const char *p, size_t n)
{
    if (n == 0) return;
    line->rest = malloc(n);
    if (!line->rest) {
        line_fail(c, line, &c->counts.out_of_memory);
        return;
    }
    memcpy(line->rest, p, n);
    line->rest_n = n;
}

/* Every whole message of what was read. A message may end the line; then what follows is void. */
static void line_take(struct client *c, struct line *line, const char *p, size_t n)
{
    const uint32_t life = line->lives;
    while (n > 0) {
        struct answer a;
        enum answer_result result = answer_frame(p, n, &a);
        if (result == ANSWER_BROKEN) {
            line_fail(c, line, &c->counts.broken_answers);
            return;
        }
        if (result == ANSWER_MORE) break;
        p += a.skipped + a.n;
        n -= a.skipped + a.n;
        if (a.status == 0 && !c->options.echo) c->counts.requests_in++;
        if (a.status >= 200 && a.status < CLIENT_STATUS_MAX) c->counts.status[a.status]++;
        if (line->state >= LINE_CALLING)
            line_in_call(c, line, p - a.n, a.n, a.status);
        else if (a.status >= 200 || c->options.echo)
            line_answered(c, line, a.status);
        if (line->lives != life) return;
    }
    rest_keep(c, line, p, n);
}

/* Reads all there is. Bytes kept from before go first. */
static void line_read(struct client *c, struct line *line)
{
    size_t n = line->rest_n;
    if (n > 0) memcpy(c->bytes, line->rest, n);
    free(line->rest);
    line->rest = NULL;
    line->rest_n = 0;
    int got, pending;
    do {
        ERR_clear_error();
        got = SSL_read(line->ssl, c->bytes + n, (int)(sizeof c->bytes - n));
        if (got > 0) {
            n += (size_t)got;
            c->counts.bytes_in += (size_t)got;
        }
        pending = got > 0 && n < sizeof c->bytes && SSL_has_pending(line->ssl);
    } while (pending);
    if (got <= 0 && SSL_get_error(line->ssl, got) != SSL_ERROR_WANT_READ) {
        line_fail(c, line, &c->counts.closed_by_server);
        return;
    }
    line_take(c, line, c->bytes, n);
}

void client_step(struct client *c, int timeout_ms)
{
    struct epoll_event events[CLIENT_EVENTS];
    int n = epoll_wait(c->epoll, events, CLIENT_EVENTS, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct line *line = events[i].data.ptr;
        if (line->state == LINE_CONNECTING)
            line_handshake(c, line);
        else if (line->state != LINE_CLOSED)
            line_read(c, line);
    }
}

uint64_t client_failures(const struct client_counts *n)
{
    return n->tcp_failed + n->tls_failed + n->closed_by_server + n->broken_answers +
           n->out_of_memory + n->unexpected;
}
