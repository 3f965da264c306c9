/* media/device_test.c - a machine with a sound card that is only made of configuration, and one without. */
#include "kit/kit.h"

#include "media/device.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FRAME = MEDIA_DEVICE_RATE / 50 };

static char folder[64];

static void put_config(const char *text)
{
    char path[96];
    snprintf(path, sizeof path, "%s/alsa.conf", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
    assert_int_equal(0, setenv("ALSA_CONFIG_PATH", path, 1));
}

static int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/bearline-device-%d", (int)getpid());
    char command[96];
    snprintf(command, sizeof command, "mkdir -p %s", folder);
    assert_int_equal(0, system(command));
    put_config("pcm.both { type null }\n"
               "pcm.ears { type asym playback.pcm { type null } }\n"
               "pcm.mouth { type asym capture.pcm { type null } }\n"
               "pcm.gone { type hw card 31 }\n");
    return 0;
}

static int end(void **state)
{
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void use(struct media_device *d)
{
    int16_t pcm[FRAME];
    for (unsigned i = 0; i < 100; i++) {
        memset(pcm, 0x55, sizeof pcm);
        media_device_read(d, pcm, FRAME);
        for (unsigned k = 0; k < FRAME; k++)
            assert_int_equal(0, pcm[k]);
        media_device_write(d, pcm, FRAME);
    }
    assert_null(media_device_close(d));
}

static void test_a_device_of_both_kinds(void **state)
{
    (void)state;
    struct media_device *d = NULL;
    const char *why = "?";
    assert_rc(RC_OK, media_device_open("both", &d, &why));
    assert_null(why);
    use(d);
}

static void test_half_a_device_is_taken_for_what_it_can(void **state)
{
    (void)state;
    struct media_device *d = NULL;
    const char *why = NULL;
    assert_rc(RC_OK, media_device_open("ears", &d, &why));
    assert_non_null(strstr(why, "no microphone"));
    use(d);
    assert_rc(RC_OK, media_device_open("mouth", &d, &why));
    assert_non_null(strstr(why, "no loudspeaker"));
    use(d);
}

static void test_no_device_is_a_sentence(void **state)
{
    (void)state;
    static const char *const names[] = {"gone",    "nowhere", "hw:31", "", "plughw:CARD=x,DEV=7",
                                        "a b\"c}{"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct media_device *d = NULL;
        const char *why = NULL;
        assert_true(media_device_open(names[i], &d, &why) != RC_OK);
        assert_null(d);
        assert_non_null(why);
        assert_true(strlen(why) > 20);
    }
    assert_null(media_device_close(NULL));
}

static void test_names_are_those_of_the_machine(void **state)
{
    (void)state;
    char text[4096];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text - 1);
    put_config("pcm.both { type null hint { show on description \"nothing\" } }\n"
               "defaults.namehint.basic on\ndefaults.namehint.extended on\n");
    media_device_print_names(&out);
    assert_rc(RC_OK, buf_rc(&out));
    text[out.n] = '\0';
    assert_non_null(strstr(text, "both\n"));
}

static void test_a_machine_without_any(void **state)
{
    (void)state;
    struct media_device *d = NULL;
    const char *why = NULL;
    char text[256];
    struct buf out;
    put_config("");
    assert_rc(RC_NOT_FOUND, media_device_open("default", &d, &why));
    assert_non_null(strstr(why, "no such sound device"));
    buf_init_fixed(&out, text, sizeof text);
    media_device_print_names(&out);
    assert_int_equal(0, out.n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_device_of_both_kinds),
        cmocka_unit_test(test_half_a_device_is_taken_for_what_it_can),
        cmocka_unit_test(test_no_device_is_a_sentence),
        cmocka_unit_test(test_names_are_those_of_the_machine),
        cmocka_unit_test(test_a_machine_without_any),
    };
    return cmocka_run_group_tests_name("media/device", tests, begin, end);
}
