/* media/wav_test.c - WAV files, well-formed and not, and the writer's promise. */
#include "kit/kit.h"

#include "media/wav.h"

#include <stdio.h>
#include <unistd.h>

/* ---- reading ---- */

#define RIFF "RIFF\x00\x00\x00\x00WAVE"
#define FMT_8K                                                                                     \
    "fmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00"
#define DATA_2    "data\x04\x00\x00\x00\x01\x00\xff\xff"
#define ROW(text) text, sizeof(text) - 1

static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        enum rc rc;
        unsigned rate_hz, channels, frames;
    } rows[] = {
        {ROW(RIFF FMT_8K DATA_2), RC_OK, 8000, 1, 2},
        {ROW(RIFF "LIST\x03\x00\x00\x00"
                  "abc\x00" FMT_8K DATA_2),
         RC_OK, 8000, 1, 2}, /* padded */
        {ROW(RIFF FMT_8K DATA_2 "rest"), RC_OK, 8000, 1, 2},
        {ROW(RIFF FMT_8K "data\xff\xff\xff\xff\x01\x00\x02\x00\x03\x00"), RC_OK, 8000, 1, 3},
        {ROW(RIFF FMT_8K "data\x00\x00\x00\x00"), RC_OK, 8000, 1, 0},
        {ROW(RIFF FMT_8K "data\x03\x00\x00\x00\x01\x00\x02"), RC_OK, 8000, 1, 1}, /* half a one */
        {ROW(RIFF
             "fmt \x10\x00\x00\x00\x01\x00\x02\x00\x80\xbb\x00\x00\x00\xee\x02\x00\x04\x00\x10\x00"
             "data\x04\x00\x00\x00\x01\x00\xff\xff"),
         RC_OK, 48000, 2, 1},
        /* WAVE_FORMAT_EXTENSIBLE around PCM */
        {ROW(RIFF
             "fmt \x28\x00\x00\x00\xfe\xff\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00"
             "\x16\x00\x10\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00"
             "\x38\x9b\x71" DATA_2),
         RC_OK, 16000, 1, 2},
        {ROW(RIFF "fmt "
                  "\x10\x00\x00\x00\x07\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x01\x00\x08"
                  "\x00" DATA_2),
         RC_UNSUPPORTED, 0, 0, 0}, /* u-law */
        {ROW(RIFF "fmt "
                  "\x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x01\x00\x08"
                  "\x00" DATA_2),
         RC_UNSUPPORTED, 0, 0, 0}, /* 8 bits */
        {ROW(RIFF "fmt "
                  "\x10\x00\x00\x00\x01\x00\x03\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10"
                  "\x00" DATA_2),
         RC_UNSUPPORTED, 0, 0, 0}, /* 3 channels */
        {ROW(RIFF "fmt "
                  "\x10\x00\x00\x00\x01\x00\x00\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10"
                  "\x00" DATA_2),
         RC_UNSUPPORTED, 0, 0, 0}, /* none */
        {ROW(RIFF "fmt "
                  "\x10\x00\x00\x00\x01\x00\x01\x00\x00\x77\x01\x00\x80\x3e\x00\x00\x02\x00\x10"
                  "\x00" DATA_2),
         RC_UNSUPPORTED, 0, 0, 0},                       /* 96 kHz */
        {ROW(RIFF DATA_2), RC_MALFORMED, 0, 0, 0},       /* data before fmt */
        {ROW(RIFF FMT_8K), RC_MALFORMED, 0, 0, 0},       /* no data */
        {ROW(RIFF FMT_8K "dat"), RC_MALFORMED, 0, 0, 0}, /* half a head */
        {ROW(RIFF "LIST\xff\xff\xff\xff"
                  "abc"),
         RC_MALFORMED, 0, 0, 0},
        {ROW(RIFF
             "fmt \x0e\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00" DATA_2),
         RC_MALFORMED, 0, 0, 0}, /* fmt too short */
        {ROW("RIFX\x00\x00\x00\x00WAVE" FMT_8K DATA_2), RC_MALFORMED, 0, 0, 0},
        {ROW("RIFF\x00\x00\x00\x00"
             "AVI " FMT_8K DATA_2),
         RC_MALFORMED, 0, 0, 0},
        {ROW("RIFF"), RC_MALFORMED, 0, 0, 0},
        {ROW(""), RC_MALFORMED, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct media_wav wav = {0};
        struct str guarded = kit_guard(str_of(rows[i].bytes, rows[i].n));
        assert_rc(rows[i].rc, media_wav_parse(str_bytes(guarded), &wav));
        assert_int_equal(rows[i].rate_hz, wav.rate_hz);
        assert_int_equal(rows[i].channels, wav.channels);
        assert_int_equal(rows[i].frames, wav.frame_count);
        for (size_t at = 0; at < wav.frame_count; at++)
            (void)media_wav_sample(&wav, at);
        kit_guard_free(guarded);
    }
}

static void test_two_channels_become_their_mean(void **state)
{
    (void)state;
    static const uint8_t data[] = {0x10, 0x00, 0x30, 0x00, 0x00, 0x80,
                                   0x00, 0x80, 0xff, 0x7f, 0x00, 0x80};
    struct media_wav wav = {
        .rate_hz = 8000, .channels = 2, .frame_count = 3, .data = bytes_of(data, sizeof data)};
    assert_int_equal(0x20, media_wav_sample(&wav, 0));
    assert_int_equal(INT16_MIN, media_wav_sample(&wav, 1));
    assert_int_equal(0, media_wav_sample(&wav, 2));
}

