/* call/gruu.h - globally routable URIs of one phone of a line (RFC 5627). The public one is the
 * line's address with the phone's instance in "gr"; a temporary one hides both: its user part is a
 * sealed token that only this node can open, so nothing is kept of those handed out. A temporary one
 * is good while the registration it was made for lives and keeps its Call-ID. The key is made at
 * start: a restart ends them all, as it ends the registrations. Immutable, so safe from any thread. */
#ifndef CALL_GRUU_H
#define CALL_GRUU_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "location/location.h"
#include "sip/uri.h"

struct call_gruu;

MUST_CHECK enum rc call_gruu_new(const struct random_source *random, struct call_gruu **out);
struct call_gruu *call_gruu_free(struct call_gruu *g); /* NULL */

/* "sip:1010@example.com;gr=urn:uuid:..." */
void call_gruu_print_public(struct buf *out, struct str line, struct str host, struct str instance);
/* "sip:tgruu.<token>@example.com;gr"; another one each time. RC_NOMEM, RC_TOO_BIG (the line). */
MUST_CHECK enum rc call_gruu_print_temporary(const struct call_gruu *g,
                                             const struct random_source *random,
                                             const struct location_binding *b, struct str host,
                                             struct buf *out);

/* Whom a GRUU names. */
struct call_gruu_name {
    struct str line;
    struct str instance; /* of a public one */
    uint64_t phone;      /* of a temporary one: hash of the instance, */
    uint64_t mark;       /* and of the registration it was made for */
    bool is_temporary;
};

static inline bool call_gruu_is(const struct sip_uri *uri)
{
    return sip_uri_is_sip(uri) && uri->has_user && sip_uri_param(uri, STR("gr"), NULL);
}
/* Reads a URI that call_gruu_is of a host of ours; text from a. RC_DENIED: the token is none of
 * ours; RC_NOMEM. */
MUST_CHECK enum rc call_gruu_read(const struct call_gruu *g, const struct sip_uri *uri,
                                  struct arena *a, struct call_gruu_name *out);
/* The bindings of the line (newest first, as location gives them) that the name means, at most max.
 * None of a temporary one: it is not valid any more. */
size_t call_gruu_pick(const struct call_gruu *g, const struct call_gruu_name *name,
                      const struct location_binding *const *bindings, size_t count,
                      const struct location_binding **picked, size_t max);

#endif
