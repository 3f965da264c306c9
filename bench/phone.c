/* phone.c - prints the REGISTERs and frames the answers. */
#include "phone.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char supported[] =
    "replaces,join,sdp-anat,norefersub,resource-priority,extended-refer,X-cisco-callinfo,"
    "X-cisco-serviceuri,X-cisco-escapecodes,X-cisco-service-control,X-cisco-srtp-fallback,"
    "X-cisco-monrec,X-cisco-config,X-cisco-sis-7.0.0,X-cisco-xsi-8.5.1,X-cisco-graceful-reg,"
    "X-cisco-duplicate-reg";

#define PART_HEAD                                                                                  \
    "--uniqueBoundary\r\n"                                                                         \
    "Content-Type: application/x-cisco-remotecc-request+xml\r\n"                                   \
    "Content-Disposition: session;handling=optional\r\n\r\n"                                       \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static const char body[] = PART_HEAD
    "<x-cisco-remotecc-request>\n<bulkregisterreq>\n<contact all=\"true\">\n<register></register>\n"
    "</contact>\n</bulkregisterreq>\n</x-cisco-remotecc-request>\n\r\n" PART_HEAD
    "<x-cisco-remotecc-request>\n<optionsind>\n<combine max=\"6\">\n<remotecc>\n<status></status>\n"
    "</remotecc>\n<service-control></service-control>\n</combine>\n"
    "<dialog usage=\"hook status\">\n<unot></unot>\n<sub></sub>\n</dialog>\n"
    "<dialog usage=\"shared line\">\n<unot></unot>\n<sub></sub>\n</dialog>\n"
    "<presence usage=\"blf speed dial\">\n<unot></unot>\n<sub></sub>\n</presence>\n"
    "<joinreq></joinreq>\n<cfwdall-anyline>No</cfwdall-anyline>\n<coaching></coaching>\n"
    "<oosalarm></oosalarm>\n</optionsind>\n</x-cisco-remotecc-request>\n\r\n--uniqueBoundary--\r\n";

/* Text under construction: remembers that something did not fit. */
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

static void add_contact(struct text *t, const struct phone *p)
{
    add(t,
        "Contact: <sip:%08x-0000-4000-8000-%012x@%s;transport=tls>;"
        "+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-%012x>\";"
        "+u.sip!devicename.ccm.cisco.com=\"%s\";+u.sip!model.ccm.cisco.com=\"503\";video\r\n",
        p->number, p->number, p->address, p->number, p->device);
}

