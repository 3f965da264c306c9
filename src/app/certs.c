#include "app/certs.h"

#include "crypto/digest.h"
#include "crypto/x509.h"
#include "directory/directory.h"
#include "net/addr.h"
#include "store/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    CA_DAYS = 3650,
    LEAF_DAYS = 825,
    RENEW_DAYS = 30,
    DAY_S = 86400,
    SLACK_S = 300, /* peers whose clock is a little behind */
    ARENA_MAX = 4 << 20,
    NAMES_MAX = 4096,    /* of expresswaycconfiguration's column */
    SESSIONS_MAX = 4096, /* resumable sessions of each mutual TLS listener */
};

struct app_certs {
    struct app_certs_config config;
    struct net_tls_tickets *tickets;
};

static const struct unit {
    struct str name;
    enum crypto_key_type type;
} units[] = {
    {STR_INIT("tomcat"), CRYPTO_KEY_RSA},
    {STR_INIT("tomcat-ECDSA"), CRYPTO_KEY_EC_P256},
    {STR_INIT("CallManager"), CRYPTO_KEY_RSA},
    {STR_INIT("CallManager-ECDSA"), CRYPTO_KEY_EC_P256},
};
enum { UNIT_COUNT = sizeof units / sizeof *units, EDGE_UNIT_COUNT = 2 };

static size_t unit_count(const struct app_certs *c)
{
    return c->config.is_edge ? EDGE_UNIT_COUNT : UNIT_COUNT;
}

static const struct store_by by_system = {.who = STR_INIT("system"), .from = STR_INIT("bearlined")};

static enum rc say(struct store_why *why, enum rc rc, const char *what)
{
    if (why && why->text[0] == '\0')
        snprintf(why->text, sizeof why->text, "%s (%s).", what, rc_name(rc));
    return rc;
}

/* Private keys pass through this arena: it is wiped before it goes. */
struct scratch {
    struct arena arena;
    char *first;
    size_t n;
};

static enum rc scratch_init(struct scratch *s)
{
    s->n = 256 << 10;
    s->first = malloc(s->n);
    if (!s->first) return RC_NOMEM;
    arena_init(&s->arena, s->first, s->n, ARENA_MAX);
    return RC_OK;
}

static void scratch_fini(struct scratch *s)
{
    arena_wipe(&s->arena);
    free(s->first);
}

/* ---- making ---- */

static enum rc cert_name(struct arena *a, struct str unit, struct str node, struct str *out)
{
    return arena_printf(a, out, "%.*s/%.*s", STR_ARG(unit), STR_ARG(node));
}

static enum rc cert_put(struct app_certs *c, const struct store_by *by, enum store_put how,
                        struct str name, struct str unit, struct str node, struct str chain,
                        const struct crypto_key *key, struct arena *a, struct store_why *why)
{
    struct crypto_cert_info *info;
    size_t count;
    struct secret pem = {0};
    enum rc rc = crypto_cert_read(chain, a, &info, &count);
    if (rc == RC_OK) rc = crypto_key_print_private_pem(key, &pem);
    if (rc == RC_OK) {
        struct store_cert row = {
            .name = name,
            .unit = unit,
            .node = node,
            .subject = info[0].subject,
            .chain_pem = chain,
            .key_pem = str_of((const char *)pem.p, pem.n),
            .not_before_s = info[0].not_before_unix_s,
            .not_after_s = info[0].not_after_unix_s,
        };
        rc = store_cert_put(c->config.store, by, how, &row, why);
    }
    secret_fini(&pem);
    return rc;
}

static enum rc trust_add(struct app_certs *c, const struct store_by *by, struct str store,
                         struct str pem, struct arena *a, struct store_why *why)
{
    struct crypto_cert_info *info;
    size_t count;
    char hex[2 * CRYPTO_SHA256_LEN + 1];
    struct buf b;
    struct str name;
    buf_init_fixed(&b, hex, sizeof hex);
    enum rc rc = crypto_cert_read(pem, a, &info, &count);
    if (rc != RC_OK) return rc;
    buf_put_hex(&b, bytes_of(info[0].sha256, sizeof info[0].sha256));
    rc = arena_printf(a, &name, "%.*s/%.*s", STR_ARG(store), STR_ARG(buf_str(&b)));
    if (rc != RC_OK) return rc;
    struct store_trust row = {
        .name = name,
        .store = store,
        .fingerprint = buf_str(&b),
        .subject = info[0].subject,
        .issuer = info[0].issuer,
        .pem = info[0].pem,
        .not_after_s = info[0].not_after_unix_s,
    };
    return store_trust_put(c->config.store, by, STORE_PUT, &row, why);
}

