#include "kit/kit.h"

#include "call/linepolicy.h"

/* A question whose every answer is favourable for that listener. */
static struct call_question fine(enum call_listener listener)
{
    bool oauth = listener == CALL_OAUTH || listener == CALL_MRA;
    return (struct call_question){
        .listener = listener,
        .mode_enabled = true,
        .device_known = true,
        .device_enabled = true,
        .profile_known = true,
        .profile_oauth = oauth,
        .security = listener == CALL_LINE ? CALL_NON_SECURE : CALL_ENCRYPTED,
        .bearer = CALL_PROOF_GOOD,
        .digest = CALL_PROOF_NONE,
        .user_active = true,
        .user_owns = true,
        .cert_names_device = true,
    };
}

static void expect(const struct call_question *q, enum call_action action, enum call_why why)
{
    struct call_verdict v = call_linepolicy_decide(q);
    assert_string_equal(call_why_name(why), call_why_name(v.why));
    assert_int_equal(action, v.action);
}

static void test_everything_fine_is_accepted_on_every_listener(void **state)
{
    (void)state;
    for (int l = 0; l < CALL_LISTENER_COUNT; l++) {
        struct call_question q = fine((enum call_listener)l);
        expect(&q, CALL_ACCEPT, CALL_WHY_FINE);
    }
}

static void test_oauth_lines(void **state)
{
    (void)state;
    enum call_listener lines[] = {CALL_OAUTH, CALL_MRA};
    for (size_t i = 0; i < 2; i++) {
        struct call_question q = fine(lines[i]);
        q.bearer = CALL_PROOF_NONE;
        expect(&q, CALL_CHALLENGE_BEARER, CALL_WHY_NO_TOKEN);
        q.bearer = CALL_PROOF_BAD;
        expect(&q, CALL_CHALLENGE_BEARER, CALL_WHY_BAD_TOKEN);

        q = fine(lines[i]);
        q.profile_oauth = false;
        expect(&q, CALL_REFUSE_MISMATCH, CALL_WHY_PROFILE_NO_OAUTH);
        q = fine(lines[i]);
        q.user_owns = false;
        expect(&q, CALL_REFUSE_OWNER, CALL_WHY_NOT_OWNER);
        q = fine(lines[i]);
        q.user_active = false;
        expect(&q, CALL_REFUSE, CALL_WHY_USER_UNKNOWN);
        q = fine(lines[i]);
        q.device_enabled = false;
        expect(&q, CALL_REFUSE, CALL_WHY_DEVICE_DISABLED);
        q = fine(lines[i]);
        q.profile_known = q.profile_oauth = false;
        expect(&q, CALL_REFUSE, CALL_WHY_NO_PROFILE);
        q = fine(lines[i]);
        q.device_known = q.device_enabled = q.profile_known = q.profile_oauth = false;
        expect(&q, CALL_REFUSE_UNKNOWN, CALL_WHY_UNKNOWN_DEVICE);
    }
}

static void test_mode_off_is_told_to_everyone(void **state)
{
    (void)state;
    struct call_question q = fine(CALL_OAUTH);
    q.mode_enabled = false;
    expect(&q, CALL_REFUSE_MISMATCH, CALL_WHY_MODE_OFF);
    q.bearer = CALL_PROOF_NONE;
    expect(&q, CALL_REFUSE_MISMATCH, CALL_WHY_MODE_OFF);
    q.device_known = false;
    expect(&q, CALL_REFUSE_MISMATCH, CALL_WHY_MODE_OFF);
}

/* What a stranger is answered may not depend on anything but the listener and the mode. */
static void test_a_stranger_learns_nothing_of_devices_on_oauth_lines(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 128; bits++) {
        struct call_question q = {
            .listener = CALL_OAUTH,
            .mode_enabled = true,
            .device_known = bits & 1,
            .device_enabled = bits & 2,
            .profile_known = bits & 4,
            .profile_oauth = bits & 8,
            .profile_digest = bits & 16,
            .security = bits & 32 ? CALL_ENCRYPTED : CALL_NON_SECURE,
            .bearer = bits & 64 ? CALL_PROOF_BAD : CALL_PROOF_NONE,
        };
        struct call_verdict v = call_linepolicy_decide(&q);
        assert_int_equal(CALL_CHALLENGE_BEARER, v.action);
    }
}

