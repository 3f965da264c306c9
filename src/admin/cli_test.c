#include "admin/bed.h"

#include "base/buf.h"
#include "store/cdr.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* ---- the source document's commands ---- */

static void test_mode_is_refused_until_its_prerequisites_hold(void **state)
{
    struct bed *b = *state;
    assert_int_equal(ADMIN_EXIT_REFUSED, bed_cli(b, "utils sipOAuth-mode enable"));
    assert_has(b->err, "stays disabled");
    assert_has(b->out, "FAIL  OAuth with Refresh Login Flow: disabled");
    assert_has(b->out, "FAIL  Certificate tomcat of ucm1: missing");
    assert_has(b->out, "FAIL  Profile with OAuth");
    assert_has(b->out, "ok    Export-control licence: not needed");
    assert_int_equal(0, directory_param_number(b->directory, STORE_P_SIP_OAUTH_MODE));
    bed_make_ready(b);
    b->held_port = 5091;
    assert_int_equal(ADMIN_EXIT_REFUSED, bed_cli(b, "utils sipOAuth-mode enable"));
    assert_has(b->out, "5091 is held by nginx (process 4711)");
    assert_int_equal(0, directory_param_number(b->directory, STORE_P_SIP_OAUTH_MODE));
}

static void test_mode_goes_on_and_off_without_a_restart(void **state)
{
    struct bed *b = *state;
    bed_make_ready(b);
    b->is_registered = true;
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "utils sipOAuth-mode enable"));
    assert_memory_equal("SIP OAuth mode enabled.\nNo restart of any service is needed: ports 5090 "
                        "and 5091 are open now on ucm1.\n",
                        b->out, 102);
    assert_int_equal(1, directory_param_number(b->directory, STORE_P_SIP_OAUTH_MODE));
    assert_int_equal(1, b->settled);
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "utils sip-oauth enable"));
    assert_has(b->out, "SIP OAuth mode is already enabled.\n");
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "utils sipOAuth-mode status"));
    assert_has(b->out, "SIP OAuth mode is enabled.\nPorts 5090 and 5091 are open on ucm1.\n");
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "utils sipOAuth-mode disable"));
    assert_string_equal("SIP OAuth mode disabled.\nNo restart of any service is needed: ports 5090 "
                        "and 5091 are closed now on ucm1.\n1 registration was let go.\n",
                        b->out);
    assert_int_equal(0, directory_param_number(b->directory, STORE_P_SIP_OAUTH_MODE));
}

static void test_run_sql_prints_as_in_the_source(void **state)
{
    struct bed *b = *state;
    static const char line[] =
        "run sql select paramvalue FROM processconfig WHERE paramname = 'ClusterSIPOAuthMode'";
    char *const words[] = {(char[]){"run"},
                           (char[]){"sql"},
                           (char[]){"select"},
                           (char[]){"paramvalue"},
                           (char[]){"FROM"},
                           (char[]){"processconfig"},
                           (char[]){"WHERE"},
                           (char[]){"paramname"},
                           (char[]){"="},
                           (char[]){"ClusterSIPOAuthMode"},
                           NULL};
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, line));
    assert_string_equal("paramvalue\n=====\n0\n", b->out);
    assert_int_equal(ADMIN_EXIT_OK, bed_cli_words(b, 10, words)); /* as a shell leaves it */
    assert_string_equal("paramvalue\n=====\n0\n", b->out);
    bed_cli(b, "edge add exp-c --description \"this is added through axl\" --x509-names a.b,c.d");
    assert_int_equal(ADMIN_EXIT_OK,
                     bed_cli(b, "run sql select hostnameorip,description,x509subjectnameoraltname "
                                "from expresswaycconfiguration"));
    assert_string_equal("hostnameorip description               x509subjectnameoraltname\n=====\n"
                        "exp-c        this is added through axl a.b,c.d\n",
                        b->out);
    assert_int_equal(ADMIN_EXIT_REFUSED, bed_cli(b, "run sql delete from device"));
}

