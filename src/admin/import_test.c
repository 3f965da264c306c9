/* Import of CSV files, by the command line and by the operator API. */
#include "admin/bed.h"

#include "admin/api_int.h"
#include "base/buf.h"
#include <stdio.h>

static int import(struct bed *b, const char *text, const char *options)
{
    char path[128], line[256];
    bed_put_file(b, text, path);
    snprintf(line, sizeof line, "import %s %s", path, options);
    return bed_cli(b, line);
}

static void test_import_names_each_bad_row(void **state)
{
    struct bed *b = *state;
    static const char csv[] = "user,first_name,device,line,profile,enabled\n"
                              "rado,Rado,CSFrado,1010,,yes\n"
                              "eva,Eva,CSFeva,2020,no such profile,\n"
                              "max,Max,much-too-long-a-name,3030,,\n"
                              "tom,Tom,CSFtom,4040,,perhaps\n"
                              "ann,Ann,CSFrado,5050,,\n"
                              "\"x,y\n";
    assert_int_equal(ADMIN_EXIT_REFUSED, import(b, csv, ""));
    assert_has(b->out, "row 3, device: ");
    assert_has(b->out, "row 4, device: ");
    assert_has(b->out, "row 5, enabled: enabled cannot be perhaps: use yes or no");
    assert_has(b->out, "row 6, device: device CSFrado stands in row 2 already");
    assert_has(b->out, "row 7: a quote is not closed");
    assert_has(b->out, "6 rows read, 5 of them bad.");
    assert_has(b->out, "Nothing was changed.");
    assert_int_equal(ADMIN_EXIT_NOT_FOUND, bed_cli(b, "device show CSFrado"));
    assert_int_equal(ADMIN_EXIT_OK, import(b, csv, "--skip-bad"));
    assert_has(b->out, "The good rows were applied.");
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "device show CSFrado"));
    assert_has(b->out, "owner         rado");
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "user show rado"));
    assert_has(b->out, "Rado");
    assert_int_equal(ADMIN_EXIT_NOT_FOUND, bed_cli(b, "device show CSFeva"));
}

static void test_import_updates_what_it_names_only(void **state)
{
    struct bed *b = *state;
    struct str answer;
    assert_int_equal(ADMIN_EXIT_OK, import(b,
                                           "kind,user,email,password,device,description,line\n"
                                           "user,rado,r@example.com,geheim 7,,,\n"
                                           "line,,,,,Reception,1010\n"
                                           "device,rado,,,CSFrado,Desk,1010 1011\n",
                                           ""));
    assert_has(b->out, "users    1 added, 0 updated");
    assert_has(b->out, "devices  1 added, 0 updated");
    assert_has(b->out, "lines    2 added, 0 updated");
    assert_has(b->out, "passwords in the clear");
    bed_cli(b, "user update rado --role administrator");
    assert_int_equal(200, bed_ask_basic(b, "status", "rado:geheim 7", &answer));
    bed_cli(b, "line show 1010");
    assert_has(b->out, "Reception");
    assert_int_equal(ADMIN_EXIT_OK, import(b, "device;enabled\nCSFrado;no\n", ""));
    assert_has(b->out, "devices  0 added, 1 updated");
    bed_cli(b, "device show CSFrado");
    assert_has(b->out, "description   Desk");
    assert_has(b->out, "enabled       no");
    assert_has(b->out, "line 2: 1011");
}

static void test_import_says_what_a_row_has_of_owner_and_line(void **state)
{
    struct bed *b = *state;
    bed_cli(b, "user add rado");
    bed_cli(b, "line add 1010 --display Old");
    assert_int_equal(ADMIN_EXIT_OK, import(b,
                                           "user,first_name,device,line,line_display\n"
                                           "rado,Rado,CSFa,1010,New\n"
                                           "rado,Rado,CSFb,1010,New\n"
                                           "rado,,CSFc,1010,\n",
                                           ""));
    assert_has(b->out, "3 rows read, all good.");
    assert_has(b->out, "users    0 added, 1 updated");
    assert_has(b->out, "lines    0 added, 1 updated");
    bed_cli(b, "line show 1010");
    assert_has(b->out, "New");
    bed_cli(b, "user show rado");
    assert_has(b->out, "Rado");
    assert_int_equal(ADMIN_EXIT_REFUSED, import(b,
                                                "user,first_name,device,line,line_display\n"
                                                "rado,Rado,CSFa,1010,A\n"
                                                "rado,Rado,CSFb,1010,B\n"
                                                ",Eva,CSFc,1010,A\n"
                                                "rado,,CSFd,1010 1011,A\n"
                                                ",Tom,,,\n",
                                                ""));
    assert_has(b->out, "row 3, line: line 1010 stands in row 2 already with other values");
    assert_has(b->out, "row 4, user: \"first_name\" is said of nobody");
    assert_has(b->out, "row 5, line: \"line_display\" must be said of one line");
    assert_has(b->out, "row 6: it names no user, no device and no line");
    bed_cli(b, "line show 1010");
    assert_has(b->out, "New");
}

