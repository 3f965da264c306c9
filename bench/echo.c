/* echo.c - the limit a TLS server on this machine can reach: OpenSSL the plain way, epoll, no
 * protocol. Answers each SSL_read's worth of bytes, with the same bytes or with a fixed answer.
 *
 *   bench_echo --port=N --cert=FILE --key=FILE [--answer=BYTES] [--threads=N]
 *
 * Prints "ready PORT" and serves until SIGTERM. Edge-triggered, reads until the socket is empty,
 * SSL_set_fd, buffers released when idle: what a straightforward server does, nothing clever. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ECHO_READ_MAX = 65536, ECHO_EVENTS = 256, ECHO_BACKLOG = 4096, ECHO_ACCEPTS_A_TURN = 64 };

struct echo_options {
    const char *cert, *key;
    uint16_t port;
    int answer_n; /* 0: the bytes that came */
    int threads;
};

/* Shared by the threads, unchanged once they run. */
struct echo {
    SSL_CTX *tls;
    int listener;
    char *answer;
    int answer_n;
};

static SSL_CTX *tls_new(const struct echo_options *o)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (!tls) return NULL;
    SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(tls, 1);
    if (SSL_CTX_use_certificate_chain_file(tls, o->cert) == 1 &&
        SSL_CTX_use_PrivateKey_file(tls, o->key, SSL_FILETYPE_PEM) == 1)
        return tls;
    SSL_CTX_free(tls);
    return NULL;
}

static int listener_open(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, ECHO_BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A message in SIP's outer form with exactly n bytes, so that a SIP client can frame it. */
static char *answer_new(int n)
{
    static const char head[] = "SIP/2.0 200 OK\r\nX-Fill: ";
    static const char tail[] = "\r\nContent-Length: 0\r\n\r\n";
    const int least = (int)(sizeof head + sizeof tail) - 2;
    if (n <= least) return NULL;
    char *p = malloc((size_t)n);
    if (!p) return NULL;
    memset(p, 'x', (size_t)n);
    memcpy(p, head, sizeof head - 1);
    memcpy(p + n - (sizeof tail - 1), tail, sizeof tail - 1);
    return p;
}

static void connection_close(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
    ERR_clear_error();
}

static void connections_accept(const struct echo *e, int epoll)
{
    for (int i = 0; i < ECHO_ACCEPTS_A_TURN; i++) {
        int fd = accept4(e->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        SSL *ssl = SSL_new(e->tls);
        if (!ssl || SSL_set_fd(ssl, fd) != 1) {
            SSL_free(ssl);
            close(fd);
            continue;
        }
        SSL_set_accept_state(ssl);
        struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.ptr = ssl};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) < 0) connection_close(ssl);
    }
}

/* Reads (which also does the handshake) and answers until nothing is left. */
static void connection_serve(const struct echo *e, SSL *ssl, char *bytes)
{
    for (;;) {
        ERR_clear_error();
        int n = SSL_read(ssl, bytes, ECHO_READ_MAX);
        if (n <= 0) {
            int why = SSL_get_error(ssl, n);
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) connection_close(ssl);
            return;
        }
        const char *answer = e->answer ? e->answer : bytes;
        int answer_n = e->answer ? e->answer_n : n;
        /* The clients wait for an answer before they ask again, so it always fits the socket. */
        if (SSL_write(ssl, answer, answer_n) != answer_n) {
            connection_close(ssl);
            return;
        }
    }
}

static void *serve(void *arg)
{
    const struct echo *e = arg;
    char *bytes = malloc(ECHO_READ_MAX);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = NULL};
    if (!bytes || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, e->listener, &ev) < 0) {
        perror("bench_echo");
        exit(1);
    }
    struct epoll_event events[ECHO_EVENTS];
    for (;;) {
        int n = epoll_wait(epoll, events, ECHO_EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                connection_serve(e, events[i].data.ptr, bytes);
            else
                connections_accept(e, epoll);
        }
    }
    return NULL;
}

static int options_read(int argc, char **argv, struct echo_options *o)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},    {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},     {"answer", required_argument, NULL, 'a'},
        {"threads", required_argument, NULL, 't'}, {0}};
    *o = (struct echo_options){.threads = 1};
    int c;
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (c) {
        case 'p': o->port = (uint16_t)atoi(optarg); break;
        case 'c': o->cert = optarg; break;
        case 'k': o->key = optarg; break;
        case 'a': o->answer_n = atoi(optarg); break;
        case 't': o->threads = atoi(optarg); break;
        default: return -1;
        }
    }
    return o->port != 0 && o->cert && o->key && o->threads >= 1 && o->answer_n >= 0 &&
                   optind == argc
               ? 0
               : -1;
}

static void limits_raise(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0) return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
    struct echo_options o;
    if (options_read(argc, argv, &o) < 0) {
        fputs("usage: bench_echo --port=N --cert=FILE --key=FILE [--answer=BYTES] [--threads=N]\n",
              stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    limits_raise();
    struct echo e = {.tls = tls_new(&o), .listener = listener_open(o.port), .answer_n = o.answer_n};
    if (!e.tls) ERR_print_errors_fp(stderr);
    if (e.listener < 0) perror("bench_echo: listen");
    if (!e.tls || e.listener < 0) return 1;
    if (o.answer_n > 0 && !(e.answer = answer_new(o.answer_n))) {
        fputs("bench_echo: --answer is too small\n", stderr);
        return 2;
    }
    printf("ready %u\n", (unsigned)o.port);
    fflush(stdout);
    for (int i = 1; i < o.threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, &e) != 0) return 1;
        pthread_detach(thread);
    }
    serve(&e);
    return 0;
}
