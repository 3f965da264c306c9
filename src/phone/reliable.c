/* Provisional answers that must arrive (RFC 3262), on both sides: who rings repeats its 180 until the
 * PRACK; who calls confirms each once and in order, for each phone the call rings at. */
#include "phone/call_int.h"

#include "sip/number.h"
#include <stdio.h>

/* ---- theirs ---- */

/* NULL: too many of them. */
static struct call_fork *find_fork(struct phone_call *call, const char *tag)
{
    for (unsigned i = 0; i < call->fork_count; i++)
        if (strcmp(call->forks[i].tag, tag) == 0) return &call->forks[i];
    if (call->fork_count == CALL_FORKS_MAX) return NULL;
    struct call_fork *fork = &call->forks[call->fork_count++];
    *fork = (struct call_fork){.rseq = 0};
    memcpy(fork->tag, tag, strlen(tag) + 1);
    return fork;
}

bool call_reliable_take(struct phone_call *call, const struct sip_message *m)
{
    struct phone_dialog d = call->dialog;
    uint64_t rseq;
    char rack[64];
    if (m->status == 100 || !sip_values_has(m, SIP_HEADER_REQUIRE, STR("100rel"))) return true;
    if (str_to_u64(sip_message_value(m, SIP_HEADER_RSEQ), UINT32_MAX, &rseq) != RC_OK ||
        rseq == 0 || phone_dialog_take_response(&d, m) != RC_OK)
        return false;
    struct call_fork *fork = find_fork(call, d.remote_tag);
    if (!fork || (fork->rseq != 0 && rseq != (uint64_t)fork->rseq + 1)) return false; /* (4) */
    snprintf(rack, sizeof rack, "RAck: %u %u INVITE\r\n", (unsigned)rseq, call->invite_cseq);
    if (call_ask(call, &d, STR("PRACK"), str_from(rack), STR(""), STR(""), NULL) != RC_OK)
        return false; /* it comes again */
    fork->rseq = (uint32_t)rseq;
    return true;
}

/* ---- ours ---- */

static void on_reliable_time(void *ctx)
{
    struct phone_call *call = ctx;
    int64_t left_ms = call->reliable_until_ms - call_now_ms(call);
    if (left_ms <= 0 || !call->request) { /* nobody is there (3) */
        if (call->request) siptx_respond(call->request, 504, STR("No PRACK came"), STR(""));
        call_end(call, PHONE_CALL_ENDED, PHONE_CAUSE_TIMEOUT);
        return;
    }
    call_send_180(call);
    call->reliable_ms *= 2;
    uint64_t wait_ms = left_ms < (int64_t)call->reliable_ms ? (uint64_t)left_ms : call->reliable_ms;
    call_timer(call, &call->reliable_timer, wait_ms, on_reliable_time);
}

/* Without an offer in the INVITE the first reliable answer would have to bear ours (5), before anybody
 * here has picked up: such a call rings here and is silent there. */
void call_reliable_ring(struct phone_call *call)
{
    if (call->request->message->body.n == 0) return;
    call->rseq = 1 + (uint32_t)random_below(&call->set->config.random, INT32_MAX);
    call->reliable_cseq = call->request->basics->cseq.number;
    call->reliable_ms = CALL_T1_MS;
    call->reliable_until_ms = call_now_ms(call) + CALL_NO_ACK_MS;
    call_send_180(call);
    call_timer(call, &call->reliable_timer, CALL_T1_MS, on_reliable_time);
}

void call_on_prack(struct phone_call *call, struct siptx_request *r)
{
    struct sip_rack rack;
    if (sip_message_count(r->message, SIP_HEADER_RACK) != 1 ||
        sip_rack_parse(sip_message_value(r->message, SIP_HEADER_RACK), &rack) != RC_OK) {
        siptx_respond(r, 400, STR("Bad RAck"), STR(""));
        return;
    }
    if (call->rseq == 0 || rack.rseq != call->rseq || rack.cseq.number != call->reliable_cseq ||
        rack.cseq.method != SIP_METHOD_INVITE) {
        siptx_respond(r, 481, STR(""), STR(""));
        return;
    }
    call_timer_stop(call, &call->reliable_timer);
    /* Its INVITE's offer waits for an answer still: another cannot be made (RFC 3262, 5). */
    bool offers = r->message->body.n > 0;
    siptx_respond(r, offers ? 400 : 200, offers ? STR("No offer may be here") : STR(""), STR(""));
}
