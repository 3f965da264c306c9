/* The state folder, and what is kept there: the sign-in and the status. */
#include "kit/kit.h"

#include "phone/status.h"
#include "phone/tokens.h"
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static struct phone_state open_new(void)
{
    struct phone_state s;
    struct phone_problem p = {0};
    char path[96];
    snprintf(folder, sizeof folder, "/tmp/bearline-phone-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a/b", folder);
    assert_rc(RC_OK, phone_state_open(&s, path, true, &p));
    return s;
}

static void remove_all(struct phone_state *s)
{
    char command[160];
    phone_state_close(s);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(0, system(command));
}

static unsigned mode_of(const struct phone_state *s, const char *name)
{
    char path[PHONE_STATE_PATH_MAX];
    struct stat st;
    assert_rc(RC_OK, phone_state_path(s, name, path));
    assert_int_equal(0, stat(path, &st));
    return st.st_mode & 0777;
}

static void test_default_place(void **state)
{
    (void)state;
    char path[PHONE_STATE_PATH_MAX];
    setenv("XDG_STATE_HOME", "/var/x", 1);
    assert_rc(RC_OK, phone_state_default("default", path));
    assert_string_equal("/var/x/bearline-phone/default", path);
    setenv("XDG_STATE_HOME", "relative", 1); /* the specification says: ignore it */
    setenv("HOME", "/home/rado", 1);
    assert_rc(RC_OK, phone_state_default("desk", path));
    assert_string_equal("/home/rado/.local/state/bearline-phone/desk", path);
    unsetenv("HOME");
    assert_rc(RC_INVALID, phone_state_default("desk", path));
    setenv("HOME", "/home/rado", 1);
    assert_rc(RC_INVALID, phone_state_default("../etc", path));
    assert_rc(RC_INVALID, phone_state_default("..", path));
    assert_rc(RC_INVALID, phone_state_default("", path));
}

static void test_files_are_private_and_whole(void **state)
{
    (void)state;
    struct phone_state s = open_new();
    struct secret got = {0};
    assert_int_equal(0700, mode_of(&s, "."));
    assert_rc(RC_NOT_FOUND, phone_state_read(&s, "x", &got));
    assert_rc(RC_OK, phone_state_write(&s, "x", bytes_of("first", 5), NULL));
    assert_rc(RC_OK, phone_state_write(&s, "x", bytes_of("2", 1), NULL));
    assert_rc(RC_OK, phone_state_read(&s, "x", &got));
    assert_str("2", bytes_str(secret_bytes(&got)));
    assert_int_equal(0600, mode_of(&s, "x"));
    secret_fini(&got);
    assert_rc(RC_OK, phone_state_wipe(&s, "x"));
    assert_rc(RC_OK, phone_state_wipe(&s, "x"));
    assert_rc(RC_NOT_FOUND, phone_state_read(&s, "x", &got));
    remove_all(&s);
}

static void test_large_files(void **state)
{
    (void)state;
    struct phone_state s = open_new();
    struct secret got = {0};
    uint8_t *big = calloc(1, PHONE_STATE_FILE_MAX + 1);
    assert_rc(RC_OK, phone_state_write(&s, "x", bytes_of(big, 100000), NULL));
    assert_rc(RC_OK, phone_state_read(&s, "x", &got));
    assert_int_equal(100000, got.n);
    secret_fini(&got);
    assert_rc(RC_OK, phone_state_wipe(&s, "x"));
    assert_rc(RC_OK, phone_state_write(&s, "x", bytes_of(big, PHONE_STATE_FILE_MAX + 1), NULL));
    assert_rc(RC_TOO_BIG, phone_state_read(&s, "x", &got));
    free(big);
    remove_all(&s);
}

/* A process that dies between writing beside and renaming leaves the old file, and the next write
 * goes through. */
static void test_a_left_over_beside_is_no_obstacle(void **state)
{
    (void)state;
    struct phone_state s = open_new();
    struct secret got = {0};
    assert_rc(RC_OK, phone_state_write(&s, "x", bytes_of("old", 3), NULL));
    assert_rc(RC_OK, phone_state_write(&s, ".x.new", bytes_of("half of wha", 11), NULL));
    assert_rc(RC_OK, phone_state_read(&s, "x", &got));
    assert_str("old", bytes_str(secret_bytes(&got)));
    secret_fini(&got);
    assert_rc(RC_OK, phone_state_write(&s, "x", bytes_of("new", 3), NULL));
    assert_rc(RC_OK, phone_state_read(&s, "x", &got));
    assert_str("new", bytes_str(secret_bytes(&got)));
    secret_fini(&got);
    remove_all(&s);
}

static void test_write_failure_keeps_the_old_and_says_why(void **state)
{
    (void)state;
    struct phone_state s = open_new();
    struct phone_problem p = {0};
    struct secret got = {0};
    char path[PHONE_STATE_PATH_MAX];
    assert_rc(RC_OK, phone_state_write(&s, "x", bytes_of("old", 3), NULL));
    assert_rc(RC_OK, phone_state_path(&s, ".x.new", path));
    assert_int_equal(0, mkdir(path, 0700)); /* in the way */
    assert_rc(RC_IO, phone_state_write(&s, "x", bytes_of("new", 3), &p));
    assert_int_equal(PHONE_EXIT_STATE, p.code);
    assert_non_null(strstr(p.text, "/x cannot be written"));
    assert_rc(RC_OK, phone_state_read(&s, "x", &got));
    assert_str("old", bytes_str(secret_bytes(&got)));
    secret_fini(&got);
    remove_all(&s);
}

