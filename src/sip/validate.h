/* sip/validate.h - what must hold of a message before anybody acts on it (RFC
 * 3261, 8.1.1, 8.2, 16.3 and 18; RFC 4475): the header fields every message carries are there,
 * once, and readable. A pure function; what it read on the way it hands on, so nobody parses it
 * again. */
#ifndef SIP_VALIDATE_H
#define SIP_VALIDATE_H
#include "sip/message.h"
#include "sip/nameaddr.h"
#include "sip/number.h"
#include "sip/uri.h"
#include "sip/via.h"

/* The parts of a valid message that every reader wants. Slices of the message. */
struct sip_basics {
    struct sip_via via;   /* the top one */
    struct str via_value; /* its text, one value */
    struct sip_nameaddr from, to;
    struct sip_uri from_uri, to_uri;
    struct str from_tag, to_tag; /* empty: none */
    struct str call_id;
    struct sip_cseq cseq;
    struct sip_uri uri;    /* request: the Request-URI */
    unsigned max_forwards; /* request: 70 when missing (RFC 3261, 16.3 step 3 lets it pass) */
    bool has_max_forwards;
    bool has_contact; /* request: the next three are its first Contact; contact_uri empty for '*' */
    struct str contact_value; /* its text, one value */
    struct sip_nameaddr contact;
    struct sip_uri contact_uri;
};

enum sip_action {
    SIP_ACCEPT,
    SIP_ANSWER, /* with status and reason, statelessly; never for an ACK or a response */
    SIP_DROP,   /* not answerable, or a response: forget it */
};

enum { SIP_REASON_MAX = 96 };

struct sip_verdict {
    enum sip_action action;
    bool must_close; /* stream: framing is lost; close after the answer */
    unsigned status; /* SIP_ANSWER: 400, 501, 505, 513 */
    enum sip_header_id
        header; /* what it was about; SIP_HEADER_OTHER: start line, Request-URI, body */
    char reason[SIP_REASON_MAX]; /* NUL-terminated: "Bad Request: CSeq method differs from request
                                    line" */
};

/* Judges m. basics is whole on SIP_ACCEPT. On SIP_ANSWER basics->via (transport and sent-by at
 * least) and via_value are readable, the rest as far as it went. An ACK that fails is SIP_DROP. 400
 * missing, doubled, malformed or out-of-range Via, From, To, Call-ID, CSeq, Max-Forwards,
 *        Content-Length, Contact, Route, Record-Route, Expires; CSeq method unlike the request's;
 *        Request-URI malformed or with headers; REGISTER whose To is no SIP address; start line
 * spacing 501  unknown method and CSeq names another;  505  version;  513  too many header fields
 * Left to others: 416 (sip_uri_is_sip), 420, 415, 483, 405. */
void sip_validate(const struct sip_message *m, enum sip_arrival arrival, struct sip_basics *basics,
                  struct sip_verdict *verdict);

#endif
