/* media/codec_test.c - the two laws of G.711, Opus, and what decoders make of holes and rubbish. */
#include "kit/kit.h"

#include "media/codec.h"
#include "media/fixture.h"
#include "media/g711.h"

/* ---- G.711 ---- */

static void test_bytes_of_the_standard(void **state)
{
    (void)state;
    /* ITU-T G.711, tables 1a and 2a: ends, zeroes and a step between. */
    static const struct {
        uint8_t byte;
        int16_t ulaw, alaw;
    } rows[] = {
        {0x00, -32124, -5504}, {0x80, 32124, 5504}, {0xff, 0, 848},      {0x7f, 0, -848},
        {0xd5, 716, 8},        {0x55, -716, -8},    {0xaa, 5372, 32256}, {0x2a, -5372, -32256},
        {0x0f, -16764, -6784}, {0x8f, 16764, 6784},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rows[i].ulaw, media_ulaw_decode(rows[i].byte));
        assert_int_equal(rows[i].alaw, media_alaw_decode(rows[i].byte));
    }
    for (unsigned byte = 0; byte < 256; byte++) { /* what was a byte stays that byte */
        uint8_t b = (uint8_t)byte;
        if (b != 0x7f) assert_int_equal(b, media_ulaw_encode(media_ulaw_decode(b)));
        assert_int_equal(b, media_alaw_encode(media_alaw_decode(b)));
    }
}

static void assert_near(int sample, int got)
{
    int size = sample < 0 ? -sample : sample, off = got < sample ? sample - got : got - sample;
    assert_in_range(off, 0, 16 + size / 30);
}

static void test_every_sample_comes_back_nearly_as_it_was(void **state)
{
    (void)state;
    int last_u = INT16_MIN, last_a = INT16_MIN;
    for (int v = INT16_MIN; v <= INT16_MAX; v++) {
        int u = media_ulaw_decode(media_ulaw_encode((int16_t)v));
        int a = media_alaw_decode(media_alaw_encode((int16_t)v));
        assert_near(v, u);
        assert_near(v, a);
        assert_true(u >= last_u && a >= last_a); /* louder never becomes softer */
        last_u = u;
        last_a = a;
    }
}

/* ---- names and lengths ---- */

static void test_a_codec_is_found_by_all_of_its_rtpmap(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned clock_hz, channels;
        bool known;
        enum media_codec codec;
    } rows[] = {
        {"opus", 48000, 2, true, MEDIA_OPUS},
        {"OPUS", 48000, 2, true, MEDIA_OPUS},
        {"pcma", 8000, 1, true, MEDIA_PCMA},
        {"PCMU", 8000, 1, true, MEDIA_PCMU},
        {"opus", 48000, 1, false, 0}, /* RFC 7587, 7: always 2 */
        {"opus", 16000, 2, false, 0},
        {"PCMA", 16000, 1, false, 0},
        {"PCMA", 8000, 2, false, 0},
        {"G722", 8000, 1, false, 0},
        {"", 8000, 1, false, 0},
        {"PCM", 8000, 1, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum media_codec codec = MEDIA_CODEC_COUNT;
        assert_int_equal(rows[i].known, media_codec_find(str_from(rows[i].name), rows[i].clock_hz,
                                                         rows[i].channels, &codec));
        if (rows[i].known) assert_int_equal(rows[i].codec, codec);
    }
}

static void test_what_a_payload_holds(void **state)
{
    (void)state;
    static const uint8_t zeroes[MEDIA_PAYLOAD_MAX + 1];
    static const struct {
        const char *bytes;
        size_t n;
        unsigned samples;
    } opus[] = {
        {"\x08z", 2, 960},           /* SILK, 20 ms, one frame */
        {"\x18z", 2, 2880},          /* SILK, 60 ms */
        {"\x0bz", 2, 5760 / 6 * 0},  /* code 3 with 58 frames: more than 120 ms */
        {"\x0b\x06zzzzzz", 8, 5760}, /* code 3, six frames of 20 ms: the longest */
        {"\x0b\x07zzzzzzz", 9, 0},
        {"\x0b", 1, 0}, /* code 3 without its count */
        {"", 0, 0},
    };
    for (size_t i = 0; i < sizeof opus / sizeof opus[0]; i++) {
        struct str guarded = kit_guard(str_of(opus[i].bytes, opus[i].n));
        assert_int_equal(opus[i].samples, media_payload_samples(MEDIA_OPUS, str_bytes(guarded)));
        kit_guard_free(guarded);
    }
    static const unsigned g711[][2] = {{0, 0}, {1, 1}, {160, 160}, {960, 960}, {961, 0}};
    for (size_t i = 0; i < sizeof g711 / sizeof g711[0]; i++)
        assert_int_equal(g711[i][1],
                         media_payload_samples(MEDIA_PCMA, bytes_of(zeroes, g711[i][0])));
    assert_int_equal(0, media_payload_samples(MEDIA_OPUS, bytes_of(zeroes, sizeof zeroes)));
}