static void test_open_ports_begins_as_in_the_source(void **state)
{
    struct bed *b = *state;
    char line[64], port[32];
    snprintf(line, sizeof line, "show open ports regexp :%u.*LISTEN", b->server.port);
    snprintf(port, sizeof port, ":%u (LISTEN)\n", b->server.port);
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, line));
    assert_memory_equal("\nExecuting.. please wait.\n", b->out, 26);
    assert_has(b->out, port);
    assert_int_equal(ADMIN_EXIT_USAGE, bed_cli(b, "show open ports regexp ("));
}

/* ---- words and what they end with ---- */

static const struct {
    const char *line;
    int status;
    const char *out, *err;
} rows[] = {
    {"line add 1010 --display=Rado", ADMIN_EXIT_OK, "line 1010 added.\n", ""},
    {"user add rado --first-name Rado --role user --role administrator", ADMIN_EXIT_OK,
     "user rado added.\n", "rado has no password and cannot sign in yet: user update rado"},
    {"profile add \"Cisco Unified Client Services Framework - OAuth auth\" --security Encrypted "
     "--transport TLS --oauth yes",
     ADMIN_EXIT_OK, "OAuth auth added.\n", ""},
    {"profile add other --security Encrypted --transport TLS --oauth", ADMIN_EXIT_OK, "added", ""},
    {"profile update other --digest yes", ADMIN_EXIT_REFUSED, "", "exclude each other"},
    {"device add CSFrado --owner rado --line 1010 --profile other", ADMIN_EXIT_OK, "CSFrado added",
     ""},
    {"device list", ADMIN_EXIT_OK, "CSFrado               rado   other    1010   yes\n", ""},
    {"device list nothing", ADMIN_EXIT_OK, "There are no devices like that.", ""},
    {"device show CSFrado", ADMIN_EXIT_OK, "line 1: 1010, contact ", ""},
    {"device show CSFnone", ADMIN_EXIT_NOT_FOUND, "", "CSFnone"},
    {"device remove CSFnone", ADMIN_EXIT_NOT_FOUND, "", "CSFnone"},
    {"device remove CSFrado", ADMIN_EXIT_REFUSED, "",
     "Remove device CSFrado: it is registered now: its registration is let go? nobody can "
     "be asked"},
    {"device remove CSFrado --sure", ADMIN_EXIT_USAGE, "",
     "there is no option --sure here: use device remove <name>"},
    {"user remove rado", ADMIN_EXIT_REFUSED, "",
     "Remove user rado: device CSFrado loses its owner and can no longer sign in? nobody can"},
    {"user show rado", ADMIN_EXIT_OK, "Rado", ""},
    {"profile remove other", ADMIN_EXIT_REFUSED, "", "CSFrado"},
    {"line add 1011 --forward-busy 1010 --ring-s 20", ADMIN_EXIT_OK, "line 1011 added.\n", ""},
    {"line update 1010 --forward-all 1011", ADMIN_EXIT_OK, "updated", ""},
    {"line update 1011 --forward-all 1010", ADMIN_EXIT_REFUSED, "", "leads back to it"},
    {"line show 1011", ADMIN_EXIT_OK, "ring_s              20\n", ""},
    {"line update 1010 --forward-all=", ADMIN_EXIT_OK, "updated", ""},
    {"device update CSFrado --dnd", ADMIN_EXIT_OK, "updated", ""},
    {"device show CSFrado", ADMIN_EXIT_OK, "dnd           yes\n", ""},
    {"hunt-group add 2000 --members 1010,1011 --algorithm sequential --display Sales",
     ADMIN_EXIT_OK, "hunt-group 2000 added.\n", ""},
    {"hunt-group list", ADMIN_EXIT_OK, "Sales    sequential  1010,1011  0", ""},
    {"huntgroup update 2000 --members 1011 --ring-s 9", ADMIN_EXIT_OK, "updated", ""},
    {"hunt-group show 2000", ADMIN_EXIT_OK, "members             1011\n", ""},
    {"hunt-group update 2000 --members 1012", ADMIN_EXIT_REFUSED, "", "no line 1012"},
    {"hunt-group add 2001", ADMIN_EXIT_REFUSED, "", "needs members"},
    {"line remove 1011", ADMIN_EXIT_REFUSED, "", "member of hunt group 2000"},
    {"trunk add lab --host 192.0.2.9 --transport TCP --peers 192.0.2.0/24", ADMIN_EXIT_OK,
     "trunk lab added.\n", ""},
    {"trunk update lab --srtp-allowed", ADMIN_EXIT_REFUSED, "", "needs transport TLS"},
    {"trunk list", ADMIN_EXIT_OK, "192.0.2.9  0     TCP        no            yes      unknown\n",
     ""},
    {"trunk add carrier --host 192.0.2.10", ADMIN_EXIT_OK, "added", ""},
    {"trunk list carrier", ADMIN_EXIT_OK, "yes      down\n", ""},
    {"trunk list carrier --json", ADMIN_EXIT_OK, "\"state\": \"down\"", ""},
    {"trunk remove carrier --yes", ADMIN_EXIT_OK, "removed", ""},
    {"route-pattern add 9.! --trunk lab --discard predot --prefix 00", ADMIN_EXIT_OK,
     "route-pattern 9.! added.\n", ""},
    {"route-pattern add '\\+43X!' --trunk lab", ADMIN_EXIT_OK, "route-pattern \\+43X! added.\n",
     ""},
    {"route-pattern show '\\+43X!'", ADMIN_EXIT_OK, "trunk         lab\n", ""},
    {"route-pattern add 9! --hunt-group 2000", ADMIN_EXIT_REFUSED, "", "same numbers as 9.!"},
    {"route-pattern add 9.@ --trunk lab", ADMIN_EXIT_REFUSED, "", "numbering plan"},
    {"route-pattern add 8XXX", ADMIN_EXIT_REFUSED, "", "leads somewhere"},
    {"route-pattern update 9.! --line 1010", ADMIN_EXIT_REFUSED, "", "one place"},
    {"route-pattern update 9.! --line 1010 --trunk= --discard none --prefix=", ADMIN_EXIT_OK,
     "updated", ""},
    {"trunk remove lab", ADMIN_EXIT_REFUSED, "", "route pattern"},
    {"route-pattern remove '\\+43X!'", ADMIN_EXIT_REFUSED, "",
     "Remove route-pattern \\+43X!: numbers only it stands for lead nowhere? nobody can be "
     "asked here and nothing was changed: add --yes to do it\n"},
    {"route-pattern remove '\\+43X!' --yes", ADMIN_EXIT_OK, "removed", ""},
    {"-y trunk remove lab", ADMIN_EXIT_OK, "trunk lab removed.\n", ""},
    {"route-pattern list", ADMIN_EXIT_OK, "9.!", ""},
    {"help route-pattern", ADMIN_EXIT_OK, "--hunt-group", ""},
    {"help hunt-group", ADMIN_EXIT_OK, "--forward-no-answer", ""},
    {"show calls", ADMIN_EXIT_OK, "No call is under way.", ""},
    {"show calls 1999", ADMIN_EXIT_OK, "No call is under way with 1999.", ""},
    {"call hangup 9", ADMIN_EXIT_NOT_FOUND, "", "there is no call 9: see \"show calls\""},
    {"call hangup 8", ADMIN_EXIT_REFUSED, "", "nobody has answered call 8 yet"},
    {"call hangup 1010x", ADMIN_EXIT_REFUSED, "", "1010x is no call's id: see \"show calls\""},
    {"call hangup", ADMIN_EXIT_USAGE, "", "call hangup <id>"},
    {"call hangup 9 10", ADMIN_EXIT_USAGE, "", "call hangup <id>"},
    {"show trunks", ADMIN_EXIT_OK, "carrier  down   503     ", ""},
    {"show trunks now", ADMIN_EXIT_USAGE, "", "show trunks"},
    {"show cdr", ADMIN_EXIT_OK, "There are no records of such calls.", ""},
    {"show cdr --since now", ADMIN_EXIT_USAGE, "", "is no time"},
    {"show cdr --since 2026-13-01", ADMIN_EXIT_USAGE, "", "is no time"},
    {"show cdr --since \"2026-03-30 25:00\"", ADMIN_EXIT_USAGE, "", "is no time"},
    {"show cdr --since 2026-03-30x", ADMIN_EXIT_USAGE, "", "is no time"},
    {"cdr export", ADMIN_EXIT_USAGE, "", "--csv|--json"},
    {"cdr export --csv --json", ADMIN_EXIT_USAGE, "", "--csv|--json"},
    {"user update rado --password geheim", ADMIN_EXIT_USAGE, "", "--password-file"},
    {"user update rado --password-file /nowhere", ADMIN_EXIT_USAGE, "", "cannot be read"},
    {"user update rado", ADMIN_EXIT_USAGE, "", "nothing is to be changed: use user update"},
    {"user add", ADMIN_EXIT_USAGE, "", "it must be said which: use user add <id>"},
    {"user add a b", ADMIN_EXIT_USAGE, "", "need quotes"},
    {"user add eva --colour red", ADMIN_EXIT_USAGE, "", "no option --colour"},
    {"user add eva --email", ADMIN_EXIT_USAGE, "", "needs a value"},
    {"node update ucm1 --sip-oauth-port 80", ADMIN_EXIT_REFUSED, "", "1024 to 49151"},
    {"node update ucm1 --sipMRAOAuthPort 5191", ADMIN_EXIT_OK, "node ucm1 updated.", ""},
    {"node update ucm1 --sip-oauth-mra-port 5192", ADMIN_EXIT_OK, "node ucm1 updated.", ""},
    {"node update ucm1 --wss-port 7443", ADMIN_EXIT_USAGE, "", "no option --wss-port"},
    {"node update ucm1 --https-port 7443", ADMIN_EXIT_OK, "node ucm1 updated.", ""},
    {"node update ucm1 --https-port 8443", ADMIN_EXIT_OK, "node ucm1 updated.", ""},
    {"param update OAuthRefreshLoginFlow enabled", ADMIN_EXIT_OK, "OAuthRefreshLoginFlow is 1 now.",
     ""},
    {"param show OAuthAccessTokenExpiry", ADMIN_EXIT_OK, "max       1440", ""},
    {"param list expiry", ADMIN_EXIT_OK, "PhoneOAuthRefreshTokenExpiry", ""},
    {"show registrations", ADMIN_EXIT_OK, "CSFrado  1010  rado  OAuth line", ""},
    {"param show", ADMIN_EXIT_USAGE, "", "a word is missing: use param show <name>\n"},
    {"user show a b", ADMIN_EXIT_USAGE, "", "\"b\" is a word too many: use user show <name>"},
    {"usr list", ADMIN_EXIT_USAGE, "", "there is no command \"usr\""},
    {"user lst", ADMIN_EXIT_USAGE, "", "there is no \"lst\" behind \"user\": use add list show"},
    {"line update 1010 --ring-s many", ADMIN_EXIT_REFUSED, "",
     "ring_s cannot be many: use a number"},
    {"profile add p --security strong", ADMIN_EXIT_REFUSED, "",
     "security cannot be strong: use Non Secure, Authenticated, Encrypted"},
    {"show registrations --json", ADMIN_EXIT_OK, "[\n  {\n    \"id\": 5", ""},
    {"show --json registrations CSFrado", ADMIN_EXIT_OK, "\"device\": \"CSFrado\"", ""},
    {"show registrations --all", ADMIN_EXIT_USAGE, "",
     "there is no option --all here: use show registrations [device]"},
    {"line list --limit 3", ADMIN_EXIT_USAGE, "", "there is no option --limit here: use line list"},
    {"help --everything", ADMIN_EXIT_USAGE, "", "no option --everything"},
    {"trace --limit", ADMIN_EXIT_USAGE, "", "--limit needs a value"},
    {"user add eva --help", ADMIN_EXIT_OK, "Options of a user", ""},
    {"issuer add https://i --aud", ADMIN_EXIT_USAGE, "", "--aud needs a value"},
    {"issuer add https://i --colour x", ADMIN_EXIT_USAGE, "",
     "no option --colour of an issuer: use one of --iss"},
    {"status --socket /nowhere/sock", ADMIN_EXIT_UNREACHABLE, "", "/nowhere/sock"},
    {"show registrations CSFrado", ADMIN_EXIT_OK, "evil?[2J", ""},
    {"show registrations CSFeva", ADMIN_EXIT_OK, "Why: diagnose CSFeva", ""},
    {"trace CSFrado", ADMIN_EXIT_OK, "Warning: 399 ucm1 \"SIP OAuth Registration port Mismatch\"",
     ""},
    {"trace CSFrado --full", ADMIN_EXIT_OK, "SIP/2.0 403 Forbidden", ""},
    {"trace CSFeva", ADMIN_EXIT_OK, "No message of CSFeva", ""},
    {"device reset CSFrado", ADMIN_EXIT_OK, "1 registration(s)", ""},
    {"status", ADMIN_EXIT_OK, "Bearline 1.2.3", ""},
    {"status", ADMIN_EXIT_OK, "\nlistener ", ""},
    {"status", ADMIN_EXIT_OK, "1 worker(s) refuse new calls\ncalls refused:   12 ", ""},
    {"show version active", ADMIN_EXIT_OK, "Active Master Version: 1.2.3\n", ""},
    {"show counters", ADMIN_EXIT_OK, "registrations ", ""},
    {"show audit --limit 3", ADMIN_EXIT_OK, "cli", ""},
    {"utils service list", ADMIN_EXIT_OK, "Bearline Sign-in and Operator API[STARTED]\n", ""},
    {"utils service restart Cisco CallManager", ADMIN_EXIT_OK, "nothing needs to be", ""},
    {"show key authz signing", ADMIN_EXIT_OK, "kid-s", ""},
    {"set key regen authz signing", ADMIN_EXIT_REFUSED, "", "nothing was changed: add --yes"},
    {"set key rotate authz encryption", ADMIN_EXIT_OK, "The encryption key is new.", ""},
    {"show cert list own", ADMIN_EXIT_OK, "valid until", ""},
    {"set cert import trust tomcat /nowhere", ADMIN_EXIT_REFUSED, "", "cannot be read"},
    {"grant list", ADMIN_EXIT_OK, "Nobody is signed in.", ""},
    {"grant revoke", ADMIN_EXIT_USAGE, "", "a word is missing: use grant revoke"},
    {"grant revoke --user rado", ADMIN_EXIT_OK, "0 sign-in(s)", ""},
    {"set trace off", ADMIN_EXIT_OK, "no longer kept", ""},
    {"help", ADMIN_EXIT_OK, "utils sipOAuth-mode enable", ""},
    {"help device", ADMIN_EXIT_OK, "--owner", ""},
    {"help issuer", ADMIN_EXIT_OK, "Options of an issuer", ""},
    {"help edge", ADMIN_EXIT_OK, "Options of an edge", ""},
    {"help profile", ADMIN_EXIT_OK, "(Non Secure, Authenticated,", ""},
    {"help profile", ADMIN_EXIT_OK, "(TCP+UDP, TCP, UDP, TLS)", ""},
    {"help hunt-group", ADMIN_EXIT_OK, "(parallel, sequential, longest", ""},
    {"help import", ADMIN_EXIT_OK, "--skip-bad", ""},
    {"frobnicate", ADMIN_EXIT_USAGE, "", "there is no command \"frobnicate\": see \"help\""},
    {"show open", ADMIN_EXIT_USAGE, "", "ports"},
    {"", ADMIN_EXIT_OK, "", ""},
    {"# nothing", ADMIN_EXIT_OK, "", ""},
    {"user add 'x", ADMIN_EXIT_USAGE, "", "quote"},
};

