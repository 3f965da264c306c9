/* sim/dialog.c - the calls of a phone (RFC 3261, 12 to 15): plain, complete and strict, so that it
 * notices whatever the server does wrong. */
#include "sim/sim.h"

#include "base/check.h"
#include "sip/nameaddr.h"
#include "sip/number.h"
#include "sip/print.h"
#include "sip/values.h"

#include <stdio.h>
#include <stdlib.h>

enum { T1_MS = 500, T2_MS = 4000, SAFETY_MS = 60000, ACT_MS = 3000 };

#define SDP_HEAD  "v=0\r\no=- 1 1 IN IP4 10.0.1.9\r\ns=-\r\nc=IN IP4 10.0.1.9\r\nt=0 0\r\n"
#define SDP_PLAIN SDP_HEAD "m=audio 20000 RTP/AVP 0\r\n"
#define SDP_SRTP                                                                                   \
    SDP_HEAD                                                                                       \
    "m=audio 20000 RTP/SAVP 0\r\n"                                                                 \
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk\r\n"

static const struct str sdp_type = STR_INIT("application/sdp");

static void on_reply(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                     const struct sip_message *m, struct arena *arena);
static void on_invite_reply(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                            const struct sip_message *m, struct arena *arena);
static void on_talk_end(void *ctx);
static void on_act(void *ctx);

static struct str sdp_of(const struct sim_phone *p)
{
    return p->device->is_oauth ? STR(SDP_SRTP) : STR(SDP_PLAIN);
}

static struct str offer_of(const struct sim_phone *p, const struct sim_call *c)
{
    bool fits = c->offer != SIM_OFFER_WRONG;
    return p->device->is_oauth == fits ? STR(SDP_SRTP) : STR(SDP_PLAIN);
}

static void copy(char *out, size_t cap, struct str s)
{
    CHECK(str_to_cstr(s, out, cap) == RC_OK);
}

static struct sim *sim_of(const struct sim_dialog *d)
{
    return d->phone->sim;
}

static struct sim_call *call_of(const struct sim_dialog *d)
{
    return &sim_of(d)->calls[d->call];
}

static struct sim_dialog *dialog_new(struct sim_phone *p, unsigned call, struct str call_id)
{
    CHECK(p->dialog_count < SIM_DIALOG_MAX);
    struct sim_dialog *d = &p->dialogs[p->dialog_count++];
    *d = (struct sim_dialog){.phone = p, .call = call, .local_cseq = 100};
    copy(d->call_id, sizeof d->call_id, call_id);
    return d;
}

static struct sim_dialog *dialog_find(struct sim_phone *p, struct str call_id, struct str local_tag,
                                      struct str remote_tag)
{
    for (unsigned i = 0; i < p->dialog_count; i++) {
        struct sim_dialog *d = &p->dialogs[i];
        if (str_eq(call_id, str_from(d->call_id)) && str_eq(local_tag, str_from(d->local_tag)) &&
            str_eq(remote_tag, str_from(d->remote_tag)))
            return d;
    }
    return NULL;
}

static void dialog_over(struct sim_dialog *d)
{
    struct wheel *w = sim_of(d)->wheel;
    d->state = SIM_OVER;
    d->awaits_ack = false;
    wheel_stop(w, &d->timer);
    wheel_stop(w, &d->resend);
    wheel_stop(w, &d->act);
}

/* Something is wrong, unless the network was cut under it. */
static void dialog_wrong(struct sim_dialog *d, const char *what, unsigned status)
{
    if (d->is_disturbed || call_of(d)->is_disturbed) return;
    sim_fail(sim_of(d), "%s, call %u: %s %u", d->phone->device->name, d->call, what, status);
}

/* ---- what a message says of its dialog ---- */

static struct str tag_of(const struct sip_message *m, enum sip_header_id id)
{
    struct sip_nameaddr a;
    return sip_nameaddr_parse(sip_message_value(m, id), &a, NULL) == RC_OK ? sip_nameaddr_tag(&a)
                                                                           : STR("");
}