/* ---- there and back ---- */

enum { FRAMES = 100 };

struct codec {
    enum media_codec codec;
    unsigned frame; /* samples */
    struct media_encoder *encoder;
    struct media_decoder *decoder;
    int16_t *voice, *heard;
    size_t count, heard_n;
};

static struct codec codec_open(enum media_codec codec, unsigned loss_percent)
{
    unsigned rate_hz = media_codec_info(codec)->rate_hz;
    struct codec c = {.codec = codec, .frame = rate_hz / 1000 * MEDIA_FRAME_MS};
    c.count = (size_t)c.frame * FRAMES;
    c.voice = malloc(c.count * sizeof *c.voice);
    c.heard = malloc((c.count + MEDIA_PACKET_SAMPLES_MAX) * sizeof *c.heard);
    assert_true(c.voice && c.heard);
    fixture_voice(c.voice, c.count, rate_hz, 3);
    assert_rc(RC_OK, media_encoder_new(codec, loss_percent, &c.encoder));
    assert_rc(RC_OK, media_decoder_new(codec, &c.decoder));
    return c;
}

static void codec_close(struct codec *c)
{
    assert_null(media_encoder_free(c->encoder));
    assert_null(media_decoder_free(c->decoder));
    free(c->voice);
    free(c->heard);
}

static struct bytes encode(struct codec *c, unsigned frame, uint8_t out[MEDIA_PAYLOAD_MAX])
{
    size_t n = 0;
    assert_rc(RC_OK, media_encode(c->encoder, c->voice + (size_t)frame * c->frame, out,
                                  MEDIA_PAYLOAD_MAX, &n));
    return bytes_of(out, n);
}

static void decode(struct codec *c, struct bytes payload)
{
    unsigned n = 0;
    assert_rc(RC_OK, media_decode(c->decoder, payload, c->heard + c->heard_n, &n));
    assert_int_equal(c->frame, n);
    c->heard_n += n;
}

static double likeness(const struct codec *c)
{
    size_t piece = (size_t)c->frame * 10;
    return fixture_likeness_by_piece(c->voice, c->count - piece, c->heard, c->heard_n, c->frame,
                                     piece);
}

static void test_voice_comes_back(void **state)
{
    (void)state;
    static const double least[MEDIA_CODEC_COUNT] = {0.99, 0.99, 0.8};
    for (unsigned codec = 0; codec < MEDIA_CODEC_COUNT; codec++) {
        uint8_t packet[MEDIA_PAYLOAD_MAX];
        struct codec c = codec_open((enum media_codec)codec, 0);
        for (unsigned i = 0; i < FRAMES; i++)
            decode(&c, encode(&c, i, packet));
        print_message("codec %u: %.3f\n", codec, likeness(&c));
        assert_true(likeness(&c) >= least[codec]);
        codec_close(&c);
    }
}

/* Every tenth frame is lost; what comes after it is here. Opus finds a copy in that, if it was told
 * to expect loss. */
static double likeness_with_holes(enum media_codec codec, bool show_next)
{
    uint8_t packet[MEDIA_PAYLOAD_MAX], next[MEDIA_PAYLOAD_MAX];
    struct codec c = codec_open(codec, 30);
    for (unsigned i = 0; i < FRAMES; i++) {
        struct bytes payload = encode(&c, i, packet);
        if (i % 10 != 9 || i + 1 >= FRAMES) {
            decode(&c, payload);
            continue;
        }
        struct bytes after = encode(&c, ++i, next);
        media_decode_lost(c.decoder, show_next ? after : bytes_of(NULL, 0), c.heard + c.heard_n,
                          c.frame);
        c.heard_n += c.frame;
        decode(&c, after);
    }
    double found = likeness(&c);
    codec_close(&c);
    return found;
}

