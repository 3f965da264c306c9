/* Every message of RFC 4475 and RFC 5118 against data/sip-torture/expectations.tsv. */
#include "kit/kit.h"

#include "sip/print.h"
#include "sip/validate.h"
#include <stdio.h>

enum { COLUMN_COUNT = 6 };

struct row {
    struct str file, section, message, datagram, stream, udp;
};

static void check_reprint(const struct sip_message *m)
{
    struct sip_message *again = malloc(sizeof(*again));
    struct buf out;
    assert_non_null(again);
    buf_init(&out, 1u << 20);
    sip_message_print(&out, m);
    assert_rc(RC_OK, buf_rc(&out));
    assert_rc(RC_OK, sip_message_parse(buf_str(&out), SIP_STREAM, again, NULL));
    assert_true(sip_message_eq(m, again));
    buf_fini(&out);
    free(again);
}

/* The outcome in the words of the table. */
static const char *outcome(struct str bytes, enum sip_arrival arrival, char text[16])
{
    struct sip_message *m = malloc(sizeof(*m));
    struct sip_basics basics;
    struct sip_verdict v;
    assert_non_null(m);
    if (sip_message_parse(bytes, arrival, m, NULL) != RC_OK) {
        free(m);
        return "malformed";
    }
    sip_validate(m, arrival, &basics, &v);
    if (v.action == SIP_ACCEPT) check_reprint(m);
    free(m);
    if (v.action == SIP_ACCEPT) return "accept";
    if (v.action == SIP_DROP) return "drop";
    assert_true(strlen(v.reason) > strlen("Bad Request: "));
    (void)snprintf(text, 16, "%s%u", v.must_close ? "close" : "", v.status);
    return text;
}

static const char *stream_outcome(struct str bytes, char text[16])
{
    struct sip_frame f;
    struct sip_framed framed;
    sip_frame_init(&f, SIP_MESSAGE_MAX, false);
    enum rc rc = sip_frame_step(&f, bytes, &framed, NULL);
    if (rc == RC_MORE) return "more";
    if (rc == RC_OK) return outcome(str_sub(bytes, 0, framed.n), SIP_STREAM, text);
    return f.head_n == 0 ? "malformed" : outcome(str_sub(bytes, 0, f.head_n), SIP_STREAM, text);
}

static bool row_read(struct str line, struct row *r)
{
    struct str *columns[COLUMN_COUNT] = {&r->file,     &r->section, &r->message,
                                         &r->datagram, &r->stream,  &r->udp};
    if (line.n == 0 || line.p[0] == '#') return false;
    for (int i = 0; i < COLUMN_COUNT; i++)
        assert_true(str_split(&line, '\t', columns[i]));
    return true;
}

static void row_check(const struct row *r)
{
    char path[256], text[16];
    (void)snprintf(path, sizeof(path), "sip-torture/%.*s", STR_ARG(r->file));
    struct str file = kit_data(path), bytes = kit_guard(file);
    const char *datagram = outcome(bytes, SIP_DATAGRAM, text);
    if (!str_eq(str_from(datagram), r->datagram))
        fail_msg("%s as a datagram: %s, expected %.*s", path, datagram, STR_ARG(r->datagram));
    const char *stream = stream_outcome(bytes, text);
    if (!str_eq(str_from(stream), r->stream))
        fail_msg("%s on a stream: %s, expected %.*s", path, stream, STR_ARG(r->stream));
    kit_guard_free(bytes);
    free((void *)(uintptr_t)file.p);
}

static void test_every_message_as_the_table_says(void **state)
{
    (void)state;
    struct str table = kit_data("sip-torture/expectations.tsv"), rest = table, line;
    struct row r;
    unsigned rows = 0;
    while (str_split(&rest, '\n', &line)) {
        if (!row_read(line, &r)) continue;
        row_check(&r);
        rows++;
    }
    assert_int_equal(49 + 1 + 12, rows);
    free((void *)(uintptr_t)table.p);
}

/* One message in one vector: parsed, and given to a check. */
static void with_message(const char *name,
                         void (*check)(const struct sip_message *m, const struct sip_basics *b))
{
    struct sip_message *m = malloc(sizeof(*m));
    struct sip_basics basics;
    struct sip_verdict v;
    struct str file = kit_data(name);
    assert_non_null(m);
    assert_rc(RC_OK, sip_message_parse(file, SIP_DATAGRAM, m, NULL));
    sip_validate(m, SIP_DATAGRAM, &basics, &v);
    assert_int_equal(SIP_ACCEPT, v.action);
    check(m, &basics);
    free(m);
    free((void *)(uintptr_t)file.p);
}

static void check_wsinv(const struct sip_message *m, const struct sip_basics *b)
{
    assert_int_equal(9, b->cseq.number);
    assert_int_equal(68, b->max_forwards);
    assert_str("1918181833n", b->to_tag);
    assert_str("98asjd8", b->from_tag);
    assert_int_equal(2, sip_message_count(m, SIP_HEADER_VIA));
    struct sip_values vias;
    struct str value;
    unsigned count = 0;
    sip_values_init(&vias, m, SIP_HEADER_VIA);
    while (sip_values_next(&vias, &value) == RC_OK) {
        struct sip_via via;
        assert_rc(RC_OK, sip_via_parse(value, &via, NULL));
        count++;
    }
    assert_int_equal(3, count);
    const struct sip_header *odd = sip_message_by_name(m, STR("NewFangledHeader"), NULL);
    assert_non_null(odd);
    odd = sip_message_by_name(m, STR("unknownheaderwithunusualvalue"), NULL);
    assert_non_null(odd);
    assert_str(";;,,;;,;", odd->value);
}