/* Record-Route becomes Route: as it stands for who was called, turned round for the caller. */
static void keep_route(struct sim_dialog *d, const struct sip_message *m, bool turned)
{
    struct str values[16], v;
    struct sip_values it;
    struct buf b;
    unsigned n = 0;
    sip_values_init(&it, m, SIP_HEADER_RECORD_ROUTE);
    while (n < 16 && sip_values_next(&it, &v) == RC_OK)
        values[n++] = v;
    buf_init_fixed(&b, d->route, sizeof d->route - 1);
    for (unsigned i = 0; i < n; i++)
        buf_printf(&b, "Route: %.*s\r\n", STR_ARG(values[turned ? n - 1 - i : i]));
    CHECK(buf_rc(&b) == RC_OK);
    d->route[b.n] = '\0';
}

static bool keep_target(struct sim_dialog *d, const struct sip_message *m)
{
    struct sip_nameaddr contact;
    struct str value = sip_message_value(m, SIP_HEADER_CONTACT);
    if (sip_nameaddr_parse(value, &contact, NULL) != RC_OK) return false;
    copy(d->target, sizeof d->target, contact.uri);
    return true;
}

/* ---- sending ---- */

static void print_dialog(struct buf *b, const struct sim_dialog *d, const char *method,
                         uint32_t cseq)
{
    const struct sim_device *dev = d->phone->device;
    bool has_tag = d->remote_tag[0] != '\0';
    const char *far = d->is_caller ? call_of(d)->number : "caller";
    buf_printf(b,
               "Max-Forwards: 70\r\n%sFrom: <sip:%s@node1.example.com>;tag=%s\r\n"
               "To: <sip:%s@node1.example.com>%s%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
               "Contact: <sip:%s@10.0.1.9:%u>\r\n",
               d->route, dev->line, d->local_tag, far, has_tag ? ";tag=" : "", d->remote_tag,
               d->call_id, cseq, method, dev->name, sim_phone_flow(d->phone)->local.port);
}

/* False: it could not be sent. */
static bool dialog_send(struct sim_dialog *d, const char *method, struct str body,
                        siptx_client_fn *fn)
{
    struct sim_phone *p = d->phone;
    struct siptx_flow *f = sim_phone_flow(p);
    if (!f) return false;
    struct str uri = str_from(d->target[0] != '\0' ? d->target : d->uri);
    struct buf *b = siptx_request_begin(p->stack, f, str_from(method), uri);
    print_dialog(b, d, method, ++d->local_cseq);
    if (d->remote_tag[0] == '\0' && call_of(d)->offer == SIM_OFFER_HURRIED)
        buf_put_lit(b, "Supported: timer\r\nSession-Expires: 60\r\n");
    enum rc rc = siptx_request_send(p->stack, body.n > 0 ? sdp_type : STR(""), body, fn, d,
                                    &d->client);
    if (rc != RC_OK && rc != RC_BUSY && rc != RC_CLOSED)
        sim_fail(p->sim, "%s: %s cannot be sent: %s", p->device->name, method, rc_name(rc));
    return rc == RC_OK;
}

/* The ACK to a 2xx of ours, of whichever INVITE it is. */
static void send_ack(struct sim_dialog *d, const struct sip_message *m)
{
    struct sim_phone *p = d->phone;
    struct siptx_flow *f = sim_phone_flow(p);
    struct sip_cseq cseq;
    if (!f || sip_cseq_parse(sip_message_value(m, SIP_HEADER_CSEQ), &cseq) != RC_OK) return;
    struct buf *b = siptx_request_begin(p->stack, f, STR("ACK"), str_from(d->target));
    print_dialog(b, d, "ACK", cseq.number);
    if (siptx_request_send_once(p->stack, STR(""), STR("")) != RC_OK)
        dialog_wrong(d, "ACK cannot be sent", 0);
}