static void test_holes_are_filled(void **state)
{
    (void)state;
    double ulaw = likeness_with_holes(MEDIA_PCMU, false);
    double blind = likeness_with_holes(MEDIA_OPUS, false);
    double copied = likeness_with_holes(MEDIA_OPUS, true);
    print_message("holes: PCMU %.3f, opus %.3f, with its copy %.3f\n", ulaw, blind, copied);
    assert_true(ulaw >= 0.9);
    assert_true(copied > blind);
}

static int loudest(const int16_t *pcm, unsigned n)
{
    int most = 0;
    for (unsigned i = 0; i < n; i++)
        if (abs(pcm[i]) > most) most = abs(pcm[i]);
    return most;
}

static void test_a_long_hole_is_silent(void **state)
{
    (void)state;
    for (unsigned codec = 0; codec < MEDIA_CODEC_COUNT; codec++) {
        uint8_t packet[MEDIA_PAYLOAD_MAX];
        int16_t pcm[MEDIA_FRAME_MAX];
        struct codec c = codec_open((enum media_codec)codec, 0);
        for (unsigned i = 0; i < FRAMES / 2; i++)
            decode(&c, encode(&c, i, packet));
        for (unsigned i = 0; i < 50; i++)
            media_decode_lost(c.decoder, bytes_of(NULL, 0), pcm, c.frame);
        assert_in_range(loudest(pcm, c.frame), 0, 50);
        media_decode_lost(c.decoder, bytes_of(NULL, 0), pcm, MEDIA_FRAME_MAX + 1); /* is cut */
        media_decode_lost(c.decoder, bytes_of("\x0b", 1), pcm, c.frame); /* rubbish comes next */
        media_decode_lost(c.decoder, bytes_of(NULL, 0), pcm, 7);         /* no whole step of opus */
        assert_in_range(loudest(pcm, 7), 0, 50);
        codec_close(&c);
    }
}

static void test_rubbish_writes_nothing(void **state)
{
    (void)state;
    int16_t pcm[MEDIA_PACKET_SAMPLES_MAX] = {77};
    unsigned n = 5;
    struct codec c = codec_open(MEDIA_OPUS, 0);
    assert_rc(RC_MALFORMED, media_decode(c.decoder, bytes_of("\x0b", 1), pcm, &n));
    assert_rc(RC_MALFORMED, media_decode(c.decoder, bytes_of("", 0), pcm, &n));
    assert_int_equal(77, pcm[0]);
    assert_int_equal(5, n);
    codec_close(&c);
}

static void test_a_frame_that_does_not_fit(void **state)
{
    (void)state;
    uint8_t out[160];
    size_t n = 5;
    struct codec c = codec_open(MEDIA_PCMA, 0);
    assert_rc(RC_TOO_BIG, media_encode(c.encoder, c.voice, out, 159, &n));
    assert_int_equal(5, n);
    assert_rc(RC_OK, media_encode(c.encoder, c.voice, out, 160, &n));
    assert_int_equal(160, n);
    codec_close(&c);
}

static void make_both(void *ctx)
{
    struct media_encoder *e = NULL;
    struct media_decoder *d = NULL;
    (void)ctx;
    (void)!media_encoder_new(MEDIA_OPUS, 5, &e);
    (void)!media_decoder_new(MEDIA_OPUS, &d);
    media_encoder_free(e);
    media_decoder_free(d);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    kit_each_alloc_fails(make_both, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_of_the_standard),
        cmocka_unit_test(test_every_sample_comes_back_nearly_as_it_was),
        cmocka_unit_test(test_a_codec_is_found_by_all_of_its_rtpmap),
        cmocka_unit_test(test_what_a_payload_holds),
        cmocka_unit_test(test_voice_comes_back),
        cmocka_unit_test(test_holes_are_filled),
        cmocka_unit_test(test_a_long_hole_is_silent),
        cmocka_unit_test(test_rubbish_writes_nothing),
        cmocka_unit_test(test_a_frame_that_does_not_fit),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("media/codec", tests, NULL, NULL);
}
