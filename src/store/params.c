#include "store/params.h"
#include "store/record_int.h"

#define BOOL_P(n, l, s, d, h)                                                                      \
    {                                                                                              \
        n, l, s, "", STORE_PARAM_BOOL, 0, 1, "", d, h                                              \
    }
#define INT_P(n, l, s, u, lo, hi, d, h)                                                            \
    {                                                                                              \
        n, l, s, u, STORE_PARAM_INT, lo, hi, "", d, h                                              \
    }
#define CHOICE_P(n, l, s, c, d, h)                                                                 \
    {                                                                                              \
        n, l, s, "", STORE_PARAM_CHOICE, 0, 0, c, d, h                                             \
    }
#define TEXT_P(n, l, s, lo, hi, d, h)                                                              \
    {                                                                                              \
        n, l, s, "", STORE_PARAM_TEXT, lo, hi, "", d, h                                            \
    }
#define SEC   "Security Parameters"
#define SSO   "SSO and OAuth Configuration"
#define LINE  "Line Side SIP"
#define SYS   "Operation"
#define CALL  "Calls"
#define MRA   "MRA Access Control"
#define PORTS "Edge Ports and Media"

static const struct store_param_def defs[STORE_P_COUNT] = {
    [STORE_P_SIP_OAUTH_MODE] = BOOL_P(
        "ClusterSIPOAuthMode", "Cluster SIPOAuth Mode", SEC, "0",
        "Whether phones may register with an OAuth token. Change it with \"utils sipOAuth-mode\", "
        "which checks what it needs first."),
    [STORE_P_REFRESH_LOGIN] = BOOL_P(
        "OAuthRefreshLoginFlow", "OAuth with Refresh Login Flow", SSO, "0",
        "Sign-in with authorization code and refresh tokens. SIP OAuth mode needs it."),
    [STORE_P_ACCESS_TOKEN_MIN] = INT_P("OAuthAccessTokenExpiry",
                                       "OAuth Access Token Expiry Timer (minutes)", SSO, "minutes",
                                       1, 1440, "60", "How long an access token is valid."),
    [STORE_P_REFRESH_TOKEN_DAYS] = INT_P("OAuthRefreshTokenExpiry",
                                         "OAuth Refresh Token Expiry Timer (days)", SSO, "days", 1,
                                         365, "60",
                                         "How long a user stays signed in without typing a "
                                         "password. A change holds for new tokens."),
    [STORE_P_PHONE_REFRESH_DAYS] = INT_P("PhoneOAuthRefreshTokenExpiry",
                                         "Physical Phone OAuth Refresh Token Expiry Timer (days)",
                                         SSO, "days", 1, 365, "60", "The same for desk phones."),
    [STORE_P_REFRESH_GRACE_S] = INT_P("OAuthRefreshReuseGrace",
                                      "OAuth Refresh Token Reuse Grace (seconds)", SSO, "seconds",
                                      0, 60, "0",
                                      "A refresh token whose answer was lost may be used once more "
                                      "within this time. 0: any reuse revokes the sign-in."),
    [STORE_P_REFRESH_ROTATION] = BOOL_P("OAuthRefreshRotation", "OAuth Refresh Token Rotation", SSO,
                                        "1",
                                        "Each use of a refresh token gives a new one; a stolen one "
                                        "is found out at its second use."),
    [STORE_P_REDIRECT_URIS] = TEXT_P("ThirdPartySSORedirectURIs",
                                     "Redirect URIs for Third Party SSO Client", SSO, 0, 4096, "",
                                     "Redirect URIs accepted from clients that are not registered "
                                     "one by one, separated by spaces."),
    [STORE_P_SSO_IOS] = CHOICE_P("SSOLoginBehaviorIOS", "SSO Login Behavior for iOS", SSO,
                                 "embedded|native", "embedded",
                                 "Kept for compatibility; no client is told of it."),
    [STORE_P_SSO_RTMT] = BOOL_P("UseSSOforRTMT", "Use SSO for RTMT", SSO, "0",
                                "Kept for compatibility; nothing here uses it."),
    [STORE_P_DEVICE_TOKEN] = CHOICE_P(
        "OAuthAccessTokenForDevices", "OAuth Access Token for Devices", SSO, "implicit|explicit",
        "implicit", "Kept for compatibility; tokens are given by sign-in alone."),
    [STORE_P_SECURITY_MODE] = BOOL_P(
        "ClusterSecurityMode", "Cluster Security Mode", SEC, "0",
        "Kept for compatibility: \"run sql\" shows it, nothing here depends on it."),
    [STORE_P_REALM] = TEXT_P("SIPRealmStation", "SIP Realm Station", LINE, 1, 64, "ccmsipline",
                             "Realm in Bearer and Digest challenges. Digest passwords are bound to "
                             "it: set them again after a change."),
    [STORE_P_KEEPALIVE_S] = INT_P("SIPStationKeepAliveInterval", "SIP Station KeepAlive Interval",
                                  LINE, "seconds", 30, 3600, "120",
                                  "Expiry granted to phones of the reference's dialect."),
    [STORE_P_MIN_EXPIRES_S] = INT_P(
        "SIPMinExpires", "Minimum Registration Expiry", LINE, "seconds", 10, 3600, "60",
        "A standard client that asks for less is answered 423 with Min-Expires."),
    [STORE_P_MAX_EXPIRES_S] = INT_P("SIPMaxExpires", "Maximum Registration Expiry", LINE, "seconds",
                                    60, 86400, "3600",
                                    "The most that is granted to a standard client."),
    [STORE_P_RETRY_AFTER_S] = INT_P("SIPOAuthRetryAfter", "Retry-After of Refused Registrations",
                                    LINE, "seconds", 1, 3600, "35",
                                    "Sent with the 403 for a port or profile that does not fit."),
    [STORE_P_STRICT_CREDENTIALS] = BOOL_P("SIPOAuthStrictCredentials",
                                          "Strict Per-Request Credentials", LINE, "0",
                                          "On: every request must carry its token. Off: a token is "
                                          "remembered for its connection until it expires."),
    [STORE_P_OWNER_CHECK] = BOOL_P("SIPOAuthOwnerCheck", "Token User Must Own the Device", LINE,
                                   "1",
                                   "Off lets any active user's token register any OAuth device."),
    [STORE_P_CONFIG_HTTP_OAUTH] = BOOL_P("ConfigOverHTTPForOAuth",
                                         "Serve OAuth Devices on Plain HTTP", SEC, "1",
                                         "Off: configurations of OAuth devices are given out on "
                                         "the HTTPS port only, to their owner's token."),
    [STORE_P_TOKEN_FORMAT] = CHOICE_P(
        "OAuthTokenFormat", "Access Token Format", SSO, "nested|signed|reference", "nested",
        "nested: at+jwt signed, then encrypted; signed: at+jwt readable by anyone; reference: "
        "claims in an encrypted private claim."),
    [STORE_P_TOKEN_ALG] = CHOICE_P("OAuthTokenAlgorithm", "Access Token Signature", SSO,
                                   "ES256|RS256", "ES256", "Algorithm of newly made signing keys."),
    [STORE_P_TOKEN_AUDIENCE] = TEXT_P("OAuthTokenAudience", "Access Token Audience", SSO, 1, 256,
                                      "sip",
                                      "Audience of our tokens, and the one a line asks for."),
    [STORE_P_TOKEN_SCOPE] = TEXT_P("OAuthTokenScope", "Scope of a Line", SSO, 1, 64, "sip",
                                   "Scope that a token needs to register a line."),
    [STORE_P_TOKEN_LEEWAY_S] = INT_P("OAuthTokenLeeway", "Clock Leeway for Tokens", SSO, "seconds",
                                     0, 300, "30",
                                     "Clock difference allowed on the times in a token."),
    [STORE_P_TOKEN_ISSUER] = TEXT_P(
        "OAuthTokenIssuer", "Access Token Issuer", SSO, 0, 256, "",
        "Issuer of our tokens; empty: https:// and the first node's host and HTTPS port."),
    [STORE_P_KEY_OVERLAP_MIN] = INT_P(
        "OAuthKeyOverlap", "Key Overlap (minutes)", SSO, "minutes", 0, 10080, "1440",
        "How long tokens of the previous key stay valid after a planned change of keys."),
    [STORE_P_DIGEST_ALGORITHMS] = CHOICE_P(
        "SIPDigestAlgorithms", "Digest Algorithms", LINE, "both|SHA-256|MD5", "both",
        "Offered to lines with digest authentication; both offers SHA-256 first."),
    [STORE_P_SERVER_HEADER] = TEXT_P("SIPServerHeader", "Server Header", LINE, 0, 128, "Bearline",
                                     "Server text in SIP responses; empty: none."),
    [STORE_P_REASON_HEADER] = BOOL_P(
        "SIPReasonHeader", "Bearline-Reason Header", LINE, "1",
        "Tells an authenticated peer the precise reason of a refusal."),
    [STORE_P_TRUSTED_NAME_CHECK] = BOOL_P("SIPOAuthMRANameCheck", "Check Edge Certificate Names",
                                          SEC, "1",
                                          "On the Mobile and Remote Access port the certificate "
                                          "must carry a name of a trusted edge."),
    [STORE_P_BINDINGS_PER_LINE] = INT_P("SIPBindingsPerLine", "Registrations per Line", LINE, "", 1,
                                        100, "10", "How many contacts one line may have."),
    [STORE_P_SIGNIN_TRIES] = INT_P("SignInTries", "Failed Sign-ins Before a Pause", SEC, "", 1, 100,
                                   "5", "Of one user; an address may fail twenty times as often."),
    [STORE_P_SIGNIN_PAUSE_S] = INT_P("SignInPause", "Pause After Failed Sign-ins", SEC, "seconds",
                                     1, 86400, "60", "During it even a right password is refused."),
    [STORE_P_PASSWORD_LENGTH] = INT_P("PasswordLength", "Minimum Password Length", SEC,
                                      "characters", 6, 64, "8",
                                      "The fewest characters a password may have that is set from "
                                      "now on; those set before stay."),
    [STORE_P_AUDIT_DAYS] = INT_P("AuditDays", "Audit Log Retention (days)", SYS, "days", 1, 3650,
                                 "365", "Older audit rows are dropped."),
    [STORE_P_RING_S] = INT_P("ForwardNoAnswerTimer", "No Answer Ring Duration (seconds)", CALL,
                             "seconds", 1, 300, "12",
                             "How long a line or a member of a hunt group rings before the call "
                             "goes on, where they say nothing themselves."),
    [STORE_P_BUSY_TRIGGER] = INT_P("BusyTrigger", "Busy Trigger", CALL, "calls", 1, 200, "2",
                                   "Calls of a device on one line from which on it counts as busy, "
                                   "where the line says nothing itself."),
    [STORE_P_FORWARD_HOPS] = INT_P("ForwardMaximumHopCount", "Forward Maximum Hop Count", CALL, "",
                                   1, 60, "12",
                                   "How often one call may be forwarded before it is refused."),
    [STORE_P_SRTP_FALLBACK] = CHOICE_P(
        "SIPSrtpFallback", "Calls Between Encrypted and Plain Lines", CALL, "refuse|fallback",
        "refuse",
        "refuse: a call of an OAuth line with a phone or trunk that cannot encrypt is refused with "
        "488. fallback: it is plain on both sides, and shown so."),
    [STORE_P_SESSION_S] = INT_P("SIPSessionExpiresTimer", "SIP Session Expires Timer", CALL,
                                "seconds", 0, 86400, "1800",
                                "How long a call lasts without being refreshed, where its phones "
                                "ask for nothing themselves. 0: as long as it likes."),
    [STORE_P_MIN_SE_S] = INT_P("SIPMinSE", "SIP Min-SE Value", CALL, "seconds", 90, 86400, "90",
                               "Session timers that are shorter are refused with 422."),
    [STORE_P_CDR_DAYS] = INT_P("CDRDays", "Call Detail Record Retention (days)", CALL, "days", 1,
                               3650, "30", "Older call detail records are dropped."),
    [STORE_P_EDGE_MODE] = CHOICE_P(
        "EdgeUnifiedCommunicationsMode", "Unified Communications mode", MRA, "off|mra", "off",
        "mra: Mobile and Remote Access. off: phones outside are served nothing."),
    [STORE_P_EDGE_AUTH_PATH] = CHOICE_P(
        "EdgeAuthenticationPath", "Authentication path", MRA,
        "ucm-ldap|saml|saml-and-ucm-ldap|none", "ucm-ldap",
        "How users sign in. saml is not available yet: no part of it is built."),
    [STORE_P_EDGE_TOKEN_REFRESH] = BOOL_P(
        "EdgeAuthorizeByTokenWithRefresh", "Authorize by OAuth token with refresh", MRA, "1",
        "Needs the refresh login flow of the call servers; a difference is shown as a "
        "problem on both sides."),
    [STORE_P_EDGE_TOKEN_SIMPLE] = BOOL_P(
        "EdgeAuthorizeByToken", "Authorize by OAuth token", MRA, "0",
        "Simple tokens need the authentication path saml, which is not available yet."),
    [STORE_P_EDGE_CREDENTIAL] = BOOL_P(
        "EdgeAuthorizeByCredential", "Authorize by user credential", MRA, "0",
        "Passwords in every request: not available, phones sign in with OAuth."),
    [STORE_P_EDGE_EMBEDDED_BROWSER] = BOOL_P(
        "EdgeEmbeddedSafari", "Allow Jabber iOS clients to use embedded Safari", MRA, "0",
        "Kept for compatibility; no client is told of it."),
    [STORE_P_EDGE_CHECK_INTERNAL] = BOOL_P(
        "EdgeCheckInternalAuthentication",
        "Check for internal authentication availability", MRA, "0",
        "On: asks the user's own call server whether it offers OAuth before it answers "
        "get_edge_sso, which lets strangers cause requests inside."),
    [STORE_P_EDGE_ONBOARDING] = BOOL_P("EdgeActivationCodeOnboarding",
                                       "Allow activation code onboarding", MRA, "0",
                                       "Not available yet: activation codes are not built."),
    [STORE_P_EDGE_PATH_HEADERS] = BOOL_P(
        "EdgeSIPPathHeaders", "SIP Path headers", MRA, "1",
        "Phones are reached by Path and keep their Contact. Off is not available yet: the "
        "inner edge does not write its own Contact in the place of theirs."),
    [STORE_P_EDGE_DOMAIN] = TEXT_P("EdgeDomain", "Service discovery domain", MRA, 0, 253, "",
                                   "The domain behind _collab-edge._tls, as users type it."),
    [STORE_P_EDGE_SIP_PORT] = INT_P("EdgeSIPPort", "SIP TLS Port", PORTS, "", 1024, 65535, "5061",
                                    "Outer edge: where phones outside connect."),
    [STORE_P_EDGE_HTTPS_PORT] = INT_P(
        "EdgeHTTPSPort", "HTTPS Port", PORTS, "", 1024, 65535, "8443",
        "Outer edge: sign-in, configuration and the edge API for phones outside."),
    [STORE_P_EDGE_LINK_PORT] = INT_P("EdgeTraversalPort", "SIP Traversal Port", PORTS, "", 1024,
                                     65535, "7001",
                                     "Outer edge: where inner edges connect for SIP."),
    [STORE_P_EDGE_TUNNEL_PORT] = INT_P("EdgeTunnelPort", "Tunnel Port", PORTS, "", 1024, 65535,
                                       "2222",
                                       "Outer edge: where inner edges connect for HTTPS requests."),
    [STORE_P_EDGE_MUX_PORT] = INT_P("EdgeMediaTraversalPort", "Media Traversal Port", PORTS, "",
                                    1024, 65535, "2776",
                                    "Outer edge, UDP: where inner edges send and fetch media."),
    [STORE_P_EDGE_MEDIA_FIRST] = INT_P("EdgeMediaPortFirst", "First Media Port", PORTS, "", 1024,
                                       65534, "36000",
                                       "UDP ports for the media of phones, from an even one on."),
    [STORE_P_EDGE_MEDIA_LAST] = INT_P("EdgeMediaPortLast", "Last Media Port", PORTS, "", 1025,
                                      65535, "59999", "The last of them."),
    [STORE_P_EDGE_MEDIA_ADDRESS] = TEXT_P(
        "EdgeMediaAddress", "Media Address", PORTS, 0, 64, "",
        "IP address phones send media to; empty: the one their connection came to. To be set "
        "behind an address translation."),
    [STORE_P_EDGE_MEDIA_IDLE_S] = INT_P(
        "EdgeMediaIdle", "Media Idle Limit", PORTS, "seconds", 30, 86400, "300",
        "A media stream without packets for that long gives its ports back."),
};

