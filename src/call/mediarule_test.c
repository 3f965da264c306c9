#include "kit/kit.h"

#include "call/mediarule.h"

#include <stdio.h>

#define HEAD "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
#define KEY1                                                                                       \
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk\r\n"
#define KEY2 "a=crypto:2 AEAD_AES_128_GCM inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYg==\r\n"
#define BAD                                                                                        \
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk "          \
    "UNENCRYPTED_SRTP\r\n"

/* The media of the rows. */
#define PLAIN   HEAD "m=audio 9 RTP/AVP 0\r\n"
#define SRTP    HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY1
#define BEST    HEAD "m=audio 9 RTP/AVP 0\r\n" KEY1
#define KEYLESS HEAD "m=audio 9 RTP/SAVP 0\r\n" BAD
#define HALF    HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY1 "m=video 9 RTP/AVP 97\r\n"
#define DTLS    HEAD "m=audio 9 UDP/TLS/RTP/SAVP 0\r\na=fingerprint:sha-256 00\r\n"
#define IX      HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY1 "m=application 9 UDP/UDT/IX *\r\n"
#define FAX     HEAD "m=image 9 udptl t38\r\n"
#define NONE    HEAD
#define ENDED   HEAD "m=audio 0 RTP/SAVP 0\r\n" KEY1

/* The lines of the rows. */
enum who {
    OAUTH,         /* OAuth line, its phone can fall back */
    OAUTH_STRICT,  /* ... cannot */
    SECURE,        /* encrypted line on 5061 that can fall back */
    SECURE_STRICT, /* ... cannot */
    OAUTH_TCP,     /* an encrypted line whose next hop is not TLS (behind an edge) */
    LEGACY,        /* plain line over UDP */
    LEGACY_TLS,    /* plain line over TLS */
    TRUNK_SRTP,    /* TLS trunk that is allowed SRTP */
    TRUNK_TLS,     /* TLS trunk that is not */
    TRUNK_UDP,     /* whatever is ticked, it is not TLS */
};

static const struct call_media_leg legs[] = {
    [OAUTH] = {CALL_ENCRYPTED, true, true, true, true},
    [OAUTH_STRICT] = {CALL_ENCRYPTED, true, true, true, false},
    [SECURE] = {CALL_ENCRYPTED, false, true, true, true},
    [SECURE_STRICT] = {CALL_ENCRYPTED, false, true, true, false},
    [OAUTH_TCP] = {CALL_ENCRYPTED, true, false, true, true},
    [LEGACY] = {CALL_NON_SECURE, false, false, true, false},
    [LEGACY_TLS] = {CALL_NON_SECURE, false, true, true, false},
    [TRUNK_SRTP] = {CALL_NON_SECURE, false, true, true, false},
    [TRUNK_TLS] = {CALL_NON_SECURE, false, true, false, false},
    [TRUNK_UDP] = {CALL_NON_SECURE, false, false, true, false},
};

#define PASS    CALL_MEDIA_PASS, CALL_MEDIA_FINE
#define STRIP   CALL_MEDIA_PASS_PLAIN, CALL_MEDIA_FINE
#define NO(why) CALL_MEDIA_REFUSE, CALL_MEDIA_##why
#define OFFER   false
#define ANSWER  true
#define REFUSED false /* the parameter */
#define ALLOWED true

