#include "edge/axl.h"

#include "base/base64.h"
#include "net/addr.h"
#include "xml/writer.h"

#include <stdio.h>

#define AXL_NS      "http://www.cisco.com/AXL/API/12.5"
#define ENVELOPE_NS "http://schemas.xmlsoap.org/soap/envelope/"
enum { REQUEST_MAX = 32 << 10, AXL_DUPLICATE = -239, CONNECT_MS = 5000, ALL_MS = 15000 };

/* ---- what went wrong ---- */

static void say_unreached(const struct edge_site *s, const struct http_answer *a,
                          struct edge_problem *p)
{
    const char *fix = "Look at that server, at the address and at the port of the entry";
    snprintf(p->text, sizeof p->text, "%.200s", a->why);
    switch ((int)a->failure) {
    case HTTP_FAIL_DNS: fix = "Give the name an address that this machine can resolve"; break;
    case HTTP_FAIL_REFUSED:
        fix = "See that the call server runs and that its HTTPS port is the one of the entry";
        break;
    case HTTP_FAIL_UNREACHABLE:
    case HTTP_FAIL_TIMEOUT:
        fix = "See the way there: routes, and the firewall rule from this edge to its HTTPS port";
        break;
    case HTTP_FAIL_TLS_UNTRUSTED:
    case HTTP_FAIL_CA_FILE:
        fix = "Trust its CA here: bearline --edge set cert import trust tomcat <ca.pem of its data "
              "folder>";
        break;
    case HTTP_FAIL_TLS_NAME:
        fix = "Name the server as its certificate does, or issue that anew with this name: there, "
              "set cert regen tomcat";
        break;
    case HTTP_FAIL_TLS_EXPIRED:
        fix = "Renew its certificate (there: set cert regen tomcat), or set the wrong clock";
        break;
    default: break;
    }
    (void)s;
    snprintf(p->fix, sizeof p->fix, "%s", fix);
}

static enum rc say_status(const struct edge_site *s, int status, struct edge_problem *p)
{
    switch (status) {
    case 401:
        snprintf(p->text, sizeof p->text, "%.*s does not take the name %.*s with this password",
                 STR_ARG(s->address), STR_ARG(str_sub(s->username, 0, 100)));
        snprintf(p->fix, sizeof p->fix,
                 "Give the right ones with --username and --password-file (ucm add, ucm update)");
        return RC_DENIED;
    case 403:
        snprintf(p->text, sizeof p->text, "%.*s may not use AXL on %.*s",
                 STR_ARG(str_sub(s->username, 0, 100)), STR_ARG(s->address));
        snprintf(p->fix, sizeof p->fix, "On the call server: user update %.*s --role axl",
                 STR_ARG(str_sub(s->username, 0, 100)));
        return RC_DENIED;
    case 404:
        snprintf(p->text, sizeof p->text, "what answers at %.*s, port %u, has no AXL",
                 STR_ARG(s->address), (unsigned)s->port);
        snprintf(p->fix, sizeof p->fix, "See that the port is the HTTPS port of a call server");
        return RC_NOT_FOUND;
    case 429:
    case 503:
        snprintf(p->text, sizeof p->text, "%.*s asks to be left alone for a while (%d)",
                 STR_ARG(s->address), status);
        snprintf(p->fix, sizeof p->fix, "Nothing: it is asked again by itself");
        return RC_IO;
    default:
        snprintf(p->text, sizeof p->text, "%.*s answered %d", STR_ARG(s->address), status);
        snprintf(p->fix, sizeof p->fix, "See that server's log");
        return RC_IO;
    }
}

/* ---- one exchange ---- */

static enum rc print_url(const struct edge_site *s, const char *path, struct arena *a,
                         struct str *out)
{
    bool v6 = str_find_char(s->address, ':') >= 0 && s->address.p[0] != '[';
    return arena_printf(a, out, v6 ? "https://[%.*s]:%u%s" : "https://%.*s:%u%s",
                        STR_ARG(s->address), (unsigned)s->port, path);
}

static enum rc print_basic(const struct edge_site *s, struct arena *a, struct str *out)
{
    struct buf plain, coded;
    buf_init_secret(&plain, 1024);
    buf_init_secret(&coded, 2048);
    buf_put_str(&plain, s->username);
    buf_put_char(&plain, ':');
    buf_put_str(&plain, s->password);
    buf_put_lit(&coded, "Basic ");
    base64_print(&coded, str_bytes(buf_str(&plain)));
    enum rc rc = buf_rc(&plain) != RC_OK ? buf_rc(&plain) : buf_rc(&coded);
    if (rc == RC_OK) rc = arena_str_dup(a, buf_str(&coded), out);
    buf_fini(&plain);
    buf_fini(&coded);
    return rc;
}

static enum rc fetch(const struct edge_site *s, struct http_call *call, const char *path,
                     const char *soap_action, struct arena *a, struct http_answer *answer,
                     struct edge_problem *p)
{
    struct http_client_header headers[2];
    struct str basic = STR("");
    enum rc rc = print_url(s, path, a, &call->url);
    if (rc == RC_OK && call->bearer.n == 0) rc = print_basic(s, a, &basic);
    if (rc != RC_OK) return rc;
    call->headers = headers;
    if (basic.n > 0)
        headers[call->header_count++] = (struct http_client_header){STR("Authorization"), basic};
    if (soap_action)
        headers[call->header_count++] = (struct http_client_header){STR("SOAPAction"),
                                                                    str_from(soap_action)};
    call->is_unverified = !s->tls_verify;
    call->ca_pem = s->trust_pem.p ? s->trust_pem : STR("");
    call->connect_timeout_ms = CONNECT_MS;
    call->timeout_ms = ALL_MS;
    s->fetch(s->fetch_ctx, call, a, answer);
    if (answer->failure == HTTP_FAIL_NONE) return RC_OK;
    say_unreached(s, answer, p);
    return answer->failure == HTTP_FAIL_NOMEM ? RC_NOMEM : RC_IO;
}