/* The CA and the trust in it are one change: a start cut off between them would leave a node whose
 * mutual TLS ports trust nobody, and no later start would know. */
static enum rc ca_keep(struct app_certs *c, struct str pem, const struct crypto_key *key,
                       struct arena *a, struct store_why *why)
{
    struct store_by by = by_system;
    enum rc rc = store_batch_begin(c->config.store, &by.batch, why);
    if (rc != RC_OK) return rc;
    rc = cert_put(c, &by, STORE_ADD, STR("CA"), STR("CA"), STR(""), pem, key, a, why);
    if (rc == RC_OK) rc = trust_add(c, &by, STR("tomcat-trust"), pem, a, why);
    if (rc == RC_OK && !c->config.is_edge)
        rc = trust_add(c, &by, STR("callmanager-trust"), pem, a, why);
    if (rc == RC_OK) return store_batch_commit(by.batch, why);
    store_batch_rollback(by.batch);
    return rc;
}

static enum rc ca_make(struct app_certs *c, struct arena *a, struct store_why *why)
{
    struct crypto_key *key = NULL;
    struct buf pem;
    struct str name;
    buf_init(&pem, CRYPTO_PEM_MAX);
    int64_t now_s = clock_unix_s(&c->config.clock);
    enum rc rc = arena_printf(a, &name, "Bearline CA %.*s",
                              STR_ARG(str_sub(c->config.node, 0, 40)));
    if (rc == RC_OK) rc = crypto_key_generate(CRYPTO_KEY_EC_P256, &key);
    if (rc == RC_OK) {
        struct crypto_cert_spec spec = {
            .common_name = name,
            .organization = STR("Bearline"),
            .not_before_unix_s = now_s - SLACK_S,
            .not_after_unix_s = now_s + (int64_t)CA_DAYS * DAY_S,
        };
        rc = crypto_ca_issue(key, &spec, &c->config.random, &pem);
    }
    if (rc == RC_OK) rc = ca_keep(c, buf_str(&pem), key, a, why);
    crypto_key_unref(key);
    buf_fini(&pem);
    return rc == RC_OK ? rc : say(why, rc, "The private CA could not be made");
}

/* The names a phone may dial: the host, its short name, the node's own and the loopback's when that
 * is where it listens; addresses as addresses. */
struct names {
    struct str dns[4];
    struct crypto_cert_ip ips[16];
    size_t dns_count, ip_count;
};

static void names_add_dns(struct names *n, struct str name)
{
    struct net_addr addr;
    if (name.n == 0 || n->dns_count == 4 || net_addr_parse_ip(name, 0, &addr) == RC_OK) return;
    for (size_t i = 0; i < n->dns_count; i++)
        if (str_eq_nocase(n->dns[i], name)) return;
    n->dns[n->dns_count++] = name;
}

static void names_add_ip(struct names *n, struct str text)
{
    struct net_addr addr;
    if (n->ip_count == 16 || net_addr_parse_ip(text, 0, &addr) != RC_OK) return;
    if (net_addr_is_any(&addr)) return;
    struct crypto_cert_ip *ip = &n->ips[n->ip_count++];
    ip->n = addr.family == NET_V4 ? 4 : 16;
    memcpy(ip->addr, addr.ip, ip->n);
}

/* The node's row as it is now, the settings where there is none yet. row is to be let go. */
struct self {
    const struct directory_node *row;
    struct str host, addresses;
};

static struct self self_get(const struct app_certs *c)
{
    const struct directory_node *row = directory_node_ref(c->config.directory, c->config.node);
    if (!row) return (struct self){NULL, c->config.host, c->config.addresses};
    return (struct self){row, row->host, row->addresses};
}

static void names_of(const struct app_certs *c, const struct self *self, struct names *n)
{
    *n = (struct names){0};
    names_add_dns(n, self->host);
    ptrdiff_t dot = str_find_char(self->host, '.');
    if (dot > 0) names_add_dns(n, str_sub(self->host, 0, (size_t)dot));
    names_add_dns(n, c->config.node);
    names_add_ip(n, self->host);
    struct str rest = self->addresses, part;
    while (str_split(&rest, ' ', &part))
        names_add_ip(n, part);
}

