/* call/dial.h - the number a URI dials: a tel URI (RFC 3966), a SIP URI that says user=phone (RFC
 * 3261, 19.1.6), or the user part of any other SIP URI. Pure. */
#ifndef CALL_DIAL_H
#define CALL_DIAL_H
#include "sip/uri.h"

struct call_dialled {
    struct str number;  /* "+" and digits, or what the user part says; visual separators gone */
    struct str context; /* phone-context of a telephone number, "" none */
    bool is_tel;        /* the URI names no host: the number is this server's to find */
};

/* Draws number from a. RC_NOT_FOUND: the URI has neither user nor number. RC_MALFORMED: a tel URI
 * whose number is none. RC_NOMEM. */
MUST_CHECK enum rc call_dial_read(const struct sip_uri *uri, struct arena *a,
                                  struct call_dialled *out);

/* is_ours(ctx, host): does that name mean this server? */
typedef bool call_is_our_host_fn(void *ctx, const struct sip_host *host);
/* May the number be looked for here? A local number is good in its context alone (RFC 3966, 5.1.5):
 * a domain of ours. One that counts within a range of global numbers is nobody's here. */
bool call_dial_is_local(const struct call_dialled *d, call_is_our_host_fn *is_ours, void *ctx);

#endif
