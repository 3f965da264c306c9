#include "kit/kit.h"

#include "call/bed.h"
#include "call/call_int.h"
#include "call/quota.h"
#include "crypto/digest.h"

#include <stdio.h>

static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};

#define assert_has(b, needle)                                                                      \
    do {                                                                                           \
        if (!bed_answer_has(b, needle)) fail_msg("no \"%s\" in:\n%s", needle, (b)->sent);          \
    } while (0)
#define assert_has_not(b, needle)                                                                  \
    do {                                                                                           \
        if (bed_answer_has(b, needle)) fail_msg("\"%s\" in:\n%s", needle, (b)->sent);              \
    } while (0)

static int setup(void **state)
{
    *state = bed_new();
    return 0;
}

static int teardown(void **state)
{
    bed_free(*state);
    return 0;
}

/* ---- the main job ---- */

static void test_a_cisco_phone_is_asked_for_its_token_and_registers(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", NULL, NULL));
    assert_has(b, "SIP/2.0 407 Proxy Authentication Required\r\n");
    assert_has(b, "\r\nProxy-Authenticate: Bearer realm=\"ccmsipline\"\r\n");
    assert_has(b, "\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n");
    assert_has(b, "\r\nContent-Length: 0\r\n");
    assert_has(b, "To: <sip:1010@10.10.10.1>;tag=");
    assert_int_equal(0, bed_count(b));

    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_has(b, "\r\nExpires: 120\r\n");
    assert_has(b, ";video;x-cisco-newreg\r\n");
    assert_has(b, "\r\nSupported: X-cisco-srtp-fallback,X-cisco-sis-9.1.0\r\n");
    assert_has(b, "\r\nContent-Type: application/x-cisco-remotecc-response+xml\r\n");
    assert_has(b, "<response><code>200</code>");
    assert_int_equal(1, bed_count(b));
    assert_true(kit_log_has(&b->lines, "event=register.accepted device=CSFrado line=1010"));
    assert_false(kit_log_has(&b->lines, str_from(token).p + 20));
}

static void test_a_refresh_needs_no_token_and_has_no_body(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    bed_pass(b, 115000);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", NULL, NULL));
    assert_has(b, "\r\nContent-Length: 0\r\n");
    assert_has_not(b, "newreg");
    bed_pass(b, 134000); /* 120 and the 15 s the reference waits */
    assert_int_equal(1, bed_count(b));
    bed_pass(b, 2000);
    assert_int_equal(0, bed_count(b));
    assert_true(kit_log_has(&b->lines, "event=register.expired device=CSFrado"));
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", NULL, NULL));
    assert_has(b, ";x-cisco-newreg"); /* to the server it is a new one */
}

static void test_strict_credentials_ask_every_request_for_its_token(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    bed_param(b, store_param_def(STORE_P_STRICT_CREDENTIALS)->name, "1");
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", NULL, NULL));
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
}

static void test_the_binding_never_outlives_the_token(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 70);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_has(b, "\r\nExpires: 70\r\n");
    bed_pass(b, 69000);
    assert_int_equal(1, bed_count(b));
    bed_pass(b, 2000);
    assert_int_equal(0, bed_count(b));
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", NULL, NULL));
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
}

static void test_unregistering_takes_the_binding_away(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", NULL, "Expires: 0\r\n"));
    assert_has(b, "\r\nExpires: 0\r\n");
    assert_has_not(b, "Contact:");
    assert_int_equal(0, bed_count(b));
}

static void test_a_standby_keepalive_registers_nothing(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX], headers[BED_TOKEN_MAX + 100];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    snprintf(headers, sizeof headers, "Expires: 0\r\nProxy-Authorization: Bearer token=\"%s\"\r\n",
             token);
    const char *contact = "<sip:uuid-1@10.10.10.10:62162;transport=tls>;+u.sip!devicename.ccm."
                          "cisco.com=\"CSFrado\";expires=0;cisco-keep-alive";
    assert_int_equal(200, bed_register(b, f, "1010", contact, headers, NULL));
    assert_has(b, "cisco-keep-alive");
    assert_int_equal(0, bed_count(b));
}

static void test_one_register_may_stand_for_all_lines(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX], headers[BED_TOKEN_MAX + 300];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    snprintf(headers, sizeof headers,
             "Expires: 3600\r\nProxy-Authorization: Bearer token=\"%s\"\r\n"
             "Content-Type: multipart/mixed; boundary=uniqueBoundary\r\nMime-Version: 1.0\r\n",
             token);
    const char *body =
        "--uniqueBoundary\r\nContent-Type: application/x-cisco-remotecc-request+xml\r\n"
        "Content-Disposition: session;handling=optional\r\n\r\n"
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<x-cisco-remotecc-request><bulkregisterreq>"
        "<contact all=\"true\"><register></register></contact></bulkregisterreq>"
        "</x-cisco-remotecc-request>\r\n"
        "--uniqueBoundary\r\nContent-Type: application/x-cisco-remotecc-request+xml\r\n"
        "Content-Disposition: session;handling=optional\r\n\r\n"
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<x-cisco-remotecc-request><optionsind>"
        "<combine max=\"6\"><remotecc><status></status></remotecc><service-control>"
        "</service-control></combine><dialog usage=\"hook status\"><unot></unot><sub></sub>"
        "</dialog><joinreq></joinreq><oosalarm></oosalarm></optionsind>"
        "</x-cisco-remotecc-request>\r\n--uniqueBoundary--\r\n";
    const char *contact = "<sip:uuid-1@10.10.10.10:62162;transport=tls>;+u.sip!devicename.ccm."
                          "cisco.com=\"CSFrado\"";
    assert_int_equal(200, bed_register(b, f, "1010", contact, headers, body));
    assert_int_equal(2, bed_count(b));
    assert_has(b, "<optionsind><combine max=\"6\">");
    assert_has(b, "<dialog usage=\"hook status\"><unot></unot></dialog>");
    assert_has(b, "<joinreq></joinreq></optionsind>");
    assert_has_not(b, "oosalarm");
    assert_has_not(b, "shared line");
}

