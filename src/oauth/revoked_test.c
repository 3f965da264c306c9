/* oauth/revoked_test.c - what is taken back stays so until no token can be left of it. */
#include "kit/kit.h"

#include "oauth/revoked.h"

#include <stdio.h>

static const int64_t now = 1767225600;
enum { LONGEST_S = 3600 };

static struct oauth_revoked *new_list(size_t capacity)
{
    struct oauth_revoked *r = NULL;
    assert_rc(RC_OK, oauth_revoked_new(capacity, LONGEST_S, &r));
    return r;
}

static struct oauth_claims claims_of(const char *user, const char *gid, int64_t issued)
{
    return (struct oauth_claims){
        .user = str_from(user), .gid = str_from(gid), .issued_unix_s = issued};
}

static bool is(struct oauth_revoked *r, const char *user, const char *gid, int64_t issued,
               int64_t at)
{
    struct oauth_claims c = claims_of(user, gid, issued);
    return oauth_revoked_has(r, &c, at);
}

static void test_a_grant(void **state)
{
    (void)state;
    struct oauth_revoked *r = new_list(10);
    assert_false(is(r, "alice", "g1", now, now));
    oauth_revoked_add_grant(r, STR("g1"), now);
    assert_true(is(r, "alice", "g1", now, now));
    assert_true(is(r, "alice", "g1", now + 5, now + 5)); /* whenever it was issued */
    assert_false(is(r, "alice", "g2", now, now));
    assert_false(is(r, "alice", "G1", now, now));
    assert_false(is(r, "alice", "", now, now));
    assert_true(is(r, "alice", "g1", now, now + LONGEST_S - 1));
    assert_false(is(r, "alice", "g1", now, now + LONGEST_S));
    oauth_revoked_step(r, now + LONGEST_S);
    assert_int_equal(0, oauth_revoked_count(r));
    oauth_revoked_free(r);
}

static void test_a_user_until_a_moment(void **state)
{
    (void)state;
    struct oauth_revoked *r = new_list(10);
    oauth_revoked_add_user(r, STR("Alice"), now);
    assert_true(is(r, "alice", "g", now - 100, now));
    assert_true(is(r, "ALICE", "g", now, now));
    assert_true(is(r, "alice", "g", 0, now)); /* does not say when: counts as old */
    assert_false(is(r, "alice", "g", now + 1, now + 1));
    assert_false(is(r, "bob", "g", now, now));
    oauth_revoked_add_user(r, STR("alice"), now + 10);
    assert_true(is(r, "alice", "g", now + 10, now + 10));
    assert_int_equal(1, oauth_revoked_count(r));
    assert_true(is(r, "alice", "g", now + 10, now + LONGEST_S + 9));
    assert_false(is(r, "alice", "g", now + 10, now + LONGEST_S + 10));
    oauth_revoked_free(r);
}

static void test_empty_names_revoke_nothing(void **state)
{
    (void)state;
    struct oauth_revoked *r = new_list(10);
    oauth_revoked_add_grant(r, STR(""), now);
    oauth_revoked_add_user(r, STR(""), now);
    assert_int_equal(0, oauth_revoked_count(r));
    assert_false(is(r, "alice", "", now, now));
    oauth_revoked_free(r);
}

static void test_a_full_list_gets_stricter(void **state)
{
    (void)state;
    char gid[16];
    struct oauth_revoked *r = new_list(10);
    for (int i = 0; i < 11; i++) {
        snprintf(gid, sizeof gid, "g%d", i);
        oauth_revoked_add_grant(r, str_from(gid), now + i);
    }
    assert_int_equal(10, oauth_revoked_count(r));
    assert_true(is(r, "alice", "g0", now + 50, now + 50));
    assert_true(is(r, "alice", "g10", now + 10, now + 10));
    assert_true(is(r, "bob", "other", now + 10, now + 11)); /* everybody renews once */
    assert_false(is(r, "bob", "other", now + 11, now + 11));
    assert_false(is(r, "bob", "other", now + 10, now + 10 + LONGEST_S));
    oauth_revoked_step(r, now + 10 + LONGEST_S);
    assert_int_equal(0, oauth_revoked_count(r));
    oauth_revoked_free(r);
}

static void test_room_comes_back(void **state)
{
    (void)state;
    struct oauth_revoked *r = new_list(1);
    oauth_revoked_add_grant(r, STR("g1"), now);
    oauth_revoked_add_grant(r, STR("g2"), now + LONGEST_S);
    assert_true(is(r, "a", "g2", now + LONGEST_S, now + LONGEST_S));
    assert_false(is(r, "a", "g3", now, now + LONGEST_S)); /* no floor was needed */
    oauth_revoked_free(r);
}

static void test_longer_tokens_are_remembered_longer(void **state)
{
    (void)state;
    struct oauth_revoked *r = new_list(10);
    oauth_revoked_add_grant(r, STR("g1"), now);
    oauth_revoked_set_longest(r, 2 * LONGEST_S);
    assert_true(is(r, "a", "g1", now, now + 2 * LONGEST_S - 1));
    assert_false(is(r, "a", "g1", now, now + 2 * LONGEST_S));
    oauth_revoked_set_longest(r, LONGEST_S);
    assert_true(is(r, "a", "g1", now, now + 2 * LONGEST_S - 1));
    oauth_revoked_free(r);
}

static void test_bounds(void **state)
{
    (void)state;
    struct oauth_revoked *r = NULL;
    assert_rc(RC_INVALID, oauth_revoked_new(0, 1, &r));
    assert_rc(RC_INVALID, oauth_revoked_new(1, 0, &r));
    assert_null(oauth_revoked_free(NULL));
}

/* Whatever fails, what was revoked is revoked. */
static void revoke(void *ctx)
{
    (void)ctx;
    struct oauth_revoked *r = NULL;
    enum rc rc = oauth_revoked_new(10, LONGEST_S, &r);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    if (!r) return;
    oauth_revoked_add_grant(r, STR("g1"), now);
    oauth_revoked_add_user(r, STR("alice"), now);
    assert_true(is(r, "bob", "g1", now, now));
    assert_true(is(r, "alice", "g2", now, now));
    oauth_revoked_free(r);
}

static void test_out_of_memory_revokes_all_the_same(void **state)
{
    (void)state;
    kit_each_alloc_fails(revoke, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_grant),
        cmocka_unit_test(test_a_user_until_a_moment),
        cmocka_unit_test(test_empty_names_revoke_nothing),
        cmocka_unit_test(test_a_full_list_gets_stricter),
        cmocka_unit_test(test_room_comes_back),
        cmocka_unit_test(test_longer_tokens_are_remembered_longer),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_out_of_memory_revokes_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
