/* phone/login_int.h - the two ways to get an authorization code. */
#ifndef PHONE_LOGIN_INT_H
#define PHONE_LOGIN_INT_H
#include "phone/grant.h"
#include "phone/login.h"

/* What both ways need and give. */
struct code_flow {
    const struct phone_login *login;
    const struct phone_metadata *metadata;
    struct arena *arena;
    const char *ca_file;          /* NULL: the system's */
    struct str state, challenge;  /* of this sign-in */
    struct str redirect_uri;      /* set by the way taken */
    struct phone_redirect answer; /* checked; in the arena */
};

/* By the person's browser: a listener on the loopback takes the one redirect. */
enum phone_exit code_by_browser(struct code_flow *f, struct phone_problem *problem);
/* Through the server's own page, with user and password. */
enum phone_exit code_by_password(struct code_flow *f, struct str user, struct str password,
                                 struct phone_problem *problem);
/* f's authorization address for f->redirect_uri. RC_NOMEM. */
MUST_CHECK enum rc code_url(const struct code_flow *f, struct str *out);

#endif