static void test_commands(void **state)
{
    struct bed *b = *state;
    b->is_registered = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int status = bed_cli(b, rows[i].line);
        if (status != rows[i].status)
            fail_msg("%s: %d\n%s%s", rows[i].line, status, b->out, b->err);
        assert_has(b->out, rows[i].out);
        assert_has(b->err, rows[i].err);
    }
}

static void test_help_fits_a_screen(void **state)
{
    struct bed *b = *state;
    static const char *const lines[] = {"help",        "help user",       "help device",
                                        "help line",   "help profile",    "help node",
                                        "help trunk",  "help issuer",     "help client",
                                        "help import", "help hunt-group", "help route-pattern"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, lines[i]));
        for (const char *p = b->out; *p;) {
            size_t n = strcspn(p, "\n");
            if (n >= 80) fail_msg("%s: %.*s", lines[i], (int)n, p);
            p += n + (p[n] == '\n');
        }
    }
}

/* At a terminal the person is asked, and told first what goes with it. */
static int at_terminal(struct bed *b, const char *typed, const char *line)
{
    int typist = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(typist >= 0 && grantpt(typist) == 0 && unlockpt(typist) == 0);
    /* Not the test's own terminal: its end would be the test's, too (SIGHUP). */
    int seat = open(ptsname(typist), O_RDWR | O_NOCTTY | O_CLOEXEC);
    FILE *in = seat >= 0 ? fdopen(seat, "r+") : NULL;
    assert_non_null(in);
    assert_int_equal(strlen(typed), write(typist, typed, strlen(typed)));
    int status = bed_cli_from(b, in, line);
    fclose(in);
    close(typist);
    return status;
}

