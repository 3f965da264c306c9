#include "kit/kit.h"

#include "sip/sdes.h"

#include <stdio.h>

#define KEY30 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk"

/* A Cisco phone's offer: audio and video, best effort. */
static const char phone_offer[] = "v=0\r\n"
                                  "o=Cisco-SIPUA 25427 0 IN IP4 192.0.2.10\r\n"
                                  "s=SIP Call\r\n"
                                  "b=AS:4064\r\n"
                                  "t=0 0\r\n"
                                  "m=audio 16404 RTP/AVP 114 0 8 101\r\n"
                                  "c=IN IP4 192.0.2.10\r\n"
                                  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"
                                  "a=rtpmap:114 opus/48000/2\r\n"
                                  "a=rtpmap:0 PCMU/8000\r\n"
                                  "a=rtpmap:101 telephone-event/8000\r\n"
                                  "a=fmtp:101 0-15\r\n"
                                  "a=ptime:20\r\n"
                                  "a=sendonly\r\n"
                                  "m=video 16406/2 RTP/SAVPF 97\r\n"
                                  "c=IN IP6 2001:db8::10\r\n"
                                  "k=clear:secret\r\n"
                                  "a=rtcp:7000 IN IP4 192.0.2.77\r\n"
                                  "m=application 0 UDP/UDT/IX *\r\n";

/* Parses flush against an unreadable page. */
static enum rc parse(const char *text, struct sip_sdp *out, struct parse_at *at)
{
    struct str in = kit_guard(str_from(text));
    enum rc rc = sip_sdp_parse(in, out, at);
    kit_guard_free(in);
    return rc;
}

static void test_a_phones_offer_is_indexed(void **state)
{
    (void)state;
    struct sip_sdp s;
    assert_rc(RC_OK, sip_sdp_parse(str_from(phone_offer), &s, NULL));
    assert_str("25427", s.origin.session_id);
    assert_str("192.0.2.10", s.origin.address);
    assert_str("SIP Call", s.name);
    assert_int_equal(3, s.media_count);
    const struct sip_sdp_media *audio = &s.media[0], *video = &s.media[1], *ix = &s.media[2];
    assert_int_equal(SIP_SDP_AUDIO, audio->kind);
    assert_int_equal(SIP_SDP_RTP_AVP, audio->proto);
    assert_int_equal(16404, audio->port);
    assert_int_equal(SIP_SDP_SENDONLY, audio->direction);
    assert_true(audio->has_crypto && sip_sdes_is_keyed(audio) && !audio->has_key_line);
    assert_true(sip_sdp_is_hold(audio));
    assert_int_equal(20, sip_sdp_ptime_ms(audio));
    assert_int_equal(SIP_SDP_RTP_SAVPF, video->proto);
    assert_int_equal(2, video->port_count);
    assert_int_equal(SIP_HOST_IPV6, video->address.kind);
    assert_true(video->has_key_line && !video->has_crypto && !sip_sdes_is_keyed(video));
    assert_int_equal(SIP_SDP_SENDRECV, video->direction);
    assert_int_equal(SIP_SDP_OTHER_PROTO, ix->proto);
    assert_int_equal(0, ix->port);
    assert_true(str_starts(ix->lines, STR("m=application")));
    assert_int_equal(phone_offer + sizeof phone_offer - 1, ix->lines.p + ix->lines.n);
    assert_true(sip_sdp_has_keys(&s));
}

static void test_payloads_have_names(void **state)
{
    (void)state;
    struct sip_sdp s;
    struct sip_sdp_rtpmap map;
    unsigned payload, count = 0;
    assert_rc(RC_OK, sip_sdp_parse(str_from(phone_offer), &s, NULL));
    struct cur c = cur_of(s.media[0].formats);
    while (sip_sdp_payload_next(&s.media[0], &c, &payload))
        count++;
    assert_int_equal(4, count);
    assert_rc(RC_OK, sip_sdp_rtpmap_find(&s.media[0], 114, &map));
    assert_str("opus", map.encoding);
    assert_int_equal(48000, map.clock_hz);
    assert_int_equal(2, map.channels);
    assert_rc(RC_OK, sip_sdp_rtpmap_find(&s.media[0], 8, &map)); /* needs no line */
    assert_str("PCMA", map.encoding);
    assert_rc(RC_NOT_FOUND, sip_sdp_rtpmap_find(&s.media[0], 99, &map));
    assert_str("0-15", sip_sdp_fmtp_find(&s.media[0], 101));
    assert_str("", sip_sdp_fmtp_find(&s.media[0], 0));
    c = cur_of(s.media[2].formats);
    assert_false(sip_sdp_payload_next(&s.media[2], &c, &payload));
}

