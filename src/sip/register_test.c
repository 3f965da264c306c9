/* The REGISTER of a phone with a bearer token, read whole without touching the heap. */
#include "kit/kit.h"

#include "sip/auth.h"
#include "sip/multipart.h"
#include "sip/sample_int.h"
#include "sip/validate.h"

static struct sip_message message;

struct reading {
    struct sip_basics basics;
    struct sip_verdict verdict;
    struct sip_nameaddr contact;
    struct sip_uri contact_uri;
    struct str device, token;
    uint32_t expires;
};

static void read_register(struct str bytes, struct reading *r)
{
    struct sip_frame f;
    struct sip_framed framed;
    struct sip_auth auth;
    sip_frame_init(&f, SIP_MESSAGE_MAX, false);
    assert_rc(RC_OK, sip_frame_step(&f, bytes, &framed, NULL));
    assert_int_equal(bytes.n, framed.n);
    assert_rc(RC_OK, sip_message_parse(str_sub(bytes, 0, framed.n), SIP_STREAM, &message, NULL));
    sip_validate(&message, SIP_STREAM, &r->basics, &r->verdict);
    struct str contact = sip_message_value(&message, SIP_HEADER_CONTACT);
    assert_rc(RC_OK, sip_nameaddr_parse_uri(contact, &r->contact, &r->contact_uri, NULL));
    r->device = sip_param_value(r->contact.params, STR("+u.sip!devicename.ccm.cisco.com"));
    assert_rc(RC_OK, sip_expires(&message, &r->expires));
    struct str credentials = sip_message_value(&message, SIP_HEADER_PROXY_AUTHORIZATION);
    assert_rc(RC_OK, sip_auth_parse(credentials, &auth, NULL));
    assert_rc(RC_OK, sip_auth_bearer(&auth, &r->token));
}

static void test_register_reads_without_heap(void **state)
{
    (void)state;
    struct buf b;
    struct reading r;
    buf_init(&b, 65536);
    sample_register(&b);
    assert_rc(RC_OK, buf_rc(&b));
    struct str bytes = kit_guard(buf_str(&b));
    unsigned long before = kit_alloc_count();
    read_register(bytes, &r);
    assert_int_equal(before, kit_alloc_count());
    assert_int_equal(SIP_ACCEPT, r.verdict.action);
    assert_int_equal(SIP_METHOD_REGISTER, message.method);
    assert_int_equal(2271, r.basics.cseq.number);
    assert_str("z9hG4bK0000118a", r.basics.via.branch);
    assert_int_equal(62162, r.basics.via.port);
    assert_int_equal(SIP_TRANSPORT_TLS, r.basics.via.transport);
    assert_str("882323451234089000003bdd-00005eff", r.basics.from_tag);
    assert_str("1010", r.basics.to_uri.user);
    assert_str("88232345-12340017-00001c0b-00000cfa@10.10.10.10", r.basics.call_id);
    assert_str("CSFrado", r.device);
    assert_str("8d1ec2a1-7a3b-4c5d-9e6f-0a1b2c3d4e5f", r.contact_uri.user);
    assert_int_equal(3600, r.expires);
    assert_int_equal(SAMPLE_TOKEN_N, r.token.n);
    assert_int_equal(SAMPLE_BODY_N, message.body.n);
    kit_guard_free(bytes);
    buf_fini(&b);
}

static void test_register_body_has_two_parts(void **state)
{
    (void)state;
    struct buf b;
    struct sip_multipart parts;
    struct sip_part part;
    buf_init(&b, 65536);
    sample_register(&b);
    assert_rc(RC_OK, sip_message_parse(buf_str(&b), SIP_STREAM, &message, NULL));
    struct str type = sip_message_value(&message, SIP_HEADER_CONTENT_TYPE);
    assert_rc(RC_OK, sip_multipart_begin(&parts, type, message.body));
    for (int i = 0; i < 2; i++) {
        assert_rc(RC_OK, sip_multipart_next(&parts, &part));
        assert_str("application/x-cisco-remotecc-request+xml", part.content_type);
        assert_str("session;handling=optional", part.content_disposition);
        assert_true(str_starts(part.body, STR("<?xml")));
    }
    assert_rc(RC_NOT_FOUND, sip_multipart_next(&parts, &part));
    buf_fini(&b);
}

static void test_register_byte_by_byte_frames_once(void **state)
{
    (void)state;
    struct buf b;
    struct sip_frame f;
    struct sip_framed framed;
    buf_init(&b, 65536);
    sample_register(&b);
    sip_frame_init(&f, SIP_MESSAGE_MAX, false);
    for (size_t n = 1; n < b.n; n++) {
        size_t scanned = f.scanned;
        assert_rc(RC_MORE, sip_frame_step(&f, str_of(b.p, n), &framed, NULL));
        assert_true(f.scanned >= scanned);
    }
    assert_rc(RC_OK, sip_frame_step(&f, buf_str(&b), &framed, NULL));
    assert_int_equal(b.n, framed.n);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_register_reads_without_heap),
        cmocka_unit_test(test_register_body_has_two_parts),
        cmocka_unit_test(test_register_byte_by_byte_frames_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
