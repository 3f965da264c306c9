/* What the proxy makes of SDP: who may talk how with whom, and which call counts as encrypted. */
#include "kit/kit.h"

#include "call/fixture.h"
#include "directory/dialplan.h"

#include <stdio.h>

#define HEAD       "v=0\r\no=- 1 1 IN IP4 10.10.10.10\r\ns=-\r\nc=IN IP4 10.10.10.10\r\nt=0 0\r\n"
#define KEY        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR\r\n"
#define SRTP       HEAD "m=audio 4000 RTP/SAVP 0\r\n" KEY
#define BEST       HEAD "m=audio 4000 RTP/AVP 0\r\n" KEY
#define PLAIN      HEAD "m=audio 4000 RTP/AVP 0\r\n"
#define OVER       HEAD "m=audio 0 RTP/SAVP 0\r\n"
#define FALLS_BACK "Supported: X-cisco-srtp-fallback\r\n"

static struct fixture *x;

static int setup(void **state)
{
    (void)state;
    x = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(x);
    return 0;
}

struct talk {
    const char *invite, *offered, *answer, *answered;
};

static struct talk talk(struct phone *a, struct phone *b, const char *more, const char *offer,
                        const char *answer)
{
    struct talk t;
    t.invite = fixture_invite(a, b->line, more, offer);
    fixture_expect(a, "SIP/2.0 100");
    t.offered = fixture_expect(b, "INVITE ");
    t.answered = fixture_answer(b, t.offered, 200, "b", NULL, answer);
    t.answer = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", t.invite, t.answer, false, NULL, NULL);
    fixture_expect(b, "ACK ");
    return t;
}

