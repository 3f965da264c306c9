/* Names of states and causes, what people are shown of the other side, and what we say of us. */
#include "phone/call_int.h"

#include <assert.h>

#include "phone/register.h"
#include "sip/print.h"
#include <stdio.h>

const char *phone_call_state_name(enum phone_call_state state)
{
    static const char *const names[] = {"calling",   "ringing", "cancelling", "incoming",
                                        "answering", "talking", "ending",     "ended"};
    static_assert(sizeof names / sizeof *names == PHONE_CALL_ENDED + 1, "one name a state");
    return names[state];
}

struct cause_row {
    const char *name, *sentence;
    enum phone_exit exit;
};

static const struct cause_row causes[PHONE_CAUSE_COUNT] = {
    [PHONE_CAUSE_NONE] = {"none", "the call goes on", PHONE_EXIT_OK},
    [PHONE_CAUSE_HUNG_UP] = {"hung-up", "hung up here", PHONE_EXIT_OK},
    [PHONE_CAUSE_PEER_HUNG_UP] = {"peer-hung-up", "the other side hung up", PHONE_EXIT_OK},
    [PHONE_CAUSE_PEER_GAVE_UP] = {"peer-gave-up", "the caller gave up", PHONE_EXIT_NO_ANSWER},
    [PHONE_CAUSE_REJECTED] = {"rejected", "rejected here", PHONE_EXIT_OK},
    [PHONE_CAUSE_UNANSWERED] = {"unanswered", "nobody answered here", PHONE_EXIT_NO_ANSWER},
    [PHONE_CAUSE_BUSY] = {"busy", "the other side is busy", PHONE_EXIT_BUSY},
    [PHONE_CAUSE_NO_ANSWER] = {"no-answer", "nobody answers there", PHONE_EXIT_NO_ANSWER},
    [PHONE_CAUSE_DECLINED] = {"declined", "the other side declined", PHONE_EXIT_DECLINED},
    [PHONE_CAUSE_NOT_FOUND] = {"not-found", "there is no such number", PHONE_EXIT_NOT_FOUND},
    [PHONE_CAUSE_FORBIDDEN] = {"forbidden", "the server does not allow this call",
                               PHONE_EXIT_CALL_FORBIDDEN},
    [PHONE_CAUSE_UNACCEPTABLE] = {"unacceptable", "the other side does not take our kind of sound",
                                  PHONE_EXIT_UNACCEPTABLE},
    [PHONE_CAUSE_MOVED] = {"moved", "callers are sent on to where this phone does not follow",
                           PHONE_EXIT_CALL_REFUSED},
    [PHONE_CAUSE_OVERLOADED] = {"overloaded", "the server takes no more calls just now",
                                PHONE_EXIT_CALL_REFUSED},
    [PHONE_CAUSE_SERVER] = {"refused", "the call was refused", PHONE_EXIT_CALL_REFUSED},
    [PHONE_CAUSE_TIMEOUT] = {"timeout", "no answer from the server", PHONE_EXIT_CALL_LOST},
    [PHONE_CAUSE_LOST] = {"lost", "the connection to the server was lost", PHONE_EXIT_CALL_LOST},
    [PHONE_CAUSE_EXPIRED] = {"expired", "the other side is not there any more",
                             PHONE_EXIT_CALL_LOST},
    [PHONE_CAUSE_TRANSFERRED] = {"transferred", "transferred", PHONE_EXIT_OK},
    [PHONE_CAUSE_REPLACED] = {"replaced", "another call took its place", PHONE_EXIT_OK},
    [PHONE_CAUSE_BROKEN] = {"broken", "the call could not be set up", PHONE_EXIT_CALL_REFUSED},
};

const char *phone_cause_name(enum phone_call_cause cause)
{
    return causes[cause].name;
}

const char *phone_cause_sentence(enum phone_call_cause cause)
{
    return causes[cause].sentence;
}

enum phone_exit phone_cause_exit(enum phone_call_cause cause)
{
    return causes[cause].exit;
}

enum phone_call_cause call_cause_of(unsigned status)
{
    if (status / 100 == 3) return PHONE_CAUSE_MOVED;
    switch (status) {
    case 401:
    case 403:
    case 407: return PHONE_CAUSE_FORBIDDEN;
    case 404:
    case 410:
    case 484:
    case 604: return PHONE_CAUSE_NOT_FOUND;
    case 408:
    case 480:
    case 487: return PHONE_CAUSE_NO_ANSWER;
    case 415:
    case 488:
    case 606: return PHONE_CAUSE_UNACCEPTABLE;
    case 486:
    case 600: return PHONE_CAUSE_BUSY;
    case 503: return PHONE_CAUSE_OVERLOADED;
    case 603: return PHONE_CAUSE_DECLINED;
    default: return PHONE_CAUSE_SERVER;
    }
}

/* ---- for people ---- */

/* Of a refused offer, by its Warning (RFC 3261, 20.43). */
static const char *advice_on_sound(const struct phone_call_info *i)
{
    if (i->warn_code == 305) return "the two have no codec in common: try without --codec";
    if (strstr(i->warning, "None of the offered SRTP keys"))
        return "the two have no cipher suite in common: try without --suite";
    if (strstr(i->warning, "not TLS"))
        return "one of the two is not connected over TLS: the administrator can give it a profile "
               "that is";
    if (strstr(i->warning, "SRTP") || strstr(i->warning, "ncrypted"))
        return "one line is encrypted and the other is not: the administrator can give both the "
               "same security mode";
    return i->warning[0] ? "" : "it gave no reason: encryption or codecs of the two may differ";
}

