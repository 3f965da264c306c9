/* Calls under way, their end by the operator, and the records of those that ended. */
#include "admin/api_int.h"
#include "store/cdr.h"

size_t calls_count(const struct admin_call *c)
{
    const struct admin_live *live = c->admin->live;
    return live->call_count ? live->call_count(live->ctx) : 0;
}

static json_t *call_print(const struct admin_live_call *r)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:b}", "id",
                     (json_int_t)r->id, "call", api_str(r->call), "caller", api_str(r->caller),
                     "caller_device", api_str(r->caller_device), "dialled", api_str(r->dialled),
                     "called", api_str(r->called), "called_device", api_str(r->called_device),
                     "trunk_in", api_str(r->trunk_in), "trunk_out", api_str(r->trunk_out), "state",
                     api_str(r->state), "start_ms", (json_int_t)r->start_unix_ms, "answer_ms",
                     (json_int_t)r->answer_unix_ms, "encrypted", r->encrypted);
}

void live_calls(struct admin_call *c)
{
    const struct admin_live *live = c->admin->live;
    struct admin_live_call *rows = NULL;
    uint64_t after, limit;
    size_t count = 0;
    if (!api_number(c, "after", 0, UINT64_MAX, &after) ||
        !api_number(c, "limit", ADMIN_PAGE_DEFAULT, STORE_PAGE_MAX, &limit))
        return;
    if (limit == 0) limit = ADMIN_PAGE_DEFAULT;
    enum rc rc = live->calls ? live->calls(live->ctx, form_find(&c->query, STR("number")), after,
                                           (size_t)limit, c->arena, &rows, &count)
                             : RC_OK;
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "calls", STR(""));
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        api_append(&array, call_print(&rows[i]));
    api_reply(c, 200, json_pack("{s:o, s:b}", "calls", array, "more", count == limit));
}

static void refuse_hang_up(struct admin_call *c, enum rc rc, uint64_t id)
{
    if (rc == RC_NOT_FOUND)
        api_fail(c, 404, "not-found", "id", "there is no call %llu: see \"show calls\"",
                 (unsigned long long)id);
    else if (rc == RC_CONFLICT)
        api_fail(c, 409, "conflict", "id",
                 "nobody has answered call %llu yet: end it when \"show calls\" says answered",
                 (unsigned long long)id);
    else
        api_fail_rc(c, rc, "calls", STR(""));
}

void live_hang_up(struct admin_call *c)
{
    const struct admin_live *live = c->admin->live;
    struct admin_live_call call;
    uint64_t id;
    if (str_to_u64(c->req->params[0], INT64_MAX, &id) != RC_OK || id == 0) {
        api_fail(c, 400, "malformed", "id", "%.*s is no call's id: see \"show calls\"",
                 STR_ARG(c->req->params[0]));
        return;
    }
    enum rc rc = live->hang_up ? live->hang_up(live->ctx, id, c->arena, &call) : RC_NOT_FOUND;
    if (rc != RC_OK) {
        refuse_hang_up(c, rc, id);
        return;
    }
    rc = store_audit_add(c->admin->store, &c->by, STR("hangup"), STR("call"), call.call, STR("ok"),
                         NULL);
    if (rc != RC_OK) log_warn(c->admin->log, "audit.failed", LOG_CSTR("rc", rc_name(rc)));
    api_reply(c, 200, call_print(&call));
}

static json_t *cdr_print(const struct store_cdr *r)
{
    int64_t duration_s = r->answer_unix_ms > 0 ? (r->end_unix_ms - r->answer_unix_ms) / 1000 : 0;
    json_t *who = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
                            (json_int_t)r->id, "call", api_str(r->call), "node", api_str(r->node),
                            "caller", api_str(r->caller), "caller_device",
                            api_str(r->caller_device), "dialled", api_str(r->dialled), "called",
                            api_str(r->called), "called_device", api_str(r->called_device),
                            "trunk_in", api_str(r->trunk_in), "trunk_out", api_str(r->trunk_out));
    json_t *how = json_pack(
        "{s:I, s:I, s:I, s:I, s:i, s:i, s:o, s:s, s:b}", "start_ms", (json_int_t)r->start_unix_ms,
        "answer_ms", (json_int_t)r->answer_unix_ms, "end_ms", (json_int_t)r->end_unix_ms,
        "duration_s", (json_int_t)duration_s, "status", r->status, "cause", r->cause, "reason",
        api_str(r->reason), "ended_by", store_cdr_end_name(r->end_by), "encrypted", r->encrypted);
    bool whole = who && how && json_object_update(who, how) == 0;
    json_decref(how);
    if (whole) return who;
    json_decref(who);
    return NULL;
}

void cdr_list(struct admin_call *c)
{
    uint64_t since, until, before, limit;
    struct store_cdrs found;
    if (!api_number(c, "since", 0, INT64_MAX, &since) ||
        !api_number(c, "until", 0, INT64_MAX, &until) ||
        !api_number(c, "before", 0, INT64_MAX, &before) ||
        !api_number(c, "limit", ADMIN_PAGE_DEFAULT, STORE_PAGE_MAX, &limit))
        return;
    struct store_cdr_page page = {.before_id = (int64_t)before,
                                  .since_unix_ms = (int64_t)since,
                                  .until_unix_ms = (int64_t)until,
                                  .number = form_find(&c->query, STR("number")),
                                  .limit = limit > 0 ? (size_t)limit : ADMIN_PAGE_DEFAULT};
    enum rc rc = store_cdr_list(c->admin->store, &page, c->arena, &found, &c->why);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "call detail records", STR(""));
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < found.count; i++)
        api_append(&array, cdr_print(&found.rows[i]));
    api_reply(c, 200, json_pack("{s:o, s:b}", "cdrs", array, "more", found.count == page.limit));
}
