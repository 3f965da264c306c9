/* sip/date.h - the Date header field (RFC 3261, 20.17: RFC 1123 dates in GMT). */
#ifndef SIP_DATE_H
#define SIP_DATE_H
#include "base/buf.h"

enum { SIP_DATE_N = 29 }; /* bytes of a printed date */

/* "Mon, 30 Mar 2020 11:03:19 GMT". Years 1970 to 9999; outside it prints the nearer end. */
void sip_date_print(struct buf *out, int64_t unix_s);
/* Lenient: any case, one or two digit day, any weekday; zones GMT, UTC, UT, Z, +hhmm,
 * EST/EDT...PST/PDT. RC_MALFORMED, RC_INVALID (30 Feb, 25:00). */
MUST_CHECK enum rc sip_date_parse(struct str value, int64_t *unix_s);

#endif
