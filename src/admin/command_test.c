#include "kit/kit.h"

#include "admin/command.h"
#include "base/buf.h"

static const struct {
    const char *line, *words; /* joined by '|'; "!" refused */
} rows[] = {
    {"", ""},
    {"  \t ", ""},
    {"user add rado", "user|add|rado"},
    {" profile add \"a b\" --oauth yes ", "profile|add|a b|--oauth|yes"},
    {"x 'it is \"so\"' \"it's\"", "x|it is \"so\"|it's"},
    {"a\\ b \"q\\\"q\" 'back\\slash'", "a b|q\"q|back\\slash"},
    {"x \"\" y", "x||y"},
    {"a # comment", "a"},
    {"# comment", ""},
    {"a#b", "a#b"},
    {"ab\"c d\"e", "abc de"},
    {"a 'open", "!"},
    {"a \"open", "!"},
};

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct command_words w;
        struct buf b;
        struct str line = kit_guard(str_from(rows[i].line));
        arena_init(&a, NULL, 0, 1 << 20);
        buf_init(&b, 4096);
        enum rc rc = command_split(line, &a, &w);
        if (rc != RC_OK) buf_put_char(&b, '!');
        for (int k = 0; rc == RC_OK && k < w.count; k++)
            buf_printf(&b, "%s%s", k > 0 ? "|" : "", w.words[k]);
        assert_str(rows[i].words, buf_str(&b));
        buf_fini(&b);
        arena_fini(&a);
        kit_guard_free(line);
    }
}

static void test_joined_words_split_again(void **state)
{
    (void)state;
    char *words[] = {(char[]){"a b"},   (char[]){""},   (char[]){"it's"},
                     (char[]){"q\"\\"}, (char[]){"#x"}, NULL};
    struct arena a;
    struct command_words w;
    struct str line;
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, command_join(5, words, &a, &line));
    assert_rc(RC_OK, command_split(line, &a, &w));
    assert_int_equal(5, w.count);
    for (int i = 0; i < 5; i++)
        assert_string_equal(words[i], w.words[i]);
    arena_fini(&a);
}

static int nothing(struct cli *cli, const struct cli_rest *rest)
{
    (void)cli, (void)rest;
    return 0;
}

static const struct command table[] = {
    {"* add", "", "add", nothing},
    {"device reset", "", "reset", nothing},
    {"show open ports all", "", "all", nothing},
    {"show", "", "shorter", nothing},
    {"utils sipOAuth-mode enable", "", "on", nothing},
    {"utils sip-oauth enable", "", NULL, nothing},
};
enum { TABLE = sizeof table / sizeof *table };

static const struct {
    const char *line;
    int found, used; /* -1: none */
} finds[] = {
    {"user add x", 0, 2},
    {"devices add x", 0, 2},
    {"cert add x", -1, 0},
    {"device reset x", 1, 2},
    {"SHOW Open ports ALL", 2, 4},
    {"show open", 3, 1},
    {"utils sipoauthmode enable", 4, 3},
    {"utils sip-oauth enable", 5, 3},
    {"utils", -1, 0},
    {"nothing", -1, 0},
};

static void test_longest_command_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof finds / sizeof *finds; i++) {
        struct arena a;
        struct command_words w;
        int used;
        arena_init(&a, NULL, 0, 1 << 20);
        assert_rc(RC_OK, command_split(str_from(finds[i].line), &a, &w));
        const struct command *c = command_find(table, TABLE, w.count, w.words, &used);
        assert_int_equal(finds[i].found, c ? (int)(c - table) : -1);
        if (c) assert_int_equal(finds[i].used, used);
        arena_fini(&a);
    }
}

static void add_word(void *ctx, struct str word)
{
    buf_printf(ctx, "%.*s ", STR_ARG(word));
}

static void test_next_words_are_offered_once(void **state)
{
    (void)state;
    char *utils[] = {(char[]){"utils"}, NULL}, *device[] = {(char[]){"device"}, NULL};
    struct buf b;
    buf_init(&b, 4096);
    command_next(table, TABLE, 1, utils, add_word, &b);
    assert_str("sipOAuth-mode ", buf_str(&b));
    buf_reset(&b);
    command_next(table, TABLE, 1, device, add_word, &b);
    assert_str("add reset ", buf_str(&b));
    buf_reset(&b);
    command_next(table, TABLE, 0, utils, add_word, &b);
    assert_non_null(strstr(buf_cstr(&b), "profile "));
    assert_null(strstr(buf_cstr(&b), "cert "));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_joined_words_split_again),
        cmocka_unit_test(test_longest_command_is_found),
        cmocka_unit_test(test_next_words_are_offered_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
