/* crypto/x509_int.h - certificates as libcrypto has them; shared by the three x509 files. */
#ifndef CRYPTO_X509_INT_H
#define CRYPTO_X509_INT_H
#include "base/buf.h"

#include <openssl/x509.h>

/* The first certificate of a PEM text; X509_free it. RC_NOT_FOUND, RC_MALFORMED, RC_TOO_BIG,
 * RC_NOMEM. */
MUST_CHECK enum rc crypto_x509_parse_first(struct str pem, X509 **out);
/* All of them in order; OSSL_STACK_OF_X509_free it. */
MUST_CHECK enum rc crypto_x509_parse_all(struct str pem, STACK_OF(X509) * *out);
MUST_CHECK enum rc crypto_x509_print_pem(X509 *x, struct buf *out);

#endif
