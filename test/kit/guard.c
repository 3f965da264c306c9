/* kit/guard.c - inputs that end at an unreadable page. */
#include "kit/kit.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Bytes of the readable pages for n bytes; one page even for none. */
static size_t room_for(size_t n)
{
    size_t page = page_size();
    return n ? (n + page - 1) / page * page : page;
}

struct str kit_guard(struct str s)
{
    size_t room = room_for(s.n);
    char *p = mmap(NULL, room + page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0);
    if (p == MAP_FAILED || mprotect(p + room, page_size(), PROT_NONE) != 0) {
        perror("kit_guard");
        abort();
    }
    char *copy = p + room - s.n;
    if (s.n) memcpy(copy, s.p, s.n);
    return str_of(copy, s.n);
}

void kit_guard_free(struct str s)
{
    if (!s.p) return;
    size_t room = room_for(s.n);
    union {
        const char *in;
        char *out;
    } end = {s.p + s.n}; /* our own mapping: the const was only lent */
    munmap(end.out - room, room + page_size());
}
