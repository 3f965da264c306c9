/* call/route.h - Route, Record-Route and loops (RFC 3261, 16.4, 16.6, 16.12; RFC 5393; RFC 5626, 5.3).
 *
 * Every Record-Route of ours bears a token in its user part: the two flows a dialog runs over, the
 * call's number, and a keyed digest over both, so that nobody can make one. A request of the dialog
 * that comes over one of the two flows goes out over the other. Where both sides speak different
 * transports or families the Record-Route is double, one for each side; both bear one token.
 * The key is made at start: a restart ends all dialogs' routes. Pure: mac is the node's key as
 * crypto_digest_new_hmac has taken it, one a thread, and comes back as it was. */
#ifndef CALL_ROUTE_H
#define CALL_ROUTE_H
#include "base/arena.h"
#include "base/buf.h"
#include "call/calls.h"
#include "sip/validate.h"
#include "siptx/flow.h"

struct crypto_digest;

enum { CALL_TOKEN_LEN = 55 /* base64url letters */, CALL_ROUTE_KEY_LEN = 32 };

struct call_token {
    uint64_t flow[2]; /* by enum call_side */
    uint64_t call;    /* 0: no call (SUBSCRIBE, REFER ...) */
};
/* RC_NOMEM (libcrypto). */
MUST_CHECK enum rc call_token_print(struct buf *out, struct crypto_digest *mac,
                                    const struct call_token *t);
/* RC_DENIED: not one of ours. Compared in constant time. */
MUST_CHECK enum rc call_token_read(struct str text, struct crypto_digest *mac,
                                   struct call_token *out);

/* One side as its Record-Route says it. */
struct call_hop {
    struct net_addr local;
    enum siptx_transport transport;
};
/* Appends the Record-Route line or lines: the one towards the next hop on top (RFC 5658). */
void call_route_print_record(struct buf *out, struct str token, const struct call_hop *from,
                             const struct call_hop *to);

/* The Service-Route line of a registration that came to that side (RFC 3608): where its requests are
 * to come first. */
void call_route_print_service(struct buf *out, const struct call_hop *hop);

/* What the Route header fields and the Request-URI of a request come to. */
struct call_route {
    struct str uri; /* Request-URI to go on with: the request's, or put back after a strict
                                router (16.4) */
    bool has_token; /* one of our values bore a good token */
    struct call_token token;
    size_t skip;         /* values at the front of Route that were ours */
    bool drops_last;     /* the last value became uri */
    struct str next;     /* first value left, "" none: its URI */
    bool next_is_strict; /* it has no lr: RFC 3261, 16.6 step 6 */
};
/* is_ours(ctx, uri): does that URI, without a good token, name this server?
 * RC_MALFORMED: a Route that cannot be read. */
typedef bool call_is_ours_fn(void *ctx, const struct sip_uri *uri);
MUST_CHECK enum rc call_route_read(const struct sip_message *m, const struct sip_uri *uri,
                                   struct crypto_digest *mac, call_is_ours_fn *is_ours, void *ctx,
                                   struct call_route *out);
/* The Route lines of the request that goes on: path (comma list, may be empty) before what is left
 * of the request's own. Where the first one is strict, its URI becomes *uri and the former *uri the
 * last Route. */
void call_route_print(struct buf *out, const struct sip_message *m, const struct call_route *r,
                      struct str path, struct str *uri);

/* The loop= parameter our Via bears: a keyed hash over all that decides where a request goes
 * (RFC 5393, 4.2.2). */
uint64_t call_loop_hash(const struct hash_key *key, const struct sip_message *m,
                        const struct sip_basics *basics);
/* One of the request's Vias is ours with that hash: it has been here unchanged. */
bool call_loop_found(const struct sip_message *m, uint64_t hash);
/* ";loop=0123456789abcdef" */
enum { CALL_LOOP_PARAM_LEN = 22 };
void call_loop_param(char out[CALL_LOOP_PARAM_LEN + 1], uint64_t hash);

/* Max-Breadth of a request (RFC 5393, 5.3); CALL_BREADTH where it has none or none that can be
 * read. */
enum { CALL_BREADTH = 60 };
unsigned call_breadth(const struct sip_message *m);

#endif
