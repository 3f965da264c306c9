/* The answers of the line as bytes: challenges of both dialects, refusals with the Warning the
 * reference sends, and what every answer carries. */
#include "call/call_int.h"

#include "call/digest.h"
#include "sip/auth.h"
#include "sip/date.h"
#include "sip/print.h"
#include "sip/warning.h"

const struct str call_allow = STR_INIT("Allow: REGISTER, OPTIONS\r\n");

void call_print_common(const struct call_visit *v, struct buf *out)
{
    buf_put_lit(out, "Date: ");
    sip_date_print(out, clock_unix_s(&v->worker->node->clock));
    buf_put_lit(out, "\r\n");
    struct str server = v->params->text[STORE_P_SERVER_HEADER];
    if (server.n > 0) sip_print_header(out, SIP_HEADER_SERVER, server);
}

void call_print_reason(const struct call_visit *v, struct buf *out)
{
    bool proved = v->question.bearer == CALL_PROOF_GOOD || v->question.digest == CALL_PROOF_GOOD ||
                  v->question.cert_names_device;
    if (!proved || !directory_params_is_on(v->params, STORE_P_REASON_HEADER)) return;
    sip_print_header(out, SIP_HEADER_BEARLINE_REASON, str_from(call_why_name(v->verdict.why)));
}

void call_answer(struct call_visit *v, unsigned status, struct str reason, struct str headers)
{
    struct buf *out = siptx_answer_begin(v->request, status, reason);
    call_print_common(v, out);
    buf_put_str(out, headers);
    siptx_answer_send(v->request, STR(""), STR(""));
}

/* Cisco phones get the realm alone; others what RFC 8898, 4 gives them. */
static void challenge_bearer(struct call_visit *v)
{
    struct sip_bearer_challenge c = {.realm = v->params->text[STORE_P_REALM]};
    if (!v->cisco) {
        c.scope = v->params->text[STORE_P_TOKEN_SCOPE];
        c.authz_server = call_worker_authz_server(v->worker);
        if (v->verdict.why == CALL_WHY_BAD_TOKEN)
            c.error = str_from(oauth_reason_error(v->token_reason));
        if (c.error.n > 0) c.error_description = str_from(oauth_reason_text(v->token_reason));
    }
    struct buf *out = siptx_answer_begin(v->request, v->cisco ? 407 : 401, STR(""));
    call_print_common(v, out);
    sip_bearer_challenge_print(
        out, v->cisco ? SIP_HEADER_PROXY_AUTHENTICATE : SIP_HEADER_WWW_AUTHENTICATE, &c);
    siptx_answer_send(v->request, STR(""), STR(""));
}

static void print_digest_challenge(struct call_visit *v, struct buf *out, struct str algorithm)
{
    char nonce[CALL_NONCE_LEN], source[NET_ADDR_TEXT_MAX];
    struct buf n, s;
    buf_init_fixed(&n, nonce, sizeof nonce);
    buf_init_fixed(&s, source, sizeof source);
    struct call_node *node = v->worker->node;
    if (v->request->flow) net_addr_print_ip(&s, &v->request->flow->peer);
    call_nonce_print(&n, secret_bytes(&node->nonce_key), clock_unix_s(&node->clock), buf_str(&s),
                     random_u64(&node->random));
    struct sip_digest d = {
        .realm = v->params->text[STORE_P_REALM],
        .nonce = buf_str(&n),
        .algorithm = algorithm,
        .qop = STR("auth"),
        .stale = v->nonce_is_stale,
    };
    sip_digest_challenge_print(out, SIP_HEADER_WWW_AUTHENTICATE, &d);
}

/* The stronger method first (RFC 8760, 2.3). */
static void challenge_digest(struct call_visit *v)
{
    struct str offer = v->params->text[STORE_P_DIGEST_ALGORITHMS];
    struct buf *out = siptx_answer_begin(v->request, 401, STR(""));
    call_print_common(v, out);
    if (!str_eq(offer, STR("MD5"))) print_digest_challenge(v, out, STR("SHA-256"));
    if (!str_eq(offer, STR("SHA-256"))) print_digest_challenge(v, out, STR("MD5"));
    siptx_answer_send(v->request, STR(""), STR(""));
}

void call_answer_challenge(struct call_visit *v)
{
    if (v->verdict.action == CALL_CHALLENGE_BEARER)
        challenge_bearer(v);
    else
        challenge_digest(v);
}

void call_answer_refusal(struct call_visit *v)
{
    unsigned status = v->verdict.action == CALL_REFUSE_UNKNOWN ? 404 : 403;
    struct str agent = v->worker->node->node_name;
    struct buf *out = siptx_answer_begin(v->request, status, STR(""));
    call_print_common(v, out);
    if (v->verdict.action == CALL_REFUSE_MISMATCH) {
        sip_print_header_u64(out, SIP_HEADER_RETRY_AFTER,
                             (uint64_t)v->params->number[STORE_P_RETRY_AFTER_S]);
        sip_warning_print(out, 399, agent, STR("SIP OAuth Registration port Mismatch"));
    } else if (v->verdict.action == CALL_REFUSE_OWNER) {
        sip_warning_print(out, 399, agent, STR("Token user does not own device"));
    }
    call_print_reason(v, out);
    siptx_answer_send(v->request, STR(""), STR(""));
}
