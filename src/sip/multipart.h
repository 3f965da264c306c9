/* sip/multipart.h - Content-Type and MIME multipart bodies (RFC 2046, 5.1; RFC 5621): split without
 * copying (parts may be binary), and a builder. A part that is itself multipart is split by calling
 * again; the caller bounds the depth. No state beyond the iterator. */
#ifndef SIP_MULTIPART_H
#define SIP_MULTIPART_H
#include "base/buf.h"
#include "base/cur.h"

enum {
    SIP_MULTIPART_PART_MAX = 32,     /* parts of one body */
    SIP_MULTIPART_BOUNDARY_MAX = 70, /* bytes (RFC 2046, 5.1.1) */
};

struct sip_content_type {
    struct str type, subtype; /* as they came; compare without case */
    struct str params;        /* raw, beginning with ';', checked */
};
/* type "/" subtype *(;parameter). RC_MALFORMED. */
MUST_CHECK enum rc sip_content_type_parse(struct str value, struct sip_content_type *out);
/* Both without case: sip_content_type_is(&ct, STR("application"), STR("sdp")). */
bool sip_content_type_is(const struct sip_content_type *ct, struct str type, struct str subtype);

struct sip_part {
    struct str head;                /* raw header lines of the part, without the empty line */
    struct str content_type;        /* value; empty: text/plain is meant (RFC 2046, 5.1) */
    struct str content_disposition; /* value; empty: none */
    struct str content_id;          /* value; empty: none */
    struct str transfer_encoding;   /* value; empty: none */
    struct str body;
};

struct sip_multipart {
    struct str boundary; /* points into content_type */
    struct str rest;
    unsigned part_count; /* handed out so far */
    bool at_end;
};

/* RC_UNSUPPORTED: not multipart; RC_MALFORMED: no or a bad boundary, or the first delimiter is
 * missing. content_type: the header's value. */
MUST_CHECK enum rc sip_multipart_begin(struct sip_multipart *m, struct str content_type,
                                       struct str body);
/* RC_OK; RC_NOT_FOUND after the closing delimiter; RC_MALFORMED: it never comes, or a part's head
 * is not made of header lines; RC_TOO_BIG over SIP_MULTIPART_PART_MAX. */
MUST_CHECK enum rc sip_multipart_next(struct sip_multipart *m, struct sip_part *out);

/* Builder: one call per part, then the end. boundary must not occur in a body. Empty type or
 * disposition is left out. */
void sip_multipart_print_part(struct buf *out, struct str boundary, struct str content_type,
                              struct str content_disposition, struct str body);
void sip_multipart_print_end(struct buf *out, struct str boundary);

#endif
