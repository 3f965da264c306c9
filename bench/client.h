/* client.h - many simulated phones on one thread: TLS connections over epoll, each registering the
 * way the reference client does. A line (one phone with its connection) goes
 *
 *   CLOSED -open-> CONNECTING -> CHALLENGED (first REGISTER out) -> TOKEN (token out) -> READY
 *   READY -refresh-> REFRESHING -> READY;   any failure -> CLOSED
 *   READY -call-> CALLING -> TALKING -hang up-> ENDING -> READY, the other line READY -> CALLED -> READY
 *
 * Lines belong to the client; the caller learns of each step's end through one callback, from which
 * it may open, refresh and close lines. Nothing here times out: the caller watches the clock. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H
#include "phone.h"
#include <netinet/in.h>
#include <openssl/ssl.h>

enum { CLIENT_READ_MAX = 65536, CLIENT_EVENTS = 256, CLIENT_STATUS_MAX = 700 };

enum line_state {
    LINE_CLOSED,
    LINE_CONNECTING,
    LINE_CHALLENGED,
    LINE_TOKEN,
    LINE_READY,
    LINE_REFRESHING,
    LINE_CALLING, /* INVITE sent */
    LINE_TALKING, /* answered, ACK sent */
    LINE_ENDING,  /* BYE sent */
    LINE_CALLED,  /* the other end of one of those */
};

struct line {
    struct phone phone;
    enum line_state state;
    int fd;
    SSL *ssl;
    uint32_t cseq;
    char *refresh; /* the printed refresh, renumbered for each use */
    size_t refresh_n;
    char *rest; /* an answer's first part, only while the rest is under way */
    size_t rest_n;
    uint32_t lives;    /* connections it has lost or closed */
    uint64_t begun_ns; /* set by the caller, for its own use */
    struct line *peer; /* of a call */
    uint32_t calls;    /* made so far */
    char *answer;      /* the 200 of the call that stands: its BYE is made of it */
    size_t answer_n;
};

/* LINE_ANSWERED and LINE_ENDED are told of the line that called. */
enum line_event { LINE_REGISTERED, LINE_REFRESHED, LINE_ANSWERED, LINE_ENDED, LINE_FAILED };

typedef void client_line_fn(void *ctx, struct line *line, enum line_event event);

/* What happened, counted from the start or since the caller zeroed it. */
struct client_counts {
    uint64_t status[CLIENT_STATUS_MAX]; /* final answers by status code */
    uint64_t requests_in;               /* requests the server sent of its own accord */
    uint64_t tcp_failed, tls_failed, closed_by_server, broken_answers, out_of_memory;
    uint64_t unexpected;          /* final answers other than the 407 and 200 whose turn it was */
    uint64_t bytes_out, bytes_in; /* SIP bytes, before TLS */
};

struct client_options {
    struct sockaddr_in server;
    const char *node;    /* host name in request URIs */
    uint32_t per_source; /* connections from one 127.x.y.z address */
    int echo;            /* the server echoes: any whole message is the answer awaited */
    int handshake_only;  /* a line is "registered" once TLS stands */
    int refresh_with_token;
};

struct client {
    struct client_options options;
    SSL_CTX *tls;
    int epoll;
    struct line *lines;
    size_t line_count;
    client_line_fn *on_line;
    void *ctx;
    struct client_counts counts;
    char bytes[CLIENT_READ_MAX + PHONE_MESSAGE_MAX];
};

/* Makes a client of the given phones (copied; their texts must outlive it). NULL when out of
 * memory. */
struct client *client_new(const struct client_options *options, const struct phone *phones,
                          size_t phone_count, client_line_fn *on_line, void *ctx);
struct client *client_free(struct client *c);

void line_open(struct client *c, struct line *line);    /* a CLOSED line; ends in an event, later */
void line_refresh(struct client *c, struct line *line); /* a READY line; ends in an event, later */
void line_close(struct client *c, struct line *line);   /* close_notify, close; no event */
/* Two READY lines: the call is answered at once (LINE_ANSWERED) and stands until line_hang_up. */
void line_call(struct client *c, struct line *caller, struct line *callee);
void line_hang_up(struct client *c, struct line *caller); /* a TALKING line; ends in LINE_ENDED */

/* Handles what is ready, waiting up to timeout_ms (-1: until something is). */
void client_step(struct client *c, int timeout_ms);

/* All failures: lost connections and unexpected answers. */
uint64_t client_failures(const struct client_counts *n);

/* The source address of a line: 127.16.0.1 for the first `per_source` lines, and so on. */
in_addr_t client_source(uint32_t number, uint32_t per_source);

#endif
