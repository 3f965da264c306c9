/* siptx/input.c - bytes to messages: framing, keepalives, STUN, sizes, validation, and what bad
 * input gets. */
#include "sip/frame.h"
#include "siptx/stack_int.h"
#include "siptx/stun.h"
#include <stdlib.h>

static void keepalive(struct siptx_flow *f)
{
    struct siptx_stack *s = f->stack;
    if (s->config.events.on_keepalive) s->config.events.on_keepalive(s->config.events.ctx, f);
}

/* ---- one message ---- */

static void malformed(struct siptx_flow *f, enum siptx_malformed cause)
{
    siptx_count(&f->stack->counters.malformed[cause]);
}

static enum siptx_malformed cause_of(const struct sip_message *m, const struct sip_verdict *v)
{
    if (v->action == SIP_DROP) return SIPTX_BAD_VIA;
    if (v->status == 505) return SIPTX_BAD_VERSION;
    if (v->status == 513) return SIPTX_BAD_SIZE;
    return m->body_state == SIP_BODY_OK ? SIPTX_BAD_SYNTAX : SIPTX_BAD_FRAMING;
}

/* A verdict that is not SIP_ACCEPT, or one on a message too big. */
static void refuse(struct siptx_flow *f, const struct siptx_block *b, const struct sip_verdict *v)
{
    struct siptx_stack *s = f->stack;
    const struct sip_message *m = &b->message;
    malformed(f, cause_of(m, v));
    if (!m->is_request) {
        siptx_count(&s->counters.dropped_responses);
    } else if (v->action == SIP_DROP || m->method == SIP_METHOD_ACK) {
        siptx_count(&s->counters.dropped_requests);
    } else {
        siptx_count(&s->counters.requests_in[m->method]);
        siptx_answer_stateless(f, b, v->status, str_from(v->reason), STR(""));
    }
}

static struct siptx_block *block_of(struct siptx_flow *f, struct str bytes)
{
    struct siptx_block *b = siptx_block_get(f->stack);
    if (!b) return NULL;
    struct str copy;
    if (arena_str_dup(&b->arena, bytes, &copy) == RC_OK) {
        b->message.bytes = copy;
        return b;
    }
    siptx_count(&f->stack->counters.out_of_memory);
    siptx_block_put(f->stack, b);
    return NULL;
}

bool siptx_offer(struct siptx_flow *f, struct siptx_block *b)
{
    const struct siptx_events *e = &f->stack->config.events;
    return e->on_message && e->on_message(e->ctx, f, &b->message, &b->basics, &b->arena);
}

static void message_input(struct siptx_flow *f, struct str bytes, enum sip_arrival arrival)
{
    struct siptx_stack *s = f->stack;
    uint64_t seq = siptx_flow_trace_in(f, bytes);
    f->messages_in++;
    struct siptx_block *b = block_of(f, bytes);
    if (!b) return; /* a request is repeated, or its sender gives up */
    if (sip_message_parse(b->message.bytes, arrival, &b->message, NULL) != RC_OK) {
        malformed(f, SIPTX_BAD_SYNTAX);
        siptx_block_put(s, b);
        if (arrival == SIP_STREAM) siptx_flow_finish(f, SIPTX_CLOSE_FRAMING);
        return;
    }
    struct sip_verdict v;
    sip_validate(&b->message, arrival, &b->basics, &v);
    if (v.action == SIP_ACCEPT) {
        if (b->message.is_request && siptx_offer(f, b)) {
            siptx_count(&s->counters.requests_in[b->message.method]);
            siptx_block_put(s, b);
        } else if (b->message.is_request) {
            siptx_server_input(f, b, seq);
        } else {
            siptx_client_input(f, b);
            siptx_block_put(s, b);
        }
        return;
    }
    refuse(f, b, &v);
    siptx_block_put(s, b);
    if (v.must_close && arrival == SIP_STREAM) siptx_flow_finish(f, SIPTX_CLOSE_FRAMING);
}

/* Bytes of a message that is not going to be read to its end: answered by its head if that can be
 * read. too_big: 513, else 400. */
static void head_refused(struct siptx_flow *f, struct str bytes, enum sip_arrival arrival,
                         bool too_big)
{
    struct siptx_stack *s = f->stack;
    siptx_flow_trace_in(f, bytes);
    struct siptx_block *b = block_of(f, bytes);
    if (!b) return;
    struct sip_verdict v;
    if (sip_message_parse(b->message.bytes, arrival, &b->message, NULL) != RC_OK) {
        malformed(f, too_big ? SIPTX_BAD_SIZE : SIPTX_BAD_FRAMING);
        siptx_block_put(s, b);
        return;
    }
    sip_validate(&b->message, arrival, &b->basics, &v);
    if (too_big && v.action != SIP_DROP) {
        v = (struct sip_verdict){.action = SIP_ANSWER, .status = 513};
    } else if (v.action == SIP_ACCEPT) {
        v = (struct sip_verdict){.action = SIP_ANSWER, .status = 400};
    }
    refuse(f, b, &v);
    siptx_block_put(s, b);
}

/* ---- datagrams ---- */