static const struct {
    enum who from, to;
    bool is_answer, allowed;
    const char *sdp;
    enum call_media_action action;
    enum call_media_why why;
} rows[] = {
    /* two encrypted lines: keys in every stream or no call, whatever the parameter says */
    {OAUTH, OAUTH, OFFER, REFUSED, SRTP, PASS},
    {OAUTH, SECURE, OFFER, REFUSED, SRTP, PASS},
    {OAUTH_STRICT, SECURE_STRICT, OFFER, REFUSED, SRTP, PASS},
    {OAUTH, OAUTH, OFFER, REFUSED, BEST, PASS},
    {OAUTH, OAUTH, OFFER, REFUSED, DTLS, PASS},
    {OAUTH, OAUTH, OFFER, REFUSED, IX, PASS},
    {OAUTH, OAUTH, OFFER, REFUSED, PLAIN, NO(PLAIN_OFFER)},
    {OAUTH, OAUTH, OFFER, ALLOWED, PLAIN, NO(PLAIN_OFFER)},
    {SECURE, SECURE, OFFER, ALLOWED, PLAIN, NO(PLAIN_OFFER)},
    {OAUTH, OAUTH, OFFER, REFUSED, KEYLESS, NO(PLAIN_OFFER)},
    {OAUTH, OAUTH, OFFER, REFUSED, HALF, NO(PLAIN_OFFER)},
    {OAUTH, OAUTH, OFFER, REFUSED, FAX, NO(PLAIN_OFFER)},
    {OAUTH, OAUTH, ANSWER, REFUSED, SRTP, PASS},
    {OAUTH, OAUTH, ANSWER, REFUSED, PLAIN, NO(PLAIN_ANSWER)},
    {OAUTH, OAUTH, ANSWER, ALLOWED, PLAIN, NO(PLAIN_ANSWER)},
    {OAUTH, OAUTH, ANSWER, ALLOWED, KEYLESS, NO(PLAIN_ANSWER)},
    /* nothing lives in it: nothing to protect */
    {OAUTH, OAUTH, OFFER, REFUSED, NONE, PASS},
    {OAUTH, OAUTH, ANSWER, REFUSED, ENDED, PASS},
    {OAUTH, LEGACY, ANSWER, REFUSED, ENDED, STRIP},
    /* keys go over TLS only */
    {OAUTH, OAUTH_TCP, OFFER, ALLOWED, SRTP, NO(NO_TLS)},
    {OAUTH_TCP, OAUTH, OFFER, ALLOWED, SRTP, NO(NO_TLS)},
    {OAUTH, OAUTH_TCP, OFFER, ALLOWED, DTLS, NO(NO_TLS)},
    /* mixed: the parameter rules OAuth lines */
    {OAUTH, LEGACY, OFFER, REFUSED, SRTP, NO(MIXED)},
    {OAUTH, LEGACY, OFFER, REFUSED, BEST, NO(MIXED)},
    {OAUTH, LEGACY, OFFER, REFUSED, PLAIN, NO(MIXED)},
    {LEGACY, OAUTH, OFFER, REFUSED, PLAIN, NO(MIXED)},
    {LEGACY, OAUTH, OFFER, REFUSED, SRTP, NO(MIXED)},
    {LEGACY, OAUTH, ANSWER, REFUSED, PLAIN, NO(MIXED)},
    {OAUTH, LEGACY, OFFER, ALLOWED, SRTP, STRIP},
    {OAUTH, LEGACY, OFFER, ALLOWED, BEST, STRIP},
    {OAUTH, LEGACY, OFFER, ALLOWED, PLAIN, PASS},
    {LEGACY, OAUTH, OFFER, ALLOWED, PLAIN, PASS},
    {LEGACY, OAUTH, OFFER, ALLOWED, BEST, STRIP},
    {OAUTH, LEGACY, ANSWER, ALLOWED, PLAIN, PASS},
    {LEGACY, OAUTH, ANSWER, ALLOWED, PLAIN, PASS},
    {LEGACY, OAUTH, ANSWER, ALLOWED, BEST, STRIP},
    {OAUTH, LEGACY, OFFER, ALLOWED, HALF, STRIP},
    {OAUTH, LEGACY, OFFER, ALLOWED, KEYLESS, STRIP},
    /* ... and the phone must be able to */
    {OAUTH_STRICT, LEGACY, OFFER, ALLOWED, SRTP, NO(NO_FALLBACK)},
    {OAUTH_STRICT, LEGACY, OFFER, ALLOWED, BEST, NO(NO_FALLBACK)},
    {LEGACY, OAUTH_STRICT, OFFER, ALLOWED, PLAIN, NO(NO_FALLBACK)},
    {SECURE_STRICT, LEGACY, OFFER, REFUSED, SRTP, NO(NO_FALLBACK)},
    {LEGACY, SECURE_STRICT, OFFER, REFUSED, PLAIN, NO(NO_FALLBACK)},
    /* other encrypted lines need no parameter */
    {SECURE, LEGACY, OFFER, REFUSED, BEST, STRIP},
    {LEGACY, SECURE, OFFER, REFUSED, PLAIN, PASS},
    /* a line that need not encrypt, but can: encrypted after all */
    {OAUTH, LEGACY_TLS, OFFER, REFUSED, SRTP, PASS},
    {LEGACY_TLS, OAUTH, ANSWER, REFUSED, SRTP, PASS},
    {LEGACY_TLS, OAUTH, OFFER, REFUSED, SRTP, PASS},
    {LEGACY_TLS, OAUTH, OFFER, REFUSED, PLAIN, NO(MIXED)},
    {LEGACY_TLS, OAUTH, ANSWER, REFUSED, PLAIN, NO(MIXED)},
    {OAUTH, TRUNK_SRTP, OFFER, REFUSED, SRTP, PASS},
    {OAUTH, TRUNK_TLS, OFFER, REFUSED, SRTP, NO(MIXED)},
    {OAUTH, TRUNK_TLS, OFFER, ALLOWED, SRTP, STRIP},
    {OAUTH, TRUNK_UDP, OFFER, REFUSED, SRTP, NO(MIXED)},
    {TRUNK_UDP, OAUTH, OFFER, ALLOWED, PLAIN, PASS},
    /* plain lines among themselves */
    {LEGACY, LEGACY, OFFER, REFUSED, PLAIN, PASS},
    {LEGACY, TRUNK_UDP, OFFER, REFUSED, FAX, PASS},
    {LEGACY, LEGACY, OFFER, REFUSED, BEST, STRIP},
    {LEGACY, LEGACY, OFFER, REFUSED, SRTP, NO(NO_TLS)},
    {LEGACY_TLS, LEGACY, OFFER, REFUSED, SRTP, NO(NO_TLS)},
    {LEGACY_TLS, LEGACY, OFFER, REFUSED, BEST, STRIP},
    {LEGACY, LEGACY_TLS, OFFER, REFUSED, BEST, STRIP}, /* the answer's keys would come back */
    {LEGACY, LEGACY, OFFER, REFUSED, DTLS, PASS},
    {LEGACY_TLS, LEGACY_TLS, OFFER, REFUSED, SRTP, PASS},
    {LEGACY_TLS, LEGACY_TLS, OFFER, REFUSED, HALF, PASS},
    {LEGACY_TLS, TRUNK_TLS, OFFER, REFUSED, SRTP, NO(TRUNK)},
    {LEGACY_TLS, TRUNK_TLS, OFFER, REFUSED, BEST, STRIP},
    {LEGACY_TLS, TRUNK_SRTP, OFFER, REFUSED, BEST, PASS},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sip_sdp sdp;
        assert_rc(RC_OK, sip_sdp_parse(str_from(rows[i].sdp), &sdp, NULL));
        struct call_media_question q = {.sdp = &sdp,
                                        .is_answer = rows[i].is_answer,
                                        .from = legs[rows[i].from],
                                        .to = legs[rows[i].to],
                                        .fallback_allowed = rows[i].allowed};
        struct call_media_verdict v = call_media_decide(&q);
        if (v.action != rows[i].action || v.why != rows[i].why)
            print_message("row %zu: %s\n%s", i, call_media_why_name(v.why), rows[i].sdp);
        assert_int_equal(rows[i].action, v.action);
        assert_int_equal(rows[i].why, v.why);
    }
}

