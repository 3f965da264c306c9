#include "sip/header.h"
#include "sip/length_int.h"
#include "sip/lex_int.h"

size_t sip_length_value_at(struct str line)
{
    if (line.n == 0 || ((line.p[0] | 0x20) != 'c' && (line.p[0] | 0x20) != 'l')) return 0;
    struct cur c = cur_of(line);
    struct str name = lex_run(&c, LEX_TOKEN);
    if (name.n != 1 && name.n != sizeof("Content-Length") - 1) return 0;
    if (sip_header_from_name(name) != SIP_HEADER_CONTENT_LENGTH) return 0;
    while (cur_char(&c, ' ') || cur_char(&c, '\t')) {}
    if (!cur_char(&c, ':')) return 0;
    return (size_t)(c.p - line.p);
}

enum rc sip_length_parse(struct str value, uint64_t *out)
{
    struct str digits = lex_trim(value);
    return str_to_u64(digits, SIP_LENGTH_MAX, out);
}