static void test_the_refresh_of_one_line_keeps_all_lines(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX], headers[BED_TOKEN_MAX + 300];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    snprintf(headers, sizeof headers,
             "Expires: 3600\r\nProxy-Authorization: Bearer token=\"%s\"\r\n"
             "Content-Type: application/x-cisco-remotecc-request+xml\r\n",
             token);
    const char *body = "<x-cisco-remotecc-request><bulkregisterreq><contact all=\"true\"><register>"
                       "</register></contact></bulkregisterreq></x-cisco-remotecc-request>";
    const char *contact = "<sip:uuid-1@10.10.10.10:62162;transport=tls>;+u.sip!devicename.ccm."
                          "cisco.com=\"CSFrado\"";
    assert_int_equal(200, bed_register(b, f, "1010", contact, headers, body));
    assert_int_equal(2, bed_count(b));
    bed_pass(b, 115000);
    assert_int_equal(200, bed_register(b, f, "1010", contact, "Expires: 3600\r\n", NULL));
    bed_pass(b, 115000);
    assert_int_equal(2, bed_count(b));
    assert_int_equal(200, bed_register(b, f, "1010", contact, "Expires: 0\r\n", NULL));
    assert_int_equal(0, bed_count(b));
}

static void test_lines_registered_one_by_one_stay_apart(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX], headers[BED_TOKEN_MAX + 300];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    snprintf(headers, sizeof headers, "Proxy-Authorization: Bearer token=\"%s\"\r\n", token);
    const char *first = "<sip:a@10.10.10.10:62162>;+u.sip!devicename.ccm.cisco.com=\"CSFrado\"";
    const char *second = "<sip:b@10.10.10.10:62162>;+u.sip!devicename.ccm.cisco.com=\"CSFrado\"";
    assert_int_equal(200, bed_register(b, f, "1010", first, headers, NULL));
    b->call++;
    assert_int_equal(200, bed_register(b, f, "1011", second, NULL, NULL));
    assert_int_equal(2, bed_count(b));
    assert_int_equal(200, bed_register(b, f, "1011", second, "Expires: 0\r\n", NULL));
    assert_int_equal(1, bed_count(b));
}

/* ---- refusals ---- */

static void test_a_bad_token_is_challenged_and_logged_once_without_it(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", -100);
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_true(kit_log_has(&b->lines, "why=bad-token detail=expired"));
    struct call_refusal r;
    assert_true(call_node_last_refusal(b->node, STR("csfRADO"), &r));
    assert_int_equal(CALL_WHY_BAD_TOKEN, r.why);
    assert_string_equal("expired", r.detail);
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", "eyJhbGciOiJub25lIn0.e30.", NULL));
    assert_int_equal(0, bed_count(b));
}

/* What anybody may send must not fill the disk. */
static void test_strangers_cannot_flood_the_log(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    size_t lines = 0;
    struct call_counters c;
    bed_pass(b, 10000);
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    for (int i = 0; i < CALL_QUOTA_BURST + 40; i++) {
        b->lines.n = 0, b->lines.text[0] = '\0';
        assert_int_equal(407, bed_cisco(b, f, "CSFrado", "eyJhbGciOiJub25lIn0.e30.", NULL));
        lines += kit_log_has(&b->lines, "event=line.challenged") != 0;
    }
    assert_int_equal(CALL_QUOTA_BURST, lines);
    call_node_count(b->node, &c);
    assert_int_equal(CALL_QUOTA_BURST + 40, c.verdicts[CALL_WHY_BAD_TOKEN]);
    bed_token(b, token, "eve", "g1", 3600); /* who has proved something is always heard of */
    b->lines.n = 0, b->lines.text[0] = '\0';
    assert_int_equal(403, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_true(kit_log_has(&b->lines, "event=line.refused"));
    bed_pass(b, 100);
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", "bad", NULL));
    assert_true(kit_log_has(&b->lines, "unlogged_before=40"));
}

static void test_a_token_with_no_time_left_is_told_of(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct call_counters c;
    struct call_refusal r;
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", -10); /* within the leeway */
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", token, NULL));
    call_node_count(b->node, &c);
    assert_int_equal(1, c.verdicts[CALL_WHY_BAD_TOKEN]);
    assert_true(kit_log_has(&b->lines, "event=line.challenged"));
    assert_true(kit_log_has(&b->lines, "why=bad-token detail=expired"));
    assert_true(call_node_last_refusal(b->node, STR("CSFrado"), &r));
}

static void test_a_stranger_is_marked_in_the_devices_ladder(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", NULL, NULL));
    assert_string_equal("CSFrado?", f->label);
    bed_token(b, token, "eve", "g1", 3600); /* another user's proof is none for this device */
    assert_int_equal(403, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_string_equal("CSFrado?", f->label);
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_string_equal("CSFrado", f->label);
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", "bad", NULL));
    assert_string_equal("CSFrado", f->label); /* its own flow: it has proved that */
}

/* An edge's one connection: who has proved himself names his own messages only. */
static void test_a_proof_on_an_edges_connection_names_its_own_messages(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_trace_record *rows;
    struct arena a;
    size_t count;
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_MRA, 62162);
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", NULL, NULL));
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    bed_token(b, token, "eve", "g2", 3600);
    assert_int_equal(404, bed_cisco(b, f, "CSFnone", token, NULL));
    assert_int_equal(401, bed_request(b, f, "OPTIONS", NULL));
    struct siptx_trace_filter filter = {.flow_id = f->id};
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, siptx_trace_collect(b->trace, &filter, 10, &a, &rows, &count));
    assert_int_equal(8, count);
    for (size_t i = 0; i < 8; i++)
        assert_true(str_eq(rows[i].label, i < 2   ? STR("CSFrado?")
                                          : i < 4 ? STR("CSFrado")
                                                  : STR("?")));
    arena_fini(&a);
}

