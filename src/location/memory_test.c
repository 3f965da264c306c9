#include "kit/kit.h"

#include "location/contract.h"

static struct kit_random dice;

static enum rc open_memory(void *ctx, const struct location_config *config, int64_t mono_now_ms,
                           struct location **out)
{
    struct random_source random = kit_random(&dice, 7);
    (void)ctx;
    return location_new(config, &random, mono_now_ms, out);
}

int main(void)
{
    const struct location_backend memory = {.name = "location/memory contract",
                                            .open = open_memory};
    return location_contract_run(&memory) ? 1 : 0;
}
