#include "kit/kit.h"

#include "sip/offer.h"

static const char key_text[] = "0123456789abcdef0123456789abcdef0123456789ab";

static struct sip_sdes key_of(uint32_t tag, enum sip_sdes_suite suite, char first)
{
    struct sip_sdes s = {.tag = tag, .suite = suite};
    s.key_len = sip_sdes_key_len(suite) + sip_sdes_salt_len(suite);
    memcpy(s.key, key_text, s.key_len);
    s.key[0] = (uint8_t)first;
    return s;
}

static struct sip_offer phone(char who, enum sip_offer_security security)
{
    return (struct sip_offer){
        .username = STR("bearline"),
        .session_id = 7,
        .version = 1,
        .address = who == 'a' ? STR("192.0.2.1") : STR("2001:db8::2"),
        .port = who == 'a' ? 16384 : 20000,
        .rtcp_mux = true,
        .direction = SIP_SDP_SENDRECV,
        .ptime_ms = 20,
        .security = security,
        .codecs = {{STR("opus"), 111, 48000, 2, STR("useinbandfec=1")},
                   {STR("PCMU"), 0, 8000, 1, {NULL, 0}},
                   {STR("PCMA"), 8, 8000, 1, {NULL, 0}}},
        .codec_count = 3,
        .dtmf_payload = 101,
        .cryptos = {key_of(1, SIP_SDES_AEAD_AES_256_GCM, who),
                    key_of(2, SIP_SDES_AES_CM_128_HMAC_SHA1_80, who)},
        .crypto_count = 2,
    };
}

/* Offer by a, answer by b, read by a: both must come to the same. */
static enum rc talk(const struct sip_offer *a, const struct sip_offer *b, struct sip_session *at_a,
                    struct sip_session *at_b)
{
    static char texts[2][4096];
    struct buf offer, answer;
    struct sip_sdp sdp;
    const char *why = NULL;
    unsigned code;
    buf_init_fixed(&offer, texts[0], sizeof texts[0]);
    buf_init_fixed(&answer, texts[1], sizeof texts[1]);
    sip_offer_print(&offer, a, NULL, 0);
    assert_rc(RC_OK, sip_sdp_parse(buf_str(&offer), &sdp, NULL));
    enum rc rc = sip_offer_choose(b, &sdp, at_b, &why, &code);
    if (rc != RC_OK) {
        assert_non_null(why);
        return rc;
    }
    sip_answer_print(&answer, b, &sdp, at_b);
    assert_rc(RC_OK, sip_sdp_parse(buf_str(&answer), &sdp, NULL));
    return sip_answer_read(a, 0, 1, &sdp, at_a, &why);
}