static void test_a_removal_is_asked_for_at_a_terminal(void **state)
{
    struct bed *b = *state;
    bed_cli(b, "user add rado");
    assert_int_equal(ADMIN_EXIT_REFUSED, at_terminal(b, "", "user add rado"));
    assert_string_equal("user rado exists already: change it with user update\n", b->err);
    bed_cli(b, "device add CSFa --owner rado");
    bed_cli(b, "device add CSFb --owner rado");
    assert_int_equal(ADMIN_EXIT_REFUSED, at_terminal(b, "no\n", "user remove rado"));
    assert_has(b->err, "Remove user rado: devices CSFa, CSFb lose their owner and can no longer "
                       "sign in (yes/no)? Nothing was changed.\n");
    assert_int_equal(ADMIN_EXIT_REFUSED, at_terminal(b, "\n", "user remove rado"));
    assert_int_equal(ADMIN_EXIT_OK, at_terminal(b, "yes\n", "user remove rado"));
    assert_string_equal("user rado removed.\n", b->out);
    assert_int_equal(ADMIN_EXIT_NOT_FOUND, at_terminal(b, "yes\n", "user remove rado"));
    assert_null(strstr(b->err, "yes/no"));
}

static void test_first_administrator_from_a_file(void **state)
{
    struct bed *b = *state;
    char path[128], line[256];
    struct str answer;
    bed_put_file(b, "geheim 123\r\nsecond line\n", path);
    snprintf(line, sizeof line, "user add admin --role administrator --password-file %s", path);
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, line));
    assert_int_equal(200, bed_ask_basic(b, "status", "admin:geheim 123", &answer));
}