static void add_body(struct text *t, const struct phone *p)
{
    add(t,
        "Reason: SIP;cause=200;text=\"cisco-alarm:111 Name=%s ActiveLoad=Bench-1.0 "
        "InactiveLoad=Bench-1.0 Last=Application-Requested-Destroy\"\r\n"
        "Expires: 3600\r\n"
        "Content-Type: multipart/mixed; boundary=uniqueBoundary\r\n"
        "Mime-Version: 1.0\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        p->device, sizeof body - 1, body);
}

size_t phone_print(const struct phone *p, enum phone_register kind, uint32_t cseq, char *out,
                   size_t out_max)
{
    struct text t = {.p = out, .max = out_max};
    int host = (int)strcspn(p->address, ":");
    add(&t,
        "REGISTER sip:%s SIP/2.0\r\n"
        "Via: SIP/2.0/TLS %s;branch=z9hG4bK%08x%06u\r\n"
        "From: <sip:%s@%s>;tag=882323451234089000%06x-00005eff\r\n"
        "To: <sip:%s@%s>\r\n"
        "Call-ID: 88232345-12340017-%08x-00000cfa@%.*s\r\n"
        "Max-Forwards: 70\r\n"
        "Date: Mon, 30 Mar 2020 11:03:19 GMT\r\n"
        "CSeq: %06u REGISTER\r\n"
        "User-Agent: Cisco-CSF\r\n",
        p->node, p->address, p->number, cseq, p->line, p->node, p->number, p->line, p->node,
        p->number, host, p->address, cseq);
    add_contact(&t, p);
    add(&t, "Supported: %s\r\n", supported);
    if (kind == PHONE_TOKEN || kind == PHONE_REFRESH_TOKEN)
        add(&t, "Proxy-Authorization: Bearer token=\"%s\"\r\n", p->token);
    if (kind == PHONE_TOKEN)
        add_body(&t, p);
    else
        add(&t, "Expires: 3600\r\nContent-Length: 0\r\n\r\n");
    return t.full ? 0 : t.n;
}

/* Overwrites the six digits that stand `ahead` bytes after the given text. */
static void patch(char *message, size_t n, const char *after, size_t ahead, uint32_t cseq)
{
    char *at = memmem(message, n, after, strlen(after));
    if (!at) return;
    at += strlen(after) + ahead;
    for (int i = 5; i >= 0; i--, cseq /= 10)
        at[i] = (char)('0' + cseq % 10);
}

void phone_renumber(char *message, size_t n, uint32_t cseq)
{
    patch(message, n, ";branch=z9hG4bK", 8, cseq);
    patch(message, n, "\r\nCSeq: ", 0, cseq);
}

/* The value of Content-Length among the header lines, -1 when there is none or it is no number. */
static long content_length(const char *head, const char *end)
{
    static const char name[] = "\r\nContent-Length";
    for (const char *p = head; end - p > (long)sizeof name; p++) {
        p = memchr(p, '\r', (size_t)(end - p));
        if (!p || end - p <= (long)sizeof name) return -1;
        if (strncasecmp(p, name, sizeof name - 1) != 0) continue;
        p += sizeof name - 1;
        while (p < end && (*p == ' ' || *p == '\t'))
            p++;
        if (p == end || *p++ != ':') return -1;
        while (p < end && (*p == ' ' || *p == '\t'))
            p++;
        if (p == end || !isdigit((unsigned char)*p)) return -1;
        long value = 0;
        for (; p < end && isdigit((unsigned char)*p) && value <= PHONE_MESSAGE_MAX; p++)
            value = value * 10 + (*p - '0');
        return value;
    }
    return -1;
}

static int status_of(const char *p, size_t n)
{
    static const char version[] = "SIP/2.0 ";
    const size_t v = sizeof version - 1;
    if (n < v + 3 || memcmp(p, version, v) != 0) return 0;
    for (size_t i = 0; i < 3; i++)
        if (!isdigit((unsigned char)p[v + i])) return 0;
    return (p[v] - '0') * 100 + (p[v + 1] - '0') * 10 + (p[v + 2] - '0');
}

enum answer_result answer_frame(const char *bytes, size_t n, struct answer *out)
{
    size_t skipped = 0;
    while (skipped < n && (bytes[skipped] == '\r' || bytes[skipped] == '\n'))
        skipped++;
    const char *p = bytes + skipped;
    n -= skipped;
    const char *blank = memmem(p, n, "\r\n\r\n", 4);
    if (!blank) return n > PHONE_MESSAGE_MAX ? ANSWER_BROKEN : ANSWER_MORE;
    size_t head_n = (size_t)(blank - p) + 4;
    long length = content_length(p, blank + 2);
    if (length < 0 || head_n + (size_t)length > PHONE_MESSAGE_MAX) return ANSWER_BROKEN;
    if (n < head_n + (size_t)length) return ANSWER_MORE;
    *out = (struct answer){
        .skipped = skipped, .n = head_n + (size_t)length, .status = status_of(p, head_n)};
    return ANSWER_WHOLE;
}

/* Cuts one field off *rest at a comma (or the end of the row). NULL when it is empty. */
static char *cut(char **rest)
{
    char *field = *rest;
    char *comma = strchr(field, ',');
    if (comma) *comma = '\0';
    *rest = comma ? comma + 1 : field + strlen(field);
    return *field ? field : NULL;
}

static int row_parse(char *row, struct phone *out)
{
    out->device = cut(&row);
    out->line = cut(&row);
    out->token = cut(&row);
    return out->device && out->line && out->token && *row == '\0' &&
                   strlen(out->token) <= PHONE_TOKEN_MAX
               ? 0
               : -1;
}

static int list_room(struct phone_list *list)
{
    if ((list->count & (list->count - 1)) != 0) return 0; /* grows at each power of two */
    size_t max = list->count == 0 ? 1 : 2 * list->count;
    struct phone *more = realloc(list->phones, max * sizeof *more);
    if (!more) return -1;
    list->phones = more;
    return 0;
}

long phone_list_parse(struct phone_list *list, char *text, const char *node)
{
    *list = (struct phone_list){.text = text};
    long row_number = 0, failed = 0;
    char *next;
    for (char *row = text; *row && failed == 0; row = next) {
        next = row + strcspn(row, "\n");
        if (*next) *next++ = '\0';
        row[strcspn(row, "\r")] = '\0';
        row_number++;
        if (*row == '\0' || *row == '#') continue;
        struct phone p = {.number = (uint32_t)list->count, .node = node};
        if (row_parse(row, &p) < 0)
            failed = row_number;
        else if (list_room(list) < 0)
            failed = -1;
        else
            list->phones[list->count++] = p;
    }
    if (failed != 0) phone_list_fini(list);
    return failed;
}

void phone_list_fini(struct phone_list *list)
{
    free(list->phones);
    free(list->text);
    *list = (struct phone_list){0};
}