static void test_oauth_devices_are_sent_away_from_legacy_lines(void **state)
{
    (void)state;
    enum call_listener lines[] = {CALL_LINE, CALL_SECURE};
    for (size_t i = 0; i < 2; i++) {
        struct call_question q = fine(lines[i]);
        q.profile_oauth = true;
        q.security = CALL_ENCRYPTED;
        expect(&q, CALL_REFUSE_MISMATCH, CALL_WHY_PROFILE_OAUTH);
    }
    struct call_question q = fine(CALL_SECURE);
    q.profile_oauth = true;
    q.mode_enabled = false; /* then its other settings count */
    expect(&q, CALL_ACCEPT, CALL_WHY_FINE);
    q.listener = CALL_LINE;
    expect(&q, CALL_REFUSE, CALL_WHY_SECURITY_MODE);
}

static void test_plain_line(void **state)
{
    (void)state;
    struct call_question q = fine(CALL_LINE);
    q.profile_digest = true;
    expect(&q, CALL_CHALLENGE_DIGEST, CALL_WHY_NO_DIGEST);
    q.digest = CALL_PROOF_BAD;
    expect(&q, CALL_CHALLENGE_DIGEST, CALL_WHY_BAD_DIGEST);
    q.digest = CALL_PROOF_GOOD;
    expect(&q, CALL_ACCEPT, CALL_WHY_FINE);
    q.device_enabled = false;
    expect(&q, CALL_REFUSE, CALL_WHY_DEVICE_DISABLED);
    q = fine(CALL_LINE);
    q.security = CALL_AUTHENTICATED;
    expect(&q, CALL_REFUSE, CALL_WHY_SECURITY_MODE);
    q = fine(CALL_LINE);
    q.device_known = q.profile_known = false;
    q.security = 0;
    expect(&q, CALL_CHALLENGE_DIGEST, CALL_WHY_UNKNOWN_DEVICE);
}

static void test_secure_line(void **state)
{
    (void)state;
    struct call_question q = fine(CALL_SECURE);
    q.cert_names_device = false;
    expect(&q, CALL_REFUSE, CALL_WHY_CERT_NAME);
    q = fine(CALL_SECURE);
    q.security = CALL_AUTHENTICATED;
    expect(&q, CALL_ACCEPT, CALL_WHY_FINE);
    q.security = CALL_NON_SECURE;
    expect(&q, CALL_REFUSE, CALL_WHY_SECURITY_MODE);
    q = fine(CALL_SECURE);
    q.device_known = q.profile_known = q.cert_names_device = false;
    expect(&q, CALL_REFUSE, CALL_WHY_CERT_NAME);
}

static void test_every_question_has_an_answer_and_every_reason_words(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1u << 17; bits++) {
        struct call_question q = {
            .listener = (enum call_listener)(bits & 3),
            .mode_enabled = bits & 4,
            .device_known = bits & 8,
            .device_enabled = bits & 16,
            .profile_known = bits & 32,
            .profile_oauth = bits & 64,
            .profile_digest = bits & 128,
            .security = (enum call_security)(bits >> 8 & 3),
            .bearer = (enum call_proof)((bits >> 10 & 3) % 3),
            .digest = (enum call_proof)((bits >> 12 & 3) % 3),
            .user_active = bits & 1 << 14,
            .user_owns = bits & 1 << 15,
            .cert_names_device = bits & 1 << 16,
        };
        struct call_verdict v = call_linepolicy_decide(&q);
        assert_true((v.action == CALL_ACCEPT) == (v.why == CALL_WHY_FINE));
    }
    for (int i = 0; i < CALL_WHY_COUNT; i++) {
        assert_non_null(call_why_name((enum call_why)i));
        assert_true(strlen(call_why_text((enum call_why)i)) > 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_fine_is_accepted_on_every_listener),
        cmocka_unit_test(test_oauth_lines),
        cmocka_unit_test(test_mode_off_is_told_to_everyone),
        cmocka_unit_test(test_a_stranger_learns_nothing_of_devices_on_oauth_lines),
        cmocka_unit_test(test_oauth_devices_are_sent_away_from_legacy_lines),
        cmocka_unit_test(test_plain_line),
        cmocka_unit_test(test_secure_line),
        cmocka_unit_test(test_every_question_has_an_answer_and_every_reason_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
