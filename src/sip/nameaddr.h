/* sip/nameaddr.h - values of From, To, Contact, Route, Record-Route, Path, Refer-To,
 * P-Asserted-Identity: [display name] <URI> or URI, then ;parameters (RFC 3261, 20.10 and 25.1).
 * One value at a time (values.h splits lists). Slices of the message. No state: safe from any
 * thread. */
#ifndef SIP_NAMEADDR_H
#define SIP_NAMEADDR_H
#include "sip/uri.h"
#include "sip/values.h"

struct sip_nameaddr {
    struct str display; /* as it stands: with its quotes, or tokens; may be empty */
    struct str uri;     /* text between <>, or the bare URI; empty for '*' */
    struct str
        params; /* raw, beginning with ';', or empty; checked: sip_param_next will not fail */
    bool has_brackets;
    bool is_star; /* Contact: * */
};

/* Without brackets a ';' begins the header's parameters, and '?' and ',' are malformed (RFC 3261,
 * 20). White space next to the URI inside <> is malformed. The URI itself is not parsed here.
 * RC_MALFORMED; at may be NULL. */
MUST_CHECK enum rc sip_nameaddr_parse(struct str value, struct sip_nameaddr *out,
                                      struct parse_at *at);
/* Both steps at once. */
MUST_CHECK enum rc sip_nameaddr_parse_uri(struct str value, struct sip_nameaddr *out,
                                          struct sip_uri *uri, struct parse_at *at);
/* The tag, or an empty slice. */
static inline struct str sip_nameaddr_tag(const struct sip_nameaddr *n)
{
    return sip_param_value(n->params, STR("tag"));
}
/* Display name without quotes and escapes. RC_NOMEM. */
MUST_CHECK enum rc sip_nameaddr_display(const struct sip_nameaddr *n, struct arena *a,
                                        struct str *out);
/* q in thousandths, 0..1000; RC_NOT_FOUND, RC_MALFORMED. */
MUST_CHECK enum rc sip_nameaddr_q(const struct sip_nameaddr *n, unsigned *q_thousandths);
/* Its value as q of a Contact, for who walks the parameters once. RC_MALFORMED. */
MUST_CHECK enum rc sip_param_q(const struct sip_param *p, unsigned *q_thousandths);
/* expires parameter: RC_NOT_FOUND, RC_MALFORMED; above 2^32-1 gives UINT32_MAX and RC_TOO_BIG (may
 * be taken for the default, RFC 4475, 3.1.2.4; *out is written then too). */
MUST_CHECK enum rc sip_nameaddr_expires(const struct sip_nameaddr *n, uint32_t *out);
MUST_CHECK enum rc sip_param_expires(const struct sip_param *p, uint32_t *out);
/* [display ]<uri>params. display is printed quoted and escaped unless empty. */
void sip_nameaddr_print(struct buf *out, struct str display, struct str uri, struct str params);

#endif
