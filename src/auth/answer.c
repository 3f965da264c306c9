/* A visit of the token endpoints from its beginning to its answer. */
#include "auth/auth_int.h"
#include "jose/object.h"

/* --- visits ------------------------------------------------------------------------------------------ */

static void print_peer(const struct http_peer *peer, char *out, size_t cap)
{
    struct buf b;
    buf_init_fixed(&b, out, cap - 1);
    if (peer->is_unix)
        buf_put_lit(&b, "local");
    else
        net_addr_print_ip(&b, &peer->addr);
    out[b.n] = '\0';
}

bool auth_visit_begin(struct auth_visit *v, struct auth *auth, const struct http_request *req,
                      struct http_response *res)
{
    *v = (struct auth_visit){.auth = auth,
                             .req = req,
                             .res = res,
                             .params = directory_params_ref(auth->settings.directory),
                             .ring = auth_ring_ref(auth),
                             .now_s = clock_unix_s(&auth->settings.clock)};
    print_peer(&req->peer, v->from, sizeof v->from);
    if (v->params) return true;
    http_reply_text(res, 500, "The server has no memory left.");
    auth_visit_end(v);
    return false;
}

void auth_visit_end(struct auth_visit *v)
{
    directory_params_unref(v->params);
    auth_ring_unref(v->ring);
}

static const struct str *find_doubled(const struct form *form)
{
    for (size_t i = 0; i < form->count; i++)
        for (size_t j = i + 1; j < form->count; j++)
            if (str_eq(form->pairs[i].name, form->pairs[j].name)) return &form->pairs[i].name;
    return NULL;
}

struct form *auth_visit_form(struct auth_visit *v)
{
    struct form *form = arena_alloc(v->req->arena, sizeof *form);
    const char *why = NULL;
    if (!form) {
        auth_answer_failed(v, "form", RC_NOMEM);
        return NULL;
    }
    if (!http_is_type(v->req, STR("application/x-www-form-urlencoded")))
        why = "the request must be of type application/x-www-form-urlencoded";
    else if (form_parse(v->req->body, v->req->arena, form) != RC_OK)
        why = "the form cannot be read";
    else if (find_doubled(form))
        why = "a parameter came twice";
    if (!why) return form;
    auth_answer_error(v->res, 400, "invalid_request", why);
    return NULL;
}

/* --- answers ----------------------------------------------------------------------------------------- */

void auth_answer_json(struct http_response *res, int status)
{
    http_reply(res, status, "application/json", STR(""));
    http_set_header(res, "Cache-Control", STR("no-store"));
    http_set_header(res, "Pragma", STR("no-cache"));
}

void auth_answer_error(struct http_response *res, int status, const char *code,
                       const char *description)
{
    auth_answer_json(res, status);
    buf_put_lit(&res->body, "{\"error\":");
    jose_print_string(&res->body, str_from(code));
    buf_put_lit(&res->body, ",\"error_description\":");
    jose_print_string(&res->body, str_from(description));
    buf_put_lit(&res->body, "}\n");
}

void auth_answer_retry(struct http_response *res, int64_t wait_ms)
{
    char text[24];
    struct buf b;
    buf_init_fixed(&b, text, sizeof text);
    buf_put_i64(&b, wait_ms > 1000 ? (wait_ms + 999) / 1000 : 1);
    http_set_header(res, "Retry-After", buf_str(&b));
}

void auth_answer_failed(struct auth_visit *v, const char *what, enum rc rc)
{
    log_error(v->auth->settings.log, "authz.failed", LOG_CSTR("at", what),
              LOG_CSTR("rc", rc_name(rc)), LOG_CSTR("why", v->why.text),
              LOG_CSTR("address", v->from));
    if (rc == RC_BUSY) {
        auth_answer_error(v->res, 503, "temporarily_unavailable", "too busy: try again soon");
        auth_answer_retry(v->res, 2000);
    } else {
        auth_answer_error(v->res, 500, "server_error", "the server could not do it: see its log");
    }
}
