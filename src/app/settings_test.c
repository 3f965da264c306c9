#include "kit/kit.h"

#include "app/settings.h"

#include <stdio.h>
#include <unistd.h>

static enum rc read_text(const char *text, struct app_settings *s, char why[512])
{
    char path[] = "/tmp/bearline-settings-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(strlen(text), write(fd, text, strlen(text)));
    close(fd);
    app_settings_default(s);
    enum rc rc = app_settings_read(s, path, why);
    unlink(path);
    return rc;
}

static void test_defaults_are_the_references_ports_and_this_machines_names(void **state)
{
    (void)state;
    struct app_settings s;
    app_settings_default(&s);
    assert_int_equal(5090, s.ports.oauth);
    assert_int_equal(5091, s.ports.mra);
    assert_true(s.name[0] != '\0' && strchr(s.name, '.') == NULL);
    assert_true(s.host[0] != '\0');
}

static void test_a_file_sets_what_it_names(void **state)
{
    (void)state;
    struct app_settings s;
    char why[512];
    assert_rc(RC_OK,
              read_text("[node]\nname = ucm1\nhost=ucm1.example.com\n[ports]\noauth = 15090\n"
                        "[limits]\nworkers=3\n[log]\nlevel=debug\ntrace_mb=0\n",
                        &s, why));
    assert_string_equal("ucm1", s.name);
    assert_string_equal("ucm1.example.com", s.host);
    assert_int_equal(15090, s.ports.oauth);
    assert_int_equal(5060, s.ports.sip);
    assert_int_equal(3, s.workers);
    assert_int_equal(LOG_DEBUG, s.log_level);
    assert_int_equal(0, s.trace_bytes);
}

static void test_what_does_not_fit_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
    } rows[] = {
        {"[node]\nnmae = ucm1\n",
         ", line 2: there is no setting nmae in [node]; it has name, host, addresses."},
        {"[ports]\noauth = 99999\n", ", line 2: [ports] oauth = 99999 is not possible; it takes a "
                                     "number from 1024 to 49151, or 0: not opened."},
        {"[ports]\n\noauth = 80\n", ", line 3: [ports] oauth = 80 "},
        {"[ports]\noauth = many\n", "oauth = many"},
        {"[ports]\nwss = 7443\n", "no setting wss in [ports]"},
        {"[node]\naddresses = 127.0.0.1 foo\n",
         "addresses = 127.0.0.1 foo is not possible; it takes IP addresses"},
        {"[log]\nlevel = loud\n", "it takes error, warn, info or debug."},
        {"[limits]\nconnections = 1\n", "it takes a number from 16 to 4000000."},
        {"[prots]\noauth = 5090\n",
         "there is no section [prots]; there are [node], [paths], [ports], [limits], [log]."},
        {"oauth = 5090\n", "oauth stands in no section"},
        {"[node]\nname = a\n[ports\noauth = 1\n", ", line 3: this section is not closed"},
        {"just words\n", "line 1: this is neither"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct app_settings s;
        char why[512];
        assert_rc(RC_MALFORMED, read_text(rows[i].text, &s, why));
        if (!strstr(why, rows[i].word)) fail_msg("%s: %s", rows[i].text, why);
    }
}

static void test_a_missing_file_is_said(void **state)
{
    (void)state;
    struct app_settings s;
    char why[512];
    app_settings_default(&s);
    assert_rc(RC_NOT_FOUND, app_settings_read(&s, "/nonexistent/bearlined.conf", why));
    assert_non_null(strstr(why, "/nonexistent/bearlined.conf"));
}

static void test_one_setting_from_the_command_line(void **state)
{
    (void)state;
    struct app_settings s;
    app_settings_default(&s);
    assert_rc(RC_OK, app_settings_set(&s, "node", "addresses", "127.0.0.1 ::1"));
    assert_string_equal("127.0.0.1 ::1", s.addresses);
    assert_rc(RC_NOT_FOUND, app_settings_set(&s, "node", "adresses", "x"));
    char longer[2 * APP_NAME_MAX];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_rc(RC_INVALID, app_settings_set(&s, "node", "host", longer));
}

static void test_an_edge_has_no_ports_and_no_workers(void **state)
{
    (void)state;
    struct app_settings s;
    char why[512];
    app_settings_default(&s);
    s.is_edge = true;
    assert_rc(RC_OK, app_settings_set(&s, "node", "host", "exp-c.example.com"));
    assert_rc(RC_NOT_FOUND, app_settings_set(&s, "ports", "sip", "5060"));
    app_settings_why(&s, "ports", "sip", "5060", why);
    assert_non_null(strstr(why, "there is no section [ports]"));
    assert_non_null(strstr(why, "[limits]"));
    assert_rc(RC_NOT_FOUND, app_settings_set(&s, "limits", "workers", "2"));
    app_settings_why(&s, "limits", "workers", "2", why);
    assert_null(strstr(why, "it has workers"));
    assert_rc(RC_OK, app_settings_set(&s, "limits", "connections", "100"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_the_references_ports_and_this_machines_names),
        cmocka_unit_test(test_a_file_sets_what_it_names),
        cmocka_unit_test(test_what_does_not_fit_is_named),
        cmocka_unit_test(test_a_missing_file_is_said),
        cmocka_unit_test(test_one_setting_from_the_command_line),
        cmocka_unit_test(test_an_edge_has_no_ports_and_no_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
