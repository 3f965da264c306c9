/* The calls of a phone at work: what the line, the calls and the sound have to do with each other, and
 * what a person or a script hears of it. */
#include "phone/agent_int.h"

#include "base/check.h"
#include "crypto/secret.h"
#include "media/offer.h"
#include <stdio.h>
#include <stdlib.h>

enum { STOP_POLL_MS = 20, STOP_MAX_MS = 3000 };

/* ---- the sound of a call ---- */

struct sound {
    struct agent *agent;
    struct phone_call *call;
    struct media_session *session;
    enum media_security security;
    bool is_muted;
};

static struct media_session *session_of(const struct phone_call *call)
{
    struct sound *s = phone_call_media(call);
    return s ? s->session : NULL;
}

static void on_dtmf(void *ctx, const struct media_dtmf *dtmf)
{
    struct sound *s = ctx;
    if (dtmf->ended) return;
    agent_say(s->agent, "call %u: the other side pressed %c", phone_call_info(s->call)->number,
              dtmf->digit);
    agent_script_tell(s->agent, s->call, PHONE_SCRIPT_DIGIT, dtmf->digit);
}

static void on_played(void *ctx)
{
    struct sound *s = ctx;
    agent_script_tell(s->agent, s->call, PHONE_SCRIPT_PLAYED, 0);
}

static void on_digits_sent(void *ctx)
{
    struct sound *s = ctx;
    agent_script_tell(s->agent, s->call, PHONE_SCRIPT_DIGITS_SENT, 0);
}

static void on_quiet(void *ctx, unsigned seconds)
{
    struct sound *s = ctx;
    const struct phone_call_info *i = phone_call_info(s->call);
    agent_say(s->agent, "call %u: nothing heard from %s for %u s; asking whether it is still there",
              i->number, i->peer_number, seconds);
    (void)!phone_call_check(s->call); /* where it cannot be asked the session ends by its timer */
}

static const struct media_session_events sound_events = {
    .on_dtmf = on_dtmf,
    .on_played = on_played,
    .on_digits_sent = on_digits_sent,
    .on_quiet = on_quiet,
};

/* An encrypted line offers nothing else, and talks in the open where the server let it come to that
 * (it has our keys in any case), unless the person forbids it; another OAuth line with who cannot do
 * better; keys never leave without TLS. */
static enum media_security security_of(const struct agent *a)
{
    if (a->phone.security == PHONE_ENCRYPTED)
        return a->config->srtp_only ? MEDIA_SRTP_ONLY : MEDIA_SRTP_FALLBACK;
    return a->phone.is_oauth ? MEDIA_BEST_EFFORT : MEDIA_PLAIN_ONLY;
}

static enum rc sound_open(void *ctx, struct phone_call *call, void **media)
{
    struct agent *a = ctx;
    struct sound *s = calloc(1, sizeof *s);
    if (!s) return RC_NOMEM;
    s->agent = a;
    s->call = call;
    s->security = security_of(a);
    struct media_session_config config = {
        .loop = a->loop,
        .random = a->config->random,
        .local = a->call_flow->local,
        .security = s->security,
        .codecs = {a->config->codec},
        .codec_count = a->config->has_codec ? 1 : 0,
        .suites = {a->config->suite},
        .suite_count = a->config->suite != MEDIA_SUITE_NONE ? 1 : 0,
        .events = &sound_events,
        .ctx = s,
    };
    enum rc rc = media_session_open(&config, &s->session);
    if (rc != RC_OK) {
        free(s);
        return rc;
    }
    *media = s;
    return RC_OK;
}

/* How it was, once it is over. */
static void tell_quality(const struct sound *s)
{
    char text[256];
    struct buf b;
    struct media_stats stats;
    media_session_stats(s->session, &stats);
    if (phone_call_info(s->call)->answered_mono_ms < 0 || !stats.active) return;
    buf_init_fixed(&b, text, sizeof text);
    media_stats_print(&b, &stats);
    agent_say(s->agent, "call %u: %llu packets sent, %llu received, %.*s",
              phone_call_info(s->call)->number, (unsigned long long)stats.sent_packets,
              (unsigned long long)stats.received_packets, STR_ARG(buf_str(&b)));
}

