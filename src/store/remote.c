#include "store/remote.h"
#include "store/record_int.h"

enum { HOST_MAX = 253, USER_MAX = 128, PASSWORD_MAX = 256, PEM_MAX = 16 << 10, URL_MAX = 1024 };

static bool consists_of(struct str s, const char *more)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain && (c == '\0' || !strchr(more, c))) return false;
    }
    return s.n > 0;
}

static bool is_port(int port)
{
    return port >= 1 && port <= 65535;
}

static enum rc check_host(struct str host, struct store_why *why)
{
    if (consists_of(host, ".-_:")) return RC_OK;
    return store_refuse(why, RC_INVALID,
                        "%.*s is no host name and no address (the port stands by itself)",
                        STR_ARG(host));
}

/* --- call servers --- */

#define U(member, kind, flags, max) RECORD_F(struct store_ucm, member, kind, flags, max)
static const struct record_field ucm_fields[] = {
    U(address, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, HOST_MAX),
    U(description, RECORD_STR, 0, 0),
    U(port, RECORD_INT, 0, 0),
    U(username, RECORD_STR, RECORD_REQUIRED, USER_MAX),
    U(password, RECORD_STR, RECORD_SECRET, PASSWORD_MAX),
    U(tls_verify, RECORD_BOOL, 0, 0),
    U(enabled, RECORD_BOOL, 0, 0),
};

static enum rc ucm_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_ucm *u = row;
    (void)tx;
    if (!is_port(u->port)) return store_refuse(why, RC_INVALID, "port is 1 to 65535, mostly 8443");
    if (str_find_char(u->username, ':') != STR_NPOS)
        return store_refuse(why, RC_INVALID, "username: it cannot hold a ':'");
    if (str_eq(u->password, STORE_CLEAR))
        return store_refuse(why, RC_INVALID, "password: the call server asks for one");
    return check_host(u->address, why);
}

static const struct record_table ucms = {
    .kind = STORE_UCM,
    .table = "cfg_ucm",
    .match_column = "description",
    .size = sizeof(struct store_ucm),
    .fields = ucm_fields,
    .field_count = sizeof ucm_fields / sizeof ucm_fields[0],
    .pkid_offset = offsetof(struct store_ucm, pkid),
    .version_offset = offsetof(struct store_ucm, version),
    .check = ucm_check,
};
RECORD_NOUN(ucm, ucms)

/* --- paired edges --- */

#define P(member, kind, flags, max) RECORD_F(struct store_peer, member, kind, flags, max)
static const struct record_field peer_fields[] = {
    P(name, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 63),
    P(description, RECORD_STR, 0, 0),
    P(role, RECORD_INT, 0, 0),
    P(host, RECORD_STR, 0, HOST_MAX),
    P(sip_port, RECORD_INT, 0, 0),
    P(tunnel_port, RECORD_INT, 0, 0),
    P(media_port, RECORD_INT, 0, 0),
    P(ca_pem, RECORD_STR, RECORD_REQUIRED | RECORD_LINES, PEM_MAX),
    P(enabled, RECORD_BOOL, 0, 0),
};
_Static_assert(sizeof(enum store_edge_role) == sizeof(int), "read and written as one");

static enum rc peer_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_peer *p = row;
    (void)tx;
    if (!consists_of(p->name, ".-_"))
        return store_refuse(why, RC_INVALID,
                            "the name of an edge has letters, digits, '.', '_' and '-' only");
    if (p->role != STORE_EDGE_INNER && p->role != STORE_EDGE_OUTER)
        return store_refuse(why, RC_INVALID, "role of an edge is inner or outer");
    if (str_find(p->ca_pem, STR("-----BEGIN CERTIFICATE-----")) == STR_NPOS)
        return store_refuse(why, RC_INVALID, "ca_pem: there is no certificate in it");
    if (p->role == STORE_EDGE_INNER) return RC_OK; /* nobody dials it */
    if (!is_port(p->sip_port) || !is_port(p->tunnel_port) || !is_port(p->media_port))
        return store_refuse(why, RC_INVALID, "ports of an outer edge are 1 to 65535");
    if (p->host.n == 0)
        return store_refuse(why, RC_INVALID, "host: where is the outer edge reached?");
    return check_host(p->host, why);
}

static const struct record_table peers = {
    .kind = STORE_PEER,
    .table = "cfg_peer",
    .match_column = "description",
    .size = sizeof(struct store_peer),
    .fields = peer_fields,
    .field_count = sizeof peer_fields / sizeof peer_fields[0],
    .pkid_offset = offsetof(struct store_peer, pkid),
    .version_offset = offsetof(struct store_peer, version),
    .check = peer_check,
};
RECORD_NOUN(peer, peers)

/* --- manual rules --- */

#define A(member, kind, flags, max) RECORD_F(struct store_allow, member, kind, flags, max)
static const struct record_field allow_fields[] = {
    A(name, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 64), A(description, RECORD_STR, 0, 0),
    A(url, RECORD_STR, RECORD_REQUIRED, URL_MAX),          A(is_prefix, RECORD_BOOL, 0, 0),
    A(methods, RECORD_STR, RECORD_REQUIRED, 64),
};

static bool is_method(struct str word)
{
    static const struct str known[] = {STR_INIT("GET"), STR_INIT("HEAD"),   STR_INIT("POST"),
                                       STR_INIT("PUT"), STR_INIT("DELETE"), STR_INIT("OPTIONS")};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(word, known[i])) return true;
    return false;
}

static enum rc allow_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_allow *r = row;
    struct str rest = r->methods, word;
    (void)tx;
    while (str_split(&rest, ' ', &word))
        if (word.n > 0 && !is_method(word))
            return store_refuse(why, RC_INVALID,
                                "methods: %.*s is none of GET, HEAD, POST, PUT, DELETE and OPTIONS",
                                STR_ARG(word));
    struct str behind = r->url;
    if (str_starts(behind, STR("https://")))
        behind = str_sub(behind, 8, behind.n);
    else if (str_starts(behind, STR("http://")))
        behind = str_sub(behind, 7, behind.n);
    else
        return store_refuse(why, RC_INVALID, "url: it begins with https:// or http://");
    ptrdiff_t slash = str_find_char(behind, '/');
    if (slash <= 0)
        return store_refuse(why, RC_INVALID, "url: it has a host and a path, https://host/path");
    if (str_find_char(behind, '?') != STR_NPOS || str_find_char(behind, '#') != STR_NPOS ||
        str_find_char(behind, '@') != STR_NPOS || str_find(behind, STR("..")) != STR_NPOS)
        return store_refuse(why, RC_INVALID,
                            "url: it has no query, no fragment, no user and no \"..\"");
    return RC_OK;
}

static const struct record_table allows = {
    .kind = STORE_ALLOW,
    .table = "cfg_allow",
    .match_column = "url",
    .size = sizeof(struct store_allow),
    .fields = allow_fields,
    .field_count = sizeof allow_fields / sizeof allow_fields[0],
    .pkid_offset = offsetof(struct store_allow, pkid),
    .version_offset = offsetof(struct store_allow, version),
    .check = allow_check,
};
RECORD_NOUN(allow, allows)
