#include "kit/kit.h"

#include "phone/terminal.h"
#include <stdio.h>

struct screen {
    struct phone_terminal t;
    struct phone_terminal_view v;
    struct phone_call_info calls[2];
    char text[8192];
};

static void screen_init(struct screen *s, size_t count, enum phone_call_state state)
{
    memset(s, 0, sizeof *s);
    s->v.line = "1010 registered at ucm1 (TLSv1.3)";
    s->v.is_registered = true;
    s->v.count = count;
    for (size_t i = 0; i < 2; i++) {
        s->calls[i] = (struct phone_call_info){
            .number = (unsigned)i + 1, .state = state, .answered_mono_ms = -1};
        snprintf(s->calls[i].peer_number, sizeof s->calls[i].peer_number, "10%zu", 20 + i);
        s->v.calls[i].info = &s->calls[i];
    }
}

static const char *draw(struct screen *s)
{
    struct buf b;
    buf_init_fixed(&b, s->text, sizeof s->text - 1);
    phone_terminal_draw(&b, &s->t, &s->v);
    assert_rc(RC_OK, buf_rc(&b));
    s->text[b.n] = '\0';
    return s->text;
}

static enum phone_terminal_command type(struct screen *s, const char *keys, struct str *text)
{
    enum phone_terminal_command c = PHONE_CMD_NONE;
    for (; *keys; keys++)
        c = phone_terminal_key(&s->t, &s->v, *keys, text);
    return c;
}

static void test_only_keys_that_work_are_shown_and_work(void **state)
{
    (void)state;
    static const struct {
        enum phone_call_state state;
        size_t count;
        const char *keys;
    } rows[] = {
        {PHONE_CALL_TALKING, 0, "[c] call  [q] quit\n"},
        {PHONE_CALL_INCOMING, 1, "[a] answer  [b] busy  [d] decline  [c] call  [q] quit\n"},
        {PHONE_CALL_CALLING, 1, "[h] hang up  [c] call  [q] quit\n"},
        {PHONE_CALL_TALKING, 1,
         "[h] hang up  [o] hold  [m] mute  [k] keys  [t] transfer  [c] call  [q] quit\n"},
        {PHONE_CALL_TALKING, 2,
         "[h] hang up  [o] hold  [m] mute  [k] keys  [t] transfer  [j] join  [n] next  [c] call  "
         "[q] quit\n"},
    };
    static struct screen s;
    struct str text;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        screen_init(&s, rows[i].count, rows[i].state);
        s.t.columns = 200;
        if (!strstr(draw(&s), rows[i].keys)) fail_msg("%s is not in %s", rows[i].keys, s.text);
        for (const char *k = "abcdefghijklmnopqrstuvwxyz"; *k; k++) {
            char shown[5] = {'[', *k, ']', '\0'};
            enum phone_terminal_command c = phone_terminal_key(&s.t, &s.v, *k, &text);
            bool works = c != PHONE_CMD_NONE || s.t.mode != PHONE_TERMINAL_KEYS;
            assert_int_equal(strstr(rows[i].keys, shown) != NULL, works);
            s.t.mode = PHONE_TERMINAL_KEYS;
        }
    }
}

static void test_a_number_is_typed_and_corrected(void **state)
{
    (void)state;
    static struct screen s;
    struct str text;
    screen_init(&s, 0, PHONE_CALL_TALKING);
    assert_int_equal(PHONE_CMD_CALL, type(&s,
                                          "c10\xc3\xa9\x7f\x7f"
                                          "020\r",
                                          &text));
    assert_str("1020", text);
    assert_int_equal(PHONE_CMD_NONE, type(&s, "c\r", &text));
    assert_int_equal(PHONE_CMD_NONE, type(&s, "c12\x1b", &text));
    assert_int_equal(PHONE_TERMINAL_KEYS, s.t.mode);
    assert_int_equal(PHONE_CMD_NONE, type(&s, "c\x1b[A\x1b[15~7", &text)); /* arrow, F5 */
    type(&s, "c", &text);
    for (int i = 0; i < 1000; i++)
        type(&s, "9", &text);
    assert_int_equal(PHONE_CMD_CALL, type(&s, "\n", &text));
    assert_int_equal(PHONE_TERMINAL_ENTRY_MAX - 1, text.n);
    assert_int_equal(PHONE_CMD_QUIT, type(&s, "\x03", &text));
}

