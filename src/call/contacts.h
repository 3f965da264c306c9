/* call/contacts.h - the Contact header fields of a REGISTER, read into what location stores
 * (RFC 3261, 10.2 and 10.3; RFC 5626, 4.1). Pure. */
#ifndef CALL_CONTACTS_H
#define CALL_CONTACTS_H
#include "base/arena.h"
#include "base/buf.h"
#include "location/location.h"
#include "sip/validate.h"

struct call_contact {
    struct str value; /* the whole value as it came */
    struct str uri, key, params, instance;
    uint32_t expires_s; /* asked for; CALL_EXPIRES_NONE when neither it nor the message says */
    uint32_t reg_id;
    uint16_t q_milli;
    bool is_keepalive; /* cisco-keep-alive: asks a standby node whether it is alive */
};

enum { CALL_EXPIRES_NONE = -1 };

struct call_contacts {
    bool is_star; /* "Contact: *" with Expires: 0 */
    struct call_contact *list;
    size_t count;
};

/* basics: what sip_validate read of m. RC_MALFORMED with *why, a phrase for the answer: "Bad Request: Contact * with other contacts";
 * RC_TOO_BIG over max contacts; RC_NOMEM. */
MUST_CHECK enum rc call_contacts_read(const struct sip_message *m, const struct sip_basics *basics,
                                      size_t max, struct arena *a, struct call_contacts *out,
                                      const char **why);
/* A text that equivalent URIs share (RFC 3261, 19.1.4): user and host in one spelling, port, and
 * the parameters that distinguish (user, ttl, method, maddr, transport). Other schemes: the text.
 * RC_NOMEM. */
MUST_CHECK enum rc call_contact_key(struct str uri, struct arena *a, struct str *out);
/* Contact parameters without expires and the GRUUs, which every answer states anew. */
void call_contact_print_params(struct buf *out, struct str params);

#endif
