/* Any document: a configuration that is accepted has nodes, lines, ports and names that can be
 * written into a message. */
#include "base/check.h"
#include "phone/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct phone_config c;
    const char *why = NULL;
    arena_init(&a, NULL, 0, 16 << 20);
    if (phone_config_parse((struct str){(const char *)data, size}, &a, &c, &why) == RC_OK) {
        CHECK(c.node_count >= 1 && c.node_count <= PHONE_NODE_MAX);
        CHECK(c.line_count >= 1 && c.line_count <= PHONE_LINE_MAX);
        for (size_t i = 0; i < c.node_count; i++) {
            CHECK(c.nodes[i].name.n > 0 && str_find_char(c.nodes[i].name, '\n') < 0);
            CHECK(phone_config_route(&c, i).port > 0);
        }
        for (size_t i = 0; i < c.line_count; i++)
            CHECK(c.lines[i].contact.n > 0 && str_find_char(c.lines[i].contact, '>') < 0);
    } else {
        CHECK(why && *why);
    }
    arena_fini(&a);
    return 0;
}
