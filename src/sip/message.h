/* sip/message.h - index of a SIP message: start line, header fields with known ids, body. One pass
 * over the head, no copy, no allocation: everything points into the caller's bytes, which must stay
 * while the message is used. Values are parsed on demand (via.h, nameaddr.h, auth.h ...). What a
 * server must check before it uses a message is validate.h. Immutable once parsed: any thread may
 * read it. */
#ifndef SIP_MESSAGE_H
#define SIP_MESSAGE_H
#include "base/cur.h"
#include "sip/frame.h"
#include "sip/header.h"
#include "sip/method.h"

/* How the bytes came: tells where the body ends. */
enum sip_arrival {
    SIP_STREAM,   /* exactly the bytes sip_frame_step counted (or the head alone) */
    SIP_DATAGRAM, /* one datagram: bytes after the body are dropped, a missing Content-Length means
                     the rest */
};

enum { SIP_HEADER_NONE = 0xff }; /* no such header field (indexes below) */

struct sip_header {
    struct str name;  /* as it came */
    struct str value; /* outer white space taken off; may contain folds (CRLF and white space) */
    uint8_t id;       /* enum sip_header_id */
    uint8_t next;     /* index of the next one with this id (all unknown ones count as one id) */
};

enum sip_body_state {
    SIP_BODY_OK,
    SIP_BODY_NO_LENGTH,  /* stream: no Content-Length */
    SIP_BODY_BAD_LENGTH, /* Content-Length is no number, or two differ: body is empty */
    SIP_BODY_SHORT,      /* Content-Length is more than there is: body is what there is */
};

/* What was wrong first; the message can still be answered by its header fields. */
struct sip_fault {
    enum rc rc; /* RC_OK: nothing; RC_MALFORMED; RC_TOO_BIG: more than SIP_HEADER_MAX fields */
    const char *what; /* constant text: "Request-URI", "start line", "header line" */
    size_t offset;
};

struct sip_message {
    struct str bytes; /* start line to end of body */
    struct str head;  /* start line through the empty line */
    struct str body;
    bool is_request;
    enum sip_method method; /* request */
    struct str method_text; /* request */
    struct str uri;         /* request: Request-URI text */
    struct str version;     /* "SIP/2.0" or what stood there */
    unsigned status;        /* response: 100..699 */
    struct str reason;      /* response: may be empty; UTF-8 not checked */
    enum sip_body_state body_state;
    struct sip_fault fault;
    unsigned header_count;
    uint8_t
        first[SIP_HEADER_ID_COUNT]; /* index of the first header with that id or SIP_HEADER_NONE */
    uint8_t last[SIP_HEADER_ID_COUNT];
    struct sip_header headers[SIP_HEADER_MAX];
};

/* Indexes bytes. RC_OK even if out->fault or out->body_state tell of a fault that leaves the
 * message answerable; sip_validate turns those into an answer. RC_MALFORMED  not SIP: no start line
 * (so nobody to answer), a response with a code outside 100..699, a header line that never ends
 *   RC_TOO_BIG    start line over SIP_START_LINE_MAX
 * at may be NULL. *out is written in any case but means something on RC_OK only. */
MUST_CHECK enum rc sip_message_parse(struct str bytes, enum sip_arrival arrival,
                                     struct sip_message *out, struct parse_at *at);

/* The first header field of that id, or NULL. O(1). */
static inline const struct sip_header *sip_message_find(const struct sip_message *m,
                                                        enum sip_header_id id)
{
    return m->first[id] == SIP_HEADER_NONE ? NULL : &m->headers[m->first[id]];
}
/* The next one with the same id, or NULL. */
static inline const struct sip_header *sip_message_next(const struct sip_message *m,
                                                        const struct sip_header *h)
{
    return h->next == SIP_HEADER_NONE ? NULL : &m->headers[h->next];
}
/* Value of the first one of that id, or an empty slice. */
static inline struct str sip_message_value(const struct sip_message *m, enum sip_header_id id)
{
    const struct sip_header *h = sip_message_find(m, id);
    return h ? h->value : (struct str){NULL, 0};
}
unsigned sip_message_count(const struct sip_message *m, enum sip_header_id id);
/* By name, known or not, any case; after: NULL or the one found before. NULL when there is none. */
const struct sip_header *sip_message_by_name(const struct sip_message *m, struct str name,
                                             const struct sip_header *after);

#endif
