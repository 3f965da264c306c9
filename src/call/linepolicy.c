#include "call/linepolicy.h"

#include "base/check.h"

/* A row names what it wants of each answer; the first row that fits decides. */
enum want { ANY, NO, YES };

enum listeners {
    ON_LINE = 1 << CALL_LINE,
    ON_SECURE = 1 << CALL_SECURE,
    ON_OAUTH = 1 << CALL_OAUTH | 1 << CALL_MRA,
    ON_LEGACY = ON_LINE | ON_SECURE,
};

enum proofs {
    PROOF_NONE = 1 << CALL_PROOF_NONE,
    PROOF_BAD = 1 << CALL_PROOF_BAD,
};

enum securities {
    SEC_PLAIN = 1 << CALL_NON_SECURE,
    SEC_TLS = 1 << CALL_AUTHENTICATED | 1 << CALL_ENCRYPTED,
};

struct row {
    uint8_t listeners;
    uint8_t mode, known, enabled, has_profile, oauth, digest_on; /* enum want */
    uint8_t securities;                                          /* 0: any */
    uint8_t proof;              /* 0: any; bearer on OAuth lines, digest elsewhere */
    uint8_t active, owns, cert; /* enum want */
    struct call_verdict verdict;
};

#define BEARER(w)                                                                                  \
    {                                                                                              \
        CALL_CHALLENGE_BEARER, w                                                                   \
    }
#define DIGEST(w)                                                                                  \
    {                                                                                              \
        CALL_CHALLENGE_DIGEST, w                                                                   \
    }
#define MISMATCH(w)                                                                                \
    {                                                                                              \
        CALL_REFUSE_MISMATCH, w                                                                    \
    }
#define ROW(l, ...)                                                                                \
    {                                                                                              \
        .listeners = (l), __VA_ARGS__                                                              \
    }

static const struct row table[] = {
    /* OAuth lines. The mode is no secret of any device: it is told to everyone. */
    ROW(ON_OAUTH, .mode = NO, .verdict = MISMATCH(CALL_WHY_MODE_OFF)),
    ROW(ON_OAUTH, .proof = PROOF_NONE, .verdict = BEARER(CALL_WHY_NO_TOKEN)),
    ROW(ON_OAUTH, .proof = PROOF_BAD, .verdict = BEARER(CALL_WHY_BAD_TOKEN)),
    /* From here on the token is good. */
    ROW(ON_OAUTH, .active = NO, .verdict = {CALL_REFUSE, CALL_WHY_USER_UNKNOWN}),
    ROW(ON_OAUTH, .known = NO, .verdict = {CALL_REFUSE_UNKNOWN, CALL_WHY_UNKNOWN_DEVICE}),
    ROW(ON_OAUTH, .owns = NO, .verdict = {CALL_REFUSE_OWNER, CALL_WHY_NOT_OWNER}),
    ROW(ON_OAUTH, .enabled = NO, .verdict = {CALL_REFUSE, CALL_WHY_DEVICE_DISABLED}),
    ROW(ON_OAUTH, .has_profile = NO, .verdict = {CALL_REFUSE, CALL_WHY_NO_PROFILE}),
    ROW(ON_OAUTH, .oauth = NO, .verdict = MISMATCH(CALL_WHY_PROFILE_NO_OAUTH)),
    ROW(ON_OAUTH, .verdict = {CALL_ACCEPT, CALL_WHY_FINE}),

    /* The secure line: the certificate is the proof, so who has none learns nothing. */
    ROW(ON_SECURE, .known = NO, .verdict = {CALL_REFUSE, CALL_WHY_CERT_NAME}),
    ROW(ON_SECURE, .has_profile = YES, .oauth = YES, .mode = YES,
        .verdict = MISMATCH(CALL_WHY_PROFILE_OAUTH)),
    ROW(ON_SECURE, .cert = NO, .verdict = {CALL_REFUSE, CALL_WHY_CERT_NAME}),

    /* The plain line. An unknown device is asked for Digest credentials nobody has. */
    ROW(ON_LINE, .known = NO, .proof = PROOF_NONE, .verdict = DIGEST(CALL_WHY_UNKNOWN_DEVICE)),
    ROW(ON_LINE, .known = NO, .proof = PROOF_BAD, .verdict = DIGEST(CALL_WHY_UNKNOWN_DEVICE)),
    ROW(ON_LINE, .known = NO, .verdict = {CALL_REFUSE_UNKNOWN, CALL_WHY_UNKNOWN_DEVICE}),
    ROW(ON_LINE, .has_profile = YES, .oauth = YES, .mode = YES,
        .verdict = MISMATCH(CALL_WHY_PROFILE_OAUTH)),

    /* Both: the device is known. */
    ROW(ON_LEGACY, .has_profile = NO, .verdict = {CALL_REFUSE, CALL_WHY_NO_PROFILE}),
    ROW(ON_LINE, .securities = SEC_TLS, .verdict = {CALL_REFUSE, CALL_WHY_SECURITY_MODE}),
    ROW(ON_SECURE, .securities = SEC_PLAIN, .verdict = {CALL_REFUSE, CALL_WHY_SECURITY_MODE}),
    ROW(ON_LINE, .digest_on = YES, .proof = PROOF_NONE, .verdict = DIGEST(CALL_WHY_NO_DIGEST)),
    ROW(ON_LINE, .digest_on = YES, .proof = PROOF_BAD, .verdict = DIGEST(CALL_WHY_BAD_DIGEST)),
    ROW(ON_LEGACY, .enabled = NO, .verdict = {CALL_REFUSE, CALL_WHY_DEVICE_DISABLED}),
    ROW(ON_LEGACY, .verdict = {CALL_ACCEPT, CALL_WHY_FINE}),
};