static void test_no_node_says_so(void **state)
{
    struct bed *b = *state;
    snprintf(b->socket, sizeof b->socket, "%s/other.sock", b->folder);
    assert_int_equal(ADMIN_EXIT_UNREACHABLE, bed_cli(b, "status"));
    assert_has(b->err, "is bearlined running");
}

static void test_diagnose_walks_to_the_reason(void **state)
{
    struct bed *b = *state;
    assert_int_equal(ADMIN_EXIT_REFUSED, bed_cli(b, "diagnose CSFrado"));
    assert_has(b->out, "FAIL  Device: CSFrado is not known here\n      -> ");
    bed_make_ready(b);
    bed_cli(b, "line add 1010");
    bed_cli(b, "user add rado");
    bed_cli(b,
            "device add CSFrado --line 1010 --profile \"Cisco Unified Client Services Framework - "
            "OAuth auth\"");
    assert_int_equal(ADMIN_EXIT_REFUSED, bed_cli(b, "diagnose CSFrado"));
    assert_has(b->out, "FAIL  SIP OAuth mode: disabled\n      -> Enable it");
    assert_has(b->out, "FAIL  Owner: none");
    bed_cli(b, "device update CSFrado --owner rado");
    bed_cli(b, "utils sipOAuth-mode enable");
    b->is_refused = true;
    assert_int_equal(ADMIN_EXIT_REFUSED, bed_cli(b, "diagnose CSFrado"));
    assert_has(b->out, "FAIL  Last refusal: 3s ago from 127.0.0.1:41000 at the OAuth line: "
                       "not-owner, 2 in a row\n      -> The token is another user's");
    b->is_registered = true;
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "diagnose CSFrado"));
    assert_has(b->out, "ok    Registered: line 1010");
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "diagnose"));
}