/* Over all lines, parameters and bodies: no key goes where it may not, and encrypted lines never
 * talk plainly among themselves. */
static void test_no_combination_lets_a_key_out(void **state)
{
    (void)state;
    static const char *const bodies[] = {PLAIN, SRTP, BEST, KEYLESS, HALF,
                                         DTLS,  IX,   FAX,  NONE,    ENDED};
    enum { LEGS = sizeof legs / sizeof legs[0], BODIES = sizeof bodies / sizeof bodies[0] };
    for (unsigned i = 0; i < LEGS * LEGS * BODIES * 4; i++) {
        struct sip_sdp sdp, printed;
        struct buf out;
        struct call_media_question q = {.sdp = &sdp,
                                        .is_answer = (i & 1) != 0,
                                        .fallback_allowed = (i & 2) != 0,
                                        .from = legs[i / 4 % LEGS],
                                        .to = legs[i / 4 / LEGS % LEGS]};
        assert_rc(RC_OK, sip_sdp_parse(str_from(bodies[i / 4 / LEGS / LEGS]), &sdp, NULL));
        struct call_media_verdict v = call_media_decide(&q);
        assert_int_equal(v.action == CALL_MEDIA_REFUSE, v.why != CALL_MEDIA_FINE);
        if (v.action == CALL_MEDIA_PASS && sip_sdp_has_keys(&sdp))
            assert_true(q.to.is_tls && q.to.srtp_allowed);
        if (v.action != CALL_MEDIA_PASS_PLAIN) continue;
        bool is_live = bodies[i / 4 / LEGS / LEGS] != bodies[BODIES - 1];
        assert_false(is_live && q.from.security == CALL_ENCRYPTED &&
                     q.to.security == CALL_ENCRYPTED);
        buf_init(&out, 4096);
        sip_sdp_print_plain(&out, &sdp);
        assert_rc(RC_OK, sip_sdp_parse(buf_str(&out), &printed, NULL));
        assert_false(sip_sdp_has_keys(&printed));
        buf_fini(&out);
    }
}