const struct store_param_def *store_param_def(enum store_param_id id)
{
    return &defs[id];
}

const struct store_param_def *store_param_find(struct str name, enum store_param_id *id)
{
    for (int i = 0; i < STORE_P_COUNT; i++) {
        if (!str_eq_nocase(name, str_from(defs[i].name)) &&
            !str_eq_nocase(name, str_from(defs[i].label)))
            continue;
        if (id) *id = (enum store_param_id)i;
        return &defs[i];
    }
    return NULL;
}

/* --- values --- */

static bool word_to_bool(struct str v, struct str *out)
{
    static const char *const on[] = {"1", "true", "enabled", "enable", "on", "yes"};
    static const char *const off[] = {"0", "false", "disabled", "disable", "off", "no"};
    for (size_t i = 0; i < sizeof on / sizeof on[0]; i++) {
        if (str_eq_nocase(v, str_from(on[i])))
            *out = STR("1");
        else if (str_eq_nocase(v, str_from(off[i])))
            *out = STR("0");
        else
            continue;
        return true;
    }
    return false;
}

static enum rc check_choice(const struct store_param_def *def, struct str v, struct str *out,
                            struct store_why *why)
{
    struct str rest = str_from(def->choices), one;
    while (str_split(&rest, '|', &one)) {
        if (!str_eq_nocase(v, one)) continue;
        *out = one;
        return RC_OK;
    }
    return store_refuse(why, RC_INVALID, "%s is one of %s", def->label, def->choices);
}

