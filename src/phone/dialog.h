/* phone/dialog.h - a SIP dialog as texts (RFC 3261, 12): who, whose tags, where to, by which way, and
 * the header lines of a request in it. Fixed memory of its own, so that a peer who changes its mind
 * a thousand times costs nothing. Pure. */
#ifndef PHONE_DIALOG_H
#define PHONE_DIALOG_H
#include "base/buf.h"
#include "phone/call.h"
#include "sip/validate.h"

enum {
    PHONE_TAG_MAX = 128,
    PHONE_CALL_ID_MAX = 256,
    PHONE_PARTY_MAX = PHONE_URI_MAX + PHONE_NAME_MAX + 16, /* "name" <uri> */
    PHONE_ROUTES_MAX = 4096,                               /* all of a route set */
};

struct phone_dialog {
    char call_id[PHONE_CALL_ID_MAX];
    char local_tag[PHONE_TAG_MAX], remote_tag[PHONE_TAG_MAX]; /* remote: "" before it is known */
    char local[PHONE_PARTY_MAX], remote[PHONE_PARTY_MAX];     /* without tags */
    char target[PHONE_URI_MAX];                               /* the other side's Contact */
    char routes[PHONE_ROUTES_MAX]; /* the values, each with a newline, nearest first */
    char strict[PHONE_URI_MAX];    /* the first route's URI when that is a strict router; else "" */
    uint32_t local_cseq, remote_cseq; /* the last used; 0: none */
};

/* A dialog we ask for. local and remote are name-addrs or URIs in <>; RC_TOO_BIG. */
MUST_CHECK enum rc phone_dialog_begin(struct phone_dialog *d, struct str local, struct str remote,
                                      struct str target, struct str call_id, struct str tag,
                                      uint32_t cseq);
/* The dialog a response to our request makes (12.1.2): tag, Contact, Record-Route reversed. d as it
 * was on failure. RC_MALFORMED: no tag or Contact to go by; RC_TOO_BIG. */
MUST_CHECK enum rc phone_dialog_take_response(struct phone_dialog *d, const struct sip_message *m);
/* The dialog a request makes that we answer with local_tag (12.1.1). As above. */
MUST_CHECK enum rc phone_dialog_of_request(struct phone_dialog *d, const struct sip_message *m,
                                           const struct sip_basics *basics, struct str local_tag);
/* Where the other side is now, by the Contact of a target refresh (12.2); none: as before. */
MUST_CHECK enum rc phone_dialog_retarget(struct phone_dialog *d, const struct sip_message *m);
/* Is a request from the other side in this dialog? */
bool phone_dialog_has(const struct phone_dialog *d, const struct sip_basics *basics);

/* The Request-URI of the next request. */
struct str phone_dialog_uri(const struct phone_dialog *d);
/* From, To, Call-ID, CSeq, Max-Forwards, Route. */
void phone_dialog_print(struct buf *out, const struct phone_dialog *d, struct str method,
                        uint32_t cseq);

#endif
