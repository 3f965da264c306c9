#include "kit/kit.h"

#include "location/contract.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static const struct location_backend *backend; /* of the suite under way */
enum { T0 = 5000, SEEN_MAX = 64 };

/* What an answer said. */
struct answer {
    bool came;
    enum rc rc;
    size_t count;
    uint64_t ids[SEEN_MAX];
    char contacts[SEEN_MAX][48];
    uint32_t cseq[SEEN_MAX];
    int64_t since[SEEN_MAX];
};

struct fixture {
    struct location *l;
    char heard[1024];
    int events;
    struct answer a;
};

static void on_answer(void *ctx, enum rc rc, const struct location_binding *const *b, size_t count)
{
    struct answer *a = ctx;
    *a = (struct answer){.came = true, .rc = rc, .count = count};
    for (size_t i = 0; i < count && i < SEEN_MAX; i++) {
        a->ids[i] = b[i]->id;
        a->cseq[i] = b[i]->cseq;
        a->since[i] = b[i]->since_unix_ms;
        snprintf(a->contacts[i], sizeof a->contacts[i], "%.*s", STR_ARG(b[i]->contact));
    }
}

static void on_change(void *ctx, enum location_cause cause, const struct location_binding *b,
                      const struct location_binding *old)
{
    struct fixture *f = ctx;
    size_t n = strlen(f->heard);
    f->events++;
    assert_true((old != NULL) == (cause == LOCATION_REFRESHED));
    snprintf(f->heard + n, sizeof f->heard - n, "%s:%.*s ", location_cause_name(cause),
             STR_ARG(b->contact));
}

static struct fixture *fixture_new(struct location_config config)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_rc(RC_OK, backend->open(backend->ctx, &config, T0, &f->l));
    assert_rc(RC_OK, location_watch(f->l, on_change, f));
    return f;
}

static int setup(void **state)
{
    *state = fixture_new((struct location_config){0});
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    location_free(f->l);
    free(f);
    return 0;
}

static void settle(void)
{
    if (backend->wait) backend->wait(backend->ctx);
}

/* A phone's contact as the tests vary it. */
static struct location_binding contact(const char *uri, const char *call_id, uint32_t cseq,
                                       uint32_t granted_s)
{
    return (struct location_binding){.contact = str_from(uri),
                                     .contact_key = str_from(uri),
                                     .params = STR(";q=0.5;+sip.instance=\"<urn:uuid:1>\""),
                                     .call_id = str_from(call_id),
                                     .cseq = cseq,
                                     .device = STR("CSFrado"),
                                     .user = STR("rado"),
                                     .grant = STR("g1"),
                                     .line = STR("1010"),
                                     .flow = 7,
                                     .q_milli = 500,
                                     .granted_s = granted_s,
                                     .expires_mono_ms = T0 + granted_s * 1000};
}

static enum rc update(struct fixture *f, const char *aor, const struct location_binding *c,
                      size_t count, int64_t now)
{
    struct location_update u = {.aor = str_from(aor),
                                .contacts = c,
                                .count = count,
                                .mono_now_ms = now,
                                .unix_now_ms = now * 10};
    f->a = (struct answer){0};
    f->heard[0] = 0;
    location_update(f->l, &u, on_answer, &f->a);
    settle();
    assert_true(f->a.came);
    return f->a.rc;
}

static size_t fetch(struct fixture *f, struct location_key key, int64_t now)
{
    f->a = (struct answer){0};
    location_fetch(f->l, &key, now, on_answer, &f->a);
    settle();
    assert_rc(RC_OK, f->a.rc);
    return f->a.count;
}

static size_t drop(struct fixture *f, struct location_key key, uint64_t except,
                   enum location_cause cause)
{
    f->a = (struct answer){0};
    f->heard[0] = 0;
    location_remove(f->l, &key, except, cause, on_answer, &f->a);
    settle();
    assert_rc(RC_OK, f->a.rc);
    return f->a.count;
}

#define AOR(a)    ((struct location_key){LOCATION_BY_AOR, STR(a), 0})
#define DEVICE(d) ((struct location_key){LOCATION_BY_DEVICE, STR(d), 0})
#define FLOW(n)   ((struct location_key){LOCATION_BY_FLOW, {0}, (n)})

