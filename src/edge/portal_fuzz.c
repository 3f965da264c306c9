/* Targets from outside and texts between edges: whatever they are, a place inside is one that was named whole. */
#include "base/check.h"
#include "edge/portal.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct edge_errand_request request;
    static struct edge_errand_answer answer;
    struct edge_portal_place place;
    struct arena a;
    struct str text = str_of((const char *)p, n);
    arena_init(&a, NULL, 0, 8 << 20);
    if (edge_portal_read(text, &a, &place) == RC_OK && place.kind == EDGE_PORTAL_INSIDE) {
        CHECK(place.host.n > 0 && place.port != 0 && place.path.n > 0 && place.path.p[0] == '/');
        CHECK(str_find(place.path, STR("/..")) == STR_NPOS);
    }
    if (edge_errand_read_request(text, &a, &request) == RC_OK)
        CHECK(request.header_count <= EDGE_ERRAND_HEADERS_MAX &&
              request.body.n <= EDGE_ERRAND_BODY_MAX + 3);
    if (edge_errand_read_answer(text, &a, &answer) == RC_OK) CHECK(answer.status >= 200);
    arena_fini(&a);
    return 0;
}
