/* What the phone writes on its line and makes of what it reads there. */
#include "kit/kit.h"

#include "phone/register.h"
#include "sip/multipart.h"
#include "sip/print.h"
#include "xml/reader.h"
#include <stdio.h>

static struct arena arena;

static struct phone_register sample(enum phone_dialect dialect)
{
    return (struct phone_register){
        .dialect = dialect,
        .host = STR("ucm1.example.com"),
        .number = STR("1010"),
        .contact = STR("9d6a0d1c-6a3f-4c8e-bf0e-3f7ad3c7a001"),
        .device = STR("CSFrado"),
        .instance = STR("882323451234"),
        .call_id = STR("88232345-12340017"),
        .from_tag = STR("8823234512340890"),
        .cseq = 2270,
        .expires_s = 3600,
        .local = net_addr_v4(10, 10, 10, 10, 62162),
        .transport = PHONE_TLS,
        .now_unix_s = 1585566199,
        .last = "Initialized",
    };
}

static void test_first_register_of_the_cisco_dialect(void **state)
{
    (void)state;
    struct phone_register r = sample(PHONE_DIALECT_CISCO);
    struct buf b;
    r.full = true;
    r.credentials = STR("Proxy-Authorization: Bearer token=\"a.b.c\"\r\n");
    buf_init(&b, 8192);
    phone_register_print(&b, &r);
    assert_str(
        "From: <sip:1010@ucm1.example.com>;tag=8823234512340890\r\n"
        "To: <sip:1010@ucm1.example.com>\r\n"
        "Call-ID: 88232345-12340017\r\n"
        "Max-Forwards: 70\r\n"
        "Date: Mon, 30 Mar 2020 11:03:19 GMT\r\n"
        "CSeq: 2270 REGISTER\r\n"
        "User-Agent: Bearline-Phone/" BEARLINE_VERSION "\r\n"
        "Contact: <sip:9d6a0d1c-6a3f-4c8e-bf0e-3f7ad3c7a001@10.10.10.10:62162;transport=tls>"
        ";+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-882323451234>\""
        ";+u.sip!devicename.ccm.cisco.com=\"CSFrado\";+u.sip!model.ccm.cisco.com=\"503\";video\r\n"
        "Supported: replaces,join,sdp-anat,norefersub,resource-priority,extended-refer,"
        "X-cisco-callinfo,X-cisco-serviceuri,X-cisco-escapecodes,X-cisco-service-control,"
        "X-cisco-srtp-fallback,X-cisco-monrec,X-cisco-config,X-cisco-sis-7.0.0,"
        "X-cisco-xsi-8.5.1,X-cisco-graceful-reg,X-cisco-duplicate-reg\r\n"
        "Proxy-Authorization: Bearer token=\"a.b.c\"\r\n"
        "Reason: SIP;cause=200;text=\"cisco-alarm:111 Name=CSFrado "
        "ActiveLoad=bearline-phone-" BEARLINE_VERSION
        " InactiveLoad=bearline-phone-" BEARLINE_VERSION " Last=Initialized\"\r\n"
        "Expires: 3600\r\n"
        "Mime-Version: 1.0\r\n",
        buf_str(&b));
    buf_fini(&b);
}

static bool has(const struct buf *b, const char *needle)
{
    return str_find(buf_str(b), str_from(needle)) >= 0;
}

static void test_refresh_keepalive_and_standard_forms(void **state)
{
    (void)state;
    struct phone_register r = sample(PHONE_DIALECT_CISCO);
    struct buf b;
    buf_init(&b, 8192);
    phone_register_print(&b, &r);
    assert_false(has(&b, "Reason:") || has(&b, "Mime-Version:"));
    buf_reset(&b);
    r.is_keepalive = true;
    r.expires_s = 0;
    phone_register_print(&b, &r);
    assert_true(has(&b, ";video;expires=0;cisco-keep-alive\r\n") && has(&b, "Expires: 0\r\n"));
    buf_reset(&b);
    r = sample(PHONE_DIALECT_STANDARD);
    r.full = true;
    r.host = STR("2001:db8::1");
    phone_register_print(&b, &r);
    assert_true(has(&b, "To: <sip:1010@[2001:db8::1]>\r\n") && has(&b, ";reg-id=1\r\n"));
    assert_true(has(&b, "Supported: path,outbound\r\n"));
    assert_false(has(&b, "cisco") || has(&b, "Reason:"));
    buf_fini(&b);
}