static enum rc leaf_issue(struct app_certs *c, const struct store_by *by, enum store_put how,
                          const struct unit *unit, struct arena *a, struct store_why *why)
{
    struct store_cert ca;
    struct crypto_key *ca_key = NULL, *key = NULL;
    struct buf pem;
    struct str name;
    struct names names;
    buf_init(&pem, 2 * CRYPTO_PEM_MAX);
    struct self self = self_get(c);
    names_of(c, &self, &names);
    int64_t now_s = clock_unix_s(&c->config.clock);
    enum rc rc = store_cert_get(c->config.store, STR("CA"), a, &ca, why);
    if (rc == RC_OK && ca.key_pem.n == 0) rc = RC_UNSUPPORTED;
    if (rc == RC_OK) rc = crypto_key_parse_pem(ca.key_pem, &ca_key);
    if (rc == RC_OK) rc = crypto_key_generate(unit->type, &key);
    if (rc == RC_OK) {
        struct crypto_cert_spec spec = {
            .common_name = str_sub(self.host, 0, 64),
            .organization = STR("Bearline"),
            .dns = names.dns,
            .dns_count = names.dns_count,
            .ips = names.ips,
            .ip_count = names.ip_count,
            .not_before_unix_s = now_s - SLACK_S,
            .not_after_unix_s = now_s + (int64_t)LEAF_DAYS * DAY_S,
            .server = true,
            .client = true,
        };
        rc = crypto_cert_issue(ca.chain_pem, ca_key, key, &spec, &c->config.random, &pem);
    }
    if (rc == RC_OK) rc = cert_name(a, unit->name, c->config.node, &name);
    if (rc == RC_OK)
        rc = cert_put(c, by, how, name, unit->name, c->config.node, buf_str(&pem), key, a, why);
    directory_node_unref(self.row);
    crypto_key_unref(key);
    crypto_key_unref(ca_key);
    buf_fini(&pem);
    return rc == RC_OK ? rc : say(why, rc, "The certificate could not be issued");
}

static enum rc ca_ensure(struct app_certs *c, struct arena *a, struct store_cert *ca,
                         struct store_why *why)
{
    enum rc rc = store_cert_get(c->config.store, STR("CA"), a, ca, NULL);
    if (rc != RC_NOT_FOUND) return rc;
    rc = ca_make(c, a, why);
    if (rc == RC_OK) rc = store_cert_get(c->config.store, STR("CA"), a, ca, why);
    return rc;
}

static enum rc leaves_ensure(struct app_certs *c, struct arena *a, struct store_why *why)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < unit_count(c); i++) {
        struct store_cert row;
        struct str name;
        rc = cert_name(a, units[i].name, c->config.node, &name);
        if (rc == RC_OK) rc = store_cert_get(c->config.store, name, a, &row, NULL);
        if (rc == RC_NOT_FOUND) rc = leaf_issue(c, &by_system, STORE_ADD, &units[i], a, why);
    }
    return rc;
}

/* The CA's certificate is public: phones must be given it. */
static enum rc ca_export(const char *file, struct str pem, struct store_why *why)
{
    char fresh[1200];
    snprintf(fresh, sizeof fresh, "%s.new", file);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool ok = fd >= 0 && write(fd, pem.p, pem.n) == (ssize_t)pem.n && fsync(fd) == 0;
    if (fd >= 0 && close(fd) != 0) ok = false;
    if (ok && rename(fresh, file) == 0) return RC_OK;
    if (why)
        snprintf(why->text, sizeof why->text, "%s cannot be written: %s.", file, strerror(errno));
    return RC_IO;
}

enum rc app_certs_new(const struct app_certs_config *config, const char *ca_file,
                      struct app_certs **out, struct store_why *why)
{
    struct scratch scratch;
    struct store_cert ca;
    struct app_certs *c = calloc(1, sizeof *c);
    if (!c || scratch_init(&scratch) != RC_OK) {
        free(c);
        return RC_NOMEM;
    }
    c->config = *config;
    enum rc rc = net_tls_tickets_new(&c->tickets);
    if (rc == RC_OK) rc = ca_ensure(c, &scratch.arena, &ca, why);
    if (rc == RC_OK) rc = leaves_ensure(c, &scratch.arena, why);
    if (rc == RC_OK) rc = ca_export(ca_file, ca.chain_pem, why);
    scratch_fini(&scratch);
    if (rc == RC_OK)
        *out = c;
    else
        app_certs_free(c);
    return rc;
}

