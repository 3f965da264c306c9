/* call/dialog.h - as much of a call's dialog as it takes to hang up in the name of one side
 * (RFC 3261, 12.2.1.1): identifiers, remote targets, routes and the highest CSeq of each side. Plain
 * text in one buffer, which is kept when the call's memory is used again. No lock of its own. */
#ifndef CALL_DIALOG_H
#define CALL_DIALOG_H
#include "base/buf.h"

enum { CALL_DIALOG_MAX = 4096 }; /* bytes; a call that would need more cannot be hung up on */

/* By enum call_side. Slices are borrowed. */
struct call_dialog_parts {
    struct str call_id;
    struct str who[2];    /* From and To values of the INVITE and its 2xx, tags included */
    struct str target[2]; /* Contact URIs */
    struct str route[2];  /* Route lines of what goes there from here; may be empty */
};

struct call_dialog {
    struct buf text;
    uint16_t n[7]; /* lengths, in the order of the parts */
    uint32_t cseq[2];
};

void call_dialog_init(struct call_dialog *d);
void call_dialog_fini(struct call_dialog *d);
/* Nothing known; the memory stays. */
void call_dialog_reset(struct call_dialog *d);
/* Too much, or out of memory: nothing known. */
void call_dialog_set(struct call_dialog *d, const struct call_dialog_parts *p);
/* A side has said where it is reached from now on. */
void call_dialog_retarget(struct call_dialog *d, unsigned side, struct str target);
/* A BYE to side, as the other one would say it: its Request-URI, and header lines without Via and
 * Content-Length. reason: a Reason line or empty. False: not known. uri points into d. */
bool call_dialog_print_bye(struct call_dialog *d, unsigned side, struct str reason, struct str *uri,
                           struct buf *lines);

#endif
