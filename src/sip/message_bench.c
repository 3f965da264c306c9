/* Prints ns/op and allocs/op of the reference REGISTER and of an INVITE with SDP: median and spread of
 * several runs. "index" is framing and sip_message_parse; "read" adds validation (Via, From, To, CSeq,
 * Call-ID, addresses), the Contact's device name, Expires and the credentials. */
#include "kit/kit.h"

#include "sip/auth.h"
#include "sip/sample_int.h"
#include "sip/validate.h"
#include <stdio.h>
#include <time.h>

enum { RUN_COUNT = 9, OPS_PER_RUN = 200000 };

static struct sip_message message;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void op_index(struct str bytes)
{
    struct sip_frame f;
    struct sip_framed framed;
    sip_frame_init(&f, SIP_MESSAGE_MAX, false);
    if (sip_frame_step(&f, bytes, &framed, NULL) != RC_OK) abort();
    if (sip_message_parse(str_sub(bytes, 0, framed.n), SIP_STREAM, &message, NULL) != RC_OK)
        abort();
}

static void op_read(struct str bytes)
{
    struct sip_basics basics;
    struct sip_verdict verdict;
    struct sip_nameaddr contact;
    struct sip_uri uri;
    struct sip_auth auth;
    struct str token;
    uint32_t expires;
    op_index(bytes);
    sip_validate(&message, SIP_STREAM, &basics, &verdict);
    if (verdict.action != SIP_ACCEPT) abort();
    struct str value = sip_message_value(&message, SIP_HEADER_CONTACT);
    if (sip_nameaddr_parse_uri(value, &contact, &uri, NULL) != RC_OK) abort();
    if (sip_param_value(contact.params, STR("+u.sip!devicename.ccm.cisco.com")).n == 0) abort();
    if (sip_expires(&message, &expires) != RC_OK) abort();
    const struct sip_header *h = sip_message_find(&message, SIP_HEADER_PROXY_AUTHORIZATION);
    if (!h) return;
    if (sip_auth_parse(h->value, &auth, NULL) != RC_OK) abort();
    if (sip_auth_bearer(&auth, &token) != RC_OK) abort();
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bench(const char *name, struct str bytes, void (*op)(struct str bytes))
{
    double ns[RUN_COUNT];
    unsigned long allocs = kit_alloc_count();
    for (int run = 0; run < RUN_COUNT; run++) {
        double start = now_ns();
        for (int i = 0; i < OPS_PER_RUN; i++)
            op(bytes);
        ns[run] = (now_ns() - start) / OPS_PER_RUN;
    }
    allocs = kit_alloc_count() - allocs;
    qsort(ns, RUN_COUNT, sizeof(ns[0]), compare_doubles);
    printf("%-16s %5zu bytes %8.1f ns/op (%.1f..%.1f) %6.2f M/s %6.2f allocs/op\n", name, bytes.n,
           ns[RUN_COUNT / 2], ns[0], ns[RUN_COUNT - 1], 1e3 / ns[RUN_COUNT / 2],
           (double)allocs / ((double)RUN_COUNT * OPS_PER_RUN));
}

int main(void)
{
    struct buf registers, invites;
    buf_init(&registers, 65536);
    buf_init(&invites, 65536);
    sample_register(&registers);
    sample_invite(&invites);
    if (buf_rc(&registers) != RC_OK || buf_rc(&invites) != RC_OK) return 1;
    bench("register_index", buf_str(&registers), op_index);
    bench("register_read", buf_str(&registers), op_read);
    bench("invite_index", buf_str(&invites), op_index);
    bench("invite_read", buf_str(&invites), op_read);
    buf_fini(&registers);
    buf_fini(&invites);
    return 0;
}
