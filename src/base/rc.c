/* base/rc.c - the words for result codes. */
#include "base/rc.h"

#include <stddef.h>

static const char *const rc_names[] = {
    [RC_OK] = "ok",
    [RC_MORE] = "more",
    [RC_MALFORMED] = "malformed",
    [RC_INVALID] = "invalid",
    [RC_TOO_BIG] = "too big",
    [RC_NOMEM] = "out of memory",
    [RC_NOT_FOUND] = "not found",
    [RC_EXISTS] = "exists",
    [RC_CONFLICT] = "conflict",
    [RC_DENIED] = "denied",
    [RC_EXPIRED] = "expired",
    [RC_UNSUPPORTED] = "unsupported",
    [RC_BUSY] = "busy",
    [RC_CLOSED] = "closed",
    [RC_TIMEOUT] = "timeout",
    [RC_IO] = "io",
};
_Static_assert(sizeof rc_names / sizeof rc_names[0] == RC_IO + 1, "every rc has a name");

const char *rc_name(enum rc rc)
{
    size_t i = (size_t)rc;
    return i <= RC_IO ? rc_names[i] : "unknown";
}
