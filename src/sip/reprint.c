/* sip/reprint.c - a parsed message printed again, and when two parsed messages are equal. */
#include "sip/lex_int.h"
#include "sip/print.h"

static void reprint_status_line(struct buf *out, const struct sip_message *m)
{
    buf_put_lit(out, "SIP/2.0 ");
    buf_put_u64(out, m->status);
    buf_put_char(out, ' ');
    buf_put_str(out, m->reason);
    buf_put_lit(out, "\r\n");
}

void sip_message_print(struct buf *out, const struct sip_message *m)
{
    bool has_length = false;
    if (m->is_request)
        sip_print_request_line(out, m->method_text, m->uri);
    else
        reprint_status_line(out, m);
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header *h = &m->headers[i];
        if (h->id != SIP_HEADER_CONTENT_LENGTH) {
            sip_print_header_named(out, h->name, h->value);
        } else if (!has_length) {
            sip_print_header_u64(out, SIP_HEADER_CONTENT_LENGTH, m->body.n);
            has_length = true;
        }
    }
    if (!has_length) sip_print_header_u64(out, SIP_HEADER_CONTENT_LENGTH, m->body.n);
    buf_put_lit(out, "\r\n");
    buf_put_str(out, m->body);
}

/* The next byte of a value as lex_unfold would print it, or -1 at the end. */
static int reprint_next(struct cur *c)
{
    if (cur_at_end(c)) return -1;
    if (!lex_is(*c->p, LEX_LWS)) return (unsigned char)*c->p++;
    struct cur t = *c;
    lex_lws(&t);
    bool has_fold = lex_find_eol(c->p, t.p) < t.p;
    if (!has_fold) return (unsigned char)*c->p++;
    c->p = t.p;
    return ' ';
}

static bool reprint_value_eq(struct str a, struct str b)
{
    struct cur x = cur_of(lex_trim(a)), y = cur_of(lex_trim(b));
    int c;
    do {
        c = reprint_next(&x);
        if (c != reprint_next(&y)) return false;
    } while (c >= 0);
    return true;
}

static const struct sip_header *reprint_skip_length(const struct sip_message *m, unsigned *i)
{
    while (*i < m->header_count && m->headers[*i].id == SIP_HEADER_CONTENT_LENGTH)
        (*i)++;
    return *i < m->header_count ? &m->headers[(*i)++] : NULL;
}

static bool reprint_headers_eq(const struct sip_message *a, const struct sip_message *b)
{
    unsigned i = 0, k = 0;
    for (;;) {
        const struct sip_header *x = reprint_skip_length(a, &i), *y = reprint_skip_length(b, &k);
        if (!x || !y) return x == y;
        if (!str_eq_nocase(x->name, y->name) || !reprint_value_eq(x->value, y->value)) return false;
    }
}

bool sip_message_eq(const struct sip_message *a, const struct sip_message *b)
{
    if (a->is_request != b->is_request) return false;
    bool start_eq = a->is_request ? str_eq(a->method_text, b->method_text) && str_eq(a->uri, b->uri)
                                  : a->status == b->status && str_eq(a->reason, b->reason);
    return start_eq && reprint_headers_eq(a, b) && str_eq(a->body, b->body);
}