static size_t total(struct fixture *f)
{
    struct location_counts c;
    location_count(f->l, &c);
    return c.bindings;
}

/* --- registering --- */

static void test_register_refresh_unregister(void **state)
{
    struct fixture *f = *state;
    struct location_binding c = contact("sip:a@h", "call", 1, 120);
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0));
    assert_string_equal("registered:sip:a@h ", f->heard);
    assert_int_equal(1, f->a.count);
    uint64_t id = f->a.ids[0];
    c.cseq = 2;
    c.expires_mono_ms = T0 + 235000;
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0 + 115000));
    assert_string_equal("refreshed:sip:a@h ", f->heard);
    assert_int_equal(1, f->a.count);
    assert_int_equal(id, f->a.ids[0]);
    assert_int_equal(T0 * 10, f->a.since[0]);
    c.cseq = 3;
    c.granted_s = 0;
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0 + 116000));
    assert_string_equal("unregistered:sip:a@h ", f->heard);
    assert_int_equal(0, f->a.count);
    assert_int_equal(0, total(f));
    c.cseq = 4; /* once more is no mistake */
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0 + 116000));
    assert_string_equal("", f->heard);
}

static void test_cseq_order_holds_within_a_call_id(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *call_id;
        uint32_t cseq;
        enum rc rc;
    } rows[] = {{"call", 10, RC_OK},
                {"call", 10, RC_CONFLICT},
                {"call", 9, RC_CONFLICT},
                {"call", 11, RC_OK},
                {"other", 1, RC_OK}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct location_binding c = contact("sip:a@h", rows[i].call_id, rows[i].cseq, 120);
        assert_rc(rows[i].rc, update(f, "sip:1010", &c, 1, T0));
    }
    assert_int_equal(1, fetch(f, AOR("sip:1010"), T0));
    assert_int_equal(1, f->a.cseq[0]);
}

static void test_all_contacts_or_none(void **state)
{
    struct fixture *f = *state;
    struct location_binding first = contact("sip:b@h", "call", 5, 120);
    assert_rc(RC_OK, update(f, "sip:1010", &first, 1, T0));
    struct location_binding three[] = {contact("sip:a@h", "call", 6, 120),
                                       contact("sip:b@h", "call", 5, 0),
                                       contact("sip:c@h", "call", 6, 120)};
    assert_rc(RC_CONFLICT, update(f, "sip:1010", three, 3, T0));
    assert_string_equal("", f->heard);
    assert_int_equal(1, fetch(f, AOR("sip:1010"), T0));
    three[1].cseq = 6;
    assert_rc(RC_OK, update(f, "sip:1010", three, 3, T0));
    assert_string_equal("registered:sip:a@h unregistered:sip:b@h registered:sip:c@h ", f->heard);
    assert_int_equal(2, f->a.count);
    assert_string_equal("sip:c@h", f->a.contacts[0]); /* newest first */
}

static void test_bad_updates_are_refused(void **state)
{
    struct fixture *f = *state;
    static char big[LOCATION_TEXT_MAX + 1];
    memset(big, 'x', sizeof big);
    struct location_binding twice[] = {contact("sip:a@h", "c", 1, 60),
                                       contact("sip:a@h", "c", 1, 60)};
    assert_rc(RC_INVALID, update(f, "sip:1010", twice, 2, T0));
    assert_rc(RC_INVALID, update(f, "", twice, 1, T0));
    twice[0].params = str_of(big, sizeof big);
    assert_rc(RC_INVALID, update(f, "sip:1010", twice, 1, T0));
    twice[0] = contact("", "c", 1, 60);
    assert_rc(RC_INVALID, update(f, "sip:1010", twice, 1, T0));
    /* stored under a URI and under an instance: two contacts of one update may not mean the same one */
    struct location_binding a = contact("sip:a@h", "c", 1, 60);
    a.instance = STR("urn:uuid:1");
    a.reg_id = 1;
    assert_rc(RC_OK, update(f, "sip:1010", &a, 1, T0));
    struct location_binding pair[] = {contact("sip:a@h", "d", 1, 60),
                                      contact("sip:z@h", "d", 1, 60)};
    pair[1].instance = a.instance;
    pair[1].reg_id = 1;
    assert_rc(RC_INVALID, update(f, "sip:1010", pair, 2, T0));
    assert_int_equal(1, total(f));
}