static void test_security_rows(void **state)
{
    (void)state;
    static const struct {
        enum sip_offer_security a, b;
        enum rc rc;
        bool is_encrypted;
    } cases[] = {
        {SIP_OFFER_PLAIN, SIP_OFFER_PLAIN, RC_OK, false},
        {SIP_OFFER_PLAIN, SIP_OFFER_BEST_EFFORT, RC_OK, false},
        {SIP_OFFER_PLAIN, SIP_OFFER_ENCRYPTED, RC_UNSUPPORTED, false},
        {SIP_OFFER_BEST_EFFORT, SIP_OFFER_PLAIN, RC_OK, false},
        {SIP_OFFER_BEST_EFFORT, SIP_OFFER_BEST_EFFORT, RC_OK, true},
        {SIP_OFFER_BEST_EFFORT, SIP_OFFER_ENCRYPTED, RC_OK, true},
        {SIP_OFFER_FALLBACK, SIP_OFFER_PLAIN, RC_UNSUPPORTED, false},
        {SIP_OFFER_FALLBACK, SIP_OFFER_FALLBACK, RC_OK, true},
        {SIP_OFFER_FALLBACK, SIP_OFFER_ENCRYPTED, RC_OK, true},
        {SIP_OFFER_PLAIN, SIP_OFFER_FALLBACK, RC_OK, false},
        {SIP_OFFER_ENCRYPTED, SIP_OFFER_PLAIN, RC_UNSUPPORTED, false},
        {SIP_OFFER_ENCRYPTED, SIP_OFFER_BEST_EFFORT, RC_OK, true},
        {SIP_OFFER_ENCRYPTED, SIP_OFFER_ENCRYPTED, RC_OK, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sip_offer a = phone('a', cases[i].a), b = phone('b', cases[i].b);
        struct sip_session at_a, at_b;
        assert_rc(cases[i].rc, talk(&a, &b, &at_a, &at_b));
        if (cases[i].rc != RC_OK) continue;
        assert_int_equal(cases[i].is_encrypted, at_a.is_encrypted);
        assert_int_equal(cases[i].is_encrypted, at_b.is_encrypted);
        if (!cases[i].is_encrypted) continue;
        assert_int_equal(SIP_SDES_AEAD_AES_256_GCM, at_a.crypto.suite);
        assert_int_equal('b', at_a.crypto.key[0]);
        assert_int_equal('a', at_b.crypto.key[0]);
    }
}

static void test_both_agree_on_the_rest(void **state)
{
    (void)state;
    struct sip_offer a = phone('a', SIP_OFFER_ENCRYPTED), b = phone('b', SIP_OFFER_ENCRYPTED);
    struct sip_session at_a, at_b;
    b.codecs[0] = b.codecs[2]; /* PCMA, PCMU: the offerer's order counts */
    b.codec_count = 2;
    b.dtmf_payload = 96;
    b.cryptos[0] = b.cryptos[1];
    b.cryptos[0].tag = 9; /* the offer's tag is answered, not ours */
    b.crypto_count = 1;
    assert_rc(RC_OK, talk(&a, &b, &at_a, &at_b));
    assert_int_equal(1, at_a.codec_index);
    assert_int_equal(0, at_a.send_payload);
    assert_int_equal(101, at_b.send_dtmf_payload);
    assert_int_equal(101, at_a.receive_dtmf_payload);
    assert_int_equal(2, at_a.crypto.tag);
    assert_int_equal(1, at_a.crypto_index);
    assert_int_equal(0, at_b.crypto_index);
    assert_int_equal(20000, at_a.remote_port);
    assert_int_equal(20000, at_a.remote_rtcp_port);
    assert_true(at_a.rtcp_mux && at_b.rtcp_mux);
    assert_str("2001:db8::2", at_a.remote.text);
    assert_int_equal(20, at_b.ptime_ms);
    b.rtcp_mux = false;
    assert_rc(RC_OK, talk(&a, &b, &at_a, &at_b));
    assert_int_equal(20001, at_a.remote_rtcp_port);
    assert_int_equal(16385, at_b.remote_rtcp_port);
}

/* Each numbers its payloads as it likes. */
static void test_a_payload_may_differ_each_way(void **state)
{
    (void)state;
    struct sip_offer a = phone('a', SIP_OFFER_PLAIN);
    struct sip_session s;
    struct sip_sdp sdp;
    const char *why;
    assert_rc(RC_OK, sip_sdp_parse(STR("v=0\r\no=- 1 1 IN IP4 h\r\nc=IN IP4 h\r\n"
                                       "m=audio 9 RTP/AVP 99 100\r\na=rtpmap:99 OPUS/48000/2\r\n"
                                       "a=fmtp:99 stereo=0\r\n"
                                       "a=rtpmap:100 telephone-event/8000\r\n"),
                                   &sdp, NULL));
    assert_rc(RC_OK, sip_answer_read(&a, 0, 1, &sdp, &s, &why));
    assert_int_equal(99, s.send_payload);
    assert_int_equal(111, s.receive_payload);
    assert_int_equal(100, s.send_dtmf_payload);
    assert_int_equal(101, s.receive_dtmf_payload);
    assert_str("stereo=0", s.remote_fmtp);
}

static void test_directions(void **state)
{
    (void)state;
    for (unsigned offered = 0; offered < 4; offered++) {
        for (unsigned wanted = 0; wanted < 4; wanted++) {
            struct sip_offer a = phone('a', SIP_OFFER_PLAIN), b = phone('b', SIP_OFFER_PLAIN);
            struct sip_session at_a, at_b;
            a.direction = (enum sip_sdp_direction)offered;
            b.direction = (enum sip_sdp_direction)wanted;
            assert_rc(RC_OK, talk(&a, &b, &at_a, &at_b));
            assert_int_equal(at_a.direction, sip_sdp_direction_reverse(at_b.direction));
            assert_int_equal(0, at_a.direction & ~offered);
            assert_int_equal(0, at_b.direction & ~wanted);
        }
    }
}

#define HEAD "v=0\r\no=- 1 1 IN IP4 h\r\nc=IN IP4 192.0.2.9\r\n"
#define KEY  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk"

static void test_offers_that_do_not_fit_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        enum sip_offer_security ours;
        const char *offer;
        unsigned code;
    } cases[] = {
        {SIP_OFFER_PLAIN, HEAD, 304},
        {SIP_OFFER_PLAIN, HEAD "m=audio 0 RTP/AVP 0\r\nm=video 9 RTP/AVP 31\r\n", 304},
        {SIP_OFFER_PLAIN, HEAD "m=audio 9 udptl t38\r\n", 302},
        {SIP_OFFER_PLAIN, HEAD "m=audio 9 RTP/AVP 18\r\n", 305},
        {SIP_OFFER_PLAIN, HEAD "m=audio 9 RTP/AVP 97\r\na=rtpmap:97 PCMU/16000\r\n", 305},
        {SIP_OFFER_PLAIN, HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY "\r\n", 399},
        {SIP_OFFER_ENCRYPTED, HEAD "m=audio 9 RTP/AVP 0\r\n", 399},
        {SIP_OFFER_ENCRYPTED, HEAD "m=audio 9 RTP/SAVP 0\r\n", 399},
        {SIP_OFFER_ENCRYPTED, HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY "|1:4\r\n", 399},
        {SIP_OFFER_ENCRYPTED, HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY " UNENCRYPTED_SRTP\r\n", 399},
        {SIP_OFFER_BEST_EFFORT, HEAD "m=audio 9 RTP/SAVP 0\r\n", 399},
        {SIP_OFFER_FALLBACK, HEAD "m=audio 9 RTP/SAVP 0\r\n", 399},
        {SIP_OFFER_ENCRYPTED, HEAD "m=audio 9 UDP/TLS/RTP/SAVP 0\r\na=fingerprint:sha-1 0\r\n",
         302},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sip_offer local = phone('a', cases[i].ours);
        struct sip_sdp sdp;
        struct sip_session s;
        const char *why = NULL;
        unsigned code = 0;
        assert_rc(RC_OK, sip_sdp_parse(str_from(cases[i].offer), &sdp, NULL));
        assert_rc(RC_UNSUPPORTED, sip_offer_choose(&local, &sdp, &s, &why, &code));
        assert_int_equal(cases[i].code, code);
        assert_non_null(why);
    }
}

