/* auth/page.h - the pages people see: sign-in and errors. Plain HTML and CSS, no script, nothing
 * fetched; readable at any width, in light and dark, with a keyboard and a screen reader. Pure
 * functions. */
#ifndef AUTH_PAGE_H
#define AUTH_PAGE_H
#include "base/buf.h"

/* All text is escaped here. */
struct auth_page {
    struct str client;    /* the program's name */
    struct str scope;     /* what it will get */
    int64_t refresh_days; /* how long it stays signed in; 0: until the access token ends */
    int64_t access_min;   /* minutes of an access token */
    struct str action;    /* the form's target: path and query */
    struct str csrf;
    struct str username; /* typed before, or a hint */
    const char *error;   /* a sentence; NULL none */
};

void auth_page_print_signin(struct buf *out, const struct auth_page *page);
/* A page that ends there: what happened, and what to do. */
void auth_page_print_error(struct buf *out, const char *title, const char *text);
/* Content-Security-Policy of these pages. form_source: where the form's answer may redirect to, as
 * auth_redirect_print_source prints it; "": no form. RC_NOMEM. */
MUST_CHECK enum rc auth_page_print_csp(struct buf *out, struct str form_source);

#endif
