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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_recording_resembles_what_was_played),
    };
    return cmocka_run_group_tests_name("media/session", tests, NULL, NULL);
}
