/* sip/sample_int.h - two whole messages as phones send them, for tests and the bench: the REGISTER with a
 * bearer token and a 1271-byte body, and an INVITE with SDP. */
#ifndef SIP_SAMPLE_INT_H
#define SIP_SAMPLE_INT_H
#include "base/buf.h"

enum { SAMPLE_TOKEN_N = 900, SAMPLE_BODY_N = 1271 };

/* Appends to out; check buf_rc. */
void sample_register(struct buf *out);
void sample_invite(struct buf *out);

#endif
