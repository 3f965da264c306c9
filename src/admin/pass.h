/* admin/pass.h - what an edge shows instead of a password once it has shown that: a text of ours with
 * a time in it. A password check costs tens of milliseconds of CPU, which is too much for a question
 * every other second. Nothing is kept: a pass ends after PASS_LIFE_S, with this process, and with any
 * change of its user (another password, another role, not active). */
#ifndef ADMIN_PASS_H
#define ADMIN_PASS_H
#include "admin/api_int.h"

enum { PASS_LIFE_S = 3600 };

/* For the user c->by.who, whom the gate has just let in. In the request's arena. RC_NOMEM, others of
 * the store. */
MUST_CHECK enum rc pass_issue(struct admin_call *c, struct str *out);
/* Fills c->by. RC_DENIED: not ours, over, or its user has changed or may no longer. */
MUST_CHECK enum rc pass_check(struct admin_call *c, struct str pass, int roles);

#endif
