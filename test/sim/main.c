/* Random calls between phones of one node, without sockets and in simulated time.
 *
 *   sim_calls [--from SEED] [--count N]    that many runs; the first that goes wrong is printed with
 *                                          its seed, and exits 1
 *   sim_calls --seed SEED                  one run again, all that passes printed */
#include "sim/sim.h"

#include <inttypes.h>
#include <stdio.h>

struct options {
    uint64_t from, count;
    bool is_told;
};

static bool read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i += 2) {
        uint64_t n;
        if (i + 1 == argc || str_to_u64(str_from(argv[i + 1]), UINT64_MAX, &n) != RC_OK)
            return false;
        if (strcmp(argv[i], "--from") == 0) {
            o->from = n;
        } else if (strcmp(argv[i], "--count") == 0) {
            o->count = n;
        } else if (strcmp(argv[i], "--seed") == 0) {
            *o = (struct options){.from = n, .count = 1, .is_told = true};
        } else {
            return false;
        }
    }
    return true;
}

static void print_counts(const struct sim_counts *n)
{
    printf("%" PRIu64 " runs: %" PRIu64 " phones, %" PRIu64 " calls (%" PRIu64 " answered, %" PRIu64
           " cancelled, %" PRIu64 " refused, %" PRIu64 " unanswered; %" PRIu64
           " with the network cut under them)\n",
           n->runs, n->phones, n->calls, n->answered, n->cancelled, n->refused, n->unanswered,
           n->disturbed);
    printf("%" PRIu64 " forwarded or hunted, %" PRIu64 " offers to be refused\n", n->planned,
           n->wrong_offers);
    printf("%" PRIu64 " cuts, %" PRIu64 " second forks, %" PRIu64 " re-INVITEs, %" PRIu64
           " glares, %" PRIu64 " timeouts, %" PRIu64 " REGISTERs\n",
           n->cuts, n->forks, n->reinvites, n->glares, n->timeouts, n->registers);
    printf("%" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 " lost, %" PRIu64 " doubled\n",
           n->messages, n->bytes, n->lost, n->doubled);
}

/* The first seed is run twice: both runs must be the same to the last packet. */
static bool run_all(struct sim_site *site, const struct options *o, struct sim_counts *counts)
{
    char failure[1024];
    uint64_t fingerprint = 0, again = 0;
    for (uint64_t seed = o->from; seed - o->from < o->count; seed++) {
        if (!sim_run(site, seed, o->is_told, counts, &fingerprint, failure)) {
            printf("seed %" PRIu64 ": %s\nsee it again: sim_calls --seed %" PRIu64 "\n", seed,
                   failure, seed);
            return false;
        }
        if (seed > o->from || o->is_told) continue;
        if (!sim_run(site, seed, false, counts, &again, failure) || again != fingerprint) {
            printf("seed %" PRIu64 ": a second run was another one\n", seed);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options o = {.from = 1, .count = 100};
    struct sim_counts counts = {0};
    if (!read_options(argc, argv, &o)) {
        fprintf(stderr, "sim_calls [--from SEED] [--count N] | --seed SEED\n");
        return 2;
    }
    struct sim_site *site = sim_site_new();
    bool is_fine = run_all(site, &o, &counts);
    print_counts(&counts);
    sim_site_free(site);
    return is_fine ? 0 : 1;
}
