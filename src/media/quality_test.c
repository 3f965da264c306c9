/* media/quality_test.c - how sound comes through: a simulated network, seeds, named bounds. */
#include "kit/kit.h"

#include "media/bed.h"
#include "media/fixture.h"

enum { SPEECH_MS = 10000 };

/* What must be reached; each is measured over three seeds. */
struct bounds {
    const char *name;
    enum media_codec codec;
    enum media_suite suite;
    unsigned loss_percent, jitter_ms;
    double likeness;        /* at least, in pieces of 400 ms */
    unsigned concealed_ms;  /* of 10 s, at most */
    unsigned late_permille; /* of all packets, at most */
    unsigned delay_ms;      /* of the jitter buffer at the end, at most */
};

static const struct bounds bounds[] = {
    {"G.711 A-law, clean", MEDIA_PCMA, MEDIA_AEAD_AES_256_GCM, 0, 0, 0.995, 0, 0, 60},
    {"G.711 u-law, clean, plain", MEDIA_PCMU, MEDIA_SUITE_NONE, 0, 0, 0.995, 0, 0, 60},
    {"Opus, clean", MEDIA_OPUS, MEDIA_AEAD_AES_128_GCM, 0, 0, 0.82, 0, 0, 60},
    {"G.711, 5 % loss", MEDIA_PCMA, MEDIA_AES_CM_128_HMAC_SHA1_80, 5, 0, 0.97, 800, 0, 60},
    {"G.711, 40 ms jitter", MEDIA_PCMA, MEDIA_AES_CM_128_HMAC_SHA1_32, 0, 40, 0.99, 100, 10, 80},
    {"G.711, 5 % loss, 40 ms jitter", MEDIA_PCMA, MEDIA_AEAD_AES_256_GCM, 5, 40, 0.96, 900, 10, 80},
    {"G.711, 120 ms jitter", MEDIA_PCMU, MEDIA_AEAD_AES_256_GCM, 0, 120, 0.95, 600, 40, 180},
    {"Opus, 5 % loss", MEDIA_OPUS, MEDIA_AES_CM_128_HMAC_SHA1_80, 5, 0, 0.80, 800, 0, 60},
    {"Opus, 40 ms jitter", MEDIA_OPUS, MEDIA_AES_CM_128_HMAC_SHA1_32, 0, 40, 0.82, 100, 10, 80},
    {"Opus, 5 % loss, 40 ms jitter", MEDIA_OPUS, MEDIA_AEAD_AES_256_GCM, 5, 40, 0.80, 900, 10, 80},
};

static int16_t *voice(unsigned rate_hz, size_t *count)
{
    *count = (size_t)rate_hz / 1000 * SPEECH_MS;
    int16_t *pcm = malloc(*count * sizeof *pcm);
    assert_non_null(pcm);
    fixture_voice(pcm, *count, rate_hz, 11);
    return pcm;
}

/* Sound at 48 kHz is compared at 8 kHz: every sixth sample of what the codec has smoothed. */
static size_t thin_out(int16_t *pcm, size_t count, unsigned step)
{
    for (size_t i = 0; i < count / step; i++)
        pcm[i] = pcm[i * step];
    return count / step;
}

struct measured {
    double likeness;
    struct media_stats stats;
};

static struct measured measure(const struct bounds *row, uint64_t seed)
{
    static struct bed bed;
    struct measured m;
    size_t count;
    unsigned rate_hz = media_codec_info(row->codec)->rate_hz;
    int16_t *pcm = voice(rate_hz, &count);
    bed_open(&bed, seed, row->codec, row->suite, SPEECH_MS + 1000);
    bed.loss_percent = row->loss_percent;
    bed.jitter_ms = row->jitter_ms;
    bed_speak(&bed.a, pcm, count);
    bed_pass(&bed, SPEECH_MS + 500);
    size_t n = thin_out(pcm, count, rate_hz / 8000);
    size_t heard_n = thin_out(bed.b.heard, bed.b.heard_n, rate_hz / 8000);
    m.likeness = fixture_likeness_by_piece(pcm, n, bed.b.heard, heard_n, 1600, 3200);
    m.stats = bed_stats(&bed.b);
    print_message(
        "%-32s seed %u: likeness %.3f, %u ms made up, %u late, delay %u ms, jitter %.1f ms\n",
        row->name, (unsigned)seed, m.likeness, (unsigned)m.stats.concealed_ms,
        (unsigned)m.stats.late_packets, m.stats.delay_ms, m.stats.jitter_ms);
    bed_close(&bed);
    free(pcm);
    return m;
}

static void test_sound_keeps_within_its_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        for (uint64_t seed = 1; seed <= 3; seed++) {
            const struct bounds *row = &bounds[i];
            struct measured m = measure(row, seed);
            assert_true(m.likeness >= row->likeness);
            assert_true(m.stats.concealed_ms <= row->concealed_ms);
            assert_true(m.stats.late_packets * 1000 <=
                        row->late_permille * m.stats.received_packets);
            assert_true(m.stats.delay_ms <= row->delay_ms);
        }
    }
}

/* The bounds mean something: a worse network breaks those of 5 % loss and 40 ms jitter. */
static void test_a_worse_network_breaks_the_bounds(void **state)
{
    (void)state;
    static const struct bounds worse[] = {
        {"G.711, 30 % loss, 40 ms jitter", MEDIA_PCMA, MEDIA_AEAD_AES_256_GCM, 30, 40, 0.96, 900, 0,
         80},
        {"Opus, 30 % loss, 40 ms jitter", MEDIA_OPUS, MEDIA_AEAD_AES_256_GCM, 30, 40, 0.80, 900, 0,
         80},
    };
    for (size_t i = 0; i < sizeof worse / sizeof worse[0]; i++) {
        struct measured m = measure(&worse[i], 1);
        assert_true(m.likeness < worse[i].likeness);
        assert_true(m.stats.concealed_ms > worse[i].concealed_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_keeps_within_its_bounds),
        cmocka_unit_test(test_a_worse_network_breaks_the_bounds),
    };
    return cmocka_run_group_tests_name("media/quality", tests, NULL, NULL);
}