static void test_instance_and_reg_id_find_the_binding(void **state)
{
    struct fixture *f = *state;
    struct location_binding c = contact("sip:a@h:1", "c", 1, 60);
    c.instance = STR("urn:uuid:1");
    c.reg_id = 1;
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0));
    c.contact = c.contact_key = STR("sip:a@h:2");
    c.call_id = STR("d");
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0));
    assert_int_equal(1, f->a.count);
    assert_string_equal("sip:a@h:2", f->a.contacts[0]);
    c.contact = c.contact_key = STR("sip:a@h:3");
    c.reg_id = 2;
    c.call_id = STR("e");
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0));
    assert_int_equal(2, f->a.count);
}

static void test_a_devices_update_leaves_the_bindings_of_others(void **state)
{
    struct fixture *f = *state;
    struct location_binding mine = contact("sip:a@h", "c", 1, 60), theirs = mine;
    mine.instance = theirs.instance = STR("urn:uuid:1");
    mine.reg_id = theirs.reg_id = 1;
    assert_rc(RC_OK, update(f, "sip:1010", &mine, 1, T0));
    theirs.device = STR("CSFeve");
    theirs.granted_s = 0;
    assert_rc(RC_OK, update(f, "sip:1010", &theirs, 1, T0));
    assert_int_equal(1, f->a.count);
    theirs.instance = STR("");
    theirs.reg_id = 0;
    assert_rc(RC_OK, update(f, "sip:1010", &theirs, 1, T0));
    assert_int_equal(1, f->a.count);
    theirs.granted_s = 60;
    assert_rc(RC_OK, update(f, "sip:1010", &theirs, 1, T0));
    assert_int_equal(2, f->a.count);
    mine.cseq = 2;
    mine.granted_s = 0;
    mine.device = STR("csfRADO"); /* names compare without ASCII case */
    assert_rc(RC_OK, update(f, "sip:1010", &mine, 1, T0));
    assert_int_equal(1, f->a.count);
}

static void test_star_removes_all_in_order(void **state)
{
    struct fixture *f = *state;
    struct location_binding two[] = {contact("sip:a@h", "call", 5, 60),
                                     contact("sip:b@h", "call", 5, 60)};
    assert_rc(RC_OK, update(f, "sip:1010", two, 2, T0));
    location_remove_all(f->l, STR("sip:1010"), STR(""), STR("call"), 5, T0, on_answer, &f->a);
    settle();
    assert_rc(RC_CONFLICT, f->a.rc);
    assert_int_equal(2, fetch(f, AOR("sip:1010"), T0));
    f->heard[0] = 0;
    location_remove_all(f->l, STR("sip:1010"), STR(""), STR("call"), 6, T0, on_answer, &f->a);
    settle();
    assert_rc(RC_OK, f->a.rc);
    assert_string_equal("unregistered:sip:b@h unregistered:sip:a@h ", f->heard);
    assert_int_equal(0, total(f));
    location_remove_all(f->l, STR("sip:nobody"), STR(""), STR("call"), 1, T0, on_answer, &f->a);
    settle();
    assert_rc(RC_OK, f->a.rc);
}

static void test_star_of_one_device_leaves_the_others(void **state)
{
    struct fixture *f = *state;
    struct location_binding a = contact("sip:a@h", "one", 5, 60),
                            b = contact("sip:b@h", "two", 5, 60);
    a.device = STR("SEP1");
    b.device = STR("SEP2");
    assert_rc(RC_OK, update(f, "sip:1010", &a, 1, T0));
    assert_rc(RC_OK, update(f, "sip:1010", &b, 1, T0));
    location_remove_all(f->l, STR("sip:1010"), STR("SEP2"), STR("two"), 5, T0, on_answer, &f->a);
    settle();
    assert_rc(RC_CONFLICT, f->a.rc);
    f->heard[0] = 0;
    location_remove_all(f->l, STR("sip:1010"), STR("sep2"), STR("two"), 6, T0, on_answer, &f->a);
    settle();
    assert_rc(RC_OK, f->a.rc);
    assert_string_equal("unregistered:sip:b@h ", f->heard);
    assert_int_equal(1, f->a.count);
    assert_string_equal("sip:a@h", f->a.contacts[0]);
    assert_int_equal(1, total(f));
}

