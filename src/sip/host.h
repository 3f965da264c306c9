/* sip/host.h - host [":" port] as SIP writes it: names, IPv4, bracketed IPv6 (RFC 3261, 25.1; RFC
 * 5118, 4.10: a third colon in an IPv6 address is tolerated). No state: safe from any thread. */
#ifndef SIP_HOST_H
#define SIP_HOST_H
#include "base/buf.h"
#include "base/cur.h"

enum sip_host_kind { SIP_HOST_NAME, SIP_HOST_IPV4, SIP_HOST_IPV6 };

struct sip_host {
    struct str text; /* never empty; IPv6 without brackets; case as it came */
    enum sip_host_kind kind;
};

/* Reads a host at the cursor; stops behind it. RC_MALFORMED. */
MUST_CHECK enum rc sip_host_read(struct cur *c, struct sip_host *out);
/* A host that is all of text; IPv6 with or without brackets (received=, our own settings). */
MUST_CHECK enum rc sip_host_parse(struct str text, struct sip_host *out);
/* 1*5DIGIT up to 65535; RC_MALFORMED. Port 0 is malformed. */
MUST_CHECK enum rc sip_port_read(struct cur *c, uint16_t *out);
/* Addresses by value, names without case and without a final dot. */
bool sip_host_eq(const struct sip_host *a, const struct sip_host *b);
/* With brackets round IPv6. */
void sip_host_print(struct buf *out, const struct sip_host *h);
/* 4 or 16 bytes of an IPv4 or IPv6 host; number of bytes, 0 for a name. */
size_t sip_host_address(const struct sip_host *h, uint8_t out[16]);

#endif
