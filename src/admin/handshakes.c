/* TLS handshakes that failed at a SIP port: what happened, which store lacks what, and the command that
 * cures it. Two sides can distrust each other for three reasons, and the alert alone tells neither
 * which certificate nor what was expected. */
#include "admin/api_int.h"

enum { RECENT_MS = 3600 * 1000 };

static const char *store_of(const struct admin_handshake *h)
{
    return h->door == ADMIN_DOOR_MRA ? "tomcat-trust" : "callmanager-trust";
}

static const char *unit_of(const struct admin_handshake *h)
{
    return h->door == ADMIN_DOOR_MRA ? "tomcat" : "CallManager";
}

static struct str known(struct str s, const char *other)
{
    return s.n > 0 ? s : str_from(other);
}

/* ---- what was expected ---- */

/* "exp-c: a.example.com,b; exp-d: c": the rows of expresswaycconfiguration. */
static struct str listed_names(struct admin_call *c)
{
    struct str text = STR("nobody");
    struct store_edges found;
    struct buf b;
    if (store_edge_list(c->admin->store, NULL, c->arena, &found, NULL) != RC_OK || found.count == 0)
        return text;
    buf_init(&b, 2048); /* of a long list the beginning will do */
    for (size_t i = 0; i < found.count && buf_rc(&b) == RC_OK; i++)
        buf_printf(&b, "%s%.*s: %.*s", i > 0 ? "; " : "", STR_ARG(found.rows[i].host_or_ip),
                   STR_ARG(found.rows[i].x509_names));
    if (arena_str_dup(c->arena, buf_str(&b), &text) != RC_OK) text = STR("");
    buf_fini(&b);
    return text;
}

static struct str first_name(struct str names)
{
    ptrdiff_t comma = str_find_char(names, ',');
    return comma == STR_NPOS ? names : str_sub(names, 0, (size_t)comma);
}

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr(".,:_-", c));
}

/* Alternative names without the spaces between, as the option takes them; "" where one has a letter that
 * a shell may read otherwise: the command is there to be copied, and the names are a stranger's. */
static struct str option_names(struct admin_call *c, struct str names)
{
    struct str out = STR("");
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < names.n; i++) {
        if (names.p[i] == ' ') continue;
        bool begins = b.n == 0 || b.p[b.n - 1] == ',';
        if (!is_plain(names.p[i]) || (begins && names.p[i] == '-')) {
            buf_reset(&b);
            break;
        }
        buf_put_char(&b, names.p[i]);
    }
    if (buf_rc(&b) != RC_OK || arena_str_dup(c->arena, buf_str(&b), &out) != RC_OK) out = STR("");
    buf_fini(&b);
    return out;
}

/* ---- the sentences ---- */

struct said {
    struct str text, fix;
};

static enum rc say_they_refused(struct admin_call *c, const struct admin_handshake *h,
                                struct said *out)
{
    bool is_ca = h->cause == ADMIN_HANDSHAKE_UNKNOWN_CA;
    enum rc rc = arena_printf(c->arena, &out->text,
                              "%.*s refused our certificate %.*s, issued by %.*s (alert %.*s)",
                              STR_ARG(h->peer), STR_ARG(known(h->subject, "?")),
                              STR_ARG(known(h->issuer, "?")), STR_ARG(known(h->alert, "none")));
    if (rc != RC_OK) return rc;
    if (!is_ca) {
        out->fix = STR("See that side's log for what it wants of our certificate");
        return RC_OK;
    }
    return arena_printf(
        c->arena, &out->fix,
        h->door == ADMIN_DOOR_MRA
            ? "Its trusted CAs lack %.*s: import ca.pem of this node's data folder "
              "there (bearline --edge: set cert import trust tomcat ca.pem)"
            : "Its trusted CAs lack %.*s: give it ca.pem of this node's data folder",
        STR_ARG(known(h->issuer, "the issuer of our certificate")));
}

static enum rc say_unknown_ca(struct admin_call *c, const struct admin_handshake *h,
                              struct said *out)
{
    enum rc rc = arena_printf(c->arena, &out->text,
                              "%.*s showed %.*s, issued by %.*s, which nothing in %s vouches for",
                              STR_ARG(h->peer), STR_ARG(known(h->subject, "a certificate")),
                              STR_ARG(known(h->issuer, "?")), store_of(h));
    if (rc != RC_OK) return rc;
    return arena_printf(
        c->arena, &out->fix,
        "If it is to be trusted, import its CA: set cert import trust %s <file.pem>", unit_of(h));
}