static void test_who_watches_no_more_hears_nothing(void **state)
{
    struct fixture *f = *state;
    struct location_binding a = contact("sip:a@h", "one", 5, 60);
    for (int i = 0; i < 2 * LOCATION_WATCHER_MAX; i++) {
        location_unwatch(f->l, on_change, f);
        f->heard[0] = 0;
        a.cseq++;
        assert_rc(RC_OK, update(f, "sip:1010", &a, 1, T0));
        assert_string_equal("", f->heard);
        assert_rc(RC_OK, location_watch(f->l, on_change, f));
    }
    a.cseq++;
    assert_rc(RC_OK, update(f, "sip:1010", &a, 1, T0));
    assert_string_equal("refreshed:sip:a@h ", f->heard);
}

static void see_claim(void *ctx, enum rc rc, const struct location_binding *const *b, size_t count)
{
    assert_rc(RC_OK, rc);
    assert_int_equal(1, count);
    *(uint64_t *)ctx = b[0]->claim;
}

static uint64_t claim_of(struct fixture *f, struct location_key key)
{
    uint64_t claim = 0;
    location_fetch(f->l, &key, T0, see_claim, &claim);
    settle();
    return claim;
}

static void test_who_came_last_has_the_highest_claim(void **state)
{
    struct fixture *f = *state;
    struct location_binding a = contact("sip:a@h", "one", 1, 60);
    struct location_binding b = contact("sip:b@h", "two", 1, 60);
    a.flow = 1;
    b.flow = 2;
    assert_rc(RC_OK, update(f, "sip:1010", &a, 1, T0));
    assert_rc(RC_OK, update(f, "sip:1011", &b, 1, T0));
    uint64_t first = claim_of(f, AOR("sip:1010")), second = claim_of(f, AOR("sip:1011"));
    assert_true(first > 0 && second > first);
    a.cseq++;
    assert_rc(RC_OK, update(f, "sip:1010", &a, 1, T0));
    assert_int_equal(first, claim_of(f, AOR("sip:1010"))); /* a refresh is no new claim */
    a.cseq++;
    a.flow = 3;
    assert_rc(RC_OK, update(f, "sip:1010", &a, 1, T0));
    assert_true(claim_of(f, AOR("sip:1010")) > second);
    b.claim = claim_of(f, AOR("sip:1010"));
    assert_rc(RC_OK, update(f, "sip:1012", &b, 1, T0));
    assert_int_equal(b.claim, claim_of(f, AOR("sip:1012")));
}

/* --- time --- */

static void test_sweep_takes_what_expired(void **state)
{
    struct fixture *f = *state;
    struct location_binding two[] = {contact("sip:a@h", "c", 1, 60),
                                     contact("sip:b@h", "c", 1, 120)};
    assert_rc(RC_OK, update(f, "sip:1010", two, 2, T0));
    assert_int_equal(0, location_sweep(f->l, T0 + 59999));
    assert_int_equal(1, fetch(f, AOR("sip:1010"), T0 + 60000)); /* even before a sweep */
    assert_string_equal("sip:b@h", f->a.contacts[0]);
    f->heard[0] = 0;
    assert_int_equal(1, location_sweep(f->l, T0 + 61000));
    assert_string_equal("expired:sip:a@h ", f->heard);
    two[1].cseq = 2;
    two[1].expires_mono_ms = T0 + 240000;
    assert_rc(RC_OK, update(f, "sip:1010", &two[1], 1, T0 + 115000));
    assert_int_equal(0, location_sweep(f->l, T0 + 130000)); /* the old time is forgotten */
    assert_int_equal(1, location_sweep(f->l, T0 + 1000000));
    assert_int_equal(0, total(f));
}

static void test_expired_make_room_and_do_not_block(void **state)
{
    struct fixture *f = *state;
    struct location_binding c = contact("sip:a@h", "c", 9, 60);
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0));
    c.cseq = 1; /* a phone that restarted and lost its count */
    c.expires_mono_ms = T0 + 120000;
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0 + 60000));
    assert_string_equal("expired:sip:a@h registered:sip:a@h ", f->heard);
}

/* --- finding and removing --- */

static const struct location_binding *held;

static void hold(void *ctx, enum rc rc, const struct location_binding *const *b, size_t count)
{
    (void)ctx;
    assert_rc(RC_OK, rc);
    assert_int_equal(1, count);
    held = location_binding_ref(b[0]);
}

