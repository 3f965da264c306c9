/* auth/throttle.h - counts failed sign-ins of a user, of an address, of an OAuth client, and makes
 * whoever failed too often wait. An attempt counts from its beginning, so that many at once are no
 * way around; a success takes it back. A fixed table: when it is full, the least guilty of a few
 * neighbours is forgotten. Time is handed in. Safe from any thread. */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H
#include "base/clock.h"
#include "base/str.h"

struct auth_throttle;

enum auth_throttle_kind { AUTH_THROTTLE_USER, AUTH_THROTTLE_ADDRESS, AUTH_THROTTLE_CLIENT };

enum { AUTH_THROTTLE_MAX = 8192 }; /* users, addresses and clients remembered */

/* Whom a count belongs to. */
struct auth_throttle_key {
    uint64_t hash;
};

/* NULL when out of memory. */
struct auth_throttle *auth_throttle_new(const struct random_source *random);
struct auth_throttle *auth_throttle_free(struct auth_throttle *t); /* NULL */
/* Names compare without ASCII case. */
struct auth_throttle_key auth_throttle_key(const struct auth_throttle *t,
                                           enum auth_throttle_kind kind, struct str name);
/* Begins an attempt: false when tries_max attempts failed, the last of them less than pause_ms ago;
 * *wait_ms is then the time left. What is refused does not count. */
bool auth_throttle_try(struct auth_throttle *t, struct auth_throttle_key key, int64_t now_ms,
                       unsigned tries_max, int64_t pause_ms, int64_t *wait_ms);
/* Takes one attempt back: it did not fail, or was never looked at. */
void auth_throttle_undo(struct auth_throttle *t, struct auth_throttle_key key);
/* Forgets what there is: the user has proved himself. */
void auth_throttle_clear(struct auth_throttle *t, struct auth_throttle_key key);

#endif
