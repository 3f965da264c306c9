/* media/offer_test.c - what two sides agree on, and what they refuse in which words. */
#include "kit/kit.h"

#include "media/offer.h"

#include <string.h>

static struct media_ability ability_of(enum media_security security)
{
    struct media_ability a = {
        .security = security,
        .codecs = {MEDIA_OPUS, MEDIA_PCMA, MEDIA_PCMU},
        .codec_count = 3,
        .rtp = net_addr_v4(192, 0, 2, 1, 16384),
        .session_id = 4,
        .version = 1,
        .direction = MEDIA_SENDRECV,
    };
    struct kit_random r;
    struct random_source random = kit_random(&r, security + 9);
    for (int i = MEDIA_SUITE_COUNT - 1; i > MEDIA_SUITE_NONE; i--)
        media_srtp_key_make(&a.keys[a.key_count++], (enum media_suite)i, &random);
    return a;
}

struct talk {
    struct media_ability a, b;
    struct media_plan a_plan, b_plan;
    struct media_refusal why;
    char offer[4096], answer[4096];
};

static struct str print_offer(struct talk *t)
{
    struct buf out;
    buf_init_fixed(&out, t->offer, sizeof t->offer);
    media_offer_print(&out, &t->a, NULL, (struct media_place){0, 1});
    assert_rc(RC_OK, buf_rc(&out));
    return buf_str(&out);
}

/* a offers, b answers, a reads; what b or a says of it when it does not come about. */
static enum rc agree(struct talk *t)
{
    struct buf out;
    struct media_place place = {7, 7};
    buf_init_fixed(&out, t->answer, sizeof t->answer);
    enum rc rc = media_answer_make(&t->b, print_offer(t), &t->b_plan, &place, &out, &t->why);
    if (rc != RC_OK) return rc;
    assert_int_equal(0, place.index);
    assert_int_equal(1, place.count);
    return media_answer_read(&t->a, place, buf_str(&out), &t->a_plan, &t->why);
}

static struct talk talk_of(enum media_security a, enum media_security b)
{
    struct talk t = {.a = ability_of(a), .b = ability_of(b)};
    t.b.rtp = net_addr_v4(192, 0, 2, 2, 20000);
    for (size_t i = 0; i < t.b.key_count; i++)
        t.b.keys[i].bytes[0] ^= 0xff; /* nobody has another's keys */
    return t;
}

static void assert_same_keys(const struct media_plan *a, const struct media_plan *b)
{
    assert_true(media_srtp_key_eq(&a->send, &b->receive));
    assert_true(media_srtp_key_eq(&a->receive, &b->send));
    if (a->send.suite != MEDIA_SUITE_NONE) assert_false(media_srtp_key_eq(&a->send, &a->receive));
}

