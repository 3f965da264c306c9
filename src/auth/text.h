/* auth/text.h - small pieces of text the authorization server prints and reads: UUIDs, HTML, hex. Pure
 * functions. */
#ifndef AUTH_TEXT_H
#define AUTH_TEXT_H
#include "base/buf.h"
#include "base/clock.h"

enum { AUTH_UUID_LEN = 36, AUTH_UUID_BYTES = 16 };

/* A random UUID (RFC 9562, version 4) in lower case, with a NUL. */
void auth_uuid_make(const struct random_source *random, char out[AUTH_UUID_LEN + 1]);
/* The 16 bytes of a UUID in its usual form; RC_MALFORMED. */
MUST_CHECK enum rc auth_uuid_parse(struct str text, uint8_t out[AUTH_UUID_BYTES]);
void auth_uuid_print(const uint8_t bytes[AUTH_UUID_BYTES], char out[AUTH_UUID_LEN + 1]);
/* s as HTML text or as the value of a quoted attribute; bytes that are not UTF-8 print as '?'. */
void auth_html_put(struct buf *out, struct str s);
/* SHA-256 of in as 64 lower-case digits and a NUL. RC_NOMEM. */
MUST_CHECK enum rc auth_hash_hex(struct bytes in, char out[65]);

#endif
