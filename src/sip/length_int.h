/* sip/length_int.h - Content-Length as framing and index must both read it: to the letter alike. */
#ifndef SIP_LENGTH_INT_H
#define SIP_LENGTH_INT_H
#include "base/str.h"

enum { SIP_LENGTH_MAX = 1 << 30 }; /* beyond any message: RC_TOO_BIG */

/* Where the value begins when line is a Content-Length (or l) field, else 0. */
size_t sip_length_value_at(struct str line);
/* Digits with white space (folds too) around them. RC_MALFORMED, RC_TOO_BIG. */
MUST_CHECK enum rc sip_length_parse(struct str value, uint64_t *out);

#endif
