/* The way of an AXL request: gate, envelope, operation, answer. */
#include "admin/axl_int.h"
#include <stdarg.h>
#include <stdio.h>

enum { AXL_BODY_MAX = 256 << 10, AXL_ANSWER_MAX = 12 << 20 };

static const struct {
    const char *name;
    axl_fn *fn;
} operations[] = {
    {"getCCMVersion", axl_get_ccm_version},
    {"listProcessNode", axl_list_process_node},
    {"listCallManager", axl_list_call_manager},
    {"getCallManager", axl_get_call_manager},
    {"addExpresswayCConfiguration", axl_add_edge},
    {"updateExpresswayCConfiguration", axl_update_edge},
    {"getExpresswayCConfiguration", axl_get_edge},
    {"listExpresswayCConfiguration", axl_list_edge},
    {"removeExpresswayCConfiguration", axl_remove_edge},
    {"executeSQLQuery", axl_execute_sql_query},
};

/* ---- answers ---- */

static void reply(struct axl_call *x, int status)
{
    if (buf_rc(&x->out) != RC_OK)
        x->c->res->rc = buf_rc(&x->out);
    else
        http_reply(x->c->res, status, "text/xml; charset=utf-8", buf_str(&x->out));
}

void axl_fault(struct axl_call *x, int status, enum axl_code code, const char *fmt, ...)
{
    char text[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_reset(&x->out);
    soap_fault(&x->out, code != AXL_INTERNAL, (int)code, str_from(text), x->soap.operation);
    reply(x, status);
}

void axl_fault_rc(struct axl_call *x, enum rc rc, const char *noun, struct str key)
{
    const char *why = x->c->why.text;
    switch ((int)rc) {
    case RC_NOT_FOUND:
        axl_fault(x, 500, AXL_NOT_FOUND, "Item not valid: The specified %s was not found: %.*s",
                  noun, STR_ARG(key));
        return;
    case RC_EXISTS:
        axl_fault(x, 500, AXL_DUPLICATE, "There is a %s of that name already: %.*s", noun,
                  STR_ARG(key));
        return;
    case RC_INVALID:
    case RC_MALFORMED:
    case RC_CONFLICT:
    case RC_DENIED:
    case RC_TOO_BIG:
        axl_fault(x, 500, AXL_INVALID, "%s %.*s: %s", noun, STR_ARG(key),
                  why[0] != '\0' ? why : "it has a value that is not allowed");
        return;
    default:
        axl_fault(x, 500, AXL_INTERNAL, "%s %.*s: %s", noun, STR_ARG(key),
                  why[0] != '\0' ? why : "it cannot be done now, see the node's log");
    }
}

struct xml_writer *axl_begin(struct axl_call *x)
{
    buf_reset(&x->out);
    soap_answer_begin(&x->answer, &x->out, &x->soap);
    return &x->answer.xml;
}

void axl_end(struct axl_call *x)
{
    if (soap_answer_end(&x->answer) != RC_OK) {
        axl_fault(x, 500, AXL_INTERNAL, "The answer is too long: ask for less");
        return;
    }
    reply(x, 200);
}

void axl_return_uuid(struct axl_call *x, struct str pkid)
{
    char uuid[SOAP_UUID_LEN + 1];
    soap_print_uuid(pkid, uuid);
    xml_put_text(axl_begin(x), str_from(uuid));
    axl_end(x);
}

/* ---- what is asked ---- */

bool axl_wants(const struct axl_call *x, const char *tag)
{
    const struct xml_node *tags = xml_find(x->soap.args, "returnedTags");
    return !tags || !tags->first_child || xml_find(tags, tag);
}

void axl_put_uuid(struct xml_writer *w, struct str pkid)
{
    char uuid[SOAP_UUID_LEN + 1];
    soap_print_uuid(pkid, uuid);
    xml_put_attr(w, "uuid", str_from(uuid));
}

void axl_put(struct axl_call *x, struct xml_writer *w, const char *tag, struct str text)
{
    if (axl_wants(x, tag)) xml_leaf(w, tag, text);
}

static bool number(struct axl_call *x, const char *name, uint64_t fallback, uint64_t *out)
{
    struct str text = xml_text(x->soap.args, name);
    *out = fallback;
    if (text.n == 0 || str_to_u64(text, UINT64_MAX, out) == RC_OK) return true;
    axl_fault(x, 500, AXL_INVALID, "%s is a number, not %.*s", name, STR_ARG(text));
    return false;
}

bool axl_window(struct axl_call *x, uint64_t *skip, uint64_t *first)
{
    return number(x, "skip", 0, skip) && number(x, "first", UINT64_MAX, first);
}

bool axl_fits(const struct axl_call *x, const char *criterion, struct str value)
{
    const struct xml_node *all = xml_find(x->soap.args, "searchCriteria");
    const struct xml_node *one = xml_find(all, criterion);
    return !one || soap_like(value, str_trim(one->text));
}

/* ---- the way ---- */

static void run(struct axl_call *x)
{
    const char *why;
    enum rc rc = soap_read(x->c->req->body, x->c->arena, &x->soap, &why);
    if (rc == RC_UNSUPPORTED) {
        axl_fault(x, 500, AXL_VERSION, "%s", why);
        return;
    }
    if (rc != RC_OK) {
        axl_fault(x, rc == RC_NOMEM ? 503 : 500, AXL_INVALID, "%s", why);
        return;
    }
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (!str_eq(x->soap.operation, str_from(operations[i].name))) continue;
        operations[i].fn(x);
        return;
    }
    axl_fault(x, 500, AXL_NO_OPERATION, "There is no operation %.*s here",
              STR_ARG(x->soap.operation));
}

static void on_request(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct axl_call *x = arena_zalloc(req->arena, sizeof *x);
    struct admin_call *c = arena_zalloc(req->arena, sizeof *c);
    if (!x || !c) {
        res->rc = RC_NOMEM;
        return;
    }
    *c = (struct admin_call){.admin = ctx, .req = req, .res = res, .arena = req->arena};
    x->c = c;
    if (!admin_gate_let_in_axl(c)) return;
    buf_init(&x->out, AXL_ANSWER_MAX);
    run(x);
    buf_fini(&x->out);
}

enum rc admin_add_axl_routes(struct admin *admin, struct http_site *site)
{
    static const char *const paths[] = {"/axl", "/axl/"};
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < sizeof paths / sizeof *paths; i++) {
        struct http_route route = {.methods = HTTP_POST,
                                   .path = paths[i],
                                   .fn = on_request,
                                   .ctx = admin,
                                   .body_max = AXL_BODY_MAX};
        rc = http_site_add(site, &route);
    }
    return rc;
}
