/* net/addr_fuzz.c - whatever parses as an address prints so that it parses back equal. */
#include "base/check.h"
#include "net/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct net_addr addr, again;
    char text[NET_ADDR_TEXT_MAX];
    if (net_addr_parse(bytes_str(bytes_of(data, n)), &addr) != RC_OK) return 0;
    CHECK(net_addr_parse(net_addr_text(&addr, text), &again) == RC_OK);
    CHECK(net_addr_eq(&addr, &again));
    return 0;
}
