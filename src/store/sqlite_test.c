#include "kit/kit.h"

#include "store/contract.h"
#include "store/params.h"
#include "store/records.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64], folder[96];
static struct kit_time now;
static struct kit_random dice;
static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};

static struct store_config config(void)
{
    /* another seed each time: pkids of two openings must differ */
    static uint64_t seed = 1;
    return (struct store_config){.folder = folder,
                                 .clock = kit_clock(&now),
                                 .random = kit_random(&dice, seed++),
                                 .create_folder = true};
}

static void path_of(char *out, size_t cap, const char *name)
{
    assert_true((size_t)snprintf(out, cap, "%s/%s", folder, name) < cap);
}

static void wipe(void *ctx)
{
    static const char *const files[] = {"bearline.db", "bearline.db-wal", "bearline.db-shm",
                                        "bearline.db-journal", "lock"};
    char path[160];
    (void)ctx;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        path_of(path, sizeof path, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

static enum rc open_here(void *ctx, struct store **out, struct store_why *why)
{
    struct store_config c = config();
    (void)ctx;
    return store_open(&c, out, why);
}

static enum rc open_error(struct store_config c, struct store_why *why)
{
    struct store *s = NULL;
    enum rc rc = store_open(&c, &s, why);
    store_close(s);
    return rc;
}

static int fresh(void **state)
{
    (void)state;
    wipe(NULL);
    return 0;
}

/* --- the folder --- */

static void test_missing_folder_is_said(void **state)
{
    struct store_config c = config();
    struct store_why why;
    (void)state;
    c.create_folder = false;
    assert_rc(RC_NOT_FOUND, open_error(c, &why));
    assert_non_null(strstr(why.text, "does not exist"));
    c.create_folder = true;
    c.folder = "/nonexistent/parent/data";
    assert_rc(RC_NOT_FOUND, open_error(c, &why));
}

static void test_folder_and_files_are_private(void **state)
{
    static const char *const files[] = {"bearline.db", "bearline.db-wal", "lock"};
    struct stat st;
    struct store *s;
    (void)state;
    mkdir(folder, 0755);
    assert_rc(RC_OK, open_here(NULL, &s, NULL));
    assert_int_equal(0, stat(folder, &st));
    assert_int_equal(0700, st.st_mode & 0777);
    for (size_t i = 0; i < 3; i++) {
        char path[160];
        path_of(path, sizeof path, files[i]);
        assert_int_equal(0, stat(path, &st));
        assert_int_equal(0600, st.st_mode & 0777);
    }
    store_close(s);
}

static void test_second_daemon_is_refused(void **state)
{
    struct store *s;
    struct store_why why;
    (void)state;
    assert_rc(RC_OK, open_here(NULL, &s, NULL));
    assert_rc(RC_BUSY, open_error(config(), &why));
    assert_non_null(strstr(why.text, "another bearlined"));
    store_close(s);
    assert_rc(RC_OK, open_error(config(), &why));
}

/* Root may write anywhere, so a child gives its rights up first. */
static void test_read_only_folder_is_said(void **state)
{
    (void)state;
    assert_int_equal(0, mkdir(folder, 0700));
    assert_int_equal(0, chmod(root, 0755));
    if (geteuid() == 0) assert_int_equal(0, chown(folder, 65534, 65534));
    assert_int_equal(0, chmod(folder, 0500));
    pid_t pid = fork();
    if (pid == 0) {
        struct store_why why = {""};
        if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
        enum rc rc = open_error(config(), &why);
        _exit(rc == RC_DENIED && strstr(why.text, "no right to write") ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(0, WEXITSTATUS(status));
    chmod(folder, 0700);
}

static void write_file(const char *name, const char *data, size_t n, off_t at)
{
    char path[160];
    path_of(path, sizeof path, name);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(n, pwrite(fd, data, n, at));
    close(fd);
}

static void test_foreign_file_is_refused_untouched(void **state)
{
    struct store_why why;
    char junk[4096];
    (void)state;
    memset(junk, 'j', sizeof junk);
    mkdir(folder, 0700);
    write_file("bearline.db", junk, sizeof junk, 0);
    assert_rc(RC_INVALID, open_error(config(), &why));
    assert_non_null(strstr(why.text, "not a database of ours"));
}

static void test_other_programs_database_is_refused(void **state)
{
    char command[256];
    struct store_why why;
    (void)state;
    mkdir(folder, 0700);
    snprintf(command, sizeof command, "sqlite3 %s/bearline.db 'CREATE TABLE t (x)'", folder);
    if (system(command) != 0) skip();
    assert_rc(RC_INVALID, open_error(config(), &why));
    assert_non_null(strstr(why.text, "another program"));
}

static void test_newer_schema_is_refused(void **state)
{
    char command[256];
    struct store_why why;
    (void)state;
    assert_rc(RC_OK, open_error(config(), &why));
    snprintf(command, sizeof command,
             "sqlite3 %s/bearline.db 'INSERT INTO schema_version VALUES (999, 0)'", folder);
    if (system(command) != 0) skip();
    assert_rc(RC_UNSUPPORTED, open_error(config(), &why));
    assert_non_null(strstr(why.text, "newer version"));
}

static void test_damaged_file_is_said(void **state)
{
    struct store_why why;
    char junk[8192];
    struct store *s = NULL;
    (void)state;
    assert_rc(RC_OK, open_error(config(), &why));
    memset(junk, 0xa5, sizeof junk);
    write_file("bearline.db", junk, sizeof junk, 4096); /* inner pages: the header is still ours */
    struct store_config c = config();
    enum rc rc = store_open(&c, &s, &why);
    if (rc == RC_OK) rc = store_check(s, &why);
    assert_rc(RC_MALFORMED, rc);
    assert_non_null(strstr(why.text, "damaged"));
    store_close(s);
}

static void test_full_disk_loses_nothing(void **state)
{
    struct store_config c = config();
    struct store *s;
    struct store_why why;
    struct arena a;
    int64_t n, stored = 0;
    enum rc rc = RC_OK;
    char id[32];
    (void)state;
    c.max_pages = 110;
    assert_rc(RC_OK, store_open(&c, &s, &why));
    for (int i = 0; i < 5000 && rc == RC_OK; i++) {
        snprintf(id, sizeof id, "u%d", i);
        struct store_user u = {.id = str_from(id),
                               .active = true,
                               .display_name = STR("somebody with a rather long name")};
        rc = store_user_put(s, &admin, STORE_ADD, &u, &why);
        if (rc == RC_OK) stored++;
    }
    assert_rc(RC_IO, rc);
    assert_non_null(strstr(why.text, "disk is full"));
    assert_true(stored > 5);
    struct store_disk disk;
    store_disk(s, &disk);
    assert_true(disk.is_full);
    assert_int_equal(1, disk.refused);
    store_disk_look(s); /* the file system has space, only the database has not */
    store_disk(s, &disk);
    assert_false(disk.is_full);
    /* a batch meets the same wall */
    struct store_by by = admin;
    assert_rc(RC_OK, store_batch_begin(s, &by.batch, &why));
    rc = RC_OK;
    for (int i = 0; i < 500; i++) {
        snprintf(id, sizeof id, "b%d", i);
        struct store_user u = {.id = str_from(id),
                               .display_name = STR("somebody with a rather long name")};
        enum rc one = store_user_put(s, &by, STORE_ADD, &u, &why);
        if (one != RC_OK) rc = one;
    }
    assert_rc(RC_IO, rc);
    store_batch_rollback(by.batch);
    store_disk(s, &disk);
    assert_true(disk.is_full);
    assert_int_equal(2, disk.refused);
    store_close(s);
    c.max_pages = 0;
    assert_rc(RC_OK, store_open(&c, &s, &why));
    assert_rc(RC_OK, store_check(s, &why));
    assert_rc(RC_OK, store_count(s, STORE_USER, &n, &why));
    assert_int_equal(stored, n);
    arena_init(&a, NULL, 0, 1 << 20);
    struct store_user u = {.id = STR("space-again")};
    assert_rc(RC_OK, store_user_put(s, &admin, STORE_ADD, &u, &why));
    store_disk(s, &disk);
    assert_false(disk.is_full);
    arena_fini(&a);
    store_close(s);
}

/* --- run sql --- */

struct query {
    struct store *s;
    struct arena a;
    struct store_table t;
    struct store_why why;
};

static int query_setup(void **state)
{
    struct query *q = calloc(1, sizeof *q);
    wipe(NULL);
    arena_init(&q->a, NULL, 0, 64 << 20);
    if (open_here(NULL, &q->s, &q->why) != RC_OK) return -1;
    struct store_user u = {.id = STR("rado"),
                           .password = STR("SECRET"),
                           .digest_md5 = STR("0123456789abcdef0123456789abcdef"),
                           .digest_realm = STR("x"),
                           .active = true};
    struct store_edge e = {.pkid = STR("d5fd15d5-b049-c5b5-0197-bd11a5641640"),
                           .host_or_ip = STR("exp-c"),
                           .description = STR("this is added through axl"),
                           .x509_names = STR("domain-2.com,exp-c.domain-1.com")};
    assert_rc(RC_OK, store_user_put(q->s, &admin, STORE_ADD, &u, &q->why));
    assert_rc(RC_OK, store_edge_put(q->s, &admin, STORE_ADD, &e, &q->why));
    assert_rc(RC_OK,
              store_param_put(q->s, &admin, STR("ClusterSIPOAuthMode"), STR("1"), 0, &q->why));
    *state = q;
    return 0;
}

static int query_teardown(void **state)
{
    struct query *q = *state;
    store_close(q->s);
    arena_fini(&q->a);
    free(q);
    return 0;
}

static enum rc run(struct query *q, const char *sql)
{
    return store_query_readonly(q->s, str_from(sql), &q->a, &q->t, &q->why);
}

static void test_query_answers_like_the_reference(void **state)
{
    struct query *q = *state;
    assert_rc(
        RC_OK,
        run(q, "select paramvalue FROM processconfig WHERE paramname = 'ClusterSIPOAuthMode'"));
    assert_int_equal(1, q->t.row_count);
    assert_str("paramvalue", q->t.columns[0]);
    assert_str("1", q->t.cells[0]);
    assert_rc(RC_OK, run(q, "select * from ExpresswayCConfiguration ;"));
    assert_int_equal(4, q->t.column_count);
    assert_str("pkid", q->t.columns[0]);
    assert_str("x509subjectnameoraltname", q->t.columns[3]);
    assert_str("domain-2.com,exp-c.domain-1.com", q->t.cells[3]);
    assert_rc(RC_OK, run(q, "SELECT dbinfo('utc_to_datetime', 1502620052) AS t"));
    assert_str("2017-08-13 10:27:32", q->t.cells[0]);
    static const char *const fine[] = {
        "select count(*) from enduser",
        "select d.name, e.userid from device d left join enduser e on e.pkid = d.fkenduser",
        "select userid from enduser where lower(userid) like 'ra%' order by 1 limit 5",
        "select * from securityprofile",
        "select * from numplan",
        "select * from devicenumplanmap",
        "select * from enduserdevicemap",
        "select * from callmanager",
        "select * from processnode",
        "select pkid, dbinfo('utc_to_datetime',validity) from refreshtokendetails",
        "select name from typemodel where enum = 503",
        "select * from typedevicesecuritymode",
        "select * from device",
        "select tkmodel, count(*) from device group by tkmodel having count(*) > 1"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        enum rc rc = run(q, fine[i]);
        if (rc != RC_OK) print_message("%s: %s\n", fine[i], q->why.text);
        assert_rc(RC_OK, rc);
    }
}

static void test_query_reaches_no_secret_and_changes_nothing(void **state)
{
    struct query *q = *state;
    static const char *const bad[] = {
        "select password from cfg_user",
        "select * from cfg_user",
        "select id from cfg_user",
        "with enduser as (select password from cfg_user) select * from enduser",
        "with enduser as (select password as p from cfg_user) select p from enduser",
        "select * from (select password from cfg_user) as enduser",
        "select (select password from cfg_user) from enduser",
        "select * from enduser where exists (select 1 from cfg_user where password like 'S%')",
        "select secret_text from cfg_key",
        "select key_pem from cfg_cert",
        "select hash from tok_refresh",
        "select name, sql from sqlite_master",
        "select * from sqlite_schema",
        "pragma table_info(cfg_user)",
        "select * from pragma_table_info('cfg_user')",
        "delete from enduser",
        "update processconfig set paramvalue = 0",
        "insert into cfg_param values ('x','y',1)",
        "drop table cfg_user",
        "create table t (x)",
        "create temp table t (x)",
        "attach '/tmp/x.db' as x",
        "vacuum into '/tmp/x.db'",
        "begin",
        "select load_extension('x')",
        "select readfile('/etc/passwd')",
        "select randomblob(100000000)",
        "select 1; select 2",
        "select 1; drop table cfg_user",
        "explain select * from enduser",
        "select * from enduser where userid = ?",
        "select zeroblob(2000000)",
        "with recursive c(x) as (select 1 union all select x+1 from c) select count(*) from c",
        "",
        "  ;",
        "-- x",
        "selec 1",
        "select * from nosuchtable",
        "select nosuch from enduser"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        q->why.text[0] = 0;
        enum rc rc = run(q, bad[i]);
        if (rc == RC_OK) print_message("got through: %s\n", bad[i]);
        assert_true(rc == RC_DENIED || rc == RC_MALFORMED || rc == RC_TOO_BIG);
        assert_true(q->why.text[0] != 0);
    }
    assert_rc(RC_MALFORMED,
              store_query_readonly(q->s, STR("select '\xff'"), &q->a, &q->t, &q->why));
    assert_rc(RC_MALFORMED, store_query_readonly(q->s, STR("select 1\0"), &q->a, &q->t, &q->why));
    static char big[STORE_SQL_MAX + 1];
    memset(big, ' ', sizeof big);
    assert_rc(RC_TOO_BIG,
              store_query_readonly(q->s, str_of(big, sizeof big), &q->a, &q->t, &q->why));
}

/* Each look at the clock takes a second of its time. */
static int64_t hasty_mono(void *ctx)
{
    struct kit_time *t = ctx;
    return t->mono_ms += 1000;
}

static void test_query_is_stopped_and_cut(void **state)
{
    struct query *q = *state;
    const char *many = "select a.paramname from processconfig a, processconfig b, processconfig c";
    assert_rc(RC_OK, run(q, many));
    assert_true(q->t.truncated);
    assert_int_equal(STORE_SQL_ROWS_MAX, q->t.row_count);
    store_close(q->s);
    struct store_config c = config();
    c.clock.mono_ms = hasty_mono;
    assert_rc(RC_OK, store_open(&c, &q->s, &q->why));
    assert_rc(RC_TIMEOUT, run(q, "select count(*) from processconfig a, processconfig b, "
                                 "processconfig c, processconfig d, "
                                 "processconfig e, processconfig f, processconfig g"));
    assert_rc(RC_OK, run(q, "select 1"));
}

int main(void)
{
    const struct store_backend sqlite = {
        .name = "store/sqlite contract", .open = open_here, .wipe = wipe};
    const struct CMUnitTest own[] = {
        cmocka_unit_test_setup(test_missing_folder_is_said, fresh),
        cmocka_unit_test_setup(test_folder_and_files_are_private, fresh),
        cmocka_unit_test_setup(test_second_daemon_is_refused, fresh),
        cmocka_unit_test_setup(test_read_only_folder_is_said, fresh),
        cmocka_unit_test_setup(test_foreign_file_is_refused_untouched, fresh),
        cmocka_unit_test_setup(test_other_programs_database_is_refused, fresh),
        cmocka_unit_test_setup(test_newer_schema_is_refused, fresh),
        cmocka_unit_test_setup(test_damaged_file_is_said, fresh),
        cmocka_unit_test_setup(test_full_disk_loses_nothing, fresh),
        cmocka_unit_test_setup_teardown(test_query_answers_like_the_reference, query_setup,
                                        query_teardown),
        cmocka_unit_test_setup_teardown(test_query_reaches_no_secret_and_changes_nothing,
                                        query_setup, query_teardown),
        cmocka_unit_test_setup_teardown(test_query_is_stopped_and_cut, query_setup, query_teardown),
    };
    snprintf(root, sizeof root, "/tmp/bearline-store-XXXXXX");
    if (!mkdtemp(root)) return 1;
    snprintf(folder, sizeof folder, "%s/data", root);
    int failed = cmocka_run_group_tests_name("store/sqlite", own, NULL, NULL);
    failed += store_contract_run(&sqlite);
    failed += store_calls_contract_run(&sqlite);
    failed += store_remote_contract_run(&sqlite);
    wipe(NULL);
    rmdir(root);
    return failed ? 1 : 0;
}
