/* Calls the server sends on to another number (RFC 3261, 8.1.3.4): followed once, and on our own server
 * alone, which decides whether we may call there; what host the Contact names does not matter. */
#include "phone/call_int.h"

/* A Contact's number as a URI to call. */
static enum rc read_number(const struct phone_call *call, struct str value, struct arena *arena,
                           unsigned *q, char uri[PHONE_URI_MAX])
{
    struct sip_nameaddr n;
    struct sip_uri u;
    struct str number;
    *q = 1000;
    if (sip_nameaddr_parse_uri(value, &n, &u, NULL) != RC_OK || !sip_uri_is_sip(&u) ||
        !u.has_user || sip_nameaddr_q(&n, q) == RC_MALFORMED)
        return RC_MALFORMED;
    enum rc rc = sip_percent_decode(u.user, arena, &number);
    if (rc != RC_OK) return rc;
    bool names_host = str_find_char(number, '@') != STR_NPOS ||
                      str_find_char(number, ':') != STR_NPOS;
    return names_host ? RC_MALFORMED : call_target(call->set, number, uri);
}

/* The Contact a 3xx prefers. False: none of use. */
static bool read_contacts(const struct phone_call *call, const struct sip_message *m,
                          struct arena *arena, char target[PHONE_URI_MAX])
{
    struct sip_values v;
    struct str value;
    unsigned q, best = 0;
    char uri[PHONE_URI_MAX];
    sip_values_init(&v, m, SIP_HEADER_CONTACT);
    while (sip_values_next(&v, &value) == RC_OK) {
        if (read_number(call, value, arena, &q, uri) != RC_OK || q <= best) continue;
        best = q;
        memcpy(target, uri, sizeof uri);
    }
    return best > 0;
}

bool call_follow(struct phone_call *call, const struct sip_message *m, struct arena *arena)
{
    char target[PHONE_URI_MAX];
    struct phone_dialog *d = &call->dialog;
    if (m->status / 100 != 3 || call->told_end || call->was_redirected ||
        !read_contacts(call, m, arena, target) || strcmp(target, d->target) == 0)
        return false;
    siptx_client_forget(call->invite);
    call->invite = NULL;
    call->was_redirected = true;
    call->attempts = call->fork_count = 0;
    secret_fini(&call->credentials); /* they were for the other URI */
    d->remote_tag[0] = '\0';
    memcpy(d->target, target, sizeof target);
    call->set->config.media->offer_failed(call->media);
    call->info.early = call->early_changed = false;
    call->info.state = PHONE_CALL_CALLING;
    call_set_peer(call, &(struct sip_nameaddr){.uri = str_from(d->target)});
    if (call_send_invite(call, false) != RC_OK) return false;
    call_tell(call, PHONE_CALL_EV_REDIRECTED);
    return true;
}
