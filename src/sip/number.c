#include "sip/number.h"
#include "sip/lex_int.h"
#include "sip/values.h"

enum { MAX_FORWARDS_MAX = 255 };

static enum rc number_read_u32(struct cur *c, uint32_t *out)
{
    const char *start = c->p;
    while (c->p < c->end && lex_is2(*c->p, LEX_DIGIT))
        c->p++;
    uint64_t value;
    enum rc rc = str_to_u64(cur_since(c, start), UINT32_MAX, &value);
    if (rc == RC_OK) *out = (uint32_t)value;
    return rc;
}

/* 1*DIGIT LWS Method */
static enum rc number_cseq(struct cur *c, struct sip_cseq *out)
{
    struct sip_cseq cseq;
    enum rc rc = number_read_u32(c, &cseq.number);
    if (rc != RC_OK) return rc;
    const char *gap = c->p;
    lex_lws(c);
    if (c->p == gap || !lex_token(c, &cseq.method_text) || !cur_at_end(c)) return RC_MALFORMED;
    cseq.method = sip_method_from_text(cseq.method_text);
    *out = cseq;
    return RC_OK;
}

enum rc sip_cseq_parse(struct str value, struct sip_cseq *out)
{
    struct cur c = cur_of(lex_trim(value));
    return number_cseq(&c, out);
}

/* RAck = response-num LWS CSeq-num LWS Method. RFC 3262, 10 */
enum rc sip_rack_parse(struct str value, struct sip_rack *out)
{
    struct cur c = cur_of(lex_trim(value));
    struct sip_rack rack;
    enum rc rc = number_read_u32(&c, &rack.rseq);
    if (rc != RC_OK) return rc;
    const char *gap = c.p;
    lex_lws(&c);
    if (c.p == gap) return RC_MALFORMED;
    if ((rc = number_cseq(&c, &rack.cseq)) == RC_OK) *out = rack;
    return rc;
}

enum rc sip_number_parse(struct str value, uint64_t max, uint64_t *out)
{
    return str_to_u64(lex_trim(value), max, out);
}

/* delta-seconds [ comment ] *( SEMI param ). The comment may nest and hold escapes. */
static bool number_skip_comment(struct cur *c)
{
    unsigned depth = 0;
    lex_lws(c);
    if (cur_peek(c) != '(') return true;
    for (; c->p < c->end; c->p++) {
        if (*c->p == '\\' && cur_left(c) > 1)
            c->p++;
        else if (*c->p == '(')
            depth++;
        else if (*c->p == ')' && --depth == 0)
            break;
    }
    return cur_char(c, ')');
}

enum rc sip_seconds_parse(struct str value, uint32_t *out)
{
    struct cur c = cur_of(lex_trim(value));
    uint32_t seconds = UINT32_MAX;
    enum rc rc = number_read_u32(&c, &seconds);
    if (rc != RC_OK && rc != RC_TOO_BIG) return rc;
    if (!number_skip_comment(&c)) return RC_MALFORMED;
    lex_lws(&c);
    if (sip_params_check(cur_rest(&c), NULL) != RC_OK) return RC_MALFORMED;
    *out = seconds;
    return rc;
}

enum rc sip_max_forwards(const struct sip_message *m, unsigned *out)
{
    uint64_t value;
    const struct sip_header *h = sip_message_find(m, SIP_HEADER_MAX_FORWARDS);
    if (!h) return RC_NOT_FOUND;
    enum rc rc = sip_number_parse(h->value, MAX_FORWARDS_MAX, &value);
    if (rc == RC_OK) *out = (unsigned)value;
    return rc == RC_TOO_BIG ? RC_NOT_FOUND : rc;
}

enum rc sip_expires(const struct sip_message *m, uint32_t *out)
{
    uint64_t value;
    const struct sip_header *h = sip_message_find(m, SIP_HEADER_EXPIRES);
    if (!h) return RC_NOT_FOUND;
    enum rc rc = sip_number_parse(h->value, UINT32_MAX, &value);
    if (rc == RC_OK) *out = (uint32_t)value;
    return rc == RC_TOO_BIG ? RC_NOT_FOUND : rc;
}