static enum rc say_not_listed(struct admin_call *c, const struct admin_handshake *h,
                              struct said *out)
{
    struct str names = option_names(c, h->names);
    enum rc rc = arena_printf(c->arena, &out->text,
                              "%.*s showed %.*s (names %.*s); expresswaycconfiguration has %.*s",
                              STR_ARG(h->peer), STR_ARG(known(h->subject, "a certificate")),
                              STR_ARG(known(h->names, "none")), STR_ARG(listed_names(c)));
    if (rc != RC_OK) return rc;
    return arena_printf(c->arena, &out->fix,
                        "If it is an edge of ours: edge add %.*s --x509-names %.*s",
                        STR_ARG(known(first_name(names), "NAME")), STR_ARG(known(names, "NAME")));
}

static enum rc say(struct admin_call *c, const struct admin_handshake *h, struct said *out)
{
    *out = (struct said){STR(""), STR("")};
    if (h->by_peer) return say_they_refused(c, h, out);
    switch (h->cause) {
    case ADMIN_HANDSHAKE_UNKNOWN_CA: return say_unknown_ca(c, h, out);
    case ADMIN_HANDSHAKE_NOT_LISTED: return say_not_listed(c, h, out);
    case ADMIN_HANDSHAKE_EXPIRED:
        out->fix = STR("Renew that certificate, or set the clock that is wrong");
        return arena_printf(c->arena, &out->text,
                            "%.*s showed %.*s, which is expired or not yet valid", STR_ARG(h->peer),
                            STR_ARG(known(h->subject, "a certificate")));
    case ADMIN_HANDSHAKE_NO_CERTIFICATE:
        out->fix = h->door == ADMIN_DOOR_MRA
                       ? STR("This port is for edges: phones use the SIP Phone OAuth Port")
                       : STR("This port is for phones with certificates: others use the SIP Phone "
                             "OAuth Port");
        return arena_printf(c->arena, &out->text, "%.*s showed no certificate", STR_ARG(h->peer));
    case ADMIN_HANDSHAKE_OTHER: break;
    }
    out->fix = STR("See connection.refused in the node's log");
    return arena_printf(c->arena, &out->text, "%.*s failed in the TLS handshake%s%.*s",
                        STR_ARG(h->peer), h->alert.n > 0 ? ": alert " : "", STR_ARG(h->alert));
}

/* ---- the API ---- */

static enum rc rows_of(struct admin_call *c, struct admin_handshake **rows, size_t *count)
{
    const struct admin_live *live = c->admin->live;
    *count = 0;
    return live->handshakes ? live->handshakes(live->ctx, c->arena, rows, count) : RC_OK;
}

static json_t *print(const struct admin_handshake *h, const struct said *s)
{
    return json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "listener",
                     api_str(h->listener), "peer", api_str(h->peer), "by_peer", h->by_peer,
                     "subject", api_str(h->subject), "issuer", api_str(h->issuer), "names",
                     api_str(h->names), "alert", api_str(h->alert), "count", (json_int_t)h->count,
                     "first", (json_int_t)(h->first_unix_ms / 1000), "last",
                     (json_int_t)(h->last_unix_ms / 1000), "text", api_str(s->text), "fix",
                     api_str(s->fix));
}

void live_handshakes(struct admin_call *c)
{
    struct admin_handshake *rows = NULL;
    struct said s;
    size_t count;
    enum rc rc = rows_of(c, &rows, &count);
    json_t *array = json_array();
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        if ((rc = say(c, &rows[i], &s)) == RC_OK) api_append(&array, print(&rows[i], &s));
    if (rc == RC_OK) {
        api_reply(c, 200, json_pack("{s:o, s:b}", "handshakes", array, "more", false));
        return;
    }
    json_decref(array);
    api_fail_rc(c, rc, "handshakes", STR(""));
}

enum rc handshakes_recent(struct admin_call *c, struct health *out)
{
    struct admin_handshake *rows = NULL;
    size_t count;
    int64_t now = clock_unix_ms(&c->admin->clock);
    *out = (struct health){0};
    enum rc rc = rows_of(c, &rows, &count);
    if (rc == RC_OK && count > 0) out->rows = ARENA_ARRAY(c->arena, struct health_problem, count);
    if (rc == RC_OK && count > 0 && !out->rows) rc = RC_NOMEM;
    for (size_t i = 0; rc == RC_OK && i < count; i++) {
        struct said s;
        if (rows[i].door != ADMIN_DOOR_MRA || now - rows[i].last_unix_ms > RECENT_MS) continue;
        if ((rc = say(c, &rows[i], &s)) == RC_OK)
            out->rows[out->count++] = (struct health_problem){"Edge", s.text, s.fix};
    }
    return rc;
}
