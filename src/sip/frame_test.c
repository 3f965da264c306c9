#include "kit/kit.h"

#include "sip/frame.h"

#define HEAD "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n"

struct frame_row {
    const char *in;
    enum rc rc;
    enum sip_frame_kind kind;
    size_t left; /* bytes behind what was framed */
};

static const struct frame_row rows[] = {
    {HEAD "Content-Length: 0\r\n\r\n", RC_OK, SIP_FRAME_MESSAGE, 0},
    {HEAD "l:3\r\n\r\nabcNEXT", RC_OK, SIP_FRAME_MESSAGE, 4},
    {HEAD "content-LENGTH \t:\r\n  003\r\n\r\nabc", RC_OK, SIP_FRAME_MESSAGE, 0},
    {HEAD "l:             3\r\n\r\nabc", RC_OK, SIP_FRAME_MESSAGE, 0},
    {HEAD "l : 3 \t \r\n\r\nabc", RC_OK, SIP_FRAME_MESSAGE, 0},
    {HEAD "l x: 3\r\n\r\nabc", RC_MALFORMED, 0, 0},
    {HEAD "Content-Lengthy: 3\r\n\r\nabc", RC_MALFORMED, 0, 0},
    {HEAD "Content-Length\r\n\r\nabc", RC_MALFORMED, 0, 0},
    {HEAD "l\r\n\r\nabc", RC_MALFORMED, 0, 0},
    {HEAD "l: 3\r\nContent-Length: 3\r\n\r\nabc", RC_OK, SIP_FRAME_MESSAGE, 0},
    {HEAD "l: 3\r\nContent-Length: 4\r\n\r\nabcd", RC_MALFORMED, 0, 0},
    {HEAD "Content-Length: -999\r\n\r\n", RC_MALFORMED, 0, 0},
    {HEAD "Content-Length: +1\r\n\r\n", RC_MALFORMED, 0, 0},
    {HEAD "Content-Length: 1 2\r\n\r\n", RC_MALFORMED, 0, 0},
    {HEAD "Content-Length: 1\r\n 2\r\n\r\n", RC_MALFORMED, 0, 0},
    {HEAD "Content-Length:\r\n\r\n", RC_MALFORMED, 0, 0},
    {HEAD "Content-Length: 99999999999999999999999\r\n\r\n", RC_TOO_BIG, 0, 0},
    {HEAD "Content-Length: 65536\r\n\r\n", RC_TOO_BIG, 0, 0},
    {HEAD "\r\n", RC_MALFORMED, 0, 0},
    {HEAD "Content-Length: 4\r\n\r\nabc", RC_MORE, 0, 0},
    {HEAD "Content-Length: 0\r\n", RC_MORE, 0, 0},
    {HEAD "X: a\nContent-Length: 9\r\nl: 0\r\n\r\n", RC_OK, SIP_FRAME_MESSAGE, 0},
    {"SIP/2.0 200 OK\r\nl: 0\r\n\r\n", RC_OK, SIP_FRAME_MESSAGE, 0},
    {"\r\n\r\n", RC_OK, SIP_FRAME_PONG, 2},
    {"\r\n\r\nOPTIONS", RC_OK, SIP_FRAME_PONG, 9},
    {"\r\n", RC_OK, SIP_FRAME_PONG, 0},
    {"\r\n\r", RC_OK, SIP_FRAME_PONG, 1},
    {"\r", RC_MORE, 0, 0},
    {"\r\nOPTIONS", RC_OK, SIP_FRAME_PONG, 7},
    {"\rX", RC_MALFORMED, 0, 0},
    {"\n", RC_MALFORMED, 0, 0},
    {"\x16\x03\x01", RC_MALFORMED, 0, 0},
    {"GET / HTTP/1.1\r\n", RC_MALFORMED, 0, 0},
    {"GET / HTTP/1.1", RC_MORE, 0, 0},
    {"", RC_MORE, 0, 0},
};

static void test_rows_whole_and_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int bytewise = 0; bytewise < 2; bytewise++) {
            struct sip_frame f;
            struct sip_framed out = {0, 0};
            struct str in = kit_guard(str_from(rows[i].in));
            enum rc rc = RC_MORE;
            sip_frame_init(&f, SIP_MESSAGE_MAX, false);
            for (size_t n = bytewise ? 0 : in.n; n <= in.n && rc == RC_MORE; n++)
                rc = sip_frame_step(&f, str_sub(in, 0, n), &out, NULL);
            if (rc != rows[i].rc) fail_msg("row %zu: %s", i, rc_name(rc));
            if (rc == RC_OK) assert_int_equal(in.n - rows[i].left, out.n);
            assert_int_equal(rc == RC_OK && out.kind == SIP_FRAME_PONG, f.half_ping);
            if (rc == RC_OK) assert_int_equal(rows[i].kind, out.kind);
            kit_guard_free(in);
        }
    }
}

static void test_side_that_pings_takes_each_crlf_as_pong(void **state)
{
    (void)state;
    struct sip_frame f;
    struct sip_framed out;
    sip_frame_init(&f, SIP_MESSAGE_MAX, true);
    for (int i = 0; i < 3; i++) {
        assert_rc(RC_OK, sip_frame_step(&f, STR("\r\n"), &out, NULL));
        assert_int_equal(SIP_FRAME_PONG, out.kind);
        assert_int_equal(2, out.n);
    }
}

static void test_messages_back_to_back(void **state)
{
    (void)state;
    struct str data = STR(HEAD "l: 2\r\n\r\nab\r\n\r\n\r\n" HEAD "l: 0\r\n\r\n\r\n");
    const enum sip_frame_kind kinds[] = {SIP_FRAME_MESSAGE, SIP_FRAME_PONG,    SIP_FRAME_PING,
                                         SIP_FRAME_PONG,    SIP_FRAME_MESSAGE, SIP_FRAME_PONG};
    struct sip_frame f;
    struct sip_framed out;
    sip_frame_init(&f, SIP_MESSAGE_MAX, false);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_rc(RC_OK, sip_frame_step(&f, data, &out, NULL));
        assert_int_equal(kinds[i], out.kind);
        data = str_sub(data, out.n, data.n);
    }
    assert_int_equal(0, data.n);
}

static void test_limits(void **state)
{
    (void)state;
    static char text[SIP_START_LINE_MAX + 64];
    struct sip_frame f;
    struct sip_framed out;
    struct parse_at at;
    memset(text, 'A', sizeof(text));
    sip_frame_init(&f, SIP_MESSAGE_MAX, false);
    assert_rc(RC_TOO_BIG, sip_frame_step(&f, str_of(text, sizeof(text)), &out, &at));
    assert_string_equal("a shorter start line", at.expected);
    sip_frame_init(&f, 40, false);
    assert_rc(RC_TOO_BIG, sip_frame_step(&f, STR(HEAD "l: 0\r\n\r\n"), &out, &at));
    const size_t exact = sizeof(HEAD) - 1 + 8 + 1;
    sip_frame_init(&f, exact, false);
    assert_rc(RC_OK, sip_frame_step(&f, STR(HEAD "l: 1\r\n\r\nx"), &out, &at));
    sip_frame_init(&f, exact - 1, false);
    assert_rc(RC_TOO_BIG, sip_frame_step(&f, STR(HEAD "l: 1\r\n\r\nx"), &out, &at));
    assert_int_equal(sizeof(HEAD) - 1 + 8, f.head_n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_whole_and_byte_by_byte),
        cmocka_unit_test(test_side_that_pings_takes_each_crlf_as_pong),
        cmocka_unit_test(test_messages_back_to_back),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
