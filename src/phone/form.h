/* phone/form.h - reads the one thing the phone must understand of a sign-in page: its form. Tolerant
 * of HTML as servers write it (tag case, attribute quotes, order, entities, comments), strict in
 * what it takes from it. A pure function of bytes; bounded. */
#ifndef PHONE_FORM_H
#define PHONE_FORM_H
#include "base/arena.h"

enum { PHONE_FORM_FIELD_MAX = 32, PHONE_FORM_PAGE_MAX = 512 * 1024 };

enum phone_field_kind {
    PHONE_FIELD_OTHER,
    PHONE_FIELD_HIDDEN,
    PHONE_FIELD_TEXT,
    PHONE_FIELD_PASSWORD
};

struct phone_form_field {
    struct str name, value; /* entities decoded */
    enum phone_field_kind kind;
};

/* All slices lie in the page or the arena. */
struct phone_form {
    struct str action; /* as written: may be relative or empty (the page's own address) */
    bool is_post;
    struct phone_form_field fields[PHONE_FORM_FIELD_MAX];
    size_t count;
    struct str user_field, password_field; /* names; the text field before the password field */
    struct str
        alert; /* text of the first element with role="alert": what the server complains of */
};

/* The first form of the page with a password field. RC_NOT_FOUND: none; RC_TOO_BIG (page, fields),
 * RC_NOMEM. */
MUST_CHECK enum rc phone_form_parse(struct str page, struct arena *a, struct phone_form *out);
/* The text an alert shows, "" without one; also of pages without a form. RC_NOMEM, RC_TOO_BIG. */
MUST_CHECK enum rc phone_form_alert(struct str page, struct arena *a, struct str *out);

#endif
