/* sip/number.h - CSeq, RAck, Max-Forwards, Expires and the other numbers of header fields, with the
 * ranges RFC 3261 and RFC 4475 (3.1.2.4) give them. No state: safe from any thread. */
#ifndef SIP_NUMBER_H
#define SIP_NUMBER_H
#include "base/cur.h"
#include "sip/message.h"

struct sip_cseq {
    uint32_t number;
    enum sip_method method;
    struct str method_text;
};

/* RC_MALFORMED; RC_TOO_BIG above 2^32-1. */
MUST_CHECK enum rc sip_cseq_parse(struct str value, struct sip_cseq *out);

struct sip_rack {
    uint32_t rseq;
    struct sip_cseq cseq;
};
MUST_CHECK enum rc sip_rack_parse(struct str value, struct sip_rack *out);

/* Digits only, leading zeros allowed. RC_MALFORMED; RC_TOO_BIG above max. */
MUST_CHECK enum rc sip_number_parse(struct str value, uint64_t max, uint64_t *out);
/* Seconds: delta-seconds with an optional comment and parameters behind (Retry-After,
 * Session-Expires). RC_MALFORMED; above 2^32-1 *out is UINT32_MAX and the result RC_TOO_BIG. */
MUST_CHECK enum rc sip_seconds_parse(struct str value, uint32_t *out);

/* 0..255 of the message. RC_NOT_FOUND when missing, and when above 255 (taken as absent);
 * RC_MALFORMED. */
MUST_CHECK enum rc sip_max_forwards(const struct sip_message *m, unsigned *out);
/* Expires of the message. RC_NOT_FOUND when missing and when above 2^32-1; RC_MALFORMED. */
MUST_CHECK enum rc sip_expires(const struct sip_message *m, uint32_t *out);

#endif
