/* http/head_int.h - the request head (RFC 9112, 2 to 6), strictly: bytes in, slices and framing out.
 * Whatever two readers could understand differently (bare LF, folded fields, repeated lengths, a
 * length beside a transfer coding) is refused, so that no request can hide behind another. */
#ifndef HTTP_HEAD_INT_H
#define HTTP_HEAD_INT_H
#include "http/message.h"

/* A parsed head. Slices point into the input but for what a decoder put into the arena. */
struct http_head {
    enum http_method method;
    struct str target, raw_path, path, query;
    struct http_header headers[HTTP_HEADER_MAX];
    size_t header_count;
    bool is_http10;
    bool is_chunked;
    bool expects_continue;
    bool wants_close;
    uint64_t body_len; /* Content-Length; 0 without one or when chunked */
};

/* How far a head that is still arriving was looked at. Zeroed memory is the beginning. */
struct http_head_scan {
    size_t at, line_start;
    bool has_line; /* a line that is not empty was seen */
};
/* Where the head ends: its length with the empty line that closes it, leading empty lines included.
 * Give the same bytes and more with the same scan. RC_MORE; RC_MALFORMED (a line without CR, or
 * nothing but empty lines); RC_TOO_BIG (over HTTP_HEAD_MAX). */
MUST_CHECK enum rc http_head_find(struct str in, struct http_head_scan *scan, size_t *head_len);

/* Parses a whole head. *status is the answer to a bad one (400, 414, 417, 431, 501, 505) and *why a
 * constant sentence; both are written whenever the result is not RC_OK.
 * RC_MALFORMED, RC_UNSUPPORTED, RC_TOO_BIG, RC_NOMEM (status 503). */
MUST_CHECK enum rc http_head_parse(struct str in, struct arena *arena, struct http_head *out,
                                   int *status, const char **why);

/* token = 1*tchar (RFC 9110, 5.6.2) */
bool http_is_token(struct str s);
/* field-value without CR, LF, NUL or other controls but tab (RFC 9110, 5.5) */
bool http_is_field_value(struct str s);
/* Whether a comma-separated list holds this token, ASCII case folded. */
bool http_list_has(struct str list, struct str token);

/* The chunked coding (RFC 9112, 7.1), fed in pieces. Zeroed memory is the beginning. */
struct http_chunks {
    enum { CHUNK_SIZE, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER, CHUNK_END } at;
    uint64_t left;      /* bytes of the present chunk still to come */
    size_t trailer_len; /* bytes of trailer fields thrown away so far */
};
enum { HTTP_CHUNK_LINE_MAX = 1024, HTTP_TRAILER_MAX = 8192 };
/* Takes what it can from in (*used bytes) and gives at most one run of body bytes (*data, in in;
 * may be empty). RC_OK: the body is complete; RC_MORE: call again with the rest of in when *used or
 * data.n is not 0, else with more bytes. RC_MALFORMED; RC_TOO_BIG (a line or the trailer). */
MUST_CHECK enum rc http_chunks_step(struct http_chunks *c, struct str in, size_t *used,
                                    struct str *data);

#endif