/* Tries until there is a connection, for a while. */
static void send_bye(struct sim_dialog *d)
{
    struct sim *s = sim_of(d);
    if (d->state == SIM_OVER || d->state == SIM_ENDING) return;
    d->wants_bye = true;
    if (d->is_busy || d->awaits_ack) return; /* at its end */
    if (dialog_send(d, "BYE", STR(""), on_reply)) {
        d->state = SIM_ENDING;
        wheel_stop(s->wheel, &d->timer);
        wheel_stop(s->wheel, &d->act);
    } else if (d->phone->is_gone) {
        dialog_over(d);
    } else {
        sim_start(s, &d->timer, 1000, on_talk_end, d);
    }
}

static void act_later(struct sim_dialog *d)
{
    if (d->acts > 0 && d->state == SIM_TALKING)
        sim_start(sim_of(d), &d->act, sim_between(sim_of(d), 10, ACT_MS), on_act, d);
}

/* What waited for our request, or for an ACK, to be over. */
static void dialog_free_again(struct sim_dialog *d)
{
    d->is_busy = false;
    if (d->state != SIM_TALKING) return;
    if (d->wants_bye)
        send_bye(d);
    else
        act_later(d);
}

/* Both sides talk: one of them, or both, will end it. */
static void dialog_talk(struct sim_dialog *d)
{
    const struct sim_call *c = call_of(d);
    struct sim *s = sim_of(d);
    d->state = SIM_TALKING;
    bool is_ours = (c->hangs_up & (d->is_caller ? 1u : 2u)) != 0;
    sim_start(s, &d->timer, c->talk_ms + (is_ours ? 0 : SAFETY_MS), on_talk_end, d);
    act_later(d);
}

static void on_talk_end(void *ctx)
{
    send_bye(ctx);
}

/* ---- our requests in a dialog ---- */

static void on_act(void *ctx)
{
    struct sim_dialog *d = ctx;
    static const char *const methods[] = {"INVITE", "UPDATE", "INFO", "INVITE"};
    struct sim *s = sim_of(d);
    if (d->state != SIM_TALKING || d->is_busy || d->awaits_ack || d->wants_bye) return;
    const char *method = methods[random_below(&s->random, 4)];
    bool is_invite = strcmp(method, "INVITE") == 0;
    d->acts--;
    d->is_busy = dialog_send(d, method, is_invite ? sdp_of(d->phone) : STR(""), on_reply);
    if (!d->is_busy) {
        act_later(d);
        return;
    }
    if (is_invite) {
        s->counts->reinvites++;
        d->reinvite = d->client;
    }
}

/* The peer has ended it meanwhile, or both spoke at once. */
static void reply_refused(struct sim_dialog *d, unsigned status)
{
    if (status == 491) {
        sim_of(d)->counts->glares++;
    } else if (status == 481 || status == 408) {
        dialog_wrong(d, "in the dialog", status);
        dialog_over(d);
    } else {
        dialog_wrong(d, "in the dialog", status);
    }
}

/* The other end has left the dialog, or never knew it. */
static bool is_ended_by_peer(struct sim_dialog *d)
{
    struct sim *s = sim_of(d);
    for (unsigned i = 0; i < s->phone_count; i++) {
        const struct sim_dialog *o = dialog_find(&s->phones[i], str_from(d->call_id),
                                                 str_from(d->remote_tag), str_from(d->local_tag));
        if (o) return o->state == SIM_ENDING || o->state == SIM_OVER;
    }
    return true;
}

static void on_bye_reply(struct sim_dialog *d, enum siptx_outcome outcome,
                         const struct sip_message *m)
{
    if (outcome == SIPTX_PROVISIONAL) return;
    if (outcome == SIPTX_LOST && !d->phone->is_gone) { /* again over the next connection */
        d->state = SIM_TALKING;
        sim_start(sim_of(d), &d->timer, 1000, on_talk_end, d);
        return;
    }
    if (outcome == SIPTX_FINAL && m->status != 200 && !(m->status == 481 && is_ended_by_peer(d)))
        dialog_wrong(d, "BYE got", m->status);
    if (outcome == SIPTX_TIMEOUT) {
        sim_of(d)->counts->timeouts++;
        dialog_wrong(d, "BYE timed out", 408);
    }
    dialog_over(d);
}

