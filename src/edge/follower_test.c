/* Keeping up with a cluster: what is asked in which order, what is told of a failure, when it is tried
 * again. The call server is a table of answers. */
#include "kit/kit.h"

#include "edge/follower.h"

#include <stdio.h>

#define JWK                                                                                        \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"s1\","                                            \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                       \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}" /* RFC 7515, A.3 */
#define CLUSTER(mra)                                                                               \
    "\"cluster\":{\"sip_oauth_mode\":true,\"refresh_login\":true,\"nodes\":[{\"name\":\"ucm1\","   \
    "\"host\":\"ucm1.example.com\",\"ports\":{\"mra\":" mra "}}],\"tokens\":{\"issuer\":\"i\","    \
    "\"audience\":\"a\",\"longest_token_s\":9,\"jwks\":{\"keys\":[" JWK "]}}}"
#define SOAP(inside)                                                                               \
    "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>" inside            \
    "</e:Body></e:Envelope>"
#define RETURN(inside) SOAP("<n:r xmlns:n=\"x\"><return>" inside "</return></n:r>")
#define ROW(host, names)                                                                           \
    "<expresswayCConfiguration><HostNameOrIP>" host                                                \
    "</HostNameOrIP><description/><X509SubjectNameorSubjectAlternateName>" names                   \
    "</X509SubjectNameorSubjectAlternateName></expresswayCConfiguration>"

struct world {
    struct kit_time now;
    struct kit_log lines;
    struct log log;
    struct edge_follower *f;
    /* the call server */
    enum http_failure failure;
    int status; /* of AXL; 0: 200 */
    int feed_status;
    const char *feed, *rows; /* of the list */
    char asked[4096];        /* "getCCMVersion basic; feed bearer; " */
    char last_body[4096];
    bool was_verified, is_silent; /* is_silent: bodies are empty */
    unsigned changes;
};

static bool has(struct str text, const char *part)
{
    return str_find(text, str_from(part)) != STR_NPOS;
}

static const char *operation_of(const struct http_call *call)
{
    static const char *const names[] = {"getCCMVersion", "listExpresswayCConfiguration",
                                        "addExpresswayCConfiguration",
                                        "updateExpresswayCConfiguration"};
    for (size_t i = 0; i < 4; i++)
        if (has(call->body, names[i])) return names[i];
    return "feed";
}

static void fetch(void *ctx, const struct http_call *call, struct arena *arena,
                  struct http_answer *answer)
{
    struct world *w = ctx;
    const char *operation = operation_of(call);
    (void)arena;
    size_t n = strlen(w->asked);
    snprintf(w->asked + n, sizeof w->asked - n, "%s%s%s; ", operation,
             has(call->url, "after=") ? "+" : "", call->bearer.n > 0 ? " pass" : "");
    if (call->body.n > 0) snprintf(w->last_body, sizeof w->last_body, "%.*s", STR_ARG(call->body));
    w->was_verified = !call->is_unverified;
    assert_str("PEM", call->ca_pem);
    assert_true(str_starts(call->url, STR("https://ucm1.example.com:8443/")));
    *answer = (struct http_answer){.failure = w->failure, .status = w->status ? w->status : 200};
    if (w->failure != HTTP_FAIL_NONE) {
        snprintf(answer->why, sizeof answer->why, "ucm1 does not do it");
        return;
    }
    bool is_feed = strcmp(operation, "feed") == 0;
    if (is_feed && w->feed_status) answer->status = w->feed_status;
    if (is_feed && w->feed_status == 401 && call->bearer.n == 0) answer->status = 200;
    answer->body =
        is_feed ? str_from(w->feed)
        : strcmp(operation, "getCCMVersion") == 0
            ? STR(RETURN("<componentVersion><version>12.5.1</version></componentVersion>"))
        : str_starts(str_from(operation), STR("list")) ? str_from(w->rows)
                                                       : STR(RETURN("{uuid}"));
    if (w->is_silent) answer->body = STR("");
}