static void test_one_is_removed_unless_it_was_refreshed(void **state)
{
    struct fixture *f = *state;
    struct location_binding c = contact("sip:a@h", "c", 1, 60);
    for (size_t refreshed = 0; refreshed < 2; refreshed++) {
        c.cseq++;
        assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0));
        struct location_key key = AOR("sip:1010");
        location_fetch(f->l, &key, T0, hold, f);
        c.cseq++;
        if (refreshed) assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0));
        f->heard[0] = 0;
        assert_int_equal(!refreshed, location_remove_one(f->l, held, LOCATION_FLOW_LOST));
        assert_string_equal(refreshed ? "" : "flow-lost:sip:a@h ", f->heard);
        assert_int_equal(refreshed, total(f));
        assert_false(location_remove_one(f->l, held, LOCATION_FLOW_LOST));
        held = location_binding_unref(held);
    }
}

static void see_texts(void *ctx, enum rc rc, const struct location_binding *const *b, size_t count)
{
    (void)ctx;
    assert_rc(RC_OK, rc);
    assert_int_equal(1, count);
    const struct {
        const char *want;
        struct str is;
    } rows[] = {{"sip:1010", b[0]->aor},
                {"sip:1010@CSFrado", b[0]->contact},
                {"sip:1010@csfrado", b[0]->contact_key},
                {";+sip.instance=\"<urn:uuid:1>\";x=CSFrado", b[0]->params},
                {"call", b[0]->call_id},
                {"<urn:uuid:1>", b[0]->instance},
                {"<sip:edge;lr>", b[0]->path},
                {"CSFrado", b[0]->device},
                {"rado", b[0]->user},
                {"1010", b[0]->line},
                {"g1", b[0]->grant},
                {"", b[0]->token_id},
                {"agent", b[0]->user_agent},
                {"192.0.2.1", b[0]->received}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_str(rows[i].want, rows[i].is);
}

/* Wherever a backend keeps them: some stand inside others, and the request's memory is gone. */
static void test_texts_come_back_as_they_were(void **state)
{
    struct fixture *f = *state;
    char memory[512], *at = memory;
    struct location_binding c = contact("sip:1010@CSFrado", "call", 1, 60);
    c.contact_key = STR("sip:1010@csfrado");
    c.params = STR(";+sip.instance=\"<urn:uuid:1>\";x=CSFrado");
    c.instance = STR("<urn:uuid:1>");
    c.path = STR("<sip:edge;lr>");
    c.user_agent = STR("agent");
    c.received = STR("192.0.2.1");
    struct str *texts[] = {&c.contact,  &c.contact_key, &c.params,     &c.call_id,
                           &c.instance, &c.path,        &c.device,     &c.user,
                           &c.line,     &c.grant,       &c.user_agent, &c.received};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        memcpy(at, texts[i]->p, texts[i]->n);
        texts[i]->p = at;
        at += texts[i]->n;
    }
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0));
    memset(memory, 'X', sizeof memory);
    struct location_key key = AOR("sip:1010");
    location_fetch(f->l, &key, T0, see_texts, NULL);
    settle();
}

static void test_found_by_everything(void **state)
{
    struct fixture *f = *state;
    struct location_binding a = contact("sip:a@h", "c", 1, 60), b = contact("sip:b@h", "c", 1, 60);
    b.device = STR("TCTrado");
    b.flow = 8;
    b.grant = STR("G1");
    assert_rc(RC_OK, update(f, "sip:1010", &a, 1, T0));
    assert_rc(RC_OK, update(f, "sip:1011", &b, 1, T0));
    assert_int_equal(1, fetch(f, DEVICE("csfrado"), T0));
    assert_int_equal(0, fetch(f, DEVICE(""), T0));
    assert_int_equal(1, fetch(f, FLOW(8), T0));
    assert_int_equal(0, fetch(f, FLOW(0), T0));
    assert_int_equal(2, fetch(f, (struct location_key){LOCATION_BY_USER, STR("RADO"), 0}, T0));
    assert_int_equal(1, fetch(f, (struct location_key){LOCATION_BY_GRANT, STR("g1"), 0}, T0));
    assert_int_equal(1, fetch(f, (struct location_key){LOCATION_BY_CONTACT, b.contact_key, 0}, T0));
    assert_int_equal(0,
                     fetch(f, (struct location_key){LOCATION_BY_CONTACT, STR("SIP:B@H"), 0}, T0));
    assert_int_equal(0, fetch(f, AOR("sip:nobody"), T0));
}

