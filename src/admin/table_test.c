#include "kit/kit.h"

#include "admin/table.h"

static void test_sql_answer_of_the_mode_reads_as_in_the_source(void **state)
{
    (void)state;
    struct buf b;
    const struct str column = STR("paramvalue"), cell = STR("1");
    buf_init(&b, 4096);
    table_print_sql(&b, &column, 1, &cell, 1);
    assert_str("paramvalue\n=====\n1\n", buf_str(&b));
    buf_fini(&b);
}

static void test_sql_answer_of_edges_reads_as_in_the_source(void **state)
{
    (void)state;
    static const struct str columns[] = {STR_INIT("pkid"), STR_INIT("hostnameorip"),
                                         STR_INIT("description"),
                                         STR_INIT("x509subjectnameoraltname")};
    static const struct str cells[] = {
        STR_INIT("d5fd15d5-b049-c5b5-0197-bd11a5641640"), STR_INIT("exp-c"),
        STR_INIT("this is added through axl "),
        STR_INIT("domain-2.com,secure-phone-profile,domain-1.com,exp-c.domain-1.com")};
    struct buf b;
    buf_init(&b, 4096);
    table_print_sql(&b, columns, 4, cells, 1);
    assert_str("pkid                                 hostnameorip description                "
               "x509subjectnameoraltname\n=====\n"
               "d5fd15d5-b049-c5b5-0197-bd11a5641640 exp-c        this is added through axl  "
               "domain-2.com,secure-phone-profile,domain-1.com,exp-c.domain-1.com\n",
               buf_str(&b));
    buf_fini(&b);
}

static void test_nothing_moves_the_cursor(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    table_put_safe(&b, STR("a\x1b[2J\x7f\xc2\x9b\xc3\xa9\tb\nc"));
    assert_str("a?[2J??\xc3\xa9?b c", buf_str(&b));
    buf_fini(&b);
}

static void test_letters_of_several_bytes_take_one_column(void **state)
{
    (void)state;
    static const struct str columns[] = {STR_INIT("name"), STR_INIT("x")};
    static const struct str cells[] = {STR_INIT("\xc5\xa0imun"), STR_INIT("1"), STR_INIT("abcdef"),
                                       STR_INIT("2")};
    struct table t = {columns, 2, cells, 2, "", 2};
    struct buf b;
    buf_init(&b, 4096);
    table_print(&b, &t);
    assert_str("name    x\n\xc5\xa0imun   1\nabcdef  2\n", buf_str(&b));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sql_answer_of_the_mode_reads_as_in_the_source),
        cmocka_unit_test(test_sql_answer_of_edges_reads_as_in_the_source),
        cmocka_unit_test(test_nothing_moves_the_cursor),
        cmocka_unit_test(test_letters_of_several_bytes_take_one_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
