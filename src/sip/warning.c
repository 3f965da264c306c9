#include "sip/warning.h"
#include "sip/lex_int.h"
#include "sip/print.h"

/* warning-value = 3DIGIT SP warn-agent SP quoted-string. RFC 3261, 25.1 */
enum rc sip_warning_parse(struct str value, struct sip_warning *out)
{
    struct sip_warning w;
    struct cur c = cur_of(lex_trim(value));
    uint64_t code;
    const char *start = c.p;
    while (c.p < c.end && lex_is2(*c.p, LEX_DIGIT))
        c.p++;
    struct str digits = cur_since(&c, start);
    if (digits.n != 3 || str_to_u64(digits, 999, &code) != RC_OK || code < 100) return RC_MALFORMED;
    w.code = (unsigned)code;
    lex_lws(&c);
    start = c.p;
    while (c.p < c.end && !lex_is(*c.p, LEX_LWS) && lex_is2(*c.p, LEX_OPAQUE))
        c.p++;
    w.agent = cur_since(&c, start);
    lex_lws(&c);
    if (w.agent.n == 0 || !lex_quoted(&c, &w.text) || !cur_at_end(&c)) return RC_MALFORMED;
    *out = w;
    return RC_OK;
}

void sip_warning_print(struct buf *out, unsigned code, struct str agent, struct str text)
{
    buf_put_str(out, sip_header_name(SIP_HEADER_WARNING));
    buf_put_lit(out, ": ");
    buf_put_u64(out, code);
    buf_put_char(out, ' ');
    buf_put_str(out, agent);
    buf_put_char(out, ' ');
    sip_print_quoted(out, text);
    buf_put_lit(out, "\r\n");
}