static void test_another_users_token(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "eve", "g1", 3600);
    assert_int_equal(403, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_has(b, "\r\nWarning: 399 UCM2-PUB \"Token user does not own device\"\r\n");
    assert_has(b, "\r\nBearline-Reason: not-owner\r\n");
    bed_param(b, store_param_def(STORE_P_OWNER_CHECK)->name, "0");
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
}

static void test_an_unknown_device_is_404_only_after_a_good_token(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    assert_int_equal(407, bed_cisco(b, f, "CSFnobody", NULL, NULL));
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(404, bed_cisco(b, f, "CSFnobody", token, NULL));
}

static void test_mode_off_is_the_port_mismatch(void **state)
{
    struct bed *b = *state;
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_param(b, "ClusterSIPOAuthMode", "0");
    assert_int_equal(403, bed_cisco(b, f, "CSFrado", NULL, NULL));
    assert_has(b, "SIP/2.0 403 Forbidden\r\n");
    assert_has(b, "\r\nRetry-After: 35\r\n");
    assert_has(b, "\r\nWarning: 399 UCM2-PUB \"SIP OAuth Registration port Mismatch\"\r\n");
    assert_has_not(b, "Bearline-Reason"); /* a stranger is not told more than the reference tells */
}

static void test_an_oauth_device_on_the_old_ports_is_the_port_mismatch(void **state)
{
    struct bed *b = *state;
    struct siptx_flow *f = bed_flow(b, SIPTX_TCP, CALL_LINE, 62162);
    assert_int_equal(403, bed_cisco(b, f, "CSFrado", NULL, NULL));
    assert_has(b, "SIP OAuth Registration port Mismatch");
    struct call_refusal r;
    assert_true(call_node_last_refusal(b->node, STR("CSFrado"), &r));
    assert_int_equal(CALL_WHY_PROFILE_OAUTH, r.why);
}

static void test_a_foreign_domain_or_line_is_404(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX], headers[BED_TOKEN_MAX + 100];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    snprintf(headers, sizeof headers, "Proxy-Authorization: Bearer token=\"%s\"\r\n", token);
    const char *contact = "<sip:x@10.10.10.10:62162;transport=tls>;+u.sip!devicename.ccm.cisco."
                          "com=\"CSFrado\"";
    assert_int_equal(404, bed_register(b, f, "4711", contact, headers, NULL));
}

static void test_a_removed_right_lets_the_registration_go(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    struct store_why why = {""};
    struct store_user u;
    struct arena a;
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    arena_init(&a, NULL, 0, 65536);
    assert_rc(RC_OK, store_user_get(b->store, STR("rado"), &a, &u, &why));
    u.active = false;
    assert_rc(RC_OK, store_user_put(b->store, &admin, STORE_UPDATE, &u, &why));
    arena_fini(&a);
    assert_int_equal(0, bed_count(b));
    assert_true(kit_log_has(&b->lines, "event=register.unfit device=CSFrado"));
    struct call_counters c;
    call_node_count(b->node, &c);
    assert_int_equal(1, c.released);
}

/* A clock that, asked between decision and registration, turns the mode off. */
struct meddler {
    struct bed *bed;
    struct clock real;
};

static int64_t meddle_mono(void *ctx)
{
    struct meddler *m = ctx;
    m->bed->node->clock = m->real;
    bed_param(m->bed, "ClusterSIPOAuthMode", "0");
    return clock_mono_ms(&m->real);
}

static int64_t meddle_unix(void *ctx)
{
    return clock_unix_ms(&((struct meddler *)ctx)->real);
}

static void test_a_right_removed_meanwhile_is_no_registration(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", NULL, "Expires: 0\r\n"));
    struct meddler m = {b, b->node->clock};
    b->node->clock = (struct clock){.mono_ms = meddle_mono, .unix_ms = meddle_unix, .ctx = &m};
    assert_int_equal(503, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_int_equal(0, bed_count(b));
}

static void test_mode_off_lets_oauth_registrations_go(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    bed_param(b, "ClusterSIPOAuthMode", "0");
    assert_int_equal(0, bed_count(b));
}

static void test_a_lost_connection_takes_its_bindings(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    siptx_flow_gone(f, SIPTX_CLOSE_PEER, STR(""));
    assert_int_equal(0, bed_count(b));
}

static void test_the_newest_registration_of_a_device_name_wins(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    bed_token(b, token, "rado", "g1", 3600);
    struct siptx_flow *f1 = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 10010);
    struct siptx_flow *f2 = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 20020);
    assert_int_equal(200, bed_cisco(b, f1, "CSFrado", token, NULL));
    assert_int_equal(200, bed_cisco(b, f2, "CSFrado", token, NULL));
    assert_has(b, ";x-cisco-newreg");
    assert_int_equal(1, bed_count(b));
    assert_true(kit_log_has(&b->lines, "why=duplicate-registration"));
}

