/* base/form_test.c */
#include "kit/kit.h"

#include "base/form.h"

#include <stdio.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* "name>value;" for each pair, or the word of the failure. */
static void describe(struct str in, char *out, size_t cap)
{
    struct arena a;
    struct form f;
    struct str guarded = kit_guard(in);
    size_t n = 0;
    arena_init(&a, NULL, 0, 65536);
    enum rc rc = form_parse(guarded, &a, &f);
    *out = '\0';
    if (rc != RC_OK) snprintf(out, cap, "%s", rc_name(rc));
    for (size_t i = 0; rc == RC_OK && i < f.count; i++)
        n += (size_t)snprintf(out + n, cap - n, "%.*s>%.*s;", STR_ARG(f.pairs[i].name),
                              STR_ARG(f.pairs[i].value));
    arena_fini(&a);
    kit_guard_free(guarded);
}

static void test_parsing(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *out;
    } rows[] = {
        {STR_INIT(""), ""},
        {STR_INIT("a=1"), "a>1;"},
        {STR_INIT("a=1&b=2"), "a>1;b>2;"},
        {STR_INIT("&&a=1&&"), "a>1;"},
        {STR_INIT("a"), "a>;"},
        {STR_INIT("a="), "a>;"},
        {STR_INIT("=v"), ">v;"},
        {STR_INIT("="), ">;"},
        {STR_INIT("a=b=c"), "a>b=c;"},
        {STR_INIT("a+b=c+d"), "a b>c d;"},
        {STR_INIT("a%20b=%26%3D%2B"), "a b>&=+;"},
        {STR_INIT("u=%C3%bc"), "u>\xC3\xBC;"},
        {STR_INIT("a=%"), "malformed"},
        {STR_INIT("a=%4"), "malformed"},
        {STR_INIT("a=%4&b=1"), "malformed"},
        {STR_INIT("a=%4g"), "malformed"},
        {STR_INIT("a=%+4"), "malformed"},
        {STR_INIT("%zz=1"), "malformed"},
        {STR_INIT("a=x%00y"), "malformed"},
        {STR_INIT("a=x\0y"), "malformed"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char out[128];
        describe(rows[i].in, out, sizeof out);
        assert_string_equal(rows[i].out, out);
    }
}

static void test_number_of_pairs_is_bounded(void **state)
{
    (void)state;
    char in[4 * FORM_PAIR_MAX + 8] = "", out[8 * FORM_PAIR_MAX];
    for (int i = 0; i < FORM_PAIR_MAX; i++)
        strcat(in, "a=1&");
    describe(str_from(in), out, sizeof out);
    assert_int_equal(4 * FORM_PAIR_MAX, strlen(out));
    strcat(in, "b");
    describe(str_from(in), out, sizeof out);
    assert_string_equal("too big", out);
}

static void test_getting(void **state)
{
    (void)state;
    struct arena a;
    struct form f;
    struct str v = STR("untouched");
    arena_init(&a, NULL, 0, 0);
    assert_rc(RC_OK, form_parse(STR("one=1&two=2&two=2&empty="), &a, &f));
    assert_rc(RC_OK, form_get(&f, STR("one"), &v));
    assert_str("1", v);
    assert_rc(RC_INVALID, form_get(&f, STR("two"), &v));
    assert_rc(RC_NOT_FOUND, form_get(&f, STR("One"), &v));
    assert_str("1", v);
    assert_rc(RC_OK, form_get(&f, STR("empty"), &v));
    assert_str("", v);
    assert_str("1", form_find(&f, STR("one")));
    assert_str("", form_find(&f, STR("two")));
    assert_str("", form_find(&f, STR("three")));
    arena_fini(&a);
}

static void test_printing(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    form_print_pair(&b, STR("a b"), STR("x&y=z"));
    form_print_pair(&b, STR("c"), STR("-._~AZaz09"));
    form_print_pair(&b, STR("d"), STR("\xC3\xBC+/%"));
    assert_string_equal("a%20b=x%26y%3Dz&c=-._~AZaz09&d=%C3%BC%2B%2F%25", buf_cstr(&b));
    buf_reset(&b);
    buf_put_lit(&b, "https://as/cb?");
    form_print_pair(&b, STR("code"), STR("1"));
    form_print_pair(&b, STR("state"), STR("2"));
    assert_string_equal("https://as/cb?code=1&state=2", buf_cstr(&b));
    buf_fini(&b);
}

static void test_plus_means_space_in_forms_only(void **state)
{
    (void)state;
    struct arena a;
    struct str out;
    arena_init(&a, NULL, 0, 4096);
    assert_rc(RC_OK, percent_decode(STR("a+b%2Bc"), false, &a, &out));
    assert_str("a+b+c", out);
    assert_rc(RC_OK, percent_decode(STR("a+b%2Bc"), true, &a, &out));
    assert_str("a b+c", out);
    arena_fini(&a);
}

static void test_uncoded_text_needs_no_memory(void **state)
{
    (void)state;
    struct arena a;
    struct str in = STR("plain"), out;
    arena_init(&a, NULL, 0, 0);
    assert_rc(RC_OK, percent_decode(in, true, &a, &out));
    assert_ptr_equal(in.p, out.p);
    assert_rc(RC_NOMEM, percent_decode(STR("%20"), true, &a, &out));
    arena_fini(&a);
}

/* Every byte, printed and parsed, is the same again. */
static void test_round_trip(void **state)
{
    (void)state;
    char all[255];
    struct buf b;
    struct arena a;
    struct form f;
    for (int i = 0; i < 255; i++)
        all[i] = (char)(i + 1);
    buf_init(&b, 4096);
    arena_init(&a, NULL, 0, 4096);
    form_print_pair(&b, str_of(all, 255), str_of(all, 255));
    assert_rc(RC_OK, form_parse(buf_str(&b), &a, &f));
    assert_int_equal(1, f.count);
    assert_true(str_eq(str_of(all, 255), f.pairs[0].name));
    assert_true(str_eq(str_of(all, 255), f.pairs[0].value));
    arena_fini(&a);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parsing),
        cmocka_unit_test(test_number_of_pairs_is_bounded),
        cmocka_unit_test(test_getting),
        cmocka_unit_test(test_printing),
        cmocka_unit_test(test_plus_means_space_in_forms_only),
        cmocka_unit_test(test_uncoded_text_needs_no_memory),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