/* Streams keep their places; the second audio, having what we need, is taken. */
static void test_other_streams_are_refused_in_place(void **state)
{
    (void)state;
    struct sip_offer local = phone('a', SIP_OFFER_ENCRYPTED);
    struct sip_sdp sdp, ours;
    struct sip_session s;
    const char *why;
    unsigned code;
    struct buf out;
    buf_init(&out, 4096);
    assert_rc(RC_OK, sip_sdp_parse(STR(HEAD "m=video 9 RTP/SAVP 97\r\nm=audio 9 RTP/AVP 0\r\n"
                                            "m=audio 11 RTP/SAVPF 8 0\r\n" KEY "\r\n"
                                            "m=application 13 UDP/UDT/IX *\r\n"),
                                   &sdp, NULL));
    assert_rc(RC_OK, sip_offer_choose(&local, &sdp, &s, &why, &code));
    assert_int_equal(2, s.media_index);
    assert_int_equal(8, s.send_payload);
    sip_answer_print(&out, &local, &sdp, &s);
    assert_rc(RC_OK, sip_sdp_parse(buf_str(&out), &ours, NULL));
    assert_int_equal(4, ours.media_count);
    assert_int_equal(0, ours.media[0].port);
    assert_int_equal(0, ours.media[1].port);
    assert_int_equal(16384, ours.media[2].port);
    assert_int_equal(SIP_SDP_RTP_SAVPF, ours.media[2].proto);
    assert_str("UDP/UDT/IX", ours.media[3].proto_text);
    buf_reset(&out); /* and later we put it on hold */
    local.direction = SIP_SDP_SENDONLY;
    local.version++;
    sip_offer_print(&out, &local, &sdp, 2);
    assert_rc(RC_OK, sip_sdp_parse(buf_str(&out), &ours, NULL));
    assert_int_equal(4, ours.media_count);
    assert_int_equal(SIP_SDP_VIDEO, ours.media[0].kind);
    assert_true(sip_sdp_is_hold(&ours.media[2]));
    assert_int_equal(0, ours.media[3].port);
    assert_str("2", ours.origin.version);
    buf_fini(&out);
}