static void test_remove_by_device_on_one_flow(void **state)
{
    struct fixture *f = *state;
    struct location_binding c[] = {contact("sip:a@1", "x", 1, 60), contact("sip:b@1", "y", 1, 60),
                                   contact("sip:c@1", "z", 1, 60)};
    c[1].flow = 8;
    c[2].device = STR("CSFeve");
    assert_rc(RC_OK, update(f, "sip:1010", c, 3, T0));
    struct location_key key = DEVICE("csfrado");
    key.flow = 7;
    assert_int_equal(1, fetch(f, key, T0));
    assert_int_equal(1, drop(f, key, 0, LOCATION_REPLACED));
    assert_string_equal("replaced:sip:a@1 ", f->heard);
    assert_int_equal(1, fetch(f, DEVICE("CSFrado"), T0));
    assert_int_equal(1, fetch(f, FLOW(7), T0));
}

static void test_remove_by_key_with_cause(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        char uri[32], aor[32];
        snprintf(uri, sizeof uri, "sip:a@h:%d", i);
        snprintf(aor, sizeof aor, "sip:101%d", i);
        struct location_binding c = contact(uri, "c", 1, 60);
        assert_rc(RC_OK, update(f, aor, &c, 1, T0));
    }
    uint64_t newest = f->a.ids[0];
    assert_int_equal(2, drop(f, DEVICE("CSFrado"), newest, LOCATION_REPLACED));
    assert_int_equal(1, total(f));
    assert_int_equal(1, drop(f, FLOW(7), 0, LOCATION_FLOW_LOST));
    assert_string_equal("flow-lost:sip:a@h:2 ", f->heard);
    assert_int_equal(0, drop(f, FLOW(7), 0, LOCATION_FLOW_LOST));
    struct location_counts n;
    location_count(f->l, &n);
    assert_int_equal(0, n.aors);
    assert_int_equal(3, n.registered);
    assert_int_equal(2, n.removed[LOCATION_REPLACED]);
}

static void test_refresh_on_another_flow_moves_the_index(void **state)
{
    struct fixture *f = *state;
    struct location_binding c = contact("sip:a@h", "c", 1, 60);
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0));
    c.cseq = 2;
    c.flow = 9;
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0));
    assert_int_equal(0, drop(f, FLOW(7), 0, LOCATION_FLOW_LOST));
    assert_int_equal(1, fetch(f, FLOW(9), T0));
}

static void keep_one(void *ctx, enum rc rc, const struct location_binding *const *b, size_t count)
{
    assert_rc(RC_OK, rc);
    assert_int_equal(1, count);
    *(const struct location_binding **)ctx = location_binding_ref(b[0]);
}

static void test_kept_binding_outlives_its_removal(void **state)
{
    struct fixture *f = *state;
    struct location_binding c = contact("sip:a@h", "c", 1, 60);
    const struct location_binding *kept = NULL;
    struct location_key key = AOR("sip:1010");
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0));
    location_fetch(f->l, &key, T0, keep_one, &kept);
    settle();
    assert_int_equal(1, drop(f, key, 0, LOCATION_RESET));
    assert_str("sip:a@h", kept->contact);
    assert_str(";q=0.5;+sip.instance=\"<urn:uuid:1>\"", kept->params);
    location_binding_unref(kept);
}

static void test_bounds(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(
        (struct location_config){.binding_max = 3, .aor_binding_max = 2});
    struct location_binding c[] = {contact("sip:a@h", "c", 1, 60), contact("sip:b@h", "c", 1, 60),
                                   contact("sip:c@h", "c", 1, 60)};
    assert_rc(RC_TOO_BIG, update(f, "sip:1010", c, 3, T0));
    assert_rc(RC_OK, update(f, "sip:1010", c, 2, T0));
    assert_rc(RC_TOO_BIG, update(f, "sip:1010", &c[2], 1, T0));
    c[0].cseq = c[2].cseq = 2;
    c[0].granted_s = 0;
    struct location_binding swap[] = {c[0], c[2]};
    assert_rc(RC_OK, update(f, "sip:1010", swap, 2, T0));
    assert_rc(RC_OK, update(f, "sip:1011", &c[1], 1, T0));
    assert_rc(RC_BUSY, update(f, "sip:1012", &c[1], 1, T0));
    c[1].cseq = 2; /* a refresh needs no room */
    assert_rc(RC_OK, update(f, "sip:1011", &c[1], 1, T0));
    assert_int_equal(3, total(f));
    location_free(f->l);
    free(f);
}

