/* sip/sdp_int.h - the step all readers of SDP lines take. */
#ifndef SIP_SDP_INT_H
#define SIP_SDP_INT_H
#include "sip/lex_int.h"
#include "sip/sdp.h"

struct sdp_line {
    struct str whole; /* with its line end */
    struct str value; /* behind "x=", trailing spaces taken off */
    char type;        /* 0: the line is not "x=..." */
};

/* The next line that is not blank; ends are LF or CRLF. False at the end. */
static inline bool sdp_line_next(struct cur *c, struct sdp_line *out)
{
    while (!cur_at_end(c)) {
        const char *start = c->p, *lf = memchr(start, '\n', cur_left(c));
        const char *end = lf ? lf : c->end;
        c->p = lf ? lf + 1 : c->end;
        while (end > start && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t'))
            end--;
        if (end == start) continue;
        bool is_line = end - start >= 2 && start[1] == '=';
        *out = (struct sdp_line){
            .whole = cur_since(c, start),
            .value = str_of(start + 2, is_line ? (size_t)(end - start) - 2 : 0),
            .type = is_line ? start[0] : '\0'};
        return true;
    }
    return false;
}

/* The next word of a line and the spaces behind it; empty at the end. */
static inline struct str sdp_word(struct cur *c)
{
    const char *start = c->p;
    while (c->p < c->end && *c->p != ' ' && *c->p != '\t')
        c->p++;
    struct str word = cur_since(c, start);
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
        c->p++;
    return word;
}

/* 1*DIGIT up to max that are all of text. */
static inline bool sdp_number(struct str text, uint64_t max, uint64_t *out)
{
    return text.n > 0 && str_to_u64(text, max, out) == RC_OK;
}

/* "name" or "name:value" of a line "a=..."; false: its name is no token. */
bool sdp_attr_of(const struct sdp_line *line, struct sip_sdp_attr *out);
/* [nettype addrtype] connection-address at the cursor ("IN IP4 host[/ttl[/count]]"). */
bool sdp_address(struct cur *c, struct sip_host *out);

#endif
