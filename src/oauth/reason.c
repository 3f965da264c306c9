#include "oauth/reason.h"

#include <assert.h>
#include <stddef.h>

static const char invalid[] = "invalid_token";

static const struct {
    const char *name, *text, *error;
    enum rc rc;
} rows[] = {
    [OAUTH_OK] = {"ok", "The token is good.", "", RC_OK},
    [OAUTH_MALFORMED] = {"malformed", "This is not a token in a form known here.", invalid,
                         RC_MALFORMED},
    [OAUTH_TOO_BIG] = {"too-big", "The token is longer than this node reads.", invalid, RC_TOO_BIG},
    [OAUTH_BAD_ALGORITHM] = {"bad-algorithm",
                             "The token names an algorithm that its key is not for.", invalid,
                             RC_DENIED},
    [OAUTH_BAD_FORMAT] = {"bad-format",
                          "The token is packed in a form that this cluster does not accept.",
                          invalid, RC_DENIED},
    [OAUTH_UNKNOWN_KEY] = {"unknown-key",
                           "No key here has the token's key id: it is older than the keys, or from "
                           "another cluster.",
                           invalid, RC_NOT_FOUND},
    [OAUTH_BAD_SIGNATURE] = {"bad-signature",
                             "The token's signature does not fit the key it names.", invalid,
                             RC_DENIED},
    [OAUTH_BAD_DECRYPTION] = {"bad-decryption",
                              "The token cannot be decrypted with the key it names.", invalid,
                              RC_DENIED},
    [OAUTH_BAD_TYPE] = {"bad-type", "The token is of another type than an access token.", invalid,
                        RC_DENIED},
    [OAUTH_BAD_ISSUER] = {"bad-issuer", "The token's issuer is not trusted here.", invalid,
                          RC_DENIED},
    [OAUTH_BAD_AUDIENCE] = {"bad-audience", "The token was issued for another audience.", invalid,
                            RC_DENIED},
    [OAUTH_BAD_SCOPE] = {"bad-scope", "The token lacks the scope that is needed here.",
                         "insufficient_scope", RC_DENIED},
    [OAUTH_BAD_CLAIM] = {"bad-claim",
                         "The token lacks a claim that must be there, or it is of the wrong kind.",
                         invalid, RC_DENIED},
    [OAUTH_TOO_LONG_LIVED] = {"too-long-lived",
                              "The token is valid for longer than this cluster allows.", invalid,
                              RC_DENIED},
    [OAUTH_EXPIRED] = {"expired", "The token has expired.", invalid, RC_EXPIRED},
    [OAUTH_NOT_YET] = {"not-yet",
                       "The token is not valid yet: the issuer's clock is ahead of this one.",
                       invalid, RC_EXPIRED},
    [OAUTH_REVOKED] = {"revoked", "The token, its grant or its user was revoked.", invalid,
                       RC_DENIED},
    [OAUTH_NO_MEMORY] = {"no-memory", "Out of memory: nothing is known about the token.", "",
                         RC_NOMEM},
};
static_assert(sizeof rows / sizeof rows[0] == OAUTH_REASON_COUNT, "every reason has its row");

static size_t row_of(enum oauth_reason reason)
{
    size_t i = (size_t)reason;
    return i < OAUTH_REASON_COUNT ? i : OAUTH_MALFORMED;
}

const char *oauth_reason_name(enum oauth_reason reason)
{
    return rows[row_of(reason)].name;
}

const char *oauth_reason_text(enum oauth_reason reason)
{
    return rows[row_of(reason)].text;
}

const char *oauth_reason_error(enum oauth_reason reason)
{
    return rows[row_of(reason)].error;
}

enum rc oauth_reason_rc(enum oauth_reason reason)
{
    return rows[row_of(reason)].rc;
}