static void test_a_bad_row_leaves_nothing_behind(void **state)
{
    struct bed *b = *state;
    bed_cli(b, "line add 1010 --display Old");
    assert_int_equal(ADMIN_EXIT_OK, import(b,
                                           "user,device,line,line_display,profile\n"
                                           "eva,CSFeva,1010,New,no such profile\n"
                                           "tom,much-too-long-a-name,1011,,\n"
                                           "ann,CSFann,1012,,\n",
                                           "--skip-bad"));
    assert_has(b->out, "3 rows read, 2 of them bad.");
    assert_has(b->out, "users    1 added, 0 updated");
    assert_has(b->out, "lines    1 added, 0 updated");
    assert_int_equal(ADMIN_EXIT_NOT_FOUND, bed_cli(b, "user show eva"));
    assert_int_equal(ADMIN_EXIT_NOT_FOUND, bed_cli(b, "user show tom"));
    assert_int_equal(ADMIN_EXIT_NOT_FOUND, bed_cli(b, "line show 1011"));
    bed_cli(b, "line show 1010");
    assert_has(b->out, "Old");
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "device show CSFann"));
}

static void test_import_says_which_devices_have_no_profile(void **state)
{
    struct bed *b = *state;
    static const char csv[] = "device,profile\n\nCSFa,\n,\nCSFb,\n";
    assert_int_equal(ADMIN_EXIT_OK, import(b, csv, ""));
    assert_has(b->out, "2 new devices name no profile (the first in row 3) and so \"Cisco Unified "
                       "Client Services Framework - Standard SIP Non-Secure Profile\"");
    assert_int_equal(ADMIN_EXIT_OK, import(b, csv, "")); /* they have theirs now */
    assert_null(strstr(b->out, "profile"));
}

static void test_short_passwords_are_refused_wherever_they_are_set(void **state)
{
    struct bed *b = *state;
    struct str answer;
    char path[128], line[256];
    bed_put_file(b, "seven c\n", path);
    snprintf(line, sizeof line, "user add rado --password-file %s", path);
    assert_int_equal(ADMIN_EXIT_REFUSED, bed_cli(b, line));
    assert_has(b->err, "password is too short: it has 7 characters and needs at least 8 (parameter "
                       "PasswordLength)");
    snprintf(line, sizeof line, "user add rado --digest-password-file %s", path);
    assert_int_equal(ADMIN_EXIT_REFUSED, bed_cli(b, line));
    assert_int_equal(ADMIN_EXIT_REFUSED,
                     import(b, "user,password\nrado,seven c\neva,eight ch\n", ""));
    assert_has(b->out, "row 2, password: password is too short: it has 7 characters");
    assert_has(b->out, "2 rows read, 1 of them bad.");
    bed_put_file(b, "\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F\xC3\xA4\xC3\xB6\n", path); /* 6, 12 bytes */
    snprintf(line, sizeof line, "user add rado --password-file %s", path);
    assert_int_equal(ADMIN_EXIT_REFUSED, bed_cli(b, line));
    assert_has(b->err, "it has 6 characters");
    assert_int_equal(ADMIN_EXIT_REFUSED, bed_cli(b, "param update PasswordLength 5"));
    assert_has(b->err, "6 to 64");
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "param update PasswordLength 6"));
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, line));
    assert_int_equal(422, bed_ask(b, "PATCH", "users/rado", "{\"password\":\"short\"}", &answer));
    assert_int_equal(200, bed_ask(b, "PATCH", "users/rado", "{\"password\":\"\"}", &answer));
}