static void test_answers_that_do_not_fit(void **state)
{
    (void)state;
    static const struct {
        enum sip_offer_security ours;
        const char *answer;
        enum rc rc;
    } cases[] = {
        {SIP_OFFER_PLAIN, HEAD, RC_INVALID},
        {SIP_OFFER_PLAIN, HEAD "m=audio 9 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\n", RC_INVALID},
        {SIP_OFFER_PLAIN, HEAD "m=video 9 RTP/AVP 31\r\n", RC_INVALID},
        {SIP_OFFER_PLAIN, HEAD "m=audio 0 RTP/AVP 0\r\n", RC_UNSUPPORTED},
        {SIP_OFFER_PLAIN, HEAD "m=audio 9 RTP/AVP 18\r\n", RC_UNSUPPORTED},
        {SIP_OFFER_PLAIN, HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY "\r\n", RC_INVALID},
        {SIP_OFFER_ENCRYPTED, HEAD "m=audio 9 RTP/AVP 0\r\n" KEY "\r\n", RC_INVALID},
        {SIP_OFFER_ENCRYPTED, HEAD "m=audio 9 RTP/SAVP 0\r\n", RC_UNSUPPORTED},
        {SIP_OFFER_ENCRYPTED, HEAD "m=audio 9 RTP/SAVP 0\r\n" KEY "\r\n",
         RC_INVALID}, /* tag 1: GCM */
        {SIP_OFFER_BEST_EFFORT, HEAD "m=audio 9 RTP/SAVP 0\r\n", RC_UNSUPPORTED},
        {SIP_OFFER_BEST_EFFORT, HEAD "m=audio 9 RTP/AVP 0\r\n", RC_OK},
        {SIP_OFFER_FALLBACK, HEAD "m=audio 9 RTP/SAVP 0\r\n", RC_UNSUPPORTED},
        {SIP_OFFER_FALLBACK, HEAD "m=audio 9 RTP/AVP 0\r\n", RC_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sip_offer local = phone('a', cases[i].ours);
        struct sip_sdp sdp;
        struct sip_session s;
        const char *why = NULL;
        assert_rc(RC_OK, sip_sdp_parse(str_from(cases[i].answer), &sdp, NULL));
        assert_rc(cases[i].rc, sip_answer_read(&local, 0, 1, &sdp, &s, &why));
        assert_true(cases[i].rc == RC_OK || why != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_security_rows),
        cmocka_unit_test(test_both_agree_on_the_rest),
        cmocka_unit_test(test_a_payload_may_differ_each_way),
        cmocka_unit_test(test_directions),
        cmocka_unit_test(test_offers_that_do_not_fit_are_refused_with_a_reason),
        cmocka_unit_test(test_other_streams_are_refused_in_place),
        cmocka_unit_test(test_answers_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
