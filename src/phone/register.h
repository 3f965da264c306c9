/* phone/register.h - the text of what a phone says on its line and hears there: REGISTER in both
 * dialects, what an answer to it means, and the server's service-control push. Pure text; flows,
 * transactions and time are agent.h's. */
#ifndef PHONE_REGISTER_H
#define PHONE_REGISTER_H
#include "base/arena.h"
#include "base/buf.h"
#include "net/addr.h"
#include "phone/line.h"
#include "sip/auth.h"
#include "sip/message.h"

enum phone_dialect { PHONE_DIALECT_CISCO, PHONE_DIALECT_STANDARD };

#define PHONE_BODY_TYPE "multipart/mixed; boundary=uniqueBoundary"

/* One REGISTER. All borrowed for the call. */
struct phone_register {
    enum phone_dialect dialect;
    struct str host;             /* of the node: the Request-URI's and the AOR's */
    struct str number, contact;  /* of the first line */
    struct str device, instance; /* instance: 12 hex digits */
    struct str call_id, from_tag;
    uint32_t cseq, expires_s;
    bool full;         /* the first one: with reason and body */
    bool is_keepalive; /* to a standby node: expires 0, cisco-keep-alive */
    struct net_addr local;
    enum phone_transport transport;
    int64_t now_unix_s;
    struct str credentials; /* whole header lines or empty */
    const char *last;       /* why the phone was out of service: "Initialized" */
};

/* All header lines after the Via, but Content-Type and Content-Length. */
void phone_register_print(struct buf *out, const struct phone_register *r);
/* The body of a full REGISTER in the Cisco dialect: PHONE_BODY_TYPE. */
void phone_register_print_body(struct buf *out);
/* "sip:user@address:port;transport=tls": what we can be reached by. */
void phone_contact_print(struct buf *out, struct str user, const struct net_addr *local,
                         enum phone_transport transport);
/* "sip:host", with brackets round an IPv6 address. */
void phone_register_print_uri(struct buf *out, struct str host);

/* Our bearer credentials as the challenger wants them: Proxy-Authorization after 407, quoted in the
 * Cisco dialect; Authorization with token68 otherwise. status 0: unasked, as the dialect does. */
void phone_bearer_print(struct buf *out, enum phone_dialect dialect, unsigned status,
                        struct str token);

/* A Digest challenge as it was last made, and our count of answers to it. */
struct phone_digest {
    unsigned status; /* 401 or 407 */
    char realm[128], nonce[256], opaque[256], algorithm[16];
    bool has_qop; /* "auth" is among those offered */
    uint32_t nc;
};
/* The strongest Digest challenge of an answer that we can meet (SHA-256 before MD5).
 * RC_NOT_FOUND: none; RC_TOO_BIG: longer than we keep; RC_NOMEM. */
MUST_CHECK enum rc phone_digest_read(const struct sip_message *m, struct arena *a,
                                     struct phone_digest *out);
/* The credentials for it (RFC 7616, 3.4): a whole header line. cnonce: fresh, printable.
 * RC_UNSUPPORTED (MD5 refused by the crypto library), RC_NOMEM, RC_TOO_BIG. */
MUST_CHECK enum rc phone_digest_print(struct buf *out, struct phone_digest *d, struct str method,
                                      struct str uri, struct str user, struct str password,
                                      struct str cnonce);

/* Why an answer is a refusal, for a person. */
struct phone_refusal {
    struct str warning; /* text of the first Warning, unescaped; may be empty */
    struct str reason;  /* Bearline-Reason; may be empty */
    struct str phrase;  /* of the status line */
    uint16_t warning_code;
};
/* Reads a final answer. our_contact: the URI we registered, to find its expiry. Never fails: what
 * cannot be read counts as missing. */
void phone_answer_read(const struct sip_message *m, struct str our_contact, uint32_t asked_s,
                       struct arena *a, struct phone_answer *out, struct phone_refusal *why);
/* The problem a refusal is. where: "ucm1:5090". */
enum phone_exit phone_refusal_explain(struct phone_problem *p, const struct phone_answer *answer,
                                      const struct phone_refusal *why, struct str where,
                                      struct str device, enum phone_challenge sent);

enum phone_control {
    PHONE_CONTROL_NONE,
    PHONE_CONTROL_REPLACED,
    PHONE_CONTROL_REVOKED,
    PHONE_CONTROL_RESET
};
/* A service-control body ("action=released\r\nreason=...\r\nDeviceName=..."): what it asks of
 * device. NONE: nothing we know, or for another device. */
enum phone_control phone_control_parse(struct str body, struct str device);

#endif