/* BYE, re-INVITE, UPDATE, INFO. */
static void on_reply(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                     const struct sip_message *m, struct arena *arena)
{
    struct sim_dialog *d = ctx;
    struct sip_cseq cseq;
    (void)arena;
    if (d->reinvite == c && outcome != SIPTX_PROVISIONAL) d->reinvite = NULL;
    if (outcome == SIPTX_GONE || outcome == SIPTX_PROVISIONAL) return;
    if (d->state == SIM_OVER && (outcome != SIPTX_FINAL || m->status == 487)) return;
    bool is_invite = m && sip_cseq_parse(sip_message_value(m, SIP_HEADER_CSEQ), &cseq) == RC_OK &&
                     cseq.method == SIP_METHOD_INVITE;
    if (is_invite && m->status < 300) {
        bool is_first = d->is_busy && cseq.number == d->local_cseq;
        (void)keep_target(d, m);
        send_ack(d, m);
        if (!is_first) return;
    } else if (d->state == SIM_ENDING) {
        on_bye_reply(d, outcome, m);
        return;
    } else if (outcome == SIPTX_FINAL && m->status >= 300) {
        if (m->status == 481 && is_ended_by_peer(d))
            dialog_over(d);
        else
            reply_refused(d, m->status);
    } else if (outcome == SIPTX_TIMEOUT) {
        sim_of(d)->counts->timeouts++;
        reply_refused(d, 408);
    }
    dialog_free_again(d);
}

/* ---- calling ---- */

static void call_done(struct sim_dialog *d, unsigned status)
{
    struct sim_call *c = call_of(d);
    if (c->is_done) return;
    c->is_done = true;
    c->status = status;
    wheel_stop(sim_of(d)->wheel, &c->cancel);
    sim_tell(sim_of(d), "call %u: %u", d->call, status);
    sim_check_outcome(sim_of(d), c);
}

void sim_dialog_call(struct sim *s, unsigned call)
{
    struct sim_call *c = &s->calls[call];
    struct sim_phone *p = &s->phones[c->caller];
    char id[64];
    snprintf(id, sizeof id, "c%u-%llu@sim", call, (unsigned long long)s->seed);
    struct sim_dialog *d = dialog_new(p, call, str_from(id));
    d->is_caller = true;
    d->acts = (unsigned)sim_between(s, 0, 2);
    snprintf(d->local_tag, sizeof d->local_tag, "p%u-%u", p->index, ++p->tag_count);
    snprintf(d->uri, sizeof d->uri, "sip:%s@node1.example.com", c->number);
    if (!dialog_send(d, "INVITE", offer_of(p, c), on_invite_reply)) {
        c->is_disturbed = true;
        dialog_over(d);
        call_done(d, 0);
        return;
    }
    d->state = SIM_CALLING;
}

void sim_dialog_cancel(struct sim *s, unsigned call)
{
    struct sim_phone *p = &s->phones[s->calls[call].caller];
    for (unsigned i = 0; i < p->dialog_count; i++) {
        struct sim_dialog *d = &p->dialogs[i];
        if (d->call != call || !d->is_caller || d->state != SIM_CALLING || !d->client) continue;
        d->is_cancelled = s->calls[call].was_cancelled = true;
        sim_tell(s, "call %u: cancelled", call);
        if (siptx_client_cancel(d->client, STR("")) != RC_OK)
            sim_fail(s, "call %u cannot be cancelled", call);
    }
}

/* A 2xx of this dialog, or of another branch of the fork. */
static void take_2xx(struct sim_dialog *d, const struct sip_message *m)
{
    struct sim_phone *p = d->phone;
    struct str tag = tag_of(m, SIP_HEADER_TO);
    struct sim_dialog *known = dialog_find(p, str_from(d->call_id), str_from(d->local_tag), tag);
    if (known) { /* again: our ACK was lost */
        send_ack(known, m);
        return;
    }
    bool is_first = d->state == SIM_CALLING;
    struct sim_dialog *at = is_first ? d : dialog_new(p, d->call, str_from(d->call_id));
    if (!is_first) {
        sim_of(d)->counts->forks++;
        at->is_caller = at->is_extra = true;
        at->local_cseq = d->local_cseq;
        at->is_disturbed = d->is_disturbed;
        memcpy(at->local_tag, d->local_tag, sizeof at->local_tag);
    }
    copy(at->remote_tag, sizeof at->remote_tag, tag);
    keep_route(at, m, true);
    if (!keep_target(at, m) || tag.n == 0)
        sim_fail(p->sim, "call %u: a 2xx without dialog", d->call);
    send_ack(at, m);
    at->state = SIM_TALKING;
    if (is_first) call_done(d, m->status);
    if (is_first && !d->is_cancelled)
        dialog_talk(at);
    else
        send_bye(at);
}

