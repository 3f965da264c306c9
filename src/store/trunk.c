#include "store/dialplan.h"
#include "store/record_int.h"

enum { HOST_MAX = 253 /* bytes of a DNS name, RFC 1035, 2.3.4 */, PEERS_MAX = 1024 };

#define F(member, kind, flags, max) RECORD_F(struct store_trunk, member, kind, flags, max)
static const struct record_field fields[] = {
    F(name, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 64),
    F(description, RECORD_STR, 0, 0),
    F(host, RECORD_STR, RECORD_REQUIRED, HOST_MAX),
    F(port, RECORD_INT, 0, 0),
    F(transport, RECORD_INT, 0, 0),
    F(srtp_allowed, RECORD_BOOL, 0, 0),
    F(peers, RECORD_STR, 0, PEERS_MAX),
    F(enabled, RECORD_BOOL, 0, 0),
};
_Static_assert(sizeof(enum store_transport) == sizeof(int), "read and written as one");

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool consists_of(struct str s, const char *more)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && (s.p[i] == '\0' || !strchr(more, s.p[i]))) return false;
    return true;
}

/* Four numbers without leading zeros; "300.1.2.3" is neither an address nor a name. */
static bool is_ipv4(struct str s)
{
    struct str rest = s, part;
    uint64_t n;
    int count = 0;
    while (str_split(&rest, '.', &part)) {
        if (part.n > 3 || str_to_u64(part, 255, &n) != RC_OK) return false;
        if (part.n > 1 && part.p[0] == '0') return false; /* octal to some, decimal to others */
        count++;
    }
    return count == 4;
}

static bool is_hex_group(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) || (s.p[i] | 0x20) > 'f') return false;
    return s.n > 0 && s.n <= 4;
}

/* How many groups of 16 bits between single colons, -1 when one is none; an IPv4 address may be the
 * last of the whole address and counts for two. */
static int count_groups(struct str s, bool is_tail)
{
    struct str rest = s, part;
    int count = 0;
    while (s.n > 0 && str_split(&rest, ':', &part)) {
        if (is_hex_group(part))
            count++;
        else if (is_tail && rest.p == NULL && is_ipv4(part))
            count += 2;
        else
            return -1;
    }
    return count;
}

/* RFC 4291, 2.2: eight groups, or fewer with one "::" for the rest. */
static bool is_ipv6(struct str s)
{
    ptrdiff_t twice = str_find(s, STR("::"));
    if (twice == STR_NPOS) return count_groups(s, true) == 8;
    int before = count_groups(str_sub(s, 0, (size_t)twice), false);
    int after = count_groups(str_sub(s, (size_t)twice + 2, s.n), true);
    return before >= 0 && after >= 0 && before + after < 8;
}

static bool is_name(struct str s)
{
    bool letters = false;
    if (s.n == 0 || s.p[0] == '.' || s.p[0] == '-' || str_find(s, STR("..")) != STR_NPOS)
        return false;
    for (size_t i = 0; i < s.n; i++)
        letters = letters || (s.p[i] | 0x20) >= 'a';
    return letters && consists_of(s, ".-_");
}

/* "192.0.2.7", "2001:db8::/32". */
static bool is_network(struct str s)
{
    ptrdiff_t slash = str_find_char(s, '/');
    struct str address = slash == STR_NPOS ? s : str_sub(s, 0, (size_t)slash);
    uint64_t bits;
    bool six = str_find_char(address, ':') != STR_NPOS;
    if (slash != STR_NPOS &&
        str_to_u64(str_sub(s, (size_t)slash + 1, s.n), six ? 128 : 32, &bits) != RC_OK)
        return false;
    return six ? is_ipv6(address) : is_ipv4(address);
}

static enum rc check_peers(const struct store_trunk *t, struct store_why *why)
{
    struct str rest = t->peers, word;
    while (str_split(&rest, ' ', &word)) {
        if (word.n == 0 || is_network(word)) continue;
        if (!is_name(word))
            return store_refuse(why, RC_INVALID,
                                "peers: %.*s is no address, no network and no name", STR_ARG(word));
        if (t->transport != STORE_TLS)
            return store_refuse(why, RC_INVALID,
                                "peers: %.*s is a name in a certificate, which needs transport "
                                "TLS: give addresses",
                                STR_ARG(word));
    }
    return RC_OK;
}

static enum rc trunk_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_trunk *t = row;
    (void)tx;
    if (!consists_of(t->name, "._-"))
        return store_refuse(why, RC_INVALID,
                            "the name of a trunk has letters, digits, '.', '_' and '-' only");
    if (!is_name(t->host) && !is_ipv4(t->host) && !is_ipv6(t->host))
        return store_refuse(why, RC_INVALID,
                            "host: %.*s is no host name and no address (the port stands by itself)",
                            STR_ARG(t->host));
    if (t->port < 0 || t->port > 65535)
        return store_refuse(why, RC_INVALID, "port is 1 to 65535, or 0: looked up in the DNS");
    if (t->transport != STORE_TCP && t->transport != STORE_UDP && t->transport != STORE_TLS)
        return store_refuse(why, RC_INVALID, "transport of a trunk is TCP, UDP or TLS");
    if (t->srtp_allowed && t->transport != STORE_TLS)
        return store_refuse(why, RC_INVALID,
                            "srtp_allowed needs transport TLS: keys of the media stand in the "
                            "messages, anybody on the way could read them");
    return check_peers(t, why);
}

static enum rc trunk_before_remove(struct str key, struct store_tx *tx, struct store_why *why)
{
    static const struct record_use uses[] = {
        {"SELECT pattern FROM cfg_route_pattern WHERE trunk = ?1 LIMIT 1",
         "is the target of route pattern", "change or remove that first"}};
    return record_check_unused(tx, STORE_TRUNK, key, uses, 1, why);
}

static const struct record_table trunks = {
    .kind = STORE_TRUNK,
    .table = "cfg_trunk",
    .match_column = "description",
    .size = sizeof(struct store_trunk),
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .pkid_offset = offsetof(struct store_trunk, pkid),
    .version_offset = offsetof(struct store_trunk, version),
    .check = trunk_check,
    .before_remove = trunk_before_remove,
};
RECORD_NOUN(trunk, trunks)
