/* media/resample_test.c - sound at another rate is the same sound; and pipes between two rates. */
#include "kit/kit.h"

#include "media/fixture.h"
#include "media/pipe.h"

#include <string.h>

enum { RATE_MAX = 48000 };

/* All of in at once; the result's length. */
static size_t convert(unsigned from_hz, unsigned to_hz, const int16_t *in, size_t n, int16_t *out)
{
    struct media_resampler *r = NULL;
    assert_rc(RC_OK, media_resampler_new(from_hz, to_hz, &r));
    size_t got = media_resample(r, in, n, out);
    assert_true(got <= media_resample_bound(r, n));
    assert_null(media_resampler_free(r));
    return got;
}

static void test_there_and_back_is_the_same_sound(void **state)
{
    (void)state;
    static const unsigned rates[][2] = {{8000, 48000},  {8000, 16000},  {16000, 48000},
                                        {11025, 48000}, {22050, 48000}, {44100, 48000}};
    static int16_t sound[RATE_MAX], up[RATE_MAX + 1000], back[RATE_MAX + 1000];
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        unsigned from = rates[i][0], to = rates[i][1];
        fixture_voice(sound, from, from, 6);
        size_t n = convert(from, to, sound, from, up);
        assert_in_range(n, to - 2, to + 2); /* a second is a second */
        size_t m = convert(to, from, up, n, back);
        double likeness = fixture_likeness(sound, from - from / 10, back, m, from / 50);
        print_message("%u to %u and back: %.4f\n", from, to, likeness);
        assert_true(likeness >= 0.98);
    }
}

static int loudest(const int16_t *pcm, size_t n)
{
    int most = 0;
    for (size_t i = 0; i < n; i++)
        if (abs(pcm[i]) > most) most = abs(pcm[i]);
    return most;
}

/* What the lower rate cannot carry is gone, and does not come back as another tone. */
static void test_tones_above_the_lower_rate_vanish(void **state)
{
    (void)state;
    static int16_t tone[RATE_MAX], out[RATE_MAX];
    static const struct {
        double hz;
        int least, most; /* of 10000 */
    } rows[] = {
        {300, 9800, 10200}, {2900, 9800, 10200}, {5000, 0, 100}, {6000, 0, 60}, {11000, 0, 60}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fixture_tone(tone, RATE_MAX, RATE_MAX, rows[i].hz, 10000);
        size_t n = convert(RATE_MAX, 8000, tone, RATE_MAX, out);
        assert_in_range(loudest(out + 100, n - 200), rows[i].least, rows[i].most);
    }
}

static void test_pieces_make_the_same_as_the_whole(void **state)
{
    (void)state;
    static int16_t sound[8000], whole[RATE_MAX + 100], pieces[RATE_MAX + 100];
    struct media_resampler *r = NULL;
    fixture_voice(sound, 8000, 8000, 9);
    size_t n = convert(8000, 44100, sound, 8000, whole), got = 0;
    assert_rc(RC_OK, media_resampler_new(8000, 44100, &r));
    for (size_t at = 0, piece = 1; at < 8000; at += piece, piece = piece * 5 % 331 + 1) {
        if (piece > 8000 - at) piece = 8000 - at;
        size_t bound = media_resample_bound(r, piece), more;
        assert_true((more = media_resample(r, sound + at, piece, pieces + got)) <= bound);
        got += more;
    }
    assert_int_equal(n, got);
    assert_memory_equal(whole, pieces, n * sizeof *whole);
    media_resampler_free(r);
}

static void test_full_scale_is_clipped_not_wrapped(void **state)
{
    (void)state;
    static int16_t square[8000], out[RATE_MAX + 100];
    for (size_t i = 0; i < 8000; i++)
        square[i] = i / 20 % 2 ? INT16_MAX : INT16_MIN;
    size_t n = convert(8000, RATE_MAX, square, 8000, out);
    for (size_t i = 600; i + 600 < n; i++) /* each half wave keeps its sign in its middle */
        if (i % 120 == 60) assert_true(abs(out[i]) > 20000);
}