static void on_invite_reply(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                            const struct sip_message *m, struct arena *arena)
{
    struct sim_dialog *d = ctx;
    (void)c, (void)arena;
    switch (outcome) {
    case SIPTX_PROVISIONAL: return;
    case SIPTX_GONE:
        if (d->client == c) d->client = NULL;
        return;
    case SIPTX_FINAL:
        if (m->status < 300) {
            take_2xx(d, m);
            return;
        }
        if (d->state != SIM_CALLING)
            sim_fail(sim_of(d), "call %u: a second final answer, %u", d->call, m->status);
        dialog_over(d);
        call_done(d, m->status);
        return;
    case SIPTX_TIMEOUT:
    case SIPTX_LOST:
        if (d->state != SIM_CALLING) return;
        if (outcome == SIPTX_LOST) call_of(d)->is_disturbed = true;
        if (outcome == SIPTX_TIMEOUT) sim_of(d)->counts->timeouts++;
        dialog_over(d);
        call_done(d, outcome == SIPTX_TIMEOUT ? 408 : 503);
        return;
    }
}

void sim_dialog_stray(struct sim_phone *p, const struct sip_message *m)
{
    struct sip_cseq cseq;
    if (sip_cseq_parse(sip_message_value(m, SIP_HEADER_CSEQ), &cseq) != RC_OK) return;
    if (cseq.method != SIP_METHOD_INVITE || m->status < 200 || m->status > 299) return;
    struct sim_dialog *d = dialog_find(p, sip_message_value(m, SIP_HEADER_CALL_ID),
                                       tag_of(m, SIP_HEADER_FROM), tag_of(m, SIP_HEADER_TO));
    if (d) send_ack(d, m);
}

/* ---- being called ---- */

static void answer_2xx(struct sim_dialog *d)
{
    struct siptx_request *r = d->invite;
    if (!r) return;
    struct buf *b = siptx_answer_begin(r, 200, STR(""));
    sip_print_copies(b, r->message, SIP_HEADER_RECORD_ROUTE);
    buf_printf(b, "Contact: <sip:%s@10.0.1.9>\r\n", d->phone->device->name);
    (void)siptx_answer_send(r, sdp_type, sdp_of(d->phone));
}

/* Our 2xx, until its ACK comes: T1, doubled up to T2 (RFC 3261, 13.3.1.4). */
static void on_resend(void *ctx)
{
    struct sim_dialog *d = ctx;
    answer_2xx(d);
    d->resend_ms = d->resend_ms == 0 ? T1_MS : d->resend_ms * 2 < T2_MS ? d->resend_ms * 2 : T2_MS;
    sim_start(sim_of(d), &d->resend, d->resend_ms, on_resend, d);
}

static void accept_invite(struct sim_dialog *d, struct siptx_request *r)
{
    d->invite = r;
    d->awaits_ack = true;
    d->ack_cseq = r->basics->cseq.number;
    d->resend_ms = 0;
    on_resend(d);
}

/* 64*T1 after the 2xx, or as soon as a refusal is acknowledged. */
static void on_invite_end(void *ctx, struct siptx_request *r)
{
    struct sim_dialog *d = r->user;
    (void)ctx;
    if (!d || d->invite != r) return;
    d->invite = NULL;
    wheel_stop(sim_of(d)->wheel, &d->resend);
    if (!d->awaits_ack) return;
    d->awaits_ack = false;
    dialog_wrong(d, "no ACK came", 0);
    if (d->state == SIM_ACCEPTED) d->state = SIM_TALKING;
    send_bye(d);
}