/* ---- the standard dialect (RFC 8898; RFC 3261, 10.3) ---- */

static unsigned standard(struct bed *b, struct siptx_flow *f, const char *contact, const char *more)
{
    char token[BED_TOKEN_MAX], headers[BED_TOKEN_MAX + 512];
    bed_token(b, token, "rado", "g1", 3600);
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n%s", token, more ? more : "");
    return bed_register(b, f, "1010", contact, headers, NULL);
}

/* While the first phone's registration is on its way, another phone of the name registers whole on
 * another worker: it comes later and takes the first one's binding away as it must. */
struct rival {
    struct bed *b;
    bool is_done, takes;
};

static void on_nothing(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                       size_t count)
{
    (void)ctx;
    (void)bindings;
    (void)count;
    assert_rc(RC_OK, rc);
}

static void on_first_registered(void *ctx, enum location_cause cause,
                                const struct location_binding *first,
                                const struct location_binding *old)
{
    struct rival *r = ctx;
    (void)old;
    if (cause != LOCATION_REGISTERED || r->is_done) return;
    r->is_done = true;
    struct location_binding second = *first;
    second.contact = second.contact_key = STR("sip:uuid-1@10.10.10.99:1");
    second.instance = STR("urn:uuid:99");
    second.call_id = STR("another");
    second.flow = 0x7f00000000000001;
    second.id = second.claim = 0;
    struct location_update u = {first->aor, &second, 1, r->b->time.mono_ms, r->b->time.unix_ms};
    location_update(r->b->location, &u, on_nothing, NULL);
    struct location_key key = {LOCATION_BY_DEVICE, STR("CSFrado"), first->flow};
    if (r->takes) location_remove(r->b->location, &key, 0, LOCATION_REPLACED, on_nothing, NULL);
}

static void on_the_one(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                       size_t count)
{
    assert_rc(RC_OK, rc);
    assert_int_equal(1, count);
    *(uint64_t *)ctx = bindings[0]->flow;
}

static void two_phones_at_once(struct bed *b, bool takes)
{
    struct rival rival = {.b = b, .takes = takes};
    char token[BED_TOKEN_MAX];
    uint64_t flow = 0;
    struct location_key key = {LOCATION_BY_DEVICE, STR("CSFrado"), 0};
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    assert_rc(RC_OK, location_watch(b->location, on_first_registered, &rival));
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_true(rival.is_done);
    location_fetch(b->location, &key, b->time.mono_ms, on_the_one, &flow);
    assert_int_equal(0x7f00000000000001, flow);
    location_unwatch(b->location, on_first_registered, &rival);
    /* The next to come is the newest again. */
    struct siptx_flow *third = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62199);
    assert_int_equal(200, bed_cisco(b, third, "CSFrado", token, NULL));
    location_fetch(b->location, &key, b->time.mono_ms, on_the_one, &flow);
    assert_int_equal(third->id, flow);
}

static void test_of_two_phones_at_once_the_later_stays(void **state)
{
    two_phones_at_once(*state, true);
}

static void test_a_phone_overtaken_takes_itself_out(void **state)
{
    two_phones_at_once(*state, false);
}

static void test_a_node_leaves_no_watcher_behind(void **state)
{
    struct bed *b = *state;
    for (int i = 0; i < 2 * LOCATION_WATCHER_MAX; i++) {
        struct call_node_config c = {.directory = b->directory,
                                     .location = b->location,
                                     .verifier = b->verifier,
                                     .stacks = b->stacks,
                                     .clock = kit_clock(&b->time),
                                     .random = b->random,
                                     .log = &b->log,
                                     .node_name = STR("UCM2-SUB")};
        struct call_node *n;
        assert_rc(RC_OK, call_node_new(&c, &n));
        call_node_free(n);
    }
}

static void test_standard_challenge_names_scope_and_server(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX], headers[BED_TOKEN_MAX + 64];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 5555);
    assert_int_equal(401, bed_register(b, f, "1010", "<sip:a@10.0.0.1:5061>", NULL, NULL));
    assert_has(b, "\r\nWWW-Authenticate: Bearer realm=\"ccmsipline\"");
    assert_has(b, "scope=\"sip\"");
    assert_has(b, "authz_server=\"https://node1.example.com:8443\"");
    assert_has_not(b, "error=");
    bed_token(b, token, "rado", "g1", -100);
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", token);
    assert_int_equal(401, bed_register(b, f, "1010", "<sip:a@10.0.0.1:5061>", headers, NULL));
    assert_has(b, "error=\"invalid_token\"");
}

