/* http/exchange_int.h - one transfer of libcurl: set up from a struct http_call, its outcome turned
 * into a struct http_answer. Used by the blocking call and by the loop's client. */
#ifndef HTTP_EXCHANGE_INT_H
#define HTTP_EXCHANGE_INT_H
#include "http/client.h"
#include "http/input_int.h"
#include <curl/curl.h>

enum { HTTP_ANSWER_HEADER_MAX = 100 };

struct exchange {
    CURL *easy;
    struct curl_slist *header_list;
    struct curl_slist *connect_to;
    char *url, *body; /* copies that libcurl reads from; wiped */
    size_t body_n;
    struct str target; /* scheme, host and port of url, for sentences */
    struct http_input response;
    struct arena arena; /* credentials, answer headers; wiped */
    struct http_client_header headers[HTTP_ANSWER_HEADER_MAX];
    size_t header_count;
    bool is_too_big, is_out_of_memory;
    enum http_failure failed_early; /* the call itself is wrong */
    const char *early_why;
    char error[CURL_ERROR_SIZE];
};

void exchange_library_init(void);
/* RC_NOMEM. A wrong call is remembered in failed_early. *x must not move afterwards. */
MUST_CHECK enum rc exchange_init(struct exchange *x, const struct http_call *call);
void exchange_fini(struct exchange *x);
/* The answer's slices point into x. */
void exchange_answer(struct exchange *x, CURLcode code, struct http_answer *out);

#endif
