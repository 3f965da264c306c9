/* store/contract.h - what every backend of the store must do, as one cmocka suite. Part of tests only. */
#ifndef STORE_CONTRACT_H
#define STORE_CONTRACT_H
#include "store/store.h"

struct store_backend {
    const char *name;
    /* Opens the place as it is now; after wipe, a new one. */
    enum rc (*open)(void *ctx, struct store **out, struct store_why *why);
    void (*wipe)(void *ctx);
    void *ctx;
};

/* The number of failed tests. */
int store_contract_run(const struct store_backend *backend);
/* test_calls.c: what calls need of it; the same kind of suite. */
int store_calls_contract_run(const struct store_backend *backend);
/* test_remote.c: what an edge needs of it. */
int store_remote_contract_run(const struct store_backend *backend);

#endif
