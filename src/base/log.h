/* base/log.h - structured log lines: one event name, then key=value fields. Values are escaped
 * (a peer's text cannot forge a line). Tokens, keys and passwords are never fields. Thread-safe:
 * one line is one call of the sink.
 *
 *   log_info(log, "register.refused", LOG_STR("device", name), LOG_INT("port", 5090),
 *            LOG_CSTR("why", "a b"));
 *   2026-03-30T11:03:31.120Z info event=register.refused device=CSFrado port=5090 why="a b" */
#ifndef BASE_LOG_H
#define BASE_LOG_H
#include "base/clock.h"
#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum log_kind { LOG_KIND_STR, LOG_KIND_INT };

struct log_field {
    const char *key;
    enum log_kind kind;
    struct str s;
    int64_t i;
};

struct log {
    enum log_level level; /* lines above it are dropped before they are printed */
    struct clock clock;   /* unix_ms for the time stamp */
    void (*sink)(void *ctx, enum log_level level, struct str line); /* line without newline */
    void *ctx;
};

#define LOG_STR(k, v)  ((struct log_field){.key = (k), .kind = LOG_KIND_STR, .s = (v)})
#define LOG_CSTR(k, v) ((struct log_field){.key = (k), .kind = LOG_KIND_STR, .s = str_from(v)})
#define LOG_INT(k, v)  ((struct log_field){.key = (k), .kind = LOG_KIND_INT, .i = (int64_t)(v)})

/* log may be NULL: nothing is written. Lines are cut at LOG_LINE_MAX bytes. */
enum { LOG_LINE_MAX = 4096 };
void log_write(const struct log *log, enum log_level level, const char *event,
               const struct log_field *fields, size_t field_count);

/* clang-format off */
#define LOG_FIELDS(...) (const struct log_field[]){__VA_ARGS__}
/* clang-format on */
#define LOG_WRITE(log, level, event, ...)                                                          \
    log_write((log), (level), (event), LOG_FIELDS(__VA_ARGS__),                                    \
              sizeof(LOG_FIELDS(__VA_ARGS__)) / sizeof(struct log_field))
#define log_error(log, event, ...) LOG_WRITE(log, LOG_ERROR, event, __VA_ARGS__)
#define log_warn(log, event, ...)  LOG_WRITE(log, LOG_WARN, event, __VA_ARGS__)
#define log_info(log, event, ...)  LOG_WRITE(log, LOG_INFO, event, __VA_ARGS__)
#define log_debug(log, event, ...) LOG_WRITE(log, LOG_DEBUG, event, __VA_ARGS__)

#endif
