/* The chunked coding, a machine fed with whatever has arrived (RFC 9112, 7.1):
 *
 *   SIZE --size line--> DATA --left 0--> DATA_END --CRLF--> SIZE
 *   SIZE --"0" line--> TRAILER --empty line--> END */
#include "http/head_int.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* chunk-size [ chunk-ext ]; extensions are skipped. At most 15 digits: no overflow. */
static enum rc parse_size(struct str line, uint64_t *out)
{
    size_t digits = 0;
    uint64_t size = 0;
    while (digits < line.n && hex_value(line.p[digits]) >= 0) {
        if (digits == 15) return RC_MALFORMED;
        size = size << 4 | (unsigned)hex_value(line.p[digits++]);
    }
    if (digits == 0) return RC_MALFORMED;
    struct str ext = str_sub(line, digits, line.n);
    if (ext.n > 0 && (ext.p[0] != ';' || !http_is_field_value(ext))) return RC_MALFORMED;
    *out = size;
    return RC_OK;
}

/* A whole line at the start of in, without its CRLF. */
static enum rc take_line(struct str in, struct str *line, size_t *used)
{
    ptrdiff_t lf = str_find_char(in, '\n');
    if (lf < 0) return in.n > HTTP_CHUNK_LINE_MAX ? RC_TOO_BIG : RC_MORE;
    if (lf > HTTP_CHUNK_LINE_MAX) return RC_TOO_BIG;
    if (lf == 0 || in.p[lf - 1] != '\r') return RC_MALFORMED;
    *line = str_sub(in, 0, (size_t)lf - 1);
    *used = (size_t)lf + 1;
    return RC_OK;
}

static enum rc step_size(struct http_chunks *c, struct str in, size_t *used)
{
    struct str line;
    enum rc rc = take_line(in, &line, used);
    if (rc == RC_OK) rc = parse_size(line, &c->left);
    if (rc != RC_OK) return rc;
    c->at = c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
    return RC_MORE;
}

static enum rc step_data(struct http_chunks *c, struct str in, size_t *used, struct str *data)
{
    *data = str_sub(in, 0, c->left < in.n ? (size_t)c->left : in.n);
    *used = data->n;
    c->left -= data->n;
    if (c->left == 0) c->at = CHUNK_DATA_END;
    return RC_MORE;
}

static enum rc step_data_end(struct http_chunks *c, struct str in, size_t *used)
{
    if (in.n > 0 && in.p[0] != '\r') return RC_MALFORMED;
    if (in.n < 2) return RC_MORE;
    if (in.p[1] != '\n') return RC_MALFORMED;
    *used = 2;
    c->at = CHUNK_SIZE;
    return RC_MORE;
}

/* Trailer fields say nothing to this server. */
static enum rc step_trailer(struct http_chunks *c, struct str in, size_t *used)
{
    struct str line;
    enum rc rc = take_line(in, &line, used);
    if (rc != RC_OK) return rc;
    if (line.n == 0) {
        c->at = CHUNK_END;
        return RC_OK;
    }
    c->trailer_len += *used;
    return c->trailer_len > HTTP_TRAILER_MAX ? RC_TOO_BIG : RC_MORE;
}

enum rc http_chunks_step(struct http_chunks *c, struct str in, size_t *used, struct str *data)
{
    *used = 0;
    *data = STR("");
    switch (c->at) {
    case CHUNK_SIZE: return step_size(c, in, used);
    case CHUNK_DATA: return step_data(c, in, used, data);
    case CHUNK_DATA_END: return step_data_end(c, in, used);
    case CHUNK_TRAILER: return step_trailer(c, in, used);
    case CHUNK_END: return RC_OK;
    }
    return RC_MALFORMED;
}