static void sound_close(void *media)
{
    struct sound *s = media;
    tell_quality(s);
    s->session = media_session_close(s->session);
    free(s);
}

static enum rc sound_offer(void *media, struct buf *sdp)
{
    return media_session_offer(((struct sound *)media)->session, sdp);
}

static enum rc sound_take(void *media, struct str answer, struct media_refusal *why)
{
    return media_session_take_answer(((struct sound *)media)->session, answer, why);
}

static void sound_failed(void *media)
{
    media_session_offer_failed(((struct sound *)media)->session);
}

static enum rc sound_answer(void *media, struct str offer, struct buf *sdp,
                            struct media_refusal *why)
{
    return media_session_answer(((struct sound *)media)->session, offer, sdp, why);
}

/* The answer is made as it would be, and thrown away: nothing sounds before the person answers. */
static enum rc sound_check(void *media, struct str offer, struct media_refusal *why)
{
    struct sound *s = media;
    struct media_ability ability = {
        .security = s->security,
        .codecs = {MEDIA_OPUS, MEDIA_PCMA, MEDIA_PCMU},
        .codec_count = MEDIA_CODEC_COUNT,
        .rtp = s->agent->call_flow->local,
        .session_id = 1,
        .version = 1,
        .direction = MEDIA_SENDRECV,
    };
    struct media_plan plan = {0};
    struct media_place place = {0};
    struct buf scratch;
    if (s->agent->config->has_codec) {
        ability.codecs[0] = s->agent->config->codec;
        ability.codec_count = 1;
    }
    enum media_suite alone = s->agent->config->suite;
    for (int i = MEDIA_SUITE_NONE + 1; i < MEDIA_SUITE_COUNT; i++)
        if (alone == MEDIA_SUITE_NONE || (int)alone == i)
            media_srtp_key_make(&ability.keys[ability.key_count++], (enum media_suite)i,
                                &s->agent->config->random);
    buf_init(&scratch, MEDIA_SDP_MAX);
    enum rc rc = media_answer_make(&ability, offer, &plan, &place, &scratch, why);
    if (scratch.p) crypto_wipe(scratch.p, scratch.cap);
    buf_fini(&scratch);
    media_plan_wipe(&plan);
    media_ability_wipe(&ability);
    return rc;
}

static void sound_hold(void *media, bool hold)
{
    media_session_hold(((struct sound *)media)->session, hold);
}

static bool sound_is_held(void *media)
{
    return media_session_is_held(((struct sound *)media)->session);
}

static const struct phone_media_ops sound_ops = {
    .open = sound_open,
    .close = sound_close,
    .offer = sound_offer,
    .take_answer = sound_take,
    .offer_failed = sound_failed,
    .answer = sound_answer,
    .check = sound_check,
    .hold = sound_hold,
    .is_held = sound_is_held,
};

struct media_session *agent_call_session(const struct phone_call *call)
{
    return session_of(call);
}

bool agent_call_is_muted(const struct phone_call *call)
{
    const struct sound *s = phone_call_media(call);
    return s && s->is_muted;
}

void agent_call_mute(struct phone_call *call, bool mute)
{
    struct sound *s = phone_call_media(call);
    if (!s) return;
    s->is_muted = mute;
    media_session_mute(s->session, mute);
}

static void use_device(struct agent *a, struct phone_call *call)
{
    const char *why = NULL;
    struct media_session *s = session_of(call);
    if (!a->config->audio || !s) return;
    enum rc rc = media_session_use_device(s, a->config->audio, &why);
    if (why)
        agent_say(a, "call %u: %ssound by %s: %s", phone_call_info(call)->number,
                  rc == RC_OK ? "" : "no ", a->config->audio, why);
}

/* ---- proving ---- */

