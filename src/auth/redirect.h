/* auth/redirect.h - where a code may be sent: registered redirect URIs byte for byte, and for native
 * programs the loopback addresses with any port (RFC 6749, 3.1.2; 8252, 7.3; 9700, 4.1.3). Pure
 * functions. */
#ifndef AUTH_REDIRECT_H
#define AUTH_REDIRECT_H
#include "base/buf.h"

enum { AUTH_REDIRECT_MAX = 2048 };

/* registered: the client's own URIs, separated by newlines or spaces; everywhere: those of any client,
 * likewise; loopback: http://127.0.0.1 and http://[::1] with any port and path are good too. A URI
 * with a fragment or with bytes no URI has fits nothing. */
bool auth_redirect_fits(struct str uri, struct str registered, struct str everywhere,
                        bool loopback);
/* What Content-Security-Policy's form-action must name so that a browser follows the redirect to
 * uri (CSP 3, 6.3.2 checks redirects too): its origin, or its scheme where an origin cannot be
 * written (IPv6 literals, schemes without hosts). Prints nothing when it has no sound scheme. */
void auth_redirect_print_source(struct buf *out, struct str uri);
/* uri with one more query parameter. */
void auth_redirect_add(struct buf *uri, struct str name, struct str value);

#endif