static void test_several_contacts_fetch_and_star(void **state)
{
    struct bed *b = *state;
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 5555);
    assert_int_equal(200,
                     standard(b, f, "<sip:a@10.0.0.1:5061>;q=0.5, <sip:b@10.0.0.2>;expires=600",
                              "Expires: 900\r\n"));
    assert_int_equal(2, bed_count(b));
    assert_has(b, "<sip:a@10.0.0.1:5061>;q=0.5;expires=900\r\n");
    assert_has(b, "<sip:b@10.0.0.2>;expires=600\r\n");
    assert_int_equal(200, standard(b, f, NULL, NULL)); /* fetch */
    assert_has(b, "<sip:b@10.0.0.2>;expires=600\r\n");
    assert_int_equal(200, standard(b, f, "<sip:A@10.0.0.9>, <sip:b@10.0.0.2>;expires=0", NULL));
    assert_int_equal(2, bed_count(b));
    assert_has_not(b, "sip:b@10.0.0.2");
    assert_int_equal(400, standard(b, f, "*", NULL));
    assert_has(b, "400 Bad Request: Contact * without Expires: 0");
    assert_int_equal(400, standard(b, f, "*, <sip:a@10.0.0.1>", "Expires: 0\r\n"));
    assert_int_equal(2, bed_count(b));
    assert_int_equal(200, standard(b, f, "*", "Expires: 0\r\n"));
    assert_int_equal(0, bed_count(b));
}

/* eve's device CSFeve shares rado's line 1010. */
static void add_eves_device(struct bed *b)
{
    struct store_why why = {""};
    struct store_device_line line = {.index = 1, .pattern = STR("1010"), .contact = STR("uuid-9")};
    struct store_device d = {.name = STR("CSFeve"),
                             .model = 503,
                             .owner = STR("eve"),
                             .profile = STR("Cisco Unified Client Services Framework - OAuth auth"),
                             .enabled = true,
                             .lines = &line,
                             .line_count = 1};
    assert_rc(RC_OK, store_device_put(b->store, &admin, STORE_ADD, &d, &why));
}

static void test_star_leaves_the_shared_lines_other_devices(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX], headers[BED_TOKEN_MAX + 64];
    struct siptx_flow *eve = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 5556);
    struct siptx_flow *rado = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 5555);
    add_eves_device(b);
    bed_token(b, token, "eve", "g2", 3600);
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", token);
    assert_int_equal(200, bed_register(b, eve, "1010", "<sip:eve@10.0.0.9>", headers, NULL));
    assert_int_equal(200, standard(b, rado, "<sip:a@10.0.0.1>", NULL));
    assert_int_equal(2, bed_count(b));
    assert_int_equal(200, standard(b, rado, "*", "Expires: 0\r\n"));
    assert_has(b, "<sip:eve@10.0.0.9>"); /* still there, and the answer says so */
    assert_has_not(b, "<sip:a@10.0.0.1>");
    assert_int_equal(1, bed_count(b));
}

static void test_no_contact_takes_another_devices_binding_away(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX], headers[BED_TOKEN_MAX + 100];
    add_eves_device(b);
    struct siptx_flow *mine = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 10010);
    struct siptx_flow *eves = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 20020);
    assert_int_equal(200, standard(b, mine, "<sip:a@10.0.0.1>", NULL));
    bed_token(b, token, "eve", "g2", 3600);
    snprintf(headers, sizeof headers, "Proxy-Authorization: Bearer token=\"%s\"\r\n", token);
    assert_int_equal(200,
                     bed_register(b, eves, "1010", "<sip:a@10.0.0.1>;expires=0", headers, NULL));
    assert_int_equal(1, bed_count(b));
    assert_has(b, "Contact: <sip:a@10.0.0.1>");
}

static void test_too_brief_and_too_many(void **state)
{
    struct bed *b = *state;
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 5555);
    assert_int_equal(423, standard(b, f, "<sip:a@10.0.0.1>", "Expires: 10\r\n"));
    assert_has(b, "\r\nMin-Expires: 60\r\n");
    assert_int_equal(423, standard(b, f, "<sip:b@10.0.0.1>, <sip:a@10.0.0.1>;expires=5", NULL));
    assert_int_equal(0, bed_count(b)); /* all or nothing */
    assert_int_equal(200, standard(b, f, "<sip:a@10.0.0.1>", "Expires: 999999\r\n"));
    assert_has(b, ";expires=3600\r\n");
    bed_param(b, store_param_def(STORE_P_BINDINGS_PER_LINE)->name, "2");
    assert_int_equal(403,
                     standard(b, f, "<sip:b@10.0.0.1>, <sip:c@10.0.0.1>, <sip:d@10.0.0.1>", NULL));
    assert_int_equal(1, bed_count(b));
}

static void test_an_older_cseq_changes_nothing(void **state)
{
    struct bed *b = *state;
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 5555);
    assert_int_equal(200, standard(b, f, "<sip:a@10.0.0.1>", NULL));
    b->cseq -= 1; /* the same number again in a new transaction */
    assert_int_equal(400, standard(b, f, "<sip:a@10.0.0.1>;expires=0", NULL));
    assert_has(b, "400 Bad Request: CSeq is not above the last one");
    assert_int_equal(1, bed_count(b));
}

static void test_path_and_outbound(void **state)
{
    struct bed *b = *state;
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 5555);
    assert_int_equal(200, standard(b, f, "<sip:a@10.0.0.1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1",
                                   "Supported: path, outbound\r\nPath: <sip:edge;lr>\r\n"));
    assert_has(b, "\r\nPath: <sip:edge;lr>\r\n");
    assert_has(b, "\r\nRequire: outbound\r\n");
    assert_int_equal(200, standard(b, f, "<sip:b@10.0.0.7>;+sip.instance=\"<urn:uuid:1>\";reg-id=1",
                                   "Supported: path, outbound\r\n"));
    assert_int_equal(1, bed_count(b)); /* the same flow of the same instance */
    assert_int_equal(420, standard(b, f, "<sip:a@10.0.0.1>", "Require: foo, path\r\n"));
    assert_has(b, "\r\nUnsupported: foo\r\n");
}