static void test_rates_that_cannot_be(void **state)
{
    (void)state;
    static const unsigned rows[][2] = {{7999, 8000}, {8000, 48001}, {0, 8000}, {8000, 47999}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct media_resampler *r = NULL;
        struct media_pipe *p = NULL;
        assert_rc(RC_INVALID, media_resampler_new(rows[i][0], rows[i][1], &r));
        assert_rc(RC_INVALID, media_pipe_new(rows[i][0], rows[i][1], &p));
    }
}

/* ---- pipes ---- */

static void test_a_pipe_gives_what_there_is_and_then_silence(void **state)
{
    (void)state;
    int16_t in[160], out[200];
    struct media_pipe *p = NULL;
    assert_false(media_pipe_fits(NULL, 8000, 8000));
    assert_rc(RC_OK, media_pipe_new(8000, 8000, &p));
    assert_true(media_pipe_fits(p, 8000, 8000) && !media_pipe_fits(p, 8000, 16000));
    for (int16_t i = 0; i < 160; i++)
        in[i] = (int16_t)(i + 1);
    media_pipe_push(p, in, 160);
    assert_int_equal(100, media_pipe_pop(p, out, 100));
    assert_int_equal(60, media_pipe_ready(p));
    assert_int_equal(60, media_pipe_pop(p, out, 200));
    assert_int_equal(101, out[0]);
    assert_int_equal(160, out[59]);
    assert_int_equal(0, loudest(out + 60, 140));
    assert_null(media_pipe_free(p));
}

static void test_a_pipe_nobody_empties_keeps_the_newest(void **state)
{
    (void)state;
    int16_t in[160], out[2000];
    struct media_pipe *p = NULL;
    assert_rc(RC_OK, media_pipe_new(8000, 8000, &p));
    for (int16_t piece = 1; piece <= 20; piece++) {
        for (unsigned i = 0; i < 160; i++)
            in[i] = piece;
        media_pipe_push(p, in, 160);
    }
    assert_int_equal(8 * MEDIA_PIPE_MS, media_pipe_ready(p));
    assert_int_equal(8 * MEDIA_PIPE_MS, media_pipe_pop(p, out, 2000));
    assert_int_equal(20 - MEDIA_PIPE_MS / 20 + 1, out[0]);
    assert_int_equal(20, out[8 * MEDIA_PIPE_MS - 1]);
    media_pipe_free(p);
}

static void test_a_pipe_costs_no_allocation(void **state)
{
    (void)state;
    int16_t in[960] = {0}, out[160];
    struct media_pipe *p = NULL;
    assert_rc(RC_OK, media_pipe_new(48000, 8000, &p));
    unsigned long before = kit_alloc_count();
    for (unsigned i = 0; i < 100; i++) {
        media_pipe_push(p, in, 960);
        (void)media_pipe_pop(p, out, 160);
    }
    assert_int_equal(before, kit_alloc_count());
    media_pipe_free(p);
}

static void make_one(void *ctx)
{
    struct media_pipe *p = NULL;
    (void)ctx;
    (void)!media_pipe_new(8000, 16000, &p);
    media_pipe_free(p);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    kit_each_alloc_fails(make_one, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back_is_the_same_sound),
        cmocka_unit_test(test_tones_above_the_lower_rate_vanish),
        cmocka_unit_test(test_pieces_make_the_same_as_the_whole),
        cmocka_unit_test(test_full_scale_is_clipped_not_wrapped),
        cmocka_unit_test(test_rates_that_cannot_be),
        cmocka_unit_test(test_a_pipe_gives_what_there_is_and_then_silence),
        cmocka_unit_test(test_a_pipe_nobody_empties_keeps_the_newest),
        cmocka_unit_test(test_a_pipe_costs_no_allocation),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("media/resample", tests, NULL, NULL);
}
