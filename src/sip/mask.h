/* sip/mask.h - a message for people's eyes: a copy without its secrets, for traces and logs.
 * Masked: bearer tokens (both forms), Digest response, Basic credentials, credentials of unknown
 * schemes, keys in SDP (a=crypto, a=key-mgmt, k=), passwords in URIs. Works on malformed messages too: what
 * cannot be read as credentials is masked whole. */
#ifndef SIP_MASK_H
#define SIP_MASK_H
#include "base/buf.h"

/* bytes: a message, whole or cut off anywhere. Lengths stay visible: token="<masked, 812 bytes>".
 */
void sip_mask_print(struct buf *out, struct str bytes);

#endif