struct app_certs *app_certs_free(struct app_certs *c)
{
    if (!c) return NULL;
    net_tls_tickets_unref(c->tickets);
    free(c);
    return NULL;
}

/* ---- contexts ---- */

bool app_certs_edge_is_listed(struct directory *d, const struct net_tls_peer *peer)
{
    if (directory_param_number(d, STORE_P_TRUSTED_NAME_CHECK) == 0) return true;
    const struct directory_edges *edges = directory_edges_ref(d);
    if (!edges) return false;
    bool found = directory_edges_find(edges, peer->common_name) != NULL;
    for (size_t i = 0; i < peer->name_count && !found; i++)
        found = directory_edges_find(edges, peer->names[i].value) != NULL;
    directory_edges_unref(edges);
    return found;
}

/* 5091: of a handshake; connections that stand are looked at when the list changes. */
static bool edge_admit(void *ctx, const struct net_tls_peer *peer)
{
    return app_certs_edge_is_listed(ctx, peer);
}

static enum rc trust_text(struct app_certs *c, struct str store, struct arena *a, struct buf *out,
                          struct store_why *why)
{
    struct store_page page = {.match = store};
    struct store_trusts rows;
    do {
        enum rc rc = store_trust_list(c->config.store, &page, a, &rows, why);
        if (rc != RC_OK) return rc;
        for (size_t i = 0; i < rows.count; i++) {
            page.after = rows.rows[i].name;
            if (str_eq(rows.rows[i].store, store)) buf_put_str(out, rows.rows[i].pem);
        }
    } while (rows.more);
    return buf_rc(out);
}

static enum rc cert_load(struct app_certs *c, struct str unit, struct arena *a,
                         struct net_tls_cert *out, struct store_why *why)
{
    struct store_cert row;
    struct str name;
    enum rc rc = cert_name(a, unit, c->config.node, &name);
    if (rc == RC_OK) rc = store_cert_get(c->config.store, name, a, &row, why);
    if (rc == RC_OK) *out = (struct net_tls_cert){row.chain_pem, row.key_pem};
    return rc;
}

/* The CAs of the paired edges of that role. */
static enum rc peers_text(struct app_certs *c, enum store_edge_role role, struct arena *a,
                          struct buf *out, struct store_why *why)
{
    struct store_page page = {.limit = 0};
    struct store_peers rows;
    do {
        enum rc rc = store_peer_list(c->config.store, &page, a, &rows, why);
        if (rc != RC_OK) return rc;
        for (size_t i = 0; i < rows.count; i++) {
            page.after = rows.rows[i].name;
            if (rows.rows[i].role != role || !rows.rows[i].enabled) continue;
            buf_put_str(out, rows.rows[i].ca_pem);
            buf_put_char(out, '\n');
        }
    } while (rows.more);
    return buf_rc(out);
}

bool app_certs_serves(const struct app_certs *c, enum app_tls which)
{
    bool of_edges = which == APP_TLS_LINK;
    return which == APP_TLS_TOMCAT || of_edges == c->config.is_edge;
}

const char *app_tls_name(enum app_tls which)
{
    static const char *const names[APP_TLS_COUNT] = {"tomcat", "CallManager", "MRA", "link"};
    return names[which];
}

enum rc app_certs_tls(struct app_certs *c, enum app_tls which, struct net_tls **out,
                      struct store_why *why)
{
    struct scratch scratch;
    struct net_tls_cert certs[2];
    struct buf trust;
    const char *text = NULL;
    if (scratch_init(&scratch) != RC_OK) return RC_NOMEM;
    buf_init(&trust, CRYPTO_CERT_PEM_MAX);
    bool secure = which == APP_TLS_SECURE;
    enum rc rc = cert_load(c, secure ? STR("CallManager-ECDSA") : STR("tomcat-ECDSA"),
                           &scratch.arena, &certs[0], why);
    if (rc == RC_OK)
        rc = cert_load(c, secure ? STR("CallManager") : STR("tomcat"), &scratch.arena, &certs[1],
                       why);
    if (rc == RC_OK && which == APP_TLS_LINK)
        rc = peers_text(c, STORE_EDGE_INNER, &scratch.arena, &trust, why);
    else if (rc == RC_OK && which != APP_TLS_TOMCAT)
        rc = trust_text(c, secure ? STR("callmanager-trust") : STR("tomcat-trust"), &scratch.arena,
                        &trust, why);
    if (rc == RC_OK && which != APP_TLS_TOMCAT && trust.n == 0) rc = RC_NOT_FOUND;
    if (rc == RC_OK) {
        struct net_tls_server_config config = {
            .certs = certs,
            .cert_count = 2,
            .trust_pem = buf_str(&trust),
            .admit = which == APP_TLS_MRA ? edge_admit : NULL,
            .admit_ctx = c->config.directory,
            .tickets = which == APP_TLS_TOMCAT ? c->tickets : NULL,
            .session_cache_max = which == APP_TLS_TOMCAT ? 0 : SESSIONS_MAX,
        };
        rc = net_tls_server_new(&config, out, &text);
    }
    if (rc != RC_OK)
        (void)say(why, rc, text ? text : "The certificate or its trust store is missing");
    buf_fini(&trust);
    scratch_fini(&scratch);
    return rc;
}

