/* location/contract.h - what every backend of the location must do, as one cmocka suite. Part of tests
 * only. A backend that answers later brings a wait function; the memory backend needs none. */
#ifndef LOCATION_CONTRACT_H
#define LOCATION_CONTRACT_H
#include "location/location.h"

struct location_backend {
    const char *name;
    enum rc (*open)(void *ctx, const struct location_config *config, int64_t mono_now_ms,
                    struct location **out);
    void (*wait)(void *ctx); /* until open answers have come; may be NULL */
    void *ctx;
};

/* The number of failed tests. */
int location_contract_run(const struct location_backend *backend);

#endif
