/* media/session_test.c - whole sessions over loopback, the loop's clock moved by hand. */
#include "kit/kit.h"

#include "media/fixture.h"
#include "media/session.h"
#include "media/wav.h"

#include <stdio.h>
#include <unistd.h>

enum { PORT_MIN = 21000, PORT_MAX = 23998 };

struct end {
    struct media_session *session;
    struct kit_random random;
    char digits[32];
    unsigned digit_n, ended_n;
    unsigned first, played, sent, quiet, reports, byes;
    bool close_on_digit;
};

struct call {
    struct net_loop *loop;
    struct end a, b;
};

static void on_dtmf(void *ctx, const struct media_dtmf *dtmf)
{
    struct end *e = ctx;
    if (dtmf->ended)
        e->ended_n++;
    else if (e->digit_n < sizeof e->digits - 1)
        e->digits[e->digit_n++] = dtmf->digit;
    if (e->close_on_digit) e->session = media_session_close(e->session);
}

static void on_first_packet(void *ctx)
{
    ((struct end *)ctx)->first++;
}

static void on_played(void *ctx)
{
    ((struct end *)ctx)->played++;
}

static void on_digits_sent(void *ctx)
{
    ((struct end *)ctx)->sent++;
}

static void on_quiet(void *ctx, unsigned s)
{
    assert_int_equal(10, s);
    ((struct end *)ctx)->quiet++;
}

static void on_report(void *ctx)
{
    ((struct end *)ctx)->reports++;
}

static void on_bye(void *ctx)
{
    ((struct end *)ctx)->byes++;
}

static const struct media_session_events events = {
    .on_dtmf = on_dtmf,
    .on_first_packet = on_first_packet,
    .on_played = on_played,
    .on_digits_sent = on_digits_sent,
    .on_quiet = on_quiet,
    .on_report = on_report,
    .on_bye = on_bye,
};

static struct media_session_config config_of(struct call *c, struct end *e, uint64_t seed)
{
    return (struct media_session_config){
        .loop = c->loop,
        .random = kit_random(&e->random, seed),
        .local = net_addr_v4(127, 0, 0, 1, 0),
        .port_min = PORT_MIN,
        .port_max = PORT_MAX,
        .security = MEDIA_SRTP_ONLY,
        .events = &events,
        .ctx = e,
    };
}

static void open_end(struct call *c, struct end *e, const struct media_session_config *config)
{
    (void)c;
    assert_rc(RC_OK, media_session_open(config, &e->session));
}

static void begin(struct call *c)
{
    *c = (struct call){0};
    assert_rc(RC_OK, net_loop_new(&c->loop));
}

static void open_both(struct call *c, enum media_security security, enum media_codec codec,
                      enum media_suite suite)
{
    begin(c);
    struct media_session_config a = config_of(c, &c->a, (uint64_t)getpid());
    a.security = security;
    a.codecs[0] = codec;
    a.codec_count = 1;
    if (suite != MEDIA_SUITE_NONE) {
        a.suites[0] = suite;
        a.suite_count = 1;
    }
    struct media_session_config b = config_of(c, &c->b, (uint64_t)getpid() + 7);
    b.security = security;
    open_end(c, &c->a, &a);
    open_end(c, &c->b, &b);
}

static void end(struct call *c)
{
    media_session_close(c->a.session);
    media_session_close(c->b.session);
    net_loop_free(c->loop);
}

/* One round: from offers, to answers. */
static void negotiate(struct end *from, struct end *to)
{
    char texts[2][4096];
    struct buf offer, answer;
    struct media_refusal why = {0};
    buf_init_fixed(&offer, texts[0], sizeof texts[0]);
    buf_init_fixed(&answer, texts[1], sizeof texts[1]);
    assert_rc(RC_OK, media_session_offer(from->session, &offer));
    assert_rc(RC_OK, media_session_answer(to->session, buf_str(&offer), &answer, &why));
    assert_rc(RC_OK, media_session_take_answer(from->session, buf_str(&answer), &why));
}

static void pass(struct call *c, unsigned ms)
{
    for (unsigned t = 0; t < ms; t += MEDIA_FRAME_MS) {
        net_loop_skip_ms(c->loop, MEDIA_FRAME_MS);
        net_loop_turn(c->loop, false);
        net_loop_turn(c->loop, false);
    }
}

static void temp_path(char out[64], const char *name)
{
    snprintf(out, 64, "/tmp/bearline-media-%d-%s", (int)getpid(), name);
}

