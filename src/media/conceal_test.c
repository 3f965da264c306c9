/* media/conceal_test.c - holes in sound and sound that is too long. */
#include "kit/kit.h"

#include "media/conceal.h"
#include "media/fixture.h"

enum { RATE = 8000, FRAME = RATE / 50, TONE_N = RATE / 2 };

static const double TONE_HZ = 200, TONE_LEVEL = 8000;

static void tone(int16_t pcm[TONE_N])
{
    fixture_tone(pcm, TONE_N, RATE, TONE_HZ, TONE_LEVEL);
}

static int biggest_step(const int16_t *pcm, size_t n)
{
    int most = 0;
    for (size_t i = 1; i < n; i++)
        if (abs(pcm[i] - pcm[i - 1]) > most) most = abs(pcm[i] - pcm[i - 1]);
    return most;
}

static int loudest(const int16_t *pcm, size_t n)
{
    int most = 0;
    for (size_t i = 0; i < n; i++)
        if (abs(pcm[i]) > most) most = abs(pcm[i]);
    return most;
}

static void test_one_lost_frame_of_a_tone_is_hardly_heard(void **state)
{
    (void)state;
    int16_t sent[TONE_N], heard[TONE_N];
    struct media_conceal c;
    tone(sent);
    memcpy(heard, sent, sizeof sent);
    media_conceal_init(&c, RATE);
    for (size_t at = 0; at < TONE_N; at += FRAME) {
        if (at == (size_t)10 * FRAME)
            media_conceal_lost(&c, heard + at, FRAME);
        else
            media_conceal_good(&c, heard + at, FRAME);
    }
    assert_true(fixture_likeness(sent, TONE_N, heard, TONE_N, 0) >= 0.99);
    /* no click at either end: hardly steeper than the tone itself */
    assert_in_range(biggest_step(heard, TONE_N), 0, biggest_step(sent, TONE_N) * 13 / 10);
}

static void test_a_long_hole_fades_and_ends_softly(void **state)
{
    (void)state;
    int16_t sent[TONE_N], hole[FRAME];
    struct media_conceal c;
    int before = INT16_MAX;
    tone(sent);
    media_conceal_init(&c, RATE);
    for (size_t at = 0; at < (size_t)5 * FRAME; at += FRAME)
        media_conceal_good(&c, sent + at, FRAME);
    for (unsigned lost_ms = 0; lost_ms < 100; lost_ms += 20) {
        media_conceal_lost(&c, hole, FRAME);
        int level = loudest(hole, FRAME);
        assert_true(level <= before);
        if (lost_ms >= 60) assert_int_equal(0, level);
        before = level;
    }
    tone(sent);
    int16_t first = sent[FRAME / 4];
    media_conceal_good(&c, sent, FRAME); /* blended in: begins near the silence before it */
    assert_in_range(abs(sent[0]), 0, 800);
    assert_in_range(abs(sent[FRAME / 4]), 0, abs(first));
    assert_int_equal(0, c.lost);
}

static void test_a_hole_without_sound_before_it_is_silent(void **state)
{
    (void)state;
    int16_t hole[FRAME] = {5, 5, 5}, silence[FRAME] = {0};
    struct media_conceal c;
    media_conceal_init(&c, RATE);
    media_conceal_lost(&c, hole, FRAME);
    assert_int_equal(0, loudest(hole, FRAME));
    for (unsigned i = 0; i < 10; i++)
        media_conceal_good(&c, silence, FRAME);
    media_conceal_lost(&c, hole, FRAME);
    assert_int_equal(0, loudest(hole, FRAME));
}

static void test_pieces_of_any_size(void **state)
{
    (void)state;
    static const unsigned rates[] = {8000, 16000, 48000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        static int16_t pcm[48000];
        static struct media_conceal c;
        media_conceal_init(&c, rates[i]);
        fixture_voice(pcm, rates[i], rates[i], 2);
        for (unsigned at = 0, n = 1, k = 0; at + n <= rates[i]; at += n, n = n * 7 % 997 + 1, k++) {
            struct str room = kit_guard(str_of((const char *)(pcm + at), n * sizeof *pcm));
            int16_t *exact = (int16_t *)(uintptr_t)room.p;
            if (k % 3 == 2)
                media_conceal_lost(&c, exact, n);
            else
                media_conceal_good(&c, exact, n);
            kit_guard_free(room);
        }
    }
}

static void test_a_tone_is_shortened_by_whole_periods(void **state)
{
    (void)state;
    int16_t pcm[TONE_N], same[TONE_N];
    unsigned n = 2 * FRAME;
    tone(pcm);
    memcpy(same, pcm, sizeof pcm);
    unsigned cut = media_shorten(pcm, &n, RATE);
    assert_int_equal(2 * FRAME - n, cut);
    assert_int_equal(0, cut % (RATE / 200));
    assert_in_range(cut, RATE / 200, FRAME);
    assert_true(fixture_likeness(same, n, pcm, n, 0) >= 0.99);
    assert_in_range(biggest_step(pcm, n), 0, biggest_step(same, TONE_N) * 11 / 10);
}

static void test_what_is_not_shortened(void **state)
{
    (void)state;
    int16_t noise[2 * FRAME], quiet[2 * FRAME];
    uint32_t x = 7;
    for (unsigned i = 0; i < 2 * FRAME; i++) {
        x = x * 1664525 + 1013904223;
        noise[i] = (int16_t)((x >> 18) - 8192);
        quiet[i] = (int16_t)(noise[i] / 256);
    }
    unsigned n = 2 * FRAME;
    assert_int_equal(0, media_shorten(noise, &n, RATE)); /* no two stretches are alike */
    assert_int_equal(2 * FRAME, n);
    assert_int_equal(FRAME, media_shorten(quiet, &n, RATE)); /* nobody hears it */
    assert_int_equal(FRAME, n);
    n = RATE / 1000 * 20 - 1;
    assert_int_equal(0, media_shorten(quiet, &n, RATE)); /* too short */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_lost_frame_of_a_tone_is_hardly_heard),
        cmocka_unit_test(test_a_long_hole_fades_and_ends_softly),
        cmocka_unit_test(test_a_hole_without_sound_before_it_is_silent),
        cmocka_unit_test(test_pieces_of_any_size),
        cmocka_unit_test(test_a_tone_is_shortened_by_whole_periods),
        cmocka_unit_test(test_what_is_not_shortened),
    };
    return cmocka_run_group_tests_name("media/conceal", tests, NULL, NULL);
}
