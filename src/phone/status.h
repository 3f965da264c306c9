/* phone/status.h - what a running phone tells about itself: a small JSON file in the state folder,
 * replaced at each change, read by "bearline-phone status". No secrets. */
#ifndef PHONE_STATUS_H
#define PHONE_STATUS_H
#include "base/buf.h"
#include "phone/line.h"
#include "phone/state.h"
#include "phone/tokens.h"

struct phone_status {
    char device[PHONE_TEXT_MAX], line[160], node[256], address[72], transport[32]; /* "TLSv1.3" */
    enum phone_line_state state;
    bool is_registered;
    long pid;
    uint32_t granted_s;
    /* 0: none */
    int64_t since_unix_s, refresh_unix_s, token_until_unix_s, renew_unix_s, problem_unix_s;
    struct phone_problem problem; /* the last one */
};

MUST_CHECK enum rc phone_status_save(const struct phone_state *s, const struct phone_status *st);
/* RC_NOT_FOUND: no run has left one; RC_MALFORMED, RC_NOMEM, RC_IO. */
MUST_CHECK enum rc phone_status_load(const struct phone_state *s, struct phone_status *out);
MUST_CHECK enum rc phone_status_parse(struct str json, struct phone_status *out);
MUST_CHECK enum rc phone_status_print_json(const struct phone_status *st, struct secret *out);
/* Lines for a person. running: its process lives. */
void phone_status_print(struct buf *out, const struct phone_status *st, bool running,
                        int64_t now_unix_s);

#endif