static enum rc credentials(void *ctx, const struct sip_message *m, struct arena *arena,
                           struct str method, struct str uri, unsigned attempt, struct buf *out)
{
    struct agent *a = ctx;
    struct phone_answer answer;
    struct phone_refusal why;
    struct phone_digest digest;
    phone_answer_read(m, STR(""), 0, arena, &answer, &why);
    bool is_tls = a->call_flow && a->call_flow->transport == SIPTX_TLS;
    if (answer.challenge == PHONE_CHALLENGE_BEARER) { /* over TLS or not at all */
        if (attempt > 1 || !a->signed_in || !is_tls) return RC_DENIED;
        phone_bearer_print(out, a->config->dialect, m->status,
                           bytes_str(secret_bytes(&a->tokens.access)));
        return buf_rc(out);
    }
    if (answer.challenge != PHONE_CHALLENGE_DIGEST || a->sip_password.n == 0) return RC_DENIED;
    if (attempt > 1 && !answer.stale) return RC_DENIED;
    enum rc rc = phone_digest_read(m, arena, &digest);
    return rc == RC_OK ? agent_digest_print(a, &digest, method, uri, out) : rc;
}

/* ---- telling ---- */

static void tell_ended(struct agent *a, const struct phone_call_info *i)
{
    int64_t talked_ms = i->answered_mono_ms < 0 ? -1
                                                : clock_mono_ms(&a->clock) - i->answered_mono_ms;
    char length[48] = "", why[512];
    struct buf b;
    if (talked_ms >= 0)
        snprintf(length, sizeof length, " after %lld.%lld s", (long long)(talked_ms / 1000),
                 (long long)(talked_ms % 1000 / 100));
    buf_init_fixed(&b, why, sizeof why - 1);
    buf_put_str(&b, str_from(phone_cause_sentence(i->cause)));
    bool refused = phone_cause_exit(i->cause) != PHONE_EXIT_OK;
    bool by_them = refused && i->status >= 300;
    if (by_them && i->warning[0])
        buf_printf(&b, " (%u: %s)", i->status, i->warning);
    else if (by_them)
        buf_printf(&b, " (%u)", i->status);
    else if (refused && i->warning[0])
        buf_printf(&b, " (%s)", i->warning);
    size_t told = b.n;
    buf_put_lit(&b, "; ");
    phone_call_print_advice(&b, i);
    if (b.n == told + 2) b.n = told;
    agent_say(a, "call %u with %s ended%s: %.*s", i->number, i->peer_number, length,
              STR_ARG(buf_str(&b)));
}

static void tell_answered(struct agent *a, const struct phone_call *call)
{
    const struct phone_call_info *i = phone_call_info(call);
    struct media_stats stats;
    struct media_session *s = session_of(call);
    if (!s) return;
    media_session_stats(s, &stats);
    struct str suite = media_suite_name(stats.suite);
    agent_say(a, "call %u with %s: talking, %.*s, %s%.*s", i->number, i->peer_number,
              STR_ARG(media_codec_info(stats.codec)->name),
              media_session_is_encrypted(s) ? "encrypted with " : "not encrypted", STR_ARG(suite));
}

static void tell_changed(struct agent *a, const struct phone_call_info *i)
{
    agent_say(a, "call %u with %s: %s", i->number, i->peer_number,
              i->holding && i->is_held ? "held by both sides"
              : i->holding             ? "held"
              : i->is_held             ? "held by the other side"
                                       : "talking again");
}

static void tell(struct agent *a, struct phone_call *call, enum phone_call_event event)
{
    const struct phone_call_info *i = phone_call_info(call);
    switch (event) {
    case PHONE_CALL_EV_INCOMING:
        agent_say(a, "call %u from %s%s%s%s", i->number, i->peer_number,
                  i->peer_name[0] ? " (" : "", i->peer_name, i->peer_name[0] ? ")" : "");
        break;
    case PHONE_CALL_EV_RINGING:
        agent_say(a, "call %u: it rings at %s", i->number, i->peer_number);
        break;
    case PHONE_CALL_EV_EARLY:
        agent_say(a, "call %u: sound from the way to %s", i->number, i->peer_number);
        break;
    case PHONE_CALL_EV_REPLACES:
    case PHONE_CALL_EV_ANSWERED: tell_answered(a, call); break;
    case PHONE_CALL_EV_CHANGED: tell_changed(a, i); break;
    case PHONE_CALL_EV_CHANGE_FAILED:
        agent_say(a, "call %u: the other side does not take the change (%u)", i->number, i->status);
        break;
    case PHONE_CALL_EV_TRANSFERRING:
        agent_say(a, "call %u: the transfer is under way (%u)", i->number, i->status);
        break;
    case PHONE_CALL_EV_TRANSFER_FAILED:
        agent_say(a, "call %u: the transfer failed (%u); the call goes on", i->number, i->status);
        break;
    case PHONE_CALL_EV_REFERRED:
        agent_say(a, "call %u to %s, where the other side transfers us", i->number, i->peer_number);
        break;
    case PHONE_CALL_EV_REDIRECTED:
        agent_say(a, "call %u: the server sends us on to %s", i->number, i->peer_number);
        break;
    case PHONE_CALL_EV_ENDED: tell_ended(a, i); break;
    case PHONE_CALL_EV_CONFIRMED: break; /* answered was told */
    }
}

