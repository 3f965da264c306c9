/* base/base64.h - base64url without padding (RFC 7515, 2), classic base64 with padding (RFC 4648,
 * 4) and hexadecimal. Decoders are strict: no white space, no stray bits, no foreign letters. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H
#include "base/arena.h"
#include "base/buf.h"

#define BASE64_LEN(n)         (((n) + 2) / 3 * 4) /* encoded length, padded */
#define BASE64URL_LEN(n)      (((n)*4 + 2) / 3)   /* encoded length, unpadded */
#define BASE64_DECODED_MAX(n) (((n) + 3) / 4 * 3) /* bytes that n letters can hold at most */

void base64url_print(struct buf *out, struct bytes in);
void base64_print(struct buf *out, struct bytes in);
/* Writes at most cap bytes to out; RC_MALFORMED, RC_TOO_BIG. */
MUST_CHECK enum rc base64url_decode(struct str in, uint8_t *out, size_t cap, size_t *out_n);
MUST_CHECK enum rc base64_decode(struct str in, uint8_t *out, size_t cap, size_t *out_n);
/* Into the arena; RC_MALFORMED, RC_NOMEM. */
MUST_CHECK enum rc base64url_decode_arena(struct str in, struct arena *a, struct bytes *out);
MUST_CHECK enum rc hex_decode(struct str in, uint8_t *out, size_t cap, size_t *out_n);

#endif
