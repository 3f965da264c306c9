/* sip/warning.h - one Warning value: code agent "text" (RFC 3261, 20.43). */
#ifndef SIP_WARNING_H
#define SIP_WARNING_H
#include "base/arena.h"
#include "base/buf.h"

struct sip_warning {
    unsigned code;    /* 100..999 */
    struct str agent; /* host[:port] or pseudonym */
    struct str text;  /* between the quotes; escapes stay (sip_unescape) */
};

/* One value (values.h splits lists). RC_MALFORMED. */
MUST_CHECK enum rc sip_warning_parse(struct str value, struct sip_warning *out);
/* "Warning: 399 node \"text\"CRLF"; text is escaped, control bytes become spaces. */
void sip_warning_print(struct buf *out, unsigned code, struct str agent, struct str text);

#endif
