#include "admin/api_int.h"

static struct store_grant_filter filter_of(struct admin_call *c)
{
    return (struct store_grant_filter){
        .user = form_find(&c->query, STR("user")),
        .client_id = form_find(&c->query, STR("client")),
        .device = form_find(&c->query, STR("device")),
        .alive_only = !api_flag(c, "all"),
        .after = form_find(&c->query, STR("after")),
    };
}

static json_t *grant_print(const struct store_grant *g)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o}", "id", api_str(g->id),
                     "user", api_str(g->user), "client", api_str(g->client_id), "device",
                     api_str(g->device), "scope", api_str(g->scope), "created",
                     (json_int_t)g->created_s, "last_used", (json_int_t)g->last_used_s, "expires",
                     (json_int_t)g->expires_s, "revoked", (json_int_t)g->revoked_s, "revoked_why",
                     api_str(g->revoked_why));
}

void grant_list(struct admin_call *c)
{
    struct store_grants found;
    struct store_grant_filter f = filter_of(c);
    uint64_t limit;
    if (!api_number(c, "limit", ADMIN_PAGE_DEFAULT, STORE_PAGE_MAX, &limit)) return;
    f.limit = (size_t)limit;
    enum rc rc = store_grant_list(c->admin->store, &f, c->arena, &found, &c->why);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "grants", STR(""));
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < found.count; i++)
        api_append(&array, grant_print(&found.rows[i]));
    api_reply(c, 200, json_pack("{s:o, s:b}", "grants", array, "more", found.more));
}

void grant_revoke(struct admin_call *c)
{
    struct str id = c->req->params[0];
    enum rc rc = store_grant_revoke(c->admin->store, &c->by, id, clock_unix_s(&c->admin->clock),
                                    STR("administrator"), &c->why);
    if (rc == RC_OK)
        api_reply(c, 200, json_pack("{s:i}", "revoked", 1));
    else
        api_fail_rc(c, rc, "grant", id);
}

void grant_revoke_many(struct admin_call *c)
{
    struct store_grant_filter f = filter_of(c);
    int64_t count = 0;
    if (f.user.n == 0 && f.client_id.n == 0 && f.device.n == 0) {
        api_fail(c, 400, "malformed", NULL, "it is not said whose: give user, client or device");
        return;
    }
    enum rc rc = store_grant_revoke_all(c->admin->store, &c->by, &f, clock_unix_s(&c->admin->clock),
                                        STR("administrator"), &count, &c->why);
    if (rc == RC_OK)
        api_reply(c, 200, json_pack("{s:I}", "revoked", (json_int_t)count));
    else
        api_fail_rc(c, rc, "grants", STR(""));
}
