/* call/privacy.h - what the sender of a message wants kept back (RFC 3323; "id": RFC 3325). What a
 * proxy can keep back it does: the asserted identity, and header fields that tell of the person. From
 * is the phone's to make anonymous; Via, Contact and the sound's addresses cannot be hidden by one
 * who stands in no dialog of his own. Pure. */
#ifndef CALL_PRIVACY_H
#define CALL_PRIVACY_H
#include "base/buf.h"
#include "sip/message.h"
#include "sip/uri.h"

struct call_privacy {
    bool id, user, header, session, none, critical;
};

void call_privacy_read(const struct sip_message *m, struct call_privacy *out);
/* A From of those who do not want to be named (RFC 3323, 4.1.1.3). */
bool call_privacy_is_anonymous(const struct sip_uri *from);
/* Is the sender's asserted identity to be kept back? */
bool call_privacy_hides_identity(const struct call_privacy *p, bool is_anonymous);
/* Is a header field of that id to be left out? */
bool call_privacy_drops(const struct call_privacy *p, enum sip_header_id id);
/* Critical, and more is asked than can be kept back: a reason phrase to out, and true. */
bool call_privacy_fails(const struct call_privacy *p, bool is_anonymous, struct buf *out);

#endif