static void test_body_is_two_documents(void **state)
{
    (void)state;
    struct buf b;
    struct sip_multipart parts;
    struct sip_part part;
    static const char *const want[] = {"bulkregisterreq/contact/register",
                                       "optionsind/combine/remotecc/status"};
    buf_init(&b, 8192);
    phone_register_print_body(&b);
    assert_rc(RC_OK, sip_multipart_begin(&parts, STR(PHONE_BODY_TYPE), buf_str(&b)));
    for (size_t i = 0; i < 2; i++) {
        const struct xml_node *root;
        assert_rc(RC_OK, sip_multipart_next(&parts, &part));
        assert_str("application/x-cisco-remotecc-request+xml", part.content_type);
        assert_str("session;handling=optional", part.content_disposition);
        assert_rc(RC_OK, xml_parse(str_trim(part.body), NULL, &arena, &root, NULL));
        assert_non_null(xml_find(root, want[i]));
    }
    assert_rc(RC_NOT_FOUND, sip_multipart_next(&parts, &part));
    buf_fini(&b);
}

static void test_bearer_as_the_challenger_wants_it(void **state)
{
    (void)state;
    static const struct {
        enum phone_dialect dialect;
        unsigned status;
        const char *line;
    } rows[] = {
        {PHONE_DIALECT_CISCO, 407, "Proxy-Authorization: Bearer token=\"t.o.k\"\r\n"},
        {PHONE_DIALECT_CISCO, 0, "Proxy-Authorization: Bearer token=\"t.o.k\"\r\n"},
        {PHONE_DIALECT_CISCO, 401, "Authorization: Bearer token=\"t.o.k\"\r\n"},
        {PHONE_DIALECT_STANDARD, 401, "Authorization: Bearer t.o.k\r\n"},
        {PHONE_DIALECT_STANDARD, 0, "Authorization: Bearer t.o.k\r\n"},
        {PHONE_DIALECT_STANDARD, 407, "Proxy-Authorization: Bearer t.o.k\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b;
        buf_init(&b, 1024);
        phone_bearer_print(&b, rows[i].dialect, rows[i].status, STR("t.o.k"));
        assert_str(rows[i].line, buf_str(&b));
        buf_fini(&b);
    }
}

/* ---- answers ---- */

static const char *const head = "Via: SIP/2.0/TLS 10.10.10.10:62162;branch=z9hG4bK1\r\n"
                                "From: <sip:1010@u>;tag=1\r\nTo: <sip:1010@u>;tag=2\r\n"
                                "Call-ID: c\r\nCSeq: 1 REGISTER\r\n";

static const struct sip_message *message(const char *status, const char *headers)
{
    static struct sip_message m;
    struct str text;
    assert_rc(RC_OK, arena_printf(&arena, &text, "SIP/2.0 %s\r\n%s%sContent-Length: 0\r\n\r\n",
                                  status, head, headers));
    assert_rc(RC_OK, sip_message_parse(text, SIP_STREAM, &m, NULL));
    return &m;
}

static struct phone_answer read_answer(const char *status, const char *headers,
                                       struct phone_refusal *why)
{
    struct phone_answer a;
    phone_answer_read(message(status, headers), STR("sip:u@10.0.0.1:9;transport=tls"), 3600, &arena,
                      &a, why);
    return a;
}

static void test_what_an_answer_grants(void **state)
{
    (void)state;
    struct phone_refusal why;
    struct phone_answer a = read_answer("200 OK",
                                        "Expires: 120\r\nContact: <sip:u@10.0.0.1:9;transport=tls>;"
                                        "video;x-cisco-newreg\r\n",
                                        &why);
    assert_int_equal(120, a.granted_s);
    assert_true(a.is_new);
    a = read_answer("200 OK",
                    "Contact: <sip:u@10.0.0.9:9;transport=tls>;expires=7, "
                    "<sip:u@10.0.0.1:9;transport=tls>;expires=300\r\n",
                    &why);
    assert_int_equal(300, a.granted_s);
    assert_false(a.is_new);
    assert_int_equal(3600, read_answer("200 OK", "", &why).granted_s);
    a = read_answer("423 Interval Too Brief", "Min-Expires: 60\r\n", &why);
    assert_int_equal(60, a.min_expires_s);
    a = read_answer("503 Service Unavailable", "Retry-After: 30 (soon);duration=5\r\n", &why);
    assert_int_equal(30, a.retry_after_s);
    a = read_answer("503 Service Unavailable", "Retry-After: 99999999\r\n", &why);
    assert_int_equal(3600, a.retry_after_s);
}

static void test_challenges(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        enum phone_challenge challenge;
        bool stale;
    } rows[] = {
        {"Proxy-Authenticate: Bearer realm=\"ccmsipline\"\r\n", PHONE_CHALLENGE_BEARER, false},
        {"WWW-Authenticate: Bearer realm=\"r\", scope=\"sip\"\r\n", PHONE_CHALLENGE_BEARER, false},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", PHONE_CHALLENGE_DIGEST, false},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", stale=TRUE\r\n",
         PHONE_CHALLENGE_DIGEST, true},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"
         "WWW-Authenticate: Bearer realm=\"r\"\r\n",
         PHONE_CHALLENGE_BEARER, false},
        {"WWW-Authenticate: Negotiate abc\r\n", PHONE_CHALLENGE_NONE, false},
        {"WWW-Authenticate: \"\r\n", PHONE_CHALLENGE_NONE, false},
        {"", PHONE_CHALLENGE_NONE, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct phone_refusal why;
        struct phone_answer a = read_answer("401 Unauthorized", rows[i].headers, &why);
        assert_int_equal(rows[i].challenge, a.challenge);
        assert_int_equal(rows[i].stale, a.stale);
    }
}