static void test_digits_and_transfer_need_a_call_that_talks(void **state)
{
    (void)state;
    static struct screen s;
    struct str text;
    screen_init(&s, 1, PHONE_CALL_TALKING);
    assert_int_equal(PHONE_CMD_DIGIT, type(&s, "k5", &text));
    assert_str("5", text);
    assert_int_equal(PHONE_CMD_DIGIT, type(&s, "#", &text));
    s.calls[0].state = PHONE_CALL_ENDING;
    assert_int_equal(PHONE_CMD_NONE, type(&s, "6", &text));
    assert_int_equal(PHONE_TERMINAL_KEYS, s.t.mode);
    screen_init(&s, 1, PHONE_CALL_TALKING);
    assert_int_equal(PHONE_CMD_TRANSFER, type(&s, "t1030\r", &text));
    assert_str("1030", text);
}

static void test_what_is_drawn_is_taken_away_again(void **state)
{
    (void)state;
    static struct screen s;
    char text[64];
    struct buf b;
    screen_init(&s, 1, PHONE_CALL_INCOMING);
    snprintf(s.calls[0].peer_name, sizeof s.calls[0].peer_name, "Anna \xc3\xa9");
    const char *drawn = draw(&s);
    assert_non_null(strstr(drawn, "\x1b[7m> INCOMING CALL 1 from 1020 (Anna \xc3\xa9) \x1b[0m\n"));
    assert_non_null(strstr(drawn, "\x1b[3A\r"));
    buf_init_fixed(&b, text, sizeof text);
    phone_terminal_clear(&b, &s.t);
    phone_terminal_clear(&b, &s.t);
    assert_str("\r\x1b[J", buf_str(&b));
}

static void test_lines_go_on_below_at_the_terminals_edge(void **state)
{
    (void)state;
    static struct screen s;
    screen_init(&s, 1, PHONE_CALL_TALKING);
    s.calls[0].answered_mono_ms = 0;
    s.v.now_mono_ms = 83000;
    snprintf(s.v.calls[0].quality, sizeof s.v.calls[0].quality, "opus, loss 0.4 %%");
    s.t.columns = 60;
    assert_non_null(strstr(draw(&s), "> 1 talking  1020  01:23  opus, loss 0.4 %\n"));
    s.t.columns = 34;
    assert_non_null(strstr(draw(&s), "\n> 1 talking  1020  01:23  opus,\n    loss 0.4 %\n"));
    assert_non_null(strstr(s.text, "[h] hang up  [o] hold  [m] mute\n    [k] keys"));
    size_t lines = 0;
    for (const char *at = s.text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, s.t.drawn); /* the way back up counts them all */
}

static void test_what_has_no_pause_is_cut_at_the_edge(void **state)
{
    (void)state;
    static struct screen s;
    char edge[64];
    screen_init(&s, 1, PHONE_CALL_INCOMING);
    memset(s.calls[0].peer_number, '7', sizeof s.calls[0].peer_number - 1);
    s.t.columns = 40;
    snprintf(edge, sizeof edge, "\x1b[7m> INCOMING CALL 1 from %.16s\x1b[0m\n",
             s.calls[0].peer_number);
    assert_non_null(strstr(draw(&s), edge));
}

/* More lines than the terminal has could not be taken away again. */
static void test_a_low_terminal_shows_the_selected_call_and_the_keys(void **state)
{
    (void)state;
    static struct screen s;
    screen_init(&s, 2, PHONE_CALL_TALKING);
    s.v.selected = 1;
    for (s.t.rows = 4; s.t.rows < 12; s.t.rows++) {
        const char *drawn = draw(&s);
        assert_true(s.t.drawn < s.t.rows);
        assert_non_null(strstr(drawn, "> 2 talking  1021"));
        assert_non_null(strstr(drawn, "[h] hang up"));
        assert_int_equal(s.t.rows >= 8, strstr(drawn, "  1 talking  1020") != NULL);
    }
}

static void test_a_dumb_terminal_gets_each_change_once_and_no_escapes(void **state)
{
    (void)state;
    static struct screen s;
    screen_init(&s, 1, PHONE_CALL_INCOMING);
    s.t.is_dumb = true;
    assert_null(strchr(draw(&s), '\x1b'));
    assert_non_null(strstr(s.text, "INCOMING CALL 1 from 1020"));
    assert_string_equal("", draw(&s));
    s.calls[0].state = PHONE_CALL_TALKING;
    assert_non_null(strstr(draw(&s), "> 1 talking  1020"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_keys_that_work_are_shown_and_work),
        cmocka_unit_test(test_a_number_is_typed_and_corrected),
        cmocka_unit_test(test_digits_and_transfer_need_a_call_that_talks),
        cmocka_unit_test(test_what_is_drawn_is_taken_away_again),
        cmocka_unit_test(test_lines_go_on_below_at_the_terminals_edge),
        cmocka_unit_test(test_what_has_no_pause_is_cut_at_the_edge),
        cmocka_unit_test(test_a_low_terminal_shows_the_selected_call_and_the_keys),
        cmocka_unit_test(test_a_dumb_terminal_gets_each_change_once_and_no_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