static enum rc check_text(const struct store_param_def *def, struct str v, struct str *out,
                          struct store_why *why)
{
    if ((int64_t)v.n < def->min || (int64_t)v.n > def->max)
        return store_refuse(why, RC_INVALID, "%s has %lld to %lld bytes", def->label,
                            (long long)def->min, (long long)def->max);
    if (!str_is_utf8(v)) return store_refuse(why, RC_INVALID, "%s is not UTF-8 text", def->label);
    /* Some of these go into header fields: a line break must never get there. */
    for (size_t i = 0; i < v.n; i++)
        if ((unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7f || v.p[i] == '"' || v.p[i] == '\\')
            return store_refuse(why, RC_INVALID, "%s holds a control character, '\"' or '\\'",
                                def->label);
    *out = v;
    return RC_OK;
}

enum rc store_param_check(const struct store_param_def *def, struct str value, struct str *out,
                          struct store_why *why)
{
    uint64_t n;
    switch (def->type) {
    case STORE_PARAM_BOOL:
        return word_to_bool(value, out)
                   ? RC_OK
                   : store_refuse(why, RC_INVALID, "%s is 0 (disabled) or 1 (enabled)", def->label);
    case STORE_PARAM_INT:
        if (value.n > 1 && value.p[0] == '0') break;
        if (str_to_u64(value, (uint64_t)def->max, &n) != RC_OK || (int64_t)n < def->min) break;
        *out = value;
        return RC_OK;
    case STORE_PARAM_CHOICE: return check_choice(def, value, out, why);
    case STORE_PARAM_TEXT: return check_text(def, value, out, why);
    }
    return store_refuse(why, RC_INVALID, "%s is a number from %lld to %lld%s%s", def->label,
                        (long long)def->min, (long long)def->max, def->unit[0] ? " " : "",
                        def->unit);
}

/* --- stored values --- */

struct list_job {
    struct arena *a;
    struct store_params *out;
};

static enum rc list_body(void *ctx, struct db *db, struct store_why *why)
{
    struct list_job *x = ctx;
    struct db_stmt *st;
    bool row;
    enum store_param_id id;
    enum rc rc = db_prepare(db, "SELECT name, value, version FROM cfg_param", &st, why);
    if (rc != RC_OK) return rc;
    while ((rc = db_step(st, &row, why)) == RC_OK && row) {
        if (!store_param_find(db_col_str(st, 0), &id)) continue; /* of a later version */
        x->out->rows[id].version = db_col_i64(st, 2);
        rc = db_col_dup(st, 1, x->a, &x->out->rows[id].value);
        if (rc == RC_OK) continue;
        db_done(st);
        return store_refuse(why, rc, "out of memory");
    }
    return rc;
}

enum rc store_param_list(struct store *s, struct arena *a, struct store_params *out,
                         struct store_why *why)
{
    struct list_job x = {a, out};
    for (int i = 0; i < STORE_P_COUNT; i++)
        out->rows[i] = (struct store_param){(enum store_param_id)i, str_from(defs[i].name),
                                            str_from(defs[i].def), 0};
    return store_read(s, list_body, &x, why);
}

enum rc store_param_get(struct store *s, struct str name, struct arena *a, struct store_param *out,
                        struct store_why *why)
{
    enum store_param_id id;
    struct store_params all;
    if (!store_param_find(name, &id))
        return store_refuse(why, RC_NOT_FOUND, "there is no parameter %.*s", STR_ARG(name));
    enum rc rc = store_param_list(s, a, &all, why);
    if (rc == RC_OK) *out = all.rows[id];
    return rc;
}

struct put_job {
    const struct store_param_def *def;
    struct str value;
    int64_t version;
};

static enum rc check_version(const struct put_job *x, struct store_tx *tx, struct store_why *why)
{
    struct db_stmt *st;
    bool row;
    if (x->version == 0) return RC_OK;
    enum rc rc = db_prepare(tx->db, "SELECT version FROM cfg_param WHERE name = ?1", &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, str_from(x->def->name));
    rc = db_step(st, &row, why);
    if (rc != RC_OK) return rc;
    bool same = row && db_col_i64(st, 0) == x->version;
    if (row) db_done(st);
    return same ? RC_OK
                : store_refuse(why, RC_CONFLICT,
                               "the parameter %s was changed meanwhile: read it again",
                               x->def->label);
}

static enum rc put_body(void *ctx, struct store_tx *tx, struct store_why *why)
{
    const struct put_job *x = ctx;
    struct str name = str_from(x->def->name);
    struct db_stmt *st;
    enum rc rc = check_version(x, tx, why);
    if (rc == RC_OK)
        rc = db_prepare(
            tx->db,
            "INSERT INTO cfg_param (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET "
            "value = excluded.value, version = cfg_param.version + 1",
            &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, name);
    db_bind_str(st, 2, x->value);
    rc = db_run(st, why);
    if (rc == RC_OK) rc = store_tx_event(tx, STORE_PARAM, name, false);
    if (rc == RC_OK) rc = store_tx_audit(tx, STR("update"), STR("param"), name, STR("ok"), why);
    return rc;
}

enum rc store_param_put(struct store *s, const struct store_by *by, struct str name,
                        struct str value, int64_t version, struct store_why *why)
{
    struct put_job x = {store_param_find(name, NULL), {0}, version};
    if (!x.def) return store_refuse(why, RC_NOT_FOUND, "there is no parameter %.*s", STR_ARG(name));
    enum rc rc = store_param_check(x.def, value, &x.value, why);
    return rc == RC_OK ? store_change(s, by, put_body, &x, why) : rc;
}
