/* kit/fake.c - time, randomness, a log, texts and files as tests want them. */
#include "kit/kit.h"

#include <stdio.h>

enum { UNIX_2026_S = 1767225600 }; /* 2026-01-01T00:00:00Z */

static int64_t time_mono(void *ctx)
{
    return ((const struct kit_time *)ctx)->mono_ms;
}

static int64_t time_unix(void *ctx)
{
    return ((const struct kit_time *)ctx)->unix_ms;
}

struct clock kit_clock(struct kit_time *t)
{
    *t = (struct kit_time){.mono_ms = 1000, .unix_ms = (int64_t)UNIX_2026_S * 1000};
    return (struct clock){.mono_ms = time_mono, .unix_ms = time_unix, .ctx = t};
}

void kit_time_pass(struct kit_time *t, int64_t ms)
{
    t->mono_ms += ms;
    t->unix_ms += ms;
}

/* A 64-bit counter through a mixing function: equal seeds give equal bytes, nothing more. */
static void random_next(void *ctx, void *p, size_t n)
{
    struct kit_random *r = ctx;
    for (unsigned char *to = p; n-- > 0; to++) {
        uint64_t x = r->state += UINT64_C(0x9E3779B97F4A7C15);
        x = (x ^ x >> 32) * UINT64_C(0xD6E8FEB86659FD93);
        x = (x ^ x >> 32) * UINT64_C(0xD6E8FEB86659FD93);
        *to = (unsigned char)(x >> 56);
    }
}

struct random_source kit_random(struct kit_random *r, uint64_t seed)
{
    r->state = seed;
    return (struct random_source){.fill = random_next, .ctx = r};
}

/* Drops whole lines from the front until n bytes fit. */
static void log_make_room(struct kit_log *l, size_t n)
{
    while (l->n + n >= sizeof l->text) {
        const char *end = memchr(l->text, '\n', l->n);
        size_t gone = end ? (size_t)(end - l->text) + 1 : l->n;
        memmove(l->text, l->text + gone, l->n - gone);
        l->n -= gone;
    }
}

static void log_keep(void *ctx, enum log_level level, struct str line)
{
    struct kit_log *l = ctx;
    (void)level;
    log_make_room(l, line.n + 1);
    memcpy(l->text + l->n, line.p, line.n);
    l->n += line.n;
    l->text[l->n++] = '\n';
    l->text[l->n] = '\0';
}

struct log kit_log(struct kit_log *l)
{
    l->n = 0;
    l->text[0] = '\0';
    return (struct log){
        .level = LOG_DEBUG, .clock = kit_clock(&l->time), .sink = log_keep, .ctx = l};
}

int kit_log_has(const struct kit_log *l, const char *needle)
{
    return strstr(l->text, needle) != NULL;
}

/* strndup is the C library's own and never made to fail. */
void kit_assert_str(const char *expected, struct str actual, const char *file, int line)
{
    if (str_eq(str_from(expected), actual)) return;
    char *shown = strndup(actual.p ? actual.p : "", actual.n);
    print_error("\"%s\" (%zu bytes) != \"%s\" (%zu bytes)\n", expected, strlen(expected), shown,
                actual.n);
    free(shown);
    _fail(file, line);
}

static FILE *data_open(const char *path)
{
    const char *folders[] = {getenv("KIT_DATA"), "data", "../data"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char full[4096];
        if (!folders[i]) continue;
        snprintf(full, sizeof full, "%s/%s", folders[i], path);
        FILE *f = fopen(full, "rb");
        if (f) return f;
    }
    fail_msg("no file data/%s (is KIT_DATA set?)", path);
    return NULL;
}

struct str kit_data(const char *path)
{
    FILE *f = data_open(path);
    size_t n = 0, cap = 65536;
    char *text = malloc(cap);
    assert_non_null(text);
    for (size_t got; (got = fread(text + n, 1, cap - n, f)) > 0;) {
        n += got;
        if (n < cap) continue;
        text = realloc(text, cap *= 2);
        assert_non_null(text);
    }
    assert_false(ferror(f));
    fclose(f);
    return str_of(text, n);
}
