#include "base/buf.h"
#include "http/exchange_int.h"
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { RESPONSE_DEFAULT_MAX = 1 << 20, HEADER_ARENA_MAX = 256 * 1024 };

const char *http_failure_name(enum http_failure failure)
{
    switch (failure) {
    case HTTP_FAIL_NONE: return "none";
    case HTTP_FAIL_URL: return "url";
    case HTTP_FAIL_DNS: return "dns";
    case HTTP_FAIL_REFUSED: return "refused";
    case HTTP_FAIL_UNREACHABLE: return "unreachable";
    case HTTP_FAIL_TLS_UNTRUSTED: return "tls-untrusted";
    case HTTP_FAIL_TLS_NAME: return "tls-name";
    case HTTP_FAIL_TLS_EXPIRED: return "tls-expired";
    case HTTP_FAIL_TLS: return "tls";
    case HTTP_FAIL_CA_FILE: return "ca-file";
    case HTTP_FAIL_TIMEOUT: return "timeout";
    case HTTP_FAIL_TOO_BIG: return "too-big";
    case HTTP_FAIL_CLOSED: return "closed";
    case HTTP_FAIL_NOMEM: return "nomem";
    case HTTP_FAIL_OTHER: return "other";
    }
    return "other";
}

struct str http_answer_header(const struct http_answer *answer, struct str name)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (str_eq_nocase(answer->headers[i].name, name)) return answer->headers[i].value;
    }
    return STR("");
}

static void library_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void exchange_library_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, library_init);
}

/* --- what arrives -------------------------------------------------------------------------------
 */

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    enum rc rc = http_input_add(&x->response, str_of(p, size * n));
    x->is_too_big = rc == RC_TOO_BIG;
    x->is_out_of_memory = rc == RC_NOMEM;
    return rc == RC_OK ? n : 0;
}

/* One line a call. A status line starts a new head: an interim answer's fields do not count. */
static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    struct str line = str_of(p, size * n), name, value;
    if (str_starts(line, STR("HTTP/"))) {
        x->header_count = 0;
        return n;
    }
    value = line;
    if (!str_split(&value, ':', &name) || !value.p) return n;
    if (x->header_count == HTTP_ANSWER_HEADER_MAX) {
        x->is_too_big = true;
        return 0;
    }
    struct http_client_header *h = &x->headers[x->header_count];
    if (arena_str_dup(&x->arena, str_trim(name), &h->name) != RC_OK ||
        arena_str_dup(&x->arena, str_trim(value), &h->value) != RC_OK) {
        x->is_too_big = true;
        return 0;
    }
    x->header_count++;
    return n;
}

/* --- setting up ---------------------------------------------------------------------------------
 */

static void wrong(struct exchange *x, enum http_failure failure, const char *why)
{
    x->failed_early = failure;
    x->early_why = why;
}

static bool is_one_line(struct str s)
{
    return str_find_char(s, '\r') < 0 && str_find_char(s, '\n') < 0 && str_find_char(s, '\0') < 0;
}

/* "Name: value"; "Name;" is libcurl's way to say an empty value. */
static bool add_header(struct exchange *x, struct str name, struct str value)
{
    struct buf line;
    if (name.n == 0 || !is_one_line(name) || !is_one_line(value)) {
        wrong(x, HTTP_FAIL_OTHER, "a header field holds a line break");
        return true;
    }
    buf_init(&line, 64 * 1024);
    buf_put_str(&line, name);
    buf_put_str(&line, value.n > 0 ? STR(": ") : STR(";"));
    buf_put_str(&line, value);
    struct curl_slist *list = curl_slist_append(x->header_list, buf_cstr(&line));
    bool is_good = list && buf_rc(&line) == RC_OK;
    if (list) x->header_list = list;
    if (line.p) explicit_bzero(line.p, line.n);
    buf_fini(&line);
    return is_good;
}

static bool add_headers(struct exchange *x, const struct http_call *call)
{
    bool is_good = true;
    if (call->content_type.n > 0) is_good = add_header(x, STR("Content-Type"), call->content_type);
    if (is_good && call->bearer.n > 0) {
        struct str credentials;
        is_good = arena_printf(&x->arena, &credentials, "Bearer %.*s", STR_ARG(call->bearer)) ==
                      RC_OK &&
                  add_header(x, STR("Authorization"), credentials);
    }
    for (size_t i = 0; is_good && i < call->header_count; i++)
        is_good = add_header(x, call->headers[i].name, call->headers[i].value);
    /* libcurl would wait a second for "100 Continue" before a larger body. */
    struct curl_slist *list = is_good ? curl_slist_append(x->header_list, "Expect:") : NULL;
    if (list) x->header_list = list;
    return list != NULL;
}

