/* Settings that do not go together, one by one. */
#include "kit/kit.h"

#include "edge/agreement.h"
#include "edge/cluster.h"

static void test_each_difference_is_named_with_the_side_that_must_change(void **state)
{
    (void)state;
    static const struct {
        struct edge_settings edge;
        bool mode, refresh;
        uint16_t port;
        size_t count;
        const char *text, *fix; /* of the first */
    } rows[] = {
        {{true, true}, true, true, 5091, 0, "", ""},
        {{false, true}, true, true, 5091, 1, "is Off on this edge", "Here: param set"},
        {{true, true},
         false,
         true,
         5091,
         1,
         "SIP OAuth mode is disabled there",
         "utils sipOAuth-mode enable"},
        {{true, true}, true, true, 0, 1, "no node of it has", "--sip-mra-oauth-port"},
        {{true, true},
         true,
         false,
         5091,
         1,
         "configuration mismatch: this edge authorizes",
         "On the call server: param set OAuthRefreshLoginFlow 1"},
        {{true, false},
         true,
         true,
         5091,
         1,
         "configuration mismatch: the call server",
         "Here: param set EdgeAuthorizeByTokenWithRefresh 1"},
        {{false, true}, false, false, 0, 3, "is Off on this edge", "Here"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct edge_problem found[EDGE_DISAGREEMENTS_MAX] = {{.text = ""}};
        struct edge_node node = {.mra_port = rows[i].port};
        struct edge_cluster cluster = {.nodes = &node,
                                       .node_count = 1,
                                       .sip_oauth_mode = rows[i].mode,
                                       .refresh_login = rows[i].refresh};
        assert_int_equal(rows[i].count,
                         edge_disagreements(&rows[i].edge, &cluster, STR("ucm1"), found));
        assert_non_null(strstr(found[0].text, rows[i].text));
        assert_non_null(strstr(found[0].fix, rows[i].fix));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_difference_is_named_with_the_side_that_must_change),
    };
    return cmocka_run_group_tests_name("edge/agreement", tests, NULL, NULL);
}
