#include "kit/kit.h"

#include "call/gruu.h"

static struct kit_random seed;
static struct random_source source;
static struct call_gruu *gruu;

static int setup(void **state)
{
    (void)state;
    source = kit_random(&seed, 1);
    assert_rc(RC_OK, call_gruu_new(&source, &gruu));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gruu = call_gruu_free(gruu);
    return 0;
}

static struct location_binding binding(const char *instance, const char *call_id, uint64_t id,
                                       uint32_t reg_id)
{
    return (struct location_binding){.line = STR("1010"),
                                     .instance = str_from(instance),
                                     .call_id = str_from(call_id),
                                     .id = id,
                                     .reg_id = reg_id};
}

static const char *temporary(const struct location_binding *b)
{
    static char texts[4][512];
    static unsigned next;
    char *text = texts[next++ % 4];
    struct buf out;
    buf_init_fixed(&out, text, sizeof texts[0] - 1);
    assert_rc(RC_OK, call_gruu_print_temporary(gruu, &source, b, STR("example.com"), &out));
    assert_rc(RC_OK, buf_rc(&out));
    text[out.n] = '\0';
    return text;
}

/* How many of the bindings the URI means; -1: it is none of ours. */
static int pick(const char *text, const struct location_binding *const *b, size_t count)
{
    const struct location_binding *picked[8];
    struct call_gruu_name name;
    struct sip_uri uri;
    struct arena a;
    int n = -1;
    arena_init(&a, NULL, 0, 65536);
    struct str bytes = kit_guard(str_from(text));
    assert_rc(RC_OK, sip_uri_parse(bytes, &uri, NULL));
    assert_true(call_gruu_is(&uri));
    if (call_gruu_read(gruu, &uri, &a, &name) == RC_OK) {
        assert_true(str_eq(name.line, STR("1010")));
        n = (int)call_gruu_pick(gruu, &name, b, count, picked, 8);
    }
    kit_guard_free(bytes);
    arena_fini(&a);
    return n;
}

static void test_a_public_one_is_the_line_and_the_instance(void **state)
{
    (void)state;
    char text[200];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text);
    call_gruu_print_public(&out, STR("*1 0"), STR("example.com"), STR("urn:uuid:a;b=\"c\""));
    assert_true(str_eq(buf_str(&out), STR("sip:*1%200@example.com;gr=urn:uuid:a%3Bb%3D%22c%22")));
    struct location_binding one = binding("urn:uuid:AB", "c", 1, 0),
                            two = binding("urn:uuid:2", "c", 2, 0), three = binding("", "c", 3, 0);
    const struct location_binding *all[] = {&one, &two, &three};
    assert_int_equal(1, pick("sip:1010@example.com;gr=urn:uuid:ab", all, 3));
    assert_int_equal(1, pick("sip:1010@example.com;gr=urn%3Auuid:2", all, 3));
    assert_int_equal(0, pick("sip:1010@example.com;gr=urn:uuid:3", all, 3));
}

static void test_temporary_ones_differ_and_name_their_phone(void **state)
{
    (void)state;
    struct location_binding one = binding("urn:uuid:1", "c", 1, 0),
                            two = binding("urn:uuid:2", "c", 2, 0);
    const struct location_binding *all[] = {&two, &one};
    const char *first = temporary(&one), *second = temporary(&one);
    assert_string_not_equal(first, second);
    assert_null(strstr(first, "1010"));
    assert_int_equal(1, pick(first, all, 2));
    assert_int_equal(1, pick(second, all, 2));
    assert_int_equal(0, pick(first, all, 1));
}

static void test_another_call_id_ends_a_temporary_one(void **state)
{
    (void)state;
    struct location_binding before = binding("urn:uuid:1", "c1", 1, 0),
                            after = binding("urn:uuid:1", "c2", 1, 0),
                            revived = binding("urn:uuid:1", "c1", 2, 0);
    const struct location_binding *was[] = {&before}, *is[] = {&after}, *both[] = {&after, &before},
                                  *again[] = {&revived};
    const char *text = temporary(&before);
    assert_int_equal(1, pick(text, was, 1));
    assert_int_equal(0, pick(text, is, 1));
    assert_int_equal(0, pick(text, both, 2)); /* the newest says */
    assert_int_equal(0, pick(text, again, 1));
}

static void test_flows_of_one_phone_share_it(void **state)
{
    (void)state;
    struct location_binding first = binding("urn:uuid:1", "c1", 1, 1),
                            second = binding("urn:uuid:1", "c2", 2, 2);
    const struct location_binding *both[] = {&second, &first}, *one[] = {&second};
    const char *text = temporary(&first);
    assert_int_equal(2, pick(text, both, 2));
    assert_int_equal(0, pick(text, one, 1));
}

static void test_nobody_else_makes_one(void **state)
{
    (void)state;
    struct location_binding one = binding("urn:uuid:1", "c", 1, 0);
    const struct location_binding *all[] = {&one};
    char text[512];
    strcpy(text, temporary(&one));
    for (char *p = text + strlen("sip:tgruu."); *p != '@'; p++) {
        char was = *p;
        *p = was == 'A' ? 'B' : 'A';
        assert_int_equal(-1, pick(text, all, 1));
        *p = was;
    }
    assert_int_equal(1, pick(text, all, 1));
    assert_int_equal(-1, pick("sip:tgruu.@example.com;gr", all, 1));
    assert_int_equal(-1, pick("sip:tgruu.AAAA@example.com;gr", all, 1));
    assert_int_equal(-1, pick("sip:1010@example.com;gr", all, 1));
    one.line = STR("12345678901234567890123456789012345678901234567890123456789012345");
    struct buf out;
    buf_init_fixed(&out, text, sizeof text);
    assert_rc(RC_TOO_BIG, call_gruu_print_temporary(gruu, &source, &one, STR("h"), &out));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_public_one_is_the_line_and_the_instance),
        T(test_temporary_ones_differ_and_name_their_phone),
        T(test_another_call_id_ends_a_temporary_one),
        T(test_flows_of_one_phone_share_it),
        T(test_nobody_else_makes_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
