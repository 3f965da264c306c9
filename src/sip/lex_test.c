#include "kit/kit.h"

#include "sip/lex_int.h"

static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

struct class_row {
    const uint8_t *table;
    unsigned mask;
    bool has_alnum;
    const char *others;
};

/* RFC 3261, 25.1, spelled out once more. */
static const struct class_row rows[] = {
    {lex_class, LEX_TOKEN, true, "-.!%*_+`'~"},
    {lex_class, LEX_LWS, false, " \t\r\n"},
    {lex_class, LEX_USER, true, "-_.!~*'()&=+$,;?/#"},
    {lex_class, LEX_PARAM, true, "-_.!~*'()[]/:&+$"},
    {lex_class, LEX_HEADER, true, "-_.!~*'()[]/?:+$=&"},
    {lex_class, LEX_HOST, true, "-._"},
    {lex_class, LEX_TOKEN68, true, "-._~+/"},
    {lex_class2, LEX_PASSWORD, true, "-_.!~*'()&=+$,"},
    {lex_class2, LEX_DIGIT, false, "0123456789"},
    {lex_class2, LEX_HEX, false, "0123456789abcdefABCDEF"},
};

static bool row_has(const struct class_row *r, int c)
{
    if (c == 0) return false;
    return (r->has_alnum && strchr(alnum, c)) || strchr(r->others, c);
}

static void test_tables_hold_the_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int c = 0; c < 256; c++)
            assert_int_equal(row_has(&rows[i], c), (rows[i].table[c] & rows[i].mask) != 0);
    }
    for (int c = 0; c < 256; c++) {
        bool visible = c > 0x20 && c != 0x7f;
        assert_int_equal(visible && !strchr("<>\"", c), (lex_class2[c] & LEX_OPAQUE) != 0);
        assert_int_equal(visible && !strchr(";,\"<>", c), (lex_class[c] & LEX_VALUE) != 0);
    }
}

static void test_find_eol_at_every_offset(void **state)
{
    (void)state;
    char text[70];
    for (size_t n = 0; n < sizeof(text); n++) {
        for (size_t at = 0; at <= n; at++) {
            memset(text, 'x', n);
            if (at < n) text[at] = at % 2 ? '\r' : '\n';
            struct str s = kit_guard(str_of(text, n));
            assert_ptr_equal(s.p + at, lex_find_eol(s.p, s.p + n));
            kit_guard_free(s);
        }
    }
}

static void test_quoted(void **state)
{
    (void)state;
    static const struct {
        const char *in, *content; /* NULL: not one */
    } cases[] = {{"\"a b\"x", "a b"},  {"\"\"", ""},     {"\"a\\\"b\"", "a\\\"b"},
                 {"\"\\\\\"", "\\\\"}, {"\"open", NULL}, {"plain", NULL},
                 {"\"a\\", NULL},      {"\"a\\\"", NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str s = kit_guard(str_from(cases[i].in)), content;
        struct cur c = cur_of(s);
        assert_int_equal(cases[i].content != NULL, lex_quoted(&c, &content));
        if (cases[i].content) assert_str(cases[i].content, content);
        if (!cases[i].content) assert_ptr_equal(s.p, c.p);
        kit_guard_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_hold_the_grammar),
        cmocka_unit_test(test_find_eol_at_every_offset),
        cmocka_unit_test(test_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
