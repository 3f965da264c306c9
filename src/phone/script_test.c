#include "kit/kit.h"

#include "phone/script.h"
#include <stdio.h>

struct done {
    char text[4096];
    enum rc rc;
};

static enum rc act(void *ctx, const struct phone_step *step, const char **why)
{
    struct done *d = ctx;
    size_t n = strlen(d->text);
    snprintf(d->text + n, sizeof d->text - n, "%.*s|", STR_ARG(step->text));
    if (d->rc != RC_OK) *why = "the file is not there";
    return d->rc;
}

static void start(struct phone_script *s, struct done *d, const char *text)
{
    *d = (struct done){0};
    assert_rc(RC_OK, phone_script_parse(s, str_from(text)));
    s->act = act;
    s->ctx = d;
}

static void test_a_call_that_goes_well(void **state)
{
    (void)state;
    static struct phone_script s;
    struct done d;
    start(&s, &d,
          "call 1020; wait answered; play hello.wav; record out.wav;dtmf 12#; hold; resume;"
          " transfer 1030; hangup");
    assert_string_equal("", d.text);
    phone_script_tell(&s, PHONE_SCRIPT_REGISTERED, 0, 0);
    assert_string_equal("call 1020|", d.text);
    phone_script_tell(&s, PHONE_SCRIPT_RINGING, 0, 10);
    phone_script_tell(&s, PHONE_SCRIPT_ANSWERED, 0, 20);
    assert_string_equal("call 1020|play hello.wav|", d.text);
    d.text[0] = '\0';
    phone_script_tell(&s, PHONE_SCRIPT_PLAYED, 0, 30);
    assert_string_equal("record out.wav|dtmf 12#|", d.text);
    phone_script_tell(&s, PHONE_SCRIPT_DIGITS_SENT, 0, 40);
    phone_script_tell(&s, PHONE_SCRIPT_CHANGED, 0, 50);
    phone_script_tell(&s, PHONE_SCRIPT_CHANGED, 0, 50);
    assert_string_equal("record out.wav|dtmf 12#|hold|resume|transfer 1030|", d.text);
    phone_script_tell(&s, PHONE_SCRIPT_TRANSFERRED, 0, 60);
    assert_true(s.over);
    assert_int_equal(PHONE_EXIT_OK, s.exit);
}

static void test_how_scripts_end(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum phone_script_event event;
        int arg;
        enum phone_exit exit;
    } rows[] = {
        {"call 1; wait answered", PHONE_SCRIPT_ENDED, PHONE_EXIT_BUSY, PHONE_EXIT_BUSY},
        {"call 1; wait answered", PHONE_SCRIPT_ENDED, PHONE_EXIT_OK, PHONE_EXIT_CALL_ENDED},
        {"call 1; play x", PHONE_SCRIPT_ENDED, PHONE_EXIT_CALL_LOST, PHONE_EXIT_CALL_LOST},
        {"call 1; wait ended", PHONE_SCRIPT_ENDED, PHONE_EXIT_BUSY, PHONE_EXIT_OK},
        {"call 1; hold", PHONE_SCRIPT_CHANGE_FAILED, 0, PHONE_EXIT_TRANSFER},
        {"call 1; transfer 2", PHONE_SCRIPT_TRANSFER_FAILED, 0, PHONE_EXIT_TRANSFER},
        {"call 1; join", PHONE_SCRIPT_TRANSFERRED, 0, PHONE_EXIT_OK},
        {"call 1; wait digits 5", PHONE_SCRIPT_DIGIT, '5', PHONE_EXIT_OK},
        {"call 1; wait held", PHONE_SCRIPT_HELD, 0, PHONE_EXIT_OK},
        {"wait incoming", PHONE_SCRIPT_INCOMING, 0, PHONE_EXIT_OK},
    };
    static struct phone_script s;
    struct done d;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start(&s, &d, rows[i].text);
        phone_script_tell(&s, PHONE_SCRIPT_REGISTERED, 0, 0);
        assert_false(s.over);
        phone_script_tell(&s, rows[i].event, rows[i].arg, 1);
        assert_true(s.over);
        assert_int_equal(rows[i].exit, s.exit);
        assert_int_equal(s.exit == PHONE_EXIT_OK, s.problem[0] == '\0');
    }
}

static void test_waiting_has_an_end(void **state)
{
    (void)state;
    static struct phone_script s;
    struct done d;
    start(&s, &d, "wait incoming 5; answer; wait 2; hangup");
    phone_script_tell(&s, PHONE_SCRIPT_REGISTERED, 0, 1000);
    assert_int_equal(6000, s.due_ms);
    phone_script_tell(&s, PHONE_SCRIPT_TIME, 0, 5999);
    assert_false(s.over);
    phone_script_tell(&s, PHONE_SCRIPT_TIME, 0, 6000);
    assert_int_equal(PHONE_EXIT_WAITED, s.exit);
    assert_non_null(strstr(s.problem, "Step 1 of the script, \"wait incoming 5\""));
    start(&s, &d, "wait incoming 5; answer; wait 2; hangup");
    phone_script_tell(&s, PHONE_SCRIPT_REGISTERED, 0, 1000);
    phone_script_tell(&s, PHONE_SCRIPT_INCOMING, 0, 2000);
    assert_string_equal("answer|", d.text);
    assert_int_equal(4000, s.due_ms);
    phone_script_tell(&s, PHONE_SCRIPT_TIME, 0, 4000);
    assert_string_equal("answer|hangup|", d.text);
    assert_true(s.over && s.exit == PHONE_EXIT_OK);
}