static bool fits(uint8_t want, bool is)
{
    return want == ANY || (want == YES) == is;
}

static bool fits_set(uint8_t set, unsigned member)
{
    return set == 0 || (set & 1U << member) != 0;
}

struct call_verdict call_linepolicy_decide(const struct call_question *q)
{
    bool oauth_line = (1 << q->listener & ON_OAUTH) != 0;
    enum call_proof proof = oauth_line ? q->bearer : q->digest;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct row *r = &table[i];
        if ((r->listeners & 1 << q->listener) && fits(r->mode, q->mode_enabled) &&
            fits(r->known, q->device_known) && fits(r->enabled, q->device_enabled) &&
            fits(r->has_profile, q->profile_known) && fits(r->oauth, q->profile_oauth) &&
            fits(r->digest_on, q->profile_digest) && fits_set(r->securities, q->security) &&
            fits_set(r->proof, proof) && fits(r->active, q->user_active) &&
            fits(r->owns, q->user_owns) && fits(r->cert, q->cert_names_device))
            return r->verdict;
    }
    CHECK(!"every listener has a last row that fits all");
    return (struct call_verdict){CALL_REFUSE, CALL_WHY_UNKNOWN_DEVICE};
}

const char *call_listener_name(enum call_listener listener)
{
    static const char *const names[CALL_LISTENER_COUNT] = {
        [CALL_LINE] = "line",
        [CALL_SECURE] = "secure line",
        [CALL_OAUTH] = "OAuth line",
        [CALL_MRA] = "OAuth line over MRA",
    };
    CHECK((unsigned)listener < CALL_LISTENER_COUNT);
    return names[listener];
}

static const struct {
    const char *name, *text;
} whys[CALL_WHY_COUNT] = {
    [CALL_WHY_FINE] = {"fine", "Nothing stands in the way."},
    [CALL_WHY_NO_TOKEN] = {"no-token",
                           "The request carried no token; the phone was asked for one."},
    [CALL_WHY_BAD_TOKEN] = {"bad-token",
                            "The token was not good; the phone was asked for another one. If it "
                            "keeps coming back with it, sign in again on the phone."},
    [CALL_WHY_NO_DIGEST] = {"no-digest", "The request carried no Digest credentials; the phone was "
                                         "asked for them."},
    [CALL_WHY_BAD_DIGEST] = {"bad-digest",
                             "The Digest credentials do not fit. Check the SIP user name and "
                             "password on the phone against the owner's digest password."},
    [CALL_WHY_MODE_OFF] = {"port-mismatch-mode-off",
                           "The request came to an OAuth port while SIP OAuth mode is disabled. "
                           "Enable it: utils sipOAuth-mode enable."},
    [CALL_WHY_PROFILE_NO_OAUTH] = {"port-mismatch-profile-without-oauth",
                                   "The request came to an OAuth port, but the device's security "
                                   "profile does not have OAuth authentication enabled. Enable it "
                                   "in the profile, or let the phone fetch its configuration "
                                   "again."},
    [CALL_WHY_PROFILE_OAUTH] = {"port-mismatch-profile-with-oauth",
                                "The device's security profile has OAuth authentication enabled, "
                                "so it must register on the OAuth port (5090 by default), not "
                                "here. Let the phone fetch its configuration again."},
    [CALL_WHY_SECURITY_MODE] = {"security-mode",
                                "The device security mode of the profile does not fit this port: "
                                "Non Secure registers on the plain port, Authenticated and "
                                "Encrypted on the secure one."},
    [CALL_WHY_UNKNOWN_DEVICE] = {"unknown-device",
                                 "There is no such device. Add it, or correct the device name on "
                                 "the phone."},
    [CALL_WHY_DEVICE_DISABLED] = {"device-disabled", "The device is disabled. Enable it: device "
                                                     "update NAME --enabled yes."},
    [CALL_WHY_USER_UNKNOWN] = {"user-unknown",
                               "The token's user is not an active user here. Add or activate the "
                               "user, or sign in as somebody else."},
    [CALL_WHY_NOT_OWNER] = {"not-owner",
                            "The token's user does not own the device. Make the user the owner: "
                            "device update NAME --owner USER, or sign in as the owner."},
    [CALL_WHY_CERT_NAME] = {"certificate-name",
                            "The client certificate does not name the device. Its CN or a "
                            "subjectAltName must be the device's name (or the name set as its "
                            "client certificate)."},
    [CALL_WHY_NO_PROFILE] = {"no-profile", "The device's security profile does not exist any "
                                           "more. Give it one: device update NAME --profile "
                                           "PROFILE."},
};

const char *call_why_name(enum call_why why)
{
    CHECK((unsigned)why < CALL_WHY_COUNT);
    return whys[why].name;
}

const char *call_why_text(enum call_why why)
{
    CHECK((unsigned)why < CALL_WHY_COUNT);
    return whys[why].text;
}