static void test_open_folder_is_closed_to_others_and_missing_ones_are_told(void **state)
{
    (void)state;
    struct phone_state s = open_new(), again;
    struct phone_problem p = {0};
    assert_int_equal(0, chmod(s.path, 0755));
    assert_rc(RC_OK, phone_state_open(&again, s.path, false, &p));
    assert_int_equal(0700, mode_of(&s, "."));
    phone_state_close(&again);
    assert_rc(RC_NOT_FOUND, phone_state_open(&again, "/tmp/bearline-no-such", false, &p));
    assert_int_equal(PHONE_EXIT_STATE, p.code);
    phone_state_close(&again);
    remove_all(&s);
}

static void test_one_run_a_profile(void **state)
{
    (void)state;
    struct phone_state s = open_new(), other;
    struct phone_problem p = {0};
    assert_false(phone_state_is_locked(&s));
    assert_rc(RC_OK, phone_state_lock(&s));
    assert_rc(RC_OK, phone_state_open(&other, s.path, false, &p));
    assert_true(phone_state_is_locked(&other));
    assert_rc(RC_EXISTS, phone_state_lock(&other));
    close(s.lock_fd);
    s.lock_fd = -1;
    assert_false(phone_state_is_locked(&other));
    phone_state_close(&other);
    remove_all(&s);
}

/* ---- the sign-in ---- */

static struct phone_tokens sample(void)
{
    struct phone_tokens t = {
        .server = "https://ucm1:8443",
        .issuer = "https://ucm1:8443",
        .token_url = "https://ucm1:8443/t",
        .revoke_url = "https://ucm1:8443/r",
        .client_id = "bearline-phone",
        .device = "CSFrado",
        .user = "rado",
        .scope = "sip",
        .instance = "021122334455",
        .has_ca = true,
        .access_from_unix_s = 1000,
        .access_until_unix_s = 4600,
        .signed_in_unix_s = 999,
    };
    assert_rc(RC_OK, secret_init(&t.access, bytes_of("acc\"ess", 7)));
    assert_rc(RC_OK, secret_init(&t.refresh, bytes_of("refresh", 7)));
    return t;
}

static void test_sign_in_survives_the_disk(void **state)
{
    (void)state;
    struct phone_state s = open_new();
    struct phone_tokens t = sample(), back = {0};
    assert_rc(RC_NOT_FOUND, phone_tokens_load(&s, &back));
    assert_rc(RC_OK, phone_tokens_save(&s, &t, NULL));
    assert_int_equal(0600, mode_of(&s, PHONE_FILE_SESSION));
    assert_rc(RC_OK, phone_tokens_load(&s, &back));
    assert_string_equal(t.server, back.server);
    assert_string_equal(t.revoke_url, back.revoke_url);
    assert_string_equal(t.instance, back.instance);
    assert_true(back.has_ca);
    assert_str("acc\"ess", bytes_str(secret_bytes(&back.access)));
    assert_str("refresh", bytes_str(secret_bytes(&back.refresh)));
    assert_int_equal(4600, back.access_until_unix_s);
    assert_int_equal(1000 + 3600 * 3 / 4, phone_tokens_renew_unix_s(&back));
    phone_tokens_fini(&back);
    phone_tokens_fini(&t);
    remove_all(&s);
}

static void test_damaged_sign_ins_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"device\":\"x\"}",
        "{\"device\":7}",
        "{\"device\":\"CSF\",\"token_url\":\"u\",\"client_id\":\"c\",\"instance\":\"02112233445\","
        "\"access\":\"a\"}",
        "{\"device\":\"CSF\\u0000\",\"token_url\":\"u\",\"client_id\":\"c\","
        "\"instance\":\"021122334455\",\"access\":\"a\"}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct phone_tokens t = {0};
        struct str guarded = kit_guard(str_from(rows[i]));
        assert_rc(RC_MALFORMED, phone_tokens_parse(guarded, &t));
        kit_guard_free(guarded);
    }
}

