/* store/params.h - the parameters of the cluster: a constant table with name, label, range and
 * default, and their values. Names and labels are the reference's where it has one. */
#ifndef STORE_PARAMS_H
#define STORE_PARAMS_H
#include "store/store.h"

enum store_param_type { STORE_PARAM_BOOL, STORE_PARAM_INT, STORE_PARAM_CHOICE, STORE_PARAM_TEXT };

/* Position in the table. */
enum store_param_id {
    STORE_P_SIP_OAUTH_MODE,     /* ClusterSIPOAuthMode 0/1 */
    STORE_P_REFRESH_LOGIN,      /* OAuthRefreshLoginFlow 0/1 */
    STORE_P_ACCESS_TOKEN_MIN,   /* minutes 1..1440, 60 */
    STORE_P_REFRESH_TOKEN_DAYS, /* 1..365, 60 */
    STORE_P_PHONE_REFRESH_DAYS, /* physical phones; 1..365, 60 */
    STORE_P_REFRESH_GRACE_S,    /* 0..60, 0: see store_refresh.grace_s */
    STORE_P_REFRESH_ROTATION,   /* 0/1, 1 */
    STORE_P_REDIRECT_URIS,      /* third party SSO client; separated by spaces */
    STORE_P_SSO_IOS,            /* embedded | native */
    STORE_P_SSO_RTMT,           /* 0/1 */
    STORE_P_DEVICE_TOKEN,       /* implicit | explicit */
    STORE_P_SECURITY_MODE,      /* ClusterSecurityMode 0/1 */
    STORE_P_REALM,              /* SIPRealmStation ccmsipline */
    STORE_P_KEEPALIVE_S,        /* SIPStationKeepAliveInterval 30..3600, 120 */
    STORE_P_MIN_EXPIRES_S,      /* smallest expiry accepted from standard clients; 10..3600, 60 */
    STORE_P_MAX_EXPIRES_S,      /* greatest one granted to them; 60..86400, 3600 */
    STORE_P_RETRY_AFTER_S,      /* of the 403: 1..3600, 35 */
    STORE_P_STRICT_CREDENTIALS, /* every request needs its token; 0/1, 0 */
    STORE_P_OWNER_CHECK,        /* token user must own the device; 0/1, 1 */
    STORE_P_CONFIG_HTTP_OAUTH,  /* serve OAuth devices' configuration on plain HTTP; 0/1, 1 */
    STORE_P_TOKEN_FORMAT,       /* nested | signed | reference */
    STORE_P_TOKEN_ALG,          /* ES256 | RS256 */
    STORE_P_TOKEN_AUDIENCE,     /* "sip" */
    STORE_P_TOKEN_SCOPE,        /* scope-token a line needs: "sip" */
    STORE_P_TOKEN_LEEWAY_S,     /* 0..300, 30 */
    STORE_P_TOKEN_ISSUER,       /* "": https://<host>:<port> of the first node */
    STORE_P_KEY_OVERLAP_MIN,    /* minutes an old key still verifies; 0..10080, 1440 */
    STORE_P_DIGEST_ALGORITHMS,  /* both | SHA-256 | MD5 */
    STORE_P_SERVER_HEADER,      /* Server: text in SIP responses */
    STORE_P_REASON_HEADER,      /* Bearline-Reason to authenticated peers; 0/1, 1 */
    STORE_P_TRUSTED_NAME_CHECK, /* 5091: peer name must be listed; 0/1, 1 */
    STORE_P_BINDINGS_PER_LINE,  /* contacts of one line: 1..100, 10 */
    STORE_P_SIGNIN_TRIES,       /* failed sign-ins before a pause; 1..100, 5 */
    STORE_P_SIGNIN_PAUSE_S,     /* that pause; 1..86400, 60 */
    STORE_P_PASSWORD_LENGTH,    /* characters of a password that is set; 6..64, 8 */
    STORE_P_AUDIT_DAYS,         /* audit rows kept; 1..3650, 365 */
    STORE_P_RING_S,             /* no-answer ring time of lines and groups: 1..300, 12 */
    STORE_P_BUSY_TRIGGER,       /* calls on a line: 1..200, 2 */
    STORE_P_FORWARD_HOPS,       /* forwards one call may take: 1..60, 12 */
    STORE_P_SRTP_FALLBACK,      /* refuse | fallback: calls of OAuth lines with plain ones */
    STORE_P_SESSION_S,          /* session timer put into calls: 0, 90..86400, 1800 */
    STORE_P_MIN_SE_S,           /* the shortest session timer taken: 90..86400, 90 */
    STORE_P_CDR_DAYS,           /* call detail records kept; 1..3650, 30 */
    STORE_P_EDGE_FIRST,         /* from here on: of bearline-edge, nothing to a node */
    STORE_P_EDGE_MODE = STORE_P_EDGE_FIRST, /* Unified Communications mode: off | mra, off */
    STORE_P_EDGE_AUTH_PATH,                 /* ucm-ldap | saml | both | none */
    STORE_P_EDGE_TOKEN_REFRESH,             /* authorize by OAuth token with refresh; 0/1, 1 */
    STORE_P_EDGE_TOKEN_SIMPLE,              /* by OAuth token without; 0/1, 0 */
    STORE_P_EDGE_CREDENTIAL,                /* by user credential; 0/1, 0 */
    STORE_P_EDGE_EMBEDDED_BROWSER,          /* 0/1, 0 */
    STORE_P_EDGE_CHECK_INTERNAL,            /* internal authentication availability; 0/1, 0 */
    STORE_P_EDGE_ONBOARDING,                /* activation codes; 0/1, 0 */
    STORE_P_EDGE_PATH_HEADERS,              /* SIP Path headers; 0/1, 1 */
    STORE_P_EDGE_DOMAIN,                    /* of the phones: "example.com" */
    STORE_P_EDGE_SIP_PORT,                  /* outer: 1024..65535, 5061, as the next four */
    STORE_P_EDGE_HTTPS_PORT,                /* 8443 */
    STORE_P_EDGE_LINK_PORT,                 /* SIP traversal from inner edges, 7001 */
    STORE_P_EDGE_TUNNEL_PORT,               /* 2222 */
    STORE_P_EDGE_MUX_PORT,                  /* media between the edges, UDP, 2776 */
    STORE_P_EDGE_MEDIA_FIRST,               /* 1024..65534, 36000 */
    STORE_P_EDGE_MEDIA_LAST,                /* 59999 */
    STORE_P_EDGE_MEDIA_ADDRESS,             /* what SDP says; "": as media packets leave */
    STORE_P_EDGE_MEDIA_IDLE_S,              /* 30..86400, 300 */
    STORE_P_COUNT
};