static enum rc identity(void *ctx, struct arena *arena, struct edge_identity *out)
{
    (void)ctx, (void)arena;
    *out = (struct edge_identity){true, STR("exp-c"), STR("exp-c.example.com,exp-c")};
    return RC_OK;
}

static enum rc trust(void *ctx, struct arena *arena, struct str *pem)
{
    (void)ctx, (void)arena;
    *pem = STR("PEM");
    return RC_OK;
}

static void on_change(void *ctx, struct edge_follower *f)
{
    struct world *w = ctx;
    (void)f;
    w->changes++;
}

static struct edge_follower_config config_of(struct world *w)
{
    return (struct edge_follower_config){.address = STR("ucm1.example.com"),
                                         .username = STR("edge"),
                                         .password = STR("edge secret 1"),
                                         .port = 8443,
                                         .tls_verify = true,
                                         .clock = kit_clock(&w->now),
                                         .log = &w->log,
                                         .fetch = fetch,
                                         .identity = identity,
                                         .trust = trust,
                                         .on_change = on_change,
                                         .ctx = w};
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->log = kit_log(&w->lines);
    struct edge_follower_config c = config_of(w);
    w->feed = "{\"version\":\"v1\",\"pass\":\"p1\"," CLUSTER("5091") "}";
    w->rows = RETURN("");
    if (edge_follower_new(&c, &w->f) != RC_OK) return -1;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    edge_follower_free(w->f);
    free(w);
    return 0;
}

static void assert_asked(struct world *w, const char *expected)
{
    assert_string_equal(expected, w->asked);
    w->asked[0] = '\0';
}

static struct edge_follower_view view(struct world *w)
{
    struct edge_follower_view v;
    edge_follower_look(w->f, &v);
    return v;
}

static void test_the_first_step_reads_all_and_makes_the_edge_known(void **state)
{
    struct world *w = *state;
    assert_int_equal(EDGE_UCM_NEW, view(w).state);
    assert_null(edge_follower_cluster(w->f));
    assert_int_equal(EDGE_FOLLOW_MS, edge_follower_step(w->f));
    assert_asked(w, "getCCMVersion; feed; listExpresswayCConfiguration; "
                    "addExpresswayCConfiguration; ");
    assert_true(
        has(str_from(w->last_body), "<description>this is added through axl</description>"));
    assert_true(has(str_from(w->last_body), "<HostNameOrIP>exp-c</HostNameOrIP>"));
    assert_true(has(str_from(w->last_body), ">exp-c.example.com,exp-c</X509"));
    assert_true(w->was_verified);
    assert_int_equal(EDGE_UCM_FOLLOWED, view(w).state);
    assert_string_equal("12.5.1", view(w).release);
    assert_int_equal(1, view(w).node_count);
    assert_int_equal(1, w->changes);
    struct edge_cluster *c = edge_follower_cluster(w->f);
    assert_int_equal(5091, c->nodes[0].mra_port);
    edge_cluster_unref(c);
    assert_true(kit_log_has(&w->lines, "ucm.told"));
    assert_false(kit_log_has(&w->lines, "edge secret 1"));
}

static void test_then_only_what_is_new_is_asked_by_the_pass(void **state)
{
    struct world *w = *state;
    edge_follower_step(w->f);
    w->asked[0] = '\0';
    w->feed = "{\"version\":\"v1\"}";
    assert_int_equal(EDGE_FOLLOW_MS, edge_follower_step(w->f));
    assert_asked(w, "feed+ pass; ");
    assert_int_equal(1, w->changes);
    w->feed = "{\"version\":\"v2\"," CLUSTER("6091") "}";
    edge_follower_step(w->f);
    assert_int_equal(2, w->changes);
    struct edge_cluster *c = edge_follower_cluster(w->f);
    assert_int_equal(6091, c->nodes[0].mra_port);
    edge_cluster_unref(c);
}

