/* phone/login.h - signing in and out at the authorization server: the authorization code flow with
 * PKCE, by the person's browser over a one-shot listener on the loopback, or headless with user and
 * password through the server's own sign-in page. Blocking: for the command line. */
#ifndef PHONE_LOGIN_H
#define PHONE_LOGIN_H
#include "base/clock.h"
#include "phone/state.h"
#include "phone/tokens.h"

enum { PHONE_LOGIN_WAIT_S = 300 }; /* for the person at the browser */

struct phone_login {
    const char *server;        /* "https://ucm1.example.com:8443"; without a port 8443 is meant */
    const char *device;        /* "CSFrado" */
    const char *edge;          /* from outside: "https://edge.example.com:8443"; NULL: inside */
    const char *ca_file;       /* NULL: the system's CAs; copied into the state folder */
    const char *user;          /* with password_file: who */
    const char *password_file; /* NULL: by browser. "-": standard input */
    bool no_browser;           /* print the address only */
    unsigned wait_s;           /* 0: PHONE_LOGIN_WAIT_S */
    struct clock clock;
    struct random_source random;
};

/* Signs in and stores the tokens; what was stored before stays on failure. PHONE_EXIT_OK or the
 * problem. Tells the person what to do on stderr. */
enum phone_exit phone_login(const struct phone_login *login, const struct phone_state *state,
                            struct phone_problem *problem);

/* Revokes the refresh token and wipes everything of the sign-in. An unreachable server does not
 * keep the files (edge: by which it is reached, NULL directly): they are wiped and problem says that the server still has the sign-in. */
enum phone_exit phone_logout(const struct phone_state *state, const char *edge,
                             struct phone_problem *problem);

/* "ucm1", "ucm1:8443", "https://ucm1:8443/": made "https://ucm1:8443". RC_INVALID, RC_TOO_BIG. */
MUST_CHECK enum rc phone_server_url(const char *given, char out[PHONE_TEXT_MAX]);

#endif