static void test_who_agrees_with_whom(void **state)
{
    (void)state;
    static const struct {
        enum media_security a, b;
        enum rc rc;
        bool encrypted;
    } rows[] = {
        {MEDIA_PLAIN_ONLY, MEDIA_PLAIN_ONLY, RC_OK, false},
        {MEDIA_PLAIN_ONLY, MEDIA_BEST_EFFORT, RC_OK, false},
        {MEDIA_PLAIN_ONLY, MEDIA_SRTP_ONLY, RC_INVALID, false},
        {MEDIA_BEST_EFFORT, MEDIA_PLAIN_ONLY, RC_OK, false},
        {MEDIA_BEST_EFFORT, MEDIA_BEST_EFFORT, RC_OK, true},
        {MEDIA_BEST_EFFORT, MEDIA_SRTP_ONLY, RC_OK, true},
        {MEDIA_SRTP_ONLY, MEDIA_PLAIN_ONLY, RC_INVALID, false},
        {MEDIA_SRTP_ONLY, MEDIA_BEST_EFFORT, RC_OK, true},
        {MEDIA_SRTP_ONLY, MEDIA_SRTP_ONLY, RC_OK, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct talk t = talk_of(rows[i].a, rows[i].b);
        assert_rc(rows[i].rc, agree(&t));
        if (rows[i].rc != RC_OK) {
            assert_int_equal(488, t.why.status);
            assert_non_null(t.why.text);
            continue;
        }
        assert_int_equal(rows[i].encrypted, t.a_plan.send.suite != MEDIA_SUITE_NONE);
        assert_same_keys(&t.a_plan, &t.b_plan);
        assert_true(net_addr_eq(&t.b.rtp, &t.a_plan.rtp));
        assert_true(net_addr_eq(&t.a.rtp, &t.b_plan.rtp));
        assert_int_equal(MEDIA_OPUS, t.a_plan.codec);
        assert_int_equal(t.b_plan.codec, t.a_plan.codec);
        assert_true(t.a_plan.dtmf_send_type > 0 && t.a_plan.rtcp_mux);
    }
}

/* The caller's first suite that the other side has, too, is the one. */
static void test_each_suite_is_agreed_on(void **state)
{
    (void)state;
    for (int suite = MEDIA_SUITE_NONE + 1; suite < MEDIA_SUITE_COUNT; suite++) {
        struct talk t = talk_of(MEDIA_SRTP_ONLY, MEDIA_SRTP_ONLY);
        struct kit_random r;
        struct random_source random = kit_random(&r, 77);
        media_srtp_key_make(&t.b.keys[0], (enum media_suite)suite, &random);
        t.b.key_count = 1;
        assert_rc(RC_OK, agree(&t));
        assert_int_equal(suite, t.a_plan.send.suite);
        assert_same_keys(&t.a_plan, &t.b_plan);
    }
    struct talk t = talk_of(MEDIA_SRTP_ONLY, MEDIA_SRTP_ONLY);
    t.a.key_count = 1; /* AEAD_AES_256_GCM */
    t.b.keys[0] = t.b.keys[1];
    t.b.key_count = 1;
    assert_rc(RC_INVALID, agree(&t)); /* none in common */
}

static void test_opus_is_offered_as_its_standard_says(void **state)
{
    (void)state;
    struct talk t = talk_of(MEDIA_PLAIN_ONLY, MEDIA_PLAIN_ONLY);
    char *offer = t.offer;
    offer[print_offer(&t).n] = '\0';
    assert_non_null(strstr(offer, "a=rtpmap:96 opus/48000/2\r\n")); /* RFC 7587, 7 */
    assert_non_null(strstr(offer, "a=fmtp:96 useinbandfec=1\r\n"));
    assert_non_null(strstr(offer, "m=audio 16384 RTP/AVP 96 8 0 101\r\n"));
    assert_null(strstr(offer, "crypto"));
}

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
#define OPUS "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;stereo=1\r\n"
#define KEY80                                                                                      \
    "a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:"                                                   \
    "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20\r\n"

static void test_offers_of_others(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum media_security security;
        enum rc rc;
        enum media_codec codec;
        unsigned send_type;
        enum media_direction direction;
        bool held;
    } rows[] = {
        {HEAD "m=audio 4000 RTP/AVP 111 0\r\n" OPUS, MEDIA_PLAIN_ONLY, RC_OK, MEDIA_OPUS, 111, 3,
         0},
        {HEAD "m=audio 4000 RTP/AVP 0 111\r\n" OPUS, MEDIA_PLAIN_ONLY, RC_OK, MEDIA_PCMU, 0, 3, 0},
        {HEAD "m=audio 4000 RTP/AVP 111\r\na=rtpmap:111 opus/48000\r\n", MEDIA_PLAIN_ONLY,
         RC_INVALID, 0, 0, 0, 0}, /* one channel: no opus */
        {HEAD "m=audio 4000 RTP/AVP 8\r\na=sendonly\r\n", MEDIA_PLAIN_ONLY, RC_OK, MEDIA_PCMA, 8,
         MEDIA_RECVONLY, true},
        {HEAD "m=audio 4000 RTP/AVP 8\r\na=recvonly\r\n", MEDIA_PLAIN_ONLY, RC_OK, MEDIA_PCMA, 8,
         MEDIA_SENDONLY, false},
        {HEAD "m=audio 4000 RTP/AVP 8\r\na=inactive\r\n", MEDIA_PLAIN_ONLY, RC_OK, MEDIA_PCMA, 8,
         MEDIA_INACTIVE, true},
        {HEAD "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 0.0.0.0\r\n", MEDIA_PLAIN_ONLY, RC_OK, MEDIA_PCMA,
         8, MEDIA_RECVONLY, true}, /* hold as of old (RFC 2543) */
        {HEAD "m=audio 4000 RTP/SAVP 8\r\n" KEY80, MEDIA_SRTP_ONLY, RC_OK, MEDIA_PCMA, 8, 3, 0},
        {HEAD "m=audio 4000 RTP/AVP 8\r\n" KEY80, MEDIA_BEST_EFFORT, RC_OK, MEDIA_PCMA, 8, 3, 0},
        {HEAD "m=audio 4000 RTP/SAVP 8\r\n", MEDIA_SRTP_ONLY, RC_INVALID, 0, 0, 0, 0}, /* keyless */
        {HEAD "m=audio 4000 RTP/AVP 8\r\n", MEDIA_SRTP_ONLY, RC_INVALID, 0, 0, 0, 0},
        {HEAD "m=audio 4000 RTP/SAVP 8\r\n" KEY80, MEDIA_PLAIN_ONLY, RC_INVALID, 0, 0, 0, 0},
        {HEAD "m=audio 4000 RTP/AVP 18\r\n", MEDIA_PLAIN_ONLY, RC_INVALID, 0, 0, 0, 0},
        {HEAD "m=audio 0 RTP/AVP 8\r\n", MEDIA_PLAIN_ONLY, RC_INVALID, 0, 0, 0, 0},
        {HEAD "m=video 4000 RTP/AVP 31\r\n", MEDIA_PLAIN_ONLY, RC_INVALID, 0, 0, 0, 0},
        {HEAD "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 phone.example\r\n", MEDIA_PLAIN_ONLY, RC_INVALID,
         0, 0, 0, 0}, /* nobody resolves a name here */
        {"v=0\r\nm=audio 4000 RTP/AVP 8\r\n", MEDIA_PLAIN_ONLY, RC_MALFORMED, 0, 0, 0, 0},
        {"", MEDIA_PLAIN_ONLY, RC_MALFORMED, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct media_ability ours = ability_of(rows[i].security);
        struct media_plan plan = {0};
        struct media_place place;
        struct media_refusal why = {0};
        char answer[4096];
        struct buf out;
        buf_init_fixed(&out, answer, sizeof answer);
        struct str guarded = kit_guard(str_from(rows[i].text));
        print_message("row %zu\n", i);
        assert_rc(rows[i].rc, media_answer_make(&ours, guarded, &plan, &place, &out, &why));
        kit_guard_free(guarded);
        if (rows[i].rc != RC_OK) {
            assert_int_equal(rows[i].rc == RC_MALFORMED ? 400 : 488, why.status);
            assert_non_null(why.text);
            assert_int_equal(0, out.n);
            continue;
        }
        assert_int_equal(rows[i].codec, plan.codec);
        assert_int_equal(rows[i].send_type, plan.send_type);
        assert_int_equal(rows[i].direction, plan.direction);
        assert_int_equal(rows[i].held, plan.held);
    }
}

static void test_bodies_too_long(void **state)
{
    (void)state;
    struct media_ability ours = ability_of(MEDIA_PLAIN_ONLY);
    struct media_plan plan;
    struct media_refusal why = {0};
    char *text = malloc(MEDIA_SDP_MAX + 1);
    assert_non_null(text);
    memset(text, 'a', MEDIA_SDP_MAX + 1);
    assert_rc(RC_INVALID, media_answer_read(&ours, (struct media_place){0, 1},
                                            str_of(text, MEDIA_SDP_MAX + 1), &plan, &why));
    assert_int_equal(488, why.status);
    free(text);
}

static void test_answers_nobody_asked_for(void **state)
{
    (void)state;
    static const char *const rows[] = {
        HEAD "m=audio 4000 RTP/AVP 8\r\n", /* in the open */
        HEAD "m=audio 4000 RTP/SAVP 8\r\n",
        HEAD "m=audio 4000 RTP/SAVP 8\r\n" KEY80, /* a tag that was not offered */
        HEAD "m=audio 0 RTP/SAVP 8\r\n",
        HEAD,
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct media_ability ours = ability_of(MEDIA_SRTP_ONLY);
        struct media_plan plan;
        struct media_refusal why = {0};
        assert_rc(RC_INVALID, media_answer_read(&ours, (struct media_place){0, 1},
                                                str_from(rows[i]), &plan, &why));
        assert_non_null(why.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_agrees_with_whom),
        cmocka_unit_test(test_each_suite_is_agreed_on),
        cmocka_unit_test(test_opus_is_offered_as_its_standard_says),
        cmocka_unit_test(test_offers_of_others),
        cmocka_unit_test(test_bodies_too_long),
        cmocka_unit_test(test_answers_nobody_asked_for),
    };
    return cmocka_run_group_tests_name("media/offer", tests, NULL, NULL);
}