static void stun_input(struct siptx_flow *f, struct str bytes)
{
    struct siptx_stack *s = f->stack;
    uint8_t id[SIPTX_STUN_ID_LEN];
    siptx_flow_stun_id(f, id);
    if (siptx_stun_is_success(str_bytes(bytes), id)) {
        keepalive(f);
        return;
    }
    uint8_t answer[SIPTX_STUN_ANSWER_MAX];
    struct buf b;
    buf_init_fixed(&b, answer, sizeof answer);
    enum rc rc = siptx_stun_answer(str_bytes(bytes), &f->peer, &b);
    if (rc != RC_OK) {
        if (rc == RC_MALFORMED) malformed(f, SIPTX_BAD_STUN);
        return;
    }
    siptx_count(&s->counters.stun_bindings);
    if (f->ops->send(f, &f->peer, buf_str(&b)) != RC_OK) siptx_count(&s->counters.send_failures);
    keepalive(f);
}

/* A few line ends, blanks or NULs keep a NAT's memory fresh; nobody expects an answer. */
static bool is_filler(struct str bytes)
{
    enum { FILLER_MAX = 8 };
    if (bytes.n > FILLER_MAX) return false;
    for (size_t i = 0; i < bytes.n; i++) {
        char c = bytes.p[i];
        if (c != '\r' && c != '\n' && c != ' ' && c != '\0') return false;
    }
    return true;
}

static void datagram_input(struct siptx_flow *f, struct str bytes)
{
    struct siptx_stack *s = f->stack;
    if (siptx_stun_is(str_bytes(bytes))) {
        stun_input(f, bytes);
    } else if (is_filler(bytes)) {
        siptx_count(&s->counters.keepalives);
        keepalive(f);
    } else if (bytes.n > s->limits.message_max) {
        head_refused(f, bytes, SIP_DATAGRAM, true);
    } else {
        message_input(f, bytes, SIP_DATAGRAM);
    }
}

/* ---- streams ---- */

static void pong(struct siptx_flow *f)
{
    siptx_count(&f->stack->counters.keepalives);
    if (f->ops->send(f, &f->peer, STR("\r\n")) != RC_OK)
        siptx_count(&f->stack->counters.send_failures);
    keepalive(f);
}

static void framing_lost(struct siptx_flow *f, const struct sip_frame *frame, struct str rest,
                         enum rc rc)
{
    if (frame->head_n > 0 && frame->head_n <= rest.n) {
        head_refused(f, str_sub(rest, 0, frame->head_n), SIP_STREAM, rc == RC_TOO_BIG);
    } else {
        malformed(f, rc == RC_TOO_BIG ? SIPTX_BAD_SIZE : SIPTX_BAD_FRAMING);
        siptx_flow_trace_in(f, str_sub(rest, 0, 256));
    }
    if (!f->closing) siptx_flow_finish(f, SIPTX_CLOSE_FRAMING);
}

/* Remembers how far a message begun has been scanned. Without memory the stream cannot go on. */
static void frame_keep(struct siptx_flow *f, const struct sip_frame *frame)
{
    if (f->frame == frame) return;
    f->frame = malloc(sizeof *f->frame);
    if (f->frame) {
        *f->frame = *frame;
        return;
    }
    siptx_count(&f->stack->counters.out_of_memory);
    siptx_flow_close(f, SIPTX_CLOSE_ERROR);
}

static void framed_input(struct siptx_flow *f, const struct sip_framed *framed, struct str bytes)
{
    switch (framed->kind) {
    case SIP_FRAME_PING: pong(f); break;
    case SIP_FRAME_PONG:
        if (f->listener_kind == SIPTX_KIND_OUTGOING) keepalive(f);
        break;
    case SIP_FRAME_MESSAGE: message_input(f, bytes, SIP_STREAM); break;
    }
}

/* Every whole message in bytes; how many bytes are done with. */
static size_t stream_input(struct siptx_flow *f, struct str bytes)
{
    struct sip_frame fresh, *frame = f->frame ? f->frame : &fresh;
    size_t done = 0;
    sip_frame_init(&fresh, f->stack->limits.message_max, f->listener_kind == SIPTX_KIND_OUTGOING);
    fresh.half_ping = f->half_ping;
    while (done < bytes.n && !f->closing) {
        struct str rest = str_sub(bytes, done, bytes.n);
        struct sip_framed framed;
        enum rc rc = sip_frame_step(frame, rest, &framed, NULL);
        if (rc == RC_MORE) {
            frame_keep(f, frame);
            break;
        }
        if (rc != RC_OK) {
            framing_lost(f, frame, rest, rc);
            break;
        }
        if (frame != &fresh) {
            fresh = *frame;
            free(f->frame);
            f->frame = NULL;
            frame = &fresh;
        }
        framed_input(f, &framed, str_sub(rest, 0, framed.n));
        done += framed.n;
    }
    f->half_ping = fresh.half_ping;
    return f->closing ? bytes.n : done;
}

size_t siptx_flow_input(struct siptx_flow *f, struct str bytes)
{
    struct siptx_stack *s = f->stack;
    size_t done = bytes.n;
    if (f->closing) return done;
    siptx_enter(s);
    siptx_flow_used(f);
    if (f->transport == SIPTX_UDP) {
        datagram_input(f, bytes);
    } else {
        done = stream_input(f, bytes);
    }
    siptx_leave(s);
    return done;
}
