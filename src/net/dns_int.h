/* net/dns_int.h - SRV records out of a raw DNS answer, and the order to try them. */
#ifndef NET_DNS_INT_H
#define NET_DNS_INT_H
#include "net/resolver.h"

/* Reads the SRV records of class IN in the answer section (RFC 1035, 4; RFC 2782), at most
 * NET_RESOLVED_MAX. *ttl_s is the least. RC_MALFORMED; RC_NOT_FOUND when there is none. */
MUST_CHECK enum rc dns_srv_parse(struct bytes answer, struct net_srv *out, size_t *count,
                                 uint32_t *ttl_s);
/* By priority, and within one by chance according to weight (RFC 2782, "Weight"). */
void dns_srv_order(struct net_srv *srvs, size_t count, const struct random_source *random);

#endif
