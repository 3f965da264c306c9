#include "kit/kit.h"

#include "base/buf.h"
#include "phone/form.h"

static struct arena arena;

static enum rc parse(const char *page, struct phone_form *f)
{
    struct str guarded = kit_guard(str_from(page));
    static char keep[4096];
    enum rc rc = phone_form_parse(guarded, &arena, f);
    kit_guard_free(guarded);
    if (rc != RC_OK) return rc; /* once more over memory that stays, for the slices */
    memcpy(keep, page, strlen(page) + 1);
    return phone_form_parse(str_of(keep, strlen(page)), &arena, f);
}

static void test_a_page_as_servers_write_them(void **state)
{
    (void)state;
    struct phone_form f;
    assert_rc(RC_OK, parse("<!doctype html><!-- <form><input type=password name=no> -->"
                           "<script>'<form><input type=\"password\" name=\"no\">'</script>"
                           "<form action=/search><input name=q></form>"
                           "<p role='alert'>Wrong <b>user</b>\n or &quot;password&quot;.</p>"
                           "<FORM METHOD=\"Post\" ACTION=\"/authorize?a=1&amp;b=2\">"
                           "<input type=hidden name=csrf value='t&#x6f;k&#101;n'>"
                           "<input name=\"username\" autofocus value=''>"
                           "<input type='password' name=password required/>"
                           "<input type=checkbox name=stay value=1><button type=submit>Go</button>"
                           "</FORM><form method=post><input type=password name=later></form>",
                           &f));
    assert_true(f.is_post);
    assert_str("/authorize?a=1&b=2", f.action);
    assert_int_equal(4, f.count);
    assert_str("csrf", f.fields[0].name);
    assert_str("token", f.fields[0].value);
    assert_int_equal(PHONE_FIELD_HIDDEN, f.fields[0].kind);
    assert_str("username", f.user_field);
    assert_str("password", f.password_field);
    assert_int_equal(PHONE_FIELD_OTHER, f.fields[3].kind);
    assert_str("Wrong user or \"password\".", f.alert);
}

static void test_pages_without_a_sign_in(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "<",
        "<form",
        "<form><input type=password",
        "<form><input type=password>", /* no name */
        "<form><input name=a></form>",
        "<input type=password name=outside>",
        "<!-- <form><input type=password name=a></form>",
        "<script><form><input type=password name=a></form>",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct phone_form f;
        assert_rc(RC_NOT_FOUND, parse(rows[i], &f));
    }
}

static void test_entities(void **state)
{
    (void)state;
    struct phone_form f;
    assert_rc(RC_OK, parse("<form><input type=password name=p value='&lt;&#x20ac;&#128512;&bogus;"
                           "&#0;&#xd800;&#99999999;&'>",
                           &f));
    assert_str("<\xe2\x82\xac\xf0\x9f\x98\x80&bogus;&#0;&#xd800;&#99999999;&", f.fields[0].value);
}

static void test_bounds(void **state)
{
    (void)state;
    struct phone_form f;
    struct buf b;
    buf_init(&b, 4 << 20);
    buf_put_lit(&b, "<form>");
    for (int i = 0; i <= PHONE_FORM_FIELD_MAX; i++)
        buf_put_lit(&b, "<input name=a>");
    assert_rc(RC_TOO_BIG, phone_form_parse(buf_str(&b), &arena, &f));
    while (b.n <= PHONE_FORM_PAGE_MAX)
        buf_put_char(&b, 'x');
    assert_rc(RC_TOO_BIG, phone_form_parse(buf_str(&b), &arena, &f));
    struct str alert;
    assert_rc(RC_TOO_BIG, phone_form_alert(buf_str(&b), &arena, &alert));
    buf_reset(&b);
    buf_put_lit(&b, "<p role=alert>");
    for (int i = 0; i < 5000; i++)
        buf_put_char(&b, 'x');
    assert_rc(RC_OK, phone_form_alert(buf_str(&b), &arena, &alert));
    assert_in_range(alert.n, 1000, 1024);
    buf_fini(&b);
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0, 1 << 20);
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {T(test_a_page_as_servers_write_them),
                                       T(test_pages_without_a_sign_in), T(test_entities),
                                       T(test_bounds)};
    return cmocka_run_group_tests_name("phone/form", tests, NULL, NULL);
}
