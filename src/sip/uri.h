/* sip/uri.h - SIP, SIPS and TEL URIs, others opaquely (RFC 3261, 19.1; RFC 3966). A parsed URI is
 * slices of its text; nothing is unescaped until asked. No state: safe from any thread. */
#ifndef SIP_URI_H
#define SIP_URI_H
#include "base/arena.h"
#include "sip/host.h"

enum sip_scheme { SIP_SCHEME_OTHER, SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL };

enum { SIP_URI_PARAM_MAX = 32 }; /* parameters of a URI, and headers of a URI */

struct sip_uri {
    struct str text; /* the whole */
    enum sip_scheme scheme;
    struct str scheme_text;
    struct str opaque; /* tel and other: what follows "scheme:" (tel: without parameters) */
    /* sip and sips: */
    bool has_user;       /* a '@' is there; user is then not empty */
    struct str user;     /* raw: escapes stay, may hold ';' and '=' */
    struct str password; /* raw */
    struct sip_host host;
    uint16_t port;      /* 0: none given */
    struct str params;  /* raw, beginning with ';', or empty (tel too) */
    struct str headers; /* raw, what follows '?', or empty */
};

/* RC_MALFORMED, also over SIP_URI_PARAM_MAX; at may be NULL. Leading or trailing white space, <>, and bare IPv6 are malformed.
 * Lenient in one thing: '#' in the user part (feature codes of phones in the field). */
MUST_CHECK enum rc sip_uri_parse(struct str text, struct sip_uri *out, struct parse_at *at);
/* Prints from the parts, escapes as they came: parses back equal. */
void sip_uri_print(struct buf *out, const struct sip_uri *uri);

static inline bool sip_uri_is_sip(const struct sip_uri *uri)
{
    return uri->scheme == SIP_SCHEME_SIP || uri->scheme == SIP_SCHEME_SIPS;
}
/* A parameter's raw value; *value is empty when it has none. False: not there. Any case. value may
 * be NULL. */
bool sip_uri_param(const struct sip_uri *uri, struct str name, struct str *value);
/* RFC 3261, 19.1.4. Escapes of characters that need none equal the characters. Where the rules and
 * their examples disagree (a transport parameter in one URI only) the examples win: not equal. */
bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b);
/* Same raw user by value (escapes compared decoded) and same host: one address of record. */
bool sip_uri_aor_eq(const struct sip_uri *a, const struct sip_uri *b);
/* The key of an address of record (RFC 3261, 10.3 step 5; RFC 5630, 4: sip and sips name one):
 * "sip:user@host[:port]", user unescaped once (may hold any byte), host lower case, addresses in
 * one spelling, no parameters. RC_INVALID when it is no SIP URI; RC_NOMEM. */
MUST_CHECK enum rc sip_uri_aor(const struct sip_uri *uri, struct arena *a, struct str *out);
/* Escapes what may not stand in a user part (RFC 3261, 25.1) while printing. */
void sip_uri_print_user(struct buf *out, struct str unescaped);

#endif
