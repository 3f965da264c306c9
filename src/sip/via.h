/* sip/via.h - one Via value (RFC 3261, 20.42; RFC 3581): transport, sent-by, parameters. Slices of
 * the message. No state: safe from any thread. */
#ifndef SIP_VIA_H
#define SIP_VIA_H
#include "sip/host.h"
#include "sip/values.h"

enum sip_transport {
    SIP_TRANSPORT_OTHER,
    SIP_TRANSPORT_UDP,
    SIP_TRANSPORT_TCP,
    SIP_TRANSPORT_TLS,
    SIP_TRANSPORT_SCTP,
    SIP_TRANSPORT_WS,
    SIP_TRANSPORT_WSS,
};

#define SIP_BRANCH_COOKIE "z9hG4bK"

struct sip_via {
    enum sip_transport transport;
    struct str transport_text;
    struct sip_host host; /* sent-by */
    uint16_t port;        /* 0: none given */
    struct str params;    /* raw, beginning with ';', or empty; checked */
    struct str branch;    /* empty: none (an RFC 2543 element) */
    struct str received;  /* without brackets; empty: none */
    struct str maddr;     /* empty: none */
    bool has_rport;
    uint16_t rport; /* 0: "rport" without a value */
};

/* RC_MALFORMED; at may be NULL. */
MUST_CHECK enum rc sip_via_parse(struct str value, struct sip_via *out, struct parse_at *at);
/* Protocol and sent-by only; params and what comes from them stay empty. For answering a request
 * whose Via is otherwise malformed. */
MUST_CHECK enum rc sip_via_parse_sent_by(struct str value, struct sip_via *out);
/* Branch begins with the cookie and has something behind it (RFC 3261, 8.1.1.7). */
bool sip_via_has_branch(const struct sip_via *v);
/* "UDP"; "" for OTHER. */
struct str sip_transport_text(enum sip_transport t);
enum sip_transport sip_transport_from_text(struct str text);
/* 5061 for TLS, 5060 otherwise (RFC 3261, 19.1.2); WS 80, WSS 443 (RFC 7118, 4). */
uint16_t sip_transport_port(enum sip_transport t);
static inline bool sip_transport_is_stream(enum sip_transport t)
{
    return t != SIP_TRANSPORT_UDP;
}

#endif