static void test_malformed_contact_names_what_is_wrong(void **state)
{
    struct bed *b = *state;
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 5555);
    assert_int_equal(400, standard(b, f, "<sip:a@10.0.0.1>;q=7", NULL));
    assert_has(b, "Contact q malformed");
    assert_int_equal(400, standard(b, f, "<sip:a@10.0.0.1>;expires=soon", NULL));
    assert_has(b, "Contact expires malformed");
}

/* ---- what a flow remembers ---- */

static const char named_contact[] =
    "<sip:uuid-1@10.10.10.10:62162;transport=tls>;+u.sip!devicename."
    "ccm.cisco.com=\"CSFrado\"";

static void test_a_flow_that_changes_its_dialect_keeps_its_user(void **state)
{
    struct bed *b = *state;
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    assert_int_equal(200, standard(b, f, "<sip:a@10.0.0.1>", NULL));
    assert_int_equal(200, standard(b, f, "*", "Expires: 0\r\n"));
    b->lines.n = 0;
    assert_int_equal(200, bed_register(b, f, "1010", named_contact, NULL, NULL));
    assert_true(
        kit_log_has(&b->lines, "event=register.accepted device=CSFrado line=1010 user=rado"));
}

/* An edge's one connection carries many phones. */
static void test_on_an_edges_connection_every_phone_proves_itself(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_MRA, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", NULL, NULL));
    assert_int_equal(401, bed_request(b, f, "OPTIONS", NULL));
    assert_int_equal(1, bed_count(b));
    siptx_flow_gone(f, SIPTX_CLOSE_PEER, STR(""));
    assert_int_equal(0, bed_count(b));
}

/* The edge names the phone's own connection: what was proved over that holds for it, and for no other
 * one, until the token ends. */
static void test_behind_an_edge_each_phone_is_known_by_its_own_flow(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_MRA, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    b->via_params = ";edge-flow=3f-01";
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", NULL, NULL));
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", NULL, NULL));
    assert_int_equal(200, bed_request(b, f, "OPTIONS", NULL));
    b->via_params = ";edge-flow=3f-02";
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", NULL, NULL));
    assert_int_equal(401, bed_request(b, f, "OPTIONS", NULL));
    b->via_params = NULL; /* an edge that names nobody */
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", NULL, NULL));
    b->via_params = ";edge-flow=3f/01"; /* no name */
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", NULL, NULL));
    b->via_params = ";edge-flow=3f-01";
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", NULL, NULL));
    oauth_verifier_revoke_grant(b->verifier, STR("g1"), b->time.unix_ms / 1000);
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", NULL, NULL));
    siptx_flow_gone(f, SIPTX_CLOSE_PEER, STR(""));
    assert_int_equal(0, bed_count(b));
}

/* Elsewhere the parameter means nothing: a phone cannot choose whom it is taken for. */
static void test_a_phone_of_ones_own_names_no_edge_flow(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    struct siptx_flow *other = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62163);
    bed_token(b, token, "rado", "g1", 3600);
    b->via_params = ";edge-flow=3f-01";
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_int_equal(407, bed_cisco(b, other, "CSFrado", NULL, NULL));
    b->via_params = ";edge-flow=3f-02";
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", NULL, NULL));
}

static void test_a_phone_that_moves_leaves_the_edges_other_phones(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    add_eves_device(b);
    struct siptx_flow *edge = bed_flow(b, SIPTX_TLS, CALL_MRA, 10010);
    struct siptx_flow *direct = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 20020);
    bed_token(b, token, "eve", "g2", 3600);
    char headers[BED_TOKEN_MAX + 64];
    snprintf(headers, sizeof headers, "Proxy-Authorization: Bearer token=\"%s\"\r\n", token);
    assert_int_equal(200, bed_register(b, edge, "1010",
                                       "<sip:eve@10.10.10.11>;+u.sip!devicename.ccm.cisco.com="
                                       "\"CSFeve\"",
                                       headers, NULL));
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, edge, "CSFrado", token, NULL));
    assert_int_equal(2, bed_count(b));
    assert_int_equal(200, bed_cisco(b, direct, "CSFrado", token, NULL));
    assert_int_equal(2, bed_count(b)); /* eve's and rado's new one */
    assert_true(kit_log_has(&b->lines, "event=register.released device=CSFrado"));
    assert_false(kit_log_has(&b->lines, "event=register.released device=CSFeve"));
}

static void test_an_expired_token_remembered_is_no_bad_token(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct call_refusal r;
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 100);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    bed_pass(b, 200000);
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", NULL, NULL));
    assert_false(kit_log_has(&b->lines, "why=bad-token"));
    assert_false(call_node_last_refusal(b->node, STR("CSFrado"), &r));
}

static void test_a_refresh_with_a_new_token_ends_the_refusal(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct call_refusal r;
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_int_equal(407, bed_cisco(b, f, "CSFrado", "bad", NULL));
    assert_true(call_node_last_refusal(b->node, STR("CSFrado"), &r));
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_false(call_node_last_refusal(b->node, STR("CSFrado"), &r));
}