static void test_refusals_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *status, *headers;
        enum phone_challenge sent;
        enum phone_exit code;
        const char *says;
    } rows[] = {
        {"403 Forbidden",
         "Warning: 399 UCM2-PUB \"SIP OAuth Registration port Mismatch\"\r\nRetry-After: 35\r\n",
         PHONE_CHALLENGE_BEARER, PHONE_EXIT_FORBIDDEN,
         "403 Forbidden, Warning 399 \"SIP OAuth Registration port Mismatch\". Have the "
         "administrator check that SIP OAuth mode is enabled"},
        {"403 Forbidden", "Warning: 399 u \"Token user does not own device\"\r\n",
         PHONE_CHALLENGE_BEARER, PHONE_EXIT_FORBIDDEN, "Sign in as the device's owner"},
        {"403 Forbidden", "Bearline-Reason: device-disabled\r\n", PHONE_CHALLENGE_BEARER,
         PHONE_EXIT_FORBIDDEN,
         "403 Forbidden, reason device-disabled. The device is disabled: have the administrator "
         "enable it (\"bearline device update DEVICE --enabled yes\")."},
        {"403 Forbidden", "Bearline-Reason: user-unknown\r\n", PHONE_CHALLENGE_BEARER,
         PHONE_EXIT_FORBIDDEN, "activate the user"},
        {"403 Forbidden",
         "Warning: 399 u \"SIP OAuth Registration port Mismatch\"\r\n"
         "Bearline-Reason: port-mismatch-mode-off\r\n",
         PHONE_CHALLENGE_BEARER, PHONE_EXIT_FORBIDDEN, "\"bearline utils sipOAuth-mode enable\""},
        {"403 Forbidden", "Bearline-Reason: something-new\r\n", PHONE_CHALLENGE_BEARER,
         PHONE_EXIT_FORBIDDEN, "reason something-new. The server's log names the reason"},
        {"404 Not Found", "", PHONE_CHALLENGE_BEARER, PHONE_EXIT_UNKNOWN_LINE, "device exists"},
        {"407 Proxy Authentication Required", "Proxy-Authenticate: Bearer realm=\"r\"\r\n",
         PHONE_CHALLENGE_BEARER, PHONE_EXIT_TOKEN_REFUSED, "fresh token"},
        {"407 Proxy Authentication Required", "Proxy-Authenticate: Bearer realm=\"r\"\r\n",
         PHONE_CHALLENGE_NONE, PHONE_EXIT_NOT_SIGNED_IN, "bearline-phone login"},
        {"401 Unauthorized", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n",
         PHONE_CHALLENGE_NONE, PHONE_EXIT_SIP_PASSWORD, "--sip-password-file FILE"},
        {"401 Unauthorized", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n",
         PHONE_CHALLENGE_DIGEST, PHONE_EXIT_SIP_PASSWORD, "Check --sip-user"},
        {"503 Service Unavailable", "", PHONE_CHALLENGE_NONE, PHONE_EXIT_REFUSED, "not ready"},
        {"488 Not Acceptable Here", "", PHONE_CHALLENGE_NONE, PHONE_EXIT_REFUSED, "488 Not"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct phone_refusal why;
        struct phone_problem p;
        struct phone_answer a = read_answer(rows[i].status, rows[i].headers, &why);
        assert_int_equal(rows[i].code, phone_refusal_explain(&p, &a, &why, STR("ucm1:5090"),
                                                             STR("CSFrado"), rows[i].sent));
        assert_int_equal(0, strncmp(p.text, "ucm1:5090 refused the registration of CSFrado: ", 47));
        if (!strstr(p.text, rows[i].says)) fail_msg("\"%s\" lacks \"%s\"", p.text, rows[i].says);
    }
}