static void test_token_answers(void **state)
{
    (void)state;
    struct phone_token_answer a;
    struct str good = STR("{\"access_token\":\"A\",\"token_type\":\"bearer\",\"expires_in\":3600,"
                          "\"refresh_token\":\"R\",\"scope\":\"sip\"}");
    assert_rc(RC_OK, phone_token_answer_parse(200, good, &a));
    assert_int_equal(3600, a.expires_in_s);
    struct phone_tokens t = sample();
    phone_tokens_take(&t, &a, 5000);
    phone_token_answer_fini(&a);
    assert_str("A", bytes_str(secret_bytes(&t.access)));
    assert_str("R", bytes_str(secret_bytes(&t.refresh)));
    assert_int_equal(8600, t.access_until_unix_s);
    assert_rc(RC_OK, phone_token_answer_parse(
                         200, STR("{\"access_token\":\"B\",\"token_type\":\"Bearer\"}"), &a));
    phone_tokens_take(&t, &a, 6000); /* no rotation: the old refresh token stays */
    assert_str("R", bytes_str(secret_bytes(&t.refresh)));
    assert_int_equal(9600, t.access_until_unix_s);
    phone_token_answer_fini(&a);
    phone_tokens_fini(&t);
    assert_rc(RC_OK, phone_token_answer_parse(400, STR("{\"error\":\"invalid_grant\"}"), &a));
    assert_string_equal("invalid_grant", a.error);
    phone_token_answer_fini(&a);
    static const struct {
        int status;
        const char *body;
    } bad[] = {{200, "{}"},
               {200, "{\"access_token\":\"A\"}"},
               {200, "{\"access_token\":\"A\",\"token_type\":\"mac\"}"},
               {200, "{\"access_token\":\"\",\"token_type\":\"Bearer\"}"},
               {400, "{}"},
               {502, "<html>"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_rc(RC_MALFORMED, phone_token_answer_parse(bad[i].status, str_from(bad[i].body), &a));
}

static void save_and_load(void *ctx)
{
    struct phone_state *s = ctx;
    struct phone_tokens t = {0};
    if (phone_tokens_load(s, &t) == RC_OK) (void)!phone_tokens_save(s, &t, NULL);
    phone_tokens_fini(&t);
}

static void test_out_of_memory_loses_nothing(void **state)
{
    (void)state;
    struct phone_state s = open_new();
    struct phone_tokens t = sample(), back = {0};
    assert_rc(RC_OK, phone_tokens_save(&s, &t, NULL));
    kit_each_alloc_fails(save_and_load, &s);
    assert_rc(RC_OK, phone_tokens_load(&s, &back));
    assert_str("refresh", bytes_str(secret_bytes(&back.refresh)));
    phone_tokens_fini(&back);
    phone_tokens_fini(&t);
    remove_all(&s);
}

/* ---- the status ---- */

static void test_status_for_people_and_programs(void **state)
{
    (void)state;
    struct phone_state s = open_new();
    struct phone_status st = {
        .device = "CSFrado",
        .line = "1010",
        .node = "ucm1",
        .address = "127.0.0.1:5090",
        .transport = "TLSv1.3",
        .state = PHONE_LINE_REGISTERED,
        .is_registered = true,
        .pid = 77,
        .granted_s = 120,
        .since_unix_s = 1000,
        .refresh_unix_s = 1115,
        .token_until_unix_s = 8260,
    };
    struct phone_status back;
    struct buf b;
    assert_rc(RC_NOT_FOUND, phone_status_load(&s, &back));
    phone_problem_set(&st.problem, PHONE_EXIT_FORBIDDEN, "ucm1:5090 refused it.");
    st.problem_unix_s = 500;
    assert_rc(RC_OK, phone_status_save(&s, &st));
    assert_rc(RC_OK, phone_status_load(&s, &back));
    assert_memory_equal(&st, &back, sizeof st);
    buf_init(&b, 65536);
    setenv("TZ", "UTC", 1);
    phone_status_print(&b, &back, true, 1060);
    assert_string_equal("device         CSFrado\n"
                        "state          registered as 1010 at ucm1 (127.0.0.1:5090, TLSv1.3)\n"
                        "since          1970-01-01 00:16:40 (1 min ago)\n"
                        "next refresh   1970-01-01 00:18:35 (in 55 s)\n"
                        "token until    1970-01-01 02:17:40 (in 2 h 0 min)\n"
                        "last problem   1970-01-01 00:08:20 (9 min ago)\n"
                        "               ucm1:5090 refused it.\n",
                        buf_cstr(&b));
    buf_reset(&b);
    phone_status_print(&b, &back, false, 1060);
    assert_non_null(strstr(buf_cstr(&b), "not registered: the phone is not running"));
    buf_fini(&b);
    assert_rc(RC_MALFORMED, phone_status_parse(STR("{\"state_number\":99}"), &back));
    assert_rc(RC_MALFORMED, phone_status_parse(STR("x"), &back));
    remove_all(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_place),
        cmocka_unit_test(test_files_are_private_and_whole),
        cmocka_unit_test(test_large_files),
        cmocka_unit_test(test_a_left_over_beside_is_no_obstacle),
        cmocka_unit_test(test_write_failure_keeps_the_old_and_says_why),
        cmocka_unit_test(test_open_folder_is_closed_to_others_and_missing_ones_are_told),
        cmocka_unit_test(test_one_run_a_profile),
        cmocka_unit_test(test_sign_in_survives_the_disk),
        cmocka_unit_test(test_damaged_sign_ins_are_refused),
        cmocka_unit_test(test_token_answers),
        cmocka_unit_test(test_out_of_memory_loses_nothing),
        cmocka_unit_test(test_status_for_people_and_programs),
    };
    return cmocka_run_group_tests_name("phone/state", tests, NULL, NULL);
}
