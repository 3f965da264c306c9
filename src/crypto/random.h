/* crypto/random.h - the system's randomness (libcrypto's generator, reseeded from the kernel, safe
 * across fork) as the interface of base/clock.h. Safe from any thread. */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H
#include "base/clock.h"

/* A generator that cannot be seeded ends the program: nothing here works without it. */
struct random_source crypto_random_system(void);

#endif
