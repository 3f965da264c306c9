/* net/dns_fuzz.c - any bytes as a DNS answer: bounded names, bounded count, no crash. */
#include "base/check.h"
#include "net/dns_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct net_srv srvs[NET_RESOLVED_MAX];
    size_t count;
    uint32_t ttl_s;
    if (dns_srv_parse(bytes_of(data, n), srvs, &count, &ttl_s) != RC_OK) return 0;
    CHECK(count > 0 && count <= NET_RESOLVED_MAX);
    for (size_t i = 0; i < count; i++)
        CHECK(strlen(srvs[i].target) <= NET_NAME_MAX);
    return 0;
}
