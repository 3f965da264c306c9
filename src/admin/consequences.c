/* What goes with a record when it is removed: found out before anything happens, for whoever asks
 * "really?". The removal is tried in a batch that is rolled back, so that a refusal comes first. */
#include "admin/api_int.h"

enum { NAMES_SHOWN = 5, TEXT_MAX = 8192 };

static void put_names(struct buf *out, const struct store_names *names)
{
    size_t shown = names->count > NAMES_SHOWN ? NAMES_SHOWN : names->count;
    buf_printf(out, "device%s ", names->count == 1 ? "" : "s");
    for (size_t i = 0; i < shown; i++)
        buf_printf(out, "%s%.*s", i > 0 ? ", " : "", STR_ARG(names->rows[i]));
    if (names->count > shown) buf_printf(out, " and %zu more", names->count - shown);
}

static enum rc put_sign_ins(struct admin_call *c, const struct store_grant_filter *filter,
                            struct buf *out)
{
    struct store_grants found;
    enum rc rc = store_grant_list(c->admin->store, filter, c->arena, &found, &c->why);
    if (rc != RC_OK || found.count == 0) return rc;
    buf_printf(out, "%s%s%zu sign-in%s", out->n > 0 ? "; " : "", found.more ? "more than " : "",
               found.count, found.count == 1 && !found.more ? " ends" : "s end");
    return RC_OK;
}

static enum rc put_of_user(struct admin_call *c, struct str key, struct buf *out)
{
    const struct store_grant_filter filter = {
        .user = key, .alive_only = true, .limit = STORE_PAGE_MAX};
    struct store_names names;
    enum rc rc = store_user_devices(c->admin->store, key, c->arena, &names, &c->why);
    if (rc != RC_OK) return rc;
    if (names.count > 0) {
        put_names(out, &names);
        buf_put_str(out, names.count == 1 ? STR(" loses its owner and can no longer sign in")
                                          : STR(" lose their owner and can no longer sign in"));
    }
    return put_sign_ins(c, &filter, out);
}

static enum rc put_of_device(struct admin_call *c, struct str key, struct buf *out)
{
    const struct admin_live *live = c->admin->live;
    struct admin_registration *rows;
    size_t count;
    enum rc rc = live->registrations(live->ctx, key, 0, STORE_PAGE_MAX, c->arena, &rows, &count);
    if (rc == RC_OK && count > 0)
        buf_printf(out, "it is registered now: its registration%s let go",
                   count == 1 ? " is" : "s are");
    return rc;
}

static enum rc put_of_client(struct admin_call *c, struct str key, struct buf *out)
{
    const struct store_grant_filter filter = {
        .client_id = key, .alive_only = true, .limit = STORE_PAGE_MAX};
    buf_put_lit(out, "nobody can sign in with it any more");
    return put_sign_ins(c, &filter, out);
}

/* The kinds whose rows have nothing of their own: the same for each. */
static const char *plain_text(enum store_kind kind)
{
    switch ((int)kind) {
    case STORE_LINE: return "calls to it are refused";
    case STORE_NODE: return "phones are no longer told of it";
    case STORE_ISSUER: return "its tokens are refused and phones that use them are let go";
    case STORE_DOMAIN: return "requests for it are no longer answered as ours";
    case STORE_EDGE: return "its connections are refused";
    case STORE_HUNT_GROUP: return "calls to its number are refused";
    case STORE_TRUNK: return "no calls go or come over it";
    case STORE_ROUTE_PATTERN: return "numbers only it stands for lead nowhere";
    case STORE_UCM: return "phones outside no longer reach that cluster";
    case STORE_PEER: return "its links end, and with them the phones behind it";
    case STORE_ALLOW: return "phones outside may no longer ask for it";
    case STORE_TRUST: return "certificates that only it vouches for are refused";
    default: return "";
    }
}

static enum rc put_effects(struct admin_call *c, const struct admin_noun *noun, struct str key,
                           struct buf *out)
{
    if (noun->kind == STORE_USER) return put_of_user(c, key, out);
    if (noun->kind == STORE_DEVICE) return put_of_device(c, key, out);
    if (noun->kind == STORE_CLIENT) return put_of_client(c, key, out);
    buf_put_str(out, str_from(plain_text(noun->kind)));
    return RC_OK;
}

/* What the store would say; nothing happens. */
static enum rc try_remove(struct admin_call *c, const struct admin_noun *noun, struct str key)
{
    struct store_by by = c->by;
    enum rc rc = store_batch_begin(c->admin->store, &by.batch, &c->why);
    if (rc != RC_OK) return rc;
    rc = noun_store(noun)->remove(c->admin->store, &by, key, &c->why);
    store_batch_rollback(by.batch);
    return rc;
}

void remove_rehearse(struct admin_call *c, const struct admin_noun *noun, struct str key)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    enum rc rc = try_remove(c, noun, key);
    if (rc == RC_OK) rc = put_effects(c, noun, key, &text);
    if (rc == RC_OK) rc = buf_rc(&text);
    if (rc == RC_OK)
        api_reply(c, 200,
                  json_pack("{s:o, s:o}", "would_remove", api_str(key), "goes_with_it",
                            api_str(buf_str(&text))));
    else
        api_fail_rc(c, rc, noun->name, key);
    buf_fini(&text);
}
