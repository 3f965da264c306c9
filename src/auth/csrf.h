/* auth/csrf.h - the hidden field of the sign-in page: proves that the form came from a page we gave
 * this browser, for this very request, not long ago. Keeps no state: a MAC over expiry, the
 * browser's cookie and the request. Pure functions. */
#ifndef AUTH_CSRF_H
#define AUTH_CSRF_H
#include "base/buf.h"

enum { AUTH_CSRF_KEY_LEN = 32, AUTH_CSRF_LEN = 54 }; /* bytes of key, letters of a field */

/* browser: the value of the browser's cookie; request: what the form is for. RC_NOMEM. */
MUST_CHECK enum rc auth_csrf_print(struct buf *out, const uint8_t key[AUTH_CSRF_KEY_LEN],
                                   struct str browser, struct str request, int64_t expires_unix_s);
/* RC_MALFORMED (not such a field), RC_DENIED (another browser, another request, another key),
 * RC_EXPIRED, RC_NOMEM. */
MUST_CHECK enum rc auth_csrf_check(struct str field, const uint8_t key[AUTH_CSRF_KEY_LEN],
                                   struct str browser, struct str request, int64_t now_unix_s);

#endif