static void test_list_pages_by_id(void **state)
{
    struct fixture *f = *state;
    uint64_t after = 0;
    size_t seen = 0;
    for (int i = 0; i < 50; i++) {
        char aor[32];
        snprintf(aor, sizeof aor, "sip:%d", i);
        struct location_binding c = contact("sip:a@h", "c", 1, 60);
        assert_rc(RC_OK, update(f, aor, &c, 1, T0));
    }
    do {
        location_list(f->l, after, 7, on_answer, &f->a);
        settle();
        for (size_t i = 0; i < f->a.count; i++, seen++) {
            assert_true(f->a.ids[i] > after);
            after = f->a.ids[i];
        }
    } while (f->a.count == 7);
    assert_int_equal(50, seen);
}

/* --- threads --- */

struct worker {
    struct location *l;
    int number;
    atomic_size_t *events;
};
enum { WORKERS = 4, ROUNDS = 300, PHONES = 16 };

static void ignore(void *ctx, enum rc rc, const struct location_binding *const *b, size_t count)
{
    (void)ctx;
    (void)rc;
    for (size_t i = 0; i < count; i++)
        assert_true(b[i]->contact.n > 0 && b[i]->id > 0);
}

static void count_event(void *ctx, enum location_cause cause, const struct location_binding *b,
                        const struct location_binding *old)
{
    atomic_size_t *n = ctx;
    (void)b;
    (void)old;
    if (cause == LOCATION_REGISTERED)
        atomic_fetch_add(n, 1);
    else if (cause != LOCATION_REFRESHED)
        atomic_fetch_sub(n, 1);
}

static void *work(void *ctx)
{
    struct worker *w = ctx;
    for (int i = 0; i < ROUNDS; i++) {
        char aor[32], call_id[32];
        struct location_key by_aor, by_flow = {LOCATION_BY_FLOW, {0}, (uint64_t)(i % PHONES + 1)};
        snprintf(aor, sizeof aor, "sip:%d", i % PHONES);
        snprintf(call_id, sizeof call_id, "%d-%d", w->number, i);
        struct location_binding c = contact(i % 3 ? "sip:a@h" : "sip:b@h", call_id, 1,
                                            i % 7 == 6 ? 0 : 60);
        c.flow = (uint64_t)(i % PHONES + 1);
        struct location_update u = {
            .aor = str_from(aor), .contacts = &c, .count = 1, .mono_now_ms = T0};
        by_aor = (struct location_key){LOCATION_BY_AOR, str_from(aor), 0};
        location_update(w->l, &u, ignore, NULL);
        location_fetch(w->l, &by_aor, T0, ignore, NULL);
        location_fetch(w->l, &by_flow, T0, ignore, NULL);
        if (i % 5 == w->number)
            location_remove(w->l, &by_flow, 0, LOCATION_FLOW_LOST, ignore, NULL);
        if (i % 50 == 0) location_list(w->l, 0, 10, ignore, NULL);
        if (i % 100 == 99) location_sweep(w->l, T0 + 1000);
    }
    return NULL;
}

static void test_threads_agree_in_the_end(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[WORKERS];
    struct worker workers[WORKERS];
    atomic_size_t alive = 0;
    struct location *l;
    struct location_config config = {0};
    (void)f;
    assert_rc(RC_OK, backend->open(backend->ctx, &config, T0, &l));
    assert_rc(RC_OK, location_watch(l, count_event, &alive));
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){l, i, &alive};
        assert_int_equal(0, pthread_create(&threads[i], NULL, work, &workers[i]));
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    settle();
    struct location_counts n;
    location_count(l, &n);
    assert_int_equal(atomic_load(&alive), n.bindings);
    struct location_key user = {LOCATION_BY_USER, STR("rado"), 0};
    assert_int_equal(n.bindings, fetch(&(struct fixture){.l = l}, user, T0));
    location_sweep(l, T0 + 61000);
    location_count(l, &n);
    assert_int_equal(0, n.bindings);
    assert_int_equal(0, n.aors);
    location_free(l);
}