static void test_a_note_is_bounded(void **state)
{
    (void)state;
    struct sip_sdp offer, answer;
    struct call_media_note note = {.is_there = false};
    char text[2048] = HEAD;
    assert_rc(RC_OK, sip_sdp_parse(STR(SRTP), &answer, NULL));
    assert_false(call_media_is_encrypted_by(&note, &answer, &legs[OAUTH])); /* no offer */
    for (unsigned i = 0; i <= CALL_NOTE_STREAMS; i++)
        strcat(text, "m=audio 9 RTP/SAVP 0\r\n" KEY1);
    assert_rc(RC_OK, sip_sdp_parse(str_from(text), &offer, NULL));
    assert_true(call_media_is_encrypted(&offer, &legs[OAUTH], &offer, &legs[OAUTH]));
    call_media_note(&offer, &legs[OAUTH], &note);
    assert_false(call_media_is_encrypted_by(&note, &offer, &legs[OAUTH]));
    /* Keys beyond those that are remembered count as not offered. */
    snprintf(text, sizeof text, "%s", HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY1);
    for (unsigned i = 1; i < CALL_NOTE_KEYS; i++)
        strcat(text, KEY1);
    strcat(text, KEY2);
    assert_rc(RC_OK, sip_sdp_parse(str_from(text), &offer, NULL));
    call_media_note(&offer, &legs[OAUTH], &note);
    assert_true(call_media_is_encrypted_by(&note, &answer, &legs[OAUTH]));
    assert_rc(RC_OK, sip_sdp_parse(STR(HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY2), &answer, NULL));
    assert_false(call_media_is_encrypted_by(&note, &answer, &legs[OAUTH]));
}

static void test_encrypted_is_what_both_sides_prove(void **state)
{
    (void)state;
    static const struct {
        const char *offer, *answer;
        enum who offerer, answerer;
        bool is_encrypted;
    } cases[] = {
        {SRTP, SRTP, OAUTH, OAUTH, true},
        {BEST, BEST, OAUTH, OAUTH, true},
        {BEST, SRTP, OAUTH, OAUTH, true},
        {SRTP, SRTP, OAUTH, TRUNK_SRTP, true},
        {SRTP, SRTP, LEGACY_TLS, LEGACY_TLS, true},
        {DTLS, DTLS, OAUTH, OAUTH, true},
        {IX, IX, OAUTH, OAUTH, true},
        {SRTP, SRTP, OAUTH, OAUTH_TCP, false},
        {SRTP, SRTP, OAUTH, TRUNK_TLS, false},
        {SRTP, PLAIN, OAUTH, OAUTH, false},
        {PLAIN, SRTP, OAUTH, OAUTH, false},
        {BEST, PLAIN, OAUTH, OAUTH, false},
        {SRTP, KEYLESS, OAUTH, OAUTH, false},
        {HALF, HALF, OAUTH, OAUTH, false},
        {SRTP, DTLS, OAUTH, OAUTH, false},
        {SRTP, IX, OAUTH, OAUTH, false}, /* other streams than offered */
        {SRTP, ENDED, OAUTH, OAUTH, false},
        {NONE, NONE, OAUTH, OAUTH, false},
        {FAX, FAX, OAUTH, OAUTH, false},
        /* the key must be for what was offered */
        {SRTP, HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY2, OAUTH, OAUTH, false},
        {HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY1 KEY2, HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY2, OAUTH,
         OAUTH, true},
        /* a stream that was refused does not count */
        {HALF, HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY1 "m=video 0 RTP/AVP 97\r\n", OAUTH, OAUTH, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sip_sdp offer, answer;
        assert_rc(RC_OK, sip_sdp_parse(str_from(cases[i].offer), &offer, NULL));
        assert_rc(RC_OK, sip_sdp_parse(str_from(cases[i].answer), &answer, NULL));
        bool is_encrypted = call_media_is_encrypted(&offer, &legs[cases[i].offerer], &answer,
                                                    &legs[cases[i].answerer]);
        if (is_encrypted != cases[i].is_encrypted) print_message("row %zu\n", i);
        assert_int_equal(cases[i].is_encrypted, is_encrypted);
        struct call_media_note note;
        call_media_note(&offer, &legs[cases[i].offerer], &note);
        assert_int_equal(is_encrypted,
                         call_media_is_encrypted_by(&note, &answer, &legs[cases[i].answerer]));
    }
}

/* ---- bodies ---- */

#define MIXED                  "multipart/mixed;boundary=b"
#define PART(type, more, body) "--b\r\nContent-Type: " type "\r\n" more "\r\n" body "\r\n"

static void test_the_sdp_is_found_in_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *type, *encoding, *body;
        enum rc rc;
    } cases[] = {
        {"application/sdp", "", SRTP, RC_OK},
        {"Application/SDP ; x=y", "identity", SRTP, RC_OK},
        {MIXED, "", PART("application/sdp", "", SRTP) PART("text/plain", "", "x") "--b--\r\n",
         RC_OK},
        {MIXED, "",
         PART("application/sdp", "Content-Transfer-Encoding: 8bit\r\n", SRTP) "--b--\r\n", RC_OK},
        {"", "", SRTP, RC_NOT_FOUND},
        {"text/plain", "", SRTP, RC_NOT_FOUND},
        {MIXED, "", PART("text/plain", "", "x") "--b--\r\n", RC_NOT_FOUND},
        {"application/sdp", "", "x", RC_MALFORMED},
        {"application", "", SRTP, RC_MALFORMED},
        {MIXED, "", PART("application/sdp", "", SRTP), RC_MALFORMED}, /* never ends */
        {"multipart/mixed", "", PART("application/sdp", "", SRTP) "--b--\r\n", RC_MALFORMED},
        {"application/sdp", "gzip", SRTP, RC_UNSUPPORTED},
        {MIXED, "",
         PART("application/sdp", "", SRTP) PART("application/sdp", "", PLAIN) "--b--\r\n",
         RC_UNSUPPORTED},
        {MIXED, "",
         PART("application/sdp", "Content-Transfer-Encoding: base64\r\n", "dj0w") "--b--\r\n",
         RC_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct call_media_body b;
        struct parse_at at;
        struct str body = kit_guard(str_from(cases[i].body));
        enum rc rc = call_media_read(str_from(cases[i].type), str_from(cases[i].encoding), body, &b,
                                     &at);
        if (rc != cases[i].rc) print_message("row %zu\n", i);
        assert_rc(cases[i].rc, rc);
        if (rc == RC_OK) assert_true(sip_sdp_has_keys(&b.sdp));
        if (rc == RC_MALFORMED) assert_non_null(at.expected);
        kit_guard_free(body);
    }
}

