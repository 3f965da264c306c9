/* tokens.c - makes the phones of a measurement: one row "device,line,token" for each, with a signed
 * access token (RFC 9068, ES256) of an issuer that exists for this run only. The server under
 * measurement is told to trust the issuer by the key set written beside.
 *
 *   bench_tokens --count=N --issuer=URL --audience=URI --phones=FILE --jwks=FILE
 *                [--token-bytes=900]
 *
 * Phone number 7 is device CSFBENCH000007 with line 1000007 of user bench000007. */
#include <getopt.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TOKENS_CLAIMS_MAX = 4096, TOKENS_SIGNATURE = 64, TOKENS_LIFE_S = 24 * 3600 };

struct tokens_options {
    const char *issuer, *audience, *phones, *jwks;
    unsigned count, token_bytes;
};

/* base64url without padding (RFC 7515, 2). Returns the length; out has room for 4/3 n + 3. */
static size_t base64url(const unsigned char *in, size_t n, char *out)
{
    size_t length = (size_t)EVP_EncodeBlock((unsigned char *)out, in, (int)n);
    while (length > 0 && out[length - 1] == '=')
        length--;
    for (size_t i = 0; i < length; i++)
        out[i] = (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i]);
    out[length] = '\0';
    return length;
}

/* r and s, 32 bytes each (RFC 7518, 3.4), out of OpenSSL's DER form. */
static int signature_flat(const unsigned char *der, size_t der_n,
                          unsigned char out[TOKENS_SIGNATURE])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)der_n);
    int good = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32) == 32 &&
               BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32) == 32;
    ECDSA_SIG_free(sig);
    return good ? 0 : -1;
}

/* Appends ".signature" to a token of n bytes. */
static int token_sign(EVP_PKEY *key, char *token, size_t n)
{
    unsigned char der[128], flat[TOKENS_SIGNATURE];
    size_t der_n = sizeof der;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int good = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
               EVP_DigestSign(md, der, &der_n, (const unsigned char *)token, n) == 1;
    EVP_MD_CTX_free(md);
    if (!good || signature_flat(der, der_n, flat) < 0) return -1;
    token[n] = '.';
    base64url(flat, sizeof flat, token + n + 1);
    return 0;
}

/* Claims of phone i, filled up so that the token comes out at about the length asked for. */
static int claims_print(const struct tokens_options *o, unsigned i, time_t now, char *out)
{
    char fill[TOKENS_CLAIMS_MAX / 2];
    int n = 0, fill_n = 0;
    const int target = (int)(o->token_bytes * 3 / 4) - 110; /* header and signature aside */
    for (int pass = 0; pass < 2; pass++) {
        memset(fill, 'x', sizeof fill);
        fill[fill_n] = '\0';
        n = snprintf(out, TOKENS_CLAIMS_MAX,
                     "{\"iss\":\"%s\",\"aud\":\"%s\",\"sub\":\"bench%06u\","
                     "\"client_id\":\"bearline-bench\",\"scope\":\"sip\",\"iat\":%lld,"
                     "\"exp\":%lld,\"jti\":\"bench-%lld-%06u\",\"fill\":\"%s\"}",
                     o->issuer, o->audience, i, (long long)now, (long long)now + TOKENS_LIFE_S,
                     (long long)now, i, fill);
        if (n < 0 || n >= TOKENS_CLAIMS_MAX) return -1;
        if (pass == 0 && n < target) fill_n = target - n;
        if (fill_n >= (int)sizeof fill) return -1;
    }
    return n;
}

static int token_print(const struct tokens_options *o, EVP_PKEY *key, unsigned i, time_t now,
                       char token[2 * TOKENS_CLAIMS_MAX])
{
    static const char header[] = "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"bench\"}";
    char claims[TOKENS_CLAIMS_MAX];
    int claims_n = claims_print(o, i, now, claims);
    if (claims_n < 0) return -1;
    size_t n = base64url((const unsigned char *)header, sizeof header - 1, token);
    token[n++] = '.';
    n += base64url((const unsigned char *)claims, (size_t)claims_n, token + n);
    return token_sign(key, token, n);
}

static int phones_write(const struct tokens_options *o, EVP_PKEY *key)
{
    FILE *f = fopen(o->phones, "w");
    if (!f) return -1;
    time_t now = time(NULL);
    int good = 1;
    for (unsigned i = 0; i < o->count && good; i++) {
        char token[2 * TOKENS_CLAIMS_MAX];
        good = token_print(o, key, i, now, token) == 0 &&
               fprintf(f, "CSFBENCH%06u,1%06u,%s\n", i, i, token) > 0;
    }
    return fclose(f) == 0 && good ? 0 : -1;
}

/* The public key as a key set (RFC 7517, 5). */
static int jwks_write(const char *path, EVP_PKEY *key)
{
    unsigned char point[65]; /* 4, x, y */
    size_t point_n = 0;
    char x[48], y[48];
    if (EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof point, &point_n) != 1 ||
        point_n != sizeof point)
        return -1;
    base64url(point + 1, 32, x);
    base64url(point + 33, 32, y);
    FILE *f = fopen(path, "w");
    if (!f) return -1;
    int good = fprintf(f,
                       "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"sig\","
                       "\"alg\":\"ES256\",\"kid\":\"bench\",\"x\":\"%s\",\"y\":\"%s\"}]}\n",
                       x, y) > 0;
    return fclose(f) == 0 && good ? 0 : -1;
}

static int options_read(int argc, char **argv, struct tokens_options *o)
{
    static const struct option known[] = {{"count", required_argument, NULL, 'n'},
                                          {"issuer", required_argument, NULL, 'i'},
                                          {"audience", required_argument, NULL, 'a'},
                                          {"phones", required_argument, NULL, 'p'},
                                          {"jwks", required_argument, NULL, 'j'},
                                          {"token-bytes", required_argument, NULL, 'b'},
                                          {0}};
    *o = (struct tokens_options){.token_bytes = 900};
    int c;
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (c) {
        case 'n': o->count = (unsigned)atoi(optarg); break;
        case 'i': o->issuer = optarg; break;
        case 'a': o->audience = optarg; break;
        case 'p': o->phones = optarg; break;
        case 'j': o->jwks = optarg; break;
        case 'b': o->token_bytes = (unsigned)atoi(optarg); break;
        default: return -1;
        }
    }
    return o->count > 0 && o->count < 1000000 && o->token_bytes <= TOKENS_CLAIMS_MAX / 2 &&
                   o->issuer && o->audience && o->phones && o->jwks && optind == argc
               ? 0
               : -1;
}

int main(int argc, char **argv)
{
    struct tokens_options o;
    if (options_read(argc, argv, &o) < 0) {
        fputs("usage: bench_tokens --count=N --issuer=URL --audience=URI --phones=FILE --jwks=FILE"
              " [--token-bytes=900]\n",
              stderr);
        return 2;
    }
    EVP_PKEY *key = EVP_EC_gen("P-256");
    int good = key && phones_write(&o, key) == 0 && jwks_write(o.jwks, key) == 0;
    if (!good) {
        perror("bench_tokens");
        ERR_print_errors_fp(stderr);
    }
    EVP_PKEY_free(key);
    return good ? 0 : 1;
}