static void hang_up(struct phone *a, struct phone *b, const struct talk *t)
{
    fixture_in_dialog(a, "BYE", t->invite, t->answer, false, NULL, NULL);
    fixture_answer(b, fixture_expect(b, "BYE "), 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
}

static bool is_encrypted(void)
{
    struct call_record r;
    assert_int_equal(1, call_node_calls(x->b->node, 0, &r, 1));
    return r.encrypted;
}

/* A refusal with the Warning that says why. */
static void expect_488(struct phone *p, const char *request, const char *why)
{
    const char *end = fixture_expect(p, "SIP/2.0 488");
    const char *warning = fixture_header(end, "Warning", 0);
    if (!fixture_has(warning, why) || strncmp(warning, "399 ", 4) != 0)
        fail_msg("Warning: %s", warning);
    if (strncmp(request, "INVITE ", 7) == 0) fixture_ack_refusal(p, request, end);
}

static void quiet(struct phone *a, struct phone *b)
{
    fixture_quiet(a);
    fixture_quiet(b);
}

/* ---- two encrypted lines ---- */

static void test_a_call_with_keys_on_both_sides_is_encrypted(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct talk t = talk(a, b, NULL, SRTP, SRTP);
    assert_true(fixture_has(t.offered, SRTP));
    assert_true(fixture_has(t.answer, SRTP));
    assert_true(is_encrypted());
    hang_up(a, b, &t);
    assert_true(x->ended[0].encrypted);
}

static void test_a_plain_offer_is_refused_and_says_why(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    const char *invite = fixture_invite(a, "1030", NULL, PLAIN);
    fixture_expect(a, "SIP/2.0 100");
    expect_488(a, invite, "the offer has a stream without a usable SRTP key");
    quiet(a, b);
    assert_int_equal(1, x->ended_count);
    assert_int_equal(488, x->ended[0].status);
    assert_int_equal(CALL_END_REFUSED, x->ended[0].end);
    /* Within the call, too; the call goes on as it was. */
    struct talk t = talk(a, b, NULL, SRTP, SRTP);
    invite = fixture_in_dialog(a, "INVITE", t.invite, t.answer, false, NULL, PLAIN);
    fixture_expect(a, "SIP/2.0 100");
    expect_488(a, invite, "the offer has a stream");
    expect_488(b, fixture_in_dialog(b, "UPDATE", t.offered, t.answered, true, NULL, PLAIN),
               "the offer has a stream");
    quiet(a, b);
    assert_true(is_encrypted());
    hang_up(a, b, &t);
}

static void test_a_refused_offer_stays_refused_where_a_group_forwards_to_nobody(void **state)
{
    (void)state;
    struct store_why why = {""};
    struct str members[] = {STR("1030")};
    struct store_by by = {.who = STR("admin"), .from = STR("test")};
    struct store_hunt_group g = {.number = STR("2000"),
                                 .algorithm = STORE_HUNT_SEQUENTIAL,
                                 .forward_no_answer = STR("1098"),
                                 .members = members,
                                 .member_count = 1};
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct store_line nobody = {.pattern = STR("1098")};
    assert_rc(RC_OK, store_line_put(x->b->store, &by, STORE_ADD, &nobody, &why));
    assert_rc(RC_OK, store_hunt_group_put(x->b->store, &by, STORE_ADD, &g, &why));
    const char *invite = fixture_invite(a, "2000", NULL, PLAIN);
    fixture_expect(a, "SIP/2.0 100");
    expect_488(a, invite, "the offer has a stream without a usable SRTP key");
    quiet(a, b);
}

static void test_who_answers_plainly_is_hung_up_on(void **state)
{
    (void)state;
    for (unsigned worker = 0; worker < 2; worker++) {
        struct phone *a = fixture_phone(x, worker ? "PHA" : "PHC", "eve", worker ? "1020" : "1021",
                                        0);
        struct phone *b = fixture_phone(x, worker ? "PHB" : "PHD", "ann", worker ? "1030" : "1031",
                                        worker);
        const char *invite = fixture_invite(a, b->line, NULL, SRTP);
        fixture_expect(a, "SIP/2.0 100");
        const char *got = fixture_expect(b, "INVITE ");
        fixture_answer(b, got, 200, "b", NULL, PLAIN);
        expect_488(a, invite, "the answer has a stream without a usable SRTP key");
        assert_string_equal("", fixture_header(fixture_expect(b, "ACK sip:"), "Route", 0));
        const char *bye = fixture_expect(b, "BYE sip:");
        assert_string_equal(fixture_header(got, "From", 0), fixture_header(bye, "From", 0));
        assert_true(fixture_has(fixture_header(bye, "To", 0), ";tag=b"));
        assert_string_equal(fixture_header(got, "Call-ID", 0), fixture_header(bye, "Call-ID", 0));
        unsigned long cseq = strtoul(fixture_header(got, "CSeq", 0), NULL, 10);
        assert_int_equal(cseq + 1, strtoul(fixture_header(bye, "CSeq", 0), NULL, 10));
        assert_true(fixture_has(fixture_header(bye, "Reason", 0), "cause=488"));
        fixture_answer(b, bye, 200, NULL, NULL, NULL);
        quiet(a, b);
        assert_int_equal(0, call_node_call_count(x->b->node));
        assert_int_equal(CALL_END_REFUSED, x->ended[worker].end);
        assert_int_equal(488, x->ended[worker].status);
        /* The 2xx comes again, its ACK was lost: another ACK, no other BYE. */
        fixture_answer(b, got, 200, "b", NULL, PLAIN);
        fixture_expect(b, "ACK ");
        quiet(a, b);
    }
}

static void test_plain_sound_before_the_answer_ends_the_attempt(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    const char *invite = fixture_invite(a, "1030", NULL, SRTP);
    fixture_expect(a, "SIP/2.0 100");
    const char *got = fixture_expect(b, "INVITE ");
    fixture_answer(b, got, 183, "b", NULL, PLAIN);
    const char *cancel = fixture_expect(b, "CANCEL ");
    assert_true(fixture_has(fixture_header(cancel, "Reason", 0), "cause=488"));
    fixture_answer(b, cancel, 200, NULL, NULL, NULL);
    fixture_quiet(a);
    fixture_answer(b, got, 487, "b", NULL, NULL);
    fixture_expect(b, "ACK ");
    expect_488(a, invite, "the answer has a stream");
    quiet(a, b);
}

/* ---- an offer that comes with the answer (RFC 3261, 13.2.1) ---- */

static const char *delayed(struct phone *a, struct phone *b, const char *offer,
                           const char **answered)
{
    const char *invite = fixture_invite(a, "1030", NULL, NULL);
    fixture_expect(a, "SIP/2.0 100");
    fixture_answer(b, fixture_expect(b, "INVITE "), 200, "b", NULL, offer);
    *answered = fixture_expect(a, "SIP/2.0 ");
    return invite;
}

static void test_the_answer_in_an_ack_counts(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    const char *answer, *invite = delayed(a, b, SRTP, &answer);
    assert_false(is_encrypted());
    fixture_in_dialog(a, "ACK", invite, answer, false, NULL, SRTP);
    assert_true(fixture_has(fixture_expect(b, "ACK "), SRTP));
    assert_true(is_encrypted());
    struct talk t = {.invite = invite, .answer = answer};
    hang_up(a, b, &t);

    invite = delayed(a, b, PLAIN, &answer);
    assert_memory_equal("SIP/2.0 488", answer, 11);
    fixture_expect(b, "ACK ");
    fixture_expect(b, "BYE ");
}

static void test_the_answer_in_a_prack_counts(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    const char *rack = "RAck: 1 1 INVITE\r\n";
    const char *invite = fixture_invite(a, "1030", "Supported: 100rel\r\n", NULL);
    fixture_expect(a, "SIP/2.0 100");
    const char *got = fixture_expect(b, "INVITE ");
    fixture_answer(b, got, 183, "b", "Require: 100rel\r\nRSeq: 1\r\n", SRTP);
    const char *early = fixture_expect(a, "SIP/2.0 183");
    fixture_in_dialog(a, "PRACK", invite, early, false, rack, SRTP);
    fixture_answer(b, fixture_expect(b, "PRACK "), 200, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 200");
    assert_true(is_encrypted());
    fixture_answer(b, got, 200, "b", NULL, NULL);
    const char *answer = fixture_expect(a, "SIP/2.0 200");
    assert_true(is_encrypted());
    fixture_in_dialog(a, "ACK", invite, answer, false, NULL, NULL);
    fixture_expect(b, "ACK ");
    /* A later PRACK's SDP would be an offer: so is an UPDATE's. */
    fixture_in_dialog(a, "UPDATE", invite, answer, false, NULL, SRTP);
    fixture_answer(b, fixture_expect(b, "UPDATE "), 200, NULL, NULL, SRTP);
    fixture_expect(a, "SIP/2.0 200");
    assert_true(is_encrypted());
    struct talk t = {.invite = invite, .answer = answer};
    hang_up(a, b, &t);
    quiet(a, b);
}

static void test_what_is_no_longer_proved_is_no_longer_said(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    struct talk t = talk(a, b, NULL, SRTP, SRTP);
    assert_true(is_encrypted());
    fixture_in_dialog(a, "UPDATE", t.invite, t.answer, false, NULL, OVER);
    fixture_answer(b, fixture_expect(b, "UPDATE "), 488, NULL, NULL, NULL);
    fixture_expect(a, "SIP/2.0 488");
    assert_true(is_encrypted()); /* it was not changed */
    fixture_in_dialog(a, "UPDATE", t.invite, t.answer, false, NULL, OVER);
    fixture_answer(b, fixture_expect(b, "UPDATE "), 200, NULL, NULL, OVER);
    fixture_expect(a, "SIP/2.0 200");
    assert_false(is_encrypted());
    hang_up(a, b, &t);
}

/* ---- an encrypted line and one that is not ---- */

static void test_a_mixed_call_is_refused(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_plain(x, "PHB", "ann", "1030", 1);
    const char *invite = fixture_invite(a, "1030", FALLS_BACK, BEST);
    fixture_expect(a, "SIP/2.0 100");
    expect_488(a, invite, "does not talk to a line that is not encrypted");
    invite = fixture_invite(b, "1020", NULL, PLAIN);
    fixture_expect(b, "SIP/2.0 100");
    expect_488(b, invite, "does not talk to a line that is not encrypted");
    quiet(a, b);
}

static void test_a_mixed_call_falls_back_where_all_agree(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_plain(x, "PHB", "ann", "1030", 1);
    bed_param(x->b, "SIPSrtpFallback", "fallback");
    const char *invite = fixture_invite(a, "1030", NULL, SRTP);
    fixture_expect(a, "SIP/2.0 100");
    expect_488(a, invite, "cannot fall back"); /* it did not say that it can */
    struct talk t = talk(a, b, FALLS_BACK, SRTP, PLAIN);
    assert_true(fixture_has(t.offered, PLAIN));
    assert_false(fixture_has(t.offered, "crypto"));
    assert_false(is_encrypted());
    hang_up(a, b, &t);
    /* The other way round what it said when it registered counts. */
    invite = fixture_invite(b, "1020", NULL, PLAIN);
    fixture_expect(b, "SIP/2.0 100");
    expect_488(b, invite, "cannot fall back");
    a->more = FALLS_BACK;
    assert_int_equal(200, fixture_register(a));
    t = talk(b, a, NULL, PLAIN, PLAIN);
    assert_false(is_encrypted());
    hang_up(b, a, &t);
    quiet(a, b);
}

static void test_keys_do_not_reach_a_hop_without_tls(void **state)
{
    (void)state;
    struct phone *a = fixture_plain(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_plain(x, "PHB", "ann", "1030", 1);
    struct talk t = talk(a, b, NULL, BEST, PLAIN);
    assert_false(fixture_has(t.offered, "crypto"));
    assert_false(is_encrypted());
    hang_up(a, b, &t);
    const char *invite = fixture_invite(a, "1030", NULL, SRTP);
    fixture_expect(a, "SIP/2.0 100");
    expect_488(a, invite, "SRTP keys would pass a connection that is not TLS");
    fixture_request(a, "MESSAGE", "1030", NULL, SRTP);
    assert_false(fixture_has(fixture_expect(b, "MESSAGE "), "crypto"));
}

/* ---- forks ---- */

static void test_each_phone_of_a_fork_is_judged_by_itself(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 0);
    struct phone *c = fixture_plain(x, "PHC", "bob", "1030", 1);
    struct phone *d = fixture_phone(x, "PHD", "bob", "1030", 2);
    const char *invite = fixture_invite(a, "1030", NULL, SRTP);
    fixture_expect(a, "SIP/2.0 100");
    const char *at_b = fixture_expect(b, "INVITE "), *at_d = fixture_expect(d, "INVITE ");
    fixture_answer(b, at_b, 200, "b", NULL, PLAIN);
    fixture_expect(b, "ACK ");
    fixture_answer(b, fixture_expect(b, "BYE "), 200, NULL, NULL, NULL);
    fixture_quiet(a); /* somebody may still answer as he should */
    fixture_answer(d, at_d, 200, "d", NULL, SRTP);
    const char *answer = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", invite, answer, false, NULL, NULL);
    fixture_expect(d, "ACK ");
    assert_true(is_encrypted());
    struct talk t = {.invite = invite, .answer = answer};
    hang_up(a, d, &t);
    quiet(a, b);
    quiet(c, d);
}

/* ---- SDP that cannot be judged ---- */

static void test_sdp_that_cannot_be_read_goes_nowhere(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_phone(x, "PHB", "ann", "1030", 1);
    char many[2048] = HEAD;
    for (int i = 0; i < 17; i++)
        strcat(many, "m=audio 9 RTP/AVP 0\r\n");
    fixture_invite(a, "1030", NULL, "v=0\r\nnonsense\r\n");
    fixture_expect(a, "SIP/2.0 400 Bad Request: SDP: expected ");
    const char *invite = fixture_invite(a, "1030", NULL, many);
    expect_488(a, invite, "longer than this server reads");
    fixture_invite(a, "1030", "Content-Encoding: gzip\r\n", SRTP);
    const char *end = fixture_expect(a, "SIP/2.0 415");
    assert_string_equal("identity", fixture_header(end, "Accept-Encoding", 0));
    quiet(a, b);
    assert_int_equal(0, x->ended_count);
    /* In an answer it is as good as a refused one. */
    invite = fixture_invite(a, "1030", NULL, SRTP);
    fixture_expect(a, "SIP/2.0 100");
    fixture_answer(b, fixture_expect(b, "INVITE "), 200, "b", NULL, "v=0\r\nnonsense\r\n");
    expect_488(a, invite, "The answer's SDP cannot be read");
    fixture_expect(b, "ACK ");
    fixture_expect(b, "BYE ");
}

/* ---- what it costs ---- */

/* One call whose keys are taken out on the way, and one whose answer comes in the ACK. */
static void two_calls(struct phone *a, struct phone *b, struct phone *c)
{
    struct talk t = talk(a, b, FALLS_BACK, SRTP, PLAIN);
    hang_up(a, b, &t);
    t.invite = fixture_invite(a, c->line, NULL, NULL);
    fixture_expect(a, "SIP/2.0 100");
    fixture_answer(c, fixture_expect(c, "INVITE "), 200, "c", NULL, SRTP);
    t.answer = fixture_expect(a, "SIP/2.0 200");
    fixture_in_dialog(a, "ACK", t.invite, t.answer, false, NULL, SRTP);
    fixture_expect(c, "ACK ");
    hang_up(a, c, &t);
}

static void test_after_a_while_sdp_costs_no_allocation(void **state)
{
    (void)state;
    struct phone *a = fixture_phone(x, "PHA", "eve", "1020", 0);
    struct phone *b = fixture_plain(x, "PHB", "ann", "1030", 0);
    struct phone *c = fixture_phone(x, "PHC", "bob", "1040", 1);
    bed_param(x->b, "SIPSrtpFallback", "fallback");
    for (int i = 0; i < 80; i++) {
        two_calls(a, b, c);
        fixture_pass(x, 1000);
    }
    fixture_pass(x, 40000);
    unsigned long before = kit_alloc_count();
    for (int i = 0; i < 5; i++)
        two_calls(a, b, c);
    assert_int_equal(0, kit_alloc_count() - before);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_call_with_keys_on_both_sides_is_encrypted),
        T(test_a_plain_offer_is_refused_and_says_why),
        T(test_a_refused_offer_stays_refused_where_a_group_forwards_to_nobody),
        T(test_who_answers_plainly_is_hung_up_on),
        T(test_plain_sound_before_the_answer_ends_the_attempt),
        T(test_the_answer_in_an_ack_counts),
        T(test_the_answer_in_a_prack_counts),
        T(test_what_is_no_longer_proved_is_no_longer_said),
        T(test_a_mixed_call_is_refused),
        T(test_a_mixed_call_falls_back_where_all_agree),
        T(test_keys_do_not_reach_a_hop_without_tls),
        T(test_each_phone_of_a_fork_is_judged_by_itself),
        T(test_sdp_that_cannot_be_read_goes_nowhere),
        T(test_after_a_while_sdp_costs_no_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
