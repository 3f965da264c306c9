/* Sealed texts: known again, and nothing else is. */
#include "kit/kit.h"

#include "edge/seal.h"

#include <stdio.h>

struct world {
    struct kit_random dice;
    struct random_source random;
    struct edge_seal *seal;
    struct arena arena;
    struct buf text;
};

static const uint8_t key[EDGE_SEAL_KEY_LEN] = {1, 2, 3};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->random = kit_random(&w->dice, 9);
    arena_init(&w->arena, NULL, 0, 1 << 20);
    buf_init(&w->text, 1 << 16);
    *state = w;
    return edge_seal_new(bytes_of(key, sizeof key), &w->random, &w->seal) == RC_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    edge_seal_free(w->seal);
    arena_fini(&w->arena);
    buf_fini(&w->text);
    free(w);
    return 0;
}

static enum rc open_text(struct world *w, enum edge_seal_purpose purpose, struct str text,
                         struct str *plain)
{
    struct str guarded = kit_guard(text);
    enum rc rc = edge_seal_open(w->seal, purpose, guarded, &w->arena, plain);
    kit_guard_free(guarded);
    return rc;
}

static void test_what_was_sealed_is_opened_for_its_purpose_alone(void **state)
{
    struct world *w = *state;
    static char longest[EDGE_SEAL_PLAIN_MAX];
    memset(longest, 'v', sizeof longest);
    const struct str plains[] = {STR("sip:ucm1.example.com:5091;transport=tls"), STR(""),
                                 str_of(longest, sizeof longest)};
    for (size_t i = 0; i < 3; i++) {
        struct str plain;
        buf_reset(&w->text);
        edge_seal_print(w->seal, EDGE_SEAL_NAME, plains[i], &w->text);
        assert_rc(RC_OK, buf_rc(&w->text));
        assert_true(w->text.n <= EDGE_SEAL_TEXT_MAX);
        assert_rc(RC_OK, open_text(w, EDGE_SEAL_NAME, buf_str(&w->text), &plain));
        assert_true(str_eq(plain, plains[i]));
        assert_rc(RC_DENIED, open_text(w, EDGE_SEAL_FLOW, buf_str(&w->text), &plain));
    }
    buf_reset(&w->text);
    edge_seal_print(w->seal, EDGE_SEAL_NAME, str_of(longest, sizeof longest + 1 - 1), &w->text);
    struct str too_long = {longest, EDGE_SEAL_PLAIN_MAX + 1};
    edge_seal_print(w->seal, EDGE_SEAL_NAME, too_long, &w->text);
    assert_rc(RC_TOO_BIG, buf_rc(&w->text));
}

static void test_nothing_changed_cut_or_made_elsewhere_opens(void **state)
{
    struct world *w = *state;
    static const uint8_t other_key[EDGE_SEAL_KEY_LEN] = {9};
    struct edge_seal *other;
    struct str plain;
    char text[256];
    edge_seal_print(w->seal, EDGE_SEAL_FLOW, STR("0102030405060708"), &w->text);
    size_t n = w->text.n;
    for (size_t i = 0; i < n; i++) {
        memcpy(text, w->text.p, n);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_rc(RC_DENIED, open_text(w, EDGE_SEAL_FLOW, str_of(text, n), &plain));
        assert_rc(RC_DENIED, open_text(w, EDGE_SEAL_FLOW, str_of(w->text.p, i), &plain));
    }
    assert_rc(RC_DENIED, open_text(w, EDGE_SEAL_FLOW, STR("sip:x@y;\xff"), &plain));
    assert_rc(RC_OK, edge_seal_new(bytes_of(other_key, sizeof other_key), &w->random, &other));
    assert_rc(RC_DENIED,
              edge_seal_open(other, EDGE_SEAL_FLOW, buf_str(&w->text), &w->arena, &plain));
    edge_seal_free(other);
}

static void test_the_same_text_never_looks_the_same_twice(void **state)
{
    struct world *w = *state;
    edge_seal_print(w->seal, EDGE_SEAL_FLOW, STR("flow"), &w->text);
    size_t n = w->text.n;
    edge_seal_print(w->seal, EDGE_SEAL_FLOW, STR("flow"), &w->text);
    assert_false(str_eq(str_of(w->text.p, n), str_of(w->text.p + n, n)));
}

static void test_a_key_has_its_length(void **state)
{
    struct world *w = *state;
    struct edge_seal *s = NULL;
    assert_rc(RC_INVALID, edge_seal_new(bytes_of(key, 16), &w->random, &s));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_what_was_sealed_is_opened_for_its_purpose_alone),
        T(test_nothing_changed_cut_or_made_elsewhere_opens),
        T(test_the_same_text_never_looks_the_same_twice),
        T(test_a_key_has_its_length),
    };
    return cmocka_run_group_tests_name("edge/seal", tests, NULL, NULL);
}
