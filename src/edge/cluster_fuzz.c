#include "base/check.h"
#include "edge/cluster.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct arena a;
    struct edge_feed feed = {.cluster = NULL};
    const char *what = NULL;
    arena_init(&a, NULL, 0, 1 << 20);
    enum rc rc = edge_feed_read(str_of((const char *)p, n), &a, &feed, &what);
    if (rc == RC_OK) {
        CHECK(feed.version.n > 0);
        if (feed.cluster) CHECK(feed.cluster->node_count > 0 && feed.cluster->nodes[0].host.n > 0);
        edge_cluster_unref(feed.cluster);
    } else if (rc == RC_MALFORMED) {
        CHECK(what != NULL);
    }
    arena_fini(&a);
    return 0;
}