static void test_a_udp_flow_forgotten_keeps_its_bindings(void **state)
{
    struct bed *b = *state;
    struct store_why why = {""};
    struct store_profile p = store_profile_default();
    p.name = STR("plain");
    assert_rc(RC_OK, store_profile_put(b->store, &admin, STORE_ADD, &p, &why));
    struct store_line own = {.pattern = STR("1012")};
    assert_rc(RC_OK, store_line_put(b->store, &admin, STORE_ADD, &own, &why));
    struct store_device_line line = {.index = 1, .pattern = own.pattern, .contact = STR("uuid-3")};
    struct store_device d = {.name = STR("SEP000000000001"),
                             .model = 503,
                             .owner = STR("rado"),
                             .profile = STR("plain"),
                             .enabled = true,
                             .lines = &line,
                             .line_count = 1};
    assert_rc(RC_OK, store_device_put(b->store, &admin, STORE_ADD, &d, &why));
    struct siptx_flow *f = bed_flow(b, SIPTX_UDP, CALL_LINE, 5060);
    const char *contact = "<sip:a@10.10.10.10:5060>;+sip.instance=\"<urn:uuid:1>\"";
    assert_int_equal(200, bed_register(b, f, "1012", contact, "Expires: 3600\r\n", NULL));
    assert_int_equal(200, bed_register(b, f, "1012", contact, "Expires: 3600\r\n", NULL));
    assert_int_equal(1, f->pin_count);
    siptx_flow_close(f, SIPTX_CLOSE_IDLE);
    assert_int_equal(1, bed_count(b));
}

/* A connection is spared while somebody is registered over it, and no longer. */
static void test_a_flow_is_pinned_only_while_it_carries_a_registration(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_int_equal(1, f->pin_count);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", NULL, "Expires: 0\r\n"));
    siptx_stack_deliver(b->stack);
    assert_int_equal(0, bed_count(b));
    assert_int_equal(0, f->pin_count);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    siptx_stack_deliver(b->stack);
    assert_int_equal(1, f->pin_count);
    bed_pass(b, 200000); /* not renewed in time */
    siptx_stack_deliver(b->stack);
    assert_int_equal(0, bed_count(b));
    assert_int_equal(0, f->pin_count);
    struct siptx_flow *first = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 10010);
    struct siptx_flow *next = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 20020);
    assert_int_equal(200, standard(b, first, "<sip:a@10.0.0.1>", NULL));
    assert_int_equal(200, standard(b, next, "<sip:a@10.0.0.1>", NULL));
    siptx_stack_deliver(b->stack);
    assert_int_equal(1, bed_count(b));
    assert_int_equal(0, first->pin_count);
    assert_int_equal(1, next->pin_count);
}

/* ---- Digest ---- */

#define HA1 "00112233445566778899aabbccddeeff"

static void md5_hex(char out[33], const char *text)
{
    uint8_t raw[CRYPTO_MD5_LEN];
    assert_rc(RC_OK, crypto_md5(str_bytes(str_from(text)), raw));
    for (size_t i = 0; i < sizeof raw; i++)
        snprintf(out + 2 * i, 3, "%02x", raw[i]);
}

/* SEP000000000002 on line 1013, whose owner rado has Digest credentials. */
static void add_digest_device(struct bed *b)
{
    struct store_why why = {""};
    struct store_profile p = store_profile_default();
    struct store_user u = {.id = STR("rado"),
                           .roles = STORE_ROLE_USER,
                           .active = true,
                           .digest_realm = STR("ccmsipline"),
                           .digest_md5 = STR(HA1)};
    struct store_line own = {.pattern = STR("1013")};
    struct store_device_line line = {.index = 1, .pattern = own.pattern, .contact = STR("uuid-4")};
    struct store_device d = {.name = STR("SEP000000000002"),
                             .model = 503,
                             .owner = STR("rado"),
                             .profile = STR("digest"),
                             .enabled = true,
                             .lines = &line,
                             .line_count = 1};
    p.name = STR("digest");
    p.digest = true;
    assert_rc(RC_OK, store_user_put(b->store, &admin, STORE_UPDATE, &u, &why));
    assert_rc(RC_OK, store_profile_put(b->store, &admin, STORE_ADD, &p, &why));
    assert_rc(RC_OK, store_line_put(b->store, &admin, STORE_ADD, &own, &why));
    assert_rc(RC_OK, store_device_put(b->store, &admin, STORE_ADD, &d, &why));
    bed_param(b, store_param_def(STORE_P_DIGEST_ALGORITHMS)->name, "MD5");
}

static unsigned digest_register(struct bed *b, struct siptx_flow *f, const char *line,
                                const char *nonce, const char *ha1)
{
    char text[512], ha2[33], response[33], headers[768];
    md5_hex(ha2, "REGISTER:sip:10.10.10.1");
    snprintf(text, sizeof text, "%s:%s:%s", ha1, nonce, ha2);
    md5_hex(response, text);
    snprintf(headers, sizeof headers,
             "Authorization: Digest username=\"rado\", realm=\"ccmsipline\", nonce=\"%s\", "
             "uri=\"sip:10.10.10.1\", response=\"%s\", algorithm=MD5\r\n",
             nonce, response);
    return bed_register(b, f, line, "<sip:a@10.10.10.10:5060>", headers, NULL);
}

/* The challenge as far as it does not differ by chance. */
static void challenge_of(const struct bed *b, char out[256], char nonce[128])
{
    const char *line = strstr(b->sent, "\r\nWWW-Authenticate: "), *at, *end;
    assert_non_null(line);
    assert_non_null(at = strstr(line, "nonce=\""));
    assert_non_null(end = strchr(at + 7, '"'));
    snprintf(nonce, 128, "%.*s", (int)(end - at - 7), at + 7);
    snprintf(out, 256, "%.*s%.*s", (int)(at - line), line, (int)strcspn(end, "\r"), end);
}