void phone_call_print_advice(struct buf *out, const struct phone_call_info *i)
{
    if (i->cause == PHONE_CAUSE_UNACCEPTABLE)
        buf_put_str(out, str_from(advice_on_sound(i)));
    else if (i->retry_after_s > 0 && i->status >= 400)
        buf_printf(out, "try again in %u s", i->retry_after_s);
    else if (i->cause == PHONE_CAUSE_OVERLOADED)
        buf_put_lit(out, "try again in a while");
    else if (i->cause == PHONE_CAUSE_FORBIDDEN)
        buf_put_lit(out, "the administrator knows which numbers this line may call");
}

const struct phone_call_info *phone_call_info(const struct phone_call *call)
{
    return &call->info;
}

void *phone_call_media(const struct phone_call *call)
{
    return call->media;
}

void call_clean(char *out, size_t cap, struct str text)
{
    size_t n = text.n < cap - 1 ? text.n : cap - 1;
    while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--; /* no half letter */
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f ? '?' : text.p[i];
    out[n] = '\0';
    if (!str_is_utf8(str_of(out, n)))
        for (size_t i = 0; i < n; i++)
            if ((unsigned char)out[i] >= 0x80) out[i] = '?';
}

void call_set_peer(struct phone_call *call, const struct sip_nameaddr *n)
{
    char scratch[512];
    struct arena arena;
    struct sip_uri uri;
    struct str name, user = n->uri;
    arena_init(&arena, scratch, sizeof scratch, 4096);
    if (sip_nameaddr_display(n, &arena, &name) != RC_OK) name = STR("");
    if (sip_uri_parse(n->uri, &uri, NULL) == RC_OK && uri.has_user) user = uri.user;
    if (sip_percent_decode(user, &arena, &user) != RC_OK) user = n->uri;
    call_clean(call->info.peer, sizeof call->info.peer, n->uri);
    call_clean(call->info.peer_number, sizeof call->info.peer_number, user);
    call_clean(call->info.peer_name, sizeof call->info.peer_name, name);
    arena_fini(&arena);
}

/* ---- what we say of us and whom we dial ---- */

static enum phone_transport transport_of(const struct siptx_flow *f)
{
    return f->transport == SIPTX_UDP   ? PHONE_UDP
           : f->transport == SIPTX_TCP ? PHONE_TCP
                                       : PHONE_TLS;
}

void call_print_contact(struct buf *out, const struct phone_calls *set)
{
    buf_put_lit(out, "Contact: <");
    phone_contact_print(out, str_from(set->contact), &set->flow->local, transport_of(set->flow));
    buf_put_lit(out, ">\r\n");
}

/* "@host" of our server. */
static void print_at_host(struct buf *out, const struct phone_calls *set)
{
    char uri[PHONE_URI_MAX];
    struct buf b;
    buf_init_fixed(&b, uri, sizeof uri);
    phone_register_print_uri(&b, str_from(set->host));
    buf_put_char(out, '@');
    buf_put_str(out, str_sub(buf_str(&b), sizeof "sip:" - 1, b.n));
}

void call_print_self(struct buf *out, const struct phone_calls *set)
{
    if (set->display_name[0]) {
        sip_print_quoted(out, str_from(set->display_name));
        buf_put_char(out, ' ');
    }
    buf_put_lit(out, "<sip:");
    sip_uri_print_user(out, str_from(set->number));
    print_at_host(out, set);
    buf_put_char(out, '>');
}

/* Spaces and the usual signs between digits are for people. */
static void print_number(struct buf *out, struct str target)
{
    bool is_number = target.n > 0;
    for (size_t i = 0; i < target.n; i++)
        if (!strchr("0123456789*#+ -.()/", target.p[i])) is_number = false;
    if (!is_number) {
        sip_uri_print_user(out, target);
        return;
    }
    for (size_t i = 0; i < target.n; i++)
        if (!strchr(" -.()/", target.p[i])) sip_uri_print_user(out, str_of(target.p + i, 1));
}

enum rc call_target(const struct phone_calls *set, struct str target, char out[PHONE_URI_MAX])
{
    struct buf b;
    struct sip_uri uri;
    target = str_trim(target);
    if (target.n == 0) return RC_MALFORMED;
    buf_init_fixed(&b, out, PHONE_URI_MAX - 1);
    bool is_uri = str_starts_nocase(target, STR("sip:")) || str_starts_nocase(target, STR("sips:"));
    if (is_uri) {
        buf_put_str(&b, target);
    } else if (str_find_char(target, '@') != STR_NPOS) {
        buf_put_lit(&b, "sip:");
        buf_put_str(&b, target);
    } else {
        buf_put_lit(&b, "sip:");
        print_number(&b, target);
        print_at_host(&b, set);
    }
    if (buf_rc(&b) != RC_OK) return RC_TOO_BIG;
    out[b.n] = '\0';
    if (sip_uri_parse(buf_str(&b), &uri, NULL) != RC_OK || !sip_uri_is_sip(&uri) ||
        uri.headers.n > 0)
        return RC_MALFORMED;
    return RC_OK;
}
