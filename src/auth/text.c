#include "auth/text.h"

#include "base/base64.h"
#include "crypto/digest.h"

void auth_uuid_print(const uint8_t bytes[AUTH_UUID_BYTES], char out[AUTH_UUID_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < AUTH_UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

void auth_uuid_make(const struct random_source *random, char out[AUTH_UUID_LEN + 1])
{
    uint8_t bytes[AUTH_UUID_BYTES];
    random_fill(random, bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    auth_uuid_print(bytes, out);
}

enum rc auth_uuid_parse(struct str text, uint8_t out[AUTH_UUID_BYTES])
{
    char digits[2 * AUTH_UUID_BYTES];
    uint8_t bytes[AUTH_UUID_BYTES];
    size_t n = 0, byte_n;
    if (text.n != AUTH_UUID_LEN) return RC_MALFORMED;
    for (size_t i = 0; i < text.n; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash != (text.p[i] == '-')) return RC_MALFORMED;
        if (!is_dash) digits[n++] = text.p[i];
    }
    if (hex_decode(str_of(digits, n), bytes, sizeof bytes, &byte_n) != RC_OK) return RC_MALFORMED;
    memcpy(out, bytes, sizeof bytes);
    return RC_OK;
}

static void put_html_char(struct buf *out, char c)
{
    switch (c) {
    case '&': buf_put_lit(out, "&amp;"); break;
    case '<': buf_put_lit(out, "&lt;"); break;
    case '>': buf_put_lit(out, "&gt;"); break;
    case '"': buf_put_lit(out, "&quot;"); break;
    case '\'': buf_put_lit(out, "&#39;"); break;
    default: buf_put_char(out, c);
    }
}

void auth_html_put(struct buf *out, struct str s)
{
    bool is_text = str_is_utf8(s);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        put_html_char(out, (c >= 0x80 && !is_text) || c == 0 ? '?' : s.p[i]);
    }
}

enum rc auth_hash_hex(struct bytes in, char out[65])
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct buf b;
    enum rc rc = crypto_sha256(in, digest);
    if (rc != RC_OK) return rc;
    buf_init_fixed(&b, out, 64);
    buf_put_hex(&b, bytes_of(digest, sizeof digest));
    out[64] = '\0';
    return RC_OK;
}