static void test_a_pass_that_is_over_is_renewed_in_the_same_step(void **state)
{
    struct world *w = *state;
    edge_follower_step(w->f);
    w->asked[0] = '\0';
    w->feed_status = 401; /* to a pass */
    w->rows = RETURN(ROW("EXP-C", "exp-c.example.com,exp-c"));
    assert_int_equal(EDGE_FOLLOW_MS, edge_follower_step(w->f));
    assert_asked(w, "feed+ pass; getCCMVersion; feed; listExpresswayCConfiguration; ");
    assert_int_equal(EDGE_UCM_FOLLOWED, view(w).state);
}

static void test_a_row_with_other_names_is_updated_and_an_equal_one_left(void **state)
{
    struct world *w = *state;
    w->rows = RETURN(ROW("other", "x") ROW("exp-c", "old.example.com"));
    edge_follower_step(w->f);
    assert_asked(w, "getCCMVersion; feed; listExpresswayCConfiguration; "
                    "updateExpresswayCConfiguration; ");
    w->rows = RETURN(ROW("exp-c", "exp-c.example.com,exp-c"));
    edge_follower_renew(w->f);
    edge_follower_step(w->f);
    assert_asked(w, "getCCMVersion; feed; listExpresswayCConfiguration; ");
}

static void test_failures_are_explained_and_tried_again_with_growing_pauses(void **state)
{
    struct world *w = *state;
    int64_t pauses[] = {2000, 4000, 8000, 16000, 32000, 60000, 60000};
    w->failure = HTTP_FAIL_TLS_UNTRUSTED;
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++)
        assert_int_equal(pauses[i], edge_follower_step(w->f));
    struct edge_follower_view v = view(w);
    assert_int_equal(EDGE_UCM_FAILING, v.state);
    assert_string_equal("ucm1 does not do it", v.problem.text);
    assert_non_null(strstr(v.problem.fix, "set cert import trust tomcat"));
    assert_int_equal(1, w->changes); /* told once, not with each failure */
    w->failure = HTTP_FAIL_NONE;
    assert_int_equal(EDGE_FOLLOW_MS, edge_follower_step(w->f));
    assert_string_equal("", view(w).problem.text);
    w->failure = HTTP_FAIL_REFUSED;
    assert_int_equal(2000, edge_follower_step(w->f));
    assert_int_equal(1, view(w).node_count); /* what is known stays */
    struct edge_cluster *c = edge_follower_cluster(w->f);
    assert_non_null(c);
    edge_cluster_unref(c);
}

static void test_each_refusal_has_its_cure(void **state)
{
    struct world *w = *state;
    static const struct {
        int status;
        enum rc rc;
        const char *text, *fix;
    } rows[] = {
        {401, RC_DENIED, "does not take the name edge", "--username and --password-file"},
        {403, RC_DENIED, "edge may not use AXL", "user update edge --role axl"},
        {404, RC_NOT_FOUND, "has no AXL", "HTTPS port of a call server"},
        {503, RC_IO, "left alone", "asked again"},
        {500, RC_IO, "answered 500", "log"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct edge_problem p;
        struct edge_follower_config c = config_of(w);
        w->status = rows[i].status;
        w->is_silent = true;
        assert_rc(rows[i].rc, edge_follower_try(&c, &p));
        assert_non_null(strstr(p.text, rows[i].text));
        assert_non_null(strstr(p.fix, rows[i].fix));
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_the_first_step_reads_all_and_makes_the_edge_known),
        T(test_then_only_what_is_new_is_asked_by_the_pass),
        T(test_a_pass_that_is_over_is_renewed_in_the_same_step),
        T(test_a_row_with_other_names_is_updated_and_an_equal_one_left),
        T(test_failures_are_explained_and_tried_again_with_growing_pauses),
        T(test_each_refusal_has_its_cure),
    };
    return cmocka_run_group_tests_name("edge/follower", tests, NULL, NULL);
}