static void test_a_stale_nonce_tells_strangers_nothing(void **state)
{
    struct bed *b = *state;
    char known[256], unknown[256], nonce[128], next[128];
    struct siptx_flow *f = bed_flow(b, SIPTX_UDP, CALL_LINE, 5060);
    add_digest_device(b);
    assert_int_equal(401, bed_register(b, f, "1013", "<sip:a@10.10.10.10:5060>", NULL, NULL));
    challenge_of(b, known, nonce);
    bed_pass(b, 601000);
    f = bed_flow(b, SIPTX_UDP, CALL_LINE, 5060); /* the old one was idle for too long */
    assert_int_equal(401, digest_register(b, f, "1013", nonce, "wrong"));
    challenge_of(b, known, next);
    assert_int_equal(401, digest_register(b, f, "1999", nonce, "wrong"));
    challenge_of(b, unknown, next);
    assert_string_equal(unknown, known);
    assert_has_not(b, "stale=true");
    assert_int_equal(401, digest_register(b, f, "1013", nonce, HA1));
    assert_has(b, "stale=true"); /* to who knows the password */
    challenge_of(b, known, next);
    assert_int_equal(200, digest_register(b, f, "1013", next, HA1));
}

/* ---- everything else ---- */

static void test_other_requests_on_an_oauth_line_need_a_token_too(void **state)
{
    struct bed *b = *state;
    char token[BED_TOKEN_MAX];
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    struct call_counters c;
    assert_int_equal(401, bed_request(b, f, "OPTIONS", NULL));
    call_node_count(b->node, &c);
    assert_int_equal(1, c.verdicts[CALL_WHY_NO_TOKEN]);
    assert_true(kit_log_has(&b->lines, "event=line.challenged method=OPTIONS"));
    assert_int_equal(401, bed_request(b, f, "INVITE", NULL));
    bed_token(b, token, "rado", "g1", 3600);
    assert_int_equal(200, bed_cisco(b, f, "CSFrado", token, NULL));
    assert_int_equal(200, bed_request(b, f, "OPTIONS", NULL));
    assert_has(b, "\r\nAllow: REGISTER, OPTIONS\r\n");
    assert_int_equal(501, bed_request(b, f, "FROBNICATE", NULL));
    assert_int_equal(405, bed_request(b, f, "MESSAGE", NULL));
    assert_int_equal(420, bed_request(b, f, "OPTIONS", "Require: nothing.sip\r\n"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_cisco_phone_is_asked_for_its_token_and_registers),
        T(test_a_refresh_needs_no_token_and_has_no_body),
        T(test_strict_credentials_ask_every_request_for_its_token),
        T(test_the_binding_never_outlives_the_token),
        T(test_unregistering_takes_the_binding_away),
        T(test_a_standby_keepalive_registers_nothing),
        T(test_one_register_may_stand_for_all_lines),
        T(test_the_refresh_of_one_line_keeps_all_lines),
        T(test_lines_registered_one_by_one_stay_apart),
        T(test_a_bad_token_is_challenged_and_logged_once_without_it),
        T(test_strangers_cannot_flood_the_log),
        T(test_a_token_with_no_time_left_is_told_of),
        T(test_a_stranger_is_marked_in_the_devices_ladder),
        T(test_a_proof_on_an_edges_connection_names_its_own_messages),
        T(test_another_users_token),
        T(test_an_unknown_device_is_404_only_after_a_good_token),
        T(test_mode_off_is_the_port_mismatch),
        T(test_an_oauth_device_on_the_old_ports_is_the_port_mismatch),
        T(test_a_foreign_domain_or_line_is_404),
        T(test_a_removed_right_lets_the_registration_go),
        T(test_a_right_removed_meanwhile_is_no_registration),
        T(test_mode_off_lets_oauth_registrations_go),
        T(test_a_lost_connection_takes_its_bindings),
        T(test_the_newest_registration_of_a_device_name_wins),
        T(test_of_two_phones_at_once_the_later_stays),
        T(test_a_phone_overtaken_takes_itself_out),
        T(test_a_node_leaves_no_watcher_behind),
        T(test_standard_challenge_names_scope_and_server),
        T(test_several_contacts_fetch_and_star),
        T(test_star_leaves_the_shared_lines_other_devices),
        T(test_no_contact_takes_another_devices_binding_away),
        T(test_too_brief_and_too_many),
        T(test_an_older_cseq_changes_nothing),
        T(test_path_and_outbound),
        T(test_malformed_contact_names_what_is_wrong),
        T(test_a_flow_that_changes_its_dialect_keeps_its_user),
        T(test_on_an_edges_connection_every_phone_proves_itself),
        T(test_behind_an_edge_each_phone_is_known_by_its_own_flow),
        T(test_a_phone_of_ones_own_names_no_edge_flow),
        T(test_a_phone_that_moves_leaves_the_edges_other_phones),
        T(test_an_expired_token_remembered_is_no_bad_token),
        T(test_a_refresh_with_a_new_token_ends_the_refusal),
        T(test_a_udp_flow_forgotten_keeps_its_bindings),
        T(test_a_flow_is_pinned_only_while_it_carries_a_registration),
        T(test_a_stale_nonce_tells_strangers_nothing),
        T(test_other_requests_on_an_oauth_line_need_a_token_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