static void test_wsinv_reads_through_its_folds(void **state)
{
    (void)state;
    with_message("sip-torture/wsinv.dat", check_wsinv);
}

static void check_intmeth(const struct sip_message *m, const struct sip_basics *b)
{
    assert_int_equal(SIP_METHOD_OTHER, m->method);
    assert_true(str_eq(m->method_text, b->cseq.method_text));
    assert_non_null(memchr(b->to.display.p, '\0', b->to.display.n));
}

static void test_intmeth_keeps_nul_and_odd_method(void **state)
{
    (void)state;
    with_message("sip-torture/intmeth.dat", check_intmeth);
}

static void check_escnull(const struct sip_message *m, const struct sip_basics *b)
{
    struct arena arena;
    struct str key;
    arena_init(&arena, NULL, 0, 4096);
    assert_rc(RC_OK, sip_uri_aor(&b->to_uri, &arena, &key));
    static const char expected[] = "sip:null-\0-null@example.com";
    assert_true(str_eq(key, str_of(expected, sizeof(expected) - 1)));
    assert_int_equal(2, sip_message_count(m, SIP_HEADER_CONTACT));
    arena_fini(&arena);
}

static void test_escnull_does_not_cut_the_user(void **state)
{
    (void)state;
    with_message("sip-torture/escnull.dat", check_escnull);
}

static void check_semiuri(const struct sip_message *m, const struct sip_basics *b)
{
    (void)m;
    assert_str("user;par=u%40example.net", b->uri.user);
    assert_int_equal(0, b->uri.params.n);
}

static void test_semiuri_has_no_parameters(void **state)
{
    (void)state;
    with_message("sip-torture/semiuri.dat", check_semiuri);
}

static void check_cparam01(const struct sip_message *m, const struct sip_basics *b)
{
    (void)b;
    struct sip_nameaddr n;
    struct sip_uri uri;
    assert_rc(RC_OK,
              sip_nameaddr_parse_uri(sip_message_value(m, SIP_HEADER_CONTACT), &n, &uri, NULL));
    assert_str(";unknownparam", n.params);
    assert_int_equal(0, uri.params.n);
}

static void check_cparam02(const struct sip_message *m, const struct sip_basics *b)
{
    (void)b;
    struct sip_nameaddr n;
    struct sip_uri uri;
    assert_rc(RC_OK,
              sip_nameaddr_parse_uri(sip_message_value(m, SIP_HEADER_CONTACT), &n, &uri, NULL));
    assert_int_equal(0, n.params.n);
    assert_str(";unknownparam", uri.params);
}

static void test_contact_parameters_stay_on_their_side(void **state)
{
    (void)state;
    with_message("sip-torture/cparam01.dat", check_cparam01);
    with_message("sip-torture/cparam02.dat", check_cparam02);
}

static void check_mpart01(const struct sip_message *m, const struct sip_basics *b)
{
    (void)b;
    assert_non_null(memchr(m->body.p, '\0', m->body.n));
}

static void test_mpart01_body_keeps_its_nuls(void **state)
{
    (void)state;
    with_message("sip-torture/mpart01.dat", check_mpart01);
}

static void check_received(const struct sip_message *m, const struct sip_basics *b)
{
    (void)m;
    assert_str("2001:db8::9:255", b->via.received);
}

static void test_received_with_and_without_brackets(void **state)
{
    (void)state;
    with_message("sip-torture/rfc5118-wire/via-received-param-with-delim.dat", check_received);
    with_message("sip-torture/rfc5118-wire/via-received-param-no-delim.dat", check_received);
}

static void check_port_ambiguous(const struct sip_message *m, const struct sip_basics *b)
{
    (void)m;
    assert_int_equal(0, b->uri.port);
    assert_str("2001:db8::10:5070", b->uri.host.text);
}

static void check_port_unambiguous(const struct sip_message *m, const struct sip_basics *b)
{
    (void)m;
    assert_int_equal(5070, b->uri.port);
    assert_str("2001:db8::10", b->uri.host.text);
}

static void test_port_stands_outside_brackets(void **state)
{
    (void)state;
    with_message("sip-torture/rfc5118-wire/port-ambiguous.dat", check_port_ambiguous);
    with_message("sip-torture/rfc5118-wire/port-unambiguous.dat", check_port_unambiguous);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_message_as_the_table_says),
        cmocka_unit_test(test_wsinv_reads_through_its_folds),
        cmocka_unit_test(test_intmeth_keeps_nul_and_odd_method),
        cmocka_unit_test(test_escnull_does_not_cut_the_user),
        cmocka_unit_test(test_semiuri_has_no_parameters),
        cmocka_unit_test(test_contact_parameters_stay_on_their_side),
        cmocka_unit_test(test_mpart01_body_keeps_its_nuls),
        cmocka_unit_test(test_received_with_and_without_brackets),
        cmocka_unit_test(test_port_stands_outside_brackets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