/* One thread refreshes on and on; another takes the grant away: it must be gone, however they meet. */
static void *refresh_on(void *ctx)
{
    struct worker *w = ctx;
    for (uint32_t i = 2; i < 400; i++) {
        struct location_binding c = contact("sip:a@h", "c", i, 60);
        struct location_update u = {
            .aor = STR("sip:1010"), .contacts = &c, .count = 1, .mono_now_ms = T0};
        struct location_key key = {LOCATION_BY_DEVICE, STR("CSFrado"), 0};
        struct answer a = {0};
        location_update(w->l, &u, on_answer, &a);
        location_fetch(w->l, &key, T0, on_answer, &a);
        assert_true(a.count <= 1); /* never old and new together */
    }
    return NULL;
}

static void *watch_device(void *ctx)
{
    struct worker *w = ctx;
    for (int i = 0; i < 400; i++) {
        struct location_key key = {LOCATION_BY_DEVICE, STR("CSFrado"), 0};
        struct answer a = {0};
        location_fetch(w->l, &key, T0, on_answer, &a);
        assert_int_equal(1, a.count); /* a refresh is never seen as a gap */
    }
    return NULL;
}

static void test_refresh_leaves_no_gap(void **state)
{
    struct fixture *f = *state;
    pthread_t one, two;
    struct worker w = {f->l, 0, NULL};
    struct location_binding c = contact("sip:a@h", "c", 1, 60);
    assert_rc(RC_OK, update(f, "sip:1010", &c, 1, T0));
    assert_int_equal(0, pthread_create(&one, NULL, refresh_on, &w));
    assert_int_equal(0, pthread_create(&two, NULL, watch_device, &w));
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    assert_int_equal(
        1, drop(f, (struct location_key){LOCATION_BY_GRANT, STR("g1"), 0}, 0, LOCATION_REVOKED));
    assert_int_equal(0, total(f));
}

/* --- memory --- */

static void register_and_remove(void *ctx)
{
    struct fixture *f = ctx;
    struct location_binding two[] = {contact("sip:a@h", "c", 1, 60),
                                     contact("sip:b@h", "c", 1, 60)};
    struct location_key key = AOR("sip:1010");
    struct answer a;
    enum rc rc = update(f, "sip:1010", two, 2, T0);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    assert_int_equal(rc == RC_OK ? 2 : 0, total(f));
    do {
        location_remove(f->l, &key, 0, LOCATION_RESET, on_answer, &a);
        kit_alloc_fail_at(0);
    } while (total(f) > 0);
}

static void test_failing_allocations_change_nothing(void **state)
{
    kit_each_alloc_fails(register_and_remove, *state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int location_contract_run(const struct location_backend *b)
{
    backend = b;
    const struct CMUnitTest tests[] = {
        T(test_register_refresh_unregister),
        T(test_cseq_order_holds_within_a_call_id),
        T(test_all_contacts_or_none),
        T(test_bad_updates_are_refused),
        T(test_instance_and_reg_id_find_the_binding),
        T(test_a_devices_update_leaves_the_bindings_of_others),
        T(test_star_removes_all_in_order),
        T(test_star_of_one_device_leaves_the_others),
        T(test_who_watches_no_more_hears_nothing),
        T(test_who_came_last_has_the_highest_claim),
        T(test_sweep_takes_what_expired),
        T(test_one_is_removed_unless_it_was_refreshed),
        T(test_expired_make_room_and_do_not_block),
        T(test_texts_come_back_as_they_were),
        T(test_found_by_everything),
        T(test_remove_by_device_on_one_flow),
        T(test_remove_by_key_with_cause),
        T(test_refresh_on_another_flow_moves_the_index),
        T(test_kept_binding_outlives_its_removal),
        T(test_bounds),
        T(test_list_pages_by_id),
        T(test_threads_agree_in_the_end),
        T(test_refresh_leaves_no_gap),
        T(test_failing_allocations_change_nothing),
    };
    return cmocka_run_group_tests_name(b->name, tests, NULL, NULL);
}
