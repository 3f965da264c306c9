/* sip/status.h - reason phrases of response codes (RFC 3261, 21 and the extensions we speak). */
#ifndef SIP_STATUS_H
#define SIP_STATUS_H
#include "base/str.h"

/* The phrase of the code, or of its class when we do not know the code; "Unknown" outside
 * 100..699. Constant memory. */
struct str sip_status_reason(unsigned status);

#endif
