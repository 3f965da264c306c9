/* net/tls_peer.c - a certificate as the rooms above read it, in one block of memory. */
#include "net/addr.h"
#include "net/tls_int.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

enum { TEXT_MAX = 64 * 1024 };

/* Where a text lies in the growing buffer, until that stands still. */
struct span {
    size_t at, n;
};

struct draft {
    struct buf text;
    struct span common_name, subject, issuer;
    struct span names[NET_TLS_NAMES_MAX];
    enum net_tls_name_kind kinds[NET_TLS_NAMES_MAX];
    size_t name_count;
};

void tls_peer_line(X509_NAME *name, struct buf *out)
{
    char *text;
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        long n = BIO_get_mem_data(bio, &text);
        if (n > 0) buf_put(out, text, (size_t)n);
    } else {
        out->rc = RC_NOMEM;
    }
    BIO_free(bio);
}

static struct span put_name_line(struct draft *d, X509_NAME *name)
{
    size_t at = d->text.n;
    tls_peer_line(name, &d->text);
    return (struct span){at, d->text.n - at};
}

/* The last CN, as UTF-8; one with a NUL inside is a trick and counts as none. */
static struct span put_common_name(struct draft *d, X509_NAME *name)
{
    int last = -1;
    for (int i; (i = X509_NAME_get_index_by_NID(name, NID_commonName, last)) >= 0;)
        last = i;
    struct span span = {d->text.n, 0};
    unsigned char *utf8 = NULL;
    int n = last < 0 ? -1
                     : ASN1_STRING_to_UTF8(
                           &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
    if (n > 0 && !memchr(utf8, 0, (size_t)n)) buf_put(&d->text, utf8, (size_t)n);
    OPENSSL_free(utf8);
    span.n = d->text.n - span.at;
    return span;
}

static bool put_ip(struct buf *out, struct bytes ip)
{
    struct net_addr addr = {.family = ip.n == 4 ? NET_V4 : NET_V6};
    if (ip.n != 4 && ip.n != 16) return false;
    memcpy(addr.ip, ip.p, ip.n);
    net_addr_print_ip(out, &addr);
    return true;
}

static void put_alt_name(struct draft *d, const GENERAL_NAME *name)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (d->name_count == NET_TLS_NAMES_MAX ||
        (type != GEN_DNS && type != GEN_IPADD && type != GEN_URI))
        return;
    struct bytes raw = bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    size_t at = d->text.n;
    if (type == GEN_IPADD) {
        if (!put_ip(&d->text, raw)) return;
    } else {
        if (raw.n == 0 || memchr(raw.p, 0, raw.n)) return;
        buf_put(&d->text, raw.p, raw.n);
    }
    d->kinds[d->name_count] = type == GEN_DNS     ? NET_TLS_NAME_DNS
                              : type == GEN_IPADD ? NET_TLS_NAME_IP
                                                  : NET_TLS_NAME_URI;
    d->names[d->name_count++] = (struct span){at, d->text.n - at};
}

static void draft_read(struct draft *d, X509 *cert)
{
    d->subject = put_name_line(d, X509_get_subject_name(cert));
    d->issuer = put_name_line(d, X509_get_issuer_name(cert));
    d->common_name = put_common_name(d, X509_get_subject_name(cert));
    GENERAL_NAMES *alts = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(alts); i++)
        put_alt_name(d, sk_GENERAL_NAME_value(alts, i));
    GENERAL_NAMES_free(alts);
    ERR_clear_error();
}

static struct net_tls_peer *assemble(const struct draft *d, X509 *cert)
{
    size_t names_bytes = d->name_count * sizeof(struct net_tls_name);
    struct net_tls_peer *peer = calloc(1, sizeof *peer + names_bytes + d->text.n);
    if (!peer) return NULL;
    struct net_tls_name *names = (struct net_tls_name *)(peer + 1);
    char *text = (char *)names + names_bytes;
    if (d->text.n > 0) memcpy(text, d->text.p, d->text.n);
#define TEXT_OF(span) str_of(text + (span).at, (span).n)
    peer->common_name = TEXT_OF(d->common_name);
    peer->subject = TEXT_OF(d->subject);
    peer->issuer = TEXT_OF(d->issuer);
    for (size_t i = 0; i < d->name_count; i++)
        names[i] = (struct net_tls_name){d->kinds[i], TEXT_OF(d->names[i])};
#undef TEXT_OF
    peer->names = names;
    peer->name_count = d->name_count;
    struct tm not_after;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &not_after) == 1)
        peer->not_after_unix_s = (int64_t)timegm(&not_after);
    unsigned n = sizeof peer->sha256;
    if (X509_digest(cert, EVP_sha256(), peer->sha256, &n) == 1) return peer;
    free(peer);
    return NULL;
}

struct net_tls_peer *tls_peer_new(X509 *cert)
{
    struct draft *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    buf_init(&d->text, TEXT_MAX);
    draft_read(d, cert);
    struct net_tls_peer *peer = buf_rc(&d->text) == RC_OK ? assemble(d, cert) : NULL;
    buf_fini(&d->text);
    free(d);
    return peer;
}

bool net_tls_peer_has_name(const struct net_tls_peer *peer, struct str name)
{
    bool has_dns = false;
    if (name.n == 0) return false;
    for (size_t i = 0; i < peer->name_count; i++) {
        if (peer->names[i].kind != NET_TLS_NAME_DNS) continue;
        if (str_eq_nocase(peer->names[i].value, name)) return true;
        has_dns = true;
    }
    return !has_dns && str_eq_nocase(peer->common_name, name);
}