static void test_rtcp_goes_where_it_should(void **state)
{
    (void)state;
    struct sip_sdp s;
    struct sip_host host;
    uint16_t port;
    assert_rc(RC_OK, sip_sdp_parse(str_from(phone_offer), &s, NULL));
    assert_true(sip_sdp_rtcp(&s.media[0], &port, &host));
    assert_int_equal(16405, port);
    assert_str("192.0.2.10", host.text);
    assert_true(sip_sdp_rtcp(&s.media[1], &port, &host));
    assert_int_equal(7000, port);
    assert_str("192.0.2.77", host.text);
    assert_false(sip_sdp_rtcp(&s.media[2], &port, &host));
    s.media[1].rtcp_mux = true;
    assert_true(sip_sdp_rtcp(&s.media[1], &port, &host));
    assert_int_equal(16406, port);
}

#define HEAD "v=0\r\no=- 1 2 IN IP4 h\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

static void test_what_the_field_sends_is_read(void **state)
{
    (void)state;
    static const char *const fine[] = {
        HEAD,
        HEAD "m=audio 9 RTP/AVP 0",
        "v=0\no=- 1 2 IN IP4 h\ns=-\nc=IN IP4 192.0.2.1\nm=audio 9 RTP/AVP 0\n",
        "v=0\r\no=- 1 2 IN IP4 h\r\nm=audio 0 RTP/AVP 0\r\n", /* no s=, t=, and c= not needed */
        "\r\n" HEAD "m=audio  9  RTP/AVP  0 8 \r\n\r\n",
        HEAD "m=audio 9 RTP/AVP 0\r\na=rtpmap:0\r\na=x:\r\na=crypto:\r\n",
        HEAD "m=image 9 udptl t38\r\n",
        HEAD "m=audio 0 RTP/AVP\r\n",
        HEAD "m=audio 9 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127/3\r\nc=IN IP4 224.2.1.2/127/3\r\n",
        "v=0\r\no=- 1 2 IN IP4 h\r\nc=IN IP4 host.example\r\nm=audio 9 RTP/AVP 0\r\n",
        HEAD "m=audio 9 UDP/TLS/RTP/SAVP 0\r\na=fingerprint:sha-256 00\r\n",
        HEAD "m=audio 9 RTP/AVP 0\r\r\n",
    };
    struct sip_sdp s;
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        assert_rc(RC_OK, parse(fine[i], &s, NULL));
}

static void test_what_breaks_the_grammar_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "v=0"},
        {"o=- 1 2 IN IP4 h\r\n", "v=0"},
        {"v=1\r\n", "v=0"},
        {"v=0\r\n", "an o= line"},
        {"v=0\r\no=- 1 IN IP4 h\r\n", "an o= line of six words"},
        {"v=0\r\no=- x 1 IN IP4 h\r\n", "an o= line of six words"},
        {HEAD "v=0\r\n", "a line of SDP"},
        {HEAD "o=- 1 2 IN IP4 h\r\n", "one o= line, before the streams"},
        {HEAD "s=again\r\n", "one s= line, before the streams"},
        {HEAD "c=IN IP4 192.0.2.2\r\n", "one c= line before the streams"},
        {HEAD "m=audio 9 RTP/AVP 0\r\nt=0 0\r\n", "session lines before the streams"},
        {"v=0\r\no=- 1 2 IN IP4 h\r\nm=audio 9 RTP/AVP 0\r\n", "a c= line for each stream"},
        {"v=0\r\no=- 1 2 IN IP4 h\r\nm=audio 9 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\nc=IN IP4 h\r\n",
         "a c= line for each stream"},
        {HEAD "c=IN IP4\r\n", "an address in c="},
        {HEAD "m=audio 70000 RTP/AVP 0\r\n", "an m= line: media, port, protocol, formats"},
        {HEAD "m=audio 9/0 RTP/AVP 0\r\n", "an m= line: media, port, protocol, formats"},
        {HEAD "m=audio -9 RTP/AVP 0\r\n", "an m= line: media, port, protocol, formats"},
        {HEAD "m=audio 9 RTP//AVP 0\r\n", "an m= line: media, port, protocol, formats"},
        {HEAD "m=audio 9 RTP/AVP\r\n", "an m= line: media, port, protocol, formats"},
        {HEAD "m=audio 9 RTP/AVP 128\r\n", "an m= line: media, port, protocol, formats"},
        {HEAD "m=audio 9 RTP/AVP pcmu\r\n", "an m= line: media, port, protocol, formats"},
        {HEAD "m=audio\r\n", "an m= line: media, port, protocol, formats"},
        {HEAD "a= crypto:1\r\n", "a name behind a="},
        {HEAD " a=folded\r\n", "a line of SDP"},
        {HEAD "A=x\r\n", "a line of SDP"},
        {HEAD "a=x\ra=crypto:1\r\n", "text"},
        {HEAD "--boundary--\r\n", "a line of SDP"},
    };
    struct sip_sdp s;
    struct parse_at at;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_rc(RC_MALFORMED, parse(cases[i].text, &s, &at));
        assert_string_equal(cases[i].expected, at.expected);
        assert_true(at.offset <= strlen(cases[i].text));
    }
    static const char with_nul[] = HEAD "a=x\0y\r\n";
    assert_rc(RC_MALFORMED, sip_sdp_parse(str_of(with_nul, sizeof with_nul - 1), &s, &at));
}