/* A file with count samples of voice at rate_hz. */
static int16_t *write_voice(const char *path, size_t count, unsigned rate_hz)
{
    struct media_wav_writer *w = NULL;
    int16_t *pcm = malloc(count * sizeof *pcm);
    assert_non_null(pcm);
    fixture_voice(pcm, count, rate_hz, 4);
    assert_rc(RC_OK, media_wav_writer_open(path, rate_hz, &w));
    media_wav_write(w, pcm, count);
    assert_rc(RC_OK, media_wav_writer_close(w));
    return pcm;
}

/* a plays a voice, b records it: how like are the two? */
static double recorded_likeness(struct call *c, unsigned rate_hz)
{
    char in[64], out[64];
    struct media_sound heard;
    size_t count = (size_t)rate_hz * 4;
    temp_path(in, "in.wav");
    temp_path(out, "out.wav");
    int16_t *voice = write_voice(in, count, rate_hz);
    assert_rc(RC_OK, media_session_play(c->a.session, in));
    assert_rc(RC_OK, media_session_record(c->b.session, out, rate_hz));
    pass(c, 4400);
    assert_int_equal(1, c->a.played);
    assert_rc(RC_OK, media_session_record_stop(c->b.session));
    assert_rc(RC_OK, media_sound_load(out, &heard));
    assert_int_equal(rate_hz, heard.rate_hz);
    assert_true(heard.sample_count > count);
    double likeness = fixture_likeness(voice, count - rate_hz / 5, heard.samples,
                                       heard.sample_count, rate_hz / 4);
    media_sound_fini(&heard);
    free(voice);
    unlink(in);
    unlink(out);
    return likeness;
}

