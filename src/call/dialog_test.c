#include "kit/kit.h"

#include "call/dialog.h"

static struct call_dialog_parts parts(void)
{
    return (struct call_dialog_parts){
        .call_id = STR("id"),
        .who = {STR("<sip:1020@h>;tag=a"), STR("<sip:1030@h>;tag=b")},
        .target = {STR("sip:1020@10.0.0.1"), STR("sip:1030@10.0.0.2")},
        .route = {STR(""), STR("Route: <sip:edge;lr>\r\n")},
    };
}

static void expect_bye(struct call_dialog *d, unsigned side, const char *uri, const char *lines)
{
    char text[1024];
    struct buf out;
    struct str target;
    buf_init_fixed(&out, text, sizeof text);
    assert_true(call_dialog_print_bye(d, side, STR("Reason: x\r\n"), &target, &out));
    assert_true(str_eq(target, str_from(uri)));
    text[out.n] = '\0';
    assert_string_equal(lines, text);
}

static void test_a_bye_is_said_in_the_others_name(void **state)
{
    (void)state;
    struct call_dialog d;
    struct call_dialog_parts p = parts();
    call_dialog_init(&d);
    d.cseq[0] = 7;
    call_dialog_set(&d, &p);
    expect_bye(&d, 1, "sip:1030@10.0.0.2",
               "Route: <sip:edge;lr>\r\nMax-Forwards: 70\r\nFrom: <sip:1020@h>;tag=a\r\n"
               "To: <sip:1030@h>;tag=b\r\nCall-ID: id\r\nCSeq: 8 BYE\r\nReason: x\r\n");
    expect_bye(&d, 0, "sip:1020@10.0.0.1",
               "Max-Forwards: 70\r\nFrom: <sip:1030@h>;tag=b\r\nTo: <sip:1020@h>;tag=a\r\n"
               "Call-ID: id\r\nCSeq: 1 BYE\r\nReason: x\r\n");
    call_dialog_retarget(&d, 0, STR("sip:1020@10.0.0.9:5071"));
    call_dialog_retarget(&d, 1, STR(""));
    expect_bye(&d, 0, "sip:1020@10.0.0.9:5071",
               "Max-Forwards: 70\r\nFrom: <sip:1030@h>;tag=b\r\nTo: <sip:1020@h>;tag=a\r\n"
               "Call-ID: id\r\nCSeq: 2 BYE\r\nReason: x\r\n");
    call_dialog_fini(&d);
}

static void test_what_is_not_known_is_not_said(void **state)
{
    (void)state;
    struct call_dialog d;
    struct call_dialog_parts p = parts();
    char big[CALL_DIALOG_MAX], text[64];
    struct buf out;
    struct str uri;
    memset(big, 'x', sizeof big);
    call_dialog_init(&d);
    buf_init_fixed(&out, text, sizeof text);
    assert_false(call_dialog_print_bye(&d, 0, STR(""), &uri, &out));
    p.target[0] = STR("");
    call_dialog_set(&d, &p);
    assert_false(call_dialog_print_bye(&d, 0, STR(""), &uri, &out));
    assert_false(call_dialog_print_bye(&d, 1, STR(""), &uri, &out)); /* no room for it */
    p.call_id = str_of(big, sizeof big);
    call_dialog_set(&d, &p);
    buf_reset(&out);
    assert_false(call_dialog_print_bye(&d, 1, STR(""), &uri, &out));
    p = parts();
    call_dialog_set(&d, &p);
    call_dialog_retarget(&d, 1, str_of(big, sizeof big));
    assert_false(call_dialog_print_bye(&d, 1, STR(""), &uri, &out));
    call_dialog_fini(&d);
}

static void test_memory_is_used_again(void **state)
{
    (void)state;
    struct call_dialog d;
    struct call_dialog_parts p = parts();
    call_dialog_init(&d);
    call_dialog_set(&d, &p);
    unsigned long before = kit_alloc_count();
    for (int i = 0; i < 10; i++) {
        call_dialog_reset(&d);
        call_dialog_set(&d, &p);
        call_dialog_retarget(&d, 0, STR("sip:1020@10.0.0.7"));
    }
    assert_int_equal(0, kit_alloc_count() - before);
    call_dialog_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bye_is_said_in_the_others_name),
        cmocka_unit_test(test_what_is_not_known_is_not_said),
        cmocka_unit_test(test_memory_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
