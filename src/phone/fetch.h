/* phone/fetch.h - gets the device's configuration: from the server (http://server:6970, or with the
 * token https://server:6972), with If-None-Match against the copy kept, and from that copy when the
 * server cannot be reached. Blocking. */
#ifndef PHONE_FETCH_H
#define PHONE_FETCH_H
#include "base/arena.h"
#include "phone/config.h"
#include "phone/tokens.h"

enum { PHONE_CONFIG_HTTP_PORT = 6970, PHONE_CONFIG_HTTPS_PORT = 6972 };

struct phone_fetch {
    const char *url;     /* NULL: made from the sign-in's server and device */
    bool https;          /* with the token; url NULL: port 6972 */
    const char *edge;    /* from outside: by that edge, over HTTPS; NULL: directly */
    unsigned timeout_ms; /* 0: 10000 */
};

enum phone_config_source { PHONE_CONFIG_NEW, PHONE_CONFIG_UNCHANGED, PHONE_CONFIG_CACHED };

/* Everything of *out lies in arena. With PHONE_CONFIG_CACHED problem holds what kept us from
 * the server although the result is PHONE_EXIT_OK. */
enum phone_exit phone_fetch_config(const struct phone_fetch *fetch, const struct phone_state *state,
                                   const struct phone_tokens *tokens, struct arena *arena,
                                   struct phone_config *out, enum phone_config_source *source,
                                   struct phone_problem *problem);
/* Where it would ask. */
MUST_CHECK enum rc phone_fetch_url(const struct phone_fetch *fetch,
                                   const struct phone_tokens *tokens, struct arena *arena,
                                   struct str *out);

#endif