static void test_a_recording_resembles_what_was_played(void **state)
{
    (void)state;
    static const struct {
        enum media_security security;
        enum media_codec codec;
        enum media_suite suite;
        unsigned rate_hz;
    } rows[] = {
        {MEDIA_PLAIN_ONLY, MEDIA_PCMA, MEDIA_SUITE_NONE, 8000},
        {MEDIA_PLAIN_ONLY, MEDIA_PCMU, MEDIA_SUITE_NONE, 16000},
        {MEDIA_SRTP_ONLY, MEDIA_PCMA, MEDIA_AES_CM_128_HMAC_SHA1_80, 8000},
        {MEDIA_SRTP_ONLY, MEDIA_PCMU, MEDIA_AES_CM_128_HMAC_SHA1_32, 8000},
        {MEDIA_SRTP_ONLY, MEDIA_PCMA, MEDIA_AEAD_AES_128_GCM, 8000},
        {MEDIA_SRTP_ONLY, MEDIA_OPUS, MEDIA_AEAD_AES_256_GCM, 16000},
        {MEDIA_BEST_EFFORT, MEDIA_PCMU, MEDIA_AEAD_AES_256_GCM, 8000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct call c;
        struct media_stats stats;
        open_both(&c, rows[i].security, rows[i].codec, rows[i].suite);
        negotiate(&c.a, &c.b);
        double likeness = recorded_likeness(&c, rows[i].rate_hz);
        media_session_stats(c.b.session, &stats);
        print_message("row %zu: %.3f, %u ms made up, delay %u ms\n", i, likeness,
                      (unsigned)stats.concealed_ms, stats.delay_ms);
        assert_true(likeness > 0.2); /* what was played, no noise; how good: quality_test.c */
        media_session_stats(c.b.session, &stats);
        assert_int_equal(rows[i].codec, stats.codec);
        assert_int_equal(rows[i].suite, stats.suite);
        assert_int_equal(0, stats.lost_packets);
        assert_int_equal(0, stats.refused_packets);
        assert_int_equal(rows[i].suite != MEDIA_SUITE_NONE,
                         media_session_is_encrypted(c.b.session));
        assert_int_equal(1, c.a.first);
        assert_int_equal(1, c.b.first);
        end(&c);
    }
}

/* ---- changes ---- */

static struct media_stats stats_of(const struct end *e)
{
    struct media_stats stats;
    media_session_stats(e->session, &stats);
    return stats;
}

static void test_hold_and_resume(void **state)
{
    (void)state;
    struct call c;
    open_both(&c, MEDIA_SRTP_ONLY, MEDIA_PCMA, MEDIA_AEAD_AES_128_GCM);
    negotiate(&c.a, &c.b);
    pass(&c, 500);
    media_session_hold(c.a.session, true);
    negotiate(&c.a, &c.b);
    assert_true(media_session_is_holding(c.a.session) && media_session_is_held(c.b.session));
    assert_int_equal(MEDIA_SENDONLY, stats_of(&c.a).direction);
    assert_int_equal(MEDIA_RECVONLY, stats_of(&c.b).direction);
    uint64_t sent = stats_of(&c.b).sent_packets, heard = stats_of(&c.b).received_packets;
    pass(&c, 1000);
    assert_int_equal(sent, stats_of(&c.b).sent_packets);
    assert_true(stats_of(&c.b).received_packets >= heard + 45); /* comfort */
    media_session_hold(c.a.session, false);
    negotiate(&c.a, &c.b);
    pass(&c, 1000);
    assert_false(media_session_is_held(c.b.session));
    assert_true(stats_of(&c.b).sent_packets >= sent + 45);
    assert_int_equal(0, c.a.quiet + c.b.quiet);
    end(&c);
}

/* A re-INVITE from elsewhere (a transfer, Replaces): other ports, other keys. What was agreed with the
 * old peer opens nothing any more. */
static void test_another_peer_takes_over_with_its_own_keys(void **state)
{
    (void)state;
    struct call c;
    struct end other = {0};
    open_both(&c, MEDIA_SRTP_ONLY, MEDIA_PCMA, MEDIA_AEAD_AES_256_GCM);
    negotiate(&c.a, &c.b);
    pass(&c, 1000);
    struct media_session_config config = config_of(&c, &other, (uint64_t)getpid() + 99);
    open_end(&c, &other, &config);
    negotiate(&other, &c.a);
    uint64_t heard = stats_of(&c.a).received_packets, refused = stats_of(&c.a).refused_packets;
    pass(&c, 1000);
    assert_in_range(stats_of(&c.a).received_packets, heard + 40,
                    heard + 80);                                 /* of one of the two */
    assert_true(stats_of(&c.a).refused_packets >= refused + 40); /* b still talks to it */
    assert_true(stats_of(&other).received_packets >= 45);
    assert_int_equal(2, c.a.first);
    assert_true(media_session_is_encrypted(c.a.session));
    media_session_close(other.session);
    end(&c);
}

static void test_what_is_not_agreed(void **state)
{
    (void)state;
    struct call c;
    char texts[2][4096];
    struct buf offer, answer;
    struct media_refusal why = {0};
    open_both(&c, MEDIA_SRTP_ONLY, MEDIA_PCMA, MEDIA_AEAD_AES_256_GCM);
    buf_init_fixed(&offer, texts[0], sizeof texts[0]);
    buf_init_fixed(&answer, texts[1], sizeof texts[1]);
    assert_rc(RC_CONFLICT, media_session_take_answer(c.a.session, STR("v=0\r\n"), &why));
    assert_rc(RC_MALFORMED, media_session_answer(c.a.session, STR("v=1\r\n"), &answer, &why));
    assert_int_equal(400, why.status);
    assert_rc(RC_INVALID, media_session_answer(
                              c.a.session,
                              STR("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
                                  "t=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"),
                              &answer, &why));
    assert_int_equal(488, why.status);
    assert_int_equal(0, answer.n);
    assert_rc(RC_OK, media_session_offer(c.a.session, &offer));
    assert_rc(RC_CONFLICT, media_session_answer(c.a.session, buf_str(&offer), &answer, &why));
    media_session_offer_failed(c.a.session);
    negotiate(&c.b, &c.a); /* nothing of it stays */
    pass(&c, 200);
    assert_true(stats_of(&c.a).received_packets > 5);
    assert_rc(RC_NOT_FOUND, media_session_play(c.a.session, "/no/such.wav"));
    assert_rc(RC_INVALID, media_session_record(c.a.session, "/tmp/x.wav", 44100));
    end(&c);
}

/* ---- keys, silence, the end ---- */

static void test_keys_reach_the_other_side(void **state)
{
    (void)state;
    struct call c;
    char many[MEDIA_DIGITS_MAX + 2];
    memset(many, '1', sizeof many);
    open_both(&c, MEDIA_SRTP_ONLY, MEDIA_OPUS, MEDIA_AES_CM_128_HMAC_SHA1_80);
    assert_rc(RC_UNSUPPORTED, media_session_dtmf(c.a.session, STR("1"))); /* with nobody yet */
    negotiate(&c.a, &c.b);
    assert_rc(RC_MALFORMED, media_session_dtmf(c.a.session, STR("1x")));
    assert_rc(RC_BUSY, media_session_dtmf(c.a.session, str_of(many, sizeof many)));
    assert_rc(RC_OK, media_session_dtmf(c.a.session, STR("1,2#d")));
    pass(&c, 2500);
    assert_string_equal("12#D", c.b.digits);
    assert_int_equal(4, c.b.ended_n);
    assert_int_equal(1, c.a.sent);
    end(&c);
}

static void test_a_session_closed_in_its_own_callback(void **state)
{
    (void)state;
    struct call c;
    open_both(&c, MEDIA_SRTP_ONLY, MEDIA_PCMA, MEDIA_AEAD_AES_256_GCM);
    negotiate(&c.a, &c.b);
    c.b.close_on_digit = true;
    pass(&c, 200);
    assert_rc(RC_OK, media_session_dtmf(c.a.session, STR("77")));
    pass(&c, 1000);
    assert_null(c.b.session);
    assert_int_equal(1, c.b.digit_n);
    assert_int_equal(1, c.a.byes);
    end(&c);
}

static void test_silence_is_told_once(void **state)
{
    (void)state;
    struct call c;
    char text[4096];
    struct buf offer;
    struct media_refusal why = {0};
    begin(&c);
    struct media_session_config config = config_of(&c, &c.a, 5);
    config.security = MEDIA_PLAIN_ONLY;
    open_end(&c, &c.a, &config);
    buf_init_fixed(&offer, text, sizeof text);
    assert_rc(RC_OK, media_session_offer(c.a.session, &offer));
    assert_rc(RC_OK, media_session_take_answer(
                         c.a.session,
                         STR("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
                             "t=0 0\r\nm=audio 9 RTP/AVP 8\r\n"),
                         &why));
    pass(&c, 8000);
    assert_int_equal(0, c.a.quiet);
    pass(&c, 4000);
    assert_int_equal(1, c.a.quiet);
    pass(&c, 30000);
    assert_int_equal(1, c.a.quiet);
    end(&c);
}

/* ---- bounds ---- */

static void test_ports_run_out_and_come_back(void **state)
{
    (void)state;
    struct call c;
    struct end more = {0};
    begin(&c);
    struct media_session_config config = config_of(&c, &c.a, (uint64_t)getpid());
    config.port_min = (uint16_t)(24000 + getpid() % 1000 * 4); /* room for two */
    config.port_max = (uint16_t)(config.port_min + 3);
    open_end(&c, &c.a, &config);
    open_end(&c, &c.b, &config);
    assert_rc(RC_BUSY, media_session_open(&config, &more.session));
    c.b.session = media_session_close(c.b.session);
    pass(&c, MEDIA_FRAME_MS);
    assert_rc(RC_OK, media_session_open(&config, &more.session));
    media_session_close(more.session);
    config.port_max = config.port_min;
    config.port_min++;
    assert_rc(RC_INVALID, media_session_open(&config, &more.session));
    end(&c);
}

static void agree_once(void *ctx)
{
    struct call *c = ctx;
    char texts[2][4096];
    struct buf offer, answer;
    struct media_refusal why;
    struct media_session_config a = config_of(c, &c->a, 1), b = config_of(c, &c->b, 2);
    c->a.session = c->b.session = NULL;
    buf_init_fixed(&offer, texts[0], sizeof texts[0]);
    buf_init_fixed(&answer, texts[1], sizeof texts[1]);
    bool ok = media_session_open(&a, &c->a.session) == RC_OK &&
              media_session_open(&b, &c->b.session) == RC_OK &&
              media_session_offer(c->a.session, &offer) == RC_OK &&
              media_session_answer(c->b.session, buf_str(&offer), &answer, &why) == RC_OK;
    if (ok) (void)!media_session_take_answer(c->a.session, buf_str(&answer), &why);
    c->a.session = media_session_close(c->a.session);
    c->b.session = media_session_close(c->b.session);
    net_loop_turn(c->loop, false);
}

static void test_out_of_memory_and_no_key_left_behind(void **state)
{
    (void)state;
    struct call c;
    begin(&c);
    kit_watch_freed("inline:");
    kit_each_alloc_fails(agree_once, &c);
    assert_int_equal(0, kit_freed_with_secret());
    kit_watch_freed("");
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_recording_resembles_what_was_played),
        cmocka_unit_test(test_hold_and_resume),
        cmocka_unit_test(test_another_peer_takes_over_with_its_own_keys),
        cmocka_unit_test(test_what_is_not_agreed),
        cmocka_unit_test(test_keys_reach_the_other_side),
        cmocka_unit_test(test_a_session_closed_in_its_own_callback),
        cmocka_unit_test(test_silence_is_told_once),
        cmocka_unit_test(test_ports_run_out_and_come_back),
        cmocka_unit_test(test_out_of_memory_and_no_key_left_behind),
    };
    return cmocka_run_group_tests_name("media/session", tests, NULL, NULL);
}
