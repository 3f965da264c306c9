#include "admin/soap.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct arena a;
    struct soap_call call;
    struct soap_answer answer;
    struct str pkid;
    struct buf out;
    const char *why = NULL;
    arena_init(&a, NULL, 0, 4 << 20);
    buf_init(&out, 1 << 20);
    if (soap_read(str_of((const char *)p, n), &a, &call, &why) != RC_OK) {
        CHECK(why != NULL);
        soap_fault(&out, true, 5003, str_from(why), call.operation);
    } else {
        char uuid[SOAP_UUID_LEN + 1];
        struct str text = xml_text(call.args, "uuid");
        soap_answer_begin(&answer, &out, &call);
        if (soap_read_uuid(text, &a, &pkid) == RC_OK) {
            soap_print_uuid(pkid, uuid);
            CHECK(pkid.n == 36 && str_eq_nocase(str_sub(str_from(uuid), 1, 37), pkid));
        }
        xml_put_text(&answer.xml, text);
        (void)soap_like(text, xml_text(call.args, "searchCriteria/name"));
        enum rc rc = soap_answer_end(&answer);
        CHECK(rc == RC_OK || rc == RC_TOO_BIG || rc == RC_NOMEM);
    }
    buf_fini(&out);
    arena_fini(&a);
    return 0;
}