enum rc edge_site_get(const struct edge_site *site, const char *path, struct str bearer,
                      struct arena *arena, struct str *body, struct edge_problem *problem)
{
    struct http_answer answer;
    struct http_call call = {.bearer = bearer, .response_max = 4 << 20};
    enum rc rc = fetch(site, &call, path, NULL, arena, &answer, problem);
    if (rc != RC_OK) return rc;
    if (answer.status != 200) return say_status(site, answer.status, problem);
    *body = answer.body;
    return RC_OK;
}

/* ---- SOAP ---- */

static bool has_parent(const struct edge_axl_arg *arg)
{
    return arg->parent && arg->parent[0] != '\0';
}

static void print_args(struct xml_writer *w, const struct edge_axl_arg *args)
{
    const char *open = "";
    for (const struct edge_axl_arg *arg = args; arg && arg->tag; arg++) {
        const char *parent = has_parent(arg) ? arg->parent : "";
        if (strcmp(parent, open) != 0) {
            if (open[0] != '\0') xml_close(w);
            if (parent[0] != '\0') xml_open(w, parent);
            open = parent;
        }
        xml_leaf(w, arg->tag, arg->text);
    }
}

static enum rc print_request(const char *element, const struct edge_axl_arg *args, struct buf *out)
{
    struct xml_writer w;
    xml_writer_init(&w, out, 0);
    xml_open(&w, "soapenv:Envelope");
    xml_put_attr(&w, "xmlns:soapenv", STR(ENVELOPE_NS));
    xml_put_attr(&w, "xmlns:ns", STR(AXL_NS));
    xml_open(&w, "soapenv:Body");
    xml_open(&w, element);
    print_args(&w, args);
    return xml_writer_finish(&w);
}

static enum rc read_fault(const struct edge_site *s, const struct xml_node *root,
                          struct edge_problem *p)
{
    const struct xml_node *error = xml_find(root, "Body/Fault/detail/axlError");
    struct str message = xml_text(error, "axlmessage"), code = xml_text(error, "axlcode");
    int64_t number = 0;
    if (!error) message = xml_text(root, "Body/Fault/faultstring");
    snprintf(p->text, sizeof p->text, "%.*s refuses: %.*s", STR_ARG(s->address),
             STR_ARG(str_sub(message, 0, 200)));
    snprintf(p->fix, sizeof p->fix, "See that server's log");
    return str_to_i64(code, &number) == RC_OK && number == AXL_DUPLICATE ? RC_EXISTS : RC_INVALID;
}

static enum rc read_answer(const struct edge_site *s, const struct http_answer *answer,
                           struct arena *a, const struct xml_node **out, struct edge_problem *p)
{
    static const struct xml_limits limits = {.doc_max = 4 << 20, .namespaces = true};
    const struct xml_node *root = NULL;
    enum rc rc = xml_parse(answer->body, &limits, a, &root, NULL);
    if (rc == RC_NOMEM) return rc;
    bool is_soap = rc == RC_OK && str_eq(root->ns, STR(ENVELOPE_NS)) && xml_find(root, "Body");
    if (is_soap && xml_find(root, "Body/Fault")) return read_fault(s, root, p);
    if (answer->status != 200) return say_status(s, answer->status, p);
    const struct xml_node *body = is_soap ? xml_find(root, "Body") : NULL;
    const struct xml_node *result = body ? xml_find(body->first_child, "return") : NULL;
    if (!result) {
        snprintf(p->text, sizeof p->text, "%.*s gave an answer that is no AXL",
                 STR_ARG(s->address));
        snprintf(p->fix, sizeof p->fix, "See that the port is the HTTPS port of a call server");
        return RC_IO;
    }
    *out = result;
    return RC_OK;
}

enum rc edge_axl_ask(const struct edge_site *site, const char *operation,
                     const struct edge_axl_arg *args, struct arena *arena,
                     const struct xml_node **out, struct edge_problem *problem)
{
    struct http_answer answer;
    struct buf body;
    char element[96], action[128];
    buf_init(&body, REQUEST_MAX);
    snprintf(element, sizeof element, "ns:%s", operation);
    snprintf(action, sizeof action, "\"CUCM:DB ver=12.5 %s\"", operation);
    enum rc rc = print_request(element, args, &body);
    if (rc == RC_OK) {
        struct http_call call = {.method = "POST",
                                 .body = buf_str(&body),
                                 .content_type = STR("text/xml; charset=utf-8"),
                                 .response_max = 4 << 20};
        rc = fetch(site, &call, "/axl/", action, arena, &answer, problem);
    }
    if (rc == RC_OK && (answer.status == 401 || answer.status == 403))
        rc = say_status(site, answer.status, problem);
    else if (rc == RC_OK)
        rc = read_answer(site, &answer, arena, out, problem);
    buf_fini(&body);
    return rc;
}