/* ---- Digest ---- */

static void test_digest_answers_rfc_7616(void **state)
{
    (void)state;
    static const struct {
        const char *algorithm, *response;
    } rows[] = {{"MD5", "8ca523f5e9506fed4657c9700eebdbec"},
                {"SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"}};
    for (size_t i = 0; i < 2; i++) { /* RFC 7616, 3.9.1 */
        struct phone_digest d = {.status = 401,
                                 .realm = "http-auth@example.org",
                                 .nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                                 .opaque = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
                                 .has_qop = true};
        struct buf b;
        buf_init(&b, 4096);
        assert_rc(RC_OK, str_to_cstr(str_from(rows[i].algorithm), d.algorithm, 16));
        assert_rc(RC_OK, phone_digest_print(&b, &d, STR("GET"), STR("/dir/index.html"),
                                            STR("Mufasa"), STR("Circle of Life"),
                                            STR("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")));
        assert_int_equal(0, strncmp(b.p, "Authorization: Digest username=\"Mufasa\", ", 41));
        assert_true(has(&b, rows[i].response));
        assert_true(has(&b, "qop=auth, nc=00000001\r\n"));
        buf_reset(&b);
        assert_rc(RC_OK, phone_digest_print(&b, &d, STR("GET"), STR("/dir/index.html"),
                                            STR("Mufasa"), STR("Circle of Life"), STR("x")));
        assert_true(has(&b, "nc=00000002"));
        buf_fini(&b);
    }
}

static void test_the_stronger_digest_is_taken(void **state)
{
    (void)state;
    struct phone_digest d;
    assert_rc(RC_OK, phone_digest_read(message("401 Unauthorized",
                                               "WWW-Authenticate: Digest realm=\"r\", nonce=\"a\", "
                                               "algorithm=MD5, qop=\"auth-int,auth\"\r\n"
                                               "WWW-Authenticate: Digest realm=\"r\", nonce=\"b\", "
                                               "algorithm=SHA-256, qop=\"auth\"\r\n"
                                               "WWW-Authenticate: Digest realm=\"r\", nonce=\"c\", "
                                               "algorithm=SHA-512, qop=\"auth\"\r\n"),
                                       &arena, &d));
    assert_string_equal("b", d.nonce);
    assert_true(d.has_qop);
    assert_rc(RC_NOT_FOUND,
              phone_digest_read(message("401 Unauthorized",
                                        "WWW-Authenticate: Digest realm=\"r\", nonce=\"a\", "
                                        "qop=\"auth-int\"\r\n"),
                                &arena, &d));
    assert_rc(RC_NOT_FOUND, phone_digest_read(message("401 Unauthorized", ""), &arena, &d));
}

static void test_pushes(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum phone_control control;
    } rows[] = {
        {"action=released\r\nreason=duplicate-registration\r\nDeviceName=CSFrado\r\n",
         PHONE_CONTROL_REPLACED},
        {"action=released\r\nreason=no-longer-allowed\r\nDeviceName=csfrado\r\n",
         PHONE_CONTROL_REVOKED},
        {"action=released\n", PHONE_CONTROL_REVOKED},
        {"action=reset\r\nreason=reset\r\nDeviceName=CSFrado\r\n", PHONE_CONTROL_RESET},
        {" Action = restart \r\n", PHONE_CONTROL_RESET},
        {"action=released\r\nDeviceName=CSFother\r\n", PHONE_CONTROL_NONE},
        {"action=check-sync\r\n", PHONE_CONTROL_NONE},
        {"action", PHONE_CONTROL_NONE},
        {"", PHONE_CONTROL_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(rows[i].control,
                         phone_control_parse(str_from(rows[i].body), STR("CSFrado")));
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0, 1 << 20);
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_first_register_of_the_cisco_dialect),
        T(test_refresh_keepalive_and_standard_forms),
        T(test_body_is_two_documents),
        T(test_bearer_as_the_challenger_wants_it),
        T(test_what_an_answer_grants),
        T(test_challenges),
        T(test_refusals_in_words),
        T(test_digest_answers_rfc_7616),
        T(test_the_stronger_digest_is_taken),
        T(test_pushes),
    };
    return cmocka_run_group_tests_name("phone/register", tests, NULL, NULL);
}
