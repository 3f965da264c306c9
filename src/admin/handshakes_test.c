/* What an operator hears of TLS handshakes that failed: which certificate, which store, which command. */
#include "admin/bed.h"

static struct admin_handshake by_edge(struct bed *b, enum admin_handshake_cause cause, bool by_peer)
{
    return (struct admin_handshake){.door = ADMIN_DOOR_MRA,
                                    .cause = cause,
                                    .by_peer = by_peer,
                                    .listener = STR("OAuth line over MRA"),
                                    .peer = STR("192.0.2.7"),
                                    .subject = STR("CN=exp-c.example.com"),
                                    .issuer = STR("CN=Edge CA"),
                                    .names = STR("exp-c.example.com, exp-c"),
                                    .alert = STR("unknown CA"),
                                    .count = 2,
                                    .first_unix_ms = b->now.unix_ms - 5000,
                                    .last_unix_ms = b->now.unix_ms};
}

static void says(struct bed *b, const char *text, const char *fix)
{
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "show handshakes"));
    assert_non_null(strstr(b->out, "OAuth line over MRA, 192.0.2.7"));
    if (!strstr(b->out, text) || !strstr(b->out, fix)) fail_msg("%s", b->out);
    (void)bed_cli(b, "diagnose");
    if (!strstr(b->out, text) || !strstr(b->out, fix)) fail_msg("%s", b->out);
}

static void test_the_edge_does_not_trust_us(void **state)
{
    struct bed *b = *state;
    b->handshake = by_edge(b, ADMIN_HANDSHAKE_UNKNOWN_CA, true);
    says(b,
         "192.0.2.7 refused our certificate CN=exp-c.example.com, issued by CN=Edge CA (alert "
         "unknown CA)",
         "Its trusted CAs lack CN=Edge CA: import ca.pem");
}

static void test_we_do_not_trust_the_edge(void **state)
{
    struct bed *b = *state;
    b->handshake = by_edge(b, ADMIN_HANDSHAKE_UNKNOWN_CA, false);
    says(b, "issued by CN=Edge CA, which nothing in tomcat-trust vouches for",
         "set cert import trust tomcat <file.pem>");
    b->handshake.door = ADMIN_DOOR_SECURE;
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "show handshakes"));
    assert_non_null(strstr(b->out, "set cert import trust CallManager <file.pem>"));
}

static void test_an_edge_under_other_names_is_told_with_those_expected(void **state)
{
    struct bed *b = *state;
    b->handshake = by_edge(b, ADMIN_HANDSHAKE_NOT_LISTED, false);
    says(b, "expresswaycconfiguration has nobody",
         "edge add exp-c.example.com --x509-names exp-c.example.com,exp-c");
    bed_cli(b, "edge add old --x509-names old.example.com");
    says(b, "(names exp-c.example.com, exp-c); expresswaycconfiguration has old: old.example.com",
         "edge add exp-c.example.com");
}

/* The command is there to be copied into a shell. */
static void test_names_a_shell_would_read_otherwise_are_in_no_command(void **state)
{
    struct bed *b = *state;
    b->handshake = by_edge(b, ADMIN_HANDSHAKE_NOT_LISTED, false);
    b->handshake.names = STR("exp-c, x;reboot");
    says(b, "(names exp-c, x;reboot)", "edge add NAME --x509-names NAME\n");
}

static void test_other_causes_say_what_to_look_at(void **state)
{
    struct bed *b = *state;
    b->handshake = by_edge(b, ADMIN_HANDSHAKE_NO_CERTIFICATE, false);
    says(b, "192.0.2.7 showed no certificate", "phones use the SIP Phone OAuth Port");
    b->handshake = by_edge(b, ADMIN_HANDSHAKE_EXPIRED, false);
    says(b, "is expired or not yet valid", "Renew that certificate");
    b->handshake = by_edge(b, ADMIN_HANDSHAKE_OTHER, false);
    says(b, "failed in the TLS handshake: alert unknown CA", "connection.refused");
    b->handshake = by_edge(b, ADMIN_HANDSHAKE_OTHER, true);
    b->handshake.subject = b->handshake.issuer = b->handshake.alert = STR("");
    says(b, "refused our certificate ?, issued by ? (alert none)", "See that side's log");
}

static void test_what_is_over_is_no_diagnosis(void **state)
{
    struct bed *b = *state;
    b->handshake = by_edge(b, ADMIN_HANDSHAKE_UNKNOWN_CA, false);
    b->handshake.last_unix_ms -= 3601 * 1000;
    (void)bed_cli(b, "diagnose");
    assert_null(strstr(b->out, "192.0.2.7"));
    b->handshake.count = 0;
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "show handshakes"));
    assert_string_equal("No handshake has failed since the last success.\n", b->out);
}

#define T(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_the_edge_does_not_trust_us),
        T(test_we_do_not_trust_the_edge),
        T(test_an_edge_under_other_names_is_told_with_those_expected),
        T(test_names_a_shell_would_read_otherwise_are_in_no_command),
        T(test_other_causes_say_what_to_look_at),
        T(test_what_is_over_is_no_diagnosis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