static void test_bounds_hold(void **state)
{
    (void)state;
    struct sip_sdp s;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_put_lit(&b, HEAD);
    for (unsigned i = 0; i < SIP_SDP_MEDIA_MAX; i++)
        buf_put_lit(&b, "m=audio 9 RTP/AVP 0\r\n");
    assert_rc(RC_OK, sip_sdp_parse(buf_str(&b), &s, NULL));
    buf_put_lit(&b, "m=audio 9 RTP/AVP 0\r\n");
    assert_rc(RC_TOO_BIG, sip_sdp_parse(buf_str(&b), &s, NULL));
    buf_reset(&b);
    buf_put_lit(&b, HEAD "i=");
    while (b.n <= SIP_SDP_BYTES_MAX)
        buf_put_char(&b, 'x');
    assert_rc(RC_TOO_BIG, sip_sdp_parse(buf_str(&b), &s, NULL));
    buf_fini(&b);
}

static void test_holds_are_seen(void **state)
{
    (void)state;
    static const struct {
        const char *media;
        bool is_hold;
    } cases[] = {
        {"m=audio 9 RTP/AVP 0\r\n", false},
        {"m=audio 9 RTP/AVP 0\r\na=recvonly\r\n", false},
        {"m=audio 9 RTP/AVP 0\r\na=sendonly\r\na=sendrecv\r\n", true},
        {"m=audio 9 RTP/AVP 0\r\na=inactive\r\n", true},
        {"m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", true},
        {"m=audio 9 RTP/AVP 0\r\nc=IN IP6 ::\r\n", true},
        {"m=audio 0 RTP/AVP 0\r\na=inactive\r\n", false},
        {"a=sendonly\r\nm=audio 9 RTP/AVP 0\r\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sip_sdp s;
        char text[256];
        snprintf(text, sizeof text, HEAD "%s", cases[i].media);
        assert_rc(RC_OK, sip_sdp_parse(str_from(text), &s, NULL));
        assert_int_equal(cases[i].is_hold, sip_sdp_is_hold(&s.media[0]));
    }
    assert_int_equal(SIP_SDP_RECVONLY, sip_sdp_direction_reverse(SIP_SDP_SENDONLY));
    assert_int_equal(SIP_SDP_SENDRECV, sip_sdp_direction_reverse(SIP_SDP_SENDRECV));
    assert_int_equal(SIP_SDP_INACTIVE, sip_sdp_direction_reverse(SIP_SDP_INACTIVE));
}

static void test_printed_plain_no_key_is_left(void **state)
{
    (void)state;
    struct sip_sdp s;
    struct buf out;
    buf_init(&out, 65536);
    assert_rc(RC_OK,
              sip_sdp_parse(STR(HEAD "k=prompt\n\na=crypto:9 X inline:y\r\n"
                                     "m=audio 9 RTP/SAVP 0 8\r\n"
                                     "a=CRYPTO:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"
                                     "a=key-mgmt:mikey AQAF\r\na=sendonly\r\n"
                                     "m=video 11 RTP/SAVPF 97\r\nk=clear:x\r\n"
                                     "m=audio 13 UDP/TLS/RTP/SAVP 0\r\na=fingerprint:sha-1 00\r\n"),
                            &s, NULL));
    assert_true(s.has_key_line && s.media[0].has_crypto);
    sip_sdp_print_plain(&out, &s);
    assert_str(HEAD "m=audio 9 RTP/AVP 0 8\r\na=sendonly\r\nm=video 11 RTP/AVPF 97\r\n"
                    "m=audio 13 UDP/TLS/RTP/SAVP 0\r\na=fingerprint:sha-1 00\r\n",
               buf_str(&out));
    assert_rc(RC_OK, sip_sdp_parse(buf_str(&out), &s, NULL));
    assert_false(sip_sdp_has_keys(&s));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_phones_offer_is_indexed),
        cmocka_unit_test(test_payloads_have_names),
        cmocka_unit_test(test_rtcp_goes_where_it_should),
        cmocka_unit_test(test_what_the_field_sends_is_read),
        cmocka_unit_test(test_what_breaks_the_grammar_is_refused_with_a_reason),
        cmocka_unit_test(test_bounds_hold),
        cmocka_unit_test(test_holds_are_seen),
        cmocka_unit_test(test_printed_plain_no_key_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
