/* call/remotecc.h - the XML body of a Cisco phone's first REGISTER and of its answer: which lines
 * the one REGISTER is for, and which optional features both sides will use. Pure. */
#ifndef CALL_REMOTECC_H
#define CALL_REMOTECC_H
#include "base/arena.h"
#include "base/buf.h"

/* What optionsind may offer; bits. */
enum call_options {
    CALL_OPTION_COMBINE = 1,     /* combine max=6: remotecc status, service-control */
    CALL_OPTION_HOOK_STATUS = 2, /* dialog usage="hook status" */
    CALL_OPTION_SHARED_LINE = 4, /* dialog usage="shared line" */
    CALL_OPTION_BLF = 8,         /* presence usage="blf speed dial" */
    CALL_OPTION_JOIN = 16,
};

struct call_remotecc {
    bool found;       /* some part is a remotecc request */
    bool all_lines;   /* bulkregisterreq with contact all="true" */
    bool has_options; /* optionsind was there */
    unsigned options; /* enum call_options offered */
};

#define CALL_REMOTECC_RESPONSE_TYPE "application/x-cisco-remotecc-response+xml"

/* Reads a body, multipart or a single part. What cannot be read counts as not there: the body is
 * optional (RFC 5621: handling=optional). */
void call_remotecc_read(struct str content_type, struct str body, struct arena *a,
                        struct call_remotecc *out);
/* The answer: code 200 and, where the request offered options, the ones we take, notifications
 * without subscription. */
void call_remotecc_print(struct buf *out, const struct call_remotecc *request);

#endif