static bool take_url(struct exchange *x, struct str url)
{
    bool is_http = str_starts_nocase(url, STR("http://"));
    if (!is_http && !str_starts_nocase(url, STR("https://"))) {
        wrong(x, HTTP_FAIL_URL, "the address is neither http:// nor https://");
        return true;
    }
    if (!is_one_line(url) || url.n > 16384) {
        wrong(x, HTTP_FAIL_URL, "the address is malformed");
        return true;
    }
    x->url = str_dup_cstr(url);
    if (!x->url) return false;
    size_t host = is_http ? 7 : 8;
    ptrdiff_t path = str_find_char(str_sub(url, host, url.n), '/');
    x->target = str_of(x->url, path < 0 ? url.n : host + (size_t)path);
    ptrdiff_t query = str_find_char(x->target, '?');
    if (query >= 0) x->target.n = (size_t)query;
    return true;
}

static bool take_body(struct exchange *x, const struct http_call *call)
{
    if (!call->body.p) return true;
    x->body = malloc(call->body.n + 1);
    if (!x->body) return false;
    memcpy(x->body, call->body.p, call->body.n);
    x->body_n = call->body.n;
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, x->body);
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_n);
    return true;
}

static bool set_method(struct exchange *x, const char *method)
{
    if (!method) return true;
    if (strcmp(method, "HEAD") == 0) curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
    return curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

static bool set_peer(struct exchange *x, const struct http_call *call)
{
    CURL *e = x->easy;
    if (call->unix_path && curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, call->unix_path))
        return false;
    if (call->ca_pem.p) {
        /* Copied: an asynchronous call outlives what it was made of. */
        struct curl_blob blob = {(void *)(uintptr_t)call->ca_pem.p, call->ca_pem.n, CURL_BLOB_COPY};
        if (curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &blob)) return false;
        curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    } else if (call->ca_file) {
        if (curl_easy_setopt(e, CURLOPT_CAINFO, call->ca_file)) return false;
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    }
    if (call->cert_pem.p) {
        struct curl_blob cert = {(void *)(uintptr_t)call->cert_pem.p, call->cert_pem.n,
                                 CURL_BLOB_COPY};
        struct curl_blob key = {(void *)(uintptr_t)call->key_pem.p, call->key_pem.n,
                                CURL_BLOB_COPY};
        if (curl_easy_setopt(e, CURLOPT_SSLCERT_BLOB, &cert) ||
            curl_easy_setopt(e, CURLOPT_SSLKEY_BLOB, &key))
            return false;
    }
    if (call->connect_to.n > 0) {
        struct str rule;
        if (arena_printf(&x->arena, &rule, "::%.*s", STR_ARG(call->connect_to)) != RC_OK)
            return false;
        x->connect_to = curl_slist_append(NULL, rule.p);
        if (!x->connect_to) return false;
        curl_easy_setopt(e, CURLOPT_CONNECT_TO, x->connect_to);
    }
    return true;
}

static void set_rules(struct exchange *x, const struct http_call *call)
{
    CURL *e = x->easy;
    long connect_ms = call->connect_timeout_ms ? (long)call->connect_timeout_ms : 10000;
    long all_ms = call->timeout_ms ? (long)call->timeout_ms : 30000;
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, call->is_unverified ? 0L : 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, call->is_unverified ? 0L : 2L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, all_ms);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "Bearline/" BEARLINE_VERSION);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->error);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
    /* Tokens go to the one they are meant for, not through whatever the environment names. */
    curl_easy_setopt(e, CURLOPT_PROXY, "");
}

enum rc exchange_init(struct exchange *x, const struct http_call *call)
{
    exchange_library_init();
    memset(x, 0, sizeof *x);
    x->response.max = call->response_max ? call->response_max : RESPONSE_DEFAULT_MAX;
    arena_init(&x->arena, NULL, 0, HEADER_ARENA_MAX);
    x->easy = curl_easy_init();
    if (!x->easy) goto nomem;
    set_rules(x, call);
    if (!take_url(x, call->url)) goto nomem;
    if (x->url && curl_easy_setopt(x->easy, CURLOPT_URL, x->url)) goto nomem;
    if (!take_body(x, call) || !set_method(x, call->method) || !set_peer(x, call)) goto nomem;
    if (!add_headers(x, call)) goto nomem;
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->header_list);
    return RC_OK;
nomem:
    exchange_fini(x);
    return RC_NOMEM;
}