static void test_import_refuses_headers_it_does_not_know(void **state)
{
    struct bed *b = *state;
    assert_int_equal(ADMIN_EXIT_REFUSED, import(b, "user,,line\nrado,,1\n", "--skip-bad"));
    assert_string_equal("row 1: column 2 has no name: give it one or leave it out\n"
                        "Nothing was changed. Mend the first row and import the file again.\n",
                        b->out);
    assert_int_equal(ADMIN_EXIT_REFUSED, import(b, "device,device-name\nCSFa,CSFb\n", ""));
    assert_has(b->out, "columns \"device\" and \"device-name\" mean the same");
    assert_int_equal(ADMIN_EXIT_OK, import(b, "user,email\n\n", ""));
    assert_string_equal("The file has no rows behind the first one. Nothing was changed.\n",
                        b->out);
    assert_int_equal(ADMIN_EXIT_REFUSED, import(b, "user,shoe_size\nrado,44\n", ""));
    assert_has(b->out, "there is no column \"shoe_size\"");
    assert_int_equal(ADMIN_EXIT_REFUSED, import(b, "", ""));
    assert_string_equal("the file is empty: its first row must name the columns\n"
                        "Nothing was changed. Mend the first row and import the file again.\n",
                        b->out);
    assert_int_equal(ADMIN_EXIT_REFUSED, import(b, "email,first_name\na,b\n", ""));
    assert_has(b->out, "user, device or line");
}

static void test_ten_thousand_rows_go_in_one_batch(void **state)
{
    struct bed *b = *state;
    struct buf csv;
    int64_t count;
    buf_init(&csv, 4 << 20);
    buf_put_lit(&csv, "user,device,line\n");
    for (int i = 0; i < 10000; i++)
        buf_printf(&csv, "u%05d,CSF%05d,%05d\n", i, i, i);
    assert_int_equal(ADMIN_EXIT_OK, import(b, buf_cstr(&csv), "--dry-run"));
    assert_has(b->out, "devices  10000 to add, 0 to update");
    assert_has(b->out, "This was a dry run");
    assert_rc(RC_OK, store_count(b->store, STORE_DEVICE, &count, &b->why));
    assert_int_equal(0, count);
    assert_int_equal(ADMIN_EXIT_OK, import(b, buf_cstr(&csv), ""));
    assert_rc(RC_OK, store_count(b->store, STORE_DEVICE, &count, &b->why));
    assert_int_equal(10000, count);
    assert_int_equal(ADMIN_EXIT_OK, bed_cli(b, "device list"));
    assert_has(b->out, "CSF09999");
    buf_fini(&csv);
}

/* Each hash takes a salt; whoever gives it sees whether somebody could write meanwhile. */
static struct {
    struct store *store;
    struct random_source real;
    unsigned asked, blocked;
} salts;

static void fill_salt(void *ctx, void *out, size_t n)
{
    struct store_batch *batch = NULL;
    (void)ctx;
    salts.asked++;
    if (store_batch_begin(salts.store, &batch, NULL) == RC_OK)
        store_batch_rollback(batch);
    else
        salts.blocked++;
    random_fill(&salts.real, out, n);
}

static void test_an_import_hashes_while_others_may_write(void **state)
{
    struct bed *b = *state;
    struct str answer;
    salts.store = b->store;
    salts.real = b->random;
    b->admin->random = (struct random_source){.fill = fill_salt};
    static const char csv[] = "user,password\neva,eight ch\nrado,eight ch\ntom,eight ch\n";
    assert_int_equal(200, bed_ask(b, "POST", "import?dry_run=1", csv, &answer));
    assert_has(answer.p, "\"users\":{\"added\":3,");
    assert_int_equal(1, salts.asked); /* no hash, only the key of the maps */
    assert_int_equal(422,
                     bed_ask(b, "POST", "import", "user,password\neva,eight ch\ntom,x\n", &answer));
    assert_int_equal(2, salts.asked);
    assert_int_equal(200, bed_ask(b, "POST", "import", csv, &answer));
    assert_has(answer.p, "\"users\":{\"added\":3,");
    assert_int_equal(6, salts.asked);
    assert_int_equal(0, salts.blocked);
    assert_int_equal(200,
                     bed_ask(b, "PATCH", "users/tom", "{\"roles\":[\"administrator\"]}", &answer));
    assert_int_equal(200, bed_ask_basic(b, "status", "tom:eight ch", &answer));
}

#define T(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_import_names_each_bad_row),
        T(test_import_updates_what_it_names_only),
        T(test_import_says_what_a_row_has_of_owner_and_line),
        T(test_a_bad_row_leaves_nothing_behind),
        T(test_import_says_which_devices_have_no_profile),
        T(test_short_passwords_are_refused_wherever_they_are_set),
        T(test_import_refuses_headers_it_does_not_know),
        T(test_ten_thousand_rows_go_in_one_batch),
        T(test_an_import_hashes_while_others_may_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
