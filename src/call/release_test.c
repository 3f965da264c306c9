#include "kit/kit.h"

#include "call/bed.h"
#include "call/call_int.h"

static struct location_binding binding_of(const struct siptx_flow *f, enum location_dialect dialect)
{
    return (struct location_binding){.device = STR("CSFrado"),
                                     .line = STR("10#10"),
                                     .contact = STR("sip:uuid-1@10.10.10.10:62162;transport=tls"),
                                     .flow = f->id,
                                     .dialect = (uint8_t)dialect};
}

/* RFC 6665, 3.1.2 and 4.2.2: what a NOTIFY must bear, and one that begins no dialog of its own. */
static void test_a_phone_let_go_is_notified(void **state)
{
    static const char *const lines[] = {
        "NOTIFY sip:uuid-1@10.10.10.10:62162;transport=tls SIP/2.0\r\n",
        "\r\nVia: SIP/2.0/TLS ",
        "\r\nFrom: <sip:10%2310@10.10.10.1:5090>;tag=",
        "\r\nTo: <sip:uuid-1@10.10.10.10:62162;transport=tls>\r\n",
        "\r\nContact: <sip:10%2310@10.10.10.1:5090;transport=tls>\r\n",
        "\r\nCall-ID: ",
        "\r\nCSeq: 1 NOTIFY\r\n",
        "\r\nMax-Forwards: 70\r\n",
        "\r\nEvent: service-control\r\n",
        "\r\nSubscription-State: terminated;reason=noresource\r\n",
        "\r\nContent-Type: text/plain\r\n",
        "\r\n\r\naction=released\r\nreason=duplicate-registration\r\nDeviceName=CSFrado\r\n",
    };
    (void)state;
    struct bed *b = bed_new();
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    struct location_binding binding = binding_of(f, LOCATION_CISCO);
    uint64_t id = f->id;
    call_release_here(b->node, b->stack, &binding, CALL_RELEASE_DUPLICATE);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!bed_answer_has(b, lines[i])) fail_msg("no %s in\n%s", lines[i], b->sent);
    assert_null(siptx_flow_find(b->stack, id)); /* and its connection ends */
    bed_free(b);
}

static void test_an_operators_reset_says_so(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    struct location_binding binding = binding_of(f, LOCATION_CISCO);
    call_release_here(b->node, b->stack, &binding, CALL_RELEASE_RESET);
    assert_true(bed_answer_has(b, "\r\n\r\naction=reset\r\nreason=reset\r\n"));
    bed_free(b);
}

static void test_others_hear_it_by_the_close(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    struct siptx_flow *f = bed_flow(b, SIPTX_TLS, CALL_OAUTH, 62162);
    struct siptx_flow *edge = bed_flow(b, SIPTX_TLS, CALL_MRA, 62163);
    struct location_binding binding = binding_of(f, LOCATION_STANDARD);
    uint64_t id = f->id, edge_id = edge->id;
    call_release_here(b->node, b->stack, &binding, CALL_RELEASE_REVOKED);
    assert_null(siptx_flow_find(b->stack, id));
    binding = binding_of(edge, LOCATION_CISCO);
    call_release_here(b->node, b->stack, &binding, CALL_RELEASE_MOVED);
    assert_non_null(siptx_flow_find(b->stack, edge_id)); /* it carries other phones */
    assert_int_equal(0, b->sent_n);                      /* neither was told anything */
    bed_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_phone_let_go_is_notified),
        cmocka_unit_test(test_an_operators_reset_says_so),
        cmocka_unit_test(test_others_hear_it_by_the_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
