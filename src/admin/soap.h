/* admin/soap.h - AXL's envelope: SOAP 1.1 over HTTP with one operation in the body, and the answers to
 * it, as the public schema (AXLSoap.xsd 12.5 to 15.0) has them. Reading and writing only; what the
 * operations do is axl.h. */
#ifndef ADMIN_SOAP_H
#define ADMIN_SOAP_H
#include "base/arena.h"
#include "xml/reader.h"
#include "xml/writer.h"

struct soap_call {
    struct str operation; /* "getCallManager" */
    const char *version;  /* "12.5", "14.0", "15.0": of the namespace it is in */
    struct str sequence;  /* attribute; goes back in the answer; "" none */
    const struct xml_node
        *args; /* the operation's element; its children are looked up by xml_find */
};

/* Slices and nodes lie in the arena. why (constant, never NULL on failure) is a sentence.
 *   RC_MALFORMED    no XML, no SOAP 1.1 envelope, or not one operation in it
 *   RC_UNSUPPORTED  a namespace of no version served here;  RC_TOO_BIG, RC_NOMEM */
MUST_CHECK enum rc soap_read(struct str body, struct arena *arena, struct soap_call *out,
                             const char **why);

/* An answer under way. */
struct soap_answer {
    struct buf *out;
    struct xml_writer xml; /* what stands in <return> goes here */
    char element[96], namespace[64];
};
/* Envelope and <ns:operationResponse><return>, open. name: the operation's, constant text. */
void soap_answer_begin(struct soap_answer *a, struct buf *out, const struct soap_call *call);
/* Closes all; the buf's verdict. */
MUST_CHECK enum rc soap_answer_end(struct soap_answer *a);

/* "{8-4-4-4-12}", upper case as the reference writes uuids. */
enum { SOAP_UUID_LEN = 38 };
void soap_print_uuid(struct str pkid, char out[SOAP_UUID_LEN + 1]);
/* A uuid with or without braces, any case, as a pkid (lower case). RC_MALFORMED. */
MUST_CHECK enum rc soap_read_uuid(struct str text, struct arena *arena, struct str *pkid);
/* Does value match a search pattern with % for any run of letters, without case? */
bool soap_like(struct str value, struct str pattern);

/* A fault with axlError in its detail. operation may be "". */
void soap_fault(struct buf *out, bool is_clients, int code, struct str message,
                struct str operation);

#endif