static void refuse(struct sim_dialog *d, unsigned status)
{
    struct siptx_request *r = d->invite;
    call_of(d)->sent[d->phone->index] = status;
    dialog_over(d);
    if (r) (void)siptx_respond(r, status, STR(""), STR(""));
}

static void on_decide(void *ctx)
{
    struct sim_dialog *d = ctx;
    struct sim_call *c = call_of(d);
    unsigned me = d->phone->index;
    if (d->state != SIM_INCOMING || !d->invite) return;
    if (c->callees[me].deed == SIM_IGNORE) {
        refuse(d, 480);
    } else if (c->callees[me].deed == SIM_REJECT) {
        refuse(d, c->callees[me].status);
    } else if (c->callees[me].deed == SIM_ANSWER) {
        c->answered |= 1u << me;
        c->sent[me] = 200;
        d->state = SIM_ACCEPTED;
        accept_invite(d, d->invite);
    }
}

static void on_ring(void *ctx)
{
    struct sim_dialog *d = ctx;
    struct sim_call *c = call_of(d);
    if (d->state != SIM_INCOMING || !d->invite) return;
    struct buf *b = siptx_answer_begin(d->invite, 180, STR(""));
    sip_print_copies(b, d->invite->message, SIP_HEADER_RECORD_ROUTE);
    buf_printf(b, "Contact: <sip:%s@10.0.1.9>\r\n", d->phone->device->name);
    (void)siptx_answer_send(d->invite, STR(""), STR(""));
    sim_start(sim_of(d), &d->timer, c->callees[d->phone->index].decide_ms, on_decide, d);
}

/* "c2-SEED@sim" is call 2; SIM_CALL_MAX: none of ours. */
static unsigned call_of_id(struct str id)
{
    return id.n > 1 && id.p[0] == 'c' ? (unsigned)(id.p[1] - '0') : SIM_CALL_MAX;
}

static void incoming(struct sim_phone *p, struct siptx_request *r)
{
    struct sim *s = p->sim;
    struct str id = r->basics->call_id;
    unsigned call = call_of_id(id);
    if (call >= s->call_count || siptx_request_is_merged(r) ||
        !sim_number_rings(s->calls[call].number, p->index)) {
        sim_fail(s, "%s: rung by a call that is not for it: %.*s", p->device->name, STR_ARG(id));
        (void)siptx_respond(r, 482, STR(""), STR(""));
        return;
    }
    struct sim_dialog *d = dialog_new(p, call, id);
    copy(d->local_tag, sizeof d->local_tag, r->to_tag);
    copy(d->remote_tag, sizeof d->remote_tag, r->basics->from_tag);
    keep_route(d, r->message, false);
    if (!keep_target(d, r->message)) sim_fail(s, "call %u: an INVITE without Contact", call);
    d->remote_cseq = r->basics->cseq.number;
    d->acts = (unsigned)sim_between(s, 0, 1);
    d->state = SIM_INCOMING;
    d->invite = r;
    r->user = d;
    r->on_end = on_invite_end;
    s->calls[call].rang |= 1u << p->index;
    sim_start(s, &d->timer, s->calls[call].callees[p->index].ring_ms, on_ring, d);
}

void sim_dialog_cancelled(struct sim_phone *p, struct siptx_request *invite)
{
    struct sim_dialog *d = invite->user;
    (void)p;
    if (d && d->state == SIM_INCOMING && d->invite == invite)
        refuse(d, 487);
    else
        (void)siptx_respond(invite, 487, STR(""), STR(""));
}

void sim_dialog_ack(struct sim_phone *p, const struct sip_message *m)
{
    struct sip_cseq cseq;
    struct sim_dialog *d = dialog_find(p, sip_message_value(m, SIP_HEADER_CALL_ID),
                                       tag_of(m, SIP_HEADER_TO), tag_of(m, SIP_HEADER_FROM));
    if (!d) {
        unsigned call = call_of_id(sip_message_value(m, SIP_HEADER_CALL_ID));
        if (call >= p->sim->call_count || !p->sim->calls[call].is_disturbed)
            sim_fail(p->sim, "%s: an ACK for no dialog", p->device->name);
        return;
    }
    if (sip_cseq_parse(sip_message_value(m, SIP_HEADER_CSEQ), &cseq) != RC_OK || !d->awaits_ack ||
        cseq.number != d->ack_cseq)
        return; /* again */
    d->awaits_ack = false;
    wheel_stop(sim_of(d)->wheel, &d->resend);
    if (d->state == SIM_ACCEPTED)
        dialog_talk(d);
    else
        dialog_free_again(d);
}

