#include "admin/command.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct command_words words, again;
    struct arena a;
    struct str line;
    arena_init(&a, NULL, 0, 1 << 20);
    if (command_split(str_of((const char *)p, n), &a, &words) == RC_OK &&
        command_join(words.count, words.words, &a, &line) == RC_OK &&
        command_split(line, &a, &again) == RC_OK) {
        CHECK(words.count == again.count);
        for (int i = 0; i < words.count; i++)
            CHECK(strcmp(words.words[i], again.words[i]) == 0);
    }
    arena_fini(&a);
    return 0;
}