static void test_a_printed_header_parses_back(void **state)
{
    (void)state;
    uint8_t file[MEDIA_WAV_HEADER + 6] = {0};
    struct media_wav wav;
    media_wav_print_header(file, 16000, 6);
    assert_rc(RC_OK, media_wav_parse(bytes_of(file, sizeof file), &wav));
    assert_int_equal(16000, wav.rate_hz);
    assert_int_equal(1, wav.channels);
    assert_int_equal(3, wav.frame_count);
    assert_int_equal(sizeof file - 8, file[4]);
}

/* ---- files ---- */

struct file {
    char path[64];
};

static struct file temp(const char *name)
{
    struct file f;
    snprintf(f.path, sizeof f.path, "/tmp/bearline-wav-%d-%s", (int)getpid(), name);
    return f;
}

static void put_file(const struct file *f, const char *bytes, size_t n)
{
    FILE *out = fopen(f->path, "wb");
    assert_non_null(out);
    assert_int_equal(n, fwrite(bytes, 1, n, out));
    fclose(out);
}

static void ramp(int16_t *pcm, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pcm[i] = (int16_t)(i * 37 - 9000);
}

static void test_what_is_written_is_read_again(void **state)
{
    (void)state;
    struct file f = temp("again.wav");
    struct media_wav_writer *w = NULL;
    struct media_sound sound;
    int16_t pcm[5000];
    ramp(pcm, 5000);
    assert_rc(RC_OK, media_wav_writer_open(f.path, 48000, &w));
    assert_int_equal(48000, media_wav_writer_rate(w));
    media_wav_write(w, pcm, 1);
    media_wav_write(w, pcm + 1, 4999);
    assert_rc(RC_OK, media_wav_writer_close(w));
    assert_rc(RC_OK, media_sound_load(f.path, &sound));
    assert_int_equal(48000, sound.rate_hz);
    assert_int_equal(5000, sound.sample_count);
    assert_memory_equal(pcm, sound.samples, sizeof pcm);
    media_sound_fini(&sound);
    assert_null(sound.samples);
    unlink(f.path);
}

/* A program that dies leaves what was flushed, with a header that fits. */
static void test_the_file_is_valid_while_it_is_written(void **state)
{
    (void)state;
    struct file f = temp("while.wav");
    struct media_wav_writer *w = NULL;
    struct media_sound sound;
    int16_t pcm[8000];
    ramp(pcm, 8000);
    assert_rc(RC_OK, media_wav_writer_open(f.path, 8000, &w));
    assert_rc(RC_OK, media_sound_load(f.path, &sound)); /* empty, but a file */
    assert_int_equal(0, sound.sample_count);
    media_sound_fini(&sound);
    for (unsigned i = 0; i < 3; i++)
        media_wav_write(w, pcm, 8000);
    assert_rc(RC_OK, media_sound_load(f.path, &sound));
    assert_true(sound.sample_count >= 16000);
    media_sound_fini(&sound);
    assert_rc(RC_OK, media_wav_writer_close(w));
    unlink(f.path);
}

static void test_files_that_cannot_be(void **state)
{
    (void)state;
    struct file f = temp("cannot.wav");
    struct media_wav_writer *w = NULL;
    struct media_sound sound;
    assert_rc(RC_NOT_FOUND, media_sound_load(f.path, &sound));
    assert_rc(RC_IO, media_sound_load("/tmp", &sound));
    put_file(&f, "no sound at all", 15);
    assert_rc(RC_MALFORMED, media_sound_load(f.path, &sound));
    assert_int_equal(0, truncate(f.path, MEDIA_WAV_FILE_MAX + 1L)); /* a hole, no disk */
    assert_rc(RC_TOO_BIG, media_sound_load(f.path, &sound));
    unlink(f.path);
    assert_rc(RC_IO, media_wav_writer_open("/no/such/folder/x.wav", 8000, &w));
    assert_rc(RC_INVALID, media_wav_writer_open(f.path, 7999, &w));
    assert_rc(RC_INVALID, media_wav_writer_open(f.path, 48001, &w));
    assert_rc(RC_OK, media_wav_writer_close(NULL));
}

static void test_a_full_disk_is_told(void **state)
{
    (void)state;
    struct media_wav_writer *w = NULL;
    enum rc rc = media_wav_writer_open("/dev/full", 8000, &w);
    assert_rc(RC_IO, rc);
}

static void write_and_load(void *ctx)
{
    const struct file *f = ctx;
    struct media_wav_writer *w = NULL;
    struct media_sound sound = {0};
    int16_t pcm[10] = {1};
    if (media_wav_writer_open(f->path, 8000, &w) == RC_OK) media_wav_write(w, pcm, 10);
    (void)media_wav_writer_close(w);
    if (media_sound_load(f->path, &sound) == RC_OK) media_sound_fini(&sound);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct file f = temp("memory.wav");
    kit_each_alloc_fails(write_and_load, &f);
    unlink(f.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_two_channels_become_their_mean),
        cmocka_unit_test(test_a_printed_header_parses_back),
        cmocka_unit_test(test_what_is_written_is_read_again),
        cmocka_unit_test(test_the_file_is_valid_while_it_is_written),
        cmocka_unit_test(test_files_that_cannot_be),
        cmocka_unit_test(test_a_full_disk_is_told),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("media/wav", tests, NULL, NULL);
}