enum rc app_certs_client_tls(struct app_certs *c, enum app_tls which, struct net_tls **out,
                             struct store_why *why)
{
    bool is_trunk = which == APP_TLS_SECURE;
    struct scratch scratch;
    struct net_tls_cert cert;
    struct buf trust;
    const char *text = NULL;
    if (scratch_init(&scratch) != RC_OK) return RC_NOMEM;
    buf_init(&trust, CRYPTO_CERT_PEM_MAX);
    enum rc rc = cert_load(c, is_trunk ? STR("CallManager") : STR("tomcat"), &scratch.arena, &cert,
                           why);
    if (rc == RC_OK && which == APP_TLS_LINK)
        rc = peers_text(c, STORE_EDGE_OUTER, &scratch.arena, &trust, why);
    else if (rc == RC_OK)
        rc = trust_text(c, is_trunk ? STR("callmanager-trust") : STR("tomcat-trust"),
                        &scratch.arena, &trust, why);
    if (rc == RC_OK && trust.n == 0) rc = RC_NOT_FOUND; /* not the system's anchors in its place */
    if (rc == RC_OK) {
        struct net_tls_client_config config = {.trust_pem = buf_str(&trust), .cert = &cert};
        rc = net_tls_client_new(&config, out, &text);
    }
    if (rc != RC_OK)
        (void)say(why, rc, text ? text : "The certificate or its trust store is missing");
    buf_fini(&trust);
    scratch_fini(&scratch);
    return rc;
}

/* ---- for others to know ---- */

enum rc app_certs_identity(struct app_certs *c, struct arena *a, struct str *chain_pem,
                           struct str *key_pem)
{
    struct net_tls_cert cert;
    enum rc rc = cert_load(c, STR("tomcat"), a, &cert, NULL);
    if (rc != RC_OK) return rc;
    *chain_pem = cert.chain_pem;
    *key_pem = cert.key_pem;
    return RC_OK;
}

enum rc app_certs_derive(struct app_certs *c, const char *label, uint8_t out[32],
                         struct store_why *why)
{
    struct scratch scratch;
    struct store_cert ca;
    if (scratch_init(&scratch) != RC_OK) return RC_NOMEM;
    enum rc rc = store_cert_get(c->config.store, STR("CA"), &scratch.arena, &ca, why);
    if (rc == RC_OK && ca.key_pem.n == 0) rc = RC_UNSUPPORTED;
    if (rc == RC_OK)
        rc = crypto_hmac_sha256(str_bytes(ca.key_pem), str_bytes(str_from(label)), out);
    scratch_fini(&scratch);
    return rc == RC_OK ? rc : say(why, rc, "The key of the private CA cannot be used");
}

enum rc app_certs_tomcat_trust(struct app_certs *c, struct arena *a, struct str *out)
{
    struct buf trust;
    buf_init(&trust, CRYPTO_CERT_PEM_MAX);
    enum rc rc = trust_text(c, STR("tomcat-trust"), a, &trust, NULL);
    if (rc == RC_OK) rc = arena_str_dup(a, buf_str(&trust), out);
    buf_fini(&trust);
    return rc;
}

static void put_name(struct buf *out, struct str name)
{
    struct str rest = buf_str(out), part;
    if (name.n == 0 || str_find_char(name, ',') >= 0) return;
    while (str_split(&rest, ',', &part))
        if (str_eq_nocase(part, name)) return;
    if (out->n > 0) buf_put_char(out, ',');
    buf_put_str(out, name);
}

