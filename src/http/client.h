/* http/client.h - HTTP client over libcurl: asynchronous on a loop, or one blocking call for the
 * command line. Certificates and names are checked unless a call says otherwise; redirects are answers like any other and
 * never followed. Failures are a reason for the program and a sentence for a person. Nothing is
 * logged here; headers and bodies may be secrets. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H
#include "base/arena.h"
#include "base/str.h"

struct net_loop;

enum http_failure {
    HTTP_FAIL_NONE,
    HTTP_FAIL_URL,           /* not a URL, or neither http nor https */
    HTTP_FAIL_DNS,           /* the name has no address */
    HTTP_FAIL_REFUSED,       /* nobody listens there (also: no such UNIX socket) */
    HTTP_FAIL_UNREACHABLE,   /* no route, network down */
    HTTP_FAIL_TLS_UNTRUSTED, /* its certificate comes from no CA we trust */
    HTTP_FAIL_TLS_NAME,      /* its certificate is for other names */
    HTTP_FAIL_TLS_EXPIRED,   /* its certificate is expired or not valid yet */
    HTTP_FAIL_TLS,           /* another TLS failure */
    HTTP_FAIL_CA_FILE,       /* the CA file cannot be read */
    HTTP_FAIL_TIMEOUT,
    HTTP_FAIL_TOO_BIG, /* the answer is over response_max */
    HTTP_FAIL_CLOSED,  /* the connection ended before the answer did, or it is no HTTP */
    HTTP_FAIL_NOMEM,
    HTTP_FAIL_OTHER,
};
/* A short lower-case word; never NULL. */
const char *http_failure_name(enum http_failure failure);

struct http_client_header {
    struct str name, value; /* CR, LF or NUL in either: HTTP_FAIL_OTHER, nothing is sent */
};

/* What to ask. Borrowed for the call that starts it only. Zeroed fields mean the default. */
struct http_call {
    const char *method; /* NULL: GET */
    struct str url;     /* http:// or https:// */
    struct str body;    /* sent whenever p is not NULL */
    struct str content_type;
    struct str bearer; /* Authorization: Bearer …; never sent anywhere but to url's host */
    const struct http_client_header *headers;
    size_t header_count;
    const char *ca_file;          /* PEM; NULL: the system's CAs. Then only these are trusted */
    struct str ca_pem;            /* the same as text; p NULL: none. Wins over ca_file */
    struct str cert_pem, key_pem; /* shown to the server; p NULL: none. The key is a secret */
    bool is_unverified;    /* whoever answers is taken for the one asked: only where an operator
                                    has said so */
    const char *unix_path; /* connect to this UNIX socket instead of url's host */
    struct str connect_to; /* "host:port" to dial instead of url's; names are still checked
                                    against url's host. "" for url's own */
    unsigned connect_timeout_ms; /* 10000 */
    unsigned timeout_ms;         /* for all of it, 30000 */
    size_t response_max;         /* bytes of body, 1 MiB */
};

struct http_answer {
    enum http_failure failure;
    char why[256]; /* "" or a sentence: who was asked, what went wrong, what to look at */
    int status;    /* with HTTP_FAIL_NONE */
    struct str body;
    const struct http_client_header *headers; /* of the final response */
    size_t header_count;
};
/* "" where it is missing. */
struct str http_answer_header(const struct http_answer *answer, struct str name);

/* Blocking; everything of *answer lies in arena. */
void http_fetch(const struct http_call *call, struct arena *arena, struct http_answer *answer);

struct http_client;
struct http_exchange;
/* Called once on the loop's thread, never from within http_client_start; answer ends with the call.
 */
typedef void http_answer_fn(void *ctx, const struct http_answer *answer);

/* RC_NOMEM as NULL. */
struct http_client *http_client_new(struct net_loop *loop);
/* Exchanges still running are cancelled: their callbacks do not run. NULL. */
struct http_client *http_client_free(struct http_client *client);
/* RC_NOMEM, RC_BUSY (over HTTP_CLIENT_EXCHANGE_MAX). Anything else is told by the callback. *out
 * (may be NULL) is valid until the callback returns. */
enum { HTTP_CLIENT_EXCHANGE_MAX = 64 };
MUST_CHECK enum rc http_client_start(struct http_client *client, const struct http_call *call,
                                     http_answer_fn *fn, void *ctx, struct http_exchange **out);
/* Its callback will not run. NULL is accepted. */
void http_exchange_cancel(struct http_exchange *exchange);

#endif
