#include "sip/frame.h"
#include "sip/length_int.h"
#include "sip/lex_int.h"

void sip_frame_init(struct sip_frame *f, size_t max, bool sends_ping)
{
    *f = (struct sip_frame){.max = max, .sends_ping = sends_ping};
}

/* CRLF. For the side that receives pings each second one in a row completes one; the first is taken
 * at once, so that a peer that sends no more than that has no message half received. */
static enum rc frame_keepalive(struct sip_frame *f, struct str data, struct sip_framed *out,
                               struct parse_at *at)
{
    if (data.n == 1) return RC_MORE;
    if (data.p[1] != '\n') return lex_fail(at, data, data.p + 1, "a line end", RC_MALFORMED);
    bool ping = f->half_ping && !f->sends_ping;
    *out = (struct sip_framed){ping ? SIP_FRAME_PING : SIP_FRAME_PONG, 2};
    f->half_ping = !ping;
    return RC_OK;
}

/* Cheap test that keeps other protocols out before a whole head of them has come: a status line
 * begins with SIP/, the last word of a request line does. */
static bool frame_is_start_line(struct str line)
{
    if (str_starts_nocase(line, STR("SIP/"))) return true;
    while (line.n > 0 && line.p[line.n - 1] == ' ')
        line.n--;
    size_t i = line.n;
    while (i > 0 && line.p[i - 1] != ' ')
        i--;
    return i > 0 && str_starts_nocase(str_sub(line, i, line.n), STR("SIP/"));
}

/* A Content-Length field is whole only when the next line does not continue it. */
static void frame_close_length(struct sip_frame *f, struct str data, size_t value_end)
{
    uint64_t length;
    enum rc rc = sip_length_parse(str_sub(data, f->length_at, value_end), &length);
    f->length_at = 0;
    if (rc == RC_OK && f->has_length && length != f->length) rc = RC_MALFORMED;
    if (rc != RC_OK && f->length_rc != RC_MALFORMED) f->length_rc = rc;
    if (rc == RC_OK) f->length = length;
    f->has_length = true;
}

static enum rc frame_start_line(struct sip_frame *f, struct str data, size_t line_n,
                                struct parse_at *at)
{
    if (line_n > SIP_START_LINE_MAX)
        return lex_fail(at, data, data.p, "a shorter start line", RC_TOO_BIG);
    if (!frame_is_start_line(str_sub(data, 0, line_n)))
        return lex_fail(at, data, data.p, "a SIP start line", RC_MALFORMED);
    f->start_n = line_n;
    return RC_OK;
}

/* One whole line [line, end) without its CRLF. */
static enum rc frame_line(struct sip_frame *f, struct str data, size_t line, size_t end,
                          struct parse_at *at)
{
    if (f->start_n == 0) return frame_start_line(f, data, end, at);
    char first = data.p[line];
    if (first == ' ' || first == '\t') return RC_OK;
    if (f->length_at > 0) frame_close_length(f, data, line);
    if (line == end) f->head_n = end + 2;
    if ((first | 0x20) != 'c' && (first | 0x20) != 'l') return RC_OK;
    size_t value = sip_length_value_at(str_of(data.p + line, end - line));
    if (value > 0) f->length_at = line + value;
    return RC_OK;
}

/* Reads lines until the empty one. Only CRLF ends a line: what the index takes for one line must be
 * one line here. */
static enum rc frame_head(struct sip_frame *f, struct str data, struct parse_at *at)
{
    while (f->head_n == 0) {
        const char *lf = memchr(data.p + f->scanned, '\n', data.n - f->scanned);
        size_t n = lf ? (size_t)(lf - data.p) + 1 : data.n;
        f->scanned = n;
        if (f->start_n == 0 && n > SIP_START_LINE_MAX + 2)
            return lex_fail(at, data, data.p, "a shorter start line", RC_TOO_BIG);
        if (n > f->max) return lex_fail(at, data, data.p, "a smaller message", RC_TOO_BIG);
        if (!lf) return RC_MORE;
        if (n < 2 || n - 2 < f->line || lf[-1] != '\r') continue;
        enum rc rc = frame_line(f, data, f->line, n - 2, at);
        if (rc != RC_OK) return rc;
        f->line = n;
    }
    return RC_OK;
}

enum rc sip_frame_step(struct sip_frame *f, struct str data, struct sip_framed *out,
                       struct parse_at *at)
{
    if (data.n == 0) return RC_MORE;
    if (f->scanned == 0) {
        if (data.p[0] == '\r') return frame_keepalive(f, data, out, at);
        if (!lex_is(data.p[0], LEX_TOKEN))
            return lex_fail(at, data, data.p, "a SIP start line", RC_MALFORMED);
    }
    enum rc rc = frame_head(f, data, at);
    if (rc != RC_OK) return rc;
    if (!f->has_length || f->length_rc == RC_MALFORMED)
        return lex_fail(at, data, data.p + f->head_n, "one Content-Length", RC_MALFORMED);
    if (f->length_rc != RC_OK || f->length > f->max - f->head_n)
        return lex_fail(at, data, data.p + f->head_n, "a smaller message", RC_TOO_BIG);
    size_t total = f->head_n + (size_t)f->length;
    if (data.n < total) return RC_MORE;
    *out = (struct sip_framed){SIP_FRAME_MESSAGE, total};
    sip_frame_init(f, f->max, f->sends_ping);
    return RC_OK;
}