static void test_a_script_runs_line_by_line(void **state)
{
    struct bed *b = *state;
    char text[] = "# first\nline add 1010\nline add 1010\nline list\nquit\nline add 2020\n";
    struct admin_cli_options o = {.socket = b->socket,
                                  .in = fmemopen(text, sizeof text - 1, "r"),
                                  .out = open_memstream(&b->out, &b->out_n),
                                  .err = open_memstream(&b->err, &b->err_n)};
    assert_int_equal(ADMIN_EXIT_REFUSED, admin_cli_shell(&o));
    fclose(o.in);
    fclose(o.out);
    fclose(o.err);
    assert_has(b->out, "line 1010 added.\npattern  description");
    assert_null(strstr(b->out, "2020"));
    assert_has(b->err, "1010");
}

/* ---- calls ---- */

static void add_cdrs(struct bed *b, const char *caller, int64_t start_ms, size_t count)
{
    struct store_cdr *list = calloc(count, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = (struct store_cdr){.call = STR("c1"),
                                     .node = STR("ucm1"),
                                     .caller = str_from(caller),
                                     .caller_device = STR("CSFrado"),
                                     .dialled = STR("1011"),
                                     .called = STR("1011"),
                                     .start_unix_ms = start_ms + (int64_t)i,
                                     .answer_unix_ms = start_ms + 2000,
                                     .end_unix_ms = start_ms + 63500,
                                     .status = 200,
                                     .cause = 16,
                                     .reason = STR("said \"bye\", hung up"),
                                     .end_by = STORE_CDR_BY_CALLER,
                                     .encrypted = true};
    assert_rc(RC_OK, store_cdr_add(b->store, list, count, &b->why));
    free(list);
}

static void test_calls_and_their_records_are_shown(void **state)
{
    struct bed *b = *state;
    b->has_call = true;
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "show calls 1010"));
    assert_has(b->out, "1010    2000     1011?[2J  CSFada  answered  yes\n");
    add_cdrs(b, "1010", 1774868611000, 1);
    add_cdrs(b, "1012", 1774955011000, 1); /* a day later */
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "show cdr 1010"));
    assert_has(b->out, "1010    1011     1011    61  200     caller    yes        said");
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "show cdr --until 2026-03-31T11:03:31Z"));
    assert_has(b->out, "1010");
    assert_null(strstr(b->out, "1012"));
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "show cdr --since \"2026-03-31 11:03Z\""));
    assert_has(b->out, "1012");
    assert_null(strstr(b->out, "1010 "));
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "show cdr --limit 1"));
    assert_null(strstr(b->out, "1010 "));
}

