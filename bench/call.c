/* call.c - prints the messages of a call. */
#include "call.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ROUTES_MAX = 8 };

static const char sdp_head[] = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
                               "t=0 0\r\n";
static const char sdp_offer[] =
    "m=audio 30000 RTP/SAVP 114 0 8 101\r\n"
    "a=crypto:1 AEAD_AES_256_GCM "
    "inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis=\r\n"
    "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n"
    "a=rtpmap:114 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n";
static const char sdp_answer[] =
    "m=audio 30002 RTP/SAVP 0 101\r\n"
    "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:HRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 "
    "0-15\r\na=sendrecv\r\n";

struct text {
    char *p;
    size_t n, max;
    int full;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = t->full ? 0 : vsnprintf(t->p + t->n, t->max - t->n, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= t->max - t->n)
        t->full = 1;
    else
        t->n += (size_t)n;
}

/* One header line, without its end. */
struct header {
    const char *p;
    size_t n;
};

/* The next header line whose name this is (all of them: NULL), from *at on. 0: none. */
static int header_next(const char **at, const char *end, const char *name, struct header *out)
{
    const size_t name_n = name ? strlen(name) : 0;
    for (const char *line = *at; line < end;) {
        const char *stop = memmem(line, (size_t)(end - line), "\r\n", 2);
        if (!stop || stop == line) return 0; /* the blank line */
        *at = stop + 2;
        *out = (struct header){line, (size_t)(stop - line)};
        if (!name ||
            (out->n > name_n && line[name_n] == ':' && strncasecmp(line, name, name_n) == 0))
            return 1;
        line = stop + 2;
    }
    return 0;
}

/* A header's value. 0: it is not there. */
static int value_find(const char *message, size_t n, const char *name, struct header *out)
{
    const char *at = message;
    if (!header_next(&at, message + n, name, out)) return 0;
    const size_t skip = strlen(name) + 1;
    out->p += skip;
    out->n -= skip;
    while (out->n > 0 && *out->p == ' ') {
        out->p++;
        out->n--;
    }
    return 1;
}

static void add_copies(struct text *t, const char *message, size_t n, const char *name)
{
    struct header h;
    for (const char *at = message; header_next(&at, message + n, name, &h);)
        add(t, "%.*s\r\n", (int)h.n, h.p);
}

static void add_contact(struct text *t, const struct phone *p)
{
    add(t, "Contact: <sip:%08x-0000-4000-8000-%012x@%s;transport=tls>\r\n", p->number, p->number,
        p->address);
}

static void add_body(struct text *t, const char *media)
{
    size_t n = media ? strlen(sdp_head) + strlen(media) : 0;
    if (media) add(t, "Content-Type: application/sdp\r\n");
    add(t, "Content-Length: %zu\r\n\r\n", n);
    if (media) add(t, "%s%s", sdp_head, media);
}

size_t call_print_invite(const struct phone *caller, const struct phone *callee, uint32_t number,
                         char *out, size_t out_max)
{
    struct text t = {.p = out, .max = out_max};
    add(&t,
        "INVITE sip:%s@%s SIP/2.0\r\n"
        "Via: SIP/2.0/TLS %s;branch=z9hG4bKi%08x%08x\r\n"
        "From: <sip:%s@%s>;tag=c%08x%08x\r\n"
        "To: <sip:%s@%s>\r\n"
        "Call-ID: call-%08x-%08x@bench\r\n"
        "Max-Forwards: 70\r\n"
        "CSeq: 101 INVITE\r\n"
        "User-Agent: Cisco-CSF\r\n"
        "Allow: ACK,BYE,CANCEL,INVITE,NOTIFY,OPTIONS,REFER,REGISTER,UPDATE,SUBSCRIBE,INFO\r\n"
        "Supported: replaces,join,sdp-anat,norefersub,X-cisco-srtp-fallback\r\n",
        callee->line, callee->node, caller->address, caller->number, number, caller->line,
        caller->node, caller->number, number, callee->line, callee->node, caller->number, number);
    add_contact(&t, caller);
    add_body(&t, sdp_offer);
    return t.full ? 0 : t.n;
}

size_t call_print_answer(const struct phone *callee, const char *request, size_t request_n,
                         int status, char *out, size_t out_max)
{
    struct text t = {.p = out, .max = out_max};
    struct header to;
    if (!value_find(request, request_n, "To", &to)) return 0;
    int is_invite = call_is(request, request_n, "INVITE");
    add(&t, "SIP/2.0 %d %s\r\n", status, status == 180 ? "Ringing" : "OK");
    add_copies(&t, request, request_n, "Via");
    add_copies(&t, request, request_n, "Record-Route");
    add_copies(&t, request, request_n, "From");
    add(&t, "To: %.*s", (int)to.n, to.p);
    if (!memmem(to.p, to.n, ";tag=", 5)) add(&t, ";tag=d%08x", callee->number);
    add(&t, "\r\n");
    add_copies(&t, request, request_n, "Call-ID");
    add_copies(&t, request, request_n, "CSeq");
    if (is_invite) add_contact(&t, callee);
    add_body(&t, is_invite && status == 200 ? sdp_answer : NULL);
    return t.full ? 0 : t.n;
}

/* Values of all Record-Route lines, in their order. */
static size_t routes_read(const char *message, size_t n, struct header routes[ROUTES_MAX])
{
    size_t count = 0;
    struct header h;
    for (const char *at = message; header_next(&at, message + n, "Record-Route", &h);)
        for (const char *p = h.p, *end = h.p + h.n; count < ROUTES_MAX; count++) {
            const char *open = memchr(p, '<', (size_t)(end - p));
            const char *close = open ? memchr(open, '>', (size_t)(end - open)) : NULL;
            if (!close) break;
            p = close + 1;
            routes[count] = (struct header){open, (size_t)(p - open)};
        }
    return count;
}

size_t call_print_follow(const struct phone *caller, const char *method, const char *answer,
                         size_t answer_n, uint32_t number, char *out, size_t out_max)
{
    struct text t = {.p = out, .max = out_max};
    struct header contact, routes[ROUTES_MAX];
    if (!value_find(answer, answer_n, "Contact", &contact)) return 0;
    const char *open = memchr(contact.p, '<', contact.n);
    const char *close = memchr(contact.p, '>', contact.n);
    if (!open || !close || close < open) return 0;
    add(&t, "%s %.*s SIP/2.0\r\n", method, (int)(close - open - 1), open + 1);
    add(&t, "Via: SIP/2.0/TLS %s;branch=z9hG4bK%c%08x%08x\r\n", caller->address, method[0] | 0x20,
        caller->number, number);
    for (size_t i = routes_read(answer, answer_n, routes); i > 0; i--)
        add(&t, "Route: %.*s\r\n", (int)routes[i - 1].n, routes[i - 1].p);
    add_copies(&t, answer, answer_n, "From");
    add_copies(&t, answer, answer_n, "To");
    add_copies(&t, answer, answer_n, "Call-ID");
    add(&t, "Max-Forwards: 70\r\nCSeq: %d %s\r\n", method[0] == 'B' ? 102 : 101, method);
    add_body(&t, NULL);
    return t.full ? 0 : t.n;
}

int call_is(const char *message, size_t n, const char *method)
{
    const size_t m = strlen(method);
    struct header cseq;
    if (n > m && memcmp(message, method, m) == 0 && message[m] == ' ') return 1;
    if (n < 4 || memcmp(message, "SIP/", 4) != 0) return 0;
    return value_find(message, n, "CSeq", &cseq) && cseq.n > m &&
           memcmp(cseq.p + cseq.n - m, method, m) == 0;
}
