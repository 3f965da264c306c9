/* sip/method.h - SIP methods as numbers and as text. Method names are case-sensitive (RFC
 * 3261, 7.1); escapes in them mean nothing. Constant tables only: safe from any thread. */
#ifndef SIP_METHOD_H
#define SIP_METHOD_H
#include "base/str.h"

enum sip_method {
    SIP_METHOD_OTHER, /* a token we have no number for; the text says which */
    SIP_METHOD_ACK,
    SIP_METHOD_BYE,
    SIP_METHOD_CANCEL,
    SIP_METHOD_INFO,
    SIP_METHOD_INVITE,
    SIP_METHOD_MESSAGE,
    SIP_METHOD_NOTIFY,
    SIP_METHOD_OPTIONS,
    SIP_METHOD_PRACK,
    SIP_METHOD_PUBLISH,
    SIP_METHOD_REFER,
    SIP_METHOD_REGISTER,
    SIP_METHOD_SUBSCRIBE,
    SIP_METHOD_UPDATE,
    SIP_METHOD_COUNT,
};

enum sip_method sip_method_from_text(struct str text);
/* "INVITE"; "" for SIP_METHOD_OTHER. Constant memory. */
struct str sip_method_text(enum sip_method method);

#endif
