#include "kit/kit.h"

#include "call/dial.h"

#include <stdio.h>

/* "number|context|tel" or the rc's name. */
static void read_into(const char *text, char *out, size_t n)
{
    struct str bytes = kit_guard(str_from(text));
    struct sip_uri uri;
    struct call_dialled d;
    struct arena a;
    arena_init(&a, NULL, 0, 65536);
    enum rc rc = sip_uri_parse(bytes, &uri, NULL);
    if (rc == RC_OK) rc = call_dial_read(&uri, &a, &d);
    if (rc == RC_OK)
        snprintf(out, n, "%.*s|%.*s|%d", (int)d.number.n, d.number.p, (int)d.context.n, d.context.p,
                 d.is_tel);
    else
        snprintf(out, n, "%s", rc_name(rc));
    arena_fini(&a);
    kit_guard_free(bytes);
}

static void test_what_a_uri_dials(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *number;
    } rows[] = {
        {"tel:+1-201-555-0123", "+12015550123||1"},
        {"tel:+1(201).555.0123", "+12015550123||1"},
        {"tel:1030", "1030||1"},
        {"tel:7042;phone-context=example.com", "7042|example.com|1"},
        {"tel:863-1234;phone-context=+1-914-555", "8631234|+1-914-555|1"},
        {"tel:*21#", "*21#||1"},
        {"sip:1030@example.com", "1030||0"},
        {"sip:10-30@example.com", "10-30||0"},
        {"sip:10-30@example.com;user=phone", "1030||0"},
        {"sip:+358-555-1234567;postd=pp22@example.com;user=phone", "+3585551234567||0"},
        {"sip:7042;phone-context=example.com@example.com;user=phone", "7042|example.com|0"},
        {"sip:rado@example.com;user=phone", "rado||0"},
        {"sip:%31030@example.com", "1030||0"},
        {"sips:(10)30@example.com;USER=Phone", "1030||0"},
        {"sip:example.com", "not found"},
        {"mailto:a@example.com", "not found"},
        {"tel:+1-201-ABC", "malformed"},
        {"tel:1+2", "malformed"},
        {"tel:+", "malformed"},
        {"tel:---", "malformed"},
        {"tel:hello", "malformed"},
    };
    char got[200];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        read_into(rows[i].uri, got, sizeof got);
        if (strcmp(rows[i].number, got) != 0)
            fail_msg("%s: %s, expected %s", rows[i].uri, got, rows[i].number);
    }
}

static bool is_example(void *ctx, const struct sip_host *host)
{
    (void)ctx;
    return str_eq_nocase(host->text, STR("example.com"));
}

static void test_a_local_number_is_good_in_its_context(void **state)
{
    (void)state;
    struct call_dialled d = {.number = STR("7042"), .context = STR("example.com")};
    assert_true(call_dial_is_local(&d, is_example, NULL));
    d.context = STR("elsewhere.example.net");
    assert_false(call_dial_is_local(&d, is_example, NULL));
    d.context = STR("+1914");
    assert_false(call_dial_is_local(&d, is_example, NULL));
    d.context = STR("");
    assert_true(call_dial_is_local(&d, is_example, NULL));
    d = (struct call_dialled){.number = STR("+1201"), .context = STR("elsewhere.example.net")};
    assert_true(call_dial_is_local(&d, is_example, NULL)); /* global numbers have none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_uri_dials),
        cmocka_unit_test(test_a_local_number_is_good_in_its_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
