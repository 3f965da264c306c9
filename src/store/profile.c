#include "store/record_int.h"
#include <assert.h>

#define F(member, kind, flags, max) RECORD_F(struct store_profile, member, kind, flags, max)
static_assert(sizeof(enum store_security) == sizeof(int), "enums are stored as int");
static const struct record_field fields[] = {
    F(name, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 128),
    F(description, RECORD_STR, 0, 0),
    F(phone_type, RECORD_STR, 0, 128),
    F(security, RECORD_INT, 0, 0),
    F(authentication_mode, RECORD_STR, 0, 64),
    F(key_size, RECORD_INT, 0, 0),
    F(key_order, RECORD_STR, 0, 32),
    F(ec_key_size, RECORD_INT, 0, 0),
    F(tftp_encrypted, RECORD_BOOL, 0, 0),
    F(oauth, RECORD_BOOL, 0, 0),
    F(nonce_validity_s, RECORD_INT, 0, 0),
    F(transport, RECORD_INT, 0, 0),
    F(sip_phone_port, RECORD_INT, 0, 0),
    F(digest, RECORD_BOOL, 0, 0),
    F(exclude_digest_credentials, RECORD_BOOL, 0, 0),
};

struct store_profile store_profile_default(void)
{
    return (struct store_profile){.security = STORE_NON_SECURE,
                                  .authentication_mode = STR("By Null String"),
                                  .key_size = 2048,
                                  .key_order = STR("RSA Only"),
                                  .nonce_validity_s = 600,
                                  .transport = STORE_TCP_UDP,
                                  .sip_phone_port = 5060};
}

static bool is_one_of(int v, const int *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == v) return true;
    return false;
}

static enum rc check_ranges(const struct store_profile *p, struct store_why *why)
{
    static const int sizes[] = {512, 1024, 2048, 3072, 4096}, ec_sizes[] = {0, 256, 384, 521};
    static const char *const orders[] = {"RSA Only", "EC Only", "EC Preferred, RSA Backup"};
    bool order = false;
    for (size_t i = 0; i < 3; i++)
        order = order || str_eq(p->key_order, str_from(orders[i]));
    if (p->security < STORE_NON_SECURE || p->security > STORE_ENCRYPTED)
        return store_refuse(why, RC_INVALID,
                            "the device security mode is Non Secure, Authenticated or Encrypted");
    if ((int)p->transport < STORE_TCP_UDP || p->transport > STORE_TLS)
        return store_refuse(why, RC_INVALID, "the transport type is TCP, UDP, TCP+UDP or TLS");
    if (!is_one_of(p->key_size, sizes, 5) || !is_one_of(p->ec_key_size, ec_sizes, 4) || !order)
        return store_refuse(
            why, RC_INVALID,
            "key size is 512, 1024, 2048, 3072 or 4096; EC key size 256, 384 or 521; "
            "key order RSA Only, EC Only or EC Preferred, RSA Backup");
    if (p->nonce_validity_s < 1 || p->nonce_validity_s > 86400)
        return store_refuse(why, RC_INVALID, "nonce validity time is 1 to 86400 seconds");
    if (p->sip_phone_port < STORE_PORT_MIN || p->sip_phone_port > STORE_PORT_MAX)
        return store_refuse(why, RC_INVALID, "a SIP phone port is %d to %d", (int)STORE_PORT_MIN,
                            (int)STORE_PORT_MAX);
    return RC_OK;
}

static enum rc profile_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_profile *p = row;
    (void)tx;
    enum rc rc = check_ranges(p, why);
    if (rc != RC_OK) return rc;
    if (p->oauth && p->digest)
        return store_refuse(
            why, RC_INVALID,
            "OAuth and digest authentication exclude each other: turn one of them off");
    if (p->oauth && p->tftp_encrypted)
        return store_refuse(
            why, RC_INVALID,
            "OAuth and TFTP encrypted configuration exclude each other: turn one of them off");
    if (p->oauth && (p->transport != STORE_TLS || p->security != STORE_ENCRYPTED))
        return store_refuse(
            why, RC_INVALID,
            "OAuth needs transport type TLS and device security mode Encrypted: set both first");
    if (p->security != STORE_NON_SECURE && p->transport != STORE_TLS)
        return store_refuse(
            why, RC_INVALID,
            "device security mode Authenticated or Encrypted needs transport type TLS");
    if (p->security == STORE_NON_SECURE && p->transport == STORE_TLS)
        return store_refuse(
            why, RC_INVALID,
            "transport type TLS needs device security mode Authenticated or Encrypted");
    return RC_OK;
}

static enum rc profile_before_remove(struct str key, struct store_tx *tx, struct store_why *why)
{
    char device[STORE_KEY_MAX + 1];
    enum rc rc = record_lookup(tx->db, "SELECT name FROM cfg_device WHERE profile = ?1 LIMIT 1",
                               key, device, sizeof device, why);
    if (rc == RC_OK)
        return store_refuse(
            why, RC_CONFLICT,
            "the profile %.*s is in use (by device %s): give its devices another one first",
            STR_ARG(key), device);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static const struct record_table profiles = {
    .kind = STORE_PROFILE,
    .table = "cfg_profile",
    .match_column = "description",
    .size = sizeof(struct store_profile),
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .pkid_offset = offsetof(struct store_profile, pkid),
    .version_offset = offsetof(struct store_profile, version),
    .check = profile_check,
    .before_remove = profile_before_remove,
};
RECORD_NOUN(profile, profiles)

enum rc store_profile_devices(struct store *s, struct str profile, struct arena *a,
                              struct store_names *out, struct store_why *why)
{
    return record_names(s, "SELECT name FROM cfg_device WHERE profile = ?1 ORDER BY name", profile,
                        a, out, why);
}