static void test_a_call_is_ended_by_its_id(void **state)
{
    struct bed *b = *state;
    b->has_call = true;
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "show calls"));
    assert_has(b->out, "\n9 ");
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "call hangup 9")); /* nobody is asked */
    assert_has(b->out, "Call 9 between 1010 and 1011?[2J, answered 20");
    assert_has(b->out, ", is ended.\n");
    assert_int_equal(ADMIN_EXIT_NOT_FOUND, bed_cli(b, "call hangup 9"));
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "show audit"));
    assert_has(b->out, "hangup  call     c9");
    b->has_call = true;
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "call hangup 9 --json"));
    assert_has(b->out, "\"call\": \"c9\"");
}

static void test_records_are_exported_as_csv(void **state)
{
    struct bed *b = *state;
    add_cdrs(b, "+4319999", 1774868611120, 1);
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "cdr export --csv"));
    assert_string_equal(
        "id,call,node,caller,caller_device,dialled,called,called_device,trunk_in,trunk_out,start,"
        "answer,end,duration_s,status,cause,reason,ended_by,encrypted\r\n"
        "1,\"c1\",\"ucm1\",\"+4319999\",\"CSFrado\",\"1011\",\"1011\",\"\",\"\",\"\","
        "2026-03-30T11:03:31.120Z,2026-03-30T11:03:33.120Z,2026-03-30T11:04:34.620Z,61,200,16,"
        "\"said \"\"bye\"\", hung up\",\"caller\",yes\r\n",
        b->out);
    add_cdrs(b, "=cmd|' /C calc'!A0", 1774868612000, 1);
    add_cdrs(b, "+1+cmd", 1774868612000, 1);
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "cdr export --csv"));
    assert_has(b->out, ",\"'=cmd|' /C calc'!A0\",");
    assert_has(b->out, ",\"'+1+cmd\",");
}

