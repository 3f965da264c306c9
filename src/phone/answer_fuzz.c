/* Any message as the answer to a REGISTER, and any body as a push: reading never fails, and what a
 * person is shown holds no control characters. */
#include "base/check.h"
#include "phone/register.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct sip_message m;
    struct phone_answer answer;
    struct phone_refusal why;
    struct phone_problem p;
    struct phone_digest digest;
    struct str bytes = {(const char *)data, size};
    arena_init(&a, NULL, 0, 4 << 20);
    enum phone_control control = phone_control_parse(bytes, STR("CSFrado"));
    CHECK(control <= PHONE_CONTROL_RESET);
    if (sip_message_parse(bytes, SIP_DATAGRAM, &m, NULL) == RC_OK && !m.is_request) {
        phone_answer_read(&m, STR("sip:u@127.0.0.1:1;transport=tls"), 3600, &a, &answer, &why);
        phone_refusal_explain(&p, &answer, &why, STR("ucm1:5090"), STR("CSFrado"),
                              PHONE_CHALLENGE_BEARER);
        for (const char *c = p.text; *c; c++)
            CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
        if (phone_digest_read(&m, &a, &digest) == RC_OK) CHECK(digest.nonce[0]);
    }
    arena_fini(&a);
    return 0;
}
