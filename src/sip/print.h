/* sip/print.h - writes messages: start lines, header lines, whole responses to a request, and a
 * parsed message again. Output goes straight to a struct buf, which remembers a failure; check
 * buf_rc once at the end. Texts given are written as they are: they must not hold CR or LF unless
 * said otherwise. */
#ifndef SIP_PRINT_H
#define SIP_PRINT_H
#include "base/buf.h"
#include "sip/message.h"
#include "sip/via.h"

void sip_print_request_line(struct buf *out, struct str method, struct str uri);
/* reason may be empty: the code's own phrase. CR, LF and other control bytes in it become spaces.
 */
void sip_print_status_line(struct buf *out, unsigned status, struct str reason);
/* "Name: valueCRLF"; folds in value become single spaces. */
void sip_print_header(struct buf *out, enum sip_header_id id, struct str value);
void sip_print_header_named(struct buf *out, struct str name, struct str value);
void sip_print_header_u64(struct buf *out, enum sip_header_id id, uint64_t value);
/* All header fields of that id as they stand, in order. */
void sip_print_copies(struct buf *out, const struct sip_message *from, enum sip_header_id id);
/* Content-Length, the empty line and the body: ends a message. With Content-Type when content_type
 * is not empty. */
void sip_print_body(struct buf *out, struct str content_type, struct str body);
/* The value with folds made single spaces, trimmed. */
void sip_print_unfolded(struct buf *out, struct str value);
/* "text" with quotes and needed escapes; control bytes become spaces. */
void sip_print_quoted(struct buf *out, struct str text);

/* "Via: SIP/2.0/TLS host:port;branch=...[;rport]CRLF". port 0: none. */
void sip_print_via(struct buf *out, enum sip_transport transport, const struct sip_host *host,
                   uint16_t port, struct str branch, bool with_rport);

/* What the server adds to the top Via of a request (RFC 3261, 18.2.1; RFC 3581, 4). */
struct sip_via_fix {
    struct str received; /* source address without brackets; empty: nothing to add */
    uint16_t rport;      /* source port for a Via that asked with ;rport; 0: leave it */
};

/* All Via lines of a request; the top one as fix says, NULL: as it stands. */
void sip_print_vias(struct buf *out, const struct sip_message *request,
                    const struct sip_via_fix *fix);

/* Status line, then Via (all; the top one as fix says, NULL: as it stands), From, To (to_tag added
 * when To has none and to_tag is not empty; never for 100), Call-ID, CSeq, and for 100 the
 * Timestamp. Add more header lines, then sip_print_body. Copes with a request that lacks some of
 * them. */
void sip_response_begin(struct buf *out, const struct sip_message *request, unsigned status,
                        struct str reason, struct str to_tag, const struct sip_via_fix *fix);

/* A parsed message again: header order and names kept, folding normalised, Content-Length set to
 * the true body length. Parses back equal (sip_message_eq). */
void sip_message_print(struct buf *out, const struct sip_message *m);
/* Same start line, same header fields in the same order (names without case, values after
 * unfolding; Content-Length apart), same body. */
bool sip_message_eq(const struct sip_message *a, const struct sip_message *b);

#endif
