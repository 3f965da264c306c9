/* http/message.h - one request as a handler sees it and the response it fills (RFC 9110, 9112).
 * A handler is an ordinary synchronous function on a pool thread: it may wait. Everything in the
 * request lies in memory that lives until the handler returns and is wiped afterwards. */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H
#include "base/arena.h"
#include "base/buf.h"
#include "net/addr.h"
#include <sys/types.h>

enum {
    HTTP_HEADER_MAX = 100,         /* header fields of one message */
    HTTP_HEAD_MAX = 32768,         /* bytes of request line and header fields together */
    HTTP_TARGET_MAX = 16384,       /* bytes of the request target (an authorize URL is long) */
    HTTP_PARAM_MAX = 4,            /* {names} in one route */
    HTTP_RESPONSE_HEADER_MAX = 32, /* fields a handler may add */
    HTTP_BODY_DEFAULT_MAX = 1 << 20,
    HTTP_BODY_FREE = 16 << 10, /* bytes of each body beside the server's body_total_max */
    HTTP_RESPONSE_BODY_MAX = 16 << 20,
};

/* Bits, so that a route can name several. */
enum http_method {
    HTTP_GET = 1,
    HTTP_HEAD = 2,
    HTTP_POST = 4,
    HTTP_PUT = 8,
    HTTP_PATCH = 16,
    HTTP_DELETE = 32,
    HTTP_OPTIONS = 64,
};
const char *http_method_name(enum http_method method);

struct http_header {
    struct str name, value; /* value without surrounding white space */
};

/* Who asks. */
struct http_peer {
    struct net_addr addr; /* of a TCP peer */
    bool is_tls;
    bool is_unix; /* came by the UNIX socket: uid, gid, pid are the kernel's word */
    uid_t uid;
    gid_t gid;
    pid_t pid;
};

struct http_request {
    enum http_method method;
    struct str target; /* as sent */
    struct str path;   /* percent-decoded, begins with '/', no NUL, no dot segment */
    struct str query;  /* as sent, without '?'; form_parse reads it */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    struct str params[HTTP_PARAM_MAX]; /* what the route's {…} stood for, decoded, in order */
    struct http_peer peer;
    struct arena *arena; /* for what the handler makes; ends with the request */
};

/* Value of the first field of that name (ASCII case folded), "" where it is missing. */
struct str http_header_find(const struct http_request *req, struct str name);
/* The credentials behind "Authorization: Bearer ", "" for another scheme or none. Secret. */
struct str http_bearer(const struct http_request *req);
/* User and password of "Authorization: Basic" (RFC 7617), decoded into the request's arena.
 * RC_NOT_FOUND, RC_MALFORMED, RC_NOMEM. */
MUST_CHECK enum rc http_basic(const struct http_request *req, struct str *user,
                              struct str *password);
/* The value of the only cookie of that name (RFC 6265, 5.4); "" where missing. */
struct str http_cookie(const struct http_request *req, struct str name);
/* Whether Content-Type is type, parameters aside. */
bool http_is_type(const struct http_request *req, struct str type);

struct http_response {
    int status;      /* 200 to begin with */
    struct buf body; /* at most HTTP_RESPONSE_BODY_MAX */
    struct http_header headers[HTTP_RESPONSE_HEADER_MAX];
    size_t header_count;
    enum rc rc;          /* the first failure: the client gets a bare 500 instead */
    struct arena *arena; /* the request's */
};

/* Adds a field; both are copied. A name that is no token or a value with CR, LF or another control
 * character is refused and remembered in rc: no peer's text can start a header of its own. */
void http_set_header(struct http_response *res, const char *name, struct str value);
/* Sets status, Content-Type and body at once. */
void http_reply(struct http_response *res, int status, const char *content_type, struct str body);
/* A small text/plain answer: one sentence. */
void http_reply_text(struct http_response *res, int status, const char *sentence);
void http_redirect(struct http_response *res, int status, struct str location);
/* Set-Cookie with HttpOnly, SameSite=Lax, Path=/ and, over TLS, Secure. max_age_s < 0: for the
 * session; 0 deletes it. */
void http_set_cookie(struct http_response *res, const struct http_request *req, const char *name,
                     struct str value, int64_t max_age_s);
/* Adds ETag (tag is the text between the quotes; a strong one) and, with modified_unix_s > 0,
 * Last-Modified. When the request's conditions say the client has this already (RFC 9110, 13.2),
 * turns the response into an empty 304 and returns true. */
bool http_is_unchanged(const struct http_request *req, struct http_response *res, struct str tag,
                       int64_t modified_unix_s);

/* IMF-fixdate (RFC 9110, 5.6.7), 29 characters. */
void http_print_date(struct buf *out, int64_t unix_s);
MUST_CHECK enum rc http_parse_date(struct str text, int64_t *unix_s);
const char *http_status_text(int status);
/* path and query for a log line: the values of parameters that may be secrets (code, token,
 * password, ... anything not known to be harmless) are replaced by '*'. */
void http_print_loggable(struct buf *out, struct str target);

#endif
