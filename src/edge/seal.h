/* edge/seal.h - texts that an edge writes into messages and knows again: flow tokens in Path and
 * Record-Route (RFC 3327, 5626 section 5.2), inside names hidden from outside. Sealed by AES-256-GCM
 * with a random IV, so that nobody outside can make, change or read one; each serves one purpose and is
 * opened for no other. Letters, digits, '-' and '_'. Immutable; safe from any thread. */
#ifndef EDGE_SEAL_H
#define EDGE_SEAL_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/rc.h"

struct edge_seal;

enum {
    EDGE_SEAL_KEY_LEN = 32,
    EDGE_SEAL_PLAIN_MAX = 4096,
    EDGE_SEAL_TEXT_MAX = (EDGE_SEAL_PLAIN_MAX + 28 + 2) / 3 * 4, /* of the longest one */
};

/* What a sealed text stands for. */
enum edge_seal_purpose {
    EDGE_SEAL_FLOW = 1, /* a phone's connection, in Path and Record-Route */
    EDGE_SEAL_NAME,     /* an inside URI, in the place of a Contact */
    EDGE_SEAL_VIAS,     /* inside Vias, in a parameter of ours */
    EDGE_SEAL_ROUTES,   /* inside Record-Routes, likewise */
};

/* key: EDGE_SEAL_KEY_LEN bytes, may die after return. RC_INVALID (length), RC_NOMEM. */
MUST_CHECK enum rc edge_seal_new(struct bytes key, const struct random_source *random,
                                 struct edge_seal **out);
struct edge_seal *edge_seal_free(struct edge_seal *s); /* wipes the key; NULL */

/* A key for another purpose, made of the same secret: equal after a restart with the same key. */
MUST_CHECK enum rc edge_seal_derive(const struct edge_seal *s, const char *label,
                                    uint8_t out[EDGE_SEAL_KEY_LEN]);

/* Appends the sealed text; a failure stays in out (RC_TOO_BIG: plain is over EDGE_SEAL_PLAIN_MAX). */
void edge_seal_print(const struct edge_seal *s, enum edge_seal_purpose purpose, struct str plain,
                     struct buf *out);
/* RC_DENIED: not one of ours, changed, or of another purpose. RC_NOMEM. */
MUST_CHECK enum rc edge_seal_open(const struct edge_seal *s, enum edge_seal_purpose purpose,
                                  struct str text, struct arena *a, struct str *plain);

#endif
