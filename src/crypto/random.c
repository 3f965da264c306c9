#include "crypto/random.h"

#include "base/check.h"

#include <limits.h>
#include <openssl/rand.h>

static void system_fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    uint8_t *at = p;
    while (n > 0) {
        int part = n > INT_MAX ? INT_MAX : (int)n;
        CHECK(RAND_bytes(at, part) == 1);
        at += part;
        n -= (size_t)part;
    }
}

struct random_source crypto_random_system(void)
{
    return (struct random_source){.fill = system_fill, .ctx = NULL};
}
