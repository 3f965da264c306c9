#include "jose/header.h"

#include "base/base64.h"
#include "jose/object.h"

static const struct {
    enum jose_alg alg;
    const char *name;
} algs[] = {{JOSE_ALG_ES256, "ES256"}, {JOSE_ALG_RS256, "RS256"}, {JOSE_ALG_DIR, "dir"}};

static const struct {
    enum jose_enc enc;
    const char *name;
} encs[] = {{JOSE_ENC_A256GCM, "A256GCM"}, {JOSE_ENC_A128CBC_HS256, "A128CBC-HS256"}};

static enum jose_alg alg_of(struct str name)
{
    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
        if (str_eq(name, str_from(algs[i].name))) return algs[i].alg;
    return JOSE_ALG_OTHER;
}

static enum jose_enc enc_of(struct str name)
{
    for (size_t i = 0; i < sizeof encs / sizeof encs[0]; i++)
        if (str_eq(name, str_from(encs[i].name))) return encs[i].enc;
    return JOSE_ENC_OTHER;
}

const char *jose_alg_name(enum jose_alg alg)
{
    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
        if (algs[i].alg == alg) return algs[i].name;
    return "other";
}

static const char *enc_name(enum jose_enc enc)
{
    for (size_t i = 0; i < sizeof encs / sizeof encs[0]; i++)
        if (encs[i].enc == enc) return encs[i].name;
    return "other";
}

static enum rc header_read(const struct jose_object *o, struct jose_header *out)
{
    struct jose_header h = {0};
    struct str alg, enc;
    if (jose_object_str(o, STR("alg"), &alg) != RC_OK || alg.n == 0 ||
        jose_object_str(o, STR("enc"), &enc) != RC_OK ||
        jose_object_str(o, STR("kid"), &h.kid) != RC_OK ||
        jose_object_str(o, STR("typ"), &h.typ) != RC_OK ||
        jose_object_str(o, STR("cty"), &h.cty) != RC_OK)
        return RC_MALFORMED;
    if (jose_object_find(o, STR("crit")) || jose_object_find(o, STR("b64"))) return RC_UNSUPPORTED;
    if (h.kid.n > JOSE_KID_MAX || h.typ.n > JOSE_TYP_MAX || h.cty.n > JOSE_TYP_MAX)
        return RC_TOO_BIG;
    h.alg = alg_of(alg);
    h.enc = enc_of(enc);
    h.has_zip = jose_object_find(o, STR("zip")) != NULL;
    *out = h;
    return RC_OK;
}

enum rc jose_header_parse(struct str part, struct arena *arena, struct jose_header *out)
{
    struct bytes json;
    struct jose_object o;
    enum rc rc;
    if (part.n > JOSE_TOKEN_MAX) return RC_TOO_BIG;
    if ((rc = base64url_decode_arena(part, arena, &json)) != RC_OK) return rc;
    if ((rc = jose_object_parse(bytes_str(json), arena, &o)) != RC_OK) return rc;
    return header_read(&o, out);
}

static void print_member(struct buf *out, const char *name, struct str value)
{
    if (value.n == 0) return;
    buf_printf(out, ",\"%s\":", name);
    jose_print_string(out, value);
}

/* Room for every member at its maximum, each byte escaped to six. */
enum { HEADER_TEXT_MAX = 128 + 6 * (JOSE_KID_MAX + 2 * JOSE_TYP_MAX) };

void jose_header_print(struct buf *out, const struct jose_header *h)
{
    char text[HEADER_TEXT_MAX];
    struct buf json;
    buf_init_fixed(&json, text, sizeof text);
    buf_printf(&json, "{\"alg\":\"%s\"", jose_alg_name(h->alg));
    if (h->enc != JOSE_ENC_OTHER) buf_printf(&json, ",\"enc\":\"%s\"", enc_name(h->enc));
    print_member(&json, "typ", h->typ);
    print_member(&json, "cty", h->cty);
    print_member(&json, "kid", h->kid);
    buf_put_char(&json, '}');
    if (buf_rc(&json) == RC_OK)
        base64url_print(out, str_bytes(buf_str(&json)));
    else if (buf_rc(out) == RC_OK)
        out->rc = RC_TOO_BIG;
}

bool jose_typ_is(struct str typ, struct str want)
{
    struct str prefix = STR("application/");
    if (str_starts_nocase(typ, prefix)) typ = str_sub(typ, prefix.n, typ.n);
    return str_eq_nocase(typ, want);
}
