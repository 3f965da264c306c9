/* edge/hop.h - what both edges do as stateless proxies (RFC 3261, 16.11): a Via of their own whose branch
 * is a MAC of both connections and of the branch below, so that CANCEL and ACK keep their INVITE's and an
 * answer is believed only from where it was asked; tokens that name a connection; lines handed on. Pure
 * functions of message, connection and keys: immutable, safe from any thread. */
#ifndef EDGE_HOP_H
#define EDGE_HOP_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "net/addr.h"
#include "sip/message.h"
#include "sip/validate.h"

struct edge_seal;

enum { EDGE_HOST_MAX = 253, EDGE_BRANCH_LEN = 32, EDGE_FLOW_NAME_MAX = 33 };

/* The host of what an inner edge shows outside in the place of inside names: it names nothing; only the
 * token before it counts. */
#define EDGE_INNER_HOST "edge.invalid"

struct edge_hop {
    const struct edge_seal *seal; /* borrowed */
    uint8_t key[32];              /* of branches; equal after a restart with the same seal */
    uint64_t boot;                /* names this start: connections of another one are gone */
    char host[EDGE_HOST_MAX + 1];
    struct sip_host sip_host; /* of host */
    uint16_t port;
};
/* boot: fresh where connections are numbered anew at each start; 0 where their numbers stay.
 * RC_TOO_BIG, RC_MALFORMED (host), RC_NOMEM. */
MUST_CHECK enum rc edge_hop_init(struct edge_hop *h, const struct edge_seal *seal, uint64_t boot,
                                 struct str host, uint16_t port);
void edge_hop_fini(struct edge_hop *h); /* wipes */

enum edge_verdict { EDGE_FORWARD, EDGE_ANSWER, EDGE_DROP };
struct edge_decision {
    enum edge_verdict verdict;
    uint64_t to;        /* FORWARD: the flow; out holds the message */
    unsigned status;    /* ANSWER (never to an ACK) */
    const char *reason; /* ANSWER, DROP: for log and phrase; constant text */
};

struct edge_arrival;
/* What becomes of the bodies of calls: media relayed by an edge have other addresses on the other side. */
struct edge_media {
    void *ctx;
    /* Of every message of a call's methods. call: the phone's connection (outer edge), the call's own
     * number (inner edge); to: where it goes; to_party: away from the other edge. *body: as it goes on,
     * in a->arena if it is another. A status: it cannot; a request is refused with it, an answer
     * dropped. 0: it goes on. */
    unsigned (*pass)(void *ctx, const struct edge_arrival *a, uint64_t call, uint64_t to,
                     bool to_party, struct str *body);
};

/* One message that has come, valid as siptx has found it. */
struct edge_arrival {
    const struct sip_message *message;
    const struct sip_basics *basics;
    struct arena *arena;            /* for what is parsed */
    uint64_t flow;                  /* it came by */
    struct net_addr peer;           /* of that */
    const struct edge_media *media; /* NULL: bodies go on as they came */
};

/* FORWARD, or DROP when out could not hold it. */
struct edge_decision edge_forward(const struct buf *out, uint64_t to);
struct edge_decision edge_drop(const char *reason);
/* out is emptied; an ACK is dropped. */
struct edge_decision edge_refuse(const struct edge_arrival *a, unsigned status, const char *reason,
                                 struct buf *out);

/* "BOOT.FLOW" in hexadecimal. */
void edge_flow_name(const struct edge_hop *h, uint64_t flow, char out[EDGE_FLOW_NAME_MAX + 1]);
/* False: not one of this start. */
bool edge_flow_read(const struct edge_hop *h, struct str name, uint64_t *flow);
/* A way through this edge, as its Via must prove it. */
struct edge_way {
    uint64_t from, to, call; /* call: of an inner edge's messages, else 0 */
    struct str below;        /* the branch of the Via below */
};
/* The branch of our Via on that way, NUL-terminated, without the cookie. */
MUST_CHECK enum rc edge_branch(const struct edge_hop *h, const struct edge_way *way,
                               char out[EDGE_BRANCH_LEN + 1]);
/* Is text (a whole branch) that one? */
bool edge_branch_fits(const struct edge_hop *h, const struct edge_way *way, struct str text);
/* A number for a call that begins on that way: not to be guessed, equal for a repetition, never 0.
 * RC_NOMEM. */
MUST_CHECK enum rc edge_call_number(const struct edge_hop *h, const struct edge_way *way,
                                    uint64_t *call);
/* 16 hexadecimal digits. */
bool edge_call_read(struct str text, uint64_t *call);

/* "sip:TOKEN@host:port;transport=tls;lr": names a connection, and a call (0 none). */
void edge_put_flow_uri(const struct edge_hop *h, uint64_t flow, uint64_t call, struct buf *out);
/* The user part of such a URI. RC_DENIED: not ours; RC_NOT_FOUND: of another start. */
MUST_CHECK enum rc edge_open_flow(const struct edge_hop *h, struct str token, struct arena *a,
                                  uint64_t *flow, uint64_t *call);

/* What a->media makes of the body; 0 or a status. */
unsigned edge_pass_body(const struct edge_arrival *a, uint64_t call, uint64_t to, bool to_party,
                        struct str *body);
/* INVITE, SUBSCRIBE or REFER outside a dialog. */
bool edge_makes_dialog(const struct edge_arrival *a);
/* What is written anew on every hop: Via, Route, Max-Forwards, Content-Length. */
bool edge_is_written_anew(enum sip_header_id id);

#endif
