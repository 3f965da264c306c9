/* call/linepolicy.h - who may use which line: one table from (listener, mode, device, profile,
 * proof) to {accept, challenge, refuse + why}. A pure function; what the answers look like on the
 * wire is answer.h.
 *
 * Two rules shape the table. A stranger learns nothing: on an OAuth line every device name, known
 * or not, fit or unfit, is first asked for a token; only who has proved himself hears 403 or 404.
 * And one refusal has one precise reason, even where the wire (for compatibility) says the same. */
#ifndef CALL_LINEPOLICY_H
#define CALL_LINEPOLICY_H
#include "base/str.h"

/* The kinds of listener of a node; the number siptx carries as listener_kind. */
enum call_listener {
    CALL_LINE,   /* 5060 UDP and TCP */
    CALL_SECURE, /* 5061 mutual TLS */
    CALL_OAUTH,  /* 5090 TLS */
    CALL_MRA,    /* 5091 mutual TLS with an edge that is listed */
    CALL_LISTENER_COUNT
};
/* "line", "secure line", "OAuth line", "OAuth line over MRA". */
const char *call_listener_name(enum call_listener listener);

enum call_security { CALL_NON_SECURE = 1, CALL_AUTHENTICATED = 2, CALL_ENCRYPTED = 3 };

/* What came as proof of identity. */
enum call_proof { CALL_PROOF_NONE, CALL_PROOF_BAD, CALL_PROOF_GOOD };

enum call_why {
    CALL_WHY_FINE,
    CALL_WHY_NO_TOKEN,         /* no credentials yet */
    CALL_WHY_BAD_TOKEN,        /* expired, forged, revoked ...: oauth_reason says which */
    CALL_WHY_NO_DIGEST,        /* no Digest credentials yet */
    CALL_WHY_BAD_DIGEST,       /* they do not fit or are stale */
    CALL_WHY_MODE_OFF,         /* an OAuth port while the cluster's mode is disabled */
    CALL_WHY_PROFILE_NO_OAUTH, /* an OAuth port, but the device's profile has no OAuth */
    CALL_WHY_PROFILE_OAUTH,    /* 5060 or 5061, but the device's profile wants the OAuth port */
    CALL_WHY_SECURITY_MODE,    /* the profile's security mode does not fit the port */
    CALL_WHY_UNKNOWN_DEVICE,
    CALL_WHY_DEVICE_DISABLED,
    CALL_WHY_USER_UNKNOWN, /* the token's user is no user here or inactive */
    CALL_WHY_NOT_OWNER,    /* the token's user does not own the device */
    CALL_WHY_CERT_NAME,    /* the client certificate does not name the device */
    CALL_WHY_NO_PROFILE,   /* the device names a profile that is gone */
    CALL_WHY_COUNT
};
/* "port-mismatch-profile-oauth": one word for logs and metrics; never NULL. */
const char *call_why_name(enum call_why why);
/* What happened and what to do about it, one or two sentences; never NULL. */
const char *call_why_text(enum call_why why);

enum call_action {
    CALL_ACCEPT,
    CALL_CHALLENGE_BEARER,
    CALL_CHALLENGE_DIGEST,
    CALL_REFUSE_MISMATCH, /* 403, Retry-After, Warning "SIP OAuth Registration port Mismatch" */
    CALL_REFUSE_OWNER,    /* 403, Warning "Token user does not own device" */
    CALL_REFUSE,          /* 403 */
    CALL_REFUSE_UNKNOWN,  /* 404 */
};

struct call_question {
    enum call_listener listener;
    bool mode_enabled; /* ClusterSIPOAuthMode */
    bool device_known, device_enabled;
    bool profile_known, profile_oauth, profile_digest;
    enum call_security security;
    enum call_proof bearer; /* judged on OAuth listeners only */
    enum call_proof digest; /* judged on the others only */
    bool user_active;       /* the token's user is an active user here */
    bool user_owns;         /* ... and owns the device, or the owner check is off */
    bool cert_names_device; /* 5061: CN or SAN of the client certificate */
};

struct call_verdict {
    enum call_action action;
    enum call_why why;
};

struct call_verdict call_linepolicy_decide(const struct call_question *q);

#endif
