#include "kit/kit.h"

#include "admin/csv.h"
#include "base/buf.h"

/* Records joined: fields by '|', records by ' / ', with the line each begins at; failures by name. */
static void read_all(struct str text, struct buf *out)
{
    struct arena a;
    struct csv csv;
    struct csv_record r;
    const char *why;
    enum rc rc;
    arena_init(&a, NULL, 0, 1 << 20);
    csv_init(&csv, text);
    while ((rc = csv_next(&csv, &a, &r, &why)) != RC_NOT_FOUND && rc != RC_NOMEM) {
        buf_printf(out, "%s%zu:", out->n > 0 ? " / " : "", r.line);
        for (size_t i = 0; rc == RC_OK && i < r.count; i++)
            buf_printf(out, "%s%.*s", i > 0 ? "|" : "", STR_ARG(r.fields[i]));
        if (rc != RC_OK) buf_printf(out, "<%s>", why);
    }
    arena_fini(&a);
}

static const struct {
    const char *in, *out;
} rows[] = {
    {"", ""},
    {"a,b\n1,2\n", "1:a|b / 2:1|2"},
    {"a,b\r\n1,2", "1:a|b / 2:1|2"},
    {"\xEF\xBB\xBF"
     "a;b\n1;2,5\n",
     "1:a|b / 2:1|2,5"},
    {"a\tb\n1\t\n", "1:a|b / 2:1|"},
    {"a,b\n\n,\n1,\n", "1:a|b / 4:1|"},
    {"a,b\n \"x, y\" , \"he said \"\"no\"\"\"\n", "1:a|b / 2:x, y|he said \"no\""},
    {"a,b\n\"two\nlines\",2\n3,4\n", "1:a|b / 2:two\nlines|2 / 4:3|4"},
    {"a\nx\"y\nz\n", "1:a / 2:<a quote stands within an unquoted field> / 3:z"},
    {"a\n\"x\"y\nz\n", "1:a / 2:<text stands behind a closing quote> / 3:z"},
    {"a\n\"x\n", "1:a / 2:<a quote is not closed>"},
};

static void test_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str in = kit_guard(str_from(rows[i].in));
        struct buf b;
        buf_init(&b, 4096);
        read_all(in, &b);
        assert_str(rows[i].out, buf_str(&b));
        buf_fini(&b);
        kit_guard_free(in);
    }
}

static void test_a_nul_and_too_many_fields_are_refused(void **state)
{
    (void)state;
    char many[CSV_FIELD_MAX * 2 + 3];
    struct buf b;
    buf_init(&b, 4096);
    read_all(STR("a,b\0c\nd\n"), &b);
    assert_str("1:<a NUL byte stands in a field> / 2:d", buf_str(&b));
    buf_reset(&b);
    memset(many, ',', sizeof many);
    memcpy(many + sizeof many - 3, "\nz\n", 3);
    read_all(str_of(many, sizeof many), &b);
    assert_str("1:<too many fields> / 2:z", buf_str(&b));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_a_nul_and_too_many_fields_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