static void test_records_are_exported_page_by_page(void **state)
{
    struct bed *b = *state;
    size_t lines = 0;
    add_cdrs(b, "1010", 1774868611000, 2500);
    add_cdrs(b, "1012\x1b", 1774868611000, 1);
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "cdr export --json"));
    for (const char *p = b->out; (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(2501, lines);
    assert_memory_equal("{\"id\":2501,\"call\":\"c1\",", b->out, 22);
    assert_has(b->out, "\n{\"id\":1,\"call\":\"c1\",");
    assert_has(b->out, "\"caller\":\"1012\\u001B\"");
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "cdr export --json --number 1999"));
    assert_string_equal("", b->out);
}

#define T(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_mode_is_refused_until_its_prerequisites_hold),
        T(test_mode_goes_on_and_off_without_a_restart),
        T(test_run_sql_prints_as_in_the_source),
        T(test_open_ports_begins_as_in_the_source),
        T(test_commands),
        T(test_help_fits_a_screen),
        T(test_a_removal_is_asked_for_at_a_terminal),
        T(test_first_administrator_from_a_file),
        T(test_no_node_says_so),
        T(test_diagnose_walks_to_the_reason),
        T(test_a_script_runs_line_by_line),
        T(test_calls_and_their_records_are_shown),
        T(test_a_call_is_ended_by_its_id),
        T(test_records_are_exported_as_csv),
        T(test_records_are_exported_page_by_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
