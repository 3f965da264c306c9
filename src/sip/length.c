#include "sip/header.h"
#include "sip/length_int.h"
#include "sip/lex_int.h"

static bool length_ends_name(char c)
{
    return c == ':' || c == ' ' || c == '\t';
}

size_t sip_length_value_at(struct str line)
{
    const struct str name = STR("Content-Length");
    if (line.n < 2) return 0;
    size_t n = length_ends_name(line.p[1]) ? 1 : name.n;
    if (line.n <= n || !length_ends_name(line.p[n])) return 0;
    if (sip_header_from_name(str_sub(line, 0, n)) != SIP_HEADER_CONTENT_LENGTH) return 0;
    while (n < line.n && line.p[n] != ':') {
        if (!length_ends_name(line.p[n++])) return 0;
    }
    return n < line.n ? n + 1 : 0;
}

enum rc sip_length_parse(struct str value, uint64_t *out)
{
    struct str digits = lex_trim(value);
    return str_to_u64(digits, SIP_LENGTH_MAX, out);
}
