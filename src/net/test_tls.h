/* net/test_tls.h - for net's own tests: certificates made on the spot. */
#ifndef NET_TEST_TLS_H
#define NET_TEST_TLS_H
#include "net/tls.h"

/* A certificate and its key as PEM texts (heap, freed by test_cert_free). */
struct test_cert {
    char *cert_pem, *key_pem;
    void *x509, *key; /* for signing others */
};

struct test_cert_spec {
    const char *common_name, *first_name; /* first_name: a CN before it; NULL: none */
    const char *alt_names;                /* "DNS:localhost,IP:127.0.0.1"; NULL: none */
    const struct test_cert *issuer;       /* NULL: signs itself */
    bool ca, rsa;
    long from_s, to_s; /* relative to now; both 0: an hour either way */
};
struct test_cert test_cert_make(const struct test_cert_spec *spec);
void test_cert_free(struct test_cert *cert);

struct net_tls_cert test_cert_pair(const struct test_cert *cert);
/* A server with this certificate; more as config says. Fails the test when it cannot be made. */
struct net_tls *test_server(const struct test_cert *cert, const struct test_cert *trust,
                            struct net_tls_tickets *tickets);
struct net_tls *test_client(const struct test_cert *trust, const struct test_cert *cert);

#endif