void exchange_fini(struct exchange *x)
{
    if (x->easy) curl_easy_cleanup(x->easy);
    x->easy = NULL;
    for (struct curl_slist *it = x->header_list; it; it = it->next)
        explicit_bzero(it->data, strlen(it->data));
    curl_slist_free_all(x->header_list);
    curl_slist_free_all(x->connect_to);
    x->header_list = x->connect_to = NULL;
    if (x->body) explicit_bzero(x->body, x->body_n);
    if (x->url) explicit_bzero(x->url, strlen(x->url)); /* its query may hold a code */
    free(x->body);
    free(x->url);
    x->body = x->url = NULL;
    http_input_fini(&x->response);
    arena_wipe(&x->arena);
}

/* --- the outcome --------------------------------------------------------------------------------
 */

/* What the verifier of certificates said. The chain is checked during the handshake, which leaves
 * its verdict; libcurl checks the name after it, before it has asked for a verdict. */
static enum http_failure verify_failure(CURL *easy, char *why, size_t cap)
{
    long result = 0;
    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
    const char *words = X509_verify_cert_error_string(result);
    switch (result) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED: /* libcurl's mark for "not asked yet" */
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        snprintf(why, cap, "its certificate is for another name");
        return HTTP_FAIL_TLS_NAME;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(why, cap, "its certificate is out of date (%.80s); check the clocks too", words);
        return HTTP_FAIL_TLS_EXPIRED;
    default:
        snprintf(why, cap, "its certificate comes from no CA trusted here (%.80s)", words);
        return HTTP_FAIL_TLS_UNTRUSTED;
    }
}

static enum http_failure connect_failure(CURL *easy, char *why, size_t cap)
{
    long error = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
    if (error == ENETUNREACH || error == EHOSTUNREACH || error == ENETDOWN) {
        snprintf(why, cap, "there is no way to it (%s)", strerror((int)error));
        return HTTP_FAIL_UNREACHABLE;
    }
    if (error == ETIMEDOUT) {
        snprintf(why, cap, "it did not answer in time");
        return HTTP_FAIL_TIMEOUT;
    }
    snprintf(why, cap, "the connection was refused: nobody listens there");
    return HTTP_FAIL_REFUSED;
}

static enum http_failure failure_of(struct exchange *x, CURLcode code, char *why, size_t cap)
{
    switch ((int)code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        snprintf(why, cap, "the address is malformed");
        return HTTP_FAIL_URL;
    case CURLE_COULDNT_RESOLVE_HOST:
        snprintf(why, cap, "its name has no address");
        return HTTP_FAIL_DNS;
    case CURLE_COULDNT_CONNECT: return connect_failure(x->easy, why, cap);
    case CURLE_PEER_FAILED_VERIFICATION: return verify_failure(x->easy, why, cap);
    case CURLE_SSL_CACERT_BADFILE:
        snprintf(why, cap, "the file of trusted CAs cannot be read");
        return HTTP_FAIL_CA_FILE;
    case CURLE_SSL_CONNECT_ERROR:
        snprintf(why, cap, "TLS failed (%.120s)", x->error);
        return HTTP_FAIL_TLS;
    case CURLE_OPERATION_TIMEDOUT:
        snprintf(why, cap, "it did not answer in time");
        return HTTP_FAIL_TIMEOUT;
    case CURLE_OUT_OF_MEMORY: snprintf(why, cap, "out of memory"); return HTTP_FAIL_NOMEM;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
        snprintf(why, cap, "the connection ended before the answer did");
        return HTTP_FAIL_CLOSED;
    default:
        snprintf(why, cap, "%.150s", x->error[0] ? x->error : curl_easy_strerror(code));
        return HTTP_FAIL_OTHER;
    }
}

static void tell_failure(const struct exchange *x, struct http_answer *out, const char *why)
{
    snprintf(out->why, sizeof out->why, "%.*s: %s", (int)(x->target.n < 100 ? x->target.n : 100),
             x->target.p ? x->target.p : "", why);
}

void exchange_answer(struct exchange *x, CURLcode code, struct http_answer *out)
{
    char why[160] = "";
    memset(out, 0, sizeof *out);
    if (x->failed_early) {
        out->failure = x->failed_early;
        tell_failure(x, out, x->early_why);
        return;
    }
    if (x->is_too_big || x->is_out_of_memory) {
        out->failure = x->is_too_big ? HTTP_FAIL_TOO_BIG : HTTP_FAIL_NOMEM;
        tell_failure(x, out, x->is_too_big ? "the answer is too long" : "out of memory");
        return;
    }
    if (code != CURLE_OK) {
        out->failure = failure_of(x, code, why, sizeof why);
        tell_failure(x, out, why);
        return;
    }
    long status = 0;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    out->status = (int)status;
    out->body = http_input_str(&x->response);
    out->headers = x->headers;
    out->header_count = x->header_count;
}