static void test_what_has_come_before_it_is_waited_for_counts(void **state)
{
    (void)state;
    static struct phone_script s;
    struct done d;
    start(&s, &d,
          "call 1; wait 1; wait answered; wait digits 12; wait ended; call 2; wait answered");
    phone_script_tell(&s, PHONE_SCRIPT_REGISTERED, 0, 0);
    phone_script_tell(&s, PHONE_SCRIPT_ANSWERED, 0, 1);
    phone_script_tell(&s, PHONE_SCRIPT_DIGIT, '1', 1);
    phone_script_tell(&s, PHONE_SCRIPT_DIGIT, '2', 1);
    phone_script_tell(&s, PHONE_SCRIPT_ENDED, PHONE_EXIT_OK, 2);
    phone_script_tell(&s, PHONE_SCRIPT_TIME, 0, 1000);
    assert_string_equal("call 1|call 2|", d.text);
    assert_false(s.over); /* the second call's answer is its own */
}

static void test_a_step_that_cannot_be_done_ends_it(void **state)
{
    (void)state;
    static struct phone_script s;
    struct done d;
    start(&s, &d, "play nothing.wav");
    d.rc = RC_NOT_FOUND;
    phone_script_tell(&s, PHONE_SCRIPT_REGISTERED, 0, 0);
    assert_int_equal(PHONE_EXIT_SCRIPT, s.exit);
    assert_string_equal("Step 1 of the script, \"play nothing.wav\": the file is not there.",
                        s.problem);
}

static void test_a_step_in_conflict_is_tried_again_for_a_while(void **state)
{
    (void)state;
    static struct phone_script s;
    struct done d;
    start(&s, &d, "hold; hangup");
    d.rc = RC_CONFLICT;
    phone_script_tell(&s, PHONE_SCRIPT_REGISTERED, 0, 0);
    assert_int_equal(50, s.due_ms);
    phone_script_tell(&s, PHONE_SCRIPT_TIME, 0, 50);
    assert_string_equal("hold|hold|", d.text);
    d.rc = RC_OK;
    phone_script_tell(&s, PHONE_SCRIPT_TIME, 0, 100);
    phone_script_tell(&s, PHONE_SCRIPT_CHANGED, 0, 110);
    assert_string_equal("hold|hold|hold|hangup|", d.text);
    start(&s, &d, "hold");
    d.rc = RC_CONFLICT;
    phone_script_tell(&s, PHONE_SCRIPT_REGISTERED, 0, 0);
    for (int64_t ms = 50; ms <= PHONE_SCRIPT_PATIENCE_MS; ms += 50)
        phone_script_tell(&s, PHONE_SCRIPT_TIME, 0, ms);
    assert_int_equal(PHONE_EXIT_SCRIPT, s.exit);
}

static void test_scripts_that_cannot_be_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *problem;
    } rows[] = {
        {"", "The script is empty."},
        {" ; ;", "The script is empty."},
        {"dance", "Step 1 of the script, \"dance\": no such step."},
        {"call", "Step 1 of the script, \"call\": something is missing behind it."},
        {"call 1; wait", "Step 2 of the script, \"wait\": wait for what."},
        {"wait never", "Step 1 of the script, \"wait never\": wait for what."},
        {"wait answered soon", "Step 1 of the script, \"wait answered soon\": not a number of "
                               "seconds."},
        {"dtmf 12x", "Step 1 of the script, \"dtmf 12x\": digits are 0-9 * # A-D."},
        {"hangup now", "Step 1 of the script, \"hangup now\": too many words."},
        {"reject never", "Step 1 of the script, \"reject never\": reject busy, declined or "
                         "unavailable."},
    };
    static struct phone_script s;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_rc(RC_MALFORMED, phone_script_parse(&s, str_from(rows[i].text)));
        assert_string_equal(rows[i].problem, s.problem);
    }
    static char longest[PHONE_SCRIPT_TEXT_MAX + 1];
    memset(longest, ';', sizeof longest - 1);
    assert_rc(RC_TOO_BIG, phone_script_parse(&s, str_of(longest, sizeof longest - 1)));
    for (size_t i = 0; i < sizeof longest - 8; i += 7)
        memcpy(longest + i, "hangup;", 7);
    assert_rc(RC_TOO_BIG, phone_script_parse(&s, str_of(longest, 7 * 65)));
    assert_rc(RC_OK, phone_script_parse(&s, str_of(longest, 7 * 64)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_that_goes_well),
        cmocka_unit_test(test_how_scripts_end),
        cmocka_unit_test(test_waiting_has_an_end),
        cmocka_unit_test(test_what_has_come_before_it_is_waited_for_counts),
        cmocka_unit_test(test_a_step_that_cannot_be_done_ends_it),
        cmocka_unit_test(test_a_step_in_conflict_is_tried_again_for_a_while),
        cmocka_unit_test(test_scripts_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