static void put_ip(struct buf *out, const struct crypto_cert_ip *ip)
{
    struct net_addr addr = {.family = ip->n == 4 ? NET_V4 : NET_V6};
    char text[NET_ADDR_TEXT_MAX];
    struct buf b;
    memcpy(addr.ip, ip->addr, ip->n);
    buf_init_fixed(&b, text, sizeof text);
    net_addr_print_ip(&b, &addr);
    put_name(out, buf_str(&b));
}

enum rc app_certs_tomcat_names(struct app_certs *c, struct arena *a, struct str *out)
{
    struct scratch scratch;
    struct net_tls_cert cert;
    struct crypto_cert_info *info;
    struct buf names;
    size_t count;
    if (scratch_init(&scratch) != RC_OK) return RC_NOMEM;
    buf_init(&names, NAMES_MAX);
    enum rc rc = cert_load(c, STR("tomcat"), &scratch.arena, &cert, NULL);
    if (rc == RC_OK) rc = crypto_cert_read(cert.chain_pem, &scratch.arena, &info, &count);
    if (rc == RC_OK) {
        put_name(&names, info[0].common_name);
        for (size_t i = 0; i < info[0].dns_count; i++)
            put_name(&names, info[0].dns[i]);
        for (size_t i = 0; i < info[0].ip_count; i++)
            put_ip(&names, &info[0].ips[i]);
        rc = buf_rc(&names) == RC_OK ? arena_str_dup(a, buf_str(&names), out) : buf_rc(&names);
    }
    buf_fini(&names);
    scratch_fini(&scratch);
    return rc;
}

/* ---- renewing ---- */

static const struct unit *unit_find(const struct app_certs *c, struct str name)
{
    for (size_t i = 0; i < unit_count(c); i++)
        if (str_eq_nocase(units[i].name, name)) return &units[i];
    return NULL;
}

enum rc app_certs_regen(struct app_certs *c, const struct store_by *by, struct str unit,
                        struct store_why *why)
{
    const struct unit *u = unit_find(c, unit);
    struct scratch scratch;
    if (!u) {
        if (why)
            snprintf(why->text, sizeof why->text,
                     "There is no certificate unit %.*s. Units: tomcat, tomcat-ECDSA%s.",
                     STR_ARG(str_sub(unit, 0, 64)),
                     c->config.is_edge ? "" : ", CallManager, CallManager-ECDSA");
        return RC_NOT_FOUND;
    }
    if (scratch_init(&scratch) != RC_OK) return RC_NOMEM;
    enum rc rc = leaf_issue(c, by, STORE_PUT, u, &scratch.arena, why);
    scratch_fini(&scratch);
    return rc;
}

/* Only what our CA issued: a certificate an operator brought is the operator's to renew. */
static bool is_due(struct app_certs *c, const struct unit *u, struct arena *a)
{
    struct store_cert row, ca;
    struct str name;
    const char *why;
    if (cert_name(a, u->name, c->config.node, &name) != RC_OK ||
        store_cert_get(c->config.store, name, a, &row, NULL) != RC_OK ||
        store_cert_get(c->config.store, STR("CA"), a, &ca, NULL) != RC_OK)
        return false;
    int64_t now_s = clock_unix_s(&c->config.clock);
    if (row.not_after_s - now_s > (int64_t)RENEW_DAYS * DAY_S || ca.key_pem.n == 0) return false;
    return crypto_cert_verify(row.chain_pem, ca.chain_pem, row.not_before_s + SLACK_S,
                              CRYPTO_CERT_SERVER, &why) == RC_OK;
}

size_t app_certs_renew(struct app_certs *c)
{
    struct scratch scratch;
    size_t renewed = 0;
    if (scratch_init(&scratch) != RC_OK) return 0;
    for (size_t i = 0; i < unit_count(c); i++) {
        struct store_why why = {""};
        if (!is_due(c, &units[i], &scratch.arena)) continue;
        enum rc rc = leaf_issue(c, &by_system, STORE_PUT, &units[i], &scratch.arena, &why);
        if (rc == RC_OK) {
            renewed++;
            log_info(c->config.log, "certificate.renewed", LOG_STR("unit", units[i].name));
        } else {
            log_error(c->config.log, "certificate.not_renewed", LOG_STR("unit", units[i].name),
                      LOG_CSTR("why", why.text));
        }
    }
    scratch_fini(&scratch);
    return renewed;
}

void app_certs_rotate_tickets(struct app_certs *c)
{
    if (net_tls_tickets_rotate(c->tickets) != RC_OK)
        log_error(c->config.log, "tls.tickets_not_rotated", LOG_CSTR("why", "no randomness"));
}
