/* http/message_int.h - the life of a response, for the server. */
#ifndef HTTP_MESSAGE_INT_H
#define HTTP_MESSAGE_INT_H
#include "http/message.h"

void http_response_init(struct http_response *res, struct arena *arena);
void http_response_fini(struct http_response *res); /* wipes the body */
void http_response_wipe_body(struct http_response *res);
/* Value of the field the handler set, "" where it did not. */
struct str http_response_find(const struct http_response *res, struct str name);

/* The whole head of an answer with its empty line. res says status and fields; what the server adds
 * stands in server.h. */
struct http_print {
    int64_t now_unix_s;
    bool is_tls;
    bool closes;
    bool has_body; /* Content-Length belongs there (also of a body that HEAD leaves out) */
    const char *csp;
};
void http_response_print_head(struct buf *out, const struct http_response *res,
                              const struct http_print *how);

#endif