/* One body in another: three deep are read, a fourth is not. */
static void test_bodies_in_bodies_end_somewhere(void **state)
{
    (void)state;
    struct call_media_body b;
    struct buf body, outer;
    char type[64];
    buf_init(&body, 65536);
    buf_init(&outer, 65536);
    buf_put_lit(&body, PART("application/sdp", "", SRTP) "--b--\r\n");
    snprintf(type, sizeof type, MIXED);
    for (int depth = 1; depth <= 4; depth++) {
        enum rc rc = call_media_read(str_from(type), STR(""), buf_str(&body), &b, NULL);
        assert_rc(depth <= 3 ? RC_OK : RC_UNSUPPORTED, rc);
        buf_reset(&outer);
        buf_printf(&outer, "--d%d\r\nContent-Type: %s\r\n\r\n%.*s\r\n--d%d--\r\n", depth, type,
                   STR_ARG(buf_str(&body)), depth);
        buf_reset(&body);
        buf_put_str(&body, buf_str(&outer));
        snprintf(type, sizeof type, "multipart/mixed;boundary=d%d", depth);
    }
    buf_fini(&outer);
    buf_fini(&body);
}

static void test_other_parts_stay_as_they_were(void **state)
{
    (void)state;
    struct call_media_body b;
    struct buf out;
    buf_init(&out, 65536);
    assert_rc(RC_OK, call_media_read(STR(MIXED), STR(""),
                                     STR(PART("a/b", "", "a=crypto:1 stays")
                                             PART("application/sdp", "", SRTP) "--b--\r\n"),
                                     &b, NULL));
    call_media_print_plain(&out, &b);
    assert_str(PART("a/b", "", "a=crypto:1 stays") PART("application/sdp", "", PLAIN) "--b--\r\n",
               buf_str(&out));
    buf_fini(&out);
}

static void test_every_reason_has_words(void **state)
{
    (void)state;
    for (int why = 0; why < CALL_MEDIA_WHY_COUNT; why++) {
        assert_true(strlen(call_media_why_name((enum call_media_why)why)) > 0);
        assert_true(strlen(call_media_why_text((enum call_media_why)why)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_combination_lets_a_key_out),
        cmocka_unit_test(test_a_note_is_bounded),
        cmocka_unit_test(test_encrypted_is_what_both_sides_prove),
        cmocka_unit_test(test_the_sdp_is_found_in_bodies),
        cmocka_unit_test(test_bodies_in_bodies_end_somewhere),
        cmocka_unit_test(test_other_parts_stay_as_they_were),
        cmocka_unit_test(test_every_reason_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
