/* A message in every reading: as a datagram and as a stream's; what is accepted prints and parses back
 * equal, and every field parser that applies runs over its header fields. */
#include "base/check.h"
#include "sip/auth.h"
#include "sip/date.h"
#include "sip/mask.h"
#include "sip/multipart.h"
#include "sip/print.h"
#include "sip/validate.h"
#include "sip/warning.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_uri(struct str text, struct arena *arena)
{
    struct sip_uri uri;
    struct str aor;
    if (sip_uri_parse(text, &uri, NULL) != RC_OK) return;
    CHECK(sip_uri_eq(&uri, &uri));
    if (sip_uri_aor(&uri, arena, &aor) == RC_OK) CHECK(aor.n > 4);
}

static void fuzz_address(struct str value, struct arena *arena)
{
    struct sip_nameaddr n;
    struct str display;
    unsigned q;
    uint32_t expires;
    if (sip_nameaddr_parse(value, &n, NULL) != RC_OK) return;
    CHECK(sip_params_check(n.params, NULL) == RC_OK);
    (void)!sip_nameaddr_display(&n, arena, &display);
    (void)!sip_nameaddr_q(&n, &q);
    (void)!sip_nameaddr_expires(&n, &expires);
    fuzz_uri(n.uri, arena);
}

static void fuzz_header(const struct sip_header *h, struct arena *arena)
{
    struct sip_auth auth;
    struct sip_digest digest;
    struct sip_content_type type;
    struct sip_warning warning;
    struct sip_rack rack;
    struct str token;
    uint32_t seconds;
    int64_t unix_s;
    fuzz_address(h->value, arena);
    if (sip_auth_parse(h->value, &auth, NULL) == RC_OK) {
        (void)!sip_auth_bearer(&auth, &token);
        (void)!sip_digest_get(&auth, arena, &digest);
    }
    (void)!sip_content_type_parse(h->value, &type);
    (void)!sip_warning_parse(h->value, &warning);
    (void)!sip_rack_parse(h->value, &rack);
    (void)!sip_seconds_parse(h->value, &seconds);
    (void)!sip_date_parse(h->value, &unix_s);
}

static void fuzz_accepted(const struct sip_message *m)
{
    static struct sip_message again;
    struct sip_basics basics;
    struct sip_verdict verdict;
    struct buf out;
    buf_init(&out, 1u << 20);
    sip_message_print(&out, m);
    CHECK(buf_rc(&out) == RC_OK);
    CHECK(sip_message_parse(buf_str(&out), SIP_STREAM, &again, NULL) == RC_OK);
    CHECK(sip_message_eq(m, &again));
    sip_validate(&again, SIP_STREAM, &basics, &verdict);
    CHECK(verdict.action == SIP_ACCEPT);
    buf_fini(&out);
}

/* Whatever is answered, the answer's own head is a message again and carries no line of the peer's making. */
static void fuzz_answer(const struct sip_message *m)
{
    static struct sip_message answer;
    const struct sip_via_fix fix = {STR("192.0.2.1"), 5060};
    struct buf out;
    buf_init(&out, 1u << 20);
    sip_response_begin(&out, m, 400, STR(""), STR("t"), &fix);
    sip_print_body(&out, STR(""), STR(""));
    CHECK(buf_rc(&out) == RC_OK);
    CHECK(sip_message_parse(buf_str(&out), SIP_STREAM, &answer, NULL) == RC_OK);
    CHECK(answer.status == 400 && answer.body_state == SIP_BODY_OK && answer.body.n == 0);
    CHECK(answer.fault.rc == RC_OK || answer.fault.rc == RC_TOO_BIG);
    CHECK(sip_message_count(&answer, SIP_HEADER_CONTENT_LENGTH) <= 1);
    buf_fini(&out);
}

static void fuzz_body(const struct sip_message *m)
{
    struct sip_multipart parts;
    struct sip_part part;
    if (sip_multipart_begin(&parts, sip_message_value(m, SIP_HEADER_CONTENT_TYPE), m->body) !=
        RC_OK)
        return;
    while (sip_multipart_next(&parts, &part) == RC_OK)
        CHECK(part.body.n <= m->body.n);
}

static void fuzz_arrival(struct str bytes, enum sip_arrival arrival)
{
    static struct sip_message m;
    struct sip_basics basics;
    struct sip_verdict verdict;
    struct arena arena;
    if (sip_message_parse(bytes, arrival, &m, NULL) != RC_OK) return;
    arena_init(&arena, NULL, 0, 1u << 22);
    for (unsigned i = 0; i < m.header_count; i++)
        fuzz_header(&m.headers[i], &arena);
    fuzz_uri(m.uri, &arena);
    fuzz_body(&m);
    sip_validate(&m, arrival, &basics, &verdict);
    if (verdict.action == SIP_ACCEPT) fuzz_accepted(&m);
    if (verdict.action == SIP_ANSWER || (m.is_request && verdict.action == SIP_ACCEPT))
        fuzz_answer(&m);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = bytes_str(bytes_of(data, size));
    struct buf masked;
    fuzz_arrival(bytes, SIP_DATAGRAM);
    fuzz_arrival(bytes, SIP_STREAM);
    buf_init(&masked, 1u << 22);
    sip_mask_print(&masked, bytes);
    buf_fini(&masked);
    return 0;
}