static void on_call(void *ctx, struct phone_call *call, enum phone_call_event event)
{
    struct agent *a = ctx;
    if (a->calls == NULL) return;
    if (event == PHONE_CALL_EV_INCOMING || event == PHONE_CALL_EV_REFERRED)
        agent_terminal_select(a, call);
    tell(a, call, event);
    bool heard = event == PHONE_CALL_EV_ANSWERED || event == PHONE_CALL_EV_EARLY;
    if (heard) use_device(a, call);
    agent_terminal_draw(a);
    if (event == PHONE_CALL_EV_INCOMING && a->config->auto_answer &&
        phone_call_answer(call) != RC_OK)
        return;
    agent_script_call(a, call, event);
}

/* ---- the line ---- */

enum rc agent_calls_open(struct agent *a)
{
    struct phone_calls_config config = {
        .stack = a->stack,
        .loop = a->loop,
        .clock = a->clock,
        .random = a->config->random,
        .host = a->phone.nodes[0].name,
        .number = a->phone.lines[0].number,
        .contact = a->phone.lines[0].contact,
        .display_name = a->phone.lines[0].display_name,
        .call_waiting = true,
        .media = &sound_ops,
        .credentials = credentials,
        .on_event = on_call,
        .ctx = a,
    };
    return phone_calls_new(&config, &a->calls);
}

void agent_calls_close(struct agent *a)
{
    a->call_flow = NULL;
    a->calls = phone_calls_free(a->calls);
    net_timer_stop(a->loop, &a->stop_timer);
}

void agent_calls_follow(struct agent *a)
{
    if (!a->calls) return;
    bool has_line = a->line.active != PHONE_NO_NODE;
    struct siptx_flow *flow = has_line ? a->paths[a->line.active].flow : NULL;
    if (flow && !flow->ready) flow = NULL;
    if (flow == a->call_flow) return;
    a->call_flow = flow;
    if (flow) phone_calls_set_host(a->calls, a->phone.nodes[a->line.active].name);
    phone_calls_set_flow(a->calls, flow);
}

/* ---- stopping: first the calls, then the line ---- */

static void stop_line(struct agent *a)
{
    agent_event(a, &(struct phone_line_event){.kind = PHONE_EV_STOP});
}

static void on_stop_time(void *ctx)
{
    struct agent *a = ctx;
    if (phone_calls_count(a->calls) > 0 && clock_mono_ms(&a->clock) < a->stop_until_ms) {
        net_timer_start(a->loop, &a->stop_timer, STOP_POLL_MS, on_stop_time, a);
        return;
    }
    if (a->restart_waits)
        agent_restart_now(a);
    else
        stop_line(a);
}

void agent_stop(struct agent *a)
{
    if (!a->calls || phone_calls_count(a->calls) == 0) {
        stop_line(a);
        return;
    }
    phone_calls_hang_up_all(a->calls);
    a->stop_until_ms = clock_mono_ms(&a->clock) + STOP_MAX_MS;
    net_timer_start(a->loop, &a->stop_timer, STOP_POLL_MS, on_stop_time, a);
}

/* Whoever talks is not cut off by an administrator's change: the phone begins anew after the last
 * call. */
void agent_restart(struct agent *a)
{
    if (!a->calls || phone_calls_count(a->calls) == 0) {
        agent_restart_now(a);
        return;
    }
    a->restart_waits = true;
    a->stop_until_ms = INT64_MAX;
    net_timer_start(a->loop, &a->stop_timer, STOP_POLL_MS, on_stop_time, a);
}