struct store_param_def {
    const char *name;    /* processconfig.paramname */
    const char *label;   /* as on the page */
    const char *section; /* group on the page */
    const char *unit;    /* "minutes", "" none */
    enum store_param_type type;
    int64_t min, max;    /* INT: range; TEXT: bytes */
    const char *choices; /* CHOICE: allowed values, separated by '|' */
    const char *def;     /* value at first start */
    const char *help;    /* one or two sentences */
};

const struct store_param_def *store_param_def(enum store_param_id id);
/* By name or label, without case; NULL when there is none. */
const struct store_param_def *store_param_find(struct str name_or_label, enum store_param_id *id);
/* Whether value fits; RC_INVALID with a sentence that names the range. BOOL takes 0/1 (also true,
 * false, enabled, disabled, on, off), written to *out in the stored form; *out is a constant or
 * value itself. */
MUST_CHECK enum rc store_param_check(const struct store_param_def *def, struct str value,
                                     struct str *out, struct store_why *why);

struct store_param {
    enum store_param_id id;
    struct str name; /* def->name */
    struct str value;
    int64_t version;
};
struct store_params {
    struct store_param rows[STORE_P_COUNT]; /* by id; the default where none is stored */
};
/* RC_NOT_FOUND: no such parameter. */
MUST_CHECK enum rc store_param_get(struct store *s, struct str name_or_label, struct arena *a,
                                   struct store_param *out, struct store_why *why);
MUST_CHECK enum rc store_param_list(struct store *s, struct arena *a, struct store_params *out,
                                    struct store_why *why);
/* version 0: whatever is there. Making the refresh lifetime another one revokes nothing here: the
 * new value holds for new tokens. */
MUST_CHECK enum rc store_param_put(struct store *s, const struct store_by *by,
                                   struct str name_or_label, struct str value, int64_t version,
                                   struct store_why *why);
#endif