static void in_dialog(struct sim_dialog *d, struct siptx_request *r)
{
    enum sip_method method = r->message->method;
    bool is_live = d->state == SIM_TALKING || d->state == SIM_ACCEPTED;
    if (r->basics->cseq.number <= d->remote_cseq) {
        dialog_wrong(d, "CSeq went back", 0);
        (void)siptx_respond(r, 500, STR(""), STR(""));
    } else if (method == SIP_METHOD_BYE) {
        d->remote_cseq = r->basics->cseq.number;
        if (d->state == SIM_INCOMING) dialog_wrong(d, "BYE before an answer", 0);
        dialog_over(d);
        (void)siptx_respond(r, 200, STR(""), STR(""));
    } else if (!is_live) {
        (void)siptx_respond(r, 481, STR(""), STR(""));
    } else if (method == SIP_METHOD_INVITE) {
        if (d->is_busy || d->awaits_ack) {
            (void)siptx_respond(r, 491, STR(""), STR(""));
            return;
        }
        d->remote_cseq = r->basics->cseq.number;
        r->user = d;
        r->on_end = on_invite_end;
        (void)keep_target(d, r->message);
        accept_invite(d, r);
    } else {
        d->remote_cseq = r->basics->cseq.number;
        (void)siptx_respond(r, 200, STR(""), STR(""));
    }
}

/* Somebody took the phone up when the caller had just been told that nobody did: the node hangs up,
 * and so may he, in a dialog the caller has never had. */
static bool is_hung_up_on(const struct sim_call *c)
{
    return c->is_done && c->status >= 300 && c->answered != 0;
}

void sim_dialog_request(struct sim_phone *p, struct siptx_request *r)
{
    struct str to_tag = r->basics->to_tag;
    enum sip_method method = r->message->method;
    if (to_tag.n == 0 && method == SIP_METHOD_INVITE) {
        incoming(p, r);
        return;
    }
    struct sim_dialog *d = dialog_find(p, r->basics->call_id, to_tag, r->basics->from_tag);
    if (d && to_tag.n > 0) {
        in_dialog(d, r);
        return;
    }
    unsigned call = call_of_id(r->basics->call_id);
    bool is_stray = to_tag.n > 0 || method == SIP_METHOD_BYE;
    bool is_excused = call < p->sim->call_count &&
                      (p->sim->calls[call].is_disturbed || is_hung_up_on(&p->sim->calls[call]));
    if (is_stray && !is_excused)
        sim_fail(p->sim, "%s: %.*s for no dialog", p->device->name,
                 STR_ARG(r->message->method_text));
    (void)siptx_respond(r, is_stray ? 481 : 200, STR(""), STR(""));
}

/* The answer to a re-INVITE may be lost for good, with the phone that gave it: RFC 3261 lets its asker
 * wait for ever, a person does not. */
void sim_dialogs_give_up(struct sim_phone *p)
{
    for (unsigned i = 0; i < p->dialog_count; i++) {
        struct sim_dialog *d = &p->dialogs[i];
        if (d->reinvite && siptx_client_cancel(d->reinvite, STR("")) == RC_OK)
            sim_tell(p->sim, "%s: gives up a re-INVITE", p->device->name);
    }
}

void sim_dialogs_stop(struct sim_phone *p)
{
    for (unsigned i = 0; i < p->dialog_count; i++) {
        struct sim_dialog *d = &p->dialogs[i];
        wheel_stop(p->sim->wheel, &d->timer);
        wheel_stop(p->sim->wheel, &d->resend);
        wheel_stop(p->sim->wheel, &d->act);
    }
}
