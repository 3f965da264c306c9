/* phone/json_int.h - small helps over jansson for this room: bounded texts, secrets, and trees whose
 * strings are wiped before they are freed. */
#ifndef PHONE_JSON_INT_H
#define PHONE_JSON_INT_H
#include "base/str.h"
#include "crypto/secret.h"
#include <jansson.h>

/* The object's text as a slice of it; "" where it is missing or no text. */
struct str json_text(const json_t *object, const char *key);
/* Copied and terminated; RC_TOO_BIG, RC_MALFORMED (a NUL within). A missing one is "". */
MUST_CHECK enum rc json_text_copy(const json_t *object, const char *key, char *out, size_t cap);
/* Copied as a secret (empty when missing); RC_NOMEM, RC_TOO_BIG over max. out was empty. */
MUST_CHECK enum rc json_secret_copy(const json_t *object, const char *key, size_t max,
                                    struct secret *out);
/* 0 where it is missing, negative or no number. Fractions are cut off. */
int64_t json_seconds(const json_t *object, const char *key);
/* An object, or NULL: RC_MALFORMED. RC_NOMEM as RC_MALFORMED. */
json_t *json_object_parse(struct str text);
/* Compact text; whoever finishes out wipes it. RC_NOMEM. */
MUST_CHECK enum rc json_print_secret(const json_t *object, struct secret *out);
/* Overwrites every text of the tree, then lets it go. NULL is fine. */
void json_wipe(json_t *json);

#endif
